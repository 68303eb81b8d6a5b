//! An entry that somebody wants to publish, and whether anybody could install from it.

use semver::Version;
use serde_json::Value;

use super::UpdateError;
use crate::digest::Digest;
use crate::index::document::Container;
use crate::index::layout::quoted;
use crate::index::make::{is_of_template, is_placeholder};
use crate::index::written::Written;
use crate::index::{Entry, EntryError, Source};
use crate::name::{PackRef, shown};
use crate::version;

/// Why an entry is none, or none that could be read again.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// It is not JSON.
    #[error("the entry is not JSON (line {line}, column {column})")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It has a key twice.
    #[error("the entry has the key '{key}' twice")]
    DuplicateKey {
        /// The key, printable.
        key: String,
    },
    /// Readers would leave it out.
    #[error("the entry cannot be used")]
    Entry(#[source] EntryError),
    /// Readers would leave out a part of it.
    #[error("the entry of '{pack_ref}' is wrong: {problem}")]
    Part {
        /// The pack.
        pack_ref: PackRef,
        /// What is wrong.
        problem: String,
    },
}

impl PublicationError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } => {
                Some("an entry is one JSON object, as `index-entry` prints it".to_owned())
            }
            Self::DuplicateKey { .. } => Some("remove one of the two".to_owned()),
            Self::Entry(EntryError::Ref(error)) => error.hint(),
            Self::Entry(EntryError::Version(error)) => error.hint(),
            Self::Entry(_) | Self::Part { .. } => None,
        }
    }
}

/// An entry that can be read. Whether anybody could install from it is judged when it is published.
#[derive(Debug, Clone)]
pub struct Publication {
    pack_ref: PackRef,
    version: Version,
    sources: Vec<Source>,
    members: Written,
    warnings: Vec<String>,
}

impl Publication {
    /// Reads an entry from its text.
    ///
    /// # Errors
    /// [`PublicationError`] when readers could not use all of it.
    pub fn parse(text: &str) -> Result<Self, PublicationError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        let syntax = |error: serde_json::Error| PublicationError::Syntax {
            line: error.line(),
            column: error.column(),
        };
        if text.starts_with('{') {
            let object = Container::parse(text, 0..text.len()).map_err(syntax)?;
            if let Some(key) = object.duplicate() {
                return Err(PublicationError::DuplicateKey {
                    key: shown(&key.text),
                });
            }
        }
        let values: Value = serde_json::from_str(text).map_err(syntax)?;
        let read = Entry::parse(text, None).map_err(PublicationError::Entry)?;
        let pack_ref = read.pack_ref.clone();
        if let Some(problem) = read.problems.first() {
            let problem = problem.clone();
            return Err(PublicationError::Part { pack_ref, problem });
        }
        let mut members = Written::parse(text).map_err(syntax)?;
        let mut warnings = Vec::new();
        // a number is read by readers as its text; written is a text
        let written = match &values["version"] {
            Value::String(text) => text.as_str(),
            _ => members.get("version").unwrap_or_default(),
        };
        let (version, changed) = version::parse(written)
            .map_err(|error| PublicationError::Entry(EntryError::Version(error)))?;
        warnings.extend(changed);
        members.set("version", &quoted(&version.to_string()));

        let written = values["install_sources"].is_array();
        let release = read.release(&version).filter(|_| written);
        let sources = release.map(|release| release.sources.clone());
        Ok(Self {
            pack_ref,
            version,
            sources: sources.unwrap_or_default(),
            members,
            warnings,
        })
    }

    /// The same for so many percent of all hosts, from 0 to 100, whatever its entry says of that.
    #[must_use]
    pub fn phased(mut self, percent: u8) -> Self {
        self.members.set("phased", &percent.to_string());
        self
    }

    /// The pack.
    #[must_use]
    pub fn pack_ref(&self) -> &PackRef {
        &self.pack_ref
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Where it comes from.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The digest to show: that of an archive, else what a git source has.
    #[must_use]
    pub fn checksum(&self) -> Option<&Digest> {
        let archives = self.sources.iter().filter_map(|source| match source {
            Source::Archive { checksum, .. } => checksum.as_ref(),
            Source::Git { .. } => None,
        });
        let any = self.sources.iter().filter_map(|source| match source {
            Source::Archive { checksum, .. } | Source::Git { checksum, .. } => checksum.as_ref(),
        });
        archives.chain(any).next()
    }

    /// Refuses what nobody could install from, and says what is odd.
    pub(super) fn judge_sources(&self) -> Result<Vec<String>, UpdateError> {
        let pack_ref = || self.pack_ref.clone();
        if self.sources.is_empty() {
            return Err(UpdateError::NoSource {
                pack_ref: pack_ref(),
            });
        }
        let mut warnings = Vec::new();
        for source in &self.sources {
            let url = source.url().to_owned();
            if is_placeholder(&url) {
                return Err(UpdateError::Placeholder {
                    pack_ref: pack_ref(),
                    url,
                });
            }
            if is_of_template(&url) {
                warnings.push(format!("the source `{url}` looks like a placeholder"));
            }
            if let Source::Archive { checksum: None, .. } = source {
                return Err(UpdateError::NoChecksum {
                    pack_ref: pack_ref(),
                    url,
                });
            }
        }
        Ok(warnings)
    }

    /// What is odd about it.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The members, in their order.
    pub(super) fn members(&self) -> &Written {
        &self.members
    }

    /// The entry as JSON, with the time it is published at unless it says one.
    pub(super) fn dated(&self, now: &str) -> String {
        let mut members = self.members.clone();
        members.add_before("versions", "published_at", &quoted(now));
        members.to_json()
    }
}
