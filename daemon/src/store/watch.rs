//! Rows of `watch`: the generations of automatic jobs whose health is watched. Written with the activation, and removed
//! when the watch is over: it goes on after a restart.

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
            "SELECT generation, job, since, failed FROM watch ORDER BY generation LIMIT 1",
        )?
        .query_row([], |row| {
            Ok(Watched {
                generation: row.get("generation")?,
                job: row.get("job")?,
                since: row.get("since")?,
                failed: row.get("failed")?,
            })
        })
        .optional()
}

/// Notes why a generation is to be gone back from.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn fail(tx: &Tx<'_>, generation: i64, why: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE watch SET failed = ?2 WHERE generation = ?1")?
        .execute(params![generation, why])?;
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
