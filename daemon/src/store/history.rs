//! Rows of `generation` as a history: what each one changed, which was active when, and which are kept for ever.

use packd_wire::{ChangeAction, GenerationChange, GenerationView, PinView};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;

use super::Tx;
use super::job::decoded;
use super::pack::{self, Installed};

/// The packs that are not the same in two generations, as JSON: `[{ref, from, to}]`, by ref. The packs of a
/// generation that is not known count as none.
const CHANGES: &str = "
    SELECT json_group_array(json_object('ref', name, 'from', was, 'to', becomes)) FROM (
        SELECT named.ref AS name, older.version AS was, newer.version AS becomes
        FROM (SELECT DISTINCT ref FROM generation_pack WHERE generation IN (?1, ?2)) AS named
        LEFT JOIN generation_pack AS before ON before.generation = ?1 AND before.ref = named.ref
        LEFT JOIN generation_pack AS after ON after.generation = ?2 AND after.ref = named.ref
        LEFT JOIN install AS older ON older.id = before.install
        LEFT JOIN install AS newer ON newer.id = after.install
        WHERE before.install IS NOT after.install
        ORDER BY named.ref)";

/// The columns of a generation, and how many packs it has.
const COLUMNS: &str = "
    number, status, activated_at, by, job, summary, base, changes, pinned, pin_reason, pin_by, pin_at,
    (SELECT count(*) FROM generation_pack WHERE generation = number) AS packs";

/// One line of `changes`, as it is stored.
#[derive(Debug, Deserialize)]
struct Changed {
    #[serde(rename = "ref")]
    pack_ref: String,
    from: Option<String>,
    to: Option<String>,
}

/// Notes of a new generation what it changes, and for whom: the job's row may be forgotten before it.
///
/// # Errors
/// Those of SQLite.
pub(super) fn describe(
    tx: &Tx<'_>,
    number: i64,
    base: Option<i64>,
    job: i64,
) -> rusqlite::Result<()> {
    let changes = changes_text(tx, base, number)?;
    tx.execute(
        "UPDATE generation SET base = ?2, changes = ?3,
             by = (SELECT coalesce(user, uid) FROM job WHERE id = ?4),
             summary = (SELECT summary FROM job WHERE id = ?4)
         WHERE number = ?1",
        params![number, base, changes, job],
    )?;
    Ok(())
}

/// Notes that a generation is switched to: after all others, and under a number that no other one gets.
///
/// # Errors
/// Those of SQLite.
pub(super) fn switched(tx: &Tx<'_>, number: i64) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE generation SET activation = (SELECT coalesce(max(activation), 0) + 1 FROM generation)
         WHERE number = ?1",
        [number],
    )?;
    tx.execute(
        "UPDATE generation_number SET last = max(last, ?1)",
        [number],
    )?;
    Ok(())
}

/// The number of the next generation: higher than all that there are, and than all that ever were active.
///
/// # Errors
/// Those of SQLite.
pub(super) fn next_number(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(
        "SELECT max(last, (SELECT coalesce(max(number), 0) FROM generation)) + 1 FROM generation_number",
        [],
        |row| row.get(0),
    )
}

/// What is different from one generation to another, by ref.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn changes(
    connection: &Connection,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<GenerationChange>> {
    parsed(&changes_text(connection, Some(from), to)?)
}

fn changes_text(connection: &Connection, from: Option<i64>, to: i64) -> rusqlite::Result<String> {
    connection
        .prepare_cached(CHANGES)?
        .query_row(params![from, to], |row| row.get(0))
}

fn parsed(text: &str) -> rusqlite::Result<Vec<GenerationChange>> {
    let changes: Vec<Changed> = decoded(text)?;
    let view = |change: Changed| GenerationChange {
        action: action(change.from.as_deref(), change.to.as_deref()),
        pack_ref: change.pack_ref,
        from: change.from,
        to: change.to,
    };
    Ok(changes.into_iter().map(view).collect())
}

