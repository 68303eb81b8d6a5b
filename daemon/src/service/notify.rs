//! What systemd is told: `READY`, `STATUS`, `EXTEND_TIMEOUT_USEC`, `WATCHDOG`, `RELOADING`, `STOPPING`.

use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::config::{Environment, Shared};
use crate::logging::chain;
use crate::pulse::Pulse;
use crate::queue::Queue;
use crate::store::Database;

/// The longest time between two looks at the queue for STATUS when there is no watchdog.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// How long systemd may take to take a message. It has room for hundreds; when that is full, sending blocks.
const WITHIN: Duration = Duration::from_secs(1);

/// How often a start that goes on asks for more time, for twice as long each time.
const ASK_EVERY: Duration = Duration::from_secs(20);

/// How long a start may ask for more time.
const LONGEST_START: Duration = Duration::from_hours(1);

/// Tells systemd, off the runtime's thread; without one there is nobody to tell.
async fn tell(message: impl FnOnce() -> io::Result<()> + Send + 'static) {
    let sent = tokio::task::spawn_blocking(message);
    match tokio::time::timeout(WITHIN, sent).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => tracing::debug!(%error, "systemd was not told"),
        Ok(Err(error)) => tracing::error!(%error, "systemd was not told"),
        Err(_) => tracing::warn!("systemd does not take messages"),
    }
}

/// READY, with what there is to say.
pub(super) async fn ready(status: String) {
    tell(move || sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)])).await;
}

/// READY after a reload. The protocol has no other end of one: that it was refused is said in STATUS.
pub(super) async fn reloaded(config: &Shared) {
    ready(refused(config).unwrap_or_else(|| "configuration reloaded".into())).await;
}

/// That the last reload was refused, and why; on one line, as the protocol has it.
fn refused(config: &Shared) -> Option<String> {
    let refused = config.refused()?;
    let text = format!(
        "configuration not reloaded, the one before is in force: {}",
        refused.reason
    );
    Some(text.replace(char::is_control, " "))
}

/// RELOADING, with the time that systemd orders it by.
pub(super) async fn reloading() {
    tell(|| match NotifyState::monotonic_usec_now() {
        Ok(now) => sd_notify::notify(&[NotifyState::Reloading, now]),
        Err(_) => sd_notify::notify(&[NotifyState::Reloading]),
    })
    .await;
}

/// STOPPING.
pub(super) async fn stopping() {
    tell(|| sd_notify::notify(&[NotifyState::Stopping])).await;
}

/// What has to move for packd to be alive.
#[derive(Debug)]
pub(super) struct Alive {
    /// Its loop, and the thread that reads the database.
    pub(super) queue: Queue,
    /// The thread that writes it.
    pub(super) database: Database,
    /// The loops: of the queue, and of each socket.
    pub(super) pulse: Pulse,
}

impl Alive {
    /// What STATUS says, when everything moved.
    ///
    /// # Errors
    /// What did not.
    async fn look(&self, within: Duration) -> Result<String, String> {
        let database = async {
            self.database.turn().await.map_err(|error| chain(&error))?;
            let counts = self.queue.counts().await.map_err(|error| chain(&error))?;
            Ok::<_, String>(format!(
                "{} jobs running, {} queued",
                counts.running, counts.queued
            ))
        };
        let database = async {
            tokio::time::timeout(within, database)
                .await
                .unwrap_or_else(|_| Err("the database does not answer".to_owned()))
        };
        let (status, pulse) = tokio::join!(database, self.pulse.feel(within));
        pulse.map_err(|hangs| hangs.to_string())?;
        status
    }
}

/// Feeds the watchdog as long as everything moves that packd lives on, and keeps STATUS true.
pub(super) async fn run(alive: Alive, config: Shared, stop: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let every = watchdog.map_or(STATUS_EVERY, |limit| limit / 3);
    if watchdog.is_none() && !has_manager() {
        return;
    }
    loop {
        match alive.look(every).await {
            Ok(mut status) => {
                if let Some(refused) = refused(&config) {
                    status = format!("{status}; {refused}");
                }
                tell(move || {
                    sd_notify::notify(&[NotifyState::Watchdog, NotifyState::Status(&status)])
                })
                .await;
            }
            Err(error) => tracing::error!("no sign of life for systemd: {error}"),
        }
        if tokio::time::timeout(every, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

fn has_manager() -> bool {
    Environment::of_process().get("NOTIFY_SOCKET").is_some()
}

/// Asks for more time until it is dropped, from a thread of its own: a start may have to change a large
/// database and to recover, and that takes as long as it takes, within [`LONGEST_START`].
#[derive(Debug)]
pub(super) struct Starting(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

impl Starting {
    /// Begins to ask, where there is somebody to ask.
    pub(super) fn begin() -> Self {
        if !has_manager() {
            return Self(None);
        }
        let (done, is_done) = mpsc::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("packd-starting".to_owned())
            .spawn(move || ask_for_time(&is_done));
        match thread {
            Ok(thread) => Self(Some((done, thread))),
            Err(error) => {
                tracing::warn!(%error, "cannot ask systemd for more time");
                Self(None)
            }
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.0.take() {
            drop(done);
            // a panic in it was logged, and is no reason not to start
            drop(thread.join());
        }
    }
}

fn ask_for_time(is_done: &mpsc::Receiver<()>) {
    let until = Instant::now() + LONGEST_START;
    let more = (2 * ASK_EVERY).as_micros().try_into().unwrap_or(u32::MAX);
    while Instant::now() < until {
        let asked = sd_notify::notify(&[
            NotifyState::ExtendTimeoutUsec(more),
            NotifyState::Status("recovering"),
        ]);
        if let Err(error) = asked {
            tracing::debug!(%error, "systemd was not asked for more time");
        }
        if is_done.recv_timeout(ASK_EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
    }
    tracing::error!("the start takes too long: no more time is asked for");
}
