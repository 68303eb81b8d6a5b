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
        /// The version that is nearest to it.
        nearest: Option<String>,
    },
}

impl VersionError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Malformed {
                nearest: Some(nearest),
                ..
            } => Some(format!("write `{nearest}`")),
            Self::Empty | Self::Malformed { nearest: None, .. } => {
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
    match read(text) {
        Ok((version, whole)) if whole == text => Ok((version, None)),
        Ok((version, _)) => {
            let warning = format!("version `{}` is read as `{version}`", shown(text));
            Ok((version, Some(warning)))
        }
        Err(why) => Err(VersionError::Malformed {
            shown: shown(text),
            why,
            nearest: nearest(text),
        }),
    }
}

/// The version that a text means, and how it is written in full.
fn read(text: &str) -> Result<(Version, String), String> {
    let (numbers, suffix) = parts(text);
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    // `2024-01-01` and `1.2-3` mean something else than a pre-release of 2024.0.0 and of 1.2.0
    let dashed = suffix.strip_prefix('-');
    if !missing.is_empty()
        && dashed.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        return Err(format!(
            "numbers are missing before `{}`, and it does not say which",
            shown(suffix)
        ));
    }
    let whole = format!("{numbers}{missing}{suffix}");
    match Version::parse(&whole) {
        Ok(version) => Ok((version, whole)),
        Err(error) => Err(error.to_string()),
    }
}

/// The numbers of a version, without its `v`, and what follows them.
fn parts(text: &str) -> (&str, &str) {
    let text = match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    };
    text.split_at(text.find(['-', '+']).unwrap_or(text.len()))
}

/// The version that a text is with points for dashes and without leading zeros, if it is one then: of a date
/// its three numbers.
fn nearest(text: &str) -> Option<String> {
    [text.to_owned(), text.replace('-', ".")]
        .iter()
        .find_map(|text| {
            let (numbers, suffix) = parts(text);
            let numbers: Vec<&str> = numbers.split('.').map(without_zeros).collect();
            let (version, _) = read(&format!("{}{suffix}", numbers.join("."))).ok()?;
            Some(version.to_string())
        })
}

/// `01` as `1`, and `00` as `0`.
fn without_zeros(number: &str) -> &str {
    match number.trim_start_matches('0') {
        "" if !number.is_empty() => "0",
        rest => rest,
    }
}
