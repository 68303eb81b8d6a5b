//! The product from outside: what a test says, and the servers it says it to.
//!
//! `e2e/` holds the tests, `bench/` the benchmarks; both speak in the words of
//! this library. It starts the real `packd`, runs the real `packctl`, and
//! serves real archives with nginx. Only misbehaviour that no real server
//! offers is simulated ([`Fault`], [`Liar`]). Each test has folders of its own, and no
//! exchange over the socket goes unchecked against `docs/openapi.json`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(
    clippy::missing_panics_doc,
    reason = "everything here panics when the test it serves has failed"
)]
#![expect(
    clippy::must_use_candidate,
    reason = "what insists on something is called for that, and gives itself back for more"
)]

pub mod fuzzing;
pub mod support;

pub use support::{
    clock::Clock,
    events::EventStream,
    fault::Fault,
    git_site::{GitDaemon, GitSite, Sshd},
    http::{Answer, Connection, Request},
    index::Index,
    liar::{Liar, Manner},
    packd::Packd,
    packs::{Archive, Format, PackTree},
    people::Person,
    process::{PATIENCE, Ran},
    publisher::Publisher,
    repository::Repository,
    settings::Settings,
    site::{PASSWORD, Site},
    strace::Strace,
    tree::Tree,
};
