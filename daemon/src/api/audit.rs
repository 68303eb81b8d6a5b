//! The audit: a row for every change that was asked for and for every refusal; `GET /v1/audit` lists them, and
//! `GET /v1/audit/verify` tells whether they are as they were written.
//!
//! Anybody on the host can provoke refusals, so those of one user are written at a bounded rate; the
//! log counts what was left out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State as FromState;
use axum::http::HeaderMap;
use axum::response::Response;
use packd_wire::{
    AuditHead, AuditList, AuditQuery, AuditVerifyQuery, AuditVerifyView, ErrorKind, path,
};
use tokio::time::Instant;

use super::State;
use super::body::{Asked, page};
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{Answer, Shown};
use super::{problem, reply};
use crate::store::Database;
use crate::store::audit::chain::Check;
use crate::store::audit::{self as rows, NewAudit, Wanted};

/// How many refusals of one user are written at once, and how many more each second.
const REFUSALS_AT_ONCE: f64 = 200.0;
const REFUSALS_PER_SECOND: f64 = 1.0;
/// Users whose refusals are counted apart; more share one count.
const USERS: usize = 1024;
/// The longest path that is recorded.
const LONGEST_REQUEST: usize = 256;

/// Writes the audit.
#[derive(Debug)]
pub(crate) struct Audit {
    database: Database,
    budgets: Mutex<HashMap<u32, Budget>>,
}

/// How many refusals of one user may still be written.
#[derive(Debug, Clone, Copy)]
struct Budget {
    left: f64,
    at: Instant,
    left_out: u64,
}

/// Lists who asked for what and what became of it, newest first.
#[utoipa::path(
    get,
    path = path::AUDIT,
    params(AuditQuery),
    responses((status = 200, description = "A page of the audit", body = AuditList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    Asked(query): Asked<AuditQuery>,
) -> Answer<Shown<AuditList>> {
    let limit = page(query.limit, 100)?;
    let wanted = Wanted {
        before: query.before,
        user: query.user,
        refused: query.refused.unwrap_or_default(),
        job: query.job,
    };
    let audit = state
        .parts
        .database
        .read(move |connection| rows::list(connection, &wanted, limit))
        .await?;
    let full = u32::try_from(audit.len()).is_ok_and(|rows| rows == limit);
    let next = audit
        .last()
        .map(|row| row.seq)
        .filter(|seq| full && *seq > 1);
    Ok(Shown(AuditList { audit, next }))
}

/// Checks that every row of the audit is as it was written, and follows the one before.
///
/// Each row has a hash over itself and the hash of the row before. Whoever can write the database can make all of them
/// anew: what was noted elsewhere of an earlier check, or the hash in the journal, tells that.
#[utoipa::path(
    get,
    path = path::AUDIT_VERIFY,
    params(AuditVerifyQuery),
    responses((status = 200, description = "What was found", body = AuditVerifyView)),
)]
pub(crate) async fn verify(
    FromState(state): FromState<State>,
    Asked(query): Asked<AuditVerifyQuery>,
) -> Answer<Shown<AuditVerifyView>> {
    let noted = query.noted.map(|text| text.parse::<AuditHead>());
    let noted = noted.transpose().map_err(|error| {
        Refusal::new(ErrorKind::BadRequest, format!("`noted`: {error}"))
            .hint("`packctl audit verify` prints one")
    })?;
    let mut check = Check::new(noted);
    loop {
        let database = &state.parts.database;
        let (going, found) = database
            .read(move |connection| {
                let found = check.go_on(connection)?;
                Ok((check, found))
            })
            .await?;
        if let Some(found) = found {
            return Ok(Shown(found));
        }
        check = going;
    }
}

impl Audit {
    /// An audit in this database.
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            budgets: Mutex::default(),
        }
    }

    /// Writes what became of a change that was asked for.
    pub(crate) async fn change(&self, row: NewAudit) {
        self.write(row).await;
    }

    /// Writes that a request was refused for who asked.
    pub(crate) async fn refusal(&self, row: NewAudit) {
        if self.spend(row.peer.uid, Instant::now()) {
            self.write(row).await;
        }
    }

    async fn write(&self, row: NewAudit) {
        let append = row.clone();
        let written = self
            .database
            .write(move |tx| rows::append(tx, &append))
            .await;
        let head = written.as_ref().ok();
        tracing::info!(
            target: "packd::audit",
            audit = 1,
            seq = head.map(|head| head.seq),
            hash = head.map(|head| head.hash.as_str()),
            uid = row.peer.uid,
            user = row.peer.user.as_deref(),
            pid = row.peer.pid,
            agent = row.peer.agent.as_deref(),
            role = row.role.as_str(),
            allowed = row.allowed,
            status = row.status,
            error = row.error.map(ErrorKind::as_str),
            job = row.job,
            "{}",
            row.request,
        );
        // the log has it; a database that fails must not undo what was done
        if let Err(error) = written {
            tracing::error!(error = %crate::logging::chain(&error), "cannot write the audit");
        }
    }

    /// Whether another refusal of this user may be written now.
    fn spend(&self, uid: u32, now: Instant) -> bool {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= USERS {
            budgets.retain(|_, budget| budget.refilled(now).left < REFUSALS_AT_ONCE);
        }
        // when so many users are at it at once, they share what is left of one
        let uid = if budgets.len() >= USERS && !budgets.contains_key(&uid) {
            u32::MAX
        } else {
            uid
        };
        let full = Budget {
            left: REFUSALS_AT_ONCE,
            at: now,
            left_out: 0,
        };
        let budget = budgets.entry(uid).or_insert(full);
        *budget = budget.refilled(now);
        if budget.left < 1.0 {
            budget.left_out += 1;
            return false;
        }
        budget.left -= 1.0;
        if budget.left_out > 0 {
            tracing::warn!(
                uid,
                "{} refusals of this user are not in the audit",
                budget.left_out
            );
            budget.left_out = 0;
        }
        true
    }
}

impl Budget {
    fn refilled(self, now: Instant) -> Self {
        let elapsed: Duration = now.saturating_duration_since(self.at);
        let left = self.left + elapsed.as_secs_f64() * REFUSALS_PER_SECOND;
        Self {
            left: left.min(REFUSALS_AT_ONCE),
            at: now,
            ..self
        }
    }
}

/// The row about a request and its answer.
pub(crate) fn row(
    caller: &Caller,
    headers: &HeaderMap,
    request: &str,
    response: &Response,
) -> NewAudit {
    let error = problem::of_response(response).map(|problem| problem.kind);
    NewAudit {
        peer: caller.requester(headers),
        role: caller.role,
        request: request.chars().take(LONGEST_REQUEST).collect(),
        // a handler refuses too: whose job it is, only it knows
        allowed: error != Some(ErrorKind::AccessDenied),
        status: response.status().as_u16(),
        error,
        job: reply::about(response).map(|about| about.job),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn refusals_of_one_user_are_written_at_a_bounded_rate() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let audit = Audit::new(database);
        let now = Instant::now();
        let written = (0..1000).filter(|_| audit.spend(1000, now)).count();
        assert_eq!(written, 200, "a burst has an end");
        assert!(audit.spend(1001, now), "another user's are still written");
        let later = now + Duration::from_secs(10);
        let written = (0..1000).filter(|_| audit.spend(1000, later)).count();
        assert_eq!(written, 10, "and one more each second");
    }
}
