//! Why there is no entry for a pack.

use std::io;
use std::path::{Path, PathBuf};

use packd_format::archive::{ArchiveError, PackError};
use packd_format::tree::RootError;
use packd_format::{Digest, EntryError, ManifestError};
use packd_wire::{ErrorKind, Exit};

use crate::checkout::CheckoutError;
use crate::output::Failure;

/// Why there is no entry for a pack. The first words of some are those that scripts look for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    /// There is nothing of this name.
    #[error("Pack directory not found: {}", path.display())]
    NoFolder {
        /// What was typed.
        path: PathBuf,
    },
    /// It is a file.
    #[error("`{}` is not a directory", path.display())]
    NotAFolder {
        /// What was typed.
        path: PathBuf,
    },
    /// It is a folder without a pack.
    #[error("pack.yaml not found in directory: {}", path.display())]
    NoManifest {
        /// What was typed.
        path: PathBuf,
    },
    /// Its `pack.yaml` is a link or something stranger.
    #[error("`{}` is no regular file", path.display())]
    OddManifest {
        /// The file.
        path: PathBuf,
    },
    /// `pack.yaml` lacks what every manifest has.
    #[error("Missing '{key}' field in pack.yaml")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// `pack.yaml` cannot be used.
    #[error("the pack cannot be published because of its pack.yaml")]
    Manifest(#[source] ManifestError),
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder has what cannot be packed.
    #[error("the files of `{}` cannot be published", path.display())]
    Pack {
        /// The folder.
        path: PathBuf,
        /// What, and why not.
        source: PackError,
    },
    /// `--git-ref` is none.
    #[error("`{git_ref}` cannot be the name of a branch, tag or commit")]
    GitRef {
        /// What was given.
        git_ref: String,
    },
    /// The checkout has what cannot be installed from it.
    #[error("cannot publish the git repository at `{git_ref}`")]
    Checkout {
        /// The branch, tag or commit.
        git_ref: String,
        /// Why not.
        source: CheckoutError,
    },
    /// The commit does not have the pack.
    #[error("there is no `{}` at `{git_ref}` (commit {commit})", path.display())]
    NotInCommit {
        /// The `pack.yaml` in the checkout.
        path: PathBuf,
        /// The branch, tag or commit.
        git_ref: String,
        /// The commit.
        commit: String,
    },
    /// What is published has a broken manifest.
    #[error("the pack.yaml in {place} cannot be used")]
    PublishedManifest {
        /// The source.
        place: String,
        /// Why not.
        source: ManifestError,
    },
    /// What is published is another pack, or another version.
    #[error("{place} has {found}, but the pack.yaml here is of {expected}")]
    OtherPack {
        /// The source.
        place: String,
        /// Ref and version there.
        found: String,
        /// Ref and version here.
        expected: String,
    },
    /// Nothing tells the digest of the archive.
    #[error("nothing tells the digest of the archive: `{url}` is no http or https URL")]
    NoDigest {
        /// The URL of the archive.
        url: String,
    },
    /// The archive is not on this machine.
    #[error("Archive not found: {}", path.display())]
    NoArchive {
        /// What was typed.
        path: PathBuf,
    },
    /// The archive is not what was said of it.
    #[error("{what} of {place} is {actual}, not {stated}")]
    Differs {
        /// `the digest` or `the length`.
        what: &'static str,
        /// The archive.
        place: String,
        /// What it is.
        actual: String,
        /// What was given.
        stated: String,
    },
    /// The archive cannot be unpacked.
    #[error("{place} cannot be installed")]
    Archive {
        /// The archive.
        place: String,
        /// Why not.
        source: ArchiveError,
    },
    /// There is no pack in the archive where one is looked for.
    #[error("{place} has no pack that can be installed")]
    Root {
        /// The archive.
        place: String,
        /// Why not.
        source: RootError,
    },
    /// There is no room for looking into the archive.
    #[error("cannot make room for unpacking the archive")]
    Scratch(#[source] io::Error),
    /// Ctrl-C.
    #[error("interrupted; nothing has changed")]
    Interrupted,
    /// Nobody could read the entry.
    #[error("an index with this entry could not be used")]
    Entry(#[source] EntryError),
    /// A part of it would be left out by those who read it, or is an error to `index-validate`.
    #[error("a source of this entry could not be used: {why}")]
    Source {
        /// What a reader says.
        why: String,
    },
}

impl DraftError {
    pub(super) fn manifest(error: ManifestError) -> Self {
        match error {
            ManifestError::Missing { key } => Self::MissingKey { key },
            error => Self::Manifest(error),
        }
    }

    pub(super) fn pack(path: &Path, source: PackError) -> Self {
        Self::Pack {
            path: path.to_owned(),
            source,
        }
    }

    /// The digest of an archive is not the one that was given.
    pub(super) fn digest_differs(place: &str, actual: Digest, stated: Digest) -> Self {
        Self::Differs {
            what: "the digest",
            place: place.to_owned(),
            actual: actual.to_string(),
            stated: stated.to_string(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoFolder { .. } | Self::NoArchive { .. } => Exit::NotFound,
            Self::NoManifest { .. } => ErrorKind::ManifestMissing.exit(),
            Self::OddManifest { .. } => ErrorKind::InvalidManifest.exit(),
            Self::NotAFolder { .. } | Self::GitRef { .. } | Self::NoDigest { .. } => Exit::Usage,
            Self::MissingKey { .. }
            | Self::Manifest(_)
            | Self::Read { .. }
            | Self::Pack { .. }
            | Self::Checkout { .. }
            | Self::NotInCommit { .. }
            | Self::PublishedManifest { .. }
            | Self::OtherPack { .. }
            | Self::Differs { .. }
            | Self::Archive { .. }
            | Self::Root { .. }
            | Self::Scratch(_)
            | Self::Interrupted
            | Self::Entry(_)
            | Self::Source { .. } => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAFolder { .. } => Some(
                "name the folder of the pack; --archive FILE names the archive it is published as"
                    .to_owned(),
            ),
            Self::NoManifest { .. } => Some("a pack is a folder with a `pack.yaml`".to_owned()),
            Self::OddManifest { .. } => Some("put the file itself there, not a link".to_owned()),
            Self::MissingKey { key } => Some(format!("add `{key}: …` to `pack.yaml`")),
            Self::Manifest(source) | Self::PublishedManifest { source, .. } => source.hint(),
            Self::Pack { source, .. } => source.hint(),
            Self::Archive { source, .. } => source.hint_for_makers(),
            Self::Checkout { source, .. } => source.hint().map(str::to_owned),
            Self::NotInCommit { .. } => Some(
                "commit the pack and tag that commit, or name another one with --git-ref".to_owned(),
            ),
            Self::OtherPack { .. } => Some(
                "publish this version first, or check out the version that is published".to_owned(),
            ),
            Self::NoDigest { .. } => Some(
                "name the archive itself with --archive FILE, or its digest with --archive-checksum"
                    .to_owned(),
            ),
            Self::Root { source, .. } => source.hint(),
            Self::NoFolder { .. }
            | Self::Read { .. }
            | Self::GitRef { .. }
            | Self::NoArchive { .. }
            | Self::Differs { .. }
            | Self::Scratch(_)
            | Self::Interrupted
            | Self::Entry(_)
            | Self::Source { .. } => None,
        }
    }
}

impl From<DraftError> for Failure {
    fn from(error: DraftError) -> Self {
        let failure = Self::of_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
