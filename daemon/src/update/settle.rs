//! What is remembered of a job that has ended: what did not work, and when it is tried again.

use std::time::Duration;

use packd_wire::{JobStatus, JobView};

use super::Updates;
use crate::queue::{QueueError, UpdateJob};
use crate::store::update::{AttemptRow, TurnRow};
use crate::store::{self, SqlResult, Tx, time};

/// How long after the first failure it is tried again; four times as long after each further one.
const FIRST: Duration = Duration::from_hours(1);

/// The longest such pause.
const LONGEST: Duration = Duration::from_hours(24);

/// How long after a job that changed nothing.
const UNCHANGED: Duration = Duration::from_mins(1);

impl Updates {
    /// Takes note of the jobs that have ended.
    ///
    /// # Errors
    /// [`QueueError::Store`].
    pub(super) async fn settle(&self) -> Result<(), QueueError> {
        let turns = self.database.read(store::update::turns).await?;
        for (registry, turn) in turns {
            let Some(id) = turn.job else { continue };
            let job = match self.queue.get(id).await {
                Ok(job) if !job.status.is_finished() => continue,
                Ok(job) => Some(job),
                // the history has forgotten it
                Err(QueueError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            };
            self.database
                .write(move |tx| match job {
                    Some(job) => ended(tx, &registry, &job),
                    None => store::update::forget_turn(tx, &registry),
                })
                .await?;
        }
        Ok(())
    }
}

/// Writes what comes of the end of a job.
fn ended(tx: &Tx<'_>, registry: &str, job: &JobView) -> SqlResult<()> {
    store::update::forget_turn(tx, registry)?;
    let Ok(request) = serde_json::from_value::<UpdateJob>(job.request.clone()) else {
        return Ok(());
    };
    let before = store::update::attempts(tx)?;
    let is_alone = request.packs.len() == 1;
    for target in &request.packs {
        let name = &target.pack_ref;
        let Some(version) = target.versions.first() else {
            continue;
        };
        let earlier = before
            .get(name)
            .filter(|earlier| earlier.version == *version);
        let failures = earlier.map_or(0, |earlier| earlier.failures);
        let row = |reason: String, failures: u32| AttemptRow {
            version: version.clone(),
            failures,
            next: time::after(pause(failures)),
            world: None,
            apart: earlier.is_some_and(|earlier| earlier.apart),
            job: job.id,
            reason,
        };
        let mut left_out = job.plan.iter().flat_map(|plan| &plan.left_out);
        let left_out = left_out.find(|left| left.pack_ref == *name);
        let row = match (job.status, left_out) {
            // held or frozen meanwhile; whatever it is, nobody asks for it all the time
            (JobStatus::Succeeded, None) if !job.changed => AttemptRow {
                next: time::after(UNCHANGED),
                ..row("it changed nothing".to_owned(), failures)
            },
            (JobStatus::Succeeded, None) => {
                store::update::forget_attempt(tx, name)?;
                continue;
            }
            (JobStatus::Succeeded, Some(left_out)) => {
                let generation = store::pack::active_generation(tx)?;
                AttemptRow {
                    world: Some(store::update::world(tx, generation)?),
                    ..row(left_out.reason.clone(), failures + 1)
                }
            }
            (JobStatus::Cancelled, _) => row("it was cancelled".to_owned(), failures + 1),
            _ if is_alone => row(failure(job), failures + 1),
            // nobody knows whose fault it was: each is tried without the others, at once
            _ => AttemptRow {
                apart: true,
                next: time::now(),
                ..row(failure(job), failures)
            },
        };
        store::update::set_attempt(tx, name, &row)?;
    }
    if job.status == JobStatus::Failed && !is_alone {
        let turn = TurnRow {
            at: time::now(),
            late: true,
            job: None,
        };
        store::update::set_turn(tx, registry, &turn)?;
    }
    Ok(())
}

fn failure(job: &JobView) -> String {
    let error = job.error.as_ref();
    error.map_or_else(
        || "no reason is known".to_owned(),
        |error| error.detail.clone(),
    )
}

/// How long what did not work so often is left alone.
fn pause(failures: u32) -> Duration {
    let factor = 4_u32.saturating_pow(failures.saturating_sub(1));
    FIRST.saturating_mul(factor).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_day() {
        let hours = |failures| pause(failures).as_secs() / 3600;
        assert_eq!([1, 2, 3, 4, 100].map(hours), [1, 4, 16, 24, 24]);
    }
}
