//! The moves of [`super::state`] as they are written: the row and its event in one transaction.

use packd_wire::{ChangeAction, EventKind, HoldView, JobView, Problem, StepStatus, StepView};
use serde_json::json;

use super::{JobRequest, state};
use crate::event::{Hub, NewEvent};
use crate::store::{SqlError, SqlResult, Tx, hold, job, quality, time};

/// Appends an event of a job.
pub(super) fn append(
    tx: &Tx<'_>,
    hub: &Hub,
    kind: EventKind,
    job: i64,
    data: serde_json::Value,
) -> SqlResult<()> {
    let pack_ref = match job::get(tx, job)? {
        Some(row) => subject(super::decode(&row.request).as_ref(), &row.view),
        None => None,
    };
    hub.append(
        tx,
        NewEvent {
            kind,
            job: Some(job),
            pack_ref,
            data,
        },
    )
}

/// The one pack that a job was asked for, as far as that is known.
pub(super) fn subject(request: Option<&JobRequest>, view: &JobView) -> Option<String> {
    if matches!(request, Some(JobRequest::Gc(_))) {
        return None;
    }
    let mut named = request.map_or_else(Vec::new, JobRequest::refs).into_iter();
    if let (Some(only), None) = (named.next(), named.next()) {
        return Some(only);
    }
    let changes = view.plan.iter().flat_map(|plan| &plan.changes);
    let mut asked = changes.filter(|change| change.reason.split(';').next() == Some("requested"));
    match (asked.next(), asked.next()) {
        (Some(change), None) => change.pack_ref.clone(),
        _ => None,
    }
}

/// Moves a job; a way that the table does not have is a defect, and stops the transaction.
pub(super) fn step(view: &mut JobView, step: state::Move) -> SqlResult<()> {
    match state::next(view.status, step) {
        Some(status) => {
            view.status = status;
            Ok(())
        }
        None => Err(SqlError::ToSqlConversionFailure(
            format!(
                "job {} is {} and cannot {step:?}",
                view.id,
                view.status.as_str()
            )
            .into(),
        )),
    }
}

/// Moves a job to one of its ends.
pub(super) fn end(tx: &Tx<'_>, view: &mut JobView, by: state::Move) -> SqlResult<()> {
    step(view, by)?;
    view.finished_at = Some(time::now());
    view.retry_at = None;
    job::update(tx, view)
}

/// Puts a job back into the queue, and says why.
pub(super) fn requeue(tx: &Tx<'_>, hub: &Hub, view: &mut JobView, why: &str) -> SqlResult<()> {
    step(view, state::Move::Requeue)?;
    job::update(tx, view)?;
    append(tx, hub, EventKind::Info, view.id, json!({"message": why}))
}

/// Says that a job waits for an earlier one.
pub(super) fn wait(tx: &Tx<'_>, hub: &Hub, job: i64, earlier: i64) -> SqlResult<()> {
    let message = format!("waits for job {earlier}, which may touch the same packs");
    let data = json!({"message": message, "waits_for": earlier});
    append(tx, hub, EventKind::Info, job, data)
}

/// Ends a job with an error.
pub(super) fn fail(
    tx: &Tx<'_>,
    hub: &Hub,
    view: &mut JobView,
    mut problem: Problem,
) -> SqlResult<()> {
    problem.job = Some(view.id);
    view.error = Some(problem);
    end(tx, view, state::Move::Fail)?;
    for change in view.plan.iter().flat_map(|plan| &plan.changes) {
        let brings = !matches!(change.action, ChangeAction::Keep | ChangeAction::Remove);
        if let (true, Some(name), Some(version)) = (brings, &change.pack_ref, &change.to) {
            quality::count(tx, name, version, quality::Fact::Failed)?;
        }
    }
    let data = json!({"error": view.error, "retry_at": null});
    append(tx, hub, EventKind::JobFailed, view.id, data)
}

/// Ends a job well, in the transaction that made it true.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn succeed(
    tx: &Tx<'_>,
    hub: &Hub,
    view: &mut JobView,
    generation: Option<i64>,
) -> SqlResult<()> {
    view.changed |= generation.is_some();
    view.generation = generation;
    view.error = None;
    if view.changed {
        hold_as_planned(tx, view)?;
    }
    end(tx, view, state::Move::Succeed)?;
    let data = json!({"summary": view.summary, "changed": view.changed, "generation": generation});
    append(tx, hub, EventKind::JobSucceeded, view.id, data)
}

/// Holds the packs that the plan holds, and lets go of the others that it names.
fn hold_as_planned(tx: &Tx<'_>, view: &JobView) -> SqlResult<()> {
    let by = &view.requested_by;
    for change in view.plan.iter().flat_map(|plan| &plan.holds) {
        if !change.held {
            hold::lift(tx, &change.pack_ref)?;
            continue;
        }
        let hold = HoldView {
            until: change.until.clone(),
            reason: change.reason.clone(),
            by: by.user.clone().unwrap_or_else(|| by.uid.to_string()),
            at: time::now(),
        };
        hold::put(tx, &change.pack_ref, &hold)?;
    }
    Ok(())
}

/// Ends the steps that are under way: one of them failed, if there is a problem, and the others were
/// stopped. A problem that does not say which one it was is that of the last to begin.
pub(super) fn end_steps(steps: &mut [StepView], problem: Option<&mut Problem>) {
    let open = |step: &&mut StepView| step.status == StepStatus::Running;
    let last = steps.iter_mut().filter(open).last().map(|step| step.name);
    let failed = problem.and_then(|problem| {
        problem.step = problem.step.or(last);
        problem.step
    });
    for step in steps.iter_mut().filter(open) {
        step.status = if failed == Some(step.name) {
            StepStatus::Failed
        } else {
            StepStatus::Stopped
        };
        step.finished_at = Some(time::now());
    }
}
