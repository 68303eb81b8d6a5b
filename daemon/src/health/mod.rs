//! Watches whether the host is well after packd updated packs by itself, and goes back when it is not.
//!
//! A watch begins with the transaction that confirms the generation of an automatic job ([`crate::install::activate`]), and is
//! a row until it is over: killed in between, packd goes on with it at its next start. The host is asked at once, and then
//! every `updates.health.every` for as long as `watch_for`; without a watch nothing wakes up. What somebody asked for is not
//! watched: who asks is there to look.
//!
//! A failure is written first, then the way back is queued, then the watch ends: each step is safe to repeat.

mod check;
#[cfg(test)]
mod tests;

use std::time::Duration;

use packd_wire::EventKind;
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

/// What comes after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another turn, so long from now.
    After(Duration),
    /// Nothing, until a generation is activated.
    Wait,
}

/// Watches generations, until `stop`.
pub(crate) async fn run(context: Context, queue: Queue, stop: CancellationToken) {
    let mut told = context.hub.subscribe();
    while !stop.is_cancelled() {
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
                Next::Wait => std::future::pending().await,
            }
        };
        let activated = async {
            loop {
                match told.recv().await {
                    Ok(frame) if frame.kind == EventKind::GenerationActivated => return,
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
        go_back(context, queue, &watched, why).await?;
        return Ok(now);
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

/// Asks for the way back, says so, and ends the watch.
async fn go_back(
    context: &Context,
    queue: &Queue,
    watched: &Watched,
    why: String,
) -> Result<(), StoreError> {
    let generation = watched.generation;
    let back = back::ask(
        context,
        queue,
        generation,
        "the host was not well".to_owned(),
    )
    .await?;
    let (kind, message, rollback) = match back {
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
        Back::Not(reason) => {
            let message =
                format!("the host was not well with generation {generation}: {why}; {reason}");
            tracing::error!(generation, job = watched.job, "{message}");
            (EventKind::Warning, message, None)
        }
    };
    let (hub, id) = (context.hub.clone(), watched.job);
    context
        .database
        .write(move |tx| {
            watch::end(tx, generation)?;
            job::add_warning(tx, id, &message)?;
            let data = match rollback {
                Some(rollback) => {
                    json!({"generation": generation, "message": message, "rollback": rollback})
                }
                None => json!({"message": message}),
            };
            hub.append(tx, event(kind, id, data))
        })
        .await
}

fn event(kind: EventKind, job: i64, data: serde_json::Value) -> NewEvent {
    NewEvent {
        kind,
        job: Some(job),
        pack_ref: None,
        data,
    }
}
