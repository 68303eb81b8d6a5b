//! Rows of `job` and `job_ref`.

use packd_wire::{JobKind, JobStatus, JobView, PlanView, Problem, QueueView, Requester, StepView};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Tx;

/// One job as stored.
#[derive(Debug, Clone)]
pub(crate) struct JobRow {
    /// As the API shows it, but for `progress`, which is not stored, and `request`, which is
    /// null here: the queue shows it from [`Self::request`].
    pub view: JobView,
    /// `queue::JobRequest` as JSON.
    pub request: String,
    /// Digest of the request under its idempotency key.
    pub idempotency_hash: Option<String>,
}

/// A job to insert.
#[derive(Debug, Clone)]
pub(crate) struct NewRow {
    /// What it does.
    pub kind: JobKind,
    /// The same in a few words.
    pub summary: String,
    /// `queue::JobRequest` as JSON.
    pub request: String,
    /// Who asked.
    pub requester: Requester,
    /// Which packs it touches, as far as known.
    pub refs: Vec<String>,
    /// Key and digest of the request.
    pub idempotency: Option<(String, String)>,
    /// Whether packd asks by itself.
    pub automatic: bool,
}

/// That a queued job does not wait for its next attempt. One whose attempt is further away than any is ever
/// put off does not either: the clock has been set back.
macro_rules! due {
    ($job:literal) => {
        concat!(
            "(",
            $job,
            ".retry_at IS NULL
              OR ",
            $job,
            ".retry_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
              OR ",
            $job,
            ".retry_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+2 hours'))"
        )
    };
}

/// Which unfinished job of a lower number, `other`, touches a pack that `mine.job` touches too, and goes
/// first. One that waits for its next attempt does not: a server that fails would hold up everybody.
const EARLIER_ON_SAME_PACKS: &str = concat!(
    "job_ref mine
     JOIN job_ref theirs ON theirs.ref = mine.ref AND theirs.job < mine.job
     JOIN job other ON other.id = theirs.job
         AND (other.status = 'running' OR other.status = 'queued' AND ",
    due!("other"),
    ")"
);

/// The same with those of a higher number that run: they began while this one waited for its next attempt.
macro_rules! first_on_same_packs {
    () => {
        concat!(
            "job_ref mine
             JOIN job_ref theirs ON theirs.ref = mine.ref AND theirs.job <> mine.job
             JOIN job other ON other.id = theirs.job
                 AND (other.status = 'running'
                     OR other.status = 'queued' AND theirs.job < mine.job AND ",
            due!("other"),
            ")"
        )
    };
}

/// Which unfinished job of a lower number and of the same user, `other`, may touch any pack, and goes first:
/// which ones it touches is not known yet. `job` is the row of the one that asks.
macro_rules! earlier_on_unknown_packs {
    () => {
        concat!(
            "job other
             WHERE (other.status = 'running' OR other.status = 'queued' AND ",
            due!("other"),
            ")
             AND other.uid = job.uid AND other.id < job.id
             AND NOT EXISTS (SELECT 1 FROM job_ref WHERE job_ref.job = other.id)"
        )
    };
}

/// What [`read`] reads, the first of the jobs that a queued one waits for included.
const COLUMNS: &str = concat!(
    "id, kind, summary, status, changed, request, uid, user, pid, agent, plan, steps,
    warnings, error, attempt, retry_at, generation, created_at, started_at, finished_at, idempotency_hash, verify, gc,
    automatic, hooks,
     CASE WHEN status = 'queued' AND ",
    due!("job"),
    " THEN coalesce(
         (SELECT min(other.id) FROM ",
    first_on_same_packs!(),
    " WHERE mine.job = job.id),
         CASE WHEN lacks THEN (SELECT min(other.id) FROM ",
    earlier_on_unknown_packs!(),
    ") END
     ) END AS waits_for"
);

/// Inserts a queued job and returns its id.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn insert(tx: &Tx<'_>, row: &NewRow) -> rusqlite::Result<i64> {
    let (key, hash) = row.idempotency.clone().unzip();
    tx.prepare_cached(
        "INSERT INTO job (kind, summary, status, request, uid, user, pid, agent, created_at,
                          idempotency_key, idempotency_hash, automatic)
         VALUES (:kind, :summary, 'queued', :request, :uid, :user, :pid, :agent, :at, :key, :hash, :automatic)",
    )?
    .execute(named_params! {
        ":kind": row.kind.as_str(),
        ":summary": row.summary,
        ":request": row.request,
        ":uid": row.requester.uid,
        ":user": row.requester.user,
        ":pid": row.requester.pid,
        ":agent": row.requester.agent,
        ":at": super::time::now(),
        ":key": key,
        ":hash": hash,
        ":automatic": row.automatic,
    })?;
    let id = tx.last_insert_rowid();
    add_refs(tx, id, &row.refs)?;
    Ok(id)
}

/// Notes that a job touches these packs.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn add_refs(tx: &Tx<'_>, id: i64, refs: &[String]) -> rusqlite::Result<()> {
    let mut statement =
        tx.prepare_cached("INSERT OR IGNORE INTO job_ref (job, ref) VALUES (?1, ?2)")?;
    for pack_ref in refs {
        statement.execute(params![id, pack_ref])?;
    }
    Ok(())
}

/// The oldest unfinished job before `id` that touches a pack which `id` touches too.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn earlier_on_same_packs(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(&format!(
            "SELECT min(other.id) FROM {EARLIER_ON_SAME_PACKS} WHERE mine.job = ?1"
        ))?
        .query_row([id], |row| row.get(0))
}

