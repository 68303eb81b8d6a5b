//! A running job, as the worker and the pipeline hold it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use packd_wire::{
    EventKind, GcView, JobView, PlanView, Problem, ProgressView, Requester, StepName, StepStatus,
    StepView, TreeView,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::event::{Hub, NewEvent};
use crate::store::job;
use crate::store::{SqlResult, StoreError, Tx, patience, time};

use super::moves::{append, end, end_steps, fail, requeue, step, subject, succeed, wait};
use super::{JobRequest, Queue, state};

/// A job that was claimed and has to be finished.
#[derive(Debug)]
pub(crate) struct Claimed {
    queue: Queue,
    view: Mutex<JobView>,
    request: JobRequest,
    pinned: Option<PlanView>,
    stop: CancellationToken,
}

/// How a job's attempt ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// Nothing had to change, or the plan was all that was asked for.
    Unchanged,
    /// No other pack is active than before, and the host is different all the same.
    Changed,
    /// The generation is active, and the job's success is already written with it.
    Activated,
    /// It failed for good.
    Failed(Problem),
    /// It failed, and runs again after this long.
    Retry(Problem, Duration),
    /// Another job changed what its plan was made on: it runs again, at once.
    Again,
    /// An earlier job that touches the same packs, or may do so, goes first.
    After(i64),
    /// It was stopped: by a cancel, or because the daemon stops.
    Stopped,
}

