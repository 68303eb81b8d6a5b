//! Takes jobs from the queue and drives them through the pipeline.
//!
//! Up to `queue.workers` at once. A step that panics fails its job, not the
//! daemon. What becomes of a failure, another attempt or the end, is decided
//! here, from the error's own word and the number of attempts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use packd_wire::{ErrorKind, Problem};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::gc;
use crate::install::{self, Context, StepError};
use crate::pulse::Beat;
use crate::queue::{Claimed, JobRequest, Outcome, Queue, UploadRequest};
use crate::store;

/// Works on jobs until `stop`; then the running ones go back to the queue.
pub(crate) async fn run(context: Context, queue: Queue, mut beat: Beat, stop: CancellationToken) {
    let mut jobs = JoinSet::new();
    // kept from turn to turn: dropped halfway, it would leave a job claimed that nobody works on
    let mut claim = Box::pin(queue.claim());
    loop {
        // reread each time, so that a reload counts from the next job on
        let workers = context.config.current().queue.workers;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = beat.answer() => {}
            Some(ended) = jobs.join_next() => log_panic(ended),
            claimed = &mut claim, if jobs.len() < workers => {
                claim.set(queue.claim());
                match claimed {
                    Ok(claimed) => {
                        jobs.spawn(work(context.clone(), queue.clone(), claimed));
                    }
                    Err(error) => {
                        tracing::error!(error = %crate::logging::chain(&error), "cannot take a job from the queue");
                        // a database that fails does so again at once
                        store::patience::pause(&stop).await;
                    }
                }
            }
        }
    }
    queue.stop_all();
    while let Some(ended) = jobs.join_next().await {
        log_panic(ended);
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a worker ended badly");
    }
}

async fn work(context: Context, queue: Queue, job: Claimed) {
    let id = job.id();
    let is_gc = matches!(job.request(), JobRequest::Gc(_));
    let mut refs = job.request().refs();
    refs.retain(|_| !is_gc);
    // `journalctl PACKD_JOB=17`, `journalctl PACKD_PACK=slack`; of a job for several packs, the first
    let span = tracing::info_span!("job", job = id, pack = refs.first());
    async {
        let summary = job.snapshot().summary;
        tracing::info!("{summary}: started");
        let running = async {
            if is_gc {
                gc::run(&context, &job).await
            } else {
                install::run(&context, &job).await
            }
        };
        let result = AssertUnwindSafe(running).catch_unwind().await;
        let result = result.unwrap_or_else(|_| Err(StepError::panicked()));
        let retries = context.config.current().queue.retries;
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) if is_gc => outcome(error, job.attempt(), retries),
            Err(error) => {
                let error = with_remedy(&context, error).await;
                outcome(error, job.attempt(), retries)
            }
        };
        log(&summary, &outcome);
        let done_with_upload = matches!(
            outcome,
            Outcome::Unchanged | Outcome::Changed | Outcome::Activated | Outcome::Failed(_)
        ) || (matches!(outcome, Outcome::Stopped) && job.was_cancelled());
        let upload = job.request().upload().map(ToOwned::to_owned);
        let is_installed = matches!(outcome, Outcome::Activated);
        if is_installed && let JobRequest::Upload(sent) = job.request() {
            keep(&context, sent.clone()).await;
        }
        if let Err(error) = job.finish(outcome).await {
            tracing::error!(error = %crate::logging::chain(&error), "cannot write how the job ended; it runs again at the next start");
        } else if let Some(file) = upload.filter(|_| done_with_upload) {
            store::tree::remove_upload(&context.layout, &file).await;
        }
        if !is_gc {
            gc::if_low(&context, &queue).await;
        }
    }
    .instrument(span)
    .await;
}

/// Keeps an archive that was sent and is installed now, for a repair: nobody else has it.
async fn keep(context: &Context, sent: UploadRequest) {
    let (layout, cache) = (Arc::clone(&context.layout), context.cache.clone());
    let keep = move || {
        if let Ok(digest) = sent.digest.parse() {
            cache.adopt(&layout.uploads().join(&sent.file), &digest);
        }
    };
    if tokio::task::spawn_blocking(keep).await.is_err() {
        tracing::error!("keeping an archive that was sent ended in a panic");
    }
}

