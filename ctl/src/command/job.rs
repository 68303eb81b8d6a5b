//! `job`: what was asked of the daemon, and what became of it.

mod log;

use std::cell::RefCell;

use clap::ValueEnum;
use jiff::Timestamp;
use packd_wire::{Exit, HookStatus, HookView, JobList, JobStatus, JobView, JobsQuery, StepStatus};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::gc;
use super::interrupt::Interrupt;
use crate::Ending;
use crate::client::Client;
use crate::client::follow::Follow;
use crate::output::table::{Fields, Table};
use crate::output::text::{ago, bytes, clean, count, duration, milliseconds_between, moment};
use crate::output::{self, BAD, BOLD, DIM, Failure, GOOD, Output, Width, styled};
use log::Log;

/// Look at jobs, watch them, cancel them
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Job {
    /// List jobs, the newest first
    #[command(visible_alias = "ls")]
    List(List),
    /// Show everything about a job
    Show(Show),
    /// Follow a job until it has ended, what has happened so far first
    Watch(Watch),
    /// Cancel a job that has not been activated yet
    Cancel(Cancel),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only jobs that stand here
    #[arg(long, value_name = "STATUS", value_enum)]
    status: Option<Status>,

    /// Show at most this many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    /// Only jobs older than this one
    #[arg(long, value_name = "JOB", value_parser = number)]
    before: Option<i64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The job's number
    #[arg(value_name = "JOB", value_parser = number, add = crate::complete::jobs())]
    id: i64,

    /// Show all that is kept of it: every event, and what tests wrote
    #[arg(long)]
    log: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// The job's number
    #[arg(value_name = "JOB", value_parser = number, add = crate::complete::jobs())]
    id: i64,

    /// Watch at most this long; the job goes on afterwards, and the exit code is 7
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The jobs' numbers
    #[arg(required = true, value_name = "JOB", value_parser = number)]
    #[arg(add = crate::complete::open_jobs())]
    ids: Vec<i64>,
}

/// The number of a job, as it is typed.
///
/// # Errors
/// What a number is, and where to find one.
pub(crate) fn number(text: &str) -> Result<i64, &'static str> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or("a job is named by its number, which `packctl job list` shows")
}

/// Where a job stands, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<Status> for JobStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Succeeded => Self::Succeeded,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl Job {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        match self {
            Self::List(verb) => verb.run(client, out).await,
            Self::Show(verb) => verb.run(client, out).await,
            Self::Watch(verb) => verb.run(client, out).await,
            Self::Cancel(verb) => verb.run(client, out).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = JobsQuery {
            before: self.before,
            status: self.status.map(JobStatus::from),
            limit: Some(self.limit),
        };
        let list = client.jobs(&query).await?;
        if list.jobs.is_empty() {
            out.say("there is no such job");
        }
        let width = out.width();
        out.show_list(&list, &list.jobs, || table(&list, Timestamp::now(), width));
        if let Some(next) = list.next {
            out.hint(&format!(
                "there are older ones: packctl job list --before {next}"
            ));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Show {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let job = client.job(self.id).await?;
        let width = out.width();
        if self.log {
            let log = Log::of(client, job).await?;
            out.show(&log, || log.page(Timestamp::now(), width));
        } else {
            out.show(&job, || page(&job, Timestamp::now(), width));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Watch {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let job = client.job(self.id).await?;
        if job.status.is_finished() {
            let progress = RefCell::new(out.progress());
            progress.borrow_mut().add(&job);
            let mut follow = Follow::new(client, job.id);
            follow.drain().await?;
            changes::watch(&mut follow, &progress).await?;
            return Ok(changes::report(
                out,
                &[job],
                Asked::One,
                &progress.into_inner(),
            ));
        }
        let waiting = Waiting {
            no_wait: false,
            timeout: self.timeout,
        };
        let mut interrupt = Interrupt::new()?;
        changes::follow(client, out, vec![job], Asked::One, &waiting, &mut interrupt).await
    }
}

impl Cancel {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let asked = Asked::of(self.ids.len());
        let (mut jobs, mut refused) = (Vec::new(), None);
        for id in self.ids {
            match client.cancel(id).await.map_err(Failure::from) {
                Ok(job) => jobs.push(job),
                Err(failure) if asked == Asked::One => return Err(failure),
                Err(failure) => {
                    let failure = failure.about(&format!("job {id}"));
                    out.failure(&failure);
                    refused.get_or_insert(failure.exit());
                }
            }
        }
        asked.show(out, &jobs);
        for job in &jobs {
            let became = match job.status {
                JobStatus::Queued | JobStatus::Running => "is being cancelled",
                JobStatus::Cancelled => "cancelled",
                JobStatus::Succeeded | JobStatus::Failed => "has ended already",
            };
            out.done(&format!("job {} {became}: {}", job.id, clean(&job.summary)));
        }
        Ok(Ending::Exit(refused.unwrap_or(Exit::Done)))
    }
}

/// A line per job; no header without jobs.
fn table(list: &JobList, now: Timestamp, width: Width) -> String {
    if list.jobs.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["JOB", "STATUS", "WHAT", "BY", "WHEN", "TOOK"]);
    for job in &list.jobs {
        table.row([
            job.id.to_string().into(),
            standing(job).into(),
            job.summary.as_str().into(),
            by(job).into(),
            ago(&job.created_at, now).into(),
            took(job).map_or_else(|| "-".into(), Into::into),
        ]);
    }
    table.render(width)
}

