//! Removing what nothing needs any more.

use axum::extract::State as FromState;
use axum::http::HeaderMap;
use packd_wire::{ErrorKind, GcRequest, JobView, WaitQuery, path};

use super::State;
use super::body::{Asked, MaybeSent};
use super::caller::Caller;
use super::pack::made;
use super::reply::{Answer, Made};
use crate::queue::JobRequest;

/// What to do when not even this can be queued.
const BY_HAND: &str = "free some space on the file system of the state folder: whatever lies in its `cache/archives/` and \
                       `quarantine/` may be removed by hand; then ask again";

/// Removes what no kept generation and no unfinished job needs.
///
/// Generations beyond `store.keep_generations` and `store.keep_for`, but for pinned ones; trees that no generation has;
/// what ended jobs left; what lies in quarantine and in the caches for too long. The job's `gc` says what it was, and what
/// stayed because a process uses it.
#[utoipa::path(
    post,
    path = path::GC,
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same job")),
    request_body = Option<GcRequest>,
    responses(
        (status = 200, description = "The job has ended", body = JobView),
        (status = 202, description = "The job is queued or running", body = JobView),
    ),
)]
pub(crate) async fn run(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(asked): MaybeSent<GcRequest>,
) -> Answer<Made> {
    let made = made(&state, &caller, &headers, query.wait, JobRequest::Gc(asked)).await;
    made.map_err(|refusal| match refusal.problem().kind {
        // what was kept in reserve for this is used up
        ErrorKind::NoSpace => refusal.hint(BY_HAND),
        _ => refusal,
    })
}
