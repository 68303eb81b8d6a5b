//! Refreshes each registry when it is due, and sleeps in between.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::config::Registry;
use crate::store::{self, StoreError, time};

use super::Registries;
use super::alarm::Alarm;
use super::schedule::{Due, Pace};

/// The pause after the database failed, which it would do again at once.
const AFTER_ERROR: Duration = Duration::from_mins(1);

/// When a registry is looked at again that somebody else refreshes just now.
const SOON: SignedDuration = SignedDuration::from_secs(30);

/// A moment late rather than early: early finds nothing due.
const MOMENT: Duration = Duration::from_millis(5);

impl Registries {
    /// Refreshes registries when they are due, when they are asked for, and when their files change, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let work = async {
            tokio::join!(
                self.refresh_when_due(),
                self.refresh_when_asked(),
                self.refresh_when_changed()
            )
        };
        tokio::select! {
            () = stop.cancelled() => {}
            ((), (), ()) = work => {}
        }
    }

    /// Refreshes each registry when it is time; one that takes long keeps no other waiting.
    async fn refresh_when_due(&self) {
        let mut config = self.inner.config.subscribe();
        let alarm = Alarm::new();
        let mut running = FuturesUnordered::new();
        let mut busy = HashSet::new();
        config.mark_changed();
        loop {
            // a reload may have brought another registry; the sender lives as long as `self`
            if config.has_changed().unwrap_or_default() {
                config.mark_unchanged();
                complain(
                    "forget registries that are gone",
                    self.forget_others().await,
                )
                .await;
            }
            let mut pause: Option<Duration> = None;
            let current = self.inner.config.current();
            for registry in current.registries.iter().filter(|one| one.enabled) {
                if busy.contains(&registry.name) {
                    continue;
                }
                let wait = match self.when(registry).await {
                    Ok(Due::Now) => {
                        busy.insert(registry.name.clone());
                        let registry = registry.clone();
                        running.push(async move {
                            let refreshed = self.refresh_one(&registry).await;
                            (registry.name, refreshed.map(drop))
                        });
                        continue;
                    }
                    Ok(Due::At(at) | Due::CatchUp(at)) => until(at) + MOMENT,
                    Err(error) => {
                        complain("look at a registry", Err(error)).await;
                        AFTER_ERROR
                    }
                };
                pause = Some(pause.map_or(wait, |pause| pause.min(wait)));
            }
            tokio::select! {
                _ = config.changed() => config.mark_changed(),
                Some((name, refreshed)) = running.next() => {
                    busy.remove(&name);
                    // what is wrong with a registry is noted with it, and said in the log
                    complain("refresh a registry", refreshed).await;
                }
                // somebody asked in between, and it failed: then the next time is sooner
                () = self.inner.planned.notified() => {}
                () = alarm.wait(pause) => {}
            }
        }
    }

    /// Refreshes every registry each time that somebody asks for it.
    async fn refresh_when_asked(&self) {
        loop {
            self.inner.asked.notified().await;
            // what fails is noted with the registry, and said in the log
            if let Err(error) = self.refresh(&[]).await {
                tracing::error!(error = %crate::logging::chain(&error), "cannot refresh the registries");
            }
        }
    }

    /// When a registry is to be asked. One that should have been while nobody was there is put off for a moment of this
    /// host's own, which is noted with it.
    async fn when(&self, registry: &Registry) -> Result<Due, StoreError> {
        let lock = self.refresh_lock(&registry.name);
        let Ok(_held) = lock.try_lock() else {
            // somebody asks it just now, and notes when it is asked again
            let soon = Timestamp::now().saturating_add(SOON);
            return Ok(Due::At(soon.unwrap_or(Timestamp::MAX)));
        };
        let mut row = self.cached(registry).await?;
        let planned = row.next_refresh.as_deref().and_then(|at| at.parse().ok());
        let due = self.pace(registry).due(planned, Timestamp::now());
        if let Due::CatchUp(at) = due {
            tracing::debug!(registry = registry.name, %at, "was due while packd was not there");
            row.next_refresh = Some(at.to_string());
            let write = move |tx: &store::Tx<'_>| store::index::put(tx, &row);
            self.inner.database.write(write).await?;
        }
        Ok(due)
    }

    /// How this host asks a registry.
    pub(super) fn pace<'a>(&'a self, registry: &'a Registry) -> Pace<'a> {
        Pace {
            host: &self.inner.here.host,
            registry: &registry.name,
            refresh: registry.refresh,
        }
    }

    /// Forgets what is cached of registries that are not configured any more, or are with another URL.
    async fn forget_others(&self) -> Result<(), StoreError> {
        let config = self.inner.config.current();
        let configured: Vec<_> = config
            .registries
            .iter()
            .map(|registry| (registry.name.clone(), registry.url.to_string()))
            .collect();
        let write = move |tx: &store::Tx<'_>| store::index::keep_only(tx, &configured);
        self.inner.database.write(write).await
    }
}

/// Says what the database could not do, and gives it time.
async fn complain(what: &str, result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(error = %crate::logging::chain(&error), "cannot {what}");
        tokio::time::sleep(AFTER_ERROR).await;
    }
}

fn until(at: Timestamp) -> Duration {
    time::until(&at.to_string())
}
