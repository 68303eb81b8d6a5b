//! What systemd is told: READY, STATUS, WATCHDOG, RELOADING, STOPPING.

use std::io;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::config::{Environment, Shared};
use crate::queue::Queue;

/// The longest time between two looks at the queue for STATUS when there is no watchdog.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// How long systemd may take to take a message. It has room for hundreds; when that is full, sending blocks.
const WITHIN: Duration = Duration::from_secs(1);

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

/// Feeds the watchdog as long as the database answers, which the queue and the API live on, and
/// keeps STATUS true.
pub(super) async fn run(queue: Queue, config: Shared, stop: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let every = watchdog.map_or(STATUS_EVERY, |limit| limit / 3);
    if watchdog.is_none() && Environment::of_process().get("NOTIFY_SOCKET").is_none() {
        return;
    }
    loop {
        match tokio::time::timeout(every, queue.counts()).await {
            Ok(Ok(counts)) => {
                let mut status =
                    format!("{} jobs running, {} queued", counts.running, counts.queued);
                if let Some(refused) = refused(&config) {
                    status = format!("{status}; {refused}");
                }
                tell(move || {
                    sd_notify::notify(&[NotifyState::Watchdog, NotifyState::Status(&status)])
                })
                .await;
            }
            Ok(Err(error)) => {
                tracing::error!(error = %crate::logging::chain(&error), "the database fails: no sign of life for systemd");
            }
            Err(_) => tracing::error!("the database does not answer: no sign of life for systemd"),
        }
        if tokio::time::timeout(every, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}
