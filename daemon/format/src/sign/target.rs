//! What of an index has to be described: everything that its sources name.

use std::collections::BTreeMap;

use semver::Version;

use super::{IndexMeta, Target};
use crate::digest::{Algorithm, Digest};
use crate::index::{self, IndexError, Source};
use crate::name::PackRef;

/// What a source goes by in the table of targets: an archive by its URL as the index writes it, a repository by `URL#REF`,
/// with the version where the index names no ref.
#[must_use]
pub fn place(source: &Source, version: &Version) -> String {
    match source {
        Source::Archive { url, .. } => url.clone(),
        Source::Git { url, git_ref, .. } => {
            let version = version.to_string();
            format!("{url}#{}", git_ref.as_ref().unwrap_or(&version))
        }
    }
}

/// One source of an index, and what the index itself says of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The pack, with its version.
    pub pack: String,
    /// Where it is, as the index writes it.
    pub url: String,
    /// Whether it is a repository.
    pub is_git: bool,
    /// The SHA-256 of the archive.
    pub sha256: Option<Digest>,
    /// The length of the archive.
    pub length: Option<u64>,
    /// The whole commit.
    pub commit: Option<String>,
    /// The digest of the pack's tree.
    pub tree: Option<Digest>,
}

/// Why the sources of an index cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is no index.
    #[error("cannot read the index")]
    Index(#[from] IndexError),
    /// An entry would be left out by every reader.
    #[error("an entry cannot be used: {why}")]
    Entry {
        /// Which, and why.
        why: String,
    },
    /// Two sources are one place with different bytes.
    #[error("`{place}` is named twice with different checksums, by {first} and {second}")]
    Contradiction {
        /// The place.
        place: String,
        /// A pack that names it.
        first: String,
        /// The other one.
        second: String,
    },
}

/// Every source that an index names, by its place.
///
/// # Errors
/// [`TargetError`].
pub fn needed(index: &[u8]) -> Result<BTreeMap<String, Needed>, TargetError> {
    let mut all: BTreeMap<String, Needed> = BTreeMap::new();
    let mut problem = None;
    index::read(index, |found| match found {
        Ok(found) => {
            for release in &found.entry.releases {
                for source in &release.sources {
                    let one = Needed::of(&found.entry.pack_ref, &release.version, source);
                    let place = place(source, &release.version);
                    match all.get_mut(&place) {
                        None => drop(all.insert(place, one)),
                        Some(known) if known.contradicts(&one) => {
                            problem.get_or_insert(TargetError::Contradiction {
                                place,
                                first: known.pack.clone(),
                                second: one.pack,
                            });
                        }
                        Some(known) => known.complete(one),
                    }
                }
            }
        }
        Err(rejected) => {
            let why = rejected.to_string();
            problem.get_or_insert(TargetError::Entry { why });
        }
    })?;
    match problem {
        Some(problem) => Err(problem),
        None => Ok(all),
    }
}

impl Needed {
    fn of(pack_ref: &PackRef, version: &Version, source: &Source) -> Self {
        let is_sha256 = |digest: &Digest| digest.algorithm() == Algorithm::Sha256;
        let pack = format!("{pack_ref}@{version}");
        match source {
            Source::Archive {
                url,
                checksum,
                size,
                tree,
            } => Self {
                pack,
                url: url.clone(),
                is_git: false,
                sha256: checksum.filter(is_sha256),
                length: *size,
                commit: None,
                tree: *tree,
            },
            Source::Git {
                url, commit, tree, ..
            } => Self {
                pack,
                url: url.clone(),
                is_git: true,
                sha256: None,
                length: None,
                commit: commit.clone().filter(|commit| commit.len() == 40),
                tree: tree.filter(is_sha256),
            },
        }
    }

    fn contradicts(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        self.is_git != other.is_git
            || differ(self.sha256.as_ref(), other.sha256.as_ref())
            || differ(self.length.as_ref(), other.length.as_ref())
            || differ(self.commit.as_ref(), other.commit.as_ref())
    }

    fn complete(&mut self, other: Self) {
        self.sha256 = self.sha256.or(other.sha256);
        self.length = self.length.or(other.length);
        self.commit = self.commit.take().or(other.commit);
        self.tree = self.tree.or(other.tree);
    }

    /// The target, when everything is known.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        if self.is_git {
            let commit = self.commit.clone()?.to_ascii_lowercase();
            return Some(Target::git(commit, self.tree));
        }
        Some(Target::archive(self.length?, self.sha256?))
    }

    /// Whether a target agrees with what the index says.
    #[must_use]
    pub fn agrees(&self, target: &Target) -> bool {
        match target {
            Target::Archive(archive) => {
                !self.is_git
                    && self.sha256.is_none_or(|sha256| sha256 == archive.sha256)
                    && self.length.is_none_or(|length| length == archive.length)
            }
            Target::Git(git) => {
                self.is_git
                    && self
                        .commit
                        .as_ref()
                        .is_none_or(|commit| commit.eq_ignore_ascii_case(&git.commit))
            }
        }
    }
}

impl IndexMeta {
    /// What is missing from its targets, or contradicts the index, a line each.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn gaps(&self, index: &[u8]) -> Result<Vec<String>, TargetError> {
        let mut gaps = Vec::new();
        for (place, needed) in needed(index)? {
            match self.targets.get(&place) {
                None => gaps.push(format!("{}: `{place}` is not described", needed.pack)),
                Some(target) if !needed.agrees(target) => gaps.push(format!(
                    "{}: `{place}` is described as other bytes than the index says",
                    needed.pack
                )),
                Some(_) => {}
            }
        }
        Ok(gaps)
    }
}
