//! Why what came is not installed.

use std::path::PathBuf;

use packd_format::tree::RootError;
use packd_format::{ManifestError, PackRef, Version};
use packd_wire::ErrorKind;

/// Why what came is not installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// There is no `pack.yaml`, or there are several.
    #[error("no pack in {shown}")]
    Root {
        /// Where it came from.
        shown: String,
        /// Why.
        source: RootError,
    },

    /// `pack.yaml` cannot be read.
    #[error("no usable pack in {shown}")]
    Manifest {
        /// Where it came from.
        shown: String,
        /// Why.
        source: Box<ManifestError>,
    },

    /// Another pack, or another version, than was asked for.
    #[error("{shown} holds `{pack}` {version}, and `{wanted}`{} was asked for", wanted_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default())]
    Other {
        /// Where it came from.
        shown: String,
        /// What it is.
        pack: PackRef,
        /// Its version.
        version: Box<Version>,
        /// What was asked for.
        wanted: PackRef,
        /// In which version.
        wanted_version: Option<Box<Version>>,
        /// Whether a registry offers it as that.
        offered: bool,
    },

    /// The tree is another one than the registry, or the request, promised.
    #[error("the tree of {shown} has the digest {actual}, and {expected} was promised")]
    Tree {
        /// Where it came from.
        shown: String,
        /// What the registry or the request says.
        expected: String,
        /// What it is.
        actual: String,
    },

    /// The tree could not be read back.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// The list of a tree in the store is damaged.
    #[error("cannot use `{}`", path.display())]
    List {
        /// Where.
        path: PathBuf,
        /// Why.
        source: packd_format::tree::ListError,
    },
}

impl InspectError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Root {
                source: RootError::LinkLeaves { .. },
                ..
            } => ErrorKind::UnsafeArchive,
            Self::Root {
                source: RootError::BadPath { .. },
                ..
            } => ErrorKind::InvalidReference,
            Self::Root { .. } => ErrorKind::ManifestMissing,
            Self::Manifest { .. } => ErrorKind::InvalidManifest,
            Self::Other { .. } => ErrorKind::ContentMismatch,
            Self::Tree { .. } => ErrorKind::DigestMismatch,
            Self::Read { .. } | Self::List { .. } => ErrorKind::Io,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Root { source, .. } => source.hint(),
            Self::Manifest { source, .. } => source.hint().or_else(|| {
                Some("whoever makes the pack has to change that; `packctl lint` shows it".into())
            }),
            Self::Other {
                offered: false,
                pack,
                ..
            } => Some(format!("ask for it as `{pack}`")),
            Self::Other { .. } | Self::Tree { .. } => {
                Some("tell whoever keeps the place that it came from".into())
            }
            Self::Read { .. } | Self::List { .. } => {
                Some("the store may be damaged; `--force` installs the pack again".into())
            }
        }
    }
}
