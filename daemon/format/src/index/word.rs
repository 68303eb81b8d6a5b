//! Values of any kind, borrowed from the text: what they are is judged later, so that reading never fails.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that should be a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// The key is not there.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
    /// `null`.
    Null,
    /// Of another kind.
    Other(Kind),
}

/// A value that should be a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Words<'a> {
    /// The key is not there.
    #[default]
    Absent,
    /// A list.
    List(Vec<Word<'a>>),
    /// `null`.
    Null,
    /// Of another kind.
    Other(Kind),
}

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
    List,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "`null`",
            Self::Bool => "a truth value",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

impl Kind {
    /// The kind of a value, from its first character.
    pub(super) fn of(raw: &str) -> Self {
        match raw.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::Text,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }
}

impl Word<'_> {
    /// The text, where it is one and not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;

        impl<'de> Visitor<'de> for WordVisitor {
            type Value = Word<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Word<'de>, E> {
                Ok(Word::Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Word<'de>, E> {
                Ok(Word::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Word<'de>, E> {
                Ok(Word::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Word<'de>, E> {
                Ok(Word::Other(Kind::Bool))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Word<'de>, E> {
                Ok(Word::Other(Kind::Number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Word<'de>, E> {
                Ok(Word::Other(Kind::Number))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Word<'de>, E> {
                Ok(Word::Other(Kind::Number))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Word<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Word::Other(Kind::List))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Word::Other(Kind::Object))
            }
        }

        deserializer.deserialize_any(WordVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Words<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;

        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }

            fn visit_str<E>(self, _: &str) -> Result<Words<'de>, E> {
                Ok(Words::Other(Kind::Text))
            }

            fn visit_unit<E>(self) -> Result<Words<'de>, E> {
                Ok(Words::Null)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Words<'de>, E> {
                Ok(Words::Other(Kind::Bool))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Words<'de>, E> {
                Ok(Words::Other(Kind::Number))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Words<'de>, E> {
                Ok(Words::Other(Kind::Number))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Words<'de>, E> {
                Ok(Words::Other(Kind::Number))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words<'de>, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Words::List(words))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Words::Other(Kind::Object))
            }
        }

        deserializer.deserialize_any(WordsVisitor)
    }
}
