//! `packd --check-config`: what would be in force, or everything that is wrong.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::problem::Problem;
use super::{Config, ConfigError, Inputs, Origin, load};

/// What only the part that takes a value over can find wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The key: `net.ca_file`.
    pub key: &'static str,
    /// What is wrong, naming the key.
    pub message: String,
}

/// The text for stdout, and what to exit with. `takes_over` is what a start asks too before it goes on.
/// Nothing but the configuration, and files that it names, is touched.
#[must_use]
pub fn check(
    inputs: &Inputs,
    takes_over: impl FnOnce(&Config) -> Result<(), Objection>,
) -> (String, ExitCode) {
    let checked = load(inputs).and_then(|effective| match takes_over(&effective.config) {
        Ok(()) => Ok(effective),
        Err(Objection { key, message }) => {
            let origin = effective.origins.get(key).cloned();
            let problems = vec![Problem::new(origin.unwrap_or(Origin::Default), message)];
            Err(ConfigError { problems })
        }
    });
    match checked {
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
