//! What systemd is told: READY, STATUS, WATCHDOG, RELOADING, STOPPING.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::config::Environment;
use crate::queue::Queue;

/// The longest time between two looks at the queue for STATUS when there is no watchdog.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// Tells systemd; without one there is nobody to tell.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// READY, with what there is to say.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// RELOADING, with the time that systemd orders it by.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// STOPPING.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog as long as the database answers, which the queue and the API live on, and
/// keeps STATUS true.
pub(super) async fn run(queue: Queue, stop: CancellationToken) {
    let watchdog = sd_notify::watchdog_enabled();
    let every = watchdog.map_or(STATUS_EVERY, |limit| limit / 3);
    if watchdog.is_none() && Environment::of_process().get("NOTIFY_SOCKET").is_none() {
        return;
    }
    loop {
        match tokio::time::timeout(every, queue.counts()).await {
            Ok(Ok(counts)) => {
                let status = format!("{} jobs running, {} queued", counts.running, counts.queued);
                tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
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
