//! Ending jobs before they are done: one on request, all of them because the daemon stops.

use packd_wire::{EventKind, JobStatus, JobView};
use serde_json::json;

use super::moves::{append, end};
use super::{Queue, QueueError, decode, state};
use crate::store::job;

impl Queue {
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
                let noted = self
                    .inner
                    .database
                    .write(move |tx| job::note_cancelled(tx, id));
                noted.await?;
                Ok((self.view(row), None))
            }
        }
    }

    /// Asks every running job to stop, because the daemon does.
    pub(crate) fn stop_all(&self) {
        self.inner.stopping.cancel();
        for running in self.running().values() {
            running.stop.cancel();
        }
    }
}
