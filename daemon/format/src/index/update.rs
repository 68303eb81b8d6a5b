//! Publishing: an entry put into an index, beside or in place of the one that is there.
//!
//! The rules are those of `docs/index-update.md`, which the functions below cite. What is published once stays:
//! another version joins it, the keys that only the index has are kept, and publishing the same again changes
//! nothing at all.

use semver::Version;

use super::document::{Document, DocumentError, Form};
use super::edit::Edits;
use super::validate::{Rule, entry_errors};
use super::written::Written;
use crate::name::PackRef;

mod merge;
mod publication;
#[cfg(test)]
mod tests;
mod versions;

pub use publication::{Publication, PublicationError};

/// The members of an entry, in the order they are written in.
pub const ENTRY_KEYS: [&str; 21] = [
    "ref",
    "label",
    "description",
    "use_case",
    "version",
    "author",
    "email",
    "license",
    "homepage",
    "repository",
    "keywords",
    "runtime_deps",
    "install_sources",
    "contents",
    "dependencies",
    "stackstorm_version",
    "meta",
    "published_at",
    "yanked",
    "phased",
    "versions",
];

/// The members that belong to one version of a pack, in the order they are written in under `versions`.
pub const RELEASE_KEYS: [&str; 8] = [
    "version",
    "install_sources",
    "dependencies",
    "runtime_deps",
    "stackstorm_version",
    "published_at",
    "yanked",
    "phased",
];

/// Those of [`RELEASE_KEYS`] that whoever keeps the index says, not the pack: they outlive a publication.
const KEEPERS_KEYS: [&str; 3] = ["published_at", "yanked", "phased"];

/// What is done when the index has the pack already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Nothing: it is an error.
    Refuse,
    /// Its entry is updated.
    Update,
}

/// What is done when the index has the pack in a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// Nothing: it is an error.
    Refuse,
    /// The older version becomes the one that the entry offers first.
    Demote,
    /// The older version is added below the newer one, and a pre-release below a release.
    Keep,
}

/// How to publish.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// What is done when the index has the pack already.
    pub existing: Existing,
    /// What is done when it has a newer version of it.
    pub newer: Newer,
    /// The time, as RFC 3339 in UTC.
    pub now: &'o str,
}

/// What became of the entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The index did not have the pack.
    Added,
    /// It has changed.
    Updated,
    /// The index says all of it already; nothing has changed.
    Unchanged,
}

/// An index with an entry published in it.
#[derive(Debug)]
pub struct Updated {
    /// What became of the entry.
    pub action: Action,
    /// The changes of the text; none when nothing has changed.
    pub edits: Edits,
    /// What is odd, though nothing speaks against publishing.
    pub warnings: Vec<String>,
}

/// Why an entry was not published.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The packs are an object, as in StackStorm's index.
    #[error("the index has StackStorm's form, which is read and not written")]
    MapForm,
    /// Nothing says where the pack comes from.
    #[error("the entry of '{pack_ref}' has no source in 'install_sources'")]
    NoSource {
        /// The pack.
        pack_ref: PackRef,
    },
    /// An archive without the digest of its bytes.
    #[error("the archive `{url}` of '{pack_ref}' has no checksum")]
    NoChecksum {
        /// The pack.
        pack_ref: PackRef,
        /// The archive.
        url: String,
    },
    /// A template that was not filled in.
    #[error("the source `{url}` of '{pack_ref}' is a placeholder")]
    Placeholder {
        /// The pack.
        pack_ref: PackRef,
        /// The source.
        url: String,
    },
    /// Readers would leave it out, or a part of it.
    #[error(
        "the entry of '{pack_ref}' would be an error in the index: {why} (rule {rule}, at `{path}`)"
    )]
    Invalid {
        /// The pack.
        pack_ref: PackRef,
        /// The rule that it breaks.
        rule: Rule,
        /// Where, within the entry.
        path: String,
        /// What is wrong.
        why: String,
        /// One thing to try.
        hint: Option<String>,
    },
    /// The pack is there, and replacing was not asked for.
    #[error("Pack '{pack_ref}' already exists in index. Use --update to replace it.")]
    Exists {
        /// The pack.
        pack_ref: PackRef,
    },
    /// The pack is there more than once.
    #[error("pack '{pack_ref}' is in the index {} times, in {}", lines.len(), listed(lines))]
    Ambiguous {
        /// The pack.
        pack_ref: PackRef,
        /// Where its entries begin.
        lines: Vec<usize>,
    },
    /// The index has a newer version.
    #[error("pack '{pack_ref}' is at {indexed} in the index, which is newer than {version}")]
    Downgrade {
        /// The pack.
        pack_ref: PackRef,
        /// The version in the index.
        indexed: Version,
        /// The version that was to be published.
        version: Version,
    },
    /// The entry that is there cannot be continued.
    #[error("cannot continue the entry of '{pack_ref}' in line {line}: {why}")]
    Broken {
        /// The pack.
        pack_ref: PackRef,
        /// Where its entry begins.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The entry that is there can be read in two ways.
    #[error("cannot continue the entry of '{pack_ref}'")]
    Document {
        /// The pack.
        pack_ref: PackRef,
        /// What has two readings.
        source: DocumentError,
    },
}

