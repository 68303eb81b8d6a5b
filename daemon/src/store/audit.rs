//! Rows of `audit`: who asked for what, and what became of it.

use packd_wire::{AuditView, Requester, Role};
use rusqlite::{Connection, named_params};

use super::Tx;
use super::job::{decoded, encoded};

/// One row to append.
#[derive(Debug, Clone)]
pub(crate) struct NewAudit {
    /// Who asked.
    pub peer: Requester,
    /// What the peer was taken for.
    pub role: Role,
    /// Method and path.
    pub request: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The error's kind, when there was one.
    pub error: Option<packd_wire::ErrorKind>,
    /// The job that it made.
    pub job: Option<i64>,
}

/// Appends one row.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn append(tx: &Tx<'_>, row: &NewAudit) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO audit (at, uid, user, pid, agent, role, request, allowed, status, error, job)
         VALUES (:at, :uid, :user, :pid, :agent, :role, :request, :allowed, :status, :error, :job)",
    )?
    .execute(named_params! {
        ":at": super::time::now(),
        ":uid": row.peer.uid,
        ":user": row.peer.user,
        ":pid": row.peer.pid,
        ":agent": row.peer.agent,
        ":role": row.role.as_str(),
        ":request": row.request,
        ":allowed": row.allowed,
        ":status": row.status,
        ":error": row.error.as_ref().map(encoded).transpose()?,
        ":job": row.job,
    })?;
    Ok(())
}

/// At most `limit` rows older than `before`, newest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list(
    connection: &Connection,
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<Vec<AuditView>> {
    connection
        .prepare_cached(
            "SELECT seq, at, uid, user, pid, agent, role, request, allowed, status, error, job
             FROM audit WHERE seq < :before ORDER BY seq DESC LIMIT :limit",
        )?
        .query_map(
            named_params! {":before": before.unwrap_or(i64::MAX), ":limit": limit},
            |row| {
                Ok(AuditView {
                    seq: row.get("seq")?,
                    at: row.get("at")?,
                    peer: Requester {
                        uid: row.get("uid")?,
                        user: row.get("user")?,
                        pid: row.get("pid")?,
                        agent: row.get("agent")?,
                    },
                    role: decoded(&format!("\"{}\"", row.get::<_, String>("role")?))?,
                    request: row.get("request")?,
                    allowed: row.get("allowed")?,
                    status: row.get("status")?,
                    error: row
                        .get::<_, Option<String>>("error")?
                        .map(|text| decoded(&text))
                        .transpose()?,
                    job: row.get("job")?,
                })
            },
        )?
        .collect()
}
