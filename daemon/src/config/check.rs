//! `packd --check-config`: what would be in force, or everything that is wrong.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::{Inputs, load};

/// The text for stdout, and what to exit with. Nothing but the configuration is touched.
#[must_use]
pub fn check(inputs: &Inputs) -> (String, ExitCode) {
    match load(inputs) {
        Ok(effective) => (effective.render(), ExitCode::SUCCESS),
        Err(error) => {
            let mut text = String::new();
            for problem in error.problems() {
                let written = writeln!(text, "{problem}");
                debug_assert!(written.is_ok(), "writing to a string cannot fail");
            }
            let count = error.problems().len();
            let noun = if count == 1 { "problem" } else { "problems" };
            let written = writeln!(
                text,
                "{count} {noun}; packd would not start with this configuration"
            );
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
            (text, ExitCode::FAILURE)
        }
    }
}
