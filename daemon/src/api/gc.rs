//! Removing what nothing needs any more.

use packd_wire::{ErrorKind, GcRequest, WaitQuery, path};

use super::asking::{Asking, Key};
use super::body::{Asked, MaybeSent};
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
    params(WaitQuery, Key),
    request_body = Option<GcRequest>,
    responses(Made),
)]
pub(crate) async fn run(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(asked): MaybeSent<GcRequest>,
) -> Answer<Made> {
    let made = asking.job(query.wait, JobRequest::Gc(asked)).await;
    made.map_err(|refusal| match refusal.problem().kind {
        // what was kept in reserve for this is used up
        ErrorKind::NoSpace => refusal.hint(BY_HAND),
        _ => refusal,
    })
}
