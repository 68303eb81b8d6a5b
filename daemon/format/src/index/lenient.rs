//! Values that describe, read as far as they can be: a wrong kind of value is no value.
//!
//! What decides something (versions, sources, checksums) is not read with these.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::contents::Contents;

/// The most elements that are kept of a list of texts.
const MAX_ITEMS: usize = 256;

/// The longest text, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// A text, or nothing. Numbers and truth values count as their text.
#[derive(Debug, Default, Clone)]
pub(super) struct Text(pub(super) Option<String>);

/// A list of texts. One text counts as a list of one; elements that are no text are left out.
#[derive(Debug, Default, Clone)]
pub(super) struct Texts(pub(super) Vec<String>);

/// A number of things: a number, a list of them, a mapping of them, or StackStorm's `{count, resources}`.
#[derive(Debug, Default, Clone, Copy)]
struct Count(u32);

/// Numbers of things by kind.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counts(pub(super) Contents);

/// Drains whatever is in a sequence.
fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<u32, A::Error> {
    let mut count = 0_u32;
    while seq.next_element::<IgnoredAny>()?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// Drains whatever is in a mapping.
fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<u32, A::Error> {
    let mut count = 0_u32;
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(count)
}

macro_rules! scalars_as_text {
    ($wrap:expr) => {
        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok($wrap(value.to_string()))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok($wrap(value.to_string()))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok($wrap(value.to_string()))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok($wrap(value.to_string()))
        }

        fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
            Ok($wrap(value.to_owned()))
        }

        fn visit_string<E>(self, value: String) -> Result<Self::Value, E> {
            Ok($wrap(value))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

impl Text {
    fn of(text: String) -> Self {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > MAX_TEXT {
            Self(None)
        } else if trimmed.len() == text.len() {
            Self(Some(text))
        } else {
            Self(Some(trimmed.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            scalars_as_text!(Text::of);

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text, A::Error> {
                drain_seq(seq).map(|_| Text(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                drain_map(map).map(|_| Text(None))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts")
            }

            scalars_as_text!(|text: String| Texts(Text::of(text).0.into_iter().collect()));

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    texts.extend(text.filter(|_| texts.len() < MAX_ITEMS));
                }
                Ok(Texts(texts))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Texts, A::Error> {
                drain_map(map).map(|_| Texts(Vec::new()))
            }
        }

        deserializer.deserialize_any(TextsVisitor)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of things")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
                Ok(Count(u32::try_from(value).unwrap_or(u32::MAX)))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_str<E>(self, _: &str) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(0))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Count, A::Error> {
                drain_seq(seq).map(Count)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                let (mut keys, mut counted) = (0_u32, None);
                while let Some(Text(key)) = map.next_key()? {
                    keys = keys.saturating_add(1);
                    if key.as_deref() == Some("count") {
                        counted = Some(map.next_value::<Count>()?.0);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Count(counted.unwrap_or(keys)))
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountsVisitor;

        impl<'de> Visitor<'de> for CountsVisitor {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("numbers of things by kind")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Contents::default();
                while let Some(Text(key)) = map.next_key()? {
                    let count = map.next_value::<Count>()?.0;
                    match key.as_deref() {
                        Some("actions") => counts.actions = count,
                        Some("sensors") => counts.sensors = count,
                        Some("triggers") => counts.triggers = count,
                        Some("rules") => counts.rules = count,
                        Some("workflows") => counts.workflows = count,
                        _ => {}
                    }
                }
                Ok(Counts(counts))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Counts, A::Error> {
                drain_seq(seq).map(|_| Counts::default())
            }

            fn visit_bool<E>(self, _: bool) -> Result<Counts, E> {
                Ok(Counts::default())
            }

            fn visit_u64<E>(self, _: u64) -> Result<Counts, E> {
                Ok(Counts::default())
            }

            fn visit_i64<E>(self, _: i64) -> Result<Counts, E> {
                Ok(Counts::default())
            }

            fn visit_f64<E>(self, _: f64) -> Result<Counts, E> {
                Ok(Counts::default())
            }

            fn visit_str<E>(self, _: &str) -> Result<Counts, E> {
                Ok(Counts::default())
            }

            fn visit_unit<E>(self) -> Result<Counts, E> {
                Ok(Counts::default())
            }
        }

        deserializer.deserialize_any(CountsVisitor)
    }
}
