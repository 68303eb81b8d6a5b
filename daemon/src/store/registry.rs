//! Rows of `added_registry`: registries that were added while packd ran.

use rusqlite::{Connection, params};

use super::{Tx, time};
use crate::config::Added;

/// The registries that were added, by name.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<Added>> {
    let mut statement =
        connection.prepare_cached("SELECT name, keys FROM added_registry ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        Ok(Added {
            name: row.get("name")?,
            keys: row.get("keys")?,
        })
    })?;
    rows.collect()
}

/// Adds a registry; in place of one of the same name.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put(tx: &Tx<'_>, added: &Added, by: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO added_registry (name, keys, by, at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![added.name, added.keys, by, time::now()])?;
    Ok(())
}

/// Removes a registry that was added.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn remove(tx: &Tx<'_>, name: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM added_registry WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}
