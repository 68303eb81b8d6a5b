//! How the store fails.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
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
        source: SqlReason,
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
    Query(#[source] SqlReason),

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
    /// What to do when the file system is full.
    pub(crate) const FREE_SPACE: &'static str =
        "free some space on the file system of the state folder, then ask again";

    /// What to do when the disk cannot be read or written.
    const LOOK_AT_DISK: &'static str = "look whether the disk is in order, and whether its file system is mounted for \
                                        writing: `dmesg`, `findmnt`; packd goes on when it can be written again";

    /// For `map_err` on the opening of a database.
    pub(super) fn open(path: &Path) -> impl Fn(rusqlite::Error) -> Self + Copy {
        move |source| Self::Open {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// For `map_err` on file operations with the path that is worked on: `StoreError::at("write", path)`.
    pub(super) fn at(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let doing = format!("{doing} `{}`", path.display());
        move |error| Self::Io {
            doing,
            source: without_path(&error),
        }
    }

    /// For `map_err` on file operations whose errors name the path: `StoreError::io("switch `current`")`.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Whether the same may succeed in a while: the database or the file system is locked, full,
    /// unreadable or out of order now, and somebody may see to it.
    #[must_use]
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Query(reason) if reason.is_damage() => false,
            Self::Query(SqlReason(error)) => error.sqlite_error_code().is_some(),
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

    /// Whether it says that the database is damaged.
    #[must_use]
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Open { source, .. } | Self::Query(source) if source.is_damage())
    }

    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(SqlReason(error))
            | Self::Open {
                source: SqlReason(error),
                ..
            } if is_full(error) => ErrorKind::NoSpace,
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
            _ if self.kind() == ErrorKind::NoSpace => Some(Self::FREE_SPACE.into()),
            Self::InUse { .. } => {
                Some("stop the other packd, or give this one its own --state-dir".into())
            }
            Self::Newer { .. } => Some("start the packd that wrote it, or a newer one".into()),
            Self::ForeignGeneration { .. } => {
                Some("restart packd: it takes the generation over from the store".into())
            }
            Self::CurrentOdd { path } => {
                Some(format!("look at it with `ls -l {}`", path.display()))
            }
            Self::Io { source, .. }
            | Self::Tree {
                source: TreeError::Io { source, .. },
                ..
            } => remedy(source),
            Self::Open { source, .. } | Self::Query(source) if source.is_damage() => Some(
                "restart packd: a damaged `packd.db` is put into `quarantine/` and rebuilt from the store".into(),
            ),
            Self::Open { .. } | Self::JournalMode { .. } => Some(
                "check the owner, the free space and the file system of the state folder".into(),
            ),
            Self::Query(SqlReason(error))
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)
                    || error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) =>
            {
                Some(Self::LOOK_AT_DISK.into())
            }
            Self::Query(_) | Self::Panicked | Self::Closed | Self::Tree { .. } => None,
        }
    }
}

/// What to do when the system refused an operation on the state folder.
fn remedy(error: &io::Error) -> Option<String> {
    use io::ErrorKind::{IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let text = match error.kind() {
        PermissionDenied => {
            "everything in the state folder has to belong to the user that packd runs as: look with `ls -la`, and set it \
             right with `chown`"
        }
        IsADirectory | NotADirectory => {
            "something else lies there than packd put there: look at it with `ls -la`, and move it away"
        }
        ReadOnlyFilesystem => StoreError::LOOK_AT_DISK,
        _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            StoreError::LOOK_AT_DISK
        }
        _ => return None,
    };
    Some(text.into())
}

/// What SQLite says, or the library around it, whose errors repeat their sources and the path that was
/// opened.
#[derive(Debug)]
pub(crate) struct SqlReason(rusqlite::Error);

impl SqlReason {
    /// Whether the file is not, or not any more, a database.
    fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(
            self.0.sqlite_error_code(),
            Some(DatabaseCorrupt | NotADatabase)
        )
    }
}

impl From<rusqlite::Error> for SqlReason {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for SqlReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            rusqlite::Error::SqliteFailure(error, Some(text))
                if error.code != rusqlite::ErrorCode::CannotOpen =>
            {
                write!(f, "{text} (SQLite's code {})", error.extended_code)
            }
            rusqlite::Error::SqliteFailure(error, _) => error.fmt(f),
            other => other.fmt(f),
        }
    }
}

impl Error for SqlReason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            // their texts end with that of their source
            rusqlite::Error::FromSqlConversionFailure(_, _, error)
            | rusqlite::Error::ToSqlConversionFailure(error) => error.source(),
            rusqlite::Error::SqliteFailure(..) => None,
            other => other.source(),
        }
    }
}

fn is_full(error: &rusqlite::Error) -> bool {
    // the index of its log is a file that it makes larger before it writes: that fails with a code of its own
    let of_the_index = error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
    of_the_index || error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

/// Whether the file system, or the quota, is full.
#[must_use]
pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_system_has_a_remedy_whatever_met_it() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let index = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        for error in [
            StoreError::io("write")(full()),
            StoreError::io("write")(io::ErrorKind::QuotaExceeded.into()),
            StoreError::Query(rusqlite::Error::SqliteFailure(code, None).into()),
            StoreError::Query(rusqlite::Error::SqliteFailure(index, None).into()),
        ] {
            assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
            assert_eq!(error.hint().as_deref(), Some(StoreError::FREE_SPACE));
        }
    }
}
