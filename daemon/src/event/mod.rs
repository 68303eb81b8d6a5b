//! Events: appended in the transaction that causes them, told to subscribers after its commit.
//!
//! An event is encoded once, as the JSON of [`EventView`], and shared by all
//! subscribers. Progress is told without being stored. Subscribers that fall
//! behind are told so by the channel, and read what they missed from the store.

use std::sync::Arc;
use std::time::Duration;

use packd_wire::{EventKind, EventView};
use serde_json::Value;
use tokio::sync::{Notify, broadcast};

use crate::config::Shared;
use crate::metric::{Outcomes, StepTimes};
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
    outcomes: Outcomes,
    hooks: Option<Arc<Hooks>>,
}

/// Which events hooks are run for, and who is told that one is due.
#[derive(Debug)]
struct Hooks {
    config: Shared,
    due: Notify,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
            steps: StepTimes::default(),
            outcomes: Outcomes::default(),
            hooks: None,
        }
    }
}

impl Hub {
    /// One that notes with each event which hooks of the configuration are to run for it.
    #[must_use]
    pub(crate) fn with_hooks(config: Shared) -> Self {
        let due = Notify::new();
        Self {
            hooks: Some(Arc::new(Hooks { config, due })),
            ..Self::default()
        }
    }

    /// Waits until a hook is due that was not before; for one who waits.
    pub(crate) async fn hook_due(&self) {
        match &self.hooks {
            Some(hooks) => hooks.due.notified().await,
            None => std::future::pending().await,
        }
    }

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
        let seq = store::event::append(tx, &view)?;
        view.seq = Some(seq);
        if let Some(hooks) = &self.hooks {
            hooks.note(tx, seq, view.kind)?;
        }
        let hub = self.clone();
        tx.after_commit(move || {
            hub.note(&view);
            hub.tell(&view);
        });
        Ok(())
    }

    /// How often hooks and the health of the host ended how.
    #[must_use]
    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
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
        let hook = view.data["hook"].as_str().unwrap_or_default();
        match view.kind {
            EventKind::HookSucceeded => self.outcomes.hook(hook, "succeeded"),
            EventKind::HookFailed => self.outcomes.hook(hook, "failed"),
            EventKind::HealthFailed => self.outcomes.health(),
            _ => {}
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

impl Hooks {
    /// Notes which hooks are to run for an event, in the transaction that makes it true.
    fn note(self: &Arc<Self>, tx: &Tx<'_>, seq: i64, kind: EventKind) -> SqlResult<()> {
        let config = self.config.current();
        let mut is_any = false;
        for hook in config.hooks.iter().filter(|hook| hook.on.has(kind)) {
            if store::hook::add(tx, seq, hook.name())? {
                is_any = true;
            } else {
                tracing::error!(
                    hook = hook.name(),
                    event = seq,
                    "too many runs of the hook wait; this one is left out"
                );
            }
        }
        if is_any {
            let hooks = Arc::clone(self);
            tx.after_commit(move || hooks.due.notify_one());
        }
        Ok(())
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
