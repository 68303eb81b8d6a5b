//! Rows of `watch`: the generations of automatic jobs whose health is watched, and those that packd goes back from. Written
//! with the activation, or with what speaks against it, and removed when the watch is over or the way back was taken: it goes
//! on after a restart.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Tx, time};

/// A generation whose health is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The generation.
    pub generation: i64,
    /// The job that activated it.
    pub job: i64,
    /// When, RFC 3339, UTC.
    pub since: String,
    /// Why it is to be gone back from, once that is known.
    pub failed: Option<String>,
    /// The job that goes back from it, once it was asked for.
    pub rollback: Option<i64>,
    /// How many such jobs were before that one, and failed.
    pub tries: u32,
}

/// Begins to watch a generation.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn begin(tx: &Tx<'_>, generation: i64, job: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO watch (generation, job, since) VALUES (?1, ?2, ?3)")?
        .execute(params![generation, job, time::now()])?;
    Ok(())
}

/// The oldest generation that is watched.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn oldest(connection: &Connection) -> rusqlite::Result<Option<Watched>> {
    connection
        .prepare_cached(
            "SELECT generation, job, since, failed, rollback, tries FROM watch ORDER BY generation LIMIT 1",
        )?
        .query_row([], |row| {
            Ok(Watched {
                generation: row.get("generation")?,
                job: row.get("job")?,
                since: row.get("since")?,
                failed: row.get("failed")?,
                rollback: row.get("rollback")?,
                tries: row.get("tries")?,
            })
        })
        .optional()
}

/// Notes why a generation is to be gone back from.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn fail(tx: &Tx<'_>, generation: i64, why: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE watch SET failed = coalesce(failed, ?2) WHERE generation = ?1")?
        .execute(params![generation, why])?;
    Ok(())
}

/// Notes what spoke against a generation that a job activated, and the job that goes back from it if there is one yet.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn go_back(
    tx: &Tx<'_>,
    generation: i64,
    job: i64,
    why: &str,
    rollback: Option<i64>,
) -> rusqlite::Result<()> {
    tx.packs_changed();
    tx.prepare_cached(
        "INSERT INTO watch (generation, job, since, failed, rollback) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (generation) DO UPDATE SET
             failed = coalesce(failed, excluded.failed), rollback = coalesce(rollback, excluded.rollback)",
    )?
    .execute(params![generation, job, time::now(), why, rollback])?;
    Ok(())
}

/// Notes that the job that was to go back from a generation did not; the next one is asked for when `rollback` is empty.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn try_again(tx: &Tx<'_>, generation: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE watch SET rollback = NULL, tries = tries + 1 WHERE generation = ?1")?
        .execute([generation])?;
    Ok(())
}

/// Ends a watch. Whoever waits for what becomes of packs looks again: the next automatic job waits for this.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn end(tx: &Tx<'_>, generation: i64) -> rusqlite::Result<()> {
    tx.packs_changed();
    tx.prepare_cached("DELETE FROM watch WHERE generation = ?1")?
        .execute([generation])?;
    Ok(())
}

/// The generations that the watched ones may be gone back from to.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn ways_back(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT base FROM generation JOIN watch ON watch.generation = generation.number
             WHERE base IS NOT NULL",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The generation that was active before this one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn before(connection: &Connection, generation: i64) -> rusqlite::Result<Option<i64>> {
    let base: Option<Option<i64>> = connection
        .prepare_cached("SELECT base FROM generation WHERE number = ?1")?
        .query_row([generation], |row| row.get(0))
        .optional()?;
    Ok(base.flatten())
}
