//! Rows that go with what is collected, and questions about what is still needed.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::keep::Facts;
use super::pack::GenerationStatus;
use super::{Tx, look};

/// What is known of every generation.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn generations(connection: &Connection) -> rusqlite::Result<Vec<Facts>> {
    connection
        .prepare_cached(
            "SELECT number, status, activation, activated_at, pinned FROM generation ORDER BY number",
        )?
        .query_map([], |row| {
            Ok(Facts {
                number: row.get("number")?,
                status: GenerationStatus::of(&row.get::<_, String>("status")?),
                activation: row.get("activation")?,
                activated_at: row.get("activated_at")?,
                pinned: row.get("pinned")?,
            })
        })?
        .collect()
}

/// The trees that generations have, but for these generations; relative to `store/`.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn named_trees(
    connection: &Connection,
    without: &BTreeSet<i64>,
) -> rusqlite::Result<BTreeSet<String>> {
    let mut trees = BTreeSet::new();
    let mut statement = connection.prepare_cached(
        "SELECT generation_pack.generation, install.dir FROM generation_pack
         JOIN install ON install.id = generation_pack.install",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !without.contains(&row.get(0)?) {
            trees.insert(row.get(1)?);
        }
    }
    Ok(trees)
}

/// Whether a generation has this tree.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn is_named(connection: &Connection, dir: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM install JOIN generation_pack ON generation_pack.install = install.id
             WHERE install.dir = ?1",
        )?
        .exists([dir])
}

/// The packs that unfinished jobs touch, as far as is known.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn touched_packs(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT ref FROM job_ref JOIN job ON job.id = job_ref.job
             WHERE job.status IN ('queued', 'running')",
        )?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The numbers of the jobs that have not ended.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn unfinished(connection: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
    connection
        .prepare_cached("SELECT id FROM job WHERE status IN ('queued', 'running')")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Forgets generations. Of each version the last install stays: it says which commit a version came from.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_generations(tx: &Tx<'_>, numbers: &BTreeSet<i64>) -> rusqlite::Result<()> {
    for number in numbers {
        tx.prepare_cached("DELETE FROM generation_pack WHERE generation = ?1")?
            .execute([number])?;
        tx.prepare_cached("DELETE FROM generation WHERE number = ?1")?
            .execute([number])?;
    }
    tx.execute(
        "DELETE FROM install
         WHERE id NOT IN (SELECT install FROM generation_pack)
           AND id NOT IN (SELECT max(id) FROM install GROUP BY ref, version)",
        [],
    )?;
    Ok(())
}

/// The trees that are known, or were looked at once; relative to `store/`.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn known_trees(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare_cached("SELECT dir FROM tree UNION SELECT dir FROM look")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Forgets trees that are not in the store any more.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_trees(tx: &Tx<'_>, dirs: &BTreeSet<String>) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("DELETE FROM tree WHERE dir = ?1")?;
    for dir in dirs {
        statement.execute([dir])?;
        // what was wrong with it is nobody's concern any more
        look::forget(tx, dir)?;
    }
    Ok(())
}

/// Whether a job of the kind `gc` has not ended.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn is_under_way(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM job WHERE kind = 'gc' AND status IN ('queued', 'running')")?
        .exists([])
}
