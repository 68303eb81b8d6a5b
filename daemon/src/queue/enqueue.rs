//! How a request becomes a job.

use packd_wire::{ErrorKind, EventKind, JobView, Requester};
use serde_json::json;

use super::moves::{append, wait};
use super::{JobRequest, Queue, QueueError, encode};
use crate::store::SqlError;
use crate::store::job::{self, JobRow, NewRow};

/// How many unfinished jobs one user may have.
pub(super) const UNFINISHED_PER_USER: u64 = 2_000;

/// A job to enqueue.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    /// What it shall do.
    pub request: JobRequest,
    /// Who asked.
    pub requester: Requester,
    /// The client's key, and a digest of its request.
    pub idempotency: Option<(String, String)>,
    /// Whether nobody asks: packd does by itself, as its configuration tells it to.
    pub automatic: bool,
}

/// The job of a request.
#[derive(Debug, Clone)]
pub(crate) enum Queued {
    /// Made for it. What the request brought, such as a file in `uploads/`, is the job's now.
    New(JobView),
    /// Made for the same request before: this one is the same again.
    Known(JobView),
}

impl Queued {
    /// The job, whoever made it.
    #[must_use]
    pub(crate) fn into_job(self) -> JobView {
        match self {
            Self::New(job) | Self::Known(job) => job,
        }
    }
}

impl Queue {
    /// Queues a job, or finds the one that was queued under the same key. One that frees space is queued on a full disk
    /// too, with what is kept in reserve for that.
    ///
    /// # Errors
    /// [`QueueError::IdempotencyConflict`], [`QueueError::Full`], [`QueueError::Store`].
    pub(crate) async fn enqueue(&self, new: NewJob) -> Result<Queued, QueueError> {
        let frees = matches!(&new.request, JobRequest::Gc(asked) if !asked.dry_run);
        let row = NewRow {
            kind: new.request.kind(),
            summary: new.request.summary(),
            request: encode(&new.request),
            refs: new.request.refs(),
            requester: new.requester,
            idempotency: new.idempotency,
            automatic: new.automatic,
        };
        let (row, queued) = match self.insert(row.clone()).await {
            Err(QueueError::Store(error))
                if frees
                    && error.kind() == ErrorKind::NoSpace
                    && self.inner.database.release_reserve().await? =>
            {
                tracing::warn!("the disk is full: what was kept in reserve is given back for a gc");
                self.insert(row).await?
            }
            inserted => inserted?,
        };
        self.inner.wake.notify_one();
        Ok(queued(self.view(row)))
    }

    /// The row of the job, made now or before, and which of the two it is.
    async fn insert(&self, row: NewRow) -> Result<(JobRow, fn(JobView) -> Queued), QueueError> {
        let hub = self.inner.hub.clone();
        self.inner
            .database
            .write(move |tx| {
                if let Some((key, hash)) = &row.idempotency
                    && let Some(known) = job::by_idempotency_key(tx, row.requester.uid, key)?
                {
                    return Ok(if known.idempotency_hash.as_ref() == Some(hash) {
                        Ok((known, Queued::Known as fn(_) -> _))
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
                let row = job::get(tx, id)?.ok_or(SqlError::QueryReturnedNoRows)?;
                if let Some(earlier) = row.view.waits_for {
                    wait(tx, &hub, id, earlier)?;
                }
                Ok(Ok((row, Queued::New as fn(_) -> _)))
            })
            .await?
    }
}
