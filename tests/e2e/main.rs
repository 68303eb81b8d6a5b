//! Every promise of packd, tried from outside: one sentence, one test.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(
    clippy::similar_names,
    reason = "`packd` and its `packs` are what the tests speak of"
)]

mod build;
mod change;
mod config;
mod contract;
mod corpus;
mod crash;
mod demo;
mod events;
mod folders;
mod gc;
mod git;
mod git_faults;
mod git_refusal;
mod hold;
mod hostile;
mod index;
mod install;
mod lost;
mod lying;
mod metrics;
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
mod runtimes;
mod sandbox;
mod schema;
mod service;
mod share;
mod space;
mod stop;
mod stopped;
mod systemd;
mod test_gate;
mod threads;
mod trust;
mod verify;
mod years;