impl Claimed {
    pub(super) fn new(
        queue: Queue,
        view: JobView,
        request: JobRequest,
        pinned: Option<PlanView>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            queue,
            view: Mutex::new(view),
            request,
            pinned,
            stop,
        }
    }

    /// Its number.
    #[must_use]
    pub(crate) fn id(&self) -> i64 {
        self.view().id
    }

    /// What it was asked to do.
    #[must_use]
    pub(crate) fn request(&self) -> &JobRequest {
        &self.request
    }

    /// The plan of the attempt before: what it settled on is not looked up again.
    #[must_use]
    pub(crate) fn pinned(&self) -> Option<&PlanView> {
        self.pinned.as_ref()
    }

    /// Who asked.
    #[must_use]
    pub(crate) fn requester(&self) -> Requester {
        self.view().requested_by.clone()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub(crate) fn attempt(&self) -> u32 {
        self.view().attempt
    }

    /// Its row as it is now.
    #[must_use]
    pub(crate) fn snapshot(&self) -> JobView {
        self.view().clone()
    }

    /// Ends when the job shall stop.
    #[must_use]
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Where events are told.
    #[must_use]
    pub(crate) fn hub(&self) -> &Hub {
        &self.queue.inner.hub
    }

    /// Says that a step began.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn begin(
        &self,
        name: StepName,
        message: Option<String>,
    ) -> Result<(), StoreError> {
        {
            let mut view = self.view();
            view.steps.retain(|step| step.name != name);
            view.steps.push(StepView {
                name,
                status: StepStatus::Running,
                started_at: time::now(),
                finished_at: None,
                message: message.clone(),
            });
        }
        self.save(
            EventKind::StepStarted,
            None,
            json!({"step": name, "message": message}),
        )
        .await
    }

    /// Says that a step is done, and what it found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn complete(
        &self,
        name: StepName,
        message: impl Into<String>,
    ) -> Result<(), StoreError> {
        let message = message.into();
        let mut duration = Duration::ZERO;
        if let Some(step) = self.view().steps.iter_mut().find(|step| step.name == name) {
            duration = time::since(&step.started_at);
            step.status = StepStatus::Completed;
            step.finished_at = Some(time::now());
            step.message = Some(message.clone());
        }
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let data = json!({"step": name, "message": message, "duration_ms": millis});
        self.set_progress(None);
        self.save(EventKind::StepCompleted, None, data).await
    }

    /// Says what the job will change.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn plan(&self, plan: PlanView) -> Result<(), StoreError> {
        self.view().plan = Some(plan);
        self.store().await
    }

    /// Says what was found of each tree; `changed` is whether one of them is another than before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn verified(
        &self,
        trees: Vec<TreeView>,
        changed: bool,
    ) -> Result<(), StoreError> {
        {
            let mut view = self.view();
            view.verify = Some(trees);
            view.changed |= changed;
        }
        self.store().await
    }

    /// Says what a job of the kind `gc` removed, or would have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn collected(&self, told: GcView) -> Result<(), StoreError> {
        {
            let mut view = self.view();
            view.changed |= !told.dry_run && told.count > 0;
            view.gc = Some(told);
        }
        self.store().await
    }

    /// Notes something odd that is not in the way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn warn(
        &self,
        pack_ref: Option<&str>,
        message: String,
    ) -> Result<(), StoreError> {
        if self.view().warnings.contains(&message) {
            return Ok(());
        }
        tracing::warn!(job = self.id(), pack = pack_ref, "{message}");
        self.view().warnings.push(message.clone());
        self.save(
            EventKind::Warning,
            pack_ref.map(ToOwned::to_owned),
            json!({"message": message}),
        )
        .await
    }

    /// Says something worth knowing, such as what was verified.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn tell(
        &self,
        kind: EventKind,
        pack_ref: Option<&str>,
        data: Value,
    ) -> Result<(), StoreError> {
        self.save(kind, pack_ref.map(ToOwned::to_owned), data).await
    }

    /// Notes that the job touches these packs; returns the earlier job that must go first. One that waits
    /// for its next attempt need not, and changes these packs later: that is worth a warning.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn touch(&self, refs: Vec<String>) -> Result<Option<i64>, StoreError> {
        let id = self.id();
        let touched = self
            .queue
            .inner
            .database
            .write(move |tx| {
                job::add_refs(tx, id, &refs)?;
                let earlier = job::earlier_on_same_packs(tx, id)?;
                Ok((earlier, job::put_off_on_same_packs(tx, id)?))
            })
            .await;
        if self.request.refs().is_empty() {
            // a job that waited to know this may be due now
            self.queue.inner.wake.notify_one();
        }
        let (earlier, put_off) = touched?;
        if earlier.is_none() {
            for (job, summary, at) in put_off {
                let message = format!(
                    "job {job} (`{summary}`) touches the same packs and is tried again at {at}; \
                     `packctl job cancel {job}` if it is not wanted any more"
                );
                self.warn(None, message).await?;
            }
        }
        Ok(earlier)
    }

    /// Notes that the job lacks these packs, or has them in its way; returns the earlier job that may change
    /// that and must go first. That is one that touches them, or one of the same user of which is not known yet what it
    /// touches. Only ever an earlier one: of jobs that wait for each other, one would have to be earlier
    /// than itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn lacks(&self, refs: Vec<String>) -> Result<Option<i64>, StoreError> {
        let id = self.id();
        self.queue
            .inner
            .database
            .write(move |tx| {
                job::add_refs(tx, id, &refs)?;
                let on_same = job::earlier_on_same_packs(tx, id)?;
                Ok(on_same.or(job::wait_for_unknown_packs(tx, id)?))
            })
            .await
    }

    /// Says how far the current step is; not stored.
    pub(crate) fn set_progress(&self, progress: Option<ProgressView>) {
        if let Some(running) = self.queue.running().get_mut(&self.id()) {
            running.progress = progress;
        }
    }

    /// Tells progress to subscribers; not stored.
    pub(crate) fn progress(&self, kind: EventKind, pack_ref: Option<&str>, data: Value) {
        let pack_ref = pack_ref.map(ToOwned::to_owned);
        self.hub().progress(NewEvent {
            kind,
            job: Some(self.id()),
            pack_ref,
            data,
        });
    }

    /// Ends the time in which the job can be cancelled; `false` when it has been.
    #[must_use]
    pub(crate) fn begin_activation(&self) -> bool {
        match self.queue.running().get_mut(&self.id()) {
            Some(running) if !running.stop.is_cancelled() => {
                running.activating = true;
                true
            }
            _ => false,
        }
    }

    /// Whether a person, and not the daemon's stop, ended it.
    #[must_use]
    pub(crate) fn was_cancelled(&self) -> bool {
        self.queue
            .running()
            .get(&self.id())
            .is_some_and(|running| running.cancelled)
    }

    /// Writes how the attempt ended; a database that fails for the moment is asked again and again.
    ///
    /// # Errors
    /// [`StoreError`]: the job stays as it is and is recovered at the next start.
    pub(crate) async fn finish(self, mut outcome: Outcome) -> Result<(), StoreError> {
        let mut view = self.snapshot();
        let id = view.id;
        end_steps(&mut view.steps, outcome.problem());
        let write = || self.write(view.clone(), outcome.clone());
        let stop = &self.queue.inner.stopping;
        let written = patience::insist("write how the job ended", stop, write).await;
        self.queue.running().remove(&id);
        self.queue.job_ended();
        written
    }

    async fn write(&self, mut view: JobView, outcome: Outcome) -> Result<(), StoreError> {
        if matches!(outcome, Outcome::Activated) {
            return Ok(());
        }
        let cancelled = self.was_cancelled();
        let hub = self.hub().clone();
        self.queue
            .inner
            .database
            .write(move |tx| write_outcome(tx, &hub, &mut view, outcome, cancelled))
            .await
    }

    /// Writes the row as it is now.
    async fn store(&self) -> Result<(), StoreError> {
        let view = self.snapshot();
        let database = &self.queue.inner.database;
        database.write(move |tx| job::update(tx, &view)).await
    }

    /// The same, and an event with it.
    async fn save(
        &self,
        kind: EventKind,
        pack_ref: Option<String>,
        data: Value,
    ) -> Result<(), StoreError> {
        let view = self.snapshot();
        let pack_ref = pack_ref.or_else(|| subject(Some(self.request()), &view));
        let hub = self.hub().clone();
        self.queue
            .inner
            .database
            .write(move |tx| {
                job::update(tx, &view)?;
                hub.append(
                    tx,
                    NewEvent {
                        kind,
                        job: Some(view.id),
                        pack_ref,
                        data,
                    },
                )
            })
            .await
    }

    fn view(&self) -> std::sync::MutexGuard<'_, JobView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    /// Why it failed, if it did.
    fn problem(&mut self) -> Option<&mut Problem> {
        match self {
            Self::Failed(problem) | Self::Retry(problem, _) => Some(problem),
            Self::Unchanged
            | Self::Changed
            | Self::Activated
            | Self::Again
            | Self::After(_)
            | Self::Stopped => None,
        }
    }
}

