//! An index as the text it is: where its members and its packs lie.
//!
//! [`read`](super::read) says what an index means, this says where each part of it stands, so that one part can
//! be changed and every other byte stays ([`edit`](super::edit)). One pass over the text finds the spans;
//! nothing is copied but the keys and the refs.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::layout::Style;
use super::lines::{self, offset_in, past_space};
use super::reader::{of_json, ref_of};
use super::{IndexError, MAX_ENTRIES};
use crate::name::shown;

#[cfg(test)]
mod tests;

/// Why a text cannot be edited as an index.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no index.
    #[error("Invalid index format")]
    Index(#[source] IndexError),
    /// It has no member `packs`, or that holds no packs.
    #[error("Invalid index format: missing 'packs' array")]
    NoPacks,
    /// An object has a key twice, so that nobody knows which of them counts.
    #[error("Invalid index format: {owner} has the key '{key}' twice, again in line {line}")]
    DuplicateKey {
        /// What has it: `the index`, `'packs'`, `the entry of 'slack'`.
        owner: String,
        /// The key, printable.
        key: String,
        /// The line of the second one, from 1.
        line: usize,
    },
}

impl DocumentError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Index(IndexError::Syntax { .. }) => {
                Some("`jq empty FILE` names the place too; the file was left as it is")
            }
            Self::Index(_) | Self::NoPacks => {
                Some("an index is an object with a list `packs`; `--init NAME URL` creates one")
            }
            Self::DuplicateKey { .. } => Some("remove one of the two by hand"),
        }
    }
}

/// An object or a list in a text. All positions are bytes of the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// From its opening bracket to behind its closing one.
    pub span: Range<usize>,
    /// What is in it, in order.
    pub items: Vec<Item>,
}

/// A member of an object, or an element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it goes by in an object.
    pub key: Option<Key>,
    /// Where the value is.
    pub value: Range<usize>,
}

/// The key of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What it says.
    pub text: String,
    /// Where it is, with its quotes.
    pub span: Range<usize>,
}

impl Item {
    /// Where it is: key and value.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        let start = self.key.as_ref().map_or(self.value.start, |k| k.span.start);
        start..self.value.end
    }

    fn is(&self, name: &str) -> bool {
        self.key.as_ref().is_some_and(|key| key.text == name)
    }
}

impl Container {
    /// Finds what is in an object or a list that lies at `span` of `text`.
    ///
    /// # Errors
    /// The JSON error when it is neither, or malformed.
    pub(super) fn parse(text: &str, span: Range<usize>) -> serde_json::Result<Self> {
        let mut items = Vec::new();
        let mut json = serde_json::Deserializer::from_str(&text[span.clone()]);
        let collect = Collect {
            text,
            items: &mut items,
            packs: None,
        };
        collect.deserialize(&mut json)?;
        json.end()?;
        Ok(Self { span, items })
    }

    /// The position of a member among the items.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.items.iter().position(|item| item.is(name))
    }

    /// The first key that an earlier member has too.
    pub(super) fn duplicate(&self) -> Option<&Key> {
        let mut seen = HashSet::with_capacity(self.items.len());
        let mut keys = self.items.iter().filter_map(|item| item.key.as_ref());
        keys.find(|key| !seen.insert(key.text.as_str()))
    }

    /// Refuses an object that has a key twice.
    pub(super) fn unambiguous(&self, text: &str, owner: &str) -> Result<(), DocumentError> {
        match self.duplicate() {
            None => Ok(()),
            Some(key) => Err(DocumentError::DuplicateKey {
                owner: owner.to_owned(),
                key: shown(&key.text),
                line: lines::position(text, key.span.start).0,
            }),
        }
    }
}

/// Whether the packs are a list or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A list, as Attune has it.
    List,
    /// An object from refs to packs, as StackStorm has it.
    Map,
}

/// A text that is an index, and where its parts lie.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
    top: Container,
    packs: Container,
    refs: Vec<Option<String>>,
    form: Form,
    style: Style,
}

impl<'a> Document<'a> {
    /// Finds the parts of an index. A byte order mark at its beginning stays where it is.
    ///
    /// # Errors
    /// [`DocumentError`]. Entries are not judged here; they need not even be objects.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        let text =
            std::str::from_utf8(bytes).map_err(|_| DocumentError::Index(IndexError::Encoding))?;
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (mut members, mut items) = (Vec::new(), Vec::new());
        let mut json = serde_json::Deserializer::from_str(body);
        let collect = Collect {
            text,
            items: &mut members,
            packs: Some(&mut items),
        };
        let read = collect.deserialize(&mut json).and_then(|()| json.end());
        read.map_err(|error| DocumentError::Index(of_json(&error)))?;
        if items.len() > MAX_ENTRIES {
            return Err(DocumentError::Index(IndexError::TooMany));
        }

