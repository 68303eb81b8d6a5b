//! Packs: look, install, remove.

pub(crate) mod hold;
pub(crate) mod test;
pub(crate) mod verify;
mod view;

use axum::extract::State as FromState;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use packd_format::PackRef;
use packd_wire::{
    ErrorKind, InstallRequest, JobView, PackList, PackView, RemoveQuery, Role, WaitQuery, path,
};

use super::State;
use super::body::{self, Asked, NamedPack, Nothing, Sent};
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{Answer, Made, Shown};
use crate::queue::{JobRequest, NewJob, Queued, RemoveRequest};
use crate::{resolve, store};

/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 256;

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
    params(WaitQuery, ("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same job")),
    request_body = InstallRequest,
    responses(
        (status = 200, description = "The job has ended", body = JobView),
        (status = 202, description = "The job is queued or running", body = JobView),
    ),
)]
pub(crate) async fn install(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<WaitQuery>,
    Sent(request): Sent<InstallRequest>,
) -> Answer<Made> {
    made(
        &state,
        &caller,
        &headers,
        query.wait,
        JobRequest::Install(request),
    )
    .await
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
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and request give the same job"),
    ),
    responses(
        (status = 200, description = "The job has ended", body = JobView),
        (status = 202, description = "The job is queued or running", body = JobView),
    ),
)]
pub(crate) async fn remove(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    NamedPack(pack_ref): NamedPack,
    Asked(mut query): Asked<RemoveQuery>,
) -> Answer<Made> {
    let wait = query.wait.take();
    let request = JobRequest::Remove(RemoveRequest {
        pack_ref: pack_ref.to_string(),
        query,
    });
    made(&state, &caller, &headers, wait, request).await
}

/// Queues a job for who asks, and answers with it: once it has ended, where that is within `wait` seconds.
///
/// # Errors
/// Those of [`enqueue`], and of a `wait` that is too long.
pub(crate) async fn made(
    state: &State,
    caller: &Caller,
    headers: &HeaderMap,
    wait: Option<u64>,
    request: JobRequest,
) -> Answer<Made> {
    let wait = body::wait(wait)?;
    let queued = enqueue(state, caller, headers, request).await?;
    Ok(Made {
        job: queued.into_job(),
        wait,
    })
}

/// Queues a job for who asks.
///
/// # Errors
/// What is wrong with the request on its face, and what the queue refuses.
pub(crate) async fn enqueue(
    state: &State,
    caller: &Caller,
    headers: &HeaderMap,
    request: JobRequest,
) -> Answer<Queued> {
    if request.flags().change_origin && caller.role != Role::Admin {
        let detail = "`change_origin` takes packs from other registries than they came from, which only an admin may do";
        return Err(Refusal::new(ErrorKind::AccessDenied, detail));
    }
    let policy = {
        let config = state.parts.config.current();
        resolve::Policy {
            allow_http: config.net.allow_http,
            allow_git_protocol: config.git.allow_git_protocol,
            reads_files: caller.role == Role::Admin,
        }
    };
    resolve::check(&request, policy)
        .map_err(|error| Refusal::of_error(error.kind(), &error, error.hint()))?;
    let idempotency = idempotency(headers, &request)?;
    let new = NewJob {
        request,
        requester: caller.requester(headers),
        idempotency,
        automatic: false,
    };
    Ok(state.parts.queue.enqueue(new).await?)
}

/// The client's key with a digest of what it asked for.
fn idempotency(headers: &HeaderMap, request: &JobRequest) -> Answer<Option<(String, String)>> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
        .ok_or_else(|| {
            let detail =
                format!("`Idempotency-Key` is not 1 to {LONGEST_KEY} printable ASCII characters");
            Refusal::new(ErrorKind::BadRequest, detail)
        })?;
    // the file that an upload was received into is new each time; the same bytes are the same request
    let mut request = request.clone();
    if let JobRequest::Upload(upload) = &mut request {
        upload.file.clear();
    }
    // and so is one to the generation before, whichever that is by now
    if let JobRequest::Rollback(rollback) = &mut request {
        rollback.target = None;
    }
    let bytes = serde_json::to_vec(&request).unwrap_or_default();
    Ok(Some((
        key.to_owned(),
        packd_format::Digest::sha256_of(&bytes).to_string(),
    )))
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
