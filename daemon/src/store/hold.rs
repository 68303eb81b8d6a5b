//! Rows of `hold`: packs that stay in the version that they have.

use std::collections::BTreeMap;
use std::time::Duration;

use packd_wire::HoldView;
use rusqlite::{Connection, Row, params};

use super::{Tx, time};

/// The holds that count now, by pack.
pub(crate) type Holds = BTreeMap<String, HoldView>;

/// Holds a pack; in place of an earlier hold of it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put(tx: &Tx<'_>, pack_ref: &str, hold: &HoldView) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO hold (ref, until, reason, by, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![pack_ref, hold.until, hold.reason, hold.by, hold.at])?;
    tx.packs_changed();
    Ok(())
}

/// Lifts the hold of a pack; whether there was one.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn lift(tx: &Tx<'_>, pack_ref: &str) -> rusqlite::Result<bool> {
    let lifted = tx
        .prepare_cached("DELETE FROM hold WHERE ref = ?1")?
        .execute([pack_ref])?;
    tx.packs_changed();
    Ok(lifted > 0)
}

/// The holds that count now: those that are over do not.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Holds> {
    let mut statement =
        connection.prepare_cached("SELECT ref, until, reason, by, at FROM hold ORDER BY ref")?;
    let rows = statement.query_map([], read)?;
    rows.filter(|row| row.as_ref().map_or(true, |(_, hold)| counts(hold)))
        .collect()
}

/// Whether a hold is not over yet.
pub(super) fn counts(hold: &HoldView) -> bool {
    hold.until
        .as_deref()
        .is_none_or(|until| time::until(until) > Duration::ZERO)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(String, HoldView)> {
    let hold = HoldView {
        until: row.get("until")?,
        reason: row.get("reason")?,
        by: row.get("by")?,
        at: row.get("at")?,
    };
    Ok((row.get("ref")?, hold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_that_is_over_counts_no_more() {
        let until = |until: Option<String>| HoldView {
            until,
            reason: None,
            by: "ada".to_owned(),
            at: time::now(),
        };
        assert!(counts(&until(None)));
        assert!(counts(&until(Some(time::after(Duration::from_mins(1))))));
        assert!(!counts(&until(Some(time::now()))));
        assert!(!counts(&until(Some("2001-01-01T00:00:00.000Z".to_owned()))));
    }
}