/// What it is called to go from one version to another; none: not active.
#[must_use]
pub(crate) fn action(from: Option<&str>, to: Option<&str>) -> ChangeAction {
    let version = |text: &str| packd_format::version::parse(text).map(|(version, _)| version);
    match (from, to) {
        (None, _) => ChangeAction::Install,
        (Some(_), None) => ChangeAction::Remove,
        (Some(from), Some(to)) => match (version(from), version(to)) {
            (Ok(from), Ok(to)) if to > from => ChangeAction::Upgrade,
            (Ok(from), Ok(to)) if to < from => ChangeAction::Downgrade,
            _ => ChangeAction::Reinstall,
        },
    }
}

/// Generations that were active once, newest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list(
    connection: &Connection,
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<Vec<GenerationView>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM generation
             WHERE status <> 'pending' AND number < coalesce(?1, 9223372036854775807)
             ORDER BY number DESC LIMIT ?2"
        ))?
        .query_map(params![before, limit], read)?
        .collect()
}

/// One generation that was active once.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<Option<GenerationView>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM generation WHERE status <> 'pending' AND number = ?1"
        ))?
        .query_row([number], read)
        .optional()
}

/// The generation that was active before the current one, if it is kept.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn previous(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM generation WHERE status = 'past' ORDER BY activation DESC LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()
}

/// The last generation that had another tree of a pack than `dir`, and the pack in it. Without `dir`: that had it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn earlier(
    connection: &Connection,
    pack_ref: &str,
    dir: Option<&str>,
) -> rusqlite::Result<Option<(i64, Installed)>> {
    connection
        .prepare_cached(
            "SELECT install.*, generation.number FROM generation_pack
             JOIN generation ON generation.number = generation_pack.generation
             JOIN install ON install.id = generation_pack.install
             WHERE generation_pack.ref = ?1 AND generation.status = 'past' AND install.dir IS NOT ?2
             ORDER BY generation.activation DESC LIMIT 1",
        )?
        .query_row(params![pack_ref, dir], |row| {
            Ok((row.get("number")?, pack::read(row)?))
        })
        .optional()
}

/// Whether these rows of `install` are all there.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn are_known(connection: &Connection, installs: &[i64]) -> rusqlite::Result<bool> {
    let mut known = connection.prepare_cached("SELECT 1 FROM install WHERE id = ?1")?;
    for install in installs {
        if !known.exists([install])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Keeps a generation for ever; whether it is known.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn pin(tx: &Tx<'_>, number: i64, pin: &PinView) -> rusqlite::Result<bool> {
    let pinned = tx.execute(
        "UPDATE generation SET pinned = 1, pin_reason = ?2, pin_by = ?3, pin_at = ?4
         WHERE number = ?1 AND status <> 'pending'",
        params![number, pin.reason, pin.by, pin.at],
    )?;
    Ok(pinned > 0)
}

/// Keeps a generation only as long as others; whether it is known.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn unpin(tx: &Tx<'_>, number: i64) -> rusqlite::Result<bool> {
    let unpinned = tx.execute(
        "UPDATE generation SET pinned = 0, pin_reason = NULL, pin_by = NULL, pin_at = NULL
         WHERE number = ?1 AND status <> 'pending'",
        [number],
    )?;
    Ok(unpinned > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<GenerationView> {
    let pin = if row.get("pinned")? {
        Some(PinView {
            reason: row.get("pin_reason")?,
            by: row.get::<_, Option<String>>("pin_by")?.unwrap_or_default(),
            at: row.get::<_, Option<String>>("pin_at")?.unwrap_or_default(),
        })
    } else {
        None
    };
    Ok(GenerationView {
        number: row.get("number")?,
        current: row.get::<_, String>("status")? == "active",
        activated_at: row.get("activated_at")?,
        by: row.get("by")?,
        job: row.get("job")?,
        summary: row.get("summary")?,
        base: row.get("base")?,
        changes: parsed(&row.get::<_, String>("changes")?)?,
        packs: row.get::<_, i64>("packs")?.try_into().unwrap_or_default(),
        pin,
    })
}

#[cfg(test)]
mod tests;
