//! The queue of jobs: enqueue, claim, follow, finish, cancel, recover.
//!
//! A job is a row; what changes during its life is written in transactions that
//! append its events too. Where it can go is [`state`]'s table. Nothing here
//! knows what a job does: [`Claimed`] is what a worker gets, and reports to.

mod claimed;
mod error;
mod request;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use packd_wire::{
    ErrorKind, EventKind, JobStatus, JobView, Problem, ProgressView, QueueView, Requester,
};
use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::event::{Hub, NewEvent};
use crate::store::job::{self, JobRow, NewRow};
use crate::store::{Database, SqlError, SqlResult, StoreError, Tx, time};

pub(crate) use claimed::{Claimed, Outcome};
pub(crate) use error::QueueError;
pub(crate) use request::{Flags, JobRequest, RemoveRequest, UploadRequest};

/// How many unfinished jobs one user may have.
const UNFINISHED_PER_USER: u64 = 2_000;

/// After so many deaths of the daemon during one job the job is run again later and later: it may
/// be what kills the daemon, but it is never lost.
const CRASHES: u32 = 10;

/// How much later with each further death, and at most.
const CRASH_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_CRASH_PAUSE: Duration = Duration::from_mins(1);

/// No retry is put off so long: a server may ask for a day at most.
const FAR: Duration = Duration::from_hours(25);

/// A job to enqueue.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    /// What it shall do.
    pub request: JobRequest,
    /// Who asked.
    pub requester: Requester,
    /// The client's key, and a digest of its request.
    pub idempotency: Option<(String, String)>,
}

/// A handle to the queue; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    hub: Hub,
    /// Wakes the worker: something may be claimable.
    wake: Notify,
    /// Counts ended jobs, for those who wait.
    ended: watch::Sender<u64>,
    running: Mutex<HashMap<i64, Running>>,
    /// The daemon stops.
    stopping: CancellationToken,
}

/// What is known of a running job beside its row.
#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    cancelled: bool,
    activating: bool,
    progress: Option<ProgressView>,
}

