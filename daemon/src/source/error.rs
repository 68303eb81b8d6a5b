//! Why no tree came of a source.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use packd_format::Digest;
use packd_format::archive::{ArchiveError, PackError};
use packd_wire::{ErrorKind, StepName};

use super::git::GitError;
use crate::net::NetError;
use crate::store::StoreError;

/// Why no tree came of a source. What was written until then is the caller's to remove; nothing is
/// written after the error was returned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The bytes did not come.
    #[error("cannot download the archive")]
    Download {
        /// Why.
        source: NetError,
    },
    /// The local file cannot be opened.
    #[error("cannot open the archive {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The local file is a folder, a pipe or a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The local file cannot be read.
    #[error("cannot read the archive `{from}`")]
    Read {
        /// Where the archive comes from.
        from: String,
        /// Why.
        source: io::Error,
    },
    /// The folder of a pack cannot be read as one.
    #[error("cannot read the folder `{from}`")]
    Packing {
        /// Where it is.
        from: String,
        /// Why.
        source: PackError,
    },
    /// The archive has more bytes than an archive may have.
    #[error("`{from}` has {bytes} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Where the archive comes from.
        from: String,
        /// Its size.
        bytes: u64,
        /// The bytes allowed.
        limit: u64,
    },
    /// The file system has no room for the archive and its tree.
    #[error(
        "`{from}` has {bytes} bytes: {needed} bytes are needed on the file system of the state folder, with the {min_free} of \
         `store.min_free` that stay free, and {free} are free"
    )]
    NoRoom {
        /// Where the archive comes from.
        from: String,
        /// Its size.
        bytes: u64,
        /// What is needed for all of it, with what must stay free.
        needed: u64,
        /// What must stay free.
        min_free: u64,
        /// What is free.
        free: u64,
    },
    /// The archive has another size than the index says.
    #[error("`{from}` has {}{actual} bytes, expected {expected}", if *exact { "" } else { "more than " })]
    SizeMismatch {
        /// Where the archive comes from.
        from: String,
        /// What the index says.
        expected: u64,
        /// What came, or was announced.
        actual: u64,
        /// Whether reading stopped there, so that the archive may be larger still.
        exact: bool,
    },
    /// The bytes are not the ones that were promised.
    #[error("digest of `{from}` is {}, expected {}", digests.actual, digests.expected)]
    DigestMismatch {
        /// Where the archive comes from.
        from: String,
        /// The two digests.
        digests: Box<Mismatch>,
        /// What else is wrong with the bytes.
        source: Option<Box<ArchiveError>>,
    },
    /// The archive cannot be unpacked.
    #[error("cannot unpack `{from}`")]
    Unpack {
        /// Where the archive comes from.
        from: String,
        /// The folder it goes to.
        folder: PathBuf,
        /// Why.
        source: ArchiveError,
    },
    /// A zip archive cannot be kept until it has come whole.
    #[error("cannot keep the archive `{from}` while it is read")]
    Spool {
        /// Where the archive comes from.
        from: String,
        /// The folder it is kept in.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No tree came of a repository; its own words say it best.
    #[error(transparent)]
    Git {
        /// Why.
        source: GitError,
    },
    /// What an earlier attempt left in the folder cannot be removed.
    #[error("cannot begin again with `{from}`")]
    Folder {
        /// Where the archive comes from.
        from: String,
        /// Why.
        source: StoreError,
    },
    /// The caller asked to stop.
    #[error("fetching the archive was cancelled")]
    Cancelled,
}

/// Two digests of one algorithm that should be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// What was promised.
    pub expected: Digest,
    /// What the bytes have.
    pub actual: Digest,
}

/// The stable name of why something could not be unpacked, whatever way it came.
#[must_use]
pub(super) fn kind_of_unpacking(error: &ArchiveError) -> ErrorKind {
    match error {
        ArchiveError::UnsupportedFormat { .. } => ErrorKind::UnsupportedArchive,
        ArchiveError::Damaged { .. } => ErrorKind::InvalidArchive,
        ArchiveError::Unsafe { .. } => ErrorKind::UnsafeArchive,
        ArchiveError::Limit { .. } => ErrorKind::LimitExceeded,
        ArchiveError::Cancelled => ErrorKind::Cancelled,
        ArchiveError::Write { .. } if error.is_no_space() => ErrorKind::NoSpace,
        ArchiveError::Write { .. } | ArchiveError::Read { .. } => ErrorKind::Io,
    }
}

/// The same of why a folder could not be packed.
fn kind_of_packing(error: &PackError) -> ErrorKind {
    match error {
        PackError::Read { source, .. } => match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => ErrorKind::FetchRefused,
            _ => ErrorKind::Io,
        },
        PackError::Ignore { .. } | PackError::Empty { .. } => ErrorKind::InvalidArchive,
        PackError::Special { .. } => ErrorKind::UnsafeArchive,
        PackError::Refused { source, .. } => kind_of_unpacking(source),
        PackError::Changed { .. } | PackError::Write { .. } => ErrorKind::Io,
    }
}

