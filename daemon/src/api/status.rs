//! `GET /v1/status` and `GET /v1/health`.

use std::collections::BTreeMap;

use axum::extract::State as FromState;
use packd_wire::{
    AcknowledgeView, DegradedView, HealthView, PackState, RegistryState, RegistryView, Role,
    StatusView, path,
};

use super::State;
use super::body::{MaybeSent, Nothing};
use super::caller::Caller;
use super::reply::{Answer, Shown};
use crate::registry::in_words;
use crate::store::{self, pack::Installed, time};

/// What this daemon can do, for clients that must know; `docs/api.md` says what each word means.
pub(super) const FEATURES: [&str; 19] = [
    "apply",
    "audit",
    "events",
    "gc",
    "generations",
    "holds",
    "hooks",
    "idempotency",
    "install",
    "metrics",
    "registries",
    "remove",
    "rollback",
    "search",
    "signed_registries",
    "tests",
    "updates",
    "upload",
    "verify",
];

/// At most so many packs whose trees are missing are named.
const NAMED: usize = 10;

/// Answers while the database does.
#[utoipa::path(
    get,
    path = path::HEALTH,
    responses((status = 200, description = "The daemon works", body = HealthView)),
)]
pub(crate) async fn health(FromState(state): FromState<State>) -> Answer<Shown<HealthView>> {
    state.parts.database.read(store::event::last).await?;
    let status = match state.parts.database.degraded() {
        None => "ok",
        Some(_) => "degraded",
    };
    Ok(Shown(HealthView {
        status: status.into(),
    }))
}

/// Ends that the daemon calls itself degraded: an operator has seen that the database was lost.
#[utoipa::path(
    post,
    path = path::ACKNOWLEDGE,
    responses((status = 200, description = "What was acknowledged", body = AcknowledgeView)),
)]
pub(crate) async fn acknowledge(
    FromState(state): FromState<State>,
    MaybeSent(Nothing {}): MaybeSent<Nothing>,
) -> Answer<Shown<AcknowledgeView>> {
    let acknowledged = state.parts.database.acknowledge().await?;
    if let Some(view) = &acknowledged {
        tracing::warn!("acknowledged: {}", view.reason);
    }
    Ok(Shown(AcknowledgeView { acknowledged }))
}

/// Says how the daemon fares.
#[utoipa::path(
    get,
    path = path::STATUS,
    responses((status = 200, description = "How the daemon fares", body = StatusView)),
)]
pub(crate) async fn status(
    FromState(state): FromState<State>,
    caller: Caller,
) -> Answer<Shown<StatusView>> {
    let (generation, trees, bad, queue, last_event) = state
        .parts
        .database
        .read(|connection| {
            let generation = store::pack::active_generation(connection)?;
            let trees =
                generation.map(|number| store::pack::dirs_of_generation(connection, number));
            Ok((
                generation,
                trees.transpose()?.unwrap_or_default(),
                store::look::bad(connection)?,
                store::job::counts(connection)?,
                store::event::last(connection)?,
            ))
        })
        .await?;
    let packs = u64::try_from(trees.len()).unwrap_or(u64::MAX);
    let registries = state.parts.registries.views().await?;
    let degraded = state.parts.database.degraded();
    let mut problems = Vec::from_iter(degraded.as_ref().map(lost));
    problems.extend(self::problems(&state, &registries, caller.role).await?);
    if let Some(number) = generation {
        problems.extend(modified(&trees, &bad));
        problems.extend(damage(&state, number, trees).await?);
    }
    Ok(Shown(StatusView {
        version: env!("CARGO_PKG_VERSION").into(),
        api: 1,
        features: FEATURES.map(Into::into).to_vec(),
        started_at: state.began_at.clone(),
        uptime_seconds: state.began.elapsed().as_secs(),
        pid: std::process::id(),
        state_dir: state.parts.layout.state_dir.display().to_string(),
        generation,
        packs,
        queue,
        last_event,
        registries,
        updates: state.parts.updates.summary(),
        degraded,
        checks_database: state.parts.database.is_unread(),
        problems,
        role: caller.role,
    }))
}

