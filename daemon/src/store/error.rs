//! How the store fails.

use std::io;
use std::path::PathBuf;

use packd_format::tree::TreeError;
use packd_wire::ErrorKind;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Another process holds the state folder.
    #[error("the state folder `{}` is in use by another packd", path.display())]
    InUse {
        /// The state folder.
        path: PathBuf,
    },

    /// The database was written by a newer packd.
    #[error("`{}` has schema {found}, this packd knows {known}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },

    /// The database could not be opened or brought up to date.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },

    /// SQLite did not switch to write-ahead logging.
    #[error("`{}` stays in journal mode `{mode}`, and packd needs `wal`", path.display())]
    JournalMode {
        /// The database.
        path: PathBuf,
        /// The mode it is in.
        mode: String,
    },

    /// A question or a change failed.
    #[error("the database refused")]
    Query(#[source] rusqlite::Error),

    /// A closure given to the database panicked: a defect in packd.
    #[error("a database task panicked")]
    Panicked,

    /// The database has been closed.
    #[error("the database is closed")]
    Closed,

    /// A file operation failed.
    #[error("cannot {doing}")]
    Io {
        /// What was being done, naming the path.
        doing: String,
        /// Why not.
        source: io::Error,
    },

    /// The tree could not be read, synced or removed.
    #[error("cannot {doing}")]
    Tree {
        /// What was being done, naming the path.
        doing: String,
        /// Why not.
        source: TreeError,
    },

    /// `current` names a generation that the database has never heard of.
    #[error("`current` names generation {number}, which `packd.db` does not know")]
    ForeignGeneration {
        /// What the link names.
        number: i64,
    },

    /// `current` is something else than a link to a generation.
    #[error("`{}` is not a link to a generation", path.display())]
    CurrentOdd {
        /// The link.
        path: PathBuf,
    },
}

impl StoreError {
    /// For `map_err` on file operations: `StoreError::io("make folder `x`")`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Whether the same may succeed in a while: the database or the file system is locked, full,
    /// unreadable or out of order now, and somebody may see to it.
    #[must_use]
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Query(error) => error.sqlite_error_code().is_some(),
            Self::Io { .. } | Self::Tree { .. } | Self::CurrentOdd { .. } => true,
            Self::InUse { .. }
            | Self::Newer { .. }
            | Self::Open { .. }
            | Self::JournalMode { .. }
            | Self::Panicked
            | Self::Closed
            | Self::ForeignGeneration { .. } => false,
        }
    }

    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(error) | Self::Open { source: error, .. } if is_full(error) => {
                ErrorKind::NoSpace
            }
            Self::Io { source, .. } if is_no_space(source) => ErrorKind::NoSpace,
            Self::Tree {
                source: TreeError::Io { source, .. },
                ..
            } if is_no_space(source) => ErrorKind::NoSpace,
            Self::Newer { .. }
            | Self::Open { .. }
            | Self::JournalMode { .. }
            | Self::Query(_)
            | Self::ForeignGeneration { .. } => ErrorKind::Database,
            Self::InUse { .. } | Self::Io { .. } | Self::Tree { .. } | Self::CurrentOdd { .. } => {
                ErrorKind::Io
            }
            Self::Closed => ErrorKind::ShuttingDown,
            Self::Panicked => ErrorKind::Internal,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::InUse { .. } => {
                Some("stop the other packd, or give this one its own --state-dir".into())
            }
            Self::Newer { .. } => Some("start the packd that wrote it, or a newer one".into()),
            Self::ForeignGeneration { .. } => Some(
                "restore the `packd.db` that belongs to this state folder; nothing was changed"
                    .into(),
            ),
            Self::CurrentOdd { path } => {
                Some(format!("look at it with `ls -l {}`", path.display()))
            }
            Self::Open { .. } | Self::JournalMode { .. } => Some(
                "check the owner, the free space and the file system of the state folder".into(),
            ),
            Self::Query(_)
            | Self::Panicked
            | Self::Closed
            | Self::Io { .. }
            | Self::Tree { .. } => None,
        }
    }
}

fn is_full(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull)
    )
}

/// Whether the file system, or the quota, is full.
#[must_use]
pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
