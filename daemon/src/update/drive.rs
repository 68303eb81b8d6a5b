//! Queues the jobs for what is due, and sleeps until something changes or a turn comes.
//!
//! Runs for as long as packd does. A crash between any two steps costs nothing: a job is queued under a key that its turn
//! makes, so that the same turn never makes two.

use std::time::Duration;

use jiff::Timestamp;
use packd_wire::{EventKind, Requester, UpdateDecision};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Updates;
use super::look::{Judged, Look};
use super::turn::Step;
use crate::event::NewEvent;
use crate::logging::chain;
use crate::queue::{JobRequest, NewJob, Origin, QueueError, UpdateJob, UpdateTarget};
use crate::store::update::TurnRow;
use crate::store::{self, time};

/// After a change, so that what comes together is looked at together.
const TOGETHER: Duration = Duration::from_millis(50);

/// The pause after the database failed, which it would do again at once.
const AFTER_ERROR: Duration = Duration::from_mins(1);

/// The most packs of one job.
const MOST: usize = 1_000;

impl Updates {
    /// Makes the updates that are due, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut config = self.config.subscribe();
        let mut packs = self.database.packs_changes();
        let mut ended = self.queue.ends();
        let mut began = true;
        loop {
            config.mark_unchanged();
            packs.mark_unchanged();
            ended.mark_unchanged();
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.turn(began) => looked,
            };
            let next = match looked {
                Ok(next) => {
                    began = false;
                    next.map(|at| time::until(&time::of(at)) + Duration::from_millis(5))
                }
                Err(error) => {
                    tracing::error!(error = %chain(&error), "cannot look for updates");
                    Some(AFTER_ERROR)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                // the senders live as long as `self`
                _ = config.changed() => {}
                _ = packs.changed() => {}
                _ = ended.changed() => {}
                () = sleep(next) => continue,
            }
            if tokio::time::timeout(TOGETHER, stop.cancelled())
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    /// Does what is due; returns when to look again if nothing changes.
    async fn turn(&self, began: bool) -> Result<Option<Timestamp>, QueueError> {
        self.settle().await?;
        let look = self.look(Timestamp::now(), began).await?;
        self.tell(&look).await?;
        let mut next = Next(look.now, None);
        for (registry, due) in &look.registries {
            if due.job.is_some() {
                continue;
            }
            let noted = look.noted.get(registry);
            let at = match due.step {
                Step::Go => noted.map_or_else(|| time::of(look.now), |noted| noted.at.clone()),
                Step::Wait(turn) => time::of(turn.at),
                Step::Never => continue,
            };
            let late = match due.step {
                Step::Wait(turn) => turn.late,
                _ => noted.is_some_and(|noted| noted.late),
            };
            let turn = TurnRow {
                at,
                late,
                job: None,
            };
            if noted != Some(&turn) {
                self.set_turn(registry, turn.clone()).await?;
            }
            if let Step::Wait(turn) = due.step {
                next.at(turn.at);
            } else if !look.is_watched {
                let job = self.enqueue(registry, &turn, &look).await?;
                let turn = TurnRow {
                    job: Some(job),
                    ..turn
                };
                self.set_turn(registry, turn).await?;
            }
        }
        self.forget(&look).await?;
        for pack in &look.packs {
            let attempt = pack.attempt.as_ref().map(|attempt| attempt.next.as_str());
            next.text(attempt.filter(|_| pack.decision == UpdateDecision::Failed));
            next.text(pack.hold.as_ref().and_then(|hold| hold.until.as_deref()));
        }
        next.text(
            look.freeze
                .as_ref()
                .and_then(|freeze| freeze.until.as_deref()),
        );
        self.note(&look);
        Ok(next.1)
    }

    async fn set_turn(&self, registry: &str, turn: TurnRow) -> Result<(), QueueError> {
        let name = registry.to_owned();
        let write = self
            .database
            .write(move |tx| store::update::set_turn(tx, &name, &turn));
        Ok(write.await?)
    }

    /// Says once of each version that it is there, where that is all that shall be done.
    async fn tell(&self, look: &Look) -> Result<(), QueueError> {
        let news: Vec<_> = look
            .packs
            .iter()
            .filter(|pack| pack.decision == UpdateDecision::Notify && !pack.is_told)
            .filter_map(|pack| {
                let version = pack.choice.permitted.first()?.to_string();
                let data = json!({
                    "from": pack.installed.to_string(),
                    "version": version,
                    "registry": pack.registry,
                });
                Some((pack.pack_ref.clone(), version, data))
            })
            .collect();
        if news.is_empty() {
            return Ok(());
        }
        let hub = self.hub.clone();
        let write = self.database.write(move |tx| {
            for (pack_ref, version, data) in news {
                if store::update::tell(tx, &pack_ref, &version)? {
                    let event = NewEvent {
                        kind: EventKind::UpdateAvailable,
                        job: None,
                        pack_ref: Some(pack_ref),
                        data,
                    };
                    hub.append(tx, event)?;
                }
            }
            Ok(())
        });
        Ok(write.await?)
    }

    /// Queues the job for what is due of one registry; returns its number.
    async fn enqueue(
        &self,
        registry: &str,
        turn: &TurnRow,
        look: &Look,
    ) -> Result<i64, QueueError> {
        let is_due = |pack: &&Judged| pack.decision == UpdateDecision::Due;
        let is_of_it = |pack: &&Judged| pack.registry.as_deref() == Some(registry);
        let due: Vec<&Judged> = look.packs.iter().filter(is_due).filter(is_of_it).collect();
        let is_apart = |pack: &&Judged| pack.attempt.as_ref().is_some_and(|attempt| attempt.apart);
        let mut going: Vec<&Judged> = due.iter().copied().filter(|pack| !is_apart(pack)).collect();
        if going.is_empty() {
            going.extend(due.first());
        }
        going.truncate(MOST);
        let others = look
            .packs
            .iter()
            .filter(is_due)
            .filter(|pack| !is_of_it(pack));
        let update = UpdateJob {
            origin: Origin::Automatic,
            registry: Some(registry.to_owned()),
            packs: going.into_iter().map(target).collect(),
            all: false,
            besides: others.take(MOST).map(target).collect(),
            pre: false,
            dry_run: false,
        };
        let key = format!("updates of {registry}, turn {}", turn.at);
        let new = NewJob {
            automatic: true,
            idempotency: Some((key, json!(update).to_string())),
            request: JobRequest::Update(update),
            requester: requester(),
        };
        match self.queue.enqueue(new).await {
            Ok(queued) => Ok(queued.into_job().id),
            // queued before a crash, when something else was due
            Err(QueueError::IdempotencyConflict { job, .. }) => Ok(job),
            Err(error) => Err(error),
        }
    }

    /// Forgets turns for which nothing is due any more, and what is remembered of packs that are gone.
    async fn forget(&self, look: &Look) -> Result<(), QueueError> {
        let idle: Vec<String> = look
            .noted
            .iter()
            .filter(|(name, turn)| turn.job.is_none() && !look.registries.contains_key(*name))
            .map(|(name, _)| name.clone())
            .collect();
        let active: Vec<String> = look
            .packs
            .iter()
            .map(|pack| pack.pack_ref.clone())
            .collect();
        let gone = self
            .database
            .read({
                let active = active.clone();
                move |connection| store::update::knows_others(connection, &active)
            })
            .await?;
        if idle.is_empty() && !gone {
            return Ok(());
        }
        let write = self.database.write(move |tx| {
            for name in &idle {
                store::update::forget_turn(tx, name)?;
            }
            store::update::forget_gone(tx, &active)
        });
        Ok(write.await?)
    }
}

/// The earliest of several moments to come.
struct Next(Timestamp, Option<Timestamp>);

impl Next {
    fn at(&mut self, at: Timestamp) {
        if at > self.0 {
            self.1 = Some(self.1.map_or(at, |known| known.min(at)));
        }
    }

    fn text(&mut self, at: Option<&str>) {
        if let Some(at) = at.and_then(|at| at.parse().ok()) {
            self.at(at);
        }
    }
}

fn target(pack: &Judged) -> UpdateTarget {
    UpdateTarget {
        pack_ref: pack.pack_ref.clone(),
        versions: pack
            .choice
            .permitted
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}

/// packd's own user.
fn requester() -> Requester {
    Requester {
        uid: rustix::process::geteuid().as_raw(),
        user: None,
        pid: i32::try_from(std::process::id()).ok(),
        agent: Some(concat!("packd/", env!("CARGO_PKG_VERSION")).to_owned()),
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
