//! `POST /v1/packs/verify`.

use axum::extract::State as FromState;
use axum::http::HeaderMap;
use packd_wire::{JobView, VerifyRequest, WaitQuery, path};

use super::super::State;
use super::super::body::{Asked, MaybeSent};
use super::super::caller::Caller;
use super::super::reply::{Answer, Made};
use super::made;
use crate::queue::JobRequest;

/// Compares the trees of active packs with their lists, and repairs them.
///
/// The job fails with `pack_damaged` when one is not as it was installed and was not repaired; `verify` says what was
/// found of each.
#[utoipa::path(
    post,
    path = path::VERIFY,
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same job")),
    request_body = Option<VerifyRequest>,
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
    MaybeSent(request): MaybeSent<VerifyRequest>,
) -> Answer<Made> {
    made(
        &state,
        &caller,
        &headers,
        query.wait,
        JobRequest::Verify(request),
    )
    .await
}
