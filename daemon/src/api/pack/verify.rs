//! `POST /v1/packs/verify`.

use packd_wire::{VerifyRequest, WaitQuery, path};

use super::super::asking::{Asking, Key};
use super::super::body::{Asked, MaybeSent};
use super::super::reply::{Answer, Made};
use crate::queue::JobRequest;

/// Compares the trees of active packs with their lists, and repairs them.
///
/// The job fails with `pack_damaged` when one is not as it was installed and was not repaired; `verify` says what was
/// found of each.
#[utoipa::path(
    post,
    path = path::VERIFY,
    params(WaitQuery, Key),
    request_body = Option<VerifyRequest>,
    responses(Made),
)]
pub(crate) async fn run(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(request): MaybeSent<VerifyRequest>,
) -> Answer<Made> {
    asking.job(query.wait, JobRequest::Verify(request)).await
}
