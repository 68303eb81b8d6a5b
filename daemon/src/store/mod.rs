//! What packd remembers, and the trees on disk.
//!
//! [`Database`] is SQLite behind one writer thread and one reader thread; SQL is
//! written only in this module, a function per question, in the file named
//! after the table. [`tree`] and [`generation`] are the files of
//! `<state>/store` and `<state>/generations`. Nothing here knows what a job
//! does or where bytes come from.

pub(crate) mod audit;
mod backup;
pub(crate) mod blocked;
pub(crate) mod clock;
pub(crate) mod collect;
mod database;
pub(crate) mod degraded;
mod error;
pub(crate) mod event;
pub(crate) mod forget;
pub(crate) mod freeze;
pub(crate) mod generation;
pub(crate) mod history;
pub(crate) mod hold;
pub(crate) mod hook;
pub(crate) mod index;
mod integrity;
pub(crate) mod job;
pub(crate) mod keep;
pub(crate) mod lease;
pub(crate) mod look;
mod numbers;
pub(crate) mod pack;
pub(crate) mod patience;
pub(crate) mod quality;
pub(crate) mod quarantine;
pub(crate) mod rebuild;
pub(crate) mod record;
pub(crate) mod registry;
pub(crate) mod remains;
pub(crate) mod reserve;
pub(crate) mod routine;
mod schema;
pub(crate) mod test;
pub(crate) mod time;
pub(crate) mod tree;
pub(crate) mod trust;
pub(crate) mod update;
pub(crate) mod watch;

#[cfg(test)]
pub(crate) use database::Threads;
pub(crate) use database::{Database, Tx};
pub(crate) use error::StoreError;
/// What such a closure reads from.
pub(crate) use rusqlite::Connection;
/// Why such a closure failed.
pub(crate) use rusqlite::Error as SqlError;
/// What a closure given to [`Database`] returns.
pub(crate) use rusqlite::Result as SqlResult;

/// Runs work on files off the runtime's thread, which must not wait for a disk.
///
/// # Errors
/// Those of `work`; [`StoreError::Panicked`].
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(StoreError::Panicked))
}