impl Queue {
    /// The queue in this database.
    #[must_use]
    pub(crate) fn new(database: Database, hub: Hub) -> Self {
        let (ended, _) = watch::channel(0);
        let running = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                database,
                hub,
                wake: Notify::new(),
                ended,
                running,
                stopping: CancellationToken::new(),
            }),
        }
    }

    /// Queues a job, or returns the one that was queued under the same key.
    ///
    /// # Errors
    /// [`QueueError::IdempotencyConflict`], [`QueueError::Full`], [`QueueError::Store`].
    pub(crate) async fn enqueue(&self, new: NewJob) -> Result<JobView, QueueError> {
        let row = NewRow {
            kind: new.request.kind(),
            summary: new.request.summary(),
            request: encode(&new.request),
            refs: new.request.refs(),
            requester: new.requester,
            idempotency: new.idempotency,
        };
        let hub = self.inner.hub.clone();
        let row = self
            .inner
            .database
            .write(move |tx| {
                if let Some((key, hash)) = &row.idempotency
                    && let Some(known) = job::by_idempotency_key(tx, row.requester.uid, key)?
                {
                    return Ok(if known.idempotency_hash.as_ref() == Some(hash) {
                        Ok(known)
                    } else {
                        let job = known.view.id;
                        Err(QueueError::IdempotencyConflict {
                            key: key.clone(),
                            job,
                        })
                    });
                }
                let unfinished = job::unfinished_of(tx, row.requester.uid)?;
                if unfinished >= UNFINISHED_PER_USER {
                    return Ok(Err(QueueError::Full {
                        unfinished,
                        limit: UNFINISHED_PER_USER,
                    }));
                }
                let id = job::insert(tx, &row)?;
                append(
                    tx,
                    &hub,
                    EventKind::JobQueued,
                    id,
                    json!({"summary": row.summary}),
                )?;
                job::get(tx, id)?
                    .ok_or(SqlError::QueryReturnedNoRows)
                    .map(Ok)
            })
            .await??;
        self.inner.wake.notify_one();
        Ok(self.view(row))
    }

    /// One job.
    ///
    /// # Errors
    /// [`QueueError::NotFound`], [`QueueError::Store`].
    pub(crate) async fn get(&self, id: i64) -> Result<JobView, QueueError> {
        let row = self
            .inner
            .database
            .read(move |connection| job::get(connection, id))
            .await?;
        row.map(|row| self.view(row))
            .ok_or(QueueError::NotFound { id })
    }

    /// At most `limit` jobs older than `before`, newest first.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub(crate) async fn list(
        &self,
        before: Option<i64>,
        status: Option<JobStatus>,
        limit: u32,
    ) -> Result<Vec<JobView>, QueueError> {
        let rows = self
            .inner
            .database
            .read(move |connection| job::list(connection, before, status, limit))
            .await?;
        Ok(rows.into_iter().map(|row| self.view(row)).collect())
    }

    /// How many jobs stand where.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub(crate) async fn counts(&self) -> Result<QueueView, QueueError> {
        Ok(self.inner.database.read(job::counts).await?)
    }

    /// The job once it has ended, or as it is when `patience` is over.
    ///
    /// # Errors
    /// [`QueueError::NotFound`], [`QueueError::Store`].
    pub(crate) async fn wait(&self, id: i64, patience: Duration) -> Result<JobView, QueueError> {
        let mut ended = self.inner.ended.subscribe();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            ended.mark_unchanged();
            let view = self.get(id).await?;
            if view.status.is_finished() {
                return Ok(view);
            }
            // the sender lives as long as `self`, so only the time can end this early
            if tokio::time::timeout_at(deadline, ended.changed())
                .await
                .is_err()
            {
                return Ok(view);
            }
        }
    }

    /// Cancels a job: at once when it is queued, soon when it runs. Also gives the file in
    /// `uploads/` that nobody needs any more; that of a running job is the worker's to remove.
    ///
    /// # Errors
    /// [`QueueError::NotCancellable`] once its activation has begun or it has ended;
    /// [`QueueError::NotFound`], [`QueueError::Store`].
    pub(crate) async fn cancel(&self, id: i64) -> Result<(JobView, Option<String>), QueueError> {
        let hub = self.inner.hub.clone();
        let row = self
            .inner
            .database
            .write(move |tx| {
                let Some(mut row) = job::get(tx, id)? else {
                    return Ok(None);
                };
                if row.view.status == JobStatus::Queued {
                    end(tx, &mut row.view, state::Move::Cancel)?;
                    append(tx, &hub, EventKind::JobCancelled, id, json!({}))?;
                    return Ok(Some((row, true)));
                }
                Ok(Some((row, false)))
            })
            .await?;
        match row {
            None => Err(QueueError::NotFound { id }),
            Some((row, true)) => {
                self.job_ended();
                let request = decode(&row.request);
                let upload = request.and_then(|request| request.upload().map(ToOwned::to_owned));
                Ok((self.view(row), upload))
            }
            Some((row, false)) => {
                let status = row.view.status;
                let refused = QueueError::NotCancellable { id, status };
                match self.running().get_mut(&id) {
                    Some(running) if !running.activating => {
                        running.cancelled = true;
                        running.stop.cancel();
                    }
                    Some(_) | None => return Err(refused),
                }
                Ok((self.view(row), None))
            }
        }
    }

    /// The next job whose turn it is; waits for one.
    ///
    /// Dropped halfway, the future may leave a job claimed that nobody works on before the next start:
    /// poll it to its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn claim(&self) -> Result<Claimed, StoreError> {
        loop {
            if let Some(claimed) = self.try_claim().await? {
                return Ok(claimed);
            }
            let now = time::now();
            let retry = self
                .inner
                .database
                .read(move |connection| job::next_retry(connection, &now))
                .await?;
            match retry {
                Some(at) => {
                    // to be woken early is as good as to be late: the next turn looks again
                    let _ = tokio::time::timeout(
                        time::until(&at) + Duration::from_millis(1),
                        self.inner.wake.notified(),
                    )
                    .await;
                }
                None => self.inner.wake.notified().await,
            }
        }
    }

    async fn try_claim(&self) -> Result<Option<Claimed>, StoreError> {
        let hub = self.inner.hub.clone();
        let claimed = self
            .inner
            .database
            .write(move |tx| {
                let (now, far) = (time::now(), time::after(FAR));
                let Some(mut row) = job::next_due(tx, &now, &far)? else {
                    return Ok(None);
                };
                let request = decode(&row.request);
                let view = &mut row.view;
                step(view, state::Move::Claim)?;
                view.attempt += 1;
                view.retry_at = None;
                view.started_at.get_or_insert(now);
                view.plan = None;
                view.steps.clear();
                view.warnings.clear();
                job::update(tx, view)?;
                let data = json!({"attempt": view.attempt, "summary": view.summary});
                append(tx, &hub, EventKind::JobStarted, view.id, data)?;
                if request.is_none() {
                    let text = format!(
                        "this packd cannot read what job {} was asked to do",
                        view.id
                    );
                    fail(tx, &hub, view, Problem::new(ErrorKind::Internal, text))?;
                }
                Ok(Some((row.view, request)))
            })
            .await?;
        let (view, request) = match claimed {
            None => return Ok(None),
            Some((view, Some(request))) => (view, request),
            Some((_, None)) => {
                self.job_ended();
                return Ok(None);
            }
        };
        let stop = CancellationToken::new();
        self.running().insert(
            view.id,
            Running {
                stop: stop.clone(),
                cancelled: false,
                activating: false,
                progress: None,
            },
        );
        // another worker may find another job
        self.inner.wake.notify_one();
        Ok(Some(Claimed::new(self.clone(), view, request, stop)))
    }

    /// Puts the jobs that were being worked on when the daemon died back into the queue, to
    /// run again; one during which it died often waits a little before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn recover(&self) -> Result<(), StoreError> {
        let hub = self.inner.hub.clone();
        self.inner
            .database
            .write(move |tx| {
                for JobRow { mut view, .. } in job::running(tx)? {
                    let crashes = job::count_crash(tx, view.id)?;
                    let pause = CRASH_PAUSE * crashes.saturating_sub(CRASHES);
                    if !pause.is_zero() {
                        view.retry_at = Some(time::after(pause.min(LONGEST_CRASH_PAUSE)));
                    }
                    tracing::warn!(
                        job = view.id,
                        crashes,
                        "job runs again: packd died while it ran"
                    );
                    // that is not the job's fault, or not known to be
                    view.attempt = view.attempt.saturating_sub(1);
                    requeue(tx, &hub, &mut view, "packd died; the job runs again")?;
                }
                Ok(())
            })
            .await
    }

    /// Asks every running job to stop, because the daemon does.
    pub(crate) fn stop_all(&self) {
        self.inner.stopping.cancel();
        for running in self.running().values() {
            running.stop.cancel();
        }
    }

    /// Names of the files in `uploads/` that unfinished jobs need.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn needed_uploads(&self) -> Result<Vec<String>, StoreError> {
        let requests = self.inner.database.read(job::unfinished_requests).await?;
        Ok(requests
            .iter()
            .filter_map(|text| decode(text))
            .filter_map(|request| request.upload().map(ToOwned::to_owned))
            .collect())
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Running>> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn job_ended(&self) {
        self.inner.ended.send_modify(|count| *count += 1);
        self.inner.wake.notify_one();
    }

    fn view(&self, row: JobRow) -> JobView {
        let mut view = row.view;
        view.request =
            decode(&row.request).map_or(serde_json::Value::Null, |request| request.public());
        if view.status == JobStatus::Running {
            view.progress = self
                .running()
                .get(&view.id)
                .and_then(|running| running.progress.clone());
        }
        view
    }
}

