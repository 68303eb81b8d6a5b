//! Watches whether the host is well after packd updated packs by itself, and goes back when it is not.
//!
//! A watch begins with the transaction that confirms the generation of an automatic job ([`crate::install::activate`]), and is
//! a row until it is over: killed in between, packd goes on with it at its next start. The host is asked at once, and then
//! every `updates.health.every` for as long as `watch_for`; without a watch nothing wakes up. What somebody asked for is not
//! watched: who asks is there to look.
//!
//! A failure is written first, then the way back is queued, then it is told, and the watch ends when the way back was taken:
//! each step is safe to repeat. A way back that fails is asked for again, for as long as the generation is active; so is one
//! that a hook asked for.

mod check;
#[cfg(test)]
mod tests;

use std::time::Duration;

use packd_wire::{EventKind, JobStatus};
use serde_json::json;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::event::NewEvent;
use crate::hook::back::{self, Back};
use crate::install::Context;
use crate::logging::chain;
use crate::queue::Queue;
use crate::store::watch::{self, Watched};
use crate::store::{StoreError, job, pack, patience, time};
use check::Verdict;

/// The pause after a way back that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What comes after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another turn, so long from now.
    After(Duration),
    /// Another turn, when a job has ended: the one that goes back is on its way.
    Ended,
    /// Nothing, until a generation is activated.
    Wait,
}

/// Watches generations, until `stop`.
pub(crate) async fn run(context: Context, queue: Queue, stop: CancellationToken) {
    let mut told = context.hub.subscribe();
    let mut ends = queue.ends();
    while !stop.is_cancelled() {
        ends.mark_unchanged();
        let next = match turn(&context, &queue, &stop).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(error = %chain(&error), "cannot watch the health of the host");
                patience::pause(&stop).await;
                Next::After(Duration::ZERO)
            }
        };
        let pause = async {
            match next {
                Next::After(pause) => tokio::time::sleep(pause).await,
                // the sender lives as long as the queue
                Next::Ended => drop(ends.changed().await),
                Next::Wait => std::future::pending().await,
            }
        };
        let activated = async {
            loop {
                match told.recv().await {
                    Ok(frame) if is_news(frame.kind) => return,
                    Ok(_) => {}
                    Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = pause => {}
            () = activated => {}
        }
    }
}

/// Whether something may be to be looked after since this happened: a hook that failed may have asked for the way back.
fn is_news(kind: EventKind) -> bool {
    matches!(kind, EventKind::GenerationActivated | EventKind::HookFailed)
}

/// Looks after the oldest watch.
async fn turn(
    context: &Context,
    queue: &Queue,
    stop: &CancellationToken,
) -> Result<Next, StoreError> {
    let read = |connection: &_| {
        Ok((
            watch::oldest(connection)?,
            pack::active_generation(connection)?,
        ))
    };
    let (watched, active) = context.database.read(read).await?;
    let Some(watched) = watched else {
        return Ok(Next::Wait);
    };
    let now = Next::After(Duration::ZERO);
    if let Some(why) = watched.failed.clone() {
        return match watched.rollback {
            Some(rollback) => went_back(context, &watched, active, rollback).await,
            None => go_back(context, queue, &watched, why).await,
        };
    }
    if active != Some(watched.generation) {
        let message = format!(
            "generation {} is not active any more; its health is not watched any longer",
            watched.generation
        );
        over(context, &watched, message).await?;
        return Ok(now);
    }
    match check::run(context, &watched, stop).await? {
        Verdict::Stopped => return Ok(Next::Wait),
        Verdict::Nothing => {
            let generation = watched.generation;
            let database = &context.database;
            database.write(move |tx| watch::end(tx, generation)).await?;
            return Ok(now);
        }
        Verdict::Ill(why) => {
            let generation = watched.generation;
            let database = &context.database;
            database
                .write(move |tx| watch::fail(tx, generation, &why))
                .await?;
            return Ok(now);
        }
        Verdict::Unknown(why) => warn(context, &watched, why).await?,
        Verdict::Well => {}
    }
    let health = &context.config.current().updates.health;
    let left = health.watch_for.saturating_sub(time::since(&watched.since));
    if left.is_zero() {
        let message = format!(
            "the host was well for {} s with generation {}",
            health.watch_for.as_secs(),
            watched.generation
        );
        over(context, &watched, message).await?;
        return Ok(now);
    }
    Ok(Next::After(health.every.min(left)))
}

/// Ends a watch, and says so.
async fn over(context: &Context, watched: &Watched, message: String) -> Result<(), StoreError> {
    tracing::info!(
        generation = watched.generation,
        job = watched.job,
        "{message}"
    );
    let (hub, generation, job) = (context.hub.clone(), watched.generation, watched.job);
    context
        .database
        .write(move |tx| {
            watch::end(tx, generation)?;
            hub.append(tx, event(EventKind::Info, job, json!({"message": message})))
        })
        .await
}

