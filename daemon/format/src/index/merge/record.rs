//! What is held of an entry while indexes are merged.

use std::borrow::Cow;
use std::ops::Range;

use semver::Version;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::edit::Edits;
use super::super::entry::{needs, scalar};
use super::super::layout::quoted;
use super::super::lines::offset_in;
use super::super::reader::without_place;
use super::super::walk::{At, Visit};
use super::super::word::{Word, present};
use super::super::{EntryError, MAX_ENTRY_BYTES};
use super::counted::{Counted, uncounted};
use super::marks::lacks_checksum;
use super::offer::is_behind;
use super::{MAX_NOTICES, convert};
use crate::error::chain;
use crate::name::{PackRef, shown};
use crate::version;

/// An entry that can be used.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// Its ref.
    pub(super) name: PackRef,
    /// The version on its top level.
    pub(super) version: Version,
    /// Its text, with whatever had to be changed for Attune's form.
    pub(super) text: Cow<'a, str>,
    /// Where its parts lie in the text.
    pub(super) parts: Parts,
    /// The number of the input.
    pub(super) input: u32,
    /// Its number in the input, and where it begins there in bytes.
    pub(super) number: usize,
    pub(super) start: usize,
    /// Whether a version below its top level belongs there.
    pub(super) is_behind: bool,
    /// Whether a source on its top level has no checksum.
    pub(super) lacks_checksum: bool,
}

/// Where the value of a member lies in the text of an entry; nowhere if it is empty.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    length: u32,
}

impl Span {
    fn of(text: &str, value: Option<&RawValue>) -> Self {
        let Some(value) = value else {
            return Self::default();
        };
        let number = |number: usize| u32::try_from(number).expect("an entry has at most 1 MiB");
        Self {
            start: number(offset_in(text, value.get())),
            length: number(value.get().len()),
        }
    }

    /// Its bytes in the text of the entry.
    pub(super) fn range(self) -> Option<Range<usize>> {
        let (start, length) = (self.start as usize, self.length as usize);
        (length > 0).then_some(start..start + length)
    }

    /// Its text, taken from that of the entry.
    pub(super) fn get(self, text: &str) -> Option<&str> {
        text.get(self.range()?)
    }
}

/// Where the parts of an entry lie that make a release of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    pub(super) version: Span,
    pub(super) install_sources: Span,
    pub(super) dependencies: Span,
    pub(super) runtime_deps: Span,
    pub(super) published_at: Span,
    pub(super) yanked: Span,
    pub(super) phased: Span,
    pub(super) versions: Span,
}

/// An entry as it is written, as far as it matters here.
#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "the keys below are those that may not come twice, as wherever entries are read"
)]
pub(super) struct Written<'a> {
    #[serde(borrow, default, rename = "ref", deserialize_with = "present")]
    name: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    install_sources: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    dependencies: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    runtime_deps: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    published_at: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    yanked: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    phased: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    versions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    repo_url: Word<'a>,
    #[serde(default)]
    label: Option<IgnoredAny>,
    #[serde(default, rename = "name")]
    title: Option<IgnoredAny>,
    #[serde(default)]
    description: Option<IgnoredAny>,
    #[serde(default)]
    use_case: Option<IgnoredAny>,
    #[serde(default)]
    author: Option<IgnoredAny>,
    #[serde(default)]
    email: Option<IgnoredAny>,
    #[serde(default)]
    license: Option<IgnoredAny>,
    #[serde(default)]
    homepage: Option<IgnoredAny>,
    #[serde(default)]
    repository: Option<IgnoredAny>,
    #[serde(default)]
    keywords: Option<IgnoredAny>,
    #[serde(default)]
    contents: Counted,
    #[serde(default)]
    content: Option<IgnoredAny>,
    #[serde(default)]
    stackstorm_version: Option<IgnoredAny>,
}

impl Written<'_> {
    /// Where its parts lie in its text.
    fn parts(&self, text: &str) -> Parts {
        Parts {
            version: Span::of(text, self.version),
            install_sources: Span::of(text, self.install_sources),
            dependencies: Span::of(text, self.dependencies),
            runtime_deps: Span::of(text, self.runtime_deps),
            published_at: Span::of(text, self.published_at),
            yanked: Span::of(text, self.yanked),
            phased: Span::of(text, self.phased),
            versions: Span::of(text, self.versions),
        }
    }

    /// What Attune's own client misses in it, in words: an index that it cannot read whole it does not read at all.
    fn unread(&self) -> Option<String> {
        let missing: Vec<String> = [
            ("label", self.label.is_some()),
            ("description", self.description.is_some()),
            ("author", self.author.is_some()),
            ("license", self.license.is_some()),
            ("runtime_deps", self.runtime_deps.is_some()),
            ("contents", self.contents.is_there),
        ]
        .into_iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(key, _)| format!("`{key}`"))
        .collect();
        (!missing.is_empty()).then(|| {
            format!(
                "it has no {}, without which Attune's own client reads nothing of the index",
                missing.join(", ")
            )
        })
    }

    /// Whether its only source is StackStorm's repository.
    fn is_stackstorm(&self) -> bool {
        self.install_sources.is_none() && self.repo_url.text().is_some()
    }
}

/// Something odd about an entry.
#[derive(Debug)]
pub(super) struct Oddity {
    pub(super) key: Option<String>,
    pub(super) number: usize,
    pub(super) start: usize,
    pub(super) shown: Option<String>,
    pub(super) why: String,
    pub(super) left_out: bool,
}

/// What is made of an entry beside copying it.
#[derive(Debug, Default)]
struct Changes {
    /// In words.
    said: Vec<String>,
    /// How many of its versions are lost.
    lost: usize,
}