/// The oldest unfinished job before `id`, and of the same user, of which is not known yet what it touches.
/// If there is one, `id` is not due again before it is known of all of them.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn wait_for_unknown_packs(tx: &Tx<'_>, id: i64) -> rusqlite::Result<Option<i64>> {
    let earlier: Option<i64> = tx
        .prepare_cached(concat!(
            "SELECT (SELECT min(other.id) FROM ",
            earlier_on_unknown_packs!(),
            ") FROM job WHERE id = ?1"
        ))?
        .query_row([id], |row| row.get(0))?;
    if earlier.is_some() {
        tx.prepare_cached("UPDATE job SET lacks = 1 WHERE id = ?1")?
            .execute([id])?;
    }
    Ok(earlier)
}

/// The jobs before `id` that touch a pack which `id` touches too and wait for their next attempt, oldest
/// first: number, summary, and when that is due.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put_off_on_same_packs(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Vec<(i64, String, String)>> {
    connection
        .prepare_cached(concat!(
            "SELECT DISTINCT other.id, other.summary, other.retry_at FROM job_ref mine
             JOIN job_ref theirs ON theirs.ref = mine.ref AND theirs.job < mine.job
             JOIN job other ON other.id = theirs.job
                 AND other.status = 'queued' AND NOT ",
            due!("other"),
            " WHERE mine.job = ?1 ORDER BY other.id"
        ))?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// The queued job whose turn it is: the oldest that is due and waits for no other.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn next_due(connection: &Connection) -> rusqlite::Result<Option<JobRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM job WHERE status = 'queued' AND {} AND waits_for IS NULL
             ORDER BY id LIMIT 1",
            due!("job")
        ))?
        .query_row([], read)
        .optional()
}

/// When the next queued job that waits for its time is due.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn next_retry(connection: &Connection, now: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT min(retry_at) FROM job WHERE status = 'queued' AND retry_at > ?1")?
        .query_row([now], |row| row.get(0))
}

/// One job.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(connection: &Connection, id: i64) -> rusqlite::Result<Option<JobRow>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM job WHERE id = ?1"))?
        .query_row([id], read)
        .optional()
}

/// The job that one user queued under an idempotency key.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn by_idempotency_key(
    connection: &Connection,
    uid: u32,
    key: &str,
) -> rusqlite::Result<Option<JobRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM job WHERE uid = ?1 AND idempotency_key = ?2"
        ))?
        .query_row(params![uid, key], read)
        .optional()
}

/// At most `limit` jobs older than `before`, newest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list(
    connection: &Connection,
    before: Option<i64>,
    status: Option<JobStatus>,
    limit: u32,
) -> rusqlite::Result<Vec<JobRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM job
             WHERE id < :before AND (:status IS NULL OR status = :status)
             ORDER BY id DESC LIMIT :limit"
        ))?
        .query_map(
            named_params! {
                ":before": before.unwrap_or(i64::MAX),
                ":status": status.map(JobStatus::as_str),
                ":limit": limit,
            },
            read,
        )?
        .collect()
}

/// The jobs that were being worked on, oldest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn running(connection: &Connection) -> rusqlite::Result<Vec<JobRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM job WHERE status = 'running' ORDER BY id"
        ))?
        .query_map([], read)?
        .collect()
}

/// Counts that packd died while the job ran, and says how often it did by now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn count_crash(tx: &Tx<'_>, id: i64) -> rusqlite::Result<u32> {
    tx.prepare_cached("UPDATE job SET crashes = crashes + 1 WHERE id = ?1 RETURNING crashes")?
        .query_row([id], |row| row.get(0))
}

/// Notes that a running job shall be cancelled, so that it is after a restart too.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn note_cancelled(tx: &Tx<'_>, id: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job SET cancelled = 1 WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// Whether that was noted.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn is_cancelled(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT cancelled FROM job WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
}

/// The requests of all unfinished jobs.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn unfinished_requests(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT request FROM job WHERE status IN ('queued', 'running')")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// How many jobs stand where.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<QueueView> {
    let mut counts = QueueView::default();
    let mut statement =
        connection.prepare_cached("SELECT status, count(*) FROM job GROUP BY status")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count: u64 = row.get::<_, i64>(1)?.try_into().unwrap_or_default();
        match status_of(&row.get::<_, String>(0)?)? {
            JobStatus::Queued => counts.queued = count,
            JobStatus::Running => counts.running = count,
            JobStatus::Succeeded => counts.succeeded = count,
            JobStatus::Failed => counts.failed = count,
            JobStatus::Cancelled => counts.cancelled = count,
        }
    }
    Ok(counts)
}

