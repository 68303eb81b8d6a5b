//! packd ended, or failed by the system, wherever something on disk is half-done; the host must end the same.
//!
//! Two harnesses share the [scenarios](scenario::SCENARIOS). [`points`] knows the code: it ends packd at its named
//! points, and compares the end with that of an undisturbed run. [`traced`] knows nothing: it lets system calls fail,
//! or ends packd at them, and holds what is left against what every host must be.
//!
//! The tests take a sample, the same each time and spread over everything. `tests/crash/all` takes all.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(
    clippy::similar_names,
    reason = "`packd` and its `packs` are what the tests speak of"
)]
#![expect(
    clippy::must_use_candidate,
    reason = "what insists on something is called for that"
)]
#![expect(
    clippy::missing_panics_doc,
    reason = "everything here panics when the test it serves has failed"
)]

pub mod client;
pub mod facts;
pub mod points;
pub mod scenario;
pub mod scene;
pub mod soak;
pub mod sound;
pub mod traced;
