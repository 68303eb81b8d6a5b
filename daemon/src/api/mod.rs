//! The API: HTTP in, on the Unix socket.
//!
//! A connection is accepted and guarded in `server`, a request is judged in `hygiene` and `access`,
//! finds its way in `routes`, the one table of what there is and who may have it, and ends in a small
//! handler in the file of its resource. Handlers ask the queue, the store and the registries; nothing
//! is decided here that they decide. What goes wrong leaves as `problem`.

mod access;
mod apply;
mod asking;
mod audit;
mod bare;
mod body;
mod cache;
mod caller;
mod closing;
mod directory;
mod door;
mod event;
mod flood;
mod framing;
mod gc;
mod generation;
mod guarded;
mod hygiene;
mod job;
mod limit;
mod metrics;
mod misshapen;
mod openapi;
mod pack;
mod peer;
mod problem;
mod registry;
mod reload;
mod reply;
mod routes;
mod search;
mod server;
mod status;
mod update;
mod upload;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use packd_wire::{Problem, ReloadView};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, Environment, Layout};
use crate::event::Hub;
use crate::net::Rate;
use crate::queue::Queue;
use crate::registry::Registries;
use crate::store::{Database, time};
use crate::update::Updates;

use access::{Access, Started};
use limit::{Bounds, Slots};

pub(crate) use directory::Directory;
pub(crate) use door::{Door, Opened};
pub(crate) use server::serve;

/// Reads the configuration again.
pub(crate) type Reload =
    Arc<dyn Fn() -> BoxFuture<'static, Result<ReloadView, Box<Problem>>> + Send + Sync>;

/// What the API is given to serve.
pub(crate) struct Parts {
    /// Where everything lies.
    pub(crate) layout: Arc<Layout>,
    /// The configuration in force.
    pub(crate) config: config::Shared,
    /// Packs, events and the audit.
    pub(crate) database: Database,
    /// Where events are told.
    pub(crate) hub: Hub,
    /// The jobs.
    pub(crate) queue: Queue,
    /// The registries.
    pub(crate) registries: Registries,
    /// What is updated by itself.
    pub(crate) updates: Updates,
    /// What counts the bytes that come from other hosts.
    pub(crate) rate: Arc<Rate>,
    /// What `POST /v1/reload` does.
    pub(crate) reload: Reload,
}

/// What handlers work with; clones share it.
#[derive(Clone)]
pub(crate) struct State(Arc<Shared>);

/// The parts, and what the API itself keeps.
pub(crate) struct Shared {
    parts: Parts,
    times: Times,
    access: Access,
    audit: audit::Audit,
    packs: cache::PackCache,
    connections: Slots,
    leaving: Slots,
    streams: Slots,
    uploads: Slots,
    /// Connections that there was no room for.
    turned_away: flood::Flood,
    tasks: TaskTracker,
    /// How many connections there were.
    accepted: AtomicU64,
    /// Ends streams and waits: the daemon stops.
    stopping: CancellationToken,
    /// Ends everything: the time for stopping is over.
    stopped: CancellationToken,
    began: Instant,
    began_at: String,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// From the first byte of a head to its last; of the first one, from the connection on. Also how
    /// long a connection waits for a slot.
    head: Duration,
    /// Between two requests.
    idle: Duration,
    /// A whole body of JSON; of an upload, the time between two pieces.
    body: Duration,
    /// A write that the client does not take.
    write: Duration,
    /// From the last word on a connection until it is closed, for a client that still talks.
    linger: Duration,
    /// Between two signs of life on a silent event stream.
    keep_alive: Duration,
    /// From the word to stop until what still runs is cut off.
    stop: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            body: Duration::from_secs(30),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
            stop: Duration::from_secs(2),
        }
    }
}

/// Connections that only admins get when there would be none for them.
const ADMIN_RESERVE: usize = 4;

/// Connections that were turned away and may still hear so. Who finds no slot here is told as well, and
/// not waited for.
const LEAVING: Bounds = Bounds {
    total: 256,
    per_uid: 64,
    reserve: 16,
};

/// Event streams, which cost no connection of their user: they are held for long on purpose.
const STREAMS: Bounds = Bounds {
    total: 2048,
    per_uid: 1024,
    reserve: 64,
};

/// Uploads that are being received.
const UPLOADS: Bounds = Bounds {
    total: 16,
    per_uid: 4,
    reserve: 2,
};

impl State {
    /// What handlers work with, made of the parts.
    #[must_use]
    pub(crate) fn new(parts: Parts) -> Self {
        let started = Started::of(&Environment::of_process(), std::process::id());
        Self::with(parts, Times::default(), Directory::default(), started)
    }

    fn with(parts: Parts, times: Times, directory: Directory, started: Started) -> Self {
        let access = Access::new(parts.config.clone(), directory, started);
        let connections = Slots::new(bounds(&parts.config.current().access));
        Self(Arc::new(Shared {
            audit: audit::Audit::new(parts.database.clone()),
            parts,
            times,
            access,
            packs: cache::PackCache::default(),
            connections,
            leaving: Slots::new(LEAVING),
            streams: Slots::new(STREAMS),
            uploads: Slots::new(UPLOADS),
            turned_away: flood::Flood::default(),
            tasks: TaskTracker::new(),
            accepted: AtomicU64::new(0),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
            began: Instant::now(),
            began_at: time::now(),
        }))
    }
}

/// What the API did for whom, as far as it tells whether packd is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traffic {
    /// How many connections are open.
    pub(crate) open: usize,
    /// How many there were since the start.
    pub(crate) accepted: u64,
}

impl State {
    /// The connections until now.
    #[must_use]
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            open: self.tasks.len(),
            accepted: self.accepted.load(Ordering::Relaxed),
        }
    }
}

impl std::ops::Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("began_at", &self.began_at)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

/// The bounds of connections, as configured.
fn bounds(access: &config::Access) -> Bounds {
    Bounds {
        total: access.max_connections,
        per_uid: access.max_per_uid,
        reserve: ADMIN_RESERVE,
    }
}
