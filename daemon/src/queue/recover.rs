//! What the queue does at the start of the daemon.

use std::time::Duration;

use packd_wire::EventKind;
use serde_json::json;

use super::moves::{append, end, end_steps, requeue};
use super::{Queue, state, upload_of};
use crate::store::job::{self, JobRow};
use crate::store::{StoreError, time};

/// After so many deaths of the daemon during one job the job is run again later and later: it may
/// be what kills the daemon, but it is never lost.
pub(super) const CRASHES: u32 = 10;

/// How much later with each further death, and at most.
const CRASH_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_CRASH_PAUSE: Duration = Duration::from_mins(1);

impl Queue {
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
                    if job::is_cancelled(tx, view.id)? {
                        end_steps(&mut view.steps, None);
                        end(tx, &mut view, state::Move::Cancel)?;
                        append(tx, &hub, EventKind::JobCancelled, view.id, json!({}))?;
                        continue;
                    }
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

    /// Names of the files in `uploads/` that unfinished jobs need.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn needed_uploads(&self) -> Result<Vec<String>, StoreError> {
        let requests = self.inner.database.read(job::unfinished_requests).await?;
        Ok(requests.iter().filter_map(|text| upload_of(text)).collect())
    }
}
