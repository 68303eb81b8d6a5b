//! Holds: a pack stays in the version that it has.

use axum::extract::State as FromState;
use axum::http::HeaderMap;
use packd_wire::{ErrorKind, HoldRequest, HoldView, PackView, path};

use super::super::State;
use super::super::body::{Asked, MaybeSent, NamedPack, Nothing};
use super::super::caller::Caller;
use super::super::problem::Refusal;
use super::super::reply::{Answer, Shown};
use super::one;
use crate::store::{self, time};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Holds an active pack in the version that it has.
///
/// Nothing that is asked for later changes it then, unless with `force`: no install, no plan of other packs, no removal.
/// It takes the place of an earlier hold.
#[utoipa::path(
    post,
    path = path::PACK_HOLD,
    params(("ref" = String, Path, description = "The pack's ref")),
    request_body = Option<HoldRequest>,
    responses((status = 200, description = "The pack, held", body = PackView)),
)]
pub(crate) async fn set(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    NamedPack(pack_ref): NamedPack,
    Asked(Nothing {}): Asked<Nothing>,
    MaybeSent(request): MaybeSent<HoldRequest>,
) -> Answer<Shown<PackView>> {
    // first, so that a pack that is not there is not held
    one(&state, &pack_ref).await?;
    let hold = HoldView {
        until: request.until.as_deref().map(end).transpose()?,
        reason: request.reason.as_deref().map(reason).transpose()?.flatten(),
        by: caller.name(&headers),
        at: time::now(),
    };
    let name = pack_ref.to_string();
    state
        .parts
        .database
        .write(move |tx| store::hold::put(tx, &name, &hold))
        .await?;
    one(&state, &pack_ref).await.map(Shown)
}

/// Lifts the hold of a pack. One that is not held stays as it is.
#[utoipa::path(
    delete,
    path = path::PACK_HOLD,
    params(("ref" = String, Path, description = "The pack's ref")),
    responses((status = 200, description = "The pack, not held", body = PackView)),
)]
pub(crate) async fn lift(
    FromState(state): FromState<State>,
    NamedPack(pack_ref): NamedPack,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<PackView>> {
    let name = pack_ref.to_string();
    state
        .parts
        .database
        .write(move |tx| store::hold::lift(tx, &name))
        .await?;
    one(&state, &pack_ref).await.map(Shown)
}

/// When a hold or a freeze is over.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn end(text: &str) -> Answer<String> {
    let refuse = |detail| Refusal::new(ErrorKind::BadRequest, detail);
    let Some(written) = time::utc(text) else {
        let detail = format!("`until: {text}` is no time");
        return Err(refuse(detail).hint("write it as `2026-12-31T18:00:00Z`"));
    };
    if time::until(&written).is_zero() {
        return Err(refuse(format!("`until: {text}` is over already")));
    }
    Ok(written)
}

/// The reason of a hold or a pin; none when there is nothing in it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn reason(text: &str) -> Answer<Option<String>> {
    let text = text.trim();
    if text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        let detail = format!("`reason` is one line of at most {LONGEST_REASON} characters");
        return Err(Refusal::new(ErrorKind::BadRequest, detail));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}