/// Adds to a failure for lack of space how much a gc would make.
async fn with_remedy(context: &Context, mut error: StepError) -> StepError {
    if let StepError::Failed { problem, .. } = &mut error
        && problem.kind == ErrorKind::NoSpace
        && let Some(bytes) = gc::could_free(context).await
    {
        let gc = match bytes {
            0 => "`packctl gc` has nothing to remove".to_owned(),
            _ => format!("`packctl gc` frees {}", install::bytes_in_words(bytes)),
        };
        problem.hint = Some(match problem.hint.take() {
            Some(hint) => format!("{gc}; {hint}"),
            None => gc,
        });
    }
    error
}

/// What becomes of a failed attempt.
fn outcome(error: StepError, attempt: u32, retries: u32) -> Outcome {
    match error {
        StepError::Failed {
            problem,
            transient: true,
            retry_after,
        } if attempt <= retries => {
            let delay = backoff(attempt).max(retry_after.unwrap_or_default());
            Outcome::Retry(*problem, delay)
        }
        StepError::Failed { problem, .. } => Outcome::Failed(*problem),
        StepError::Outdated => Outcome::Again,
        StepError::After(earlier) => Outcome::After(earlier),
        StepError::Stopped => Outcome::Stopped,
    }
}

/// How long to wait after the `attempt`th failure: 2 s, 6 s, 18 s, …, at most 5 min.
fn backoff(attempt: u32) -> Duration {
    let factor = 3_u32.saturating_pow(attempt.saturating_sub(1));
    Duration::from_secs(2)
        .saturating_mul(factor)
        .min(Duration::from_mins(5))
}

fn log(summary: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Unchanged => tracing::info!("{summary}: nothing had to change"),
        Outcome::Changed | Outcome::Activated => tracing::info!("{summary}: done"),
        Outcome::Failed(problem) if problem.kind.is_inner() => {
            tracing::error!("{summary}: failed: {}", in_words(problem));
        }
        // who asked is told: a slip of theirs is nothing that an operator has to act upon
        Outcome::Failed(problem) => tracing::warn!("{summary}: failed: {}", in_words(problem)),
        Outcome::Retry(problem, delay) => {
            tracing::warn!(
                "{summary}: failed, next try in {} s: {}",
                delay.as_secs(),
                in_words(problem)
            );
        }
        Outcome::Again => {
            tracing::info!("{summary}: another job changed what the plan was made on; again");
        }
        Outcome::After(earlier) => tracing::info!("{summary}: waits for job {earlier}"),
        Outcome::Stopped => tracing::info!("{summary}: stopped"),
    }
}

fn in_words(problem: &Problem) -> String {
    std::iter::once(problem.detail.as_str())
        .chain(problem.causes.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(transient: bool, retry_after: Option<u64>) -> StepError {
        let problem = Box::new(Problem::new(ErrorKind::FetchFailed, "no"));
        StepError::Failed {
            problem,
            transient,
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn transient_failures_are_tried_again_as_often_as_configured() {
        let delays: Vec<_> = (1..=7)
            .map(|attempt| match outcome(failed(true, None), attempt, 6) {
                Outcome::Retry(_, delay) => Some(delay.as_secs()),
                _ => None,
            })
            .collect();
        assert_eq!(
            delays,
            [
                Some(2),
                Some(6),
                Some(18),
                Some(54),
                Some(162),
                Some(300),
                None
            ],
            "each wait is three times the one before, up to five minutes"
        );
        assert!(matches!(
            outcome(failed(false, None), 1, 6),
            Outcome::Failed(_)
        ));
    }

    #[test]
    fn a_server_that_asks_for_a_longer_wait_gets_it() {
        let Outcome::Retry(_, delay) = outcome(failed(true, Some(120)), 1, 5) else {
            panic!("a transient failure is tried again");
        };
        assert_eq!(delay, Duration::from_mins(2));
    }
}
