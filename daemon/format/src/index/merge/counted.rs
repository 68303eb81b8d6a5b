//! `contents` that counts components, as Attune's older tools write it.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::word::{Kind, Object, Str};
use super::change::changed;
use super::convert;

/// What `contents` is, as far as Attune's own client minds.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Whether there is any.
    pub(super) is_there: bool,
    /// Whether it counts components where lists of them are read.
    pub(super) is_counted: bool,
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let contents = Object::<AnyCounted>::deserialize(deserializer)?;
        Ok(Self {
            is_there: !matches!(contents, Object::Absent | Object::Other(Kind::Null)),
            is_counted: match contents {
                Object::Is(AnyCounted(any)) => any,
                Object::Other(kind) => kind == Kind::Number,
                Object::Absent => false,
            },
        })
    }
}

/// Whether a value of an object is a number where it should be a list of components.
#[derive(Debug)]
struct AnyCounted(bool);

impl<'de> Deserialize<'de> for AnyCounted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountedVisitor;

        impl<'de> Visitor<'de> for CountedVisitor {
            type Value = AnyCounted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyCounted, A::Error> {
                let mut any = false;
                while let Some(Str(key)) = map.next_key()? {
                    let value: &RawValue = map.next_value()?;
                    any |= convert::KINDS.contains(&&*key) && Kind::of(value.get()) == Kind::Number;
                }
                Ok(AnyCounted(any))
            }
        }

        deserializer.deserialize_map(CountedVisitor)
    }
}

/// An entry with empty lists where its components are only counted.
pub(super) fn uncounted(text: &str) -> String {
    #[derive(Deserialize)]
    struct Counting {
        contents: Value,
    }
    let counting: Result<Counting, _> = serde_json::from_str(text);
    let mut contents = match counting.map(|counting| counting.contents) {
        Ok(Value::Object(contents)) => contents,
        Ok(_) | Err(_) => convert::KINDS
            .iter()
            .map(|kind| ((*kind).to_owned(), json!([])))
            .collect(),
    };
    for kind in convert::KINDS {
        if let Some(count) = contents.get_mut(kind).filter(|count| count.is_number()) {
            *count = json!([]);
        }
    }
    let contents = Value::from(contents).to_string();
    changed(text, &[("contents".to_owned(), Some(contents))])
}
