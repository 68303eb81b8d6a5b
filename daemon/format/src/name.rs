//! The ref of a pack: its name in requests, in indexes and on disk.
//!
//! A [`PackRef`] is the only form in which a name that came from outside may become part of a path. Its
//! grammar leaves no room for path syntax, for case folding or for letters that merely look alike.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// The longest ref, in bytes.
pub const MAX_LENGTH: usize = 64;

/// The ref of a pack: `^[a-z][a-z0-9_-]{0,63}$`.
///
/// ```
/// # use packd_format::PackRef;
/// assert_eq!("slack".parse::<PackRef>().unwrap().as_str(), "slack");
/// assert_eq!("aws.ec2".parse::<PackRef>().unwrap_err().suggestion.as_deref(), Some("aws_ec2"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackRef(Box<str>);

/// Why a text is no ref.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a pack ref: {why}")]
pub struct NameError {
    /// The text, escaped and shortened so that it can be printed.
    pub shown: String,
    /// Which rule it breaks.
    pub why: NameFault,
    /// The nearest ref that would be one, unless nothing of the text can be kept.
    pub suggestion: Option<String>,
}

/// The rule that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_LENGTH`] bytes.
    #[error("it is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// It begins with something other than a lower-case letter.
    #[error("it must begin with a lower-case letter")]
    Start,
    /// It holds something other than lower-case letters, digits, `_` and `-`.
    #[error("only lower-case letters, digits, `_` and `-` are allowed")]
    Character,
}

impl NameError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.suggestion.as_ref().map(|name| format!("use `{name}`"))
    }
}

impl PackRef {
    /// The ref as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is a ref.
    #[must_use]
    pub fn is_legal(text: &str) -> bool {
        fault(text).is_none()
    }
}

/// The first rule that a text breaks.
fn fault(text: &str) -> Option<NameFault> {
    let Some(first) = text.bytes().next() else {
        return Some(NameFault::Empty);
    };
    if text.len() > MAX_LENGTH {
        return Some(NameFault::TooLong);
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    {
        return Some(NameFault::Character);
    }
    (!first.is_ascii_lowercase()).then_some(NameFault::Start)
}

/// The nearest legal ref: lower case, everything illegal as one `_`, cut at the longest length.
fn nearest(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.chars().take(4 * MAX_LENGTH) {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-' {
            name.push(c);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    let mut name = name.trim_matches(['_', '-']).to_owned();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert_str(0, "pack_");
    }
    name.truncate(MAX_LENGTH);
    let name = name.trim_end_matches(['_', '-']);
    (PackRef::is_legal(name) && name != text).then(|| name.to_owned())
}

/// A text from outside in a form that can be printed: control characters escaped, at most 80 characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MOST {
            out.push('…');
            break;
        }
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The beginning of a text that has at most so many bytes.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most)
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    &text[..end]
}

impl FromStr for PackRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match fault(text) {
            None => Ok(Self(text.into())),
            Some(why) => Err(NameError {
                shown: shown(text),
                why,
                suggestion: nearest(text),
            }),
        }
    }
}

impl TryFrom<String> for PackRef {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        match fault(&text) {
            None => Ok(Self(text.into_boxed_str())),
            Some(_) => text.parse(),
        }
    }
}

impl From<PackRef> for String {
    fn from(name: PackRef) -> Self {
        name.0.into_string()
    }
}

impl fmt::Display for PackRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for PackRef {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PackRef {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for PackRef {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for PackRef {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
