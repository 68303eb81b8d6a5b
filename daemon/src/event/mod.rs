//! Events: appended in the transaction that causes them, told to subscribers after its commit.
//!
//! An event is encoded once, as the JSON of [`EventView`], and shared by all
//! subscribers. Progress is told without being stored. Subscribers that fall
//! behind are told so by the channel, and read what they missed from the store.

use std::sync::Arc;
use std::time::Duration;

use packd_wire::{EventKind, EventView};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::metric::StepTimes;
use crate::store::{self, SqlResult, Tx};

/// How many events a subscriber may be behind before it must read from the store.
const BACKLOG: usize = 4096;

/// Something that happened, before it has a place in the order.
#[derive(Debug, Clone)]
pub(crate) struct NewEvent {
    /// What.
    pub kind: EventKind,
    /// The job it belongs to.
    pub job: Option<i64>,
    /// The pack it is about.
    pub pack_ref: Option<String>,
    /// More, by kind.
    pub data: Value,
}

/// An event as subscribers get it.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its place in the order; none for progress.
    pub seq: Option<i64>,
    /// What happened.
    pub kind: EventKind,
    /// The job it belongs to.
    pub job: Option<i64>,
    /// The pack it is about.
    pub pack_ref: Option<String>,
    /// [`EventView`] as JSON, on one line.
    pub json: bytes::Bytes,
}

/// Where events are told; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    sender: broadcast::Sender<Arc<Frame>>,
    steps: StepTimes,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
            steps: StepTimes::default(),
        }
    }
}

impl Hub {
    /// Events from now on.
    #[must_use]
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Frame>> {
        self.sender.subscribe()
    }

    /// How long the steps took that events told of.
    #[must_use]
    pub(crate) fn steps(&self) -> &StepTimes {
        &self.steps
    }

    /// Appends an event, and tells it once the transaction is on disk.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn append(&self, tx: &Tx<'_>, event: NewEvent) -> SqlResult<()> {
        let mut view = view(event);
        view.seq = Some(store::event::append(tx, &view)?);
        let hub = self.clone();
        tx.after_commit(move || {
            hub.note(&view);
            hub.tell(&view);
        });
        Ok(())
    }

    /// Tells progress, which is not stored.
    pub(crate) fn progress(&self, event: NewEvent) {
        self.tell(&view(event));
    }

    fn note(&self, view: &EventView) {
        let step = view.data["step"].as_str();
        let took = view.data["duration_ms"].as_u64();
        if let (EventKind::StepCompleted, Some(step), Some(took)) = (view.kind, step, took) {
            self.steps.note(step, Duration::from_millis(took));
        }
    }

    fn tell(&self, view: &EventView) {
        let frame = Frame {
            seq: view.seq,
            kind: view.kind,
            job: view.job,
            pack_ref: view.pack_ref.clone(),
            json: encode(view),
        };
        // without subscribers there is nobody to tell
        drop(self.sender.send(Arc::new(frame)));
    }
}

/// An event as JSON, on one line.
#[must_use]
pub(crate) fn encode(view: &EventView) -> bytes::Bytes {
    serde_json::to_vec(view).map(Into::into).unwrap_or_default()
}

fn view(event: NewEvent) -> EventView {
    EventView {
        seq: None,
        at: store::time::now(),
        kind: event.kind,
        job: event.job,
        pack_ref: event.pack_ref,
        data: event.data,
    }
}
