//! `packd-runner`: runs a pack's own tests, and reads what came of them.
//!
//! What is to be run stands in `testing:` of the pack's manifest, which `packd-format` reads. [`run()`] takes the folder
//! of a pack and gives a [`Report`]:
//!
//! ```text
//! plan       runners and discovery -> suites, in the declared order
//! program    a suite -> one program with arguments, folder and environment
//! process    starts it, reads its output, ends it and all that it left behind
//! result     its output, or the file that it wrote -> counts and cases
//! verdict    how it ended and what it says -> what holds
//! report     all suites together, and what that means for an install
//! ask        one program that prints something at once: the version of a runtime
//! command    one program in a sandbox, with what it writes
//! ```
//!
//! It is synchronous: a caller with an event loop gives it a thread. It is no sandbox. A pack's tests are code of a
//! stranger; whoever runs them where that matters puts the program of a [`sandbox`] before theirs
//! (`docs/adr/0003-a-crate-that-runs-tests.md`, `docs/adr/0005-a-sandbox-in-the-same-program.md`).

mod ask;
mod command;
mod options;
mod plan;
mod process;
mod program;
mod report;
mod result;
mod run;
pub mod sandbox;
mod scratch;
mod verdict;

pub use ask::{Said, ask, find};
pub use command::{Command, CommandEnd, CommandError, Done};
pub use options::{Cancel, Environment, Options, Orphans};
pub use report::{CaseStatus, Gate, Outcome, Report, Status, TestCase, TestSuite};
pub use run::{Event, RunError, run};
