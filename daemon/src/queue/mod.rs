//! The queue of jobs: enqueue, claim, follow, finish, cancel, recover.
//!
//! A job is a row; what changes during its life is written in transactions that
//! append its events too. Where it can go is [`state`]'s table. Nothing here
//! knows what a job does: [`Claimed`] is what a worker gets, and reports to.

mod cancel;
mod claim;
mod claimed;
mod enqueue;
mod error;
mod moves;
mod recover;
mod request;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use packd_wire::{JobStatus, JobView, ProgressView, QueueView};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::event::Hub;
use crate::store::Database;
use crate::store::job::{self, JobRow};

pub(crate) use claimed::{Claimed, Outcome};
pub(crate) use enqueue::{NewJob, Queued};
pub(crate) use error::QueueError;
pub(crate) use moves::succeed;
pub(crate) use request::{
    Flags, JobRequest, Origin, RemoveRequest, RollbackJob, TestJob, UpdateJob, UpdateTarget,
    UploadRequest,
};

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

    /// Wakes whoever waits for the end of jobs.
    #[must_use]
    pub(crate) fn ends(&self) -> watch::Receiver<u64> {
        self.inner.ended.subscribe()
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
        view.request = public_request(&row.request);
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

/// The rollback that this request of a job is, if it is one.
#[must_use]
pub(crate) fn rollback_of(request: &str) -> Option<RollbackJob> {
    match decode(request)? {
        JobRequest::Rollback(rollback) => Some(rollback),
        _ => None,
    }
}

/// A stored request as the API shows it, without credentials.
#[must_use]
pub(crate) fn public_request(request: &str) -> serde_json::Value {
    decode(request).map_or(serde_json::Value::Null, |request| request.public())
}

/// The file in `uploads/` that a job with this request needs until it has ended.
#[must_use]
pub(crate) fn upload_of(request: &str) -> Option<String> {
    decode(request)?.upload().map(ToOwned::to_owned)
}

fn decode(text: &str) -> Option<JobRequest> {
    serde_json::from_str(text).ok()
}
