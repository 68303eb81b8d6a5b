//! The way back to an earlier generation.

use packd_wire::{Role, RollbackRequest, WaitQuery, path};

use super::super::asking::{Asking, Key};
use super::super::body::{Asked, MaybeSent};
use super::super::reply::{Answer, Made};
use super::{one, unknown};
use crate::queue::{JobRequest, RollbackJob};
use crate::store::history;

/// Goes back to the packs of an earlier generation, all of them or one.
///
/// Without `generation` and `ref` it is the generation that was active before the current one: done twice, it ends where it
/// began. What comes of it is a new generation. Its trees must all be in the store. A rollback that removes packs is for
/// admins, as removing is. Versions that were gone back from are remembered: updates pass them over.
#[utoipa::path(
    post,
    path = path::ROLLBACK,
    params(WaitQuery, Key),
    request_body = Option<RollbackRequest>,
    responses(Made),
)]
pub(crate) async fn run(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(asked): MaybeSent<RollbackRequest>,
) -> Answer<Made> {
    let state = &asking.state;
    let target = match (asked.generation, &asked.pack_ref) {
        (Some(number), _) => Some(one(state, number).await?.number),
        (None, Some(_)) => None,
        // now, and not when the job runs: who asks has seen what is current
        (None, None) => match state.parts.database.read(history::previous).await? {
            Some(number) => Some(number),
            None => return Err(unknown("no generation was active before the current one")),
        },
    };
    let job = JobRequest::Rollback(RollbackJob {
        asked,
        target,
        may_remove: asking.caller.role == Role::Admin,
        from: None,
        because: None,
    });
    asking.job(query.wait, job).await
}
