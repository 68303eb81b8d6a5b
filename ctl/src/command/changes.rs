//! From a queued job to its end: following several at once, and saying what became of them.

use std::cell::RefCell;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use packd_wire::{ChangeAction, Exit, JobKind, JobStatus, JobView, PlanChange, PlanView, StepName};
use tokio::time::Instant;

use super::asked::Asked;
use super::gc;
use super::interrupt::Interrupt;
use super::verify;
use crate::Ending;
use crate::client::follow::{Follow, Step};
use crate::client::{Client, ClientError};
use crate::output::progress::{Progress, label};
use crate::output::table::{Table, or_dash};
use crate::output::text::{clean, duration, milliseconds_between};
use crate::output::{Failure, Output, Width};

/// At most so many jobs are followed at a time: each one takes a connection.
const AT_ONCE: usize = 8;

/// A job that is queued for longer says so, and what it waits for.
const WONDER_AFTER: Duration = Duration::from_secs(1);
/// At most so many jobs at work are named.
const AT_WORK: u32 = 3;

/// How long to stay with a job.
#[derive(Debug, Clone, Args)]
pub(crate) struct Waiting {
    /// Print the job and return without waiting for it
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,

    /// Wait at most this long; the job goes on afterwards, and the exit code is 7
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
}

/// Follows jobs until they have ended, and says what became of each.
///
/// # Errors
/// What keeps jobs from being followed. A job that fails is no error here but
/// shown, and part of the exit code.
pub(crate) async fn follow(
    client: &Client,
    out: &mut Output,
    jobs: Vec<JobView>,
    asked: Asked<'_>,
    waiting: &Waiting,
    interrupt: &mut Interrupt,
) -> Result<Ending, Failure> {
    if waiting.no_wait {
        return Ok(leave(out, &jobs, asked));
    }
    let deadline = waiting
        .timeout
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let ids: Vec<i64> = jobs.iter().map(|job| job.id).collect();
    let progress = RefCell::new(out.progress());
    for job in &jobs {
        progress.borrow_mut().add(job);
    }
    let all = async {
        let followed = jobs
            .into_iter()
            .map(|job| to_the_end(client, job, deadline, &progress));
        futures_util::stream::iter(followed)
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await
    };
    let ended = tokio::select! {
        ended = all => ended,
        () = interrupt.comes() => {
            progress.borrow_mut().clear();
            detached(out, &ids);
            return Ok(Ending::Detached);
        }
    };
    progress.borrow_mut().clear();
    let ended = ended.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(report(out, &ended, asked, &progress.into_inner()))
}

/// Follows one job to its end or the deadline; the job as it is then.
async fn to_the_end(
    client: &Client,
    job: JobView,
    deadline: Option<Instant>,
    progress: &RefCell<Progress>,
) -> Result<JobView, ClientError> {
    if job.status.is_finished() {
        return Ok(job);
    }
    if job.status == JobStatus::Queued {
        progress.borrow_mut().queued(job.id);
    }
    let mut follow = Follow::new(client, job.id);
    let followed = watch(&mut follow, progress);
    match deadline {
        Some(deadline) => {
            // when the time is over, what the job is then is the answer
            tokio::time::timeout_at(deadline, followed)
                .await
                .unwrap_or(Ok(()))?;
        }
        None => followed.await?,
    }
    follow.job().await
}

/// Shows what happens to a job until it has ended; while nothing does, what it waits for.
///
/// # Errors
/// What the daemon refuses, and a daemon that stays away.
pub(crate) async fn watch(
    follow: &mut Follow<'_>,
    progress: &RefCell<Progress>,
) -> Result<(), ClientError> {
    let mut wonder = std::pin::pin!(tokio::time::sleep(WONDER_AFTER));
    let mut wondered = false;
    loop {
        let step = tokio::select! {
            biased;
            step = follow.next() => step?,
            () = &mut wonder, if !wondered => {
                wondered = true;
                let job = follow.id();
                if progress.borrow().owes_a_word(job) {
                    let at_work = follow.at_work(AT_WORK).await;
                    progress.borrow_mut().still_queued(job, &at_work);
                }
                continue;
            }
        };
        match step {
            Some(Step::Event(event)) => progress.borrow_mut().event(&event),
            Some(Step::Interrupted) => progress.borrow_mut().away(),
            None => return Ok(()),
        }
    }
}

