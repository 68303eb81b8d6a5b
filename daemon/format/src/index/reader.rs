//! The one pass over an index.

use std::collections::HashSet;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::lenient::Text;
use super::lines::Lines;
use super::{Entry, EntryError, IndexError, MAX_ENTRIES};
use crate::error::chain;
use crate::name::{PackRef, shown};

/// What an index says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// `registry_name`
    pub name: Option<String>,
    /// `registry_url`
    pub url: Option<String>,
    /// `version` of the format.
    pub format: Option<String>,
    /// `last_updated` or `generated_at`, as written.
    pub updated: Option<String>,
}

/// An entry, and the bytes it was read from.
#[derive(Debug)]
pub struct Found<'a> {
    /// The entry.
    pub entry: Entry,
    /// Its text in the index; [`Entry::parse`] with the ref as key reads it again.
    pub raw: &'a str,
    /// Where it is.
    pub position: Place,
    /// The line it begins on, from 1.
    pub line: usize,
}

/// An entry that was left out.
#[derive(Debug)]
pub struct Rejected {
    /// Where it is.
    pub position: Place,
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its ref or key as far as it could be read, printable.
    pub shown: Option<String>,
    /// Why it was left out.
    pub why: EntryError,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        if let (Place::Number(_), Some(shown)) = (&self.position, &self.shown) {
            write!(f, " `{shown}`")?;
        }
        write!(f, ", line {}: {}", self.line, chain(&self.why))
    }
}

/// Where an entry is in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a list, counted from 0.
    Number(usize),
    /// In a mapping.
    Key(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "packs[{number}]"),
            Self::Key(key) => write!(f, "packs.{}", shown(key)),
        }
    }
}

/// Reads an index, and hands on each entry as it comes.
///
/// Nothing is kept but the refs seen: of several entries with one ref the first counts. The texts of
/// [`Found`] borrow from `bytes`.
///
/// # Errors
/// [`IndexError`] when it is no index, possibly after entries were handed on.
pub fn read<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(Result<Found<'a>, Rejected>),
) -> Result<Header, IndexError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IndexError::Encoding)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut pass = Pass {
        lines: Lines::new(text),
        seen: HashSet::new(),
        count: 0,
        has_packs: false,
        header: Header::default(),
        each: &mut each,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let result = (&mut pass).deserialize(&mut json).and_then(|()| json.end());
    match result {
        Err(_) if pass.count > MAX_ENTRIES => Err(IndexError::TooMany),
        Err(error) => Err(of_json(&error)),
        Ok(()) if !pass.has_packs => Err(IndexError::Shape {
            why: "it has no `packs`".to_owned(),
        }),
        Ok(()) => Ok(pass.header),
    }
}

/// What a JSON error says about the index as a whole.
pub(super) fn of_json(error: &serde_json::Error) -> IndexError {
    let why = without_place(error);
    if error.is_data() {
        return IndexError::Shape { why };
    }
    IndexError::Syntax {
        line: error.line(),
        column: error.column(),
        why,
    }
}

/// The words of a JSON error without the place at their end.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text
        .rfind(" at line ")
        .map_or(text.as_str(), |end| &text[..end]);
    shown(words)
}

struct Pass<'a, 'f> {
    lines: Lines<'a>,
    seen: HashSet<PackRef>,
    count: usize,
    has_packs: bool,
    header: Header,
    each: &'f mut dyn FnMut(Result<Found<'a>, Rejected>),
}

impl<'a> Pass<'a, '_> {
    /// Judges one entry and hands it on.
    fn entry(&mut self, position: Place, raw: &'a RawValue) {
        let raw = raw.get();
        let line = self.lines.of(raw);
        let key = match &position {
            Place::Number(_) => None,
            Place::Key(key) => Some(key.as_str()),
        };
        let entry = Entry::parse(raw, key).and_then(|entry| {
            if self.seen.insert(entry.pack_ref.clone()) {
                Ok(entry)
            } else {
                Err(EntryError::Duplicate)
            }
        });
        (self.each)(match entry {
            Ok(entry) => Ok(Found {
                entry,
                raw,
                position,
                line,
            }),
            Err(why) => Err(Rejected {
                position,
                line,
                shown: named(raw),
                why,
            }),
        });
    }

    fn counted<E: serde::de::Error>(&mut self) -> Result<usize, E> {
        self.count += 1;
        if self.count > MAX_ENTRIES {
            Err(E::custom("too many entries"))
        } else {
            Ok(self.count - 1)
        }
    }
}

/// What a broken entry calls itself, if so much can be read.
fn named(raw: &str) -> Option<String> {
    ref_of(raw).map(|name| shown(&name))
}

/// The ref that an entry says it has, legal or not.
pub(super) fn ref_of(raw: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(default, rename = "ref")]
        name: Text,
    }
    let Named { name } = serde_json::from_str(raw).ok()?;
    name.0
}

/// The top level.
impl<'a> DeserializeSeed<'a> for &mut Pass<'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for &mut Pass<'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an index, which is an object with `packs`")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "packs" if self.has_packs => return Err(A::Error::custom("`packs` appears twice")),
                "packs" => {
                    self.has_packs = true;
                    map.next_value_seed(Packs(&mut *self))?;
                }
                "registry_name" => self.header.name = map.next_value::<Text>()?.0,
                "registry_url" => self.header.url = map.next_value::<Text>()?.0,
                "version" => self.header.format = map.next_value::<Text>()?.0,
                "last_updated" => self.header.updated = map.next_value::<Text>()?.0,
                "generated_at" => {
                    let generated = map.next_value::<Text>()?.0;
                    self.header.updated = self.header.updated.take().or(generated);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// The value of `packs`: a list (Attune) or a mapping (StackStorm).
struct Packs<'p, 'a, 'f>(&'p mut Pass<'a, 'f>);

impl<'a> DeserializeSeed<'a> for Packs<'_, 'a, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Packs<'_, 'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`packs` as a list or an object")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'a RawValue>()? {
            let number = self.0.counted()?;
            self.0.entry(Place::Number(number), raw);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            self.0.counted::<A::Error>()?;
            let raw = map.next_value::<&'a RawValue>()?;
            self.0.entry(Place::Key(key), raw);
        }
        Ok(())
    }
}