impl SourceError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Download { source } => source.kind(),
            Self::Open { source, .. } => match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                    ErrorKind::FetchRefused
                }
                _ => ErrorKind::Io,
            },
            Self::NotAFile { .. } => ErrorKind::FetchRefused,
            Self::Packing { source, .. } => kind_of_packing(source),
            Self::TooLarge { .. } => ErrorKind::LimitExceeded,
            Self::NoRoom { .. } => ErrorKind::NoSpace,
            Self::SizeMismatch { .. } | Self::DigestMismatch { .. } => ErrorKind::DigestMismatch,
            Self::Unpack { source, .. } => kind_of_unpacking(source),
            Self::Spool { source, .. } if is_full(source) => ErrorKind::NoSpace,
            Self::Folder { source, .. } => source.kind(),
            Self::Read { .. } | Self::Spool { .. } => ErrorKind::Io,
            Self::Git { source } => source.kind(),
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// Which half of the pass failed.
    #[must_use]
    pub(crate) fn step(&self) -> StepName {
        match self {
            Self::Download { .. }
            | Self::Open { .. }
            | Self::NotAFile { .. }
            | Self::Read { .. }
            | Self::Packing { .. }
            | Self::TooLarge { .. }
            | Self::NoRoom { .. }
            | Self::SizeMismatch { .. }
            | Self::DigestMismatch { .. }
            | Self::Spool { .. } => StepName::Fetch,
            Self::Git { source } if !source.is_of_the_tree() => StepName::Fetch,
            Self::Unpack { .. } | Self::Folder { .. } | Self::Git { .. } | Self::Cancelled => {
                StepName::Unpack
            }
        }
    }

    /// Whether the same fetch can succeed later, with nothing changed here.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Download { source } => source.is_transient(),
            Self::Git { source } => source.is_transient(),
            Self::Packing { source, .. } => matches!(source, PackError::Changed { .. }),
            _ => false,
        }
    }

    /// Whether it is about what the bytes are: other bytes would not give it.
    #[must_use]
    pub(super) fn is_about_the_bytes(&self) -> bool {
        match self {
            Self::SizeMismatch { .. } | Self::DigestMismatch { .. } | Self::TooLarge { .. } => true,
            Self::Unpack { source, .. } => source.is_about_the_bytes(),
            Self::Download { .. }
            | Self::Open { .. }
            | Self::NotAFile { .. }
            | Self::NoRoom { .. }
            | Self::Read { .. }
            | Self::Packing { .. }
            | Self::Spool { .. }
            | Self::Folder { .. }
            | Self::Git { .. }
            | Self::Cancelled => false,
        }
    }

    /// Whether the file system is full.
    #[must_use]
    pub(super) fn is_no_space(&self) -> bool {
        self.kind() == ErrorKind::NoSpace
    }

    /// Whether the caller's own wish ended it.
    #[must_use]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Download { source } => source.retry_after(),
            Self::Git { source } => source.retry_after(),
            _ => None,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Download {
                source: NetError::Deadline { .. },
            } => Some(
                "raise `net.total_timeout` if so much time is needed; the next attempt goes on where it was if the \
                 server can do that"
                    .to_owned(),
            ),
            Self::Download {
                source: NetError::TooLarge { .. },
            }
            | Self::TooLarge { .. } => Some(
                "the limit is `limits.pack_bytes` of the configuration".to_owned(),
            ),
            Self::Download { source } => Some(source.any_hint()),
            Self::Folder { source, .. } => source.hint(),
            // the folder itself is gone by the time that somebody reads this
            Self::Unpack { .. } | Self::Spool { .. } if self.kind() == ErrorKind::NoSpace => {
                Some(StoreError::FREE_SPACE.to_owned())
            }
            Self::Unpack { source, .. } => source.hint(),
            Self::NoRoom { .. } => Some(
                "free some space, or lower `store.min_free`; then ask again".to_owned(),
            ),
            Self::SizeMismatch { .. } => Some(
                "the index has another `size` than the archive: compare both with what its publisher says".to_owned(),
            ),
            Self::DigestMismatch { .. } => Some(
                "the archive is not the one that the checksum was made of: compare both with what its publisher says"
                    .to_owned(),
            ),
            Self::Git { source } => source.hint(),
            Self::Packing { source, .. } => source.hint(),
            Self::Open { .. } => Some(
                "make the file readable for packd, or let the index name another one".to_owned(),
            ),
            Self::NotAFile { .. } => Some("let the index name a regular file".to_owned()),
            Self::Read { .. } | Self::Spool { .. } => Some(
                "check the file system of the state folder; the log of the kernel may say more"
                    .to_owned(),
            ),
            Self::Cancelled => None,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