/// Says how jobs ended, and makes the exit code of it: that of the first one that is not done.
pub(crate) fn report(
    out: &mut Output,
    jobs: &[JobView],
    asked: Asked<'_>,
    progress: &Progress,
) -> Ending {
    asked.show(out, jobs);
    let mut exit = Exit::Done;
    let mut dry_runs = DryRuns::default();
    for job in jobs {
        for warning in &job.warnings {
            if !progress.told(job.id).contains(warning) {
                out.warn(warning);
            }
        }
        if let (Some(trees), true) = (&job.verify, out.is_human()) {
            let text = verify::table(trees, out.width());
            out.data(&text);
        }
        let this = match Failure::of_job(job) {
            Some(failure) => {
                out.failure(&failure);
                failure.exit()
            }
            None if job.status.is_finished() => {
                dry_runs.or_tell(out, job);
                Exit::Done
            }
            None => {
                out.warn(&format!("job {} goes on: {}", job.id, job.summary));
                name_commands(out, &[job.id]);
                Exit::StillRunning
            }
        };
        if exit == Exit::Done {
            exit = this;
        }
    }
    dry_runs.tell(out);
    Ending::Exit(exit)
}

/// What the dry runs of a command would change: one table for all of them, below everything else.
#[derive(Default)]
struct DryRuns(Option<PlanView>);

impl DryRuns {
    /// Keeps the plan of a job that was a dry run, and says of another one at once what it has done.
    fn or_tell(&mut self, out: &mut Output, job: &JobView) {
        if job.kind == JobKind::Gc {
            let told = gc::told(job, out.width());
            return out.done(told.trim_end());
        }
        match dry_run(job) {
            Some(plan) => {
                let all = self.0.get_or_insert_default();
                all.changes.extend_from_slice(&plan.changes);
                all.circles.extend_from_slice(&plan.circles);
            }
            None => out.done(&sentence(job)),
        }
    }

    fn tell(self, out: &mut Output) {
        if let Some(plan) = self.0 {
            let table = plan_table(&plan.changes, out.width());
            out.done(table.trim_end());
            for circle in plan.circles {
                out.done(&format!("in a circle: {}", clean(&circle.join(" -> "))));
            }
        }
    }
}

/// The plan of a job that was a dry run. That there is nothing to remove needs no table.
fn dry_run(job: &JobView) -> Option<PlanView> {
    let plan = job.plan.clone().unwrap_or_default();
    let is_dry = job.request["dry_run"] == true;
    (is_dry && !(job.kind == JobKind::Remove && plan.changes.is_empty())).then_some(plan)
}

fn changes(job: &JobView) -> &[PlanChange] {
    job.plan.as_ref().map_or(&[], |plan| &plan.changes)
}

/// Says which jobs were queued. Quiet, it is their numbers, for scripts.
fn leave(out: &mut Output, jobs: &[JobView], asked: Asked<'_>) -> Ending {
    if !out.is_human() {
        asked.show(out, jobs);
        return Ending::Exit(Exit::Done);
    }
    let mut exit = Exit::Done;
    let mut dry_runs = DryRuns::default();
    for job in jobs {
        if out.is_quiet() {
            out.data(&format!("{}\n", job.id));
        } else if job.status.is_finished() {
            match Failure::of_job(job) {
                Some(failure) => {
                    out.failure(&failure);
                    exit = failure.exit();
                }
                None => dry_runs.or_tell(out, job),
            }
        } else {
            out.done(&format!(
                "job {} {}: {}",
                job.id,
                job.status.as_str(),
                clean(&job.summary)
            ));
        }
    }
    dry_runs.tell(out);
    let open: Vec<i64> = jobs
        .iter()
        .filter(|job| !job.status.is_finished())
        .map(|job| job.id)
        .collect();
    name_commands(out, &open);
    Ending::Exit(exit)
}

/// Says that jobs go on without us.
pub(crate) fn detached(out: &mut Output, jobs: &[i64]) {
    out.say(match jobs {
        [] => "\nstopped; packctl job list shows what was queued",
        [_] => "\ndetached; the job goes on",
        _ => "\ndetached; the jobs go on",
    });
    name_commands(out, jobs);
}

