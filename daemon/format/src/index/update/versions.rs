//! The list `versions` of an entry: the other versions of a pack that are published, newest first.

use std::ops::Range;

use semver::Version;
use serde_json::{Map, Value};

use super::{ENTRY_KEYS, KEEPERS_KEYS, RELEASE_KEYS};
use crate::index::document::{Container, DocumentError};
use crate::index::edit::{Edits, Place, item};
use crate::index::entry::version_of;
use crate::index::layout::Style;
use crate::index::members::Members;

/// The list while it is changed.
pub(super) struct Versions<'a> {
    text: &'a str,
    style: &'a Style,
    list: Option<Container>,
    /// Of each item that was there: its version as far as it can be read, and whether it stays.
    known: Vec<(Option<Version>, bool)>,
    added: Vec<(Version, Map<String, Value>)>,
}

impl<'a> Versions<'a> {
    /// Reads the list at a span; none, or `null`, is an empty one.
    ///
    /// # Errors
    /// In words, when it is no list.
    pub(super) fn read(
        text: &'a str,
        span: Option<Range<usize>>,
        style: &'a Style,
    ) -> Result<Self, String> {
        let list = match span.map(|span| (&text[span.clone()], span)) {
            None | Some(("null", _)) => None,
            Some((written, span)) if written.starts_with('[') => {
                Some(Container::parse(text, span).map_err(|error| error.to_string())?)
            }
            Some(_) => return Err("its `versions` is no list".to_owned()),
        };
        let items = list.iter().flat_map(|list| &list.items);
        let known = items.map(|item| (version_of(&text[item.value.clone()]), true));
        Ok(Self {
            text,
            style,
            known: known.collect(),
            list,
            added: Vec::new(),
        })
    }

    /// The position of a version among the items.
    fn position(&self, version: &Version) -> Option<usize> {
        self.known
            .iter()
            .position(|(known, stays)| *stays && known.as_ref() == Some(version))
    }

    /// Whether a version is there.
    pub(super) fn has(&self, version: &Version) -> bool {
        self.position(version).is_some()
    }

    /// Where an item is in the text.
    fn span(&self, position: usize) -> Option<Range<usize>> {
        let list = self.list.as_ref()?;
        list.items.get(position).map(|item| item.value.clone())
    }

    /// The members of a version that is there, as they are written.
    pub(super) fn get(&self, version: &Version, key: &str) -> Option<&'a str> {
        let span = self.span(self.position(version)?)?;
        let object = Container::parse(self.text, span).ok()?;
        let value = object.items.get(object.find(key)?)?.value.clone();
        Some(&self.text[value])
    }

    /// Adds a version unless it is there.
    pub(super) fn keep(&mut self, version: Version, release: Map<String, Value>) {
        if self.position(&version).is_none() {
            self.added.push((version, release));
        }
    }

    /// Adds a version; where it is already, it gets these members and keeps those that only it has.
    /// `published` is the time of one that was not there before.
    ///
    /// # Errors
    /// [`DocumentError::DuplicateKey`] when it is ambiguous as it stands.
    pub(super) fn publish(
        &mut self,
        edits: &mut Edits,
        version: &Version,
        mut release: Map<String, Value>,
        published: Option<&str>,
    ) -> Result<(), DocumentError> {
        if let Some((_, known)) = self.added.iter_mut().find(|(known, _)| known == version) {
            let kept = KEEPERS_KEYS.map(|key| (key.to_owned(), known.remove(key)));
            for (key, value) in kept {
                if let Some(value) = value {
                    release.entry(key).or_insert(value);
                }
            }
            *known = release;
            return Ok(());
        }
        if let Some(position) = self.position(version) {
            let span = self.span(position).unwrap_or_default();
            if self.text[span.clone()].starts_with('{')
                && let Ok(object) = Container::parse(self.text, span)
            {
                object.unambiguous(self.text, &format!("version {version}"))?;
                let mut members = Members::of(self.text, &object, self.style);
                set_release(&mut members, edits, &release);
                members.finish(edits);
                return Ok(());
            }
            self.known[position].1 = false;
        } else if let Some(time) = published {
            let known = release.entry("published_at");
            known.or_insert_with(|| time.into());
        }
        self.added.push((version.clone(), release));
        Ok(())
    }

    /// Removes a version.
    pub(super) fn remove(&mut self, version: &Version) {
        while let Some(position) = self.position(version) {
            self.known[position].1 = false;
        }
    }

    /// Makes the changes: newest first, what has no readable version last; no list without versions.
    pub(super) fn finish(self, edits: &mut Edits, entry: &mut Members<'_>) {
        let has_changed = !self.added.is_empty() || self.known.iter().any(|(_, stays)| !stays);
        let old = self.known.into_iter().enumerate();
        let old = old.filter(|(_, (_, stays))| *stays);
        let mut all: Vec<(Option<Version>, Place)> = old
            .map(|(position, (version, _))| (version, Place::Old(position)))
            .collect();
        let Some(list) = &self.list else {
            let mut added = self.added;
            added.sort_by(|(one, _), (other, _)| other.cmp(one));
            if !added.is_empty() {
                let items: Value = added.into_iter().map(|(_, release)| release).collect();
                entry.set(edits, "versions", &items.to_string(), &ENTRY_KEYS, None);
            }
            return;
        };
        let beside = list.items.len().saturating_sub(1);
        for (version, release) in self.added {
            let json = Value::Object(release).to_string();
            let new = item(self.text, list, beside, &json, self.style);
            all.push((Some(version), Place::New(new)));
        }
        all.sort_by(|(one, _), (other, _)| other.cmp(one));
        if all.is_empty() && has_changed {
            return entry.remove("versions");
        }
        let wanted = all.into_iter().map(|(_, place)| place).collect();
        edits.arrange(self.text, list, wanted, self.style);
    }
}

/// Gives a version the members of a release. What the release does not need any more goes, what only
/// whoever keeps the index says stays.
fn set_release(members: &mut Members<'_>, edits: &mut Edits, release: &Map<String, Value>) {
    for key in RELEASE_KEYS {
        match release.get(key) {
            Some(value) => members.set(edits, key, &value.to_string(), &RELEASE_KEYS, None),
            None if KEEPERS_KEYS.contains(&key) => {}
            None => members.remove(key),
        }
    }
}