/// That the database was lost, in a line.
fn lost(view: &DegradedView) -> String {
    let mut text = format!("degraded since {}: {}", view.at, view.reason);
    if let Some(folder) = &view.quarantine {
        text = format!("{text}; the old one is in `{folder}`");
    }
    if view.unrecorded > 0 {
        text = format!(
            "{text}; of {} of {} packs it is not known where they came from",
            view.unrecorded, view.packs
        );
    }
    format!("{text}; `packctl verify` looks at all packs, `packctl status --acknowledge` ends this")
}

/// Which active packs are not as they were installed, as far as that was looked at.
fn modified(trees: &BTreeMap<String, String>, bad: &BTreeMap<String, PackState>) -> Vec<String> {
    let state = |dir| bad.get(dir).filter(|state| **state != PackState::Missing);
    let found: Vec<_> = trees
        .iter()
        .filter_map(|(name, dir)| Some((name, state(dir)?)))
        .collect();
    let named = found.iter().take(NAMED).map(|(name, state)| {
        format!(
            "the tree of `{name}` is {}; `packctl verify {name}` says how, and with --repair brings it again",
            state.as_str()
        )
    });
    let mut problems: Vec<String> = named.collect();
    if found.len() > NAMED {
        problems.push(format!(
            "so are the trees of {} more packs",
            found.len() - NAMED
        ));
    }
    problems
}

/// What is missing of the active packs, and how it comes back.
async fn damage(
    state: &State,
    generation: i64,
    trees: BTreeMap<String, String>,
) -> Answer<Vec<String>> {
    let layout = state.parts.layout.clone();
    let (is_whole, missing) = store::off_thread(move || {
        let is_whole = store::generation::is_whole(&layout, generation, &trees);
        let missing = trees
            .into_iter()
            .filter(|(_, dir)| !store::tree::is_complete(&layout, dir));
        Ok((is_whole, missing.map(|(name, _)| name).collect::<Vec<_>>()))
    })
    .await?;
    let mut problems = Vec::new();
    if !is_whole {
        problems.push(format!(
            "packs are missing in `generations/{generation}`, which `current` leads to; a restart of packd puts \
             them there again"
        ));
    }
    if missing.is_empty() {
        return Ok(problems);
    }
    let active = state.parts.database.read(store::pack::active).await?;
    let gone = missing.iter().filter_map(|name| active.get(name));
    problems.extend(gone.clone().take(NAMED).map(|pack| {
        let Installed {
            pack_ref, version, ..
        } = pack;
        let remedy = match &pack.record.registry {
            Some(_) => format!("`packctl install {pack_ref}` brings it back"),
            None => "install it again from where it came".to_owned(),
        };
        format!("the tree of `{pack_ref}` {version} is missing in the store; {remedy}")
    }));
    let rest = gone.count().saturating_sub(NAMED);
    if rest > 0 {
        problems.push(format!("so are the trees of {rest} more packs"));
    }
    Ok(problems)
}

/// What an operator should look at, the worst first.
async fn problems(state: &State, registries: &[RegistryView], role: Role) -> Answer<Vec<String>> {
    let layout = state.parts.layout.clone();
    let free = store::off_thread(move || store::tree::free_bytes(&layout)).await?;
    let mut problems = Vec::new();
    let min_free = state.parts.config.current().store.min_free;
    if free <= min_free.bytes() {
        problems.push(format!(
            "the state folder has {free} bytes free, and `store.min_free` is {min_free}"
        ));
    }
    if let Some(refused) = state.parts.config.refused() {
        let ago = in_words(time::since(&refused.at));
        let text =
            format!("a reload {ago} ago was refused, the configuration before it is in force");
        // the reason names files and keys, as the answer to a reload does, which only an admin gets
        problems.push(match role {
            Role::Admin => format!("{text}: {}", refused.reason),
            Role::Operator | Role::Reader | Role::Denied => {
                format!("{text}; `packd --check-config` says why")
            }
        });
    }
    for (state, words) in [
        (RegistryState::Failed, "cannot be used"),
        (RegistryState::Stale, "is stale"),
    ] {
        for registry in registries.iter().filter(|one| one.health.state == state) {
            let error = registry.health.error.as_deref();
            problems.push(format!(
                "registry `{}` {words}: {}",
                registry.name,
                error.unwrap_or("no reason is known")
            ));
        }
    }
    for registry in registries.iter().filter(|one| one.enabled) {
        let warnings = registry.warnings.iter();
        problems.extend(warnings.map(|text| format!("registry `{}`: {text}", registry.name)));
    }
    Ok(problems)
}
