//! Packs: look, install, remove.

pub(crate) mod hold;
pub(crate) mod test;
pub(crate) mod verify;
mod view;

use axum::extract::State as FromState;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use packd_format::PackRef;
use packd_wire::{ErrorKind, InstallRequest, PackList, PackView, RemoveQuery, WaitQuery, path};

use super::State;
use super::asking::{Asking, Key};
use super::body::{Asked, NamedPack, Nothing, Sent};
use super::problem::Refusal;
use super::reply::{Answer, Made, Shown};
use crate::queue::{JobRequest, RemoveRequest};
use crate::store;

/// Lists the active packs, by ref.
#[utoipa::path(
    get,
    path = path::PACKS,
    responses((status = 200, description = "The active packs", body = PackList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Response> {
    let version = || state.parts.database.packs_version();
    let bytes = state
        .packs
        .get(version, async || encoded(&state).await)
        .await?;
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        bytes,
    )
        .into_response())
}

/// Shows one active pack.
#[utoipa::path(
    get,
    path = path::PACK,
    params(("ref" = String, Path, description = "The pack's ref")),
    responses((status = 200, description = "The active pack", body = PackView)),
)]
pub(crate) async fn show(
    FromState(state): FromState<State>,
    NamedPack(pack_ref): NamedPack,
) -> Answer<Shown<PackView>> {
    one(&state, &pack_ref).await.map(Shown)
}

/// The active pack, or that there is none.
async fn one(state: &State, pack_ref: &PackRef) -> Answer<PackView> {
    if let Some(view) = views(state, Some(pack_ref.to_string())).await?.pop() {
        return Ok(view);
    }
    let active = state.parts.database.read(store::pack::active).await?;
    let near = packd_format::nearest(pack_ref.as_str(), active.keys().map(String::as_str));
    let detail = format!("`{pack_ref}` is not installed");
    Err(
        Refusal::new(ErrorKind::PackNotInstalled, detail).hint(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`packctl install {pack_ref}`"),
        }),
    )
}

/// Installs from a registry reference, the URL of an archive, or a git repository.
#[utoipa::path(
    post,
    path = path::INSTALL,
    params(WaitQuery, Key),
    request_body = InstallRequest,
    responses(Made),
)]
pub(crate) async fn install(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    Sent(request): Sent<InstallRequest>,
) -> Answer<Made> {
    asking.job(query.wait, JobRequest::Install(request)).await
}

/// Removes a pack.
///
/// One that is not installed makes a job that succeeds and changes nothing.
#[utoipa::path(
    delete,
    path = path::PACK,
    params(
        ("ref" = String, Path, description = "The pack's ref"),
        RemoveQuery,
        Key,
    ),
    responses(Made),
)]
pub(crate) async fn remove(
    asking: Asking,
    NamedPack(pack_ref): NamedPack,
    Asked(mut query): Asked<RemoveQuery>,
) -> Answer<Made> {
    let wait = query.wait.take();
    let request = JobRequest::Remove(RemoveRequest {
        pack_ref: pack_ref.to_string(),
        query,
    });
    asking.job(wait, request).await
}

/// The list as it is now.
async fn encoded(state: &State) -> Answer<Bytes> {
    let packs = views(state, None).await?;
    let bytes = tokio::task::spawn_blocking(move || serde_json::to_vec(&PackList { packs }));
    bytes
        .await
        .map(Result::unwrap_or_default)
        .map(Into::into)
        .map_err(|_| Refusal::panicked())
}

/// The active packs, or the one asked for.
pub(super) async fn views(state: &State, only: Option<String>) -> Answer<Vec<PackView>> {
    let active = state.parts.database.read(store::pack::active).await?;
    let offered = active
        .values()
        .filter(|pack| only.as_ref().is_none_or(|only| *only == pack.pack_ref))
        .filter_map(|pack| Some((pack.pack_ref.clone(), pack.record.registry.clone()?)))
        .collect();
    let offers = state.parts.registries.newest(offered).await?;
    let shown = active
        .values()
        .filter(|pack| only.as_ref().is_none_or(|only| *only == pack.pack_ref));
    let trees: Vec<_> = shown
        .clone()
        .map(|pack| (pack.pack_ref.clone(), pack.record.tree.clone()))
        .collect();
    let versions: Vec<_> = shown
        .map(|pack| (pack.pack_ref.clone(), pack.version.clone()))
        .collect();
    let facts = state
        .parts
        .database
        .read(move |connection| {
            Ok(view::Facts {
                tests: store::test::latest_of_trees(connection, &trees)?,
                quality: store::quality::of(connection, &versions)?,
                holds: store::hold::all(connection)?,
                blocked: store::blocked::all(connection)?,
                bad: store::look::bad(connection)?,
            })
        })
        .await?;
    let layout = state.parts.layout.clone();
    // looks at the trees
    tokio::task::spawn_blocking(move || match only {
        Some(only) => view::one(&active, &only, &layout, &offers, &facts)
            .into_iter()
            .collect(),
        None => view::all(&active, &layout, &offers, &facts),
    })
    .await
    .map_err(|_| Refusal::panicked())
}
