//! Indexes: what a registry offers, read from Attune's and StackStorm's JSON.
//!
//! Reading is one pass over the bytes. Each entry is first a borrowed slice of them, then a typed structure
//! that is handed on and forgotten, so that an index of any size costs little more than its own bytes
//! ([`read`]). An entry that cannot be used is left out and named; it never takes the index with it.

use semver::Version;

use crate::contents::Contents;
use crate::digest::Digest;
use crate::manifest::Dependency;
use crate::name::PackRef;

pub mod document;
pub mod edit;
mod entry;
mod layout;
mod lenient;
mod lines;
pub mod make;
mod members;
pub mod merge;
mod reader;
mod source;
#[cfg(test)]
mod tests;
pub mod update;
pub mod validate;
mod walk;
mod word;
mod written;

pub use document::{Document, DocumentError};
pub use edit::Edits;
pub use entry::EntryError;
pub use layout::Style;
pub use make::{EntryDraft, make};
pub use reader::{Found, Header, Place, Rejected, read};
pub use source::is_git_ref;

/// The largest entry, in bytes.
pub const MAX_ENTRY_BYTES: usize = 1024 * 1024;

/// The most entries.
pub const MAX_ENTRIES: usize = 1_000_000;

/// The most sources of one release; more are left out.
pub const MAX_SOURCES: usize = 16;

/// The most releases of one entry; the oldest are left out.
pub const MAX_RELEASES: usize = 4096;

/// How many problems [`Index::parse`] keeps in words.
pub const MAX_PROBLEMS: usize = 100;

/// One pack as a registry offers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The pack.
    pub pack_ref: PackRef,
    /// Title for people.
    pub label: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// When one would want it.
    pub use_case: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where to write to them.
    pub email: Option<String>,
    /// Licence.
    pub license: Option<String>,
    /// Web page.
    pub homepage: Option<String>,
    /// Where it is developed.
    pub repository: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
    /// What it consists of, as far as the index says.
    pub contents: Contents,
    /// The versions, newest first; never empty.
    pub releases: Vec<Release>,
    /// Parts of the entry that were left out, each with its reason.
    pub problems: Vec<String>,
}

/// One version of a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The version.
    pub version: Version,
    /// Where its bytes come from, in the order of the index.
    pub sources: Vec<Source>,
    /// The packs it needs.
    pub dependencies: Vec<Dependency>,
    /// Whether the index says what it needs: where it says nothing, its `pack.yaml` may still do.
    pub needs_known: bool,
    /// The runtimes it needs, as written.
    pub runtime_deps: Vec<String>,
    /// The version of Attune or StackStorm it asks for, as written.
    pub engine: Option<String>,
    /// When it was published, as written.
    pub published_at: Option<String>,
    /// Withdrawn: installed only where exactly it is asked for.
    pub yanked: bool,
    /// The percentage of hosts that it is meant for so far, from 0 to 100; all without one.
    pub phased: Option<u8>,
}

/// Where the bytes of a release come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An archive.
    Archive {
        /// Where it is; may be relative to the index.
        url: String,
        /// The digest of its bytes.
        checksum: Option<Digest>,
        /// Its length.
        size: Option<u64>,
        /// The digest of the tree in it.
        tree: Option<Digest>,
    },
    /// A git repository.
    Git {
        /// Where it is.
        url: String,
        /// Branch, tag or commit.
        git_ref: Option<String>,
        /// Attune's digest of the folder, which is only ever compared.
        checksum: Option<Digest>,
        /// The commit that was published.
        commit: Option<String>,
        /// The digest of its tree.
        tree: Option<Digest>,
    },
}

impl Source {
    /// Where it is, as written.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Archive { url, .. } | Self::Git { url, .. } => url,
        }
    }
}

impl Entry {
    /// Reads an entry. `key` is what it goes by in an index that is a mapping; it decides what its ref is.
    ///
    /// # Errors
    /// [`EntryError`] when nothing of it can be used.
    pub fn parse(text: &str, key: Option<&str>) -> Result<Self, EntryError> {
        entry::parse(text, key)
    }

    /// The newest version: the newest that is neither withdrawn nor a pre-release, else the newest.
    #[must_use]
    pub fn newest(&self) -> &Release {
        let usable = self
            .releases
            .iter()
            .find(|release| !release.yanked && release.version.pre.is_empty());
        usable
            .or_else(|| self.releases.iter().find(|release| !release.yanked))
            .unwrap_or(&self.releases[0])
    }

    /// The release of a version; build metadata must agree.
    #[must_use]
    pub fn release(&self, version: &Version) -> Option<&Release> {
        self.releases
            .iter()
            .find(|release| release.version == *version)
    }
}

/// A whole index in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// What it calls itself.
    pub name: Option<String>,
    /// The entries that can be used, in the order of the index.
    pub entries: Vec<Entry>,
    /// What was left out, each with its position and reason; at most [`MAX_PROBLEMS`] and a count.
    pub problems: Vec<String>,
}

/// Why an index as a whole was refused.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It is not UTF-8.
    #[error("the index is not UTF-8 text")]
    Encoding,
    /// It is not JSON, or was cut short.
    #[error("the index is not JSON (line {line}, column {column}): {why}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the JSON reader says, without the place.
        why: String,
    },
    /// It is JSON, but no index.
    #[error("the index is not one: {why}")]
    Shape {
        /// What is missing or wrong.
        why: String,
    },
    /// It has more entries than any index may.
    #[error("the index has more than {MAX_ENTRIES} entries")]
    TooMany,
}

impl Index {
    /// Reads an index into memory.
    ///
    /// # Errors
    /// [`IndexError`] when it is no index at all; bad entries are in `problems`.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut entries = Vec::new();
        let mut problems = Problems::default();
        let header = read(bytes, |found| match found {
            Ok(found) => {
                problems.of_entry(&found);
                entries.push(found.entry);
            }
            Err(rejected) => problems.add(rejected.to_string()),
        })?;
        Ok(Self {
            name: header.name,
            entries,
            problems: problems.finish(),
        })
    }
}

/// Collects what was left out, in words up to a bound, and counts the rest.
#[derive(Debug, Default)]
pub struct Problems {
    kept: Vec<String>,
    more: usize,
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: String) {
        if self.kept.len() < MAX_PROBLEMS {
            self.kept.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Adds those of an entry that is otherwise good.
    pub fn of_entry(&mut self, found: &Found<'_>) {
        for problem in &found.entry.problems {
            self.add(format!(
                "{} `{}`, line {}: {problem}",
                found.position, found.entry.pack_ref, found.line
            ));
        }
    }

    /// The words, and how many more there were.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(format!("and {} more", self.more));
        }
        self.kept
    }
}
