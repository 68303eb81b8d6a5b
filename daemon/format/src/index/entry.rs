//! One entry of an index, in either vocabulary.
//!
//! What an entry offers must be right; a release or source that is not is left out by itself, and the entry
//! with it only when nothing remains.

use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Counts, Text, Texts};
use super::reader::without_place;
use super::{Entry, MAX_ENTRY_BYTES, MAX_RELEASES};
use crate::error::chain;
use crate::manifest::DependencyError;
use crate::name::{NameError, PackRef, shown};
use crate::version::{self, VersionError};

mod needs;
mod releases;

pub(super) use needs::needs;
use releases::{Collected, Problems, WrittenRelease};

/// Why an entry was left out.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It is larger than any entry may be.
    #[error("the entry is {bytes} bytes long, more than the {MAX_ENTRY_BYTES} that are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// It is no object, or not of the form of an entry.
    #[error("the entry is malformed: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// It does not say what pack it is.
    #[error("the entry has no `ref`")]
    NoRef,
    /// What it calls itself is no ref.
    #[error("cannot use the entry's ref")]
    Ref(#[source] NameError),
    /// It offers no version.
    #[error("the entry has no `version`")]
    NoVersion,
    /// What it offers is no version.
    #[error("cannot use the entry's version")]
    Version(#[source] VersionError),
    /// What its only version needs cannot be read.
    #[error("cannot read dependency `{shown}`")]
    Dependency {
        /// The text, printable.
        shown: String,
        /// Why.
        source: DependencyError,
    },
    /// An entry before it has the same ref.
    #[error("an entry before it has the same ref")]
    Duplicate,
}

/// An entry as it is written; what both vocabularies have, and what either has.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(default, rename = "ref")]
    name: Text,
    #[serde(default)]
    label: Text,
    #[serde(default, rename = "name")]
    title: Text,
    #[serde(default)]
    description: Text,
    #[serde(default)]
    use_case: Text,
    #[serde(default)]
    author: Text,
    #[serde(default)]
    email: Text,
    #[serde(default)]
    license: Text,
    #[serde(default)]
    homepage: Text,
    #[serde(default)]
    repository: Text,
    #[serde(default)]
    repo_url: Text,
    #[serde(default)]
    keywords: Texts,
    #[serde(default)]
    contents: Counts,
    #[serde(default)]
    content: Option<Counts>,
    #[serde(default)]
    stackstorm_version: Text,
    #[serde(borrow, default)]
    version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    install_sources: Option<&'a RawValue>,
    #[serde(borrow, default)]
    dependencies: Option<&'a RawValue>,
    #[serde(default)]
    runtime_deps: Texts,
    #[serde(default)]
    published_at: Text,
    #[serde(borrow, default)]
    yanked: Option<&'a RawValue>,
    #[serde(borrow, default)]
    phased: Option<&'a RawValue>,
    #[serde(borrow, default)]
    versions: Option<&'a RawValue>,
}

/// Reads an entry.
pub(super) fn parse(text: &str, key: Option<&str>) -> Result<Entry, EntryError> {
    if text.len() > MAX_ENTRY_BYTES {
        return Err(EntryError::TooLarge { bytes: text.len() });
    }
    if !text.starts_with('{') {
        return Err(EntryError::Malformed {
            why: "it is no object".to_owned(),
        });
    }
    let written: Written<'_> =
        serde_json::from_str(text).map_err(|error| EntryError::Malformed {
            why: without_place(&error),
        })?;
    let mut problems = Problems(Vec::new());
    let pack_ref = pack_ref(key, written.name.0, &mut problems)?;

    let repository = written.repository.0.or_else(|| written.repo_url.0.clone());
    let mut reader = Collected {
        repo_url: written.repo_url.0,
        releases: Vec::new(),
        problems,
    };
    let top = WrittenRelease {
        version: written.version,
        install_sources: written.install_sources,
        dependencies: written.dependencies,
        runtime_deps: written.runtime_deps,
        published_at: written.published_at,
        yanked: written.yanked,
        phased: written.phased,
    };
    let top = reader.add(top, written.stackstorm_version.0);
    if let Some(versions) = written.versions {
        reader.add_others(versions);
    }
    let Collected {
        mut releases,
        mut problems,
        ..
    } = reader;
    match top {
        Ok(()) => {}
        Err(error) if releases.is_empty() => return Err(error),
        Err(error) => problems.add(format!(
            "the version on its top level is left out: {}",
            chain(&error)
        )),
    }
    releases.sort_by(|a, b| b.version.cmp(&a.version));
    if releases.len() > MAX_RELEASES {
        problems.add(format!(
            "it has more than {MAX_RELEASES} versions; the oldest are left out"
        ));
        releases.truncate(MAX_RELEASES);
    }

    Ok(Entry {
        pack_ref,
        label: written.label.0.or(written.title.0),
        description: written.description.0,
        use_case: written.use_case.0,
        author: written.author.0,
        email: written.email.0,
        license: written.license.0,
        homepage: written.homepage.0,
        repository,
        keywords: written.keywords.0,
        contents: written.content.unwrap_or(written.contents).0,
        releases,
        problems: problems.0,
    })
}

/// The ref: the key of a mapping, else what the entry says.
fn pack_ref(
    key: Option<&str>,
    name: Option<String>,
    problems: &mut Problems,
) -> Result<PackRef, EntryError> {
    let Some(key) = key else {
        return name
            .ok_or(EntryError::NoRef)?
            .parse()
            .map_err(EntryError::Ref);
    };
    let pack_ref: PackRef = key.parse().map_err(EntryError::Ref)?;
    if let Some(name) = name.filter(|name| pack_ref != *name.as_str()) {
        problems.add(format!(
            "its `ref` is `{}`, but its key counts",
            shown(&name)
        ));
    }
    Ok(pack_ref)
}

/// The version that an entry or an item of `versions` has, if it can be read.
pub(super) fn version_of(json: &str) -> Option<Version> {
    #[derive(Deserialize)]
    struct Versioned<'a> {
        #[serde(borrow, default)]
        version: Option<&'a RawValue>,
    }
    let written = if json.starts_with('{') {
        serde_json::from_str::<Versioned<'_>>(json).ok()?.version?
    } else {
        serde_json::from_str(json).ok()?
    };
    version::parse(&scalar(written)?)
        .ok()
        .map(|(version, _)| version)
}

/// A scalar as the text it is written as, so that `1.10` stays that.
pub(super) fn scalar(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}
