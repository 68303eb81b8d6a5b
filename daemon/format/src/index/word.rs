//! Values of any kind, borrowed from the text: what they are is judged later, so that reading never fails.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A value that should be a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// The key is not there.
    #[default]
    Absent,
    /// A text.
    Text(Cow<'a, str>),
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
    /// Of another kind.
    Other(Kind),
}

/// A value that should be an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Object<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// An object.
    Is(T),
    /// Of another kind.
    Other(Kind),
}

/// A value that should be a list of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Objects<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// A list.
    List(Vec<Object<T>>),
    /// Of another kind.
    Other(Kind),
}

/// A value that should be a natural number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Natural {
    /// The key is not there.
    #[default]
    Absent,
    /// A natural number.
    Is(u64),
    /// Another number.
    Unnatural,
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

/// A text, borrowed where it has no escapes.
#[derive(Debug)]
pub(super) struct Str<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(value.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// A value that is there, even if it is `null`.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
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

/// What values of the kinds that are not wanted become.
macro_rules! others {
    ($($kind:ident)*) => {
        $(others!(@ $kind);)*
    };
    (@ Null) => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Null))
        }
    };
    (@ Bool) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Bool))
        }
    };
    (@ Number) => {
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Number))
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Number))
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Number))
        }
    };
    (@ Text) => {
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::Other(Kind::Text))
        }
    };
    (@ List) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::Other(Kind::List))
        }
    };
    (@ Object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::Other(Kind::Object))
        }
    };
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

            others!(Null Bool Number List Object);
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

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words<'de>, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Words::List(words))
            }

            others!(Null Bool Number Text Object);
        }

        deserializer.deserialize_any(WordsVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object::Is)
            }

            others!(Null Bool Number Text List);
        }

        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectsVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectsVisitor<T> {
            type Value = Objects<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Objects<T>, A::Error> {
                let mut objects = Vec::new();
                while let Some(object) = seq.next_element()? {
                    objects.push(object);
                }
                Ok(Objects::List(objects))
            }

            others!(Null Bool Number Text Object);
        }

        deserializer.deserialize_any(ObjectsVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Natural {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NaturalVisitor;

        impl<'de> Visitor<'de> for NaturalVisitor {
            type Value = Natural;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a natural number")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Natural, E> {
                Ok(Natural::Is(value))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Natural, E> {
                Ok(Natural::Unnatural)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Natural, E> {
                Ok(Natural::Unnatural)
            }

            others!(Null Bool Text List Object);
        }

        deserializer.deserialize_any(NaturalVisitor)
    }
}
