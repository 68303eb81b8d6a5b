//! Which job is next.

use std::time::Duration;

use packd_wire::{ErrorKind, EventKind, Problem};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::moves::{append, fail, step};
use super::{Claimed, Queue, Running, decode, state};
use crate::store::{StoreError, job, time};

impl Queue {
    /// The next job whose turn it is; waits for one.
    ///
    /// Dropped halfway, the future may leave a job claimed that nobody works on before the next start:
    /// poll it to its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn claim(&self) -> Result<Claimed, StoreError> {
        loop {
            // from before the look: what becomes due after it is not to be missed
            let now = time::now();
            if let Some(claimed) = self.try_claim().await? {
                return Ok(claimed);
            }
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

    pub(super) async fn try_claim(&self) -> Result<Option<Claimed>, StoreError> {
        let hub = self.inner.hub.clone();
        let claimed = self
            .inner
            .database
            .write(move |tx| {
                let Some(mut row) = job::next_due(tx)? else {
                    return Ok(None);
                };
                let request = decode(&row.request);
                let view = &mut row.view;
                step(view, state::Move::Claim)?;
                view.attempt += 1;
                view.retry_at = None;
                view.started_at.get_or_insert_with(time::now);
                let pinned = view.plan.take();
                view.steps.clear();
                view.warnings.clear();
                // what an attempt changed before it was cut short stays changed
                view.verify = None;
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
                Ok(Some((row.view, request, pinned)))
            })
            .await?;
        let (view, request, pinned) = match claimed {
            None => return Ok(None),
            Some((view, Some(request), pinned)) => (view, request, pinned),
            Some((_, None, _)) => {
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
        Ok(Some(Claimed::new(
            self.clone(),
            view,
            request,
            pinned,
            stop,
        )))
    }
}
