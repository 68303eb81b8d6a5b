//! How the queue refuses.

use packd_wire::{ErrorKind, JobStatus};

use crate::store::StoreError;

/// Why the queue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueueError {
    /// The key was used for another request.
    #[error("idempotency key `{key}` belongs to job {job}, which was another request")]
    IdempotencyConflict {
        /// The key.
        key: String,
        /// The job that has it.
        job: i64,
    },

    /// One user has too many jobs that have not ended.
    #[error("{unfinished} jobs of this user have not ended, and {limit} is the limit")]
    Full {
        /// How many there are.
        unfinished: u64,
        /// How many there may be.
        limit: u64,
    },

    /// No such job.
    #[error("there is no job {id}")]
    NotFound {
        /// What was asked for.
        id: i64,
    },

    /// The job has ended, or its activation has begun.
    #[error("job {id} {}", match status { JobStatus::Running => "is being activated".to_owned(), status => format!("has already {}", ended(*status)) })]
    NotCancellable {
        /// The job.
        id: i64,
        /// Where it stands.
        status: JobStatus,
    },

    /// The store failed.
    #[error("cannot reach the queue")]
    Store(#[from] StoreError),
}

fn ended(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued | JobStatus::Running => "begun",
        JobStatus::Succeeded => "succeeded",
        JobStatus::Failed => "failed",
        JobStatus::Cancelled => "been cancelled",
    }
}

impl QueueError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::IdempotencyConflict { .. } => ErrorKind::IdempotencyConflict,
            Self::Full { .. } => ErrorKind::TooMany,
            Self::NotFound { .. } => ErrorKind::JobNotFound,
            Self::NotCancellable { .. } => ErrorKind::JobNotCancellable,
            Self::Store(error) => error.kind(),
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::IdempotencyConflict { .. } => Some("use a new key for a new request".into()),
            Self::Full { .. } => Some("wait until some have ended: `packctl job list`".into()),
            Self::NotFound { .. } => Some("`packctl job list` shows the jobs there are".into()),
            Self::NotCancellable { id, .. } => {
                Some(format!("`packctl job show {id}` says what it did"))
            }
            Self::Store(error) => error.hint(),
        }
    }
}
