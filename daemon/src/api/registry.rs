//! The registries: how they fare, and those that come and go while packd runs.

use axum::extract::State as FromState;
use packd_wire::{
    ErrorKind, RefreshRequest, RegistryChange, RegistryList, RegistryRequest, RegistryView,
    TrustRequest, path,
};

use super::State;
use super::body::{Asked, MaybeSent, NamedRegistry, Nothing, Sent};
use super::caller::By;
use super::problem::Refusal;
use super::reply::{Answer, Shown};
use crate::registry::Before;

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

/// Shows one registry and how it fares.
#[utoipa::path(
    get,
    path = path::REGISTRY,
    params(("name" = String, Path, description = "The registry's name")),
    responses((status = 200, description = "The registry", body = RegistryView)),
)]
pub(crate) async fn show(
    FromState(state): FromState<State>,
    NamedRegistry(name): NamedRegistry,
) -> Answer<Shown<RegistryView>> {
    Ok(Shown(state.parts.registries.view(&name).await?))
}

/// Adds a registry, until it is removed in the same way. Those of the configuration are not changed.
///
/// Its index is read soon; `POST /v1/registries/refresh` reads it at once and says how that went.
#[utoipa::path(
    post,
    path = path::REGISTRIES,
    request_body = RegistryRequest,
    responses((status = 200, description = "The registry is there", body = RegistryChange)),
)]
pub(crate) async fn add(
    FromState(state): FromState<State>,
    By(by): By,
    Asked(Nothing {}): Asked<Nothing>,
    Sent(request): Sent<RegistryRequest>,
) -> Answer<Shown<RegistryChange>> {
    let Some(name) = request.name.clone() else {
        return Err(Refusal::new(
            ErrorKind::BadRequest,
            "`name` is missing from the body",
        ));
    };
    put(&state, &name, &request, Before::Nothing, by).await
}

/// Changes what is asked for of a registry that was added, or adds it. The rest of it stays.
#[utoipa::path(
    put,
    path = path::REGISTRY,
    params(("name" = String, Path, description = "The registry's name")),
    request_body = RegistryRequest,
    responses((status = 200, description = "The registry is as asked for", body = RegistryChange)),
)]
pub(crate) async fn change(
    FromState(state): FromState<State>,
    By(by): By,
    NamedRegistry(name): NamedRegistry,
    Asked(Nothing {}): Asked<Nothing>,
    Sent(request): Sent<RegistryRequest>,
) -> Answer<Shown<RegistryChange>> {
    if let Some(other) = request.name.as_ref().filter(|other| **other != name) {
        return Err(Refusal::new(
            ErrorKind::BadRequest,
            format!("`name: {other}` is another one than the path's, `{name}`"),
        ));
    }
    put(&state, &name, &request, Before::Any, by).await
}

async fn put(
    state: &State,
    name: &str,
    request: &RegistryRequest,
    before: Before,
    by: String,
) -> Answer<Shown<RegistryChange>> {
    let keys = state.parts.layout.keys();
    let registries = &state.parts.registries;
    let put = registries.put(name, request, before, &keys, by).await?;
    Ok(Shown(put))
}

/// Removes a registry that was added. What was installed from it stays, and is not updated any more.
#[utoipa::path(
    delete,
    path = path::REGISTRY,
    params(("name" = String, Path, description = "The registry's name")),
    responses((status = 200, description = "The registry is not there", body = RegistryChange)),
)]
pub(crate) async fn remove(
    FromState(state): FromState<State>,
    NamedRegistry(name): NamedRegistry,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<RegistryChange>> {
    Ok(Shown(state.parts.registries.remove(&name).await?))
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
    NamedRegistry(name): NamedRegistry,
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
