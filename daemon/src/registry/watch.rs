//! Refreshes each registry when it is due, and sleeps in between.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{self, StoreError, time};

use super::Registries;

/// No server can put the next look off for longer than a day.
const FAR: Duration = Duration::from_hours(25);

/// The pause after the database failed, which it would do again at once.
const AFTER_ERROR: Duration = Duration::from_mins(1);

impl Registries {
    /// Refreshes registries when they are due, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut config = self.inner.config.subscribe();
        loop {
            config.mark_unchanged();
            let refreshed = tokio::select! {
                () = stop.cancelled() => return,
                refreshed = self.refresh_due() => refreshed,
            };
            let pause = match refreshed {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(error = %crate::logging::chain(&error), "cannot look at the registries");
                    Some(AFTER_ERROR)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // a reload may have brought another registry; the sender lives as long as `self`
                _ = config.changed() => {}
                () = self.inner.asked.notified() => {
                    // what fails is noted with the registry, and said in the log
                    let refreshed = tokio::select! {
                        () = stop.cancelled() => return,
                        refreshed = self.refresh(&[]) => refreshed,
                    };
                    if let Err(error) = refreshed {
                        tracing::error!(error = %crate::logging::chain(&error), "cannot refresh the registries");
                    }
                }
                () = sleep(pause) => {}
            }
        }
    }

    /// Refreshes what is due; returns the time until the next is.
    async fn refresh_due(&self) -> Result<Option<Duration>, StoreError> {
        let config = self.inner.config.current();
        let configured: Vec<_> = config
            .registries
            .iter()
            .map(|registry| (registry.name.clone(), registry.url.to_string()))
            .collect();
        self.inner
            .database
            .write(move |tx| store::index::keep_only(tx, &configured))
            .await?;

        let enabled = config.registries.iter().filter(|registry| registry.enabled);
        let mut due = Vec::new();
        for registry in enabled.clone() {
            let row = self.cached(registry).await?;
            // further away than it can have been set: the clock has been set back since
            let far = registry.refresh.saturating_mul(2).max(FAR);
            let is_due = |at: String| time::until(&at).is_zero() || time::until(&at) > far;
            if row.next_refresh.is_none_or(is_due) {
                due.push(self.refresh_one(registry));
            }
        }
        for refreshed in futures_util::future::join_all(due).await {
            // a failure is noted with the registry, and said in the log
            let (Ok(()) | Err(_)) = refreshed?;
        }
        let mut next: Option<Duration> = None;
        for registry in enabled {
            let at = self.cached(registry).await?.next_refresh;
            // a moment late rather than early: early finds nothing due
            let until = at.map_or(AFTER_ERROR, |at| {
                time::until(&at) + Duration::from_millis(5)
            });
            next = Some(next.map_or(until, |next| next.min(until)));
        }
        Ok(next)
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