        let open = past_space(text, text.len() - body.len());
        let top = Container {
            span: open..text.trim_end().len(),
            items: members,
        };
        top.unambiguous(text, "the index")?;
        let at = top.find("packs");
        let at = at.filter(|&at| opens(text, top.items[at].value.start));
        let at = at.ok_or(DocumentError::NoPacks)?;
        let packs = Container {
            span: top.items[at].value.clone(),
            items,
        };
        packs.unambiguous(text, "'packs'")?;
        let form = if text.as_bytes()[packs.span.start] == b'[' {
            Form::List
        } else {
            Form::Map
        };
        let refs = packs.items.iter().map(|item| match &item.key {
            Some(key) => Some(key.text.clone()),
            None => ref_of(&text[item.value.clone()]),
        });
        Ok(Self {
            text,
            refs: refs.collect(),
            form,
            style: Style::of_document(text, &top, &packs),
            top,
            packs,
        })
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The members of the top level.
    #[must_use]
    pub fn top(&self) -> &Container {
        &self.top
    }

    /// The packs.
    #[must_use]
    pub fn packs(&self) -> &Container {
        &self.packs
    }

    /// Whether they are a list or an object.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// How the text is laid out.
    #[must_use]
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// The refs of the packs, in order; nothing for one that does not say it.
    pub fn refs(&self) -> impl Iterator<Item = Option<&str>> {
        self.refs.iter().map(Option::as_deref)
    }

    /// The positions of the packs that go by a ref.
    #[must_use]
    pub fn find(&self, pack_ref: &str) -> Vec<usize> {
        let all = self.refs().enumerate();
        all.filter(|(_, name)| *name == Some(pack_ref))
            .map(|(position, _)| position)
            .collect()
    }

    /// The refs that several packs have, each with the lines these begin on.
    #[must_use]
    pub fn duplicate_refs(&self) -> Vec<(&str, Vec<usize>)> {
        let mut positions: HashMap<&str, Vec<usize>> = HashMap::with_capacity(self.refs.len());
        for (position, name) in self.refs().enumerate() {
            if let Some(name) = name {
                positions.entry(name).or_default().push(position);
            }
        }
        positions.retain(|_, positions| positions.len() > 1);
        let mut duplicates: Vec<_> = positions.into_iter().collect();
        duplicates.sort_unstable_by_key(|(_, positions)| positions[0]);
        duplicates
            .into_iter()
            .map(|(name, positions)| (name, positions.iter().map(|&at| self.line(at)).collect()))
            .collect()
    }

    /// The line that a pack begins on, from 1.
    #[must_use]
    pub fn line(&self, position: usize) -> usize {
        lines::position(self.text, self.packs.items[position].span().start).0
    }
}

/// Whether a list or an object begins there.
fn opens(text: &str, at: usize) -> bool {
    matches!(text.as_bytes().get(at), Some(b'[' | b'{'))
}

/// Collects where the members of an object, or the elements of a list, lie.
struct Collect<'c> {
    /// What all positions count from. What is read is a part of it.
    text: &'c str,
    items: &'c mut Vec<Item>,
    /// On the top level: where the items of the member `packs` go.
    packs: Option<&'c mut Vec<Item>>,
}

impl Collect<'_> {
    fn span(&self, part: &RawValue) -> Range<usize> {
        let start = offset_in(self.text, part.get());
        start..start + part.get().len()
    }
}

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.packs {
            Some(_) => "an index, which is an object with `packs`",
            None => "a list or an object",
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.packs.is_some() {
            return Err(A::Error::custom("it is a list and no object"));
        }
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            let value = self.span(raw);
            self.items.push(Item { key: None, value });
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(raw) = map.next_key::<&'de RawValue>()? {
            let key = Key {
                text: serde_json::from_str(raw.get()).map_err(A::Error::custom)?,
                span: self.span(raw),
            };
            let colon = past_space(self.text, key.span.end);
            let start = past_space(self.text, colon + 1);
            let packs = self
                .packs
                .take_if(|_| key.text == "packs" && opens(self.text, start));
            let value = if let Some(items) = packs {
                map.next_value_seed(Collect {
                    text: self.text,
                    items: &mut *items,
                    packs: None,
                })?;
                let last = items.last().map_or(start + 1, |item| item.value.end);
                start..past_space(self.text, last) + 1
            } else {
                self.span(map.next_value::<&'de RawValue>()?)
            };
            self.items.push(Item {
                key: Some(key),
                value,
            });
        }
        Ok(())
    }
}
