//! What is wrong with a configuration: everything at once, each with its place.

use std::fmt;

use packd_wire::ErrorKind;

use super::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is written. [`Origin::Default`] when it is about something that is not written anywhere.
    pub origin: Origin,
    /// What is wrong, naming the key.
    pub message: String,
}

impl Problem {
    pub(super) fn new(origin: Origin, message: impl Into<String>) -> Self {
        Self {
            origin,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => f.write_str(&self.message),
            origin => write!(f, "{origin}: {}", self.message),
        }
    }
}

/// A configuration that cannot be used, with every reason there is. Whoever shows it shows
/// [`ConfigError::problems`], which are many where a source would be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub(super) problems: Vec<Problem>,
}

impl ConfigError {
    /// Everything that is wrong, in the order it is written.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The stable name sent over the API.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidConfig
    }

    /// What to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("`packd --check-config` lists what is wrong and what is in force".to_owned())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot use the configuration")
    }
}

impl std::error::Error for ConfigError {}
