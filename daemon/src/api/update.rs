//! Updates: what the policy makes of packs, what somebody asks for, and the freeze of all.

use axum::extract::State as FromState;
use packd_wire::{ErrorKind, FreezeView, HoldRequest, UpdateList, UpdateRequest, WaitQuery, path};

use super::State;
use super::asking::{Asking, Key};
use super::body::{Asked, MaybeSent, Nothing, Sent};
use super::caller::By;
use super::pack::hold;
use super::problem::Refusal;
use super::reply::{Answer, Made, Shown};
use crate::queue::{JobRequest, Origin, UpdateJob, UpdateTarget};
use crate::store;

/// The most packs of one request.
const MOST: usize = 1_000;

/// Says of each active pack why it is, or is not, updated by itself now.
#[utoipa::path(
    get,
    path = path::UPDATES,
    responses((status = 200, description = "What the policy makes of each pack", body = UpdateList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<UpdateList>> {
    Ok(Shown(state.parts.updates.list().await?))
}

/// Brings packs to the newest versions of their registries that go together, now.
///
/// Windows, phases, modes and `allow` are for updates that nobody asks for, and do not count here. Held packs do. Of
/// several packs those that cannot go are left out of the plan with their reasons; one alone is an error.
#[utoipa::path(
    post,
    path = path::UPDATE,
    params(WaitQuery, Key),
    request_body = UpdateRequest,
    responses(Made),
)]
pub(crate) async fn run(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    Sent(request): Sent<UpdateRequest>,
) -> Answer<Made> {
    let refuse = |detail: &str| Err(Refusal::new(ErrorKind::BadRequest, detail));
    let mut refs = match (request.all, request.refs.is_empty()) {
        (true, false) => return refuse("`all` and `refs` exclude each other"),
        (false, true) => {
            return refuse("it says neither which packs nor `all`");
        }
        (false, false) => request.refs,
        (true, true) => {
            let active = asking
                .state
                .parts
                .database
                .read(store::pack::active)
                .await?;
            let packs = active
                .into_values()
                .filter(|pack| pack.record.registry.is_some());
            packs.map(|pack| pack.pack_ref).collect()
        }
    };
    refs.sort_unstable();
    refs.dedup();
    if refs.len() > MOST {
        return refuse(&format!("more than {MOST} packs at once are too many"));
    }
    let packs = refs.into_iter().map(|pack_ref| UpdateTarget {
        pack_ref,
        versions: Vec::new(),
    });
    let job = JobRequest::Update(UpdateJob {
        origin: Origin::Requested,
        registry: None,
        packs: packs.collect(),
        all: request.all,
        besides: Vec::new(),
        pre: request.pre,
        dry_run: request.dry_run,
    });
    asking.job(query.wait, job).await
}

/// Freezes updates: nothing is updated by itself until that is lifted, or over.
///
/// What somebody asks for is done all the same. It takes the place of an earlier freeze.
#[utoipa::path(
    post,
    path = path::FREEZE,
    request_body = Option<HoldRequest>,
    responses((status = 200, description = "The freeze", body = FreezeView)),
)]
pub(crate) async fn freeze(
    FromState(state): FromState<State>,
    By(by): By,
    Asked(Nothing {}): Asked<Nothing>,
    MaybeSent(request): MaybeSent<HoldRequest>,
) -> Answer<Shown<FreezeView>> {
    let freeze = hold::begun(&request, by)?;
    let row = freeze.clone();
    let database = &state.parts.database;
    database
        .write(move |tx| store::freeze::put(tx, &row))
        .await?;
    Ok(Shown(FreezeView {
        freeze: Some(freeze),
    }))
}

/// Lifts the freeze, if there is one. Packs that are held one by one stay so.
#[utoipa::path(
    delete,
    path = path::FREEZE,
    responses((status = 200, description = "That nothing is frozen", body = FreezeView)),
)]
pub(crate) async fn thaw(
    FromState(state): FromState<State>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<FreezeView>> {
    state.parts.database.write(store::freeze::lift).await?;
    Ok(Shown(FreezeView { freeze: None }))
}