fn write_outcome(
    tx: &Tx<'_>,
    hub: &Hub,
    view: &mut JobView,
    outcome: Outcome,
    cancelled: bool,
) -> SqlResult<()> {
    match outcome {
        Outcome::Activated => Ok(()),
        Outcome::Unchanged => succeed(tx, hub, view, None),
        Outcome::Changed => {
            view.changed = true;
            succeed(tx, hub, view, None)
        }
        Outcome::Failed(problem) => fail(tx, hub, view, problem),
        Outcome::Retry(mut problem, delay) => {
            let message = format!("attempt {} failed: {}", view.attempt, problem.detail);
            problem.job = Some(view.id);
            view.error = Some(problem);
            view.retry_at = Some(time::after(delay));
            step(view, state::Move::Requeue)?;
            job::update(tx, view)?;
            let data = json!({
                "message": message,
                "error": view.error,
                "retry_at": view.retry_at,
                "attempt": view.attempt,
            });
            append(tx, hub, EventKind::Warning, view.id, data)
        }
        Outcome::Again => {
            // that is not the job's fault either
            view.attempt = view.attempt.saturating_sub(1);
            let why = "another job changed what the plan was made on; the job plans again";
            requeue(tx, hub, view, why)
        }
        Outcome::After(earlier) => {
            view.attempt = view.attempt.saturating_sub(1);
            step(view, state::Move::Requeue)?;
            job::update(tx, view)?;
            wait(tx, hub, view.id, earlier)
        }
        Outcome::Stopped if cancelled => {
            end(tx, view, state::Move::Cancel)?;
            append(tx, hub, EventKind::JobCancelled, view.id, json!({}))
        }
        Outcome::Stopped => {
            // the daemon stops: that is not the job's fault
            view.attempt = view.attempt.saturating_sub(1);
            requeue(
                tx,
                hub,
                view,
                "packd stops; the job runs again at its next start",
            )
        }
    }
}