fn encode(request: &JobRequest) -> String {
    serde_json::to_string(request).unwrap_or_default()
}

fn decode(text: &str) -> Option<JobRequest> {
    serde_json::from_str(text).ok()
}

/// Appends an event of a job.
fn append(
    tx: &Tx<'_>,
    hub: &Hub,
    kind: EventKind,
    job: i64,
    data: serde_json::Value,
) -> SqlResult<()> {
    hub.append(
        tx,
        NewEvent {
            kind,
            job: Some(job),
            pack_ref: None,
            data,
        },
    )
}

/// Moves a job; a way that the table does not have is a defect, and stops the transaction.
fn step(view: &mut JobView, step: state::Move) -> SqlResult<()> {
    match state::next(view.status, step) {
        Some(status) => {
            view.status = status;
            Ok(())
        }
        None => Err(SqlError::ToSqlConversionFailure(
            format!(
                "job {} is {} and cannot {step:?}",
                view.id,
                view.status.as_str()
            )
            .into(),
        )),
    }
}

/// Moves a job to one of its ends.
fn end(tx: &Tx<'_>, view: &mut JobView, by: state::Move) -> SqlResult<()> {
    step(view, by)?;
    view.finished_at = Some(time::now());
    view.retry_at = None;
    job::update(tx, view)
}

/// Puts a job back into the queue, and says why.
fn requeue(tx: &Tx<'_>, hub: &Hub, view: &mut JobView, why: &str) -> SqlResult<()> {
    step(view, state::Move::Requeue)?;
    job::update(tx, view)?;
    append(tx, hub, EventKind::Info, view.id, json!({"message": why}))
}

/// Ends a job with an error.
fn fail(tx: &Tx<'_>, hub: &Hub, view: &mut JobView, mut problem: Problem) -> SqlResult<()> {
    problem.job = Some(view.id);
    view.error = Some(problem);
    end(tx, view, state::Move::Fail)?;
    let data = json!({"error": view.error, "retry_at": null});
    append(tx, hub, EventKind::JobFailed, view.id, data)
}

/// Ends a job well, in the transaction that made it true.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn succeed(
    tx: &Tx<'_>,
    hub: &Hub,
    view: &mut JobView,
    generation: Option<i64>,
) -> SqlResult<()> {
    view.changed = generation.is_some();
    view.generation = generation;
    view.error = None;
    end(tx, view, state::Move::Succeed)?;
    let data = json!({"summary": view.summary, "changed": view.changed, "generation": generation});
    append(tx, hub, EventKind::JobSucceeded, view.id, data)
}