fn status(job: &JobView) -> &'static str {
    match (job.status, job.changed) {
        (JobStatus::Succeeded, false) => "unchanged",
        (status, _) => status.as_str(),
    }
}

/// Where a job stands, with what keeps it there.
fn standing(job: &JobView) -> String {
    match job.waits_for {
        Some(earlier) => format!("{}, after {earlier}", status(job)),
        None => status(job).to_owned(),
    }
}

fn by(job: &JobView) -> String {
    let requester = &job.requested_by;
    requester
        .user
        .clone()
        .unwrap_or_else(|| requester.uid.to_string())
}

fn took(job: &JobView) -> Option<String> {
    milliseconds_between(job.started_at.as_ref()?, job.finished_at.as_ref()?).map(duration)
}

/// Everything about a job.
fn page(job: &JobView, now: Timestamp, width: Width) -> String {
    let mut text = styled(BOLD, &clean(&format!("job {}: {}", job.id, job.summary)));
    text.push_str("\n\n");

    let requester = &job.requested_by;
    let agent = requester
        .agent
        .as_ref()
        .map(|agent| format!(", {agent}"))
        .unwrap_or_default();
    let mut fields = Fields::default();
    fields
        .add("status", status(job))
        .add(
            "requested",
            format!("{} by {}{agent}", moment(&job.created_at, now), by(job)),
        )
        .add_some("automatic", job.automatic.then_some("yes"))
        .add_some(
            "started",
            job.started_at.as_ref().map(|time| moment(time, now)),
        )
        .add_some(
            "finished",
            job.finished_at.as_ref().map(|time| moment(time, now)),
        )
        .add_some("took", took(job))
        .add_some("waits for", job.waits_for.map(|id| format!("job {id}")))
        .add_some(
            "attempt",
            (job.attempt > 1).then(|| job.attempt.to_string()),
        )
        .add_some(
            "next attempt",
            job.retry_at.as_ref().map(|time| moment(time, now)),
        )
        .add_some(
            "generation",
            job.generation.map(|number| number.to_string()),
        )
        .add_some("progress", progress(job));
    text.push_str(&fields.render());

    if let Some(plan) = job.plan.as_ref().filter(|plan| !plan.changes.is_empty()) {
        text.push('\n');
        text.push_str(&changes::plan_table(&plan.changes, width));
    }
    if job.gc.is_some() {
        text.push('\n');
        text.push_str(gc::told(job, width).trim_end());
        text.push('\n');
    }
    if !job.steps.is_empty() {
        text.push('\n');
        text.push_str(&steps(job));
    }
    for hook in &job.hooks {
        text.push('\n');
        text.push_str(&of_hook(hook));
    }
    for warning in &job.warnings {
        text.push('\n');
        text.push_str(&output::warning(warning));
        text.push('\n');
    }
    if let Some(problem) = &job.error {
        text.push('\n');
        text.push_str(&Failure::from(problem).render());
    }
    text
}

/// A line, and below it what the hook wrote.
fn of_hook(hook: &HookView) -> String {
    let style = match hook.status {
        HookStatus::Succeeded => GOOD,
        HookStatus::Failed | HookStatus::TimedOut | HookStatus::NotStarted => BAD,
    };
    let first = format!(
        "hook {} on {}: {}, {}",
        clean(&hook.name),
        hook.on.as_str(),
        styled(style, &hook.status.as_str().replace('_', " ")),
        duration(hook.duration_ms)
    );
    let message = hook.message.iter().flat_map(|message| message.lines());
    let message = message.map(|line| format!("  {}", clean(line)));
    let back = hook.rollback.map(|job| format!("  job {job} goes back"));
    let output = hook.output.lines();
    let output = output.map(|line| format!("  | {}", clean(line)));
    let lines: Vec<_> = std::iter::once(first)
        .chain(message)
        .chain(back)
        .chain(output)
        .collect();
    lines.join("\n") + "\n"
}

fn progress(job: &JobView) -> Option<String> {
    use packd_wire::ProgressUnit;
    let progress = job.progress.as_ref()?;
    let say = |number: u64| match progress.unit {
        ProgressUnit::Bytes => bytes(number),
        ProgressUnit::Files => count(number, "file", "files"),
    };
    let total = progress
        .total
        .map(|total| format!(" of {}", say(total)))
        .unwrap_or_default();
    Some(format!(
        "{}: {}{total}",
        progress.step.as_str(),
        say(progress.done)
    ))
}

fn steps(job: &JobView) -> String {
    let mut text = String::new();
    for step in &job.steps {
        let mark = match step.status {
            StepStatus::Completed => styled(GOOD, "✓"),
            StepStatus::Failed => styled(BAD, "✗"),
            StepStatus::Stopped => styled(DIM, "-"),
            StepStatus::Running => "…".to_owned(),
        };
        let took = step
            .finished_at
            .as_ref()
            .and_then(|end| milliseconds_between(&step.started_at, end))
            .map(duration)
            .unwrap_or_default();
        let message = clean(step.message.as_deref().unwrap_or(""));
        let line = format!("{mark} {:8}  {took:>7}  {message}", step.name.as_str());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
