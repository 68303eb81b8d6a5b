//! Rows of `registry_trust` and `signed_target`: what was accepted of signed registries.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use packd_format::sign::{Held, Target};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::Tx;
use super::job::{decoded, encoded};

/// What was accepted of one signed registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustRow {
    /// The registry.
    pub name: String,
    /// sha256 of the root that the operator pinned.
    pub pin: String,
    /// The newest root, as it was signed.
    pub root: Vec<u8>,
    /// What must not be undercut.
    pub held: Held,
    /// The root under which that was accepted; none: nothing was yet.
    pub accepted_root: Option<u64>,
    /// Until when it may be believed.
    pub expires: Option<Timestamp>,
    /// What somebody should know.
    pub warnings: Vec<String>,
}

/// What is known of one registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<TrustRow>> {
    connection
        .prepare_cached("SELECT * FROM registry_trust WHERE name = ?1")?
        .query_row([name], read)
        .optional()
}

/// Writes what is known of one registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put(tx: &Tx<'_>, row: &TrustRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO registry_trust (name, pin, root, held, accepted_root, expires, warnings)
         VALUES (:name, :pin, :root, :held, :accepted_root, :expires, :warnings)",
    )?
    .execute(named_params! {
        ":name": row.name,
        ":pin": row.pin,
        ":root": row.root,
        ":held": encoded(&row.held)?,
        ":accepted_root": row.accepted_root.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
        ":expires": row.expires.map(|at| at.to_string()),
        ":warnings": encoded(&row.warnings)?,
    })?;
    Ok(())
}

/// Forgets that a registry was ever signed; whether it was.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget(tx: &Tx<'_>, name: &str) -> rusqlite::Result<bool> {
    tx.execute("DELETE FROM signed_target WHERE registry = ?1", [name])?;
    let forgotten = tx.execute("DELETE FROM registry_trust WHERE name = ?1", [name])?;
    Ok(forgotten > 0)
}

/// Replaces the targets of one registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn replace_targets(
    tx: &Tx<'_>,
    registry: &str,
    targets: &BTreeMap<String, Target>,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM signed_target WHERE registry = ?1", [registry])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO signed_target (registry, place, target) VALUES (?1, ?2, ?3)",
    )?;
    for (place, target) in targets {
        insert.execute(params![registry, place, encoded(target)?])?;
    }
    Ok(())
}

/// The targets at some places; a place that was not signed is not among them.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn targets(
    connection: &Connection,
    registry: &str,
    places: impl Iterator<Item = String>,
) -> rusqlite::Result<HashMap<String, Target>> {
    let mut select = connection
        .prepare_cached("SELECT target FROM signed_target WHERE registry = ?1 AND place = ?2")?;
    let mut found = HashMap::new();
    for place in places {
        let target: Option<String> = select
            .query_row(params![registry, place], |row| row.get(0))
            .optional()?;
        if let Some(target) = target {
            found.insert(place, decoded(&target)?);
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<TrustRow> {
    let accepted: Option<i64> = row.get("accepted_root")?;
    let expires: Option<String> = row.get("expires")?;
    Ok(TrustRow {
        name: row.get("name")?,
        pin: row.get("pin")?,
        root: row.get("root")?,
        held: decoded(&row.get::<_, String>("held")?)?,
        accepted_root: accepted.and_then(|version| u64::try_from(version).ok()),
        // a time that cannot be read is none: what has no end is not believed
        expires: expires.and_then(|at| at.parse().ok()),
        warnings: decoded(&row.get::<_, String>("warnings")?)?,
    })
}