/// Says, once, that it cannot be told how the host is.
async fn warn(context: &Context, watched: &Watched, why: String) -> Result<(), StoreError> {
    let message = format!("whether the host is well cannot be told: {why}");
    warn_once(context, watched, message).await
}

/// Adds a warning to the job, an event and a line in the journal; nothing where the job has the warning already.
async fn warn_once(
    context: &Context,
    watched: &Watched,
    message: String,
) -> Result<(), StoreError> {
    let (hub, id) = (context.hub.clone(), watched.job);
    context
        .database
        .write(move |tx| {
            let known = job::get(tx, id)?.is_some_and(|row| row.view.warnings.contains(&message));
            if known {
                return Ok(());
            }
            tracing::error!(job = id, "{message}");
            job::add_warning(tx, id, &message)?;
            hub.append(
                tx,
                event(EventKind::Warning, id, json!({"message": message})),
            )
        })
        .await
}

/// Asks for the way back, and says so.
async fn go_back(
    context: &Context,
    queue: &Queue,
    watched: &Watched,
    why: String,
) -> Result<Next, StoreError> {
    let (generation, tries) = (watched.generation, watched.tries);
    let because = if tries == 0 {
        "the host was not well".to_owned()
    } else {
        format!("the host was not well, and {tries} such jobs failed")
    };
    let (kind, message, rollback) =
        match back::ask(context, queue, generation, tries, because).await? {
            Back::Asked(rollback) => {
                let message = format!("the host is not well with generation {generation}: {why}");
                tracing::error!(
                    generation,
                    job = watched.job,
                    rollback,
                    "{message}; going back"
                );
                (EventKind::HealthFailed, message, Some(rollback))
            }
            Back::Later(reason) => {
                tracing::error!(generation, job = watched.job, "{reason}; trying again");
                return Ok(Next::After(pause(tries)));
            }
            Back::Not(reason) => {
                let message =
                    format!("the host was not well with generation {generation}: {why}; {reason}");
                tracing::error!(generation, job = watched.job, "{message}");
                (EventKind::Warning, message, None)
            }
        };
    let (hub, id) = (context.hub.clone(), watched.job);
    let database = &context.database;
    let write = database.write(move |tx| {
        let Some(rollback) = rollback else {
            watch::end(tx, generation)?;
            job::add_warning(tx, id, &message)?;
            return hub.append(tx, event(kind, id, json!({"message": message})));
        };
        watch::go_back(tx, generation, id, &why, Some(rollback))?;
        if tries > 0 {
            // that it is gone back from was told before
            return Ok(());
        }
        job::add_warning(tx, id, &message)?;
        let data = json!({"generation": generation, "message": message, "rollback": rollback});
        hub.append(tx, event(kind, id, data))
    });
    write.await?;
    Ok(Next::After(Duration::ZERO))
}

/// Looks what became of the job that goes back: the watch ends when it did, and there is another one when it failed.
async fn went_back(
    context: &Context,
    watched: &Watched,
    active: Option<i64>,
    rollback: i64,
) -> Result<Next, StoreError> {
    let (database, generation) = (&context.database, watched.generation);
    let row = database.read(move |connection| job::get(connection, rollback));
    let job = row.await?.map(|row| row.view);
    let now = Next::After(Duration::ZERO);
    if active != Some(generation) {
        tracing::info!(
            generation,
            rollback,
            "the generation is not active any more"
        );
        database.write(move |tx| watch::end(tx, generation)).await?;
        return Ok(now);
    }
    let (how, since) = match job {
        Some(job) if !job.status.is_finished() => return Ok(Next::Ended),
        Some(job) if job.status == JobStatus::Cancelled => {
            let message = format!(
                "job {rollback}, which was to go back from generation {generation}, was cancelled: the generation stays"
            );
            warn_once(context, watched, message).await?;
            database.write(move |tx| watch::end(tx, generation)).await?;
            return Ok(now);
        }
        Some(job) => {
            let why = job.error.map(|error| error.detail);
            (
                why.unwrap_or_else(|| "it changed nothing".to_owned()),
                job.finished_at,
            )
        }
        // the history has forgotten it
        None => ("nothing is known of it any more".to_owned(), None),
    };
    let pause = pause(watched.tries);
    let message = format!(
        "job {rollback} did not go back from generation {generation}: {how}; it is tried again {} s later, for as long as \
         the generation is active",
        pause.as_secs()
    );
    warn_once(context, watched, message).await?;
    let left = since.map_or(Duration::ZERO, |since| {
        pause.saturating_sub(time::since(&since))
    });
    if !left.is_zero() {
        return Ok(Next::After(left));
    }
    database
        .write(move |tx| watch::try_again(tx, generation))
        .await?;
    Ok(now)
}

/// How long after the way back failed, and `tries` before it, it is asked for again.
fn pause(tries: u32) -> Duration {
    let factor = 2_u32.saturating_pow(tries.min(16));
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

fn event(kind: EventKind, job: i64, data: serde_json::Value) -> NewEvent {
    NewEvent {
        kind,
        job: Some(job),
        pack_ref: None,
        data,
    }
}
