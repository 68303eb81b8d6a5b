//! Holds: a pack stays in the version that it has.

use axum::extract::State as FromState;
use packd_wire::{ErrorKind, HoldRequest, HoldView, PackView, path};

use super::super::State;
use super::super::body::{Asked, MaybeSent, NamedPack, Nothing};
use super::super::caller::By;
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
    By(by): By,
    NamedPack(pack_ref): NamedPack,
    Asked(Nothing {}): Asked<Nothing>,
    MaybeSent(request): MaybeSent<HoldRequest>,
) -> Answer<Shown<PackView>> {
    // first, so that a pack that is not there is not held
    one(&state, &pack_ref).await?;
    let hold = begun(&request, by)?;
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

/// A hold that is asked for, as it is kept: the time in UTC, the reason without spaces around it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read(request: &HoldRequest) -> Answer<HoldRequest> {
    let end = |text: &str| {
        time::utc(text).ok_or_else(|| {
            let detail = format!("`until: {text}` is no time");
            Refusal::new(ErrorKind::BadRequest, detail).hint("write it as `2026-12-31T18:00:00Z`")
        })
    };
    Ok(HoldRequest {
        until: request.until.as_deref().map(end).transpose()?,
        reason: request.reason.as_deref().map(reason).transpose()?.flatten(),
    })
}

/// The hold, or the freeze, that begins now.
///
/// # Errors
/// What is wrong with it, and that it is over already.
pub(crate) fn begun(request: &HoldRequest, by: String) -> Answer<HoldView> {
    let HoldRequest { until, reason } = read(request)?;
    if let Some(over) = until.as_ref().filter(|until| time::until(until).is_zero()) {
        let detail = format!("`until: {over}` is over already");
        return Err(Refusal::new(ErrorKind::BadRequest, detail));
    }
    Ok(HoldView {
        until,
        reason,
        by,
        at: time::now(),
    })
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
