//! Every promise of packd, tried from outside: one sentence, one test.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(
    clippy::similar_names,
    reason = "`packd` and its `packs` are what the tests speak of"
)]

mod ansible;
mod audit;
mod build;
mod change;
mod completions;
mod config;
mod contract;
mod corpus;
mod crash;
mod demo;
mod desired;
mod docs;
mod doctor;
mod events;
mod export;
mod folders;
mod gate;
mod gc;
mod git;
mod git_faults;
mod git_refusal;
mod health;
mod hold;
mod hooks;
mod hostile;
mod index;
mod install;
mod links;
mod lost;
mod lying;
mod managed;
mod metrics;
mod monitoring;
mod packages;
mod pipelines;
mod progress;
mod publish;
mod refusal;
mod registry;
mod registry_added;
mod repair;
mod resolve;
mod roles;
mod rollback;
mod routing;
mod runtimes;
mod sandbox;
mod schema;
mod service;
mod share;
mod sockets;
mod space;
mod stop;
mod stopped;
mod systemd;
mod test_gate;
mod threads;
mod trust;
mod update;
mod update_fails;
mod verify;
mod watched;
mod years;
