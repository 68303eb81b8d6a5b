//! The row of `freeze`: that nothing is updated by itself.

use packd_wire::HoldView;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Tx, hold};

/// Freezes updates; in place of an earlier freeze.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put(tx: &Tx<'_>, freeze: &HoldView) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO freeze (only, until, reason, by, at) VALUES (1, ?1, ?2, ?3, ?4)",
    )?
    .execute(params![freeze.until, freeze.reason, freeze.by, freeze.at])?;
    tx.packs_changed();
    Ok(())
}

/// Lifts the freeze, if there is one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn lift(tx: &Tx<'_>) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM freeze")?.execute([])?;
    tx.packs_changed();
    Ok(())
}

/// The freeze that counts now: one that is over does not.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(connection: &Connection) -> rusqlite::Result<Option<HoldView>> {
    let freeze = connection
        .prepare_cached("SELECT until, reason, by, at FROM freeze")?
        .query_row([], |row| {
            Ok(HoldView {
                until: row.get("until")?,
                reason: row.get("reason")?,
                by: row.get("by")?,
                at: row.get("at")?,
            })
        })
        .optional()?;
    Ok(freeze.filter(hold::counts))
}
