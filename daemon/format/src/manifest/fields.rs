//! Reading the keys of a mapping: strictly where it decides something, with a warning where it describes.

use std::fmt;

use super::ManifestError;
use super::yaml::{Node, Position, Value};
use crate::name::{cut, shown};

/// The longest text that describes, in bytes; longer ones are cut.
const MAX_TEXT: usize = 16 * 1024;

/// The most elements of a list that describes.
const MAX_ITEMS: usize = 256;

/// Something that is odd, but not in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// Where it is, unless it is about the file as a whole.
    pub(crate) at: Option<Position>,
    /// What it is.
    pub(crate) text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "`pack.yaml`, {at}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The most errors that are kept of one file.
const MAX_ERRORS: usize = 64;

/// A mapping, and what was wrong and what was odd about it so far.
pub(super) struct Fields<'a> {
    root: &'a Node,
    pub(super) errors: Vec<ManifestError>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(root: &'a Node) -> Self {
        Self {
            root,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The value, or nothing and one error more.
    pub(super) fn keep<T>(&mut self, result: Result<T, ManifestError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                if self.errors.len() < MAX_ERRORS {
                    self.errors.push(error);
                }
                None
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.root.get(key)
    }

    pub(super) fn warn(&mut self, node: &Node, text: &str) {
        self.warnings.push(Warning {
            at: Some(node.at),
            text: text.to_owned(),
        });
    }

    /// As [`Fields::warn`], about the file as a whole.
    pub(super) fn note(&mut self, text: String) {
        self.warnings.push(Warning { at: None, text });
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<(&'a Node, &'a str), ManifestError> {
        let node = self.get(key).ok_or(ManifestError::Missing { key })?;
        let text = node.text().ok_or_else(|| wrong_kind(node, key, "a text"))?;
        if text.trim().is_empty() {
            return Err(ManifestError::Missing { key });
        }
        Ok((node, text))
    }

    /// A text that describes, from the first of some keys that has one.
    pub(super) fn text(&mut self, keys: &[&str]) -> Option<String> {
        for key in keys {
            let Some(node) = self.get(key) else { continue };
            match node.text().map(str::trim) {
                Some("") => {}
                Some(text) if text.len() > MAX_TEXT => {
                    self.warn(
                        node,
                        &format!("`{key}` is longer than {MAX_TEXT} bytes, and was cut"),
                    );
                    return Some(cut(text, MAX_TEXT).to_owned());
                }
                Some(text) => return Some(text.to_owned()),
                None => self.warn(
                    node,
                    &format!(
                        "`{key}` must be a text, not {}; it is left out",
                        node.kind()
                    ),
                ),
            }
        }
        None
    }

    /// A list of texts that describes. One text counts as a list of one.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(node) => self.texts_of(node, key),
            None => Vec::new(),
        }
    }

    /// As [`Fields::texts`], of a node that was found elsewhere.
    pub(super) fn texts_of(&mut self, node: &Node, key: &str) -> Vec<String> {
        let items = match &node.value {
            Value::Text(text) | Value::Plain(text) => {
                return text
                    .split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(str::to_owned)
                    .collect();
            }
            Value::List(items) => items,
            Value::Null | Value::Map(_) => {
                self.warn(
                    node,
                    &format!(
                        "`{key}` must be a list, not {}; it is left out",
                        node.kind()
                    ),
                );
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in items {
            match item.text().map(str::trim) {
                Some("") => {}
                Some(text) if texts.len() < MAX_ITEMS && text.len() <= MAX_TEXT => {
                    texts.push(text.to_owned());
                }
                Some(_) => {
                    self.warn(
                        item,
                        &format!("`{key}` is longer than is kept; the rest is left out"),
                    );
                    break;
                }
                None if item.is_null() => {}
                None => self.warn(
                    item,
                    &format!(
                        "`{key}` must hold texts, not {}; it is left out",
                        item.kind()
                    ),
                ),
            }
        }
        texts
    }

    /// A truth value. A mapping under the key means another thing, and counts as false.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool, ManifestError> {
        match self.get(key) {
            None => Ok(false),
            Some(node) if node.map().is_some() => Ok(false),
            Some(node) => truth(node, key),
        }
    }
}

/// Reads a truth value in the spellings of YAML 1.1 and 1.2.
pub(super) fn truth(node: &Node, key: &str) -> Result<bool, ManifestError> {
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "yes" | "on" | "y") => Ok(true),
        Some("false" | "no" | "off" | "n") => Ok(false),
        _ => Err(wrong_kind(node, key, "`true` or `false`")),
    }
}

pub(super) fn wrong_kind(node: &Node, key: &str, expected: &'static str) -> ManifestError {
    ManifestError::Kind {
        at: node.at,
        key: shown(key),
        expected,
        found: node.kind(),
    }
}

pub(super) fn wrong_value(node: &Node, key: &str, why: impl Into<String>) -> ManifestError {
    ManifestError::Value {
        at: node.at,
        key: shown(key),
        why: why.into(),
    }
}
