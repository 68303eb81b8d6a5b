//! Runs the hooks of the configuration: programs that are told what happened.
//!
//! That a hook is to run is written with the event that it is run for ([`crate::event`]), and forgotten with what came of
//! it: killed in between, packd runs it again at its next start. A hook is run once at a time, for its events in their order;
//! up to four hooks run at the same time. They are kept in as the tests of packs are, with a network.
//!
//! | file | |
//! |---|---|
//! | [`command`] | one program in the sandbox |
//! | [`back`] | the way back to the generation before |

pub(crate) mod back;
pub(crate) mod command;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use packd_wire::{EventKind, HookStatus, HookView, JobKind};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Hook, HookFailure};
use crate::event::NewEvent;
use crate::install::Context;
use crate::logging::chain;
use crate::queue::{Queue, public_request};
use crate::store::hook::{self, Begun, Due};
use crate::store::{StoreError, job, patience, time, watch};
use back::Back;
use command::{Command, End, Ran};

/// How many hooks run at the same time.
const AT_ONCE: usize = 4;

/// After so many deaths of packd during a run it is given up: it may be what kills packd.
const DEATHS: u32 = 3;

/// Runs hooks when they are due, until `stop`.
pub(crate) async fn run(context: Context, queue: Queue, stop: CancellationToken) {
    let mut running = JoinSet::new();
    let mut busy = HashSet::new();
    loop {
        if let Err(error) = start(&context, &queue, &stop, &mut running, &mut busy).await {
            tracing::error!(error = %chain(&error), "cannot look for hooks that are due");
            patience::pause(&stop).await;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = running.join_next(), if !running.is_empty() => {
                // one that panicked stays busy, and runs again at the next start
                if let Some(name) = logged(ended) {
                    busy.remove(&name);
                }
            }
            () = context.hub.hook_due() => {}
        }
    }
    while let Some(ended) = running.join_next().await {
        logged(ended);
    }
}

fn logged(ended: Result<String, tokio::task::JoinError>) -> Option<String> {
    match ended {
        Ok(name) => Some(name),
        Err(error) => {
            tracing::error!(%error, "a hook's task ended badly");
            None
        }
    }
}

/// Starts what is due, as far as there is room.
async fn start(
    context: &Context,
    queue: &Queue,
    stop: &CancellationToken,
    running: &mut JoinSet<String>,
    busy: &mut HashSet<String>,
) -> Result<(), StoreError> {
    if running.len() >= AT_ONCE {
        return Ok(());
    }
    let due = context.database.read(hook::next).await?;
    for due in due {
        if running.len() >= AT_ONCE {
            break;
        }
        if !busy.insert(due.hook.clone()) {
            continue;
        }
        let (context, queue, stop) = (context.clone(), queue.clone(), stop.clone());
        running.spawn(async move {
            if let Err(error) = one(&context, &queue, &due, &stop).await {
                tracing::error!(hook = due.hook, error = %chain(&error), "cannot note how a hook ended; it runs again");
                patience::pause(&stop).await;
            }
            due.hook
        });
    }
    Ok(())
}

/// Runs one hook for one event.
async fn one(
    context: &Context,
    queue: &Queue,
    due: &Due,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let of_begin = due.clone();
    let begun = context
        .database
        .write(move |tx| hook::begin(tx, &of_begin))
        .await?;
    let config = context.config.current();
    let hook = config.hooks.iter().find(|hook| hook.name() == due.hook);
    let (Some(begun), Some(hook)) = (begun, hook) else {
        // it is not configured any more, or what it was to be told is forgotten
        tracing::info!(
            hook = due.hook,
            event = due.event,
            "the hook is not run: there is no such hook any more"
        );
        let of_forget = due.clone();
        return context
            .database
            .write(move |tx| hook::forget(tx, &of_forget))
            .await;
    };
    let at = time::now();
    let ran = if begun.deaths >= DEATHS {
        let why = format!("packd died {DEATHS} times while it ran; it is not run again");
        Ran::not_started(why)
    } else {
        let command = Command {
            folder: format!("hook-{}-{}", due.event, hook.name()),
            words: &hook.command,
            timeout: hook.timeout,
            input: input(context, hook, &begun),
        };
        let Some(ran) = command.run(context, stop).await else {
            let of_back = due.clone();
            return context
                .database
                .write(move |tx| hook::put_back(tx, &of_back))
                .await;
        };
        ran
    };
    let mut view = view(hook, &begun, at, &ran);
    let left = if wants_rollback(hook, &begun, &ran) {
        go_back(context, queue, &begun, &mut view).await?
    } else {
        None
    };
    end(context, due, &begun, view, left).await
}

