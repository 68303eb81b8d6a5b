//! Rows of `event`: what happened, in order.

use packd_wire::{EventKind, EventView};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::Tx;
use super::job::decoded;

/// Which events are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only those of this job.
    pub job: Option<i64>,
    /// Only those about this pack.
    pub pack_ref: Option<String>,
    /// Only those of one of these kinds; empty: any.
    pub kinds: Vec<EventKind>,
}

impl Filter {
    /// Whether an event of this job, pack and kind is wanted.
    #[must_use]
    pub(crate) fn allows(&self, job: Option<i64>, pack_ref: Option<&str>, kind: EventKind) -> bool {
        (self.job.is_none() || self.job == job)
            && (self.pack_ref.is_none() || self.pack_ref.as_deref() == pack_ref)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}

/// Appends one event and returns its sequence number.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn append(tx: &Tx<'_>, event: &EventView) -> rusqlite::Result<i64> {
    tx.prepare_cached(
        "INSERT INTO event (at, kind, job, ref, data) VALUES (:at, :kind, :job, :ref, :data)",
    )?
    .execute(named_params! {
        ":at": event.at,
        ":kind": event.kind.as_str(),
        ":job": event.job,
        ":ref": event.pack_ref,
        ":data": event.data.to_string(),
    })?;
    Ok(tx.last_insert_rowid())
}

/// At most `limit` wanted events after `seq`, oldest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn since(
    connection: &Connection,
    seq: i64,
    filter: &Filter,
    limit: usize,
) -> rusqlite::Result<Vec<EventView>> {
    let mut statement = connection.prepare_cached(match filter.job {
        Some(_) => {
            "SELECT seq, at, kind, job, ref, data FROM event
             WHERE seq > :seq AND job = :job ORDER BY seq"
        }
        None => {
            "SELECT seq, at, kind, job, ref, data FROM event
             WHERE seq > :seq AND :job IS NULL ORDER BY seq"
        }
    })?;
    let mut rows = statement.query(named_params! {":seq": seq, ":job": filter.job})?;
    let mut events = Vec::new();
    while events.len() < limit
        && let Some(row) = rows.next()?
    {
        let event = read(row)?;
        if filter.allows(event.job, event.pack_ref.as_deref(), event.kind) {
            events.push(event);
        }
    }
    Ok(events)
}

/// One event.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(connection: &Connection, seq: i64) -> rusqlite::Result<Option<EventView>> {
    connection
        .prepare_cached("SELECT seq, at, kind, job, ref, data FROM event WHERE seq = ?1")?
        .query_row([seq], read)
        .optional()
}

/// The sequence number that was given last, 0 before the first; its event may be forgotten by now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)",
        )?
        .query_row([], |row| row.get(0))
}

/// When the newest event happened, if there is one.
///
/// # Errors
/// Those of SQLite.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "SELECT at FROM event ORDER BY seq DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<EventView> {
    Ok(EventView {
        seq: row.get("seq")?,
        at: row.get("at")?,
        kind: decoded(&format!("\"{}\"", row.get::<_, String>("kind")?))?,
        job: row.get("job")?,
        pack_ref: row.get("ref")?,
        data: decoded(&row.get::<_, String>("data")?)?,
    })
}
