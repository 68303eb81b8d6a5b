//! Rows of `hook_due`: hooks that are to run, or run. Written with the event that they are run for, and removed with what
//! came of it: a hook is run at least once.

use packd_wire::{EventView, HookView, JobView};
use rusqlite::{Connection, OptionalExtension, params};

use super::Tx;
use super::job::{self, decoded, encoded};

/// How many runs of one hook can wait; later ones are not noted.
const MOST_DUE: u32 = 1000;

/// How many runs a job shows.
const MOST_SHOWN: usize = 32;

/// A run that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The number of the event.
    pub event: i64,
    /// The name of the hook.
    pub hook: String,
}

/// What a run begins with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Begun {
    /// How often packd died during it.
    pub deaths: u32,
    /// The event.
    pub event: EventView,
    /// Its job, and the job's request as stored.
    pub job: Option<(JobView, String)>,
}

/// Notes that a hook is to run for an event; whether there was room for it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn add(tx: &Tx<'_>, event: i64, hook: &str) -> rusqlite::Result<bool> {
    let added = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO hook_due (event, hook)
             SELECT ?1, ?2 WHERE (SELECT count(*) FROM hook_due WHERE hook = ?2) < ?3",
        )?
        .execute(params![event, hook, MOST_DUE])?;
    Ok(added > 0)
}

/// The run of each hook that is next, those of the oldest events first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn next(connection: &Connection) -> rusqlite::Result<Vec<Due>> {
    connection
        .prepare_cached("SELECT hook, min(event) AS event FROM hook_due GROUP BY hook ORDER BY 2")?
        .query_map([], |row| {
            Ok(Due {
                event: row.get("event")?,
                hook: row.get("hook")?,
            })
        })?
        .collect()
}

/// Whether any is due.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn is_any(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM hook_due)")?
        .query_row([], |row| row.get(0))
}

/// Counts that a run begins, and gives what it is about; nothing when the event is forgotten by now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn begin(tx: &Tx<'_>, due: &Due) -> rusqlite::Result<Option<Begun>> {
    let starts: Option<u32> = tx
        .prepare_cached(
            "UPDATE hook_due SET starts = starts + 1 WHERE event = ?1 AND hook = ?2 RETURNING starts",
        )?
        .query_row(params![due.event, due.hook], |row| row.get(0))
        .optional()?;
    let (Some(starts), Some(event)) = (starts, super::event::get(tx, due.event)?) else {
        return Ok(None);
    };
    let job = match event.job {
        Some(id) => job::get(tx, id)?.map(|row| (row.view, row.request)),
        None => None,
    };
    Ok(Some(Begun {
        deaths: starts.saturating_sub(1),
        event,
        job,
    }))
}

/// Takes back that a run began: packd stops, which is not the hook's fault.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put_back(tx: &Tx<'_>, due: &Due) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE hook_due SET starts = starts - 1 WHERE event = ?1 AND hook = ?2")?
        .execute(params![due.event, due.hook])?;
    Ok(())
}

/// Forgets a run that is over, or not wanted any more.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget(tx: &Tx<'_>, due: &Due) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM hook_due WHERE event = ?1 AND hook = ?2")?
        .execute(params![due.event, due.hook])?;
    Ok(())
}

/// Shows how a run ended in its job.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn show(tx: &Tx<'_>, id: i64, hook: &HookView) -> rusqlite::Result<()> {
    let shown: Option<Option<String>> = tx
        .prepare_cached("SELECT hooks FROM job WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let Some(shown) = shown else { return Ok(()) };
    let mut hooks: Vec<HookView> = match shown {
        Some(text) => decoded(&text)?,
        None => Vec::new(),
    };
    hooks.push(hook.clone());
    let excess = hooks.len().saturating_sub(MOST_SHOWN);
    hooks.drain(..excess);
    tx.prepare_cached("UPDATE job SET hooks = ?2 WHERE id = ?1")?
        .execute(params![id, encoded(&hooks)?])?;
    Ok(())
}