/// Since when the job that has waited longest waits; nothing, when none does.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn longest_queued(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT min(created_at) FROM job WHERE status = 'queued'")?
        .query_row([], |row| row.get(0))
}

/// How many jobs of each kind are in each state, as their words.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn census(connection: &Connection) -> rusqlite::Result<Vec<(String, String, u64)>> {
    connection
        .prepare_cached("SELECT kind, status, count(*) FROM job GROUP BY kind, status")?
        .query_map([], |row| {
            let count = row.get::<_, i64>(2)?.try_into().unwrap_or_default();
            Ok((row.get(0)?, row.get(1)?, count))
        })?
        .collect()
}

/// How many jobs of one user have not ended.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn unfinished_of(connection: &Connection, uid: u32) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM job WHERE uid = ?1 AND status IN ('queued', 'running')",
        )?
        .query_row([uid], |row| row.get::<_, i64>(0))
        .map(|count| count.try_into().unwrap_or_default())
}

/// Writes what changes during a job's life; `id`, request and requester stay.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn update(tx: &Tx<'_>, view: &JobView) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE job SET status = :status, changed = :changed, plan = :plan, steps = :steps,
             warnings = :warnings, error = :error, attempt = :attempt, retry_at = :retry_at,
             generation = :generation, started_at = :started_at, finished_at = :finished_at, gc = :gc,
             verify = :verify
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": view.id,
        ":status": view.status.as_str(),
        ":changed": view.changed,
        ":plan": view.plan.as_ref().map(encoded).transpose()?,
        ":steps": encoded(&view.steps)?,
        ":warnings": encoded(&view.warnings)?,
        ":error": view.error.as_ref().map(encoded).transpose()?,
        ":attempt": view.attempt,
        ":retry_at": view.retry_at,
        ":generation": view.generation,
        ":started_at": view.started_at,
        ":finished_at": view.finished_at,
        ":verify": view.verify.as_ref().map(encoded).transpose()?,
        ":gc": view.gc.as_ref().map(encoded).transpose()?,
    })?;
    Ok(())
}

/// Adds a warning to a job that has ended: those of one that runs are its worker's to write.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn add_warning(tx: &Tx<'_>, id: i64, warning: &str) -> rusqlite::Result<()> {
    let Some(JobRow { mut view, .. }) = get(tx, id)? else {
        return Ok(());
    };
    if view.status.is_finished() && !view.warnings.iter().any(|one| one == warning) {
        view.warnings.push(warning.to_owned());
        update(tx, &view)?;
    }
    Ok(())
}

/// Notes that a job has changed something, though it may be cut short before it says so.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn mark_changed(tx: &Tx<'_>, id: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE job SET changed = 1 WHERE id = ?1")?
        .execute([id])
        .map(drop)
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let optional = |name: &str| row.get::<_, Option<String>>(name);
    let view = JobView {
        id: row.get("id")?,
        kind: decoded(&format!("\"{}\"", row.get::<_, String>("kind")?))?,
        summary: row.get("summary")?,
        status: status_of(&row.get::<_, String>("status")?)?,
        changed: row.get("changed")?,
        request: serde_json::Value::Null,
        requested_by: Requester {
            uid: row.get("uid")?,
            user: row.get("user")?,
            pid: row.get("pid")?,
            agent: row.get("agent")?,
        },
        automatic: row.get("automatic")?,
        plan: optional("plan")?
            .map(|text| decoded::<PlanView>(&text))
            .transpose()?,
        steps: decoded::<Vec<StepView>>(&row.get::<_, String>("steps")?)?,
        progress: None,
        attempt: row.get("attempt")?,
        retry_at: row.get("retry_at")?,
        generation: row.get("generation")?,
        gc: optional("gc")?.map(|text| decoded(&text)).transpose()?,
        warnings: decoded(&row.get::<_, String>("warnings")?)?,
        hooks: match optional("hooks")? {
            Some(text) => decoded(&text)?,
            None => Vec::new(),
        },
        error: optional("error")?
            .map(|text| decoded::<Problem>(&text))
            .transpose()?,
        created_at: row.get("created_at")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        verify: optional("verify")?.map(|text| decoded(&text)).transpose()?,
        waits_for: row.get("waits_for")?,
    };
    Ok(JobRow {
        view,
        request: row.get("request")?,
        idempotency_hash: row.get("idempotency_hash")?,
    })
}

fn status_of(text: &str) -> rusqlite::Result<JobStatus> {
    decoded(&format!("\"{text}\""))
}

/// A value as the JSON that a column holds.
///
/// # Errors
/// [`rusqlite::Error::ToSqlConversionFailure`].
pub(super) fn encoded<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A value from the JSON that a column holds.
///
/// # Errors
/// [`rusqlite::Error::FromSqlConversionFailure`].
pub(super) fn decoded<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}