/// Takes the entries of one piece of an index.
#[derive(Debug, Default)]
pub(super) struct Loader<'a> {
    pub(super) records: Vec<Record<'a>>,
    pub(super) oddities: Vec<Oddity>,
    pub(super) left_out: usize,
    /// How many versions could not be handed on.
    pub(super) lost: usize,
    /// How many oddities there are beyond those kept.
    pub(super) unsaid: usize,
}

impl<'a> Visit<'a> for Loader<'a> {
    type Entry = Written<'a>;

    fn entry(&mut self, at: At<'a>, entry: Result<Written<'a>, serde_json::Error>) {
        let named = entry.as_ref().ok().and_then(|written| written.name);
        let mut changes = Changes::default();
        match record(&at, entry, &mut changes) {
            Ok(record) => {
                self.lost += changes.lost;
                for why in changes.said {
                    self.odd(&at, Some(record.name.to_string()), why, false);
                }
                self.records.push(Record {
                    number: at.number,
                    start: at.start,
                    ..record
                });
            }
            Err(error) => {
                self.left_out += 1;
                let named = named.and_then(scalar).map(|name| shown(&name));
                self.odd(&at, named, chain(&error), true);
            }
        }
    }
}

impl Loader<'_> {
    fn odd(&mut self, at: &At<'_>, shown: Option<String>, why: String, left_out: bool) {
        if self.oddities.len() == MAX_NOTICES {
            self.unsaid += 1;
            return;
        }
        self.oddities.push(Oddity {
            key: at.key.as_deref().map(str::to_owned),
            number: at.number,
            start: at.start,
            shown,
            why,
            left_out,
        });
    }
}

/// Judges an entry as [`Entry::parse`](super::super::Entry::parse) does, and makes it one of Attune's form.
fn record<'a>(
    at: &At<'a>,
    entry: Result<Written<'a>, serde_json::Error>,
    changes: &mut Changes,
) -> Result<Record<'a>, EntryError> {
    let raw = at.raw;
    if raw.len() > MAX_ENTRY_BYTES {
        return Err(EntryError::TooLarge { bytes: raw.len() });
    }
    if !raw.starts_with('{') {
        return Err(EntryError::Malformed {
            why: "it is no object".to_owned(),
        });
    }
    let written = entry.map_err(|error| EntryError::Malformed {
        why: without_place(&error),
    })?;
    let own_name = written.name.and_then(scalar);
    let name: PackRef = match at.key.as_deref().or(own_name.as_deref()) {
        Some(name) => name.trim().parse().map_err(EntryError::Ref)?,
        None => return Err(EntryError::NoRef),
    };
    let version_text = written.version.and_then(scalar);
    let version_text = version_text.ok_or(EntryError::NoVersion)?;
    let (version, warning) = version::parse(&version_text).map_err(EntryError::Version)?;
    if let Some(dependencies) = written.dependencies {
        needs(dependencies)?;
    }
    changes.said.extend(warning);

    if written.is_stackstorm() {
        let (text, lost) = convert::to_attune(raw, &name)?;
        changes.lost += lost.len();
        changes.said.extend(lost);
        return settled(Cow::Owned(text), name, version);
    }
    if at.key.is_some() && written.install_sources.is_none() {
        return Err(EntryError::Malformed {
            why: "it has neither sources nor a `repo_url`".to_owned(),
        });
    }
    if written.contents.is_counted {
        changes
            .said
            .push("its `contents` are counted; the lists in their place are empty".to_owned());
    }
    changes.said.extend(written.unread());
    let parts = written.parts(raw);
    let mut edits = Edits::default();
    if own_name.as_deref() != Some(name.as_str()) {
        let value = quoted(name.as_str());
        if let Some(range) = Span::of(raw, written.name).range() {
            if at.key.is_some() {
                changes
                    .said
                    .push("its `ref` is not its key, and the key counts".to_owned());
            }
            edits.replace(range, value);
        } else {
            edits.replace(1..1, format!("\"ref\": {value}, "));
        }
    }
    let whole = quoted(&version.to_string());
    if let Some(range) = parts.version.range()
        && raw[range.clone()] != whole
    {
        edits.replace(range, whole);
    }
    if edits.is_empty() && !written.contents.is_counted {
        return Ok(of_parts(Cow::Borrowed(raw), parts, name, version));
    }
    let mut text = edits.apply(raw);
    if written.contents.is_counted {
        text = uncounted(&text);
    }
    settled(Cow::Owned(text), name, version)
}

/// Where `versions` are in the text of an entry.
pub(super) fn versions_in(text: &str) -> Option<Range<usize>> {
    let written: Written<'_> = serde_json::from_str(text).ok()?;
    Span::of(text, written.versions).range()
}

/// A record of a text whose parts are known.
fn of_parts(text: Cow<'_, str>, parts: Parts, name: PackRef, version: Version) -> Record<'_> {
    let is_behind = is_behind(&version, parts.versions.get(&text));
    let lacks_checksum = parts.install_sources.get(&text).is_some_and(lacks_checksum);
    Record {
        name,
        version,
        text,
        parts,
        input: 0,
        number: 0,
        start: 0,
        is_behind,
        lacks_checksum,
    }
}

/// A record of a text that was made here.
fn settled(text: Cow<'_, str>, name: PackRef, version: Version) -> Result<Record<'_>, EntryError> {
    if text.len() > MAX_ENTRY_BYTES {
        return Err(EntryError::TooLarge { bytes: text.len() });
    }
    let written: Written<'_> =
        serde_json::from_str(&text).map_err(|error| EntryError::Malformed {
            why: without_place(&error),
        })?;
    let parts = written.parts(&text);
    Ok(of_parts(text, parts, name, version))
}
