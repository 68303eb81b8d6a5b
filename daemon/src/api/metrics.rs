//! `GET /v1/metrics`: figures for monitoring, in the OpenMetrics text format.
//!
//! Names are kept: dashboards and alerts are built on them. `docs/operations.md` lists them.

use axum::extract::State as FromState;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use packd_wire::{PackState, PackView, RegistryState, RegistryView, Trust, UpdatesSummary, path};

use super::State;
use super::body::{Asked, Nothing};
use super::pack::views;
use super::reply::Answer;
use crate::metric::process::Process;
use crate::metric::{Labels, Page};
use crate::store::{self, Database, StoreError, time};

/// Figures for monitoring, as OpenMetrics.
#[utoipa::path(
    get,
    path = path::METRICS,
    responses((
        status = 200,
        description = "Figures for monitoring",
        body = String,
        content_type = "application/openmetrics-text"
    )),
)]
pub(crate) async fn metrics(
    FromState(state): FromState<State>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Response> {
    let parts = &state.parts;
    let counted = Counted::of(&parts.database).await?;
    let packs = views(&state, None).await?;
    let registries = parts.registries.views().await?;
    let layout = parts.layout.clone();
    let free = store::off_thread(move || store::tree::free_bytes(&layout)).await?;

    let mut page = Page::new();
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    page.gauge("packd_build_info", "Which packd it is", [(version, 1)]);
    let started = seconds(&state.began_at);
    page.gauge(
        "packd_start_time_seconds",
        "When packd was started, since 1970",
        started,
    );

    jobs_on(&mut page, &counted.census, counted.queued_since.as_deref());
    page.times(
        "packd_step_duration_seconds",
        "How long the steps of jobs took",
        parts.hub.steps(),
    );
    page.outcomes(parts.hub.outcomes());
    page.counter(
        "packd_received_bytes",
        "Bytes that came from other hosts",
        one(parts.rate.total()),
    );

    packs_on(&mut page, &packs);
    store_on(&mut page, &counted);
    page.gauge(
        "packd_degraded",
        "Whether the database was lost or is damaged, and nobody has acknowledged it",
        one(u64::from(parts.database.degraded().is_some())),
    );
    updates_on(&mut page, &parts.updates.summary());
    registries_on(&mut page, &registries);
    page.gauge(
        "packd_state_free_bytes",
        "Free bytes where the state folder lies",
        one(free),
    );

    page.counter(
        "packd_events",
        "Events that were stored",
        whole(counted.last_event).map(|number| (Vec::new(), number)),
    );
    page.gauge(
        "packd_event_followers",
        "Clients that follow events",
        one(state.streams.taken()),
    );
    page.gauge(
        "packd_connections",
        "Connections to the socket",
        one(state.connections.taken()),
    );
    process_on(&mut page, &store::off_thread(|| Ok(Process::look())).await?);

    let content_type = HeaderValue::from_static(Page::CONTENT_TYPE);
    Ok(([(header::CONTENT_TYPE, content_type)], page.text()).into_response())
}

/// What the database has.
struct Counted {
    census: Vec<(String, String, u64)>,
    queued_since: Option<String>,
    trees: (u64, u64),
    generation: Option<i64>,
    generations: u64,
    last_event: i64,
    bad: usize,
}

impl Counted {
    async fn of(database: &Database) -> Result<Self, StoreError> {
        database
            .read(|connection| {
                Ok(Self {
                    census: store::job::census(connection)?,
                    queued_since: store::job::longest_queued(connection)?,
                    trees: store::pack::trees_and_bytes(connection)?,
                    generation: store::pack::active_generation(connection)?,
                    generations: store::pack::generations(connection)?,
                    last_event: store::event::last(connection)?,
                    bad: store::look::bad(connection)?.len(),
                })
            })
            .await
    }
}

fn store_on(page: &mut Page, counted: &Counted) {
    let (trees, bytes) = counted.trees;
    page.gauge(
        "packd_store_trees",
        "Trees of the store, active or not",
        one(trees),
    );
    page.gauge(
        "packd_store_bytes",
        "Bytes of the files in the trees of the store; what trees share is counted for each",
        one(bytes),
    );
    page.gauge(
        "packd_trees_damaged",
        "Trees of the store that the latest look found something wrong with",
        one(u64::try_from(counted.bad).unwrap_or(u64::MAX)),
    );
    page.gauge(
        "packd_generation",
        "The number of the active generation",
        counted
            .generation
            .and_then(whole)
            .map(|number| (Vec::new(), number)),
    );
    page.gauge(
        "packd_generations",
        "Generations that are known",
        one(counted.generations),
    );
}

fn process_on(page: &mut Page, process: &Process) {
    page.gauge(
        "packd_resident_bytes",
        "Memory of packd that is resident",
        process.resident.map(|bytes| (Vec::new(), bytes)),
    );
    page.gauge(
        "packd_open_files",
        "File descriptors that packd has open",
        process.files.map(|files| (Vec::new(), files)),
    );
    page.gauge(
        "packd_threads",
        "Threads of packd",
        process.threads.map(|threads| (Vec::new(), threads)),
    );
    page.seconds(
        "packd_cpu_seconds",
        "Time of processors that packd used",
        process.cpu,
    );
}

fn jobs_on(page: &mut Page, census: &[(String, String, u64)], queued_since: Option<&str>) {
    let of = |wanted: &str| {
        let rows = census.iter().filter(|(_, state, _)| state == wanted);
        rows.map(|(_, _, count)| count).sum()
    };
    page.gauge("packd_queue_depth", "Jobs that wait", one(of("queued")));
    page.gauge("packd_jobs_running", "Jobs that run", one(of("running")));
    page.gauge(
        "packd_queue_age_seconds",
        "How long the job that has waited longest waits; 0 when none does",
        one(queued_since.map_or(0, |since| time::since(since).as_secs())),
    );
    let of_jobs = |(kind, status, count): &(String, String, u64)| {
        let labels = vec![("kind", kind.clone()), ("state", status.clone())];
        (labels, *count)
    };
    page.gauge(
        "packd_jobs",
        "Jobs in the history, by kind and state",
        census.iter().map(of_jobs),
    );
}

fn packs_on(page: &mut Page, packs: &[PackView]) {
    let count = |wanted: &dyn Fn(&PackView) -> bool| {
        u64::try_from(packs.iter().filter(|pack| wanted(pack)).count()).unwrap_or(u64::MAX)
    };
    let states = PackState::ALL.map(|state| {
        (
            vec![("state", state.as_str().to_owned())],
            count(&|pack| pack.state == state),
        )
    });
    page.gauge(
        "packd_packs",
        "Active packs, by the state of their trees",
        states,
    );
    page.gauge(
        "packd_packs_held",
        "Active packs that are held",
        one(count(&|pack| pack.hold.is_some())),
    );
    page.gauge(
        "packd_updates_available",
        "Active packs that their registry has a newer version of",
        one(count(&|pack| pack.available.is_some())),
    );
    let of_pack = |pack: &PackView| -> Labels {
        vec![
            ("pack", pack.pack_ref.clone()),
            ("version", pack.version.clone()),
        ]
    };
    let installs = packs
        .iter()
        .map(|pack| (of_pack(pack), pack.quality.installs));
    page.counter(
        "packd_pack_installs",
        "How often the active version became active here",
        installs,
    );
    let failures = packs
        .iter()
        .map(|pack| (of_pack(pack), pack.quality.failures));
    page.counter(
        "packd_pack_failures",
        "How often a job to activate the active version failed",
        failures,
    );
    let tests = packs.iter().flat_map(|pack| {
        let row = |result: &str, count| {
            let mut labels = of_pack(pack);
            labels.push(("result", result.to_owned()));
            (labels, count)
        };
        [
            row("passed", pack.quality.tests_passed),
            row("failed", pack.quality.tests_failed),
        ]
    });
    page.counter(
        "packd_pack_tests",
        "Runs of the tests of the active version",
        tests,
    );
}

fn updates_on(page: &mut Page, updates: &UpdatesSummary) {
    page.gauge(
        "packd_updates_pending",
        "Active packs that are going to be updated by themselves",
        one(updates.pending),
    );
    page.gauge(
        "packd_updates_blocked",
        "Active packs that something newer is kept from by a hold, a freeze or the policy",
        one(updates.blocked),
    );
    page.gauge(
        "packd_updates_frozen",
        "Whether nothing is updated by itself",
        one(u64::from(updates.freeze.is_some())),
    );
}

fn registries_on(page: &mut Page, registries: &[RegistryView]) {
    let label = |registry: &RegistryView| vec![("registry", registry.name.clone())];
    let asked = || registries.iter().filter(|registry| registry.enabled);
    page.gauge(
        "packd_registry_up",
        "Whether the last refresh succeeded",
        asked().map(|registry| {
            (
                label(registry),
                u64::from(registry.health.state == RegistryState::Ok),
            )
        }),
    );
    page.gauge(
        "packd_registry_age_seconds",
        "How old the index is that is used",
        asked().filter_map(|registry| Some((label(registry), registry.health.age_seconds?))),
    );
    page.gauge(
        "packd_registry_failures",
        "Refreshes that failed since the last that succeeded",
        asked().map(|registry| (label(registry), registry.health.consecutive_failures.into())),
    );
    page.gauge(
        "packd_registry_packs",
        "Packs in the index",
        asked().map(|registry| (label(registry), registry.packs)),
    );
    page.gauge(
        "packd_registry_next_refresh_seconds",
        "How long it is until the registry is asked again",
        asked().filter_map(|registry| {
            let left = time::until(registry.health.next_refresh.as_ref()?);
            Some((label(registry), left.as_secs()))
        }),
    );
    page.gauge(
        "packd_registry_error",
        "Registries whose last refresh failed, by the kind of the failure",
        asked().filter_map(|registry| {
            let kind = registry.health.error_kind?.as_str().to_owned();
            Some(([label(registry), vec![("kind", kind)]].concat(), 1))
        }),
    );
    page.gauge(
        "packd_registry_unverified",
        "Whether nothing shows that the registry's packs are what they should be",
        asked().map(|registry| {
            (
                label(registry),
                u64::from(registry.trust == Trust::Unverified),
            )
        }),
    );
    page.gauge(
        "packd_registry_problems",
        "Entries of the index, or packs of the folder, that were left out",
        asked().map(|registry| {
            (
                label(registry),
                u64::try_from(registry.problems.len()).unwrap_or(u64::MAX),
            )
        }),
    );
    page.gauge(
        "packd_registry_signed_seconds",
        "How long what the registry has signed may still be believed",
        asked().filter_map(|registry| {
            let left = time::until(&registry.signed.as_ref()?.expires);
            Some((label(registry), left.as_secs()))
        }),
    );
}

/// A figure without labels.
fn one(value: u64) -> [(Labels, u64); 1] {
    [(Vec::new(), value)]
}

fn whole(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

fn seconds(time: &str) -> Option<(Labels, u64)> {
    let time: Timestamp = time.parse().ok()?;
    Some((Vec::new(), whole(time.as_second())?))
}