impl UpdateError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Invalid { rule, hint, .. } => match rule {
                Rule::Required => Some("`packctl index-entry` writes an entry with all of them"),
                _ => hint.as_deref(),
            },
            Self::MapForm => Some("`packctl index-merge --file NEW OLD` writes it as a list"),
            Self::NoSource { .. } | Self::Placeholder { .. } => {
                Some("say where the pack comes from: --git-url URL, or --archive-url URL")
            }
            Self::NoChecksum { .. } => {
                Some("--archive FILE takes the digest of that file, --archive-checksum states it")
            }
            Self::Exists { .. } => None,
            Self::Ambiguous { .. } => {
                Some("`packctl index-merge --force --file INDEX INDEX` makes one entry of them")
            }
            Self::Downgrade { .. } => Some(
                "--keep-newest publishes it below the newer one, --allow-downgrade in front of it",
            ),
            Self::Broken { .. } => Some("correct the entry by hand, then publish again"),
            Self::Document { source, .. } => source.hint(),
        }
    }
}

/// Puts an entry into an index.
///
/// # Errors
/// [`UpdateError`]; the index need not be written then.
pub fn update(
    document: &Document<'_>,
    publication: &Publication,
    options: Options<'_>,
) -> Result<Updated, UpdateError> {
    if document.form() == Form::Map {
        return Err(UpdateError::MapForm);
    }
    let pack_ref = publication.pack_ref();
    let found = document.find(pack_ref.as_str());
    if !found.is_empty() && options.existing == Existing::Refuse {
        return Err(UpdateError::Exists {
            pack_ref: pack_ref.clone(),
        });
    }
    let mut edits = Edits::default();
    let mut warnings = publication.warnings().to_vec();
    warnings.extend(publication.judge_sources()?);
    refuse_errors(document, &found, publication)?;
    for (name, lines) in document.duplicate_refs() {
        if *pack_ref != *name {
            warnings.push(format!(
                "pack '{name}' is in the index {} times, in {}; readers take the first",
                lines.len(),
                listed(&lines)
            ));
        }
    }
    let action = match found.as_slice() {
        [] => {
            let entry = publication.dated(options.now);
            edits.insert_pack(document, pack_ref.as_str(), &entry);
            Action::Added
        }
        &[position] => {
            warnings.extend(merge::merge(
                document,
                position,
                publication,
                options,
                &mut edits,
            )?);
            if edits.is_empty() {
                Action::Unchanged
            } else {
                Action::Updated
            }
        }
        several => {
            return Err(UpdateError::Ambiguous {
                pack_ref: pack_ref.clone(),
                lines: several.iter().map(|&at| document.line(at)).collect(),
            });
        }
    };
    if action != Action::Unchanged {
        edits.set_header(document, "last_updated", options.now);
    }
    Ok(Updated {
        action,
        edits,
        warnings,
    })
}

/// Refuses what would be an error in the index. A field that the entry lacks may be there already.
fn refuse_errors(
    document: &Document<'_>,
    found: &[usize],
    publication: &Publication,
) -> Result<(), UpdateError> {
    let known = found.first().and_then(|&position| {
        let span = document.packs().items[position].value.clone();
        Written::parse(&document.text()[span]).ok()
    });
    let is_known = |key: &str| {
        let known = known.as_ref().and_then(|known| known.get(key));
        known.is_some_and(|json| json != "null")
    };
    let error = entry_errors(&publication.members().to_json())
        .into_iter()
        .find(|error| error.rule != Rule::Required || !is_known(&error.place.path));
    match error {
        None => Ok(()),
        Some(error) => Err(UpdateError::Invalid {
            pack_ref: publication.pack_ref().clone(),
            rule: error.rule,
            path: error.place.path,
            why: error.message,
            hint: error.hint,
        }),
    }
}

/// A new index without packs.
#[must_use]
pub fn new_index(name: &str, url: &str, now: &str) -> String {
    let index = serde_json::json!({
        "registry_name": name,
        "registry_url": url,
        "version": "1.0",
        "last_updated": now,
        "packs": [],
    });
    format!("{index:#}\n")
}

/// Lines in words, each once: an index may be on one line.
fn listed(lines: &[usize]) -> String {
    let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    lines.dedup();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    format!("{word} {}", lines.join(", "))
}
