//! YAML from strangers as a tree of bounded size, each node with its position.
//!
//! Scalars keep the text that was written: `1.10` is `1.10`, whatever a schema would make of it. Bounds are
//! on bytes, depth, nodes, and everything that aliases can multiply; they hold in time and in memory.

mod read;

use std::fmt;

pub use self::read::{parse, parse_usual};

/// A place in a file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins.
    pub at: Position,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, or a null.
    Null,
    /// A quoted or otherwise unmistakable text.
    Text(String),
    /// An unquoted number or truth value, as it was written.
    Plain(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it begins.
    pub at: Position,
}

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// It is too large to be looked at.
    #[error("{at}: it is longer than the {limit} bytes that are allowed")]
    TooLarge {
        /// Where the first byte beyond the bound is.
        at: Position,
        /// The bound.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("{at}: it is not UTF-8 text{guess}")]
    Encoding {
        /// Where the first byte is that is not.
        at: Position,
        /// What it looks like instead; empty, or beginning with a comma.
        guess: &'static str,
    },
    /// A character that no text file has.
    #[error("{at}: control character U+{code:04X}")]
    Control {
        /// Where.
        at: Position,
        /// Which.
        code: u32,
    },
    /// It breaks the rules of YAML, or a bound.
    #[error("{}{why}", at.map(|at| format!("{at}: ")).unwrap_or_default())]
    Syntax {
        /// Where.
        at: Option<Position>,
        /// What.
        why: String,
    },
}

impl YamlError {
    /// Where in the file it is.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TooLarge { at, .. } | Self::Encoding { at, .. } | Self::Control { at, .. } => {
                Some(*at)
            }
            Self::Syntax { at, .. } => *at,
        }
    }

    /// What is wrong, without the place, for those who show it apart.
    #[must_use]
    pub fn without_place(&self) -> String {
        match self {
            Self::TooLarge { limit, .. } => {
                format!("it is longer than the {limit} bytes that are allowed")
            }
            Self::Encoding { guess, .. } => format!("it is not UTF-8 text{guess}"),
            Self::Control { code, .. } => format!("control character U+{code:04X}"),
            Self::Syntax { why, .. } => why.clone(),
        }
    }

    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::Encoding { .. }).then(|| "save the file as UTF-8".to_owned())
    }
}

impl Node {
    /// What kind of thing it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Text(_) | Value::Plain(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The elements of a list.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Null | Value::Text(_) | Value::Plain(_) | Value::Map(_) => None,
        }
    }

    /// The keys and values of a mapping.
    #[must_use]
    pub fn map(&self) -> Option<&[(Key, Self)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Null | Value::Text(_) | Value::Plain(_) | Value::List(_) => None,
        }
    }

    /// The value of a key, if this is a mapping that has it and it is not null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let (_, value) = self
            .map()?
            .iter()
            .rev()
            .find(|(name, _)| name.text == key)?;
        (!value.is_null()).then_some(value)
    }

    /// The node as JSON, where numbers and truth values are what YAML 1.2 says they are, unless JSON would write the
    /// number otherwise: `1.10`, `1e3`, `010`, `0x10` and integers beyond 64 bits stay the text that was written.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Text(text) => text.as_str().into(),
            Value::Plain(text) => plain_to_json(text),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.text.clone(), value.to_json()))
                .collect(),
        }
    }
}

fn plain_to_json(text: &str) -> serde_json::Value {
    match text {
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => match text.parse::<serde_json::Number>() {
            Ok(number) if number.to_string() == text => number.into(),
            Ok(_) | Err(_) => text.into(),
        },
    }
}
