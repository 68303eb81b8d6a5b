//! A sample of what `tests/crash/all` does, the same each time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod points;
mod soak;
mod traced;
mod updates;
