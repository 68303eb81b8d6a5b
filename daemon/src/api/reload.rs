//! `POST /v1/reload`.

use axum::extract::State as FromState;
use packd_wire::{ReloadView, path};

use super::State;
use super::body::{MaybeSent, Nothing};
use super::reply::{Answer, Shown};

/// Reads the configuration again; a wrong one changes nothing.
#[utoipa::path(
    post,
    path = path::RELOAD,
    responses((status = 200, description = "The configuration is in force", body = ReloadView)),
)]
pub(crate) async fn reload(
    FromState(state): FromState<State>,
    MaybeSent(Nothing {}): MaybeSent<Nothing>,
) -> Answer<Shown<ReloadView>> {
    let view = (state.parts.reload)().await;
    view.map(Shown).map_err(|problem| (*problem).into())
}
