//! Versions: semantic ones, and what the ecosystems write instead of them.
//!
//! Reading is lenient where the meaning is plain (`v1.2.3`, `1.10`, `2`) and says what it changed; the
//! result is always a whole semantic version.

use semver::Version;

use crate::name::shown;

#[cfg(test)]
mod tests;

/// The longest version, in bytes: it becomes part of a file name.
pub const MAX_LENGTH: usize = 128;

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Nothing is there.
    #[error("the version is empty")]
    Empty,
    /// More than [`MAX_LENGTH`] bytes.
    #[error("version `{shown}` is longer than {MAX_LENGTH} characters")]
    TooLong {
        /// Its beginning.
        shown: String,
    },
    /// It is not of the form `MAJOR.MINOR.PATCH[-PRE][+BUILD]`.
    #[error("`{shown}` is not a semantic version: {why}")]
    Malformed {
        /// The text, printable.
        shown: String,
        /// What the rules say about it.
        why: String,
    },
}

impl VersionError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty | Self::Malformed { .. } => {
                Some("a version has three numbers, for example `1.2.0`".to_owned())
            }
            Self::TooLong { .. } => None,
        }
    }
}

/// Reads a version, and says what had to be changed to make it a semantic one.
///
/// A leading `v` is dropped, missing numbers are zero: `v1.2.3` is 1.2.3, `1.10` is 1.10.0, `2` is 2.0.0.
///
/// # Errors
/// [`VersionError`] when there is no such reading.
pub fn parse(text: &str) -> Result<(Version, Option<String>), VersionError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(VersionError::Empty);
    }
    if text.len() > MAX_LENGTH {
        return Err(VersionError::TooLong { shown: shown(text) });
    }
    let whole = fill(text);
    match Version::parse(&whole) {
        Ok(version) if whole == text => Ok((version, None)),
        Ok(version) => {
            let warning = format!("version `{}` is read as `{version}`", shown(text));
            Ok((version, Some(warning)))
        }
        Err(error) => Err(VersionError::Malformed {
            shown: shown(text),
            why: error.to_string(),
        }),
    }
}

/// The text without its `v`, and with zeros where numbers are missing.
fn fill(text: &str) -> String {
    let text = match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    };
    let numbers = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, suffix) = text.split_at(numbers);
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    format!("{numbers}{missing}{suffix}")
}
