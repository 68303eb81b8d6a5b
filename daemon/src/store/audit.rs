//! Rows of `audit`: who asked for what, and what became of it.
//!
//! Each carries a hash over itself and the row before, made in the transaction that appends it; [`chain`] checks them.

pub(crate) mod chain;

use packd_wire::{AuditHead, AuditView, Requester, Role};
use rusqlite::{Connection, OptionalExtension as _, named_params};

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

/// Which rows of the audit are wanted; by default all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Only rows older than this one.
    pub before: Option<i64>,
    /// Only those of this user, by name or uid.
    pub user: Option<String>,
    /// Only those that were refused.
    pub refused: bool,
    /// Only those that made this job.
    pub job: Option<i64>,
}

/// Appends one row; answers where the chain ends now.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn append(tx: &Tx<'_>, row: &NewAudit) -> rusqlite::Result<AuditHead> {
    let previous = chain::last_hash(tx)?;
    let seq = insert(tx, row)?;
    let hash = chain::seal(tx, seq, &previous)?;
    Ok(AuditHead { seq, hash })
}

fn insert(tx: &Tx<'_>, row: &NewAudit) -> rusqlite::Result<i64> {
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
    Ok(tx.last_insert_rowid())
}

/// Forgets at most `most` rows older than `before`, from the oldest on and without a gap; the chain goes on from the last
/// of them. Answers how many.
///
/// # Errors
/// Those of SQLite.
pub(super) fn forget(tx: &Tx<'_>, before: &str, most: usize) -> rusqlite::Result<usize> {
    let last: Option<(i64, String)> = tx
        .query_row(
            "SELECT seq, coalesce(hash, '') FROM (SELECT seq, hash FROM audit ORDER BY seq LIMIT ?2)
             WHERE seq < coalesce((SELECT min(seq) FROM audit WHERE at >= ?1), 9223372036854775807)
             ORDER BY seq DESC LIMIT 1",
            rusqlite::params![before, i64::try_from(most).unwrap_or(i64::MAX)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((seq, hash)) = last else {
        return Ok(0);
    };
    // rows of before the chain are behind its anchor already
    tx.execute(
        "UPDATE audit_anchor SET seq = ?1, hash = ?2 WHERE seq < ?1",
        rusqlite::params![seq, hash],
    )?;
    tx.execute("DELETE FROM audit WHERE seq <= ?1", [seq])
}

/// At most `limit` of the wanted rows, newest first.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list(
    connection: &Connection,
    wanted: &Wanted,
    limit: u32,
) -> rusqlite::Result<Vec<AuditView>> {
    connection
        .prepare_cached(
            "SELECT seq, at, uid, user, pid, agent, role, request, allowed, status, error, job, hash
             FROM audit
             WHERE seq < :before AND (:user IS NULL OR user = :user OR CAST(uid AS TEXT) = :user)
               AND (NOT :refused OR NOT allowed) AND (:job IS NULL OR job = :job)
             ORDER BY seq DESC LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":before": wanted.before.unwrap_or(i64::MAX),
                ":user": wanted.user,
                ":refused": wanted.refused,
                ":job": wanted.job,
                ":limit": limit,
            },
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
                    hash: row.get("hash")?,
                })
            },
        )?
        .collect()
}

#[cfg(test)]
mod tests;
