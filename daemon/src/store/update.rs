//! What updates remember: rows of `update_turn`, `update_attempt`, `update_told` and `host`.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Tx, time};

/// When the due updates of one registry begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TurnRow {
    /// RFC 3339, UTC.
    pub at: String,
    /// Whether the moment before was missed while packd did not run.
    pub late: bool,
    /// The job that makes them, until its end was looked at.
    pub job: Option<i64>,
}

/// A version that was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptRow {
    /// The newest version that was wanted.
    pub version: String,
    /// How often it did not work.
    pub failures: u32,
    /// When it is tried again; RFC 3339, UTC.
    pub next: String,
    /// What it depends on, as it was then; when that is different now, it is tried again at once.
    pub world: Option<String>,
    /// Whether it failed together with others, and is to be tried without them.
    pub apart: bool,
    /// The job.
    pub job: i64,
    /// Why it did not work.
    pub reason: String,
}

/// The turns, by registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn turns(connection: &Connection) -> rusqlite::Result<BTreeMap<String, TurnRow>> {
    connection
        .prepare_cached("SELECT registry, at, late, job FROM update_turn")?
        .query_map([], |row| {
            let turn = TurnRow {
                at: row.get("at")?,
                late: row.get("late")?,
                job: row.get("job")?,
            };
            Ok((row.get("registry")?, turn))
        })?
        .collect()
}

/// Notes the turn of a registry; in place of an earlier one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn set_turn(tx: &Tx<'_>, registry: &str, turn: &TurnRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO update_turn (registry, at, late, job) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![registry, turn.at, turn.late, turn.job])?;
    Ok(())
}

/// Forgets the turn of a registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_turn(tx: &Tx<'_>, registry: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM update_turn WHERE registry = ?1")?
        .execute([registry])?;
    Ok(())
}

/// What was tried in vain, by pack.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn attempts(connection: &Connection) -> rusqlite::Result<BTreeMap<String, AttemptRow>> {
    connection
        .prepare_cached("SELECT * FROM update_attempt")?
        .query_map([], |row| Ok((row.get("ref")?, attempt(row)?)))?
        .collect()
}

/// Notes what was tried in vain; in place of what was noted of the pack before.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn set_attempt(tx: &Tx<'_>, pack_ref: &str, row: &AttemptRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO update_attempt (ref, version, failures, next, world, apart, job, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        pack_ref,
        row.version,
        row.failures,
        row.next,
        row.world,
        row.apart,
        row.job,
        row.reason
    ])?;
    Ok(())
}

/// Forgets what was tried of a pack.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_attempt(tx: &Tx<'_>, pack_ref: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM update_attempt WHERE ref = ?1")?
        .execute([pack_ref])?;
    Ok(())
}

/// Whether something is remembered of other packs than these.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn knows_others(connection: &Connection, active: &[String]) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM (SELECT ref FROM update_attempt UNION SELECT ref FROM update_told)
             WHERE ref NOT IN (SELECT value FROM json_each(?1))",
        )?
        .exists([super::job::encoded(&active)?])
}

/// Forgets what is remembered of packs that are not active any more.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_gone(tx: &Tx<'_>, active: &[String]) -> rusqlite::Result<()> {
    let active = super::job::encoded(&active)?;
    for table in ["update_attempt", "update_told"] {
        tx.execute(
            &format!("DELETE FROM {table} WHERE ref NOT IN (SELECT value FROM json_each(?1))"),
            [&active],
        )?;
    }
    Ok(())
}

/// Notes that it was told of a version; whether it was not before.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn tell(tx: &Tx<'_>, pack_ref: &str, version: &str) -> rusqlite::Result<bool> {
    let new = tx
        .prepare_cached("INSERT OR IGNORE INTO update_told (ref, version, at) VALUES (?1, ?2, ?3)")?
        .execute(params![pack_ref, version, time::now()])?;
    Ok(new > 0)
}

/// Whether it was told of a version.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn is_told(
    connection: &Connection,
    pack_ref: &str,
    version: &str,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM update_told WHERE ref = ?1 AND version = ?2")?
        .exists([pack_ref, version])
}

/// What was made up to tell this host from others, if it was.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn host_id(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT id FROM host")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// Makes up what tells this host from others, once.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn make_host_id(tx: &Tx<'_>) -> rusqlite::Result<String> {
    tx.execute(
        "INSERT OR IGNORE INTO host (only, id) VALUES (1, lower(hex(randomblob(16))))",
        [],
    )?;
    tx.query_row("SELECT id FROM host", [], |row| row.get(0))
}

/// What the updates of a registry depend on: its index, and what is active.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn world(connection: &Connection, generation: Option<i64>) -> rusqlite::Result<String> {
    let indexes: Option<String> = connection
        .prepare_cached(
            "SELECT group_concat(name || ' ' || coalesce(digest, ''), ' ')
             FROM (SELECT name, digest FROM registry_index ORDER BY name)",
        )?
        .query_row([], |row| row.get(0))?;
    let generation = generation.unwrap_or_default();
    Ok(format!("{generation} {}", indexes.unwrap_or_default()))
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    Ok(AttemptRow {
        version: row.get("version")?,
        failures: row.get("failures")?,
        next: row.get("next")?,
        world: row.get("world")?,
        apart: row.get("apart")?,
        job: row.get("job")?,
        reason: row.get("reason")?,
    })
}
