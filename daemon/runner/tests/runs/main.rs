//! Real tests of real packs: scripts and Python files in a folder, run and judged.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod discovery;
mod formats;
mod pack;
mod processes;
mod verdicts;
