//! Ends a packd that nobody needs, when the service manager starts it again for who connects.

use std::time::Duration;

use super::sockets::Sockets;
use crate::api;
use crate::config::Shared;
use crate::queue::Queue;
use crate::store::{Database, hook, watch};

/// Waits until there was neither a job that has not ended, or a hook or a watch that follows it, nor a connection for `service.idle_exit`; for
/// ever, while that is not set. One look in that time is enough: what came and went between two looks
/// is seen by its number. Until it ends may so take twice as long. While packd holds sockets that nobody listens at
/// without it, it is needed.
pub(super) async fn wait(
    config: Shared,
    queue: Queue,
    database: &Database,
    api: api::State,
    sockets: &Sockets,
) {
    let mut changes = config.subscribe();
    let mut before = api.traffic();
    loop {
        let after = changes.borrow_and_update().service.idle_exit;
        let Some(after) = after else {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            _ = changes.changed() => continue,
        }
        let now = api.traffic();
        let quiet = now == before && now.open == 0 && !sockets.has_own();
        before = now;
        if quiet
            && no_jobs(&queue, after).await
            && nothing_follows(database, after).await
            && api.traffic() == now
        {
            return;
        }
    }
}

/// Whether no hook is to run, and no generation is watched.
async fn nothing_follows(database: &Database, within: Duration) -> bool {
    let read = database
        .read(|connection| Ok(!hook::is_any(connection)? && watch::oldest(connection)?.is_none()));
    matches!(tokio::time::timeout(within, read).await, Ok(Ok(true)))
}

/// Whether every job has ended. One that waits for its next attempt has not.
async fn no_jobs(queue: &Queue, within: Duration) -> bool {
    match tokio::time::timeout(within, queue.counts()).await {
        Ok(Ok(counts)) => counts.queued == 0 && counts.running == 0,
        // the watchdog's business
        Ok(Err(_)) | Err(_) => false,
    }
}
