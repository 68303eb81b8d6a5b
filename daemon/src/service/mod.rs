//! Builds everything in order, and stops it in reverse.
//!
//! Start: state folder, lock, database, recovery, socket, API, worker,
//! registries, READY. Stop: no new connections, running jobs back to the
//! queue, streams closed, database closed. Systemd is told at each turn.

mod error;
mod idle;
mod notify;
mod recover;
mod reload;
mod socket;
mod sockets;

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api;
use crate::config::{Config, Effective, Environment, Inputs, Layout, Objection, Shared};
use crate::event::Hub;
use crate::gc;
use crate::health;
use crate::hook;
use crate::host::Host;
use crate::install::{Context, Prober, scrub};
use crate::net::Http;
use crate::pulse::Pulse;
use crate::queue::Queue;
use crate::registry::{Here, Registries};
use crate::source::{Cache, git};
use crate::store::lease::Leases;
use crate::store::{self, Database, StoreError, time};
use crate::update::Updates;
use crate::watch::{Subject, Watch, What};
use crate::worker;

pub(crate) use error::ServiceError;
use sockets::Sockets;

/// How long a stop may take before what still runs is left to the next start.
const STOP_WITHIN: Duration = Duration::from_secs(4);

/// How often the history is shortened to `queue.history`.
const FORGET_EVERY: Duration = Duration::from_hours(24);

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServiceError`]: why it could not start, or go on.
pub(crate) fn run(inputs: Inputs, effective: Effective) -> Result<(), ServiceError> {
    let layout = Arc::new(effective.layout.clone());
    let starting = notify::Starting::begin();
    store::tree::make_folders(&layout).map_err(ServiceError::Store)?;
    let _lock = store::tree::lock(&layout).map_err(ServiceError::Store)?;
    store::reserve::release_if_full(&layout.state_dir);
    let (database, threads) = store::rebuild::open(&layout).map_err(ServiceError::Store)?;
    store::reserve::make(&layout.state_dir);
    // one thread: the work is in blocking threads, and one loop is the fastest at handing out bytes
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(64)
        .thread_keep_alive(Duration::from_secs(5))
        .build()
        .map_err(ServiceError::Runtime)?;
    let result = runtime.block_on(serve(inputs, effective, layout, database, starting));
    runtime.shutdown_timeout(Duration::from_millis(500));
    threads.join();
    result
}

/// Whether a start with this configuration would get beyond the parts that read files it names. Blocks.
///
/// # Errors
/// Why it would not.
pub(crate) fn takes_over(config: &Config) -> Result<(), Objection> {
    let client = Http::new(&config.net).map(drop);
    client.map_err(|error| Objection {
        key: error.key(),
        message: crate::logging::chain(&error),
    })
}

#[expect(
    clippy::too_many_lines,
    reason = "one list of parts, in the order in which they need each other"
)]
async fn serve(
    inputs: Inputs,
    effective: Effective,
    layout: Arc<Layout>,
    database: Database,
    starting: notify::Starting,
) -> Result<(), ServiceError> {
    let signals = Signals::listen().map_err(ServiceError::Runtime)?;
    let changes = Watch::new(configuration(&layout)).await;
    let effective = with_added(&inputs, effective, &database).await?;
    let shared = Shared::new(effective.config);
    let hub = Hub::with_hooks(shared.clone());
    let queue = Queue::new(database.clone(), hub.clone());
    recover::run(&layout, &database, &hub, &queue)
        .await
        .map_err(ServiceError::Store)?;
    let http = Http::new(&shared.current().net).map_err(ServiceError::Net)?;
    let host = Host::of_machine(&database)
        .await
        .map_err(ServiceError::Store)?;
    let here = Here {
        host: host.clone(),
        scratch: layout.staging(),
        known: layout.folders_cache(),
    };
    let registries = Registries::new(
        database.clone(),
        http.clone(),
        shared.clone(),
        hub.clone(),
        here,
    );
    let Listening {
        first,
        more,
        bound,
        sockets,
    } = listen(&layout, &shared).await?;
    let reload = reload::Reloading {
        inputs: Arc::new(inputs),
        shared: shared.clone(),
        http: http.clone(),
        database: database.clone(),
        sockets: Arc::clone(&sockets),
    };
    let reload: api::Reload = Arc::new(move || Box::pin(reload::run(reload.clone())));

    let rate = http.rate();
    let stop = CancellationToken::new();
    let pulse = Pulse::default();
    let tasks = TaskTracker::new();
    let context = Context {
        config: shared.clone(),
        layout: Arc::clone(&layout),
        database: database.clone(),
        hub: hub.clone(),
        http,
        cache: Cache::new(layout.archive_cache(), shared.clone()),
        registries: registries.clone(),
        repositories: git::Cache::new(layout.git_cache()),
        prober: prober(),
        leases: Leases::default(),
        activation: Arc::default(),
    };
    let updates = Updates::new(
        shared.clone(),
        database.clone(),
        registries.clone(),
        queue.clone(),
        hub.clone(),
        host,
    );
    let state = api::State::new(api::Parts {
        layout: Arc::clone(&layout),
        config: shared.clone(),
        database: database.clone(),
        rate,
        hub,
        queue: queue.clone(),
        registries: registries.clone(),
        updates: updates.clone(),
        reload: Arc::clone(&reload),
    });
    let mut parts = behind(&tasks, &context, &queue, &stop);
    parts.push(tasks.spawn(ends("the updates", updates.run(stop.clone()))));
    let api = api::serve(first, more, state.clone(), pulse.clone(), stop.clone());
    parts.push(tasks.spawn(ends("the API", api)));
    let worker = worker::run(
        context,
        queue.clone(),
        pulse.beat("the queue"),
        stop.clone(),
    );
    parts.push(tasks.spawn(ends("the worker", worker)));
    let of_idle = database.clone();
    let alive = notify::Alive {
        queue: queue.clone(),
        database,
        pulse,
    };
    tasks.spawn(notify::run(alive, shared.clone(), stop.clone()));
    tasks.close();
    let ended = async {
        let (part, ..) = futures_util::future::select_all(parts).await;
        part.unwrap_or("a part")
    };
    let comes_back = bound.is_passed();
    let idle = async {
        if comes_back {
            idle::wait(shared.clone(), queue, &of_idle, state, &sockets).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    drop(starting);
    announce(&layout).await;
    let result = tokio::select! {
        () = attend(signals, changes, &reload, &shared, &registries) => Ok(()),
        () = idle => {
            tracing::info!("nothing to do; the next connection starts packd again");
            Ok(())
        }
        part = ended => Err(ServiceError::Ended(part)),
    };
    shut_down(&stop, &tasks).await;
    sockets.close().await;
    // what is left behind by a panic is replaced at the next start
    drop(tokio::task::spawn_blocking(move || drop(bound)).await);
    result
}

/// Begins what goes on without being asked. Each part runs until `stop`; one that ends before is a defect.
fn behind(
    tasks: &TaskTracker,
    context: &Context,
    queue: &Queue,
    stop: &CancellationToken,
) -> Vec<JoinHandle<&'static str>> {
    let watcher = context.registries.clone().run(stop.clone());
    let housekeeper = keep_house(
        context.database.clone(),
        context.config.clone(),
        queue.clone(),
        stop.clone(),
    );
    let hooks = hook::run(context.clone(), queue.clone(), stop.clone());
    let health = health::run(context.clone(), queue.clone(), stop.clone());
    vec![
        tasks.spawn(ends("the hooks", hooks)),
        tasks.spawn(ends("the watch of the health", health)),
        tasks.spawn(ends(
            "the scrubber",
            scrub::run(context.clone(), stop.clone()),
        )),
        tasks.spawn(ends("the registry watcher", watcher)),
        tasks.spawn(ends("the housekeeper", housekeeper)),
    ]
}

/// Every socket at which packd listens, and what takes them away.
struct Listening {
    /// Those of systemd, or the one of the command line.
    first: Vec<api::Opened>,
    /// Those of `sockets`, and more with each reload.
    more: mpsc::Receiver<api::Opened>,
    bound: socket::Bound,
    sockets: Arc<Sockets>,
}

/// Listens everywhere.
///
/// # Errors
/// The first socket at which it cannot; those before it are gone again.
async fn listen(layout: &Layout, shared: &Shared) -> Result<Listening, ServiceError> {
    let (listeners, bound) = socket::listen(&layout.socket).await?;
    let is_passed = bound.is_passed();
    let passed = listeners.iter().filter(|_| is_passed);
    let (sockets, more) = Sockets::new(passed.filter_map(socket::path).collect());
    if let Some(error) = sockets.follow(&shared.current()).await.into_iter().next() {
        sockets.close().await;
        drop(tokio::task::spawn_blocking(move || drop(bound)).await);
        return Err(error);
    }
    // one that systemd passed may be one of `sockets`
    let first = listeners.into_iter().map(|listener| {
        let path = is_passed.then(|| socket::path(&listener)).flatten();
        api::Opened {
            door: Arc::new(api::Door::passed(path)),
            listener,
        }
    });
    Ok(Listening {
        first: first.collect(),
        more,
        bound,
        sockets: Arc::new(sockets),
    })
}

/// Asks for runtimes where the daemon itself looks for programs.
fn prober() -> Prober {
    let process = Environment::of_process();
    Prober::new(
        process
            .get("PATH")
            .unwrap_or(packd_runner::Environment::PATH),
    )
}

/// The configuration with the registries that were added while packd ran. What is wrong with them is in its warnings,
/// and keeps nothing from starting.
async fn with_added(
    inputs: &Inputs,
    effective: Effective,
    database: &Database,
) -> Result<Effective, ServiceError> {
    let added = match database.read(store::registry::all).await {
        Ok(added) => added,
        Err(error) => {
            tracing::error!(error = %crate::logging::chain(&error), "cannot read the registries that were added");
            return Ok(effective);
        }
    };
    let environment = inputs.environment.clone();
    let known = effective.warnings.len();
    let take_in = move || {
        let mut effective = effective;
        effective.take_in(&added, &environment);
        Ok(effective)
    };
    let effective = store::off_thread(take_in)
        .await
        .map_err(ServiceError::Store)?;
    for warning in effective.warnings.iter().skip(known) {
        tracing::warn!("{warning}");
    }
    Ok(effective)
}

/// Says that everything is there.
async fn announce(layout: &Layout) {
    notify::ready("ready".into()).await;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        socket = %layout.socket.display(),
        state = %layout.state_dir.display(),
        "ready"
    );
}

/// Tells everything to stop, and waits for it.
async fn shut_down(stop: &CancellationToken, tasks: &TaskTracker) {
    tracing::info!("stopping");
    notify::stopping().await;
    stop.cancel();
    if tokio::time::timeout(STOP_WITHIN, tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("something did not stop in time; its job runs again at the next start");
    }
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }
}

/// Reloads the configuration when it is told to and when its files change, and refreshes the registries when it is told
/// to, until it is told to stop.
async fn attend(
    mut signals: Signals,
    mut changes: Watch,
    reload: &api::Reload,
    shared: &Shared,
    registries: &Registries,
) {
    loop {
        let why = tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.user.recv() => {
                registries.ask_now();
                continue;
            }
            _ = signals.hangup.recv() => "a signal asks for it",
            _ = changes.changed(), if shared.current().service.watch_configuration => {
                "its files have changed"
            }
        };
        tracing::info!("reloading the configuration: {why}");
        notify::reloading().await;
        let reloading = reload();
        tokio::select! {
            // a file system may hang, and that is no reason not to stop
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            // it reports what it found in the log, and notes it with the configuration
            _ = reloading => {}
        }
        notify::reloaded(shared).await;
    }
}

/// What of the configuration is watched: its file, the drop-ins, and the roots of signed registries.
fn configuration(layout: &Layout) -> Vec<Subject> {
    let entries = |path, extension| Subject {
        path,
        what: What::Entries { extension },
    };
    vec![
        Subject {
            path: layout.config_file.clone(),
            what: What::File,
        },
        entries(layout.drop_ins(), Some("yaml")),
        entries(layout.keys(), None),
    ]
}

/// Runs a part and gives its name when it ends.
async fn ends(name: &'static str, part: impl Future<Output = ()>) -> &'static str {
    part.await;
    name
}

/// What is done once a day, and once after the start.
async fn keep_house(database: Database, config: Shared, queue: Queue, stop: CancellationToken) {
    let daily = gc::daily(database.clone(), queue, stop.clone());
    let checked = check_rest(&database, &stop);
    tokio::join!(
        forget(database.clone(), config, stop.clone()),
        daily,
        checked
    );
}

/// Looks at what of the database the start had no time for.
async fn check_rest(database: &Database, stop: &CancellationToken) {
    let checked = tokio::select! {
        () = stop.cancelled() => return,
        checked = database.check_rest() => checked,
    };
    if let Err(error) = checked {
        tracing::error!(error = %crate::logging::chain(&error), "cannot look at all of the database");
    }
}

/// Shortens the history of jobs and events to `queue.history`, now and once a day.
async fn forget(database: Database, config: Shared, stop: CancellationToken) {
    loop {
        match forget_now(&database, config.current().queue.history, &stop).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!("{jobs} jobs older than the history were forgotten"),
            Err(error) => {
                tracing::error!(error = %crate::logging::chain(&error), "cannot shorten the history");
            }
        }
        if tokio::time::timeout(FORGET_EVERY, stop.cancelled())
            .await
            .is_ok()
        {
            return;
        }
    }
}

/// Forgets what is older than this, part by part, until `stop`; how many jobs that were.
async fn forget_now(
    database: &Database,
    history: Duration,
    stop: &CancellationToken,
) -> Result<usize, StoreError> {
    let now = store::clock::believed(database).await?;
    let before = time::earlier(&now, history);
    let mut jobs = 0;
    while !stop.is_cancelled() {
        let before = before.clone();
        let part = database
            .write(move |tx| store::forget::part(tx, &before))
            .await?;
        jobs += part.jobs;
        if !part.is_more {
            break;
        }
    }
    Ok(jobs)
}
