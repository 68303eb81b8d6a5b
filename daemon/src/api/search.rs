//! What the registries offer, from what is known of them.

use axum::extract::State as FromState;
use packd_wire::{AvailableList, SearchList, SearchQuery, path};

use super::State;
use super::body::{Asked, NamedPack, page};
use super::reply::{Answer, Shown};

/// Finds packs by text, the best first.
#[utoipa::path(
    get,
    path = path::SEARCH,
    params(SearchQuery),
    responses((status = 200, description = "What was found", body = SearchList)),
)]
pub(crate) async fn search(
    FromState(state): FromState<State>,
    Asked(query): Asked<SearchQuery>,
) -> Answer<Shown<SearchList>> {
    let limit = usize::try_from(page(query.limit, 50)?).unwrap_or(usize::MAX);
    let found = state
        .parts
        .registries
        .search(&query.q, query.registry.as_deref(), limit)
        .await?;
    Ok(Shown(found))
}

/// Lists every version that registries offer of one pack.
#[utoipa::path(
    get,
    path = path::AVAILABLE,
    params(("ref" = String, Path, description = "The pack's ref")),
    responses((status = 200, description = "What is offered", body = AvailableList)),
)]
pub(crate) async fn available(
    FromState(state): FromState<State>,
    NamedPack(pack_ref): NamedPack,
) -> Answer<Shown<AvailableList>> {
    Ok(Shown(state.parts.registries.available(&pack_ref).await?))
}
