//! Plans that were made before, run as they are.

use axum::extract::State as FromState;
use axum::http::HeaderMap;
use packd_wire::{ApplyRequest, ChangeAction, ErrorKind, JobView, Role, WaitQuery, path};

use super::State;
use super::body::{Asked, Sent};
use super::caller::Caller;
use super::pack::made;
use super::problem::Refusal;
use super::reply::{Answer, Made};
use crate::queue::JobRequest;

/// Runs a plan, such as that of a dry run, exactly as it is.
///
/// When the host, or what a registry offers, is not what the plan was made on, the job fails as `plan_outdated`, says
/// what has changed, and changes nothing. A plan that removes packs is for admins, as removing is.
#[utoipa::path(
    post,
    path = path::APPLY,
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same job")),
    request_body = ApplyRequest,
    responses(
        (status = 200, description = "The job has ended", body = JobView),
        (status = 202, description = "The job is queued or running", body = JobView),
    ),
)]
pub(crate) async fn apply(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<WaitQuery>,
    Sent(request): Sent<ApplyRequest>,
) -> Answer<Made> {
    let mut changes = request.plan.changes.iter();
    let removed = changes.find(|change| change.action == ChangeAction::Remove);
    if let Some(removed) = removed
        && caller.role != Role::Admin
    {
        let name = removed.pack_ref.as_deref().unwrap_or("a pack");
        let detail = format!("the plan removes `{name}`, which only an admin may do");
        return Err(Refusal::new(ErrorKind::AccessDenied, detail));
    }
    made(&state, &caller, &headers, query.wait, JobRequest::Apply(request)).await
}
