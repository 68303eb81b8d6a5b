//! The configured registries and how they fare.

use axum::extract::{Path, State as FromState};
use packd_wire::{ErrorKind, RefreshRequest, RegistryList, TrustRequest, path};

use super::State;
use super::body::{MaybeSent, Sent};
use super::problem::Refusal;
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

/// Accepts that a registry, which was signed once, is not signed any more.
#[utoipa::path(
    post,
    path = path::REGISTRY_TRUST,
    params(("name" = String, Path, description = "The registry's name")),
    request_body = TrustRequest,
    responses((status = 200, description = "The registries and how they fare", body = RegistryList)),
)]
pub(crate) async fn trust(
    FromState(state): FromState<State>,
    Path(name): Path<String>,
    Sent(request): Sent<TrustRequest>,
) -> Answer<Shown<RegistryList>> {
    if !request.accept_unsigned {
        let detail = "`accept_unsigned` must be `true`: there is nothing else to ask for here";
        return Err(Refusal::new(ErrorKind::BadRequest, detail));
    }
    let registries = &state.parts.registries;
    registries.accept_unsigned(&name).await?;
    Ok(Shown(RegistryList {
        registries: registries.views().await?,
    }))
}