fn name_commands(out: &mut Output, jobs: &[i64]) {
    for job in jobs {
        out.say(&format!("  to watch it:   packctl job watch {job}"));
        out.say(&format!("  to cancel it:  packctl job cancel {job}"));
    }
}

/// What a job that succeeded has done, in a line.
fn sentence(job: &JobView) -> String {
    let changes = changes(job);
    if job.kind == JobKind::Remove && changes.is_empty() {
        return format!("{} is not installed: nothing to remove", label(job));
    }
    let all_kept = changes
        .iter()
        .all(|change| change.action == ChangeAction::Keep);
    let told: Vec<String> = changes
        .iter()
        .filter(|change| all_kept || change.action != ChangeAction::Keep)
        .map(|change| {
            if all_kept && job.changed {
                // the same version, and still another tree, or the same one again
                happened(change, ChangeAction::Reinstall)
            } else {
                happened(change, change.action)
            }
        })
        .collect();
    if job.kind == JobKind::Test {
        let step = job.steps.iter().find(|step| step.name == StepName::Test);
        let message = step.and_then(|step| step.message.as_deref());
        return format!(
            "the tests of {} are good: {}",
            label(job),
            clean(message.unwrap_or_default())
        );
    }
    if let Some(trees) = &job.verify {
        let step = job.steps.iter().find(|step| step.name == StepName::Verify);
        let found = clean(
            step.and_then(|step| step.message.as_deref())
                .unwrap_or_default(),
        );
        return match trees.iter().filter(|tree| tree.repaired).count() {
            0 => found.into_owned(),
            repaired => format!("{found}; {repaired} repaired"),
        };
    }
    let mut told = told;
    let holds = job.plan.iter().flat_map(|plan| &plan.holds);
    told.extend(holds.map(|hold| {
        let is = if hold.held {
            "is held"
        } else {
            "is not held any more"
        };
        format!("{} {is}", clean(&hold.pack_ref))
    }));
    // of many packs that are as they shall be, nobody wants to read the names
    let is_desired = job.request["packs"].is_object();
    if told.is_empty() || (is_desired && !job.changed) {
        return format!("{}: nothing had to change", clean(&job.summary));
    }
    if !job.changed {
        return told.join(", ");
    }
    let began = job.started_at.as_ref().unwrap_or(&job.created_at);
    let took = job
        .finished_at
        .as_ref()
        .and_then(|end| milliseconds_between(began, end));
    let took = took.map(|milliseconds| format!(" in {}", duration(milliseconds)));
    format!("{}{}", told.join(", "), took.unwrap_or_default())
}

/// What happened to one pack, afterwards.
fn happened(change: &PlanChange, action: ChangeAction) -> String {
    let name = clean(change.pack_ref.as_deref().unwrap_or("the pack"));
    let from = clean(change.from.as_deref().unwrap_or("?"));
    let to = clean(change.to.as_deref().unwrap_or("?"));
    match action {
        ChangeAction::Install => format!("{name} {to} installed"),
        ChangeAction::Upgrade => format!("{name} upgraded from {from} to {to}"),
        ChangeAction::Downgrade => format!("{name} downgraded from {from} to {to}"),
        ChangeAction::Reinstall => format!("{name} {to} installed again"),
        ChangeAction::Remove => format!("{name} {from} removed"),
        ChangeAction::Keep => {
            let version = if change.to.is_some() { to } else { from };
            let newer = change.available.as_deref().map_or(String::new(), |newer| {
                format!(
                    "; {} is available: packctl install {name}@latest",
                    clean(newer)
                )
            });
            format!("{name} {version} is already installed{newer}")
        }
    }
}

/// What would happen, one line per pack.
pub(crate) fn plan_table(changes: &[PlanChange], width: Width) -> String {
    if changes.is_empty() {
        return "nothing would change".to_owned();
    }
    let mut table = Table::new(["REF", "CHANGE", "FROM", "TO", "REGISTRY", "WHY"]);
    for change in changes {
        table.row([
            or_dash(change.pack_ref.as_deref().or(change.source.as_deref())),
            change.action.as_str().into(),
            or_dash(change.from.as_deref()),
            or_dash(change.to.as_deref()),
            or_dash(change.registry.as_deref()),
            change.reason.as_str().into(),
        ]);
    }
    table.render(width)
}

#[cfg(test)]
pub(crate) mod tests;
