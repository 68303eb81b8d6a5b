//! The configured registries and how they fare.

use axum::extract::State as FromState;
use packd_wire::{RefreshRequest, RegistryList, path};

use super::State;
use super::body::MaybeSent;
use super::reply::{Answer, Shown};

/// Lists the configured registries, in the order they are asked.
#[utoipa::path(
    get,
    path = path::REGISTRIES,
    responses((status = 200, description = "The configured registries", body = RegistryList)),
)]
pub(crate) async fn list(FromState(state): FromState<State>) -> Answer<Shown<RegistryList>> {
    Ok(Shown(RegistryList {
        registries: state.parts.registries.views().await?,
    }))
}

/// Reads the indexes now, and answers how the registries fare then.
#[utoipa::path(
    post,
    path = path::REGISTRIES_REFRESH,
    request_body(content = Option<RefreshRequest>),
    responses((status = 200, description = "How they fare", body = RegistryList)),
)]
pub(crate) async fn refresh(
    FromState(state): FromState<State>,
    MaybeSent(request): MaybeSent<RefreshRequest>,
) -> Answer<Shown<RegistryList>> {
    // what failed is shown with each registry
    drop(state.parts.registries.refresh(&request.registries).await?);
    Ok(Shown(RegistryList {
        registries: state.parts.registries.views().await?,
    }))
}