/// What the hook is told.
fn input(context: &Context, hook: &Hook, begun: &Begun) -> Vec<u8> {
    let job = begun.job.as_ref().map(|(view, request)| {
        let mut view = view.clone();
        view.request = public_request(request);
        view
    });
    let told = json!({
        "hook": hook.name(),
        "event": begun.event,
        "job": job,
        "current": context.layout.current(),
    });
    told.to_string().into_bytes()
}

fn view(hook: &Hook, begun: &Begun, at: String, ran: &Ran) -> HookView {
    let (status, exit, signal) = match &ran.end {
        End::Exit(0) => (HookStatus::Succeeded, Some(0), None),
        End::Exit(status) => (HookStatus::Failed, Some(*status), None),
        End::Signal(signal) => (HookStatus::Failed, None, Some(*signal)),
        End::TimedOut => (HookStatus::TimedOut, None, None),
        End::Full(_) => (HookStatus::Failed, None, None),
        End::NotStarted(_) => (HookStatus::NotStarted, None, None),
    };
    HookView {
        name: hook.name().to_owned(),
        on: begun.event.kind,
        event: begun.event.seq.unwrap_or_default(),
        status,
        exit,
        signal,
        at,
        duration_ms: u64::try_from(ran.duration.as_millis()).unwrap_or(u64::MAX),
        output: ran.output.clone(),
        message: ran.end.in_words(hook.timeout),
        rollback: None,
    }
}

/// Whether the failure of a hook takes the generation back. What was not started says nothing about it, and from where
/// somebody or packd went back to there is no way back to what they left.
fn wants_rollback(hook: &Hook, begun: &Begun, ran: &Ran) -> bool {
    let job = begun.job.as_ref().map(|(view, _)| view);
    hook.on_failure == HookFailure::Rollback
        && begun.event.kind == EventKind::GenerationActivated
        && ran.end.is_failure()
        && job.is_some_and(|job| job.kind != JobKind::Rollback)
}

/// Asks for the way back, and says in the view what came of that. Returns the generation that is gone back from, if one is.
async fn go_back(
    context: &Context,
    queue: &Queue,
    begun: &Begun,
    view: &mut HookView,
) -> Result<Option<i64>, StoreError> {
    let Some(generation) = begun.event.data["generation"].as_i64() else {
        return Ok(None);
    };
    let because = format!("hook `{}` failed", view.name);
    let went = back::ask(context, queue, generation, 0, because).await?;
    let message = view.message.get_or_insert_default();
    match went {
        Back::Asked(job) => view.rollback = Some(job),
        Back::Later(why) => *message = format!("{message}; {why}"),
        Back::Not(why) => {
            *message = format!("{message}; {why}");
            return Ok(None);
        }
    }
    Ok(Some(generation))
}

/// Writes how it ended, where it is looked for; and that the generation `left` is gone back from, so that
/// [`crate::health`] sees to it that it is.
async fn end(
    context: &Context,
    due: &Due,
    begun: &Begun,
    view: HookView,
    left: Option<i64>,
) -> Result<(), StoreError> {
    let good = view.status == HookStatus::Succeeded;
    let message = view.message.as_deref().unwrap_or_default();
    let warning = format!("hook `{}` on {}: {message}", view.name, view.on.as_str());
    let kind = if good {
        tracing::info!(hook = view.name, job = begun.event.job, "hook succeeded");
        EventKind::HookSucceeded
    } else {
        if view.rollback.is_some() {
            tracing::error!(
                hook = view.name,
                job = begun.event.job,
                rollback = view.rollback,
                "{warning}; going back"
            );
        } else {
            tracing::warn!(hook = view.name, job = begun.event.job, "{warning}");
        }
        EventKind::HookFailed
    };
    let mut data = json!({
        "hook": view.name,
        "on": view.on,
        "event": view.event,
        "duration_ms": view.duration_ms,
    });
    if !good {
        data["status"] = json!(view.status);
        data["message"] = json!(message);
        data["exit"] = json!(view.exit);
        data["rollback"] = json!(view.rollback);
    }
    let event = NewEvent {
        kind,
        job: begun.event.job,
        pack_ref: begun.event.pack_ref.clone(),
        data,
    };
    let (due, hub) = (due.clone(), context.hub.clone());
    context
        .database
        .write(move |tx| {
            hook::forget(tx, &due)?;
            if let Some(id) = event.job {
                hook::show(tx, id, &view)?;
                if !good {
                    job::add_warning(tx, id, &warning)?;
                }
                if let Some(generation) = left {
                    watch::go_back(tx, generation, id, &warning, view.rollback)?;
                }
            }
            hub.append(tx, event)
        })
        .await
}
