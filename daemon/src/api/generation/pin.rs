//! Pins: a generation is kept for ever.

use axum::extract::State as FromState;
use packd_wire::{GenerationView, PinRequest, PinView, path};

use super::super::State;
use super::super::body::{Asked, MaybeSent, NamedGeneration, Nothing};
use super::super::caller::By;
use super::super::pack::hold::reason;
use super::super::reply::{Answer, Shown};
use super::one;
use crate::store::{history, time};

/// Keeps a generation, and the trees that it names, for ever.
///
/// It takes the place of an earlier pin.
#[utoipa::path(
    post,
    path = path::GENERATION_PIN,
    params(("number" = i64, Path, description = "The generation's number")),
    request_body = Option<PinRequest>,
    responses((status = 200, description = "The generation, pinned", body = GenerationView)),
)]
pub(crate) async fn set(
    FromState(state): FromState<State>,
    By(by): By,
    NamedGeneration(number): NamedGeneration,
    Asked(Nothing {}): Asked<Nothing>,
    MaybeSent(request): MaybeSent<PinRequest>,
) -> Answer<Shown<GenerationView>> {
    let pin = PinView {
        reason: request.reason.as_deref().map(reason).transpose()?.flatten(),
        by,
        at: time::now(),
    };
    let database = &state.parts.database;
    database
        .write(move |tx| history::pin(tx, number, &pin))
        .await?;
    // one that is not known was not pinned, and is refused here
    one(&state, number).await.map(Shown)
}

/// Keeps a generation only as long as others. One that is not pinned stays as it is.
#[utoipa::path(
    delete,
    path = path::GENERATION_PIN,
    params(("number" = i64, Path, description = "The generation's number")),
    responses((status = 200, description = "The generation, not pinned", body = GenerationView)),
)]
pub(crate) async fn lift(
    FromState(state): FromState<State>,
    NamedGeneration(number): NamedGeneration,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<GenerationView>> {
    let database = &state.parts.database;
    database.write(move |tx| history::unpin(tx, number)).await?;
    one(&state, number).await.map(Shown)
}
