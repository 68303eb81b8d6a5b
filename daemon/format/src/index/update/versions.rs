//! The list `versions` of an entry: the other versions of a pack that are published, newest first.

use std::ops::Range;

use semver::Version;

use super::{ENTRY_KEYS, KEEPERS_KEYS, RELEASE_KEYS};
use crate::index::document::{Container, DocumentError};
use crate::index::edit::{Edits, Place, item};
use crate::index::entry::version_of;
use crate::index::layout::{Style, quoted};
use crate::index::members::Members;
use crate::index::written::Written;

/// The list while it is changed.
pub(super) struct Versions<'a> {
    text: &'a str,
    style: &'a Style,
    list: Option<Container>,
    /// Of each item that was there: its version as far as it can be read, and whether it stays.
    known: Vec<(Option<Version>, bool)>,
    added: Vec<(Version, Written)>,
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
    pub(super) fn keep(&mut self, version: Version, release: Written) {
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
        mut release: Written,
        published: Option<&str>,
    ) -> Result<(), DocumentError> {
        if let Some((_, known)) = self.added.iter_mut().find(|(known, _)| known == version) {
            for key in KEEPERS_KEYS {
                if let (Some(kept), None) = (known.get(key), release.get(key)) {
                    release.set(key, kept);
                }
            }
            *known = release;
            return Ok(());
        }
        if let Some(position) = self.position(version) {
            if let Some(object) = self.object(position) {
                return self.set(edits, &object, version, &release);
            }
            self.known[position].1 = false;
        } else if let Some(time) = published {
            release.add_before("yanked", "published_at", &quoted(time));
        }
        self.added.push((version.clone(), release));
        Ok(())
    }

    /// Takes a version off the list that is on the top level of the entry now. Where the list alone has keys of it,
    /// it stays for these, and says what the top level says.
    ///
    /// # Errors
    /// [`DocumentError::DuplicateKey`] when it is ambiguous as it stands.
    pub(super) fn raise(
        &mut self,
        edits: &mut Edits,
        version: &Version,
        release: &Written,
    ) -> Result<(), DocumentError> {
        for position in 0..self.known.len() {
            if self.known[position].0.as_ref() != Some(version) {
                continue;
            }
            match self.object(position) {
                Some(object) if has_own_keys(&object) => {
                    self.set(edits, &object, version, release)?;
                }
                _ => self.known[position].1 = false,
            }
        }
        Ok(())
    }

    /// An item that is an object.
    fn object(&self, position: usize) -> Option<Container> {
        let span = self.span(position)?;
        self.text[span.clone()]
            .starts_with('{')
            .then(|| Container::parse(self.text, span).ok())?
    }

    /// Gives an item the members of a release.
    fn set(
        &self,
        edits: &mut Edits,
        object: &Container,
        version: &Version,
        release: &Written,
    ) -> Result<(), DocumentError> {
        object.unambiguous(self.text, &format!("version {version}"))?;
        let mut members = Members::of(self.text, object, self.style);
        set_release(&mut members, edits, release);
        members.finish(edits);
        Ok(())
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
                let items: Vec<String> = added.iter().map(|(_, item)| item.to_json()).collect();
                let items = format!("[{}]", items.join(","));
                entry.set(edits, "versions", &items, &ENTRY_KEYS, None);
            }
            return;
        };
        let beside = list.items.len().saturating_sub(1);
        for (version, release) in self.added {
            let new = item(self.text, list, beside, &release.to_json(), self.style);
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

/// Whether an item has keys that no release has.
fn has_own_keys(item: &Container) -> bool {
    let mut keys = item.items.iter().filter_map(|item| item.key.as_ref());
    keys.any(|key| !RELEASE_KEYS.contains(&key.text.as_str()))
}

/// Gives a version the members of a release. What the release does not need any more goes, what only
/// whoever keeps the index says stays.
fn set_release(members: &mut Members<'_>, edits: &mut Edits, release: &Written) {
    for key in RELEASE_KEYS {
        match release.get(key) {
            Some(json) => members.set(edits, key, json, &RELEASE_KEYS, None),
            None if KEEPERS_KEYS.contains(&key) => {}
            None => members.remove(key),
        }
    }
}
