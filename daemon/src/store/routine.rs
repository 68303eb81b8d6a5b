//! Rows of `routine`: when something was last done that packd does by itself once in a while.
//!
//! They outlast a restart, which does not begin to count anew, and a clock that is set back, after which nothing waits
//! for the time that it once was.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Database, StoreError, Tx, time};

/// When it was last done, in the form of [`time`].
///
/// # Errors
/// Those of SQLite.
pub(crate) fn last(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT at FROM routine WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Notes that it was done now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn done(tx: &Tx<'_>, name: &str) -> rusqlite::Result<()> {
    done_at(tx, name, &time::now())
}

/// Notes that it was done at this time.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn done_at(tx: &Tx<'_>, name: &str, at: &str) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO routine (name, at) VALUES (?1, ?2)",
        params![name, at],
    )?;
    Ok(())
}

/// Forgets that it ever was.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget(tx: &Tx<'_>, name: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM routine WHERE name = ?1", [name])
        .map(drop)
}

/// Notes that it was done now, in a transaction of its own.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn note(database: &Database, name: &'static str) -> Result<(), StoreError> {
    database.write(move |tx| done(tx, name)).await
}

/// How long until it is due, when it is to be done this often. What was never done is due, and so is what was done at a
/// time to come, or at none: nobody knows how long ago that was.
#[must_use]
pub(crate) fn wait(last: Option<&str>, every: Duration) -> Duration {
    match last {
        Some(at) if time::was_within(at, every) => every.saturating_sub(time::since(at)),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_due_that_long_after_and_a_clock_that_was_set_back_delays_nothing() {
        let hour = Duration::from_hours(1);
        let after = |at: Option<&str>| wait(at, hour).as_secs().div_ceil(60);
        assert_eq!(after(None), 0, "never done");
        assert_eq!(after(Some(&time::before(hour / 2))), 30);
        assert_eq!(after(Some(&time::before(hour * 2))), 0);
        assert_eq!(after(Some(&time::after(hour * 400))), 0);
        assert_eq!(after(Some("no time")), 0);
    }
}
