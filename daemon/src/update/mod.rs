//! Updates: what deserves a job without being asked for, and when.
//!
//! | file | what it is |
//! |---|---|
//! | [`window`] | when windows are open |
//! | [`turn`] | when the due updates of a registry begin here |
//! | [`policy`] | which versions a pack may be brought to, and what keeps it from them |
//! | [`look`] | a look at all active packs, by these |
//! | [`words`] | the same for people |
//! | [`drive`] | queues the jobs, and sleeps in between |
//! | [`settle`] | what is remembered of a job that has ended |
//!
//! The first three know neither clock nor disk: the tests run them over a year of a fleet. All due updates of one registry
//! are one job, of the kind `update`, so that they become active together; `resolve::update` leaves out of it what cannot
//! go. What must survive a restart, such as when a turn has come, is in the store.

mod drive;
mod look;
mod policy;
mod settle;
#[cfg(test)]
mod simulation;
mod turn;
mod window;
mod words;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use packd_wire::{UpdateList, UpdatesSummary};

use crate::config::Shared;
use crate::event::Hub;
use crate::host::Host;
use crate::queue::Queue;
use crate::registry::Registries;
use crate::store::{Database, StoreError};

use look::Look;

/// A handle to the updates; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Updates {
    config: Shared,
    database: Database,
    registries: Registries,
    queue: Queue,
    hub: Hub,
    host: Host,
    /// What the latest look came to.
    latest: Arc<Mutex<UpdatesSummary>>,
}

impl Updates {
    /// The updates of the packs of this host.
    #[must_use]
    pub(crate) fn new(
        config: Shared,
        database: Database,
        registries: Registries,
        queue: Queue,
        hub: Hub,
        host: Host,
    ) -> Self {
        Self {
            config,
            database,
            registries,
            queue,
            hub,
            host,
            latest: Arc::default(),
        }
    }

    /// What the policy makes of each active pack now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn list(&self) -> Result<UpdateList, StoreError> {
        let look = self.look(Timestamp::now(), false).await?;
        Ok(look.view())
    }

    /// How many packs stood where when that was looked at last, which is after each change.
    #[must_use]
    pub(crate) fn summary(&self) -> UpdatesSummary {
        self.latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, look: &Look) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = look.summary();
    }
}
