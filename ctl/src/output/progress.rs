//! How jobs go on, while they do.
//!
//! On a terminal: a line per finished step with its time, above one moving line
//! per job and a bar per download. Elsewhere: the same lines, and for a long
//! download one line per tenth of it. One instance shows all jobs of a run, so
//! that their lines stand in the same columns.

mod sink;
mod track;

use std::collections::BTreeMap;

use anstream::ColorChoice;
use indicatif::MultiProgress;
use jiff::Timestamp;
use packd_wire::{EventKind, EventView, JobView};

use super::text::{ago, bytes, clean, count, duration};
use super::{DIM, GOOD, Stream, in_a_line, styled, warning};
use sink::Sink;
use track::Track;

/// Room for the longest name of a step.
const STEP_WIDTH: usize = 8;

/// Shows how jobs go on.
pub(crate) struct Progress {
    sink: Sink,
    jobs: BTreeMap<i64, Track>,
    label_width: usize,
    away: bool,
}

impl Progress {
    /// Shows nothing.
    pub(super) fn silent() -> Self {
        Self::to(Sink::Silent)
    }

    /// Writes lines, and never touches one again.
    pub(super) fn lines(stream: Stream) -> Self {
        Self::to(Sink::Lines(stream))
    }

    /// Whether the terminal of standard error can draw a line again; what `TERM` calls `dumb` cannot.
    pub(super) fn can_draw() -> bool {
        !MultiProgress::new().is_hidden()
    }

    /// Draws on the terminal of standard error.
    pub(super) fn live(choice: ColorChoice) -> Self {
        Self::to(Sink::Live {
            bars: MultiProgress::new(),
            choice,
        })
    }

    fn to(sink: Sink) -> Self {
        Self {
            sink,
            jobs: BTreeMap::new(),
            label_width: 0,
            away: false,
        }
    }

    /// Makes a job known before its first event, so that labels have their width.
    pub(crate) fn add(&mut self, job: &JobView) {
        let label = label(job);
        self.label_width = self.label_width.max(label.chars().count());
        self.jobs.insert(job.id, Track::of(label));
    }

    /// The warnings of a job that have been told already.
    pub(crate) fn told(&self, job: i64) -> &[String] {
        self.jobs
            .get(&job)
            .map_or(&[], |track| track.warnings.as_slice())
    }

    /// Whether it is time to say of a job that is still queued what it waits for: that was not said yet.
    pub(crate) fn owes_a_word(&self, job: i64) -> bool {
        let talks = !matches!(self.sink, Sink::Silent);
        let track = self.jobs.get(&job).filter(|_| talks);
        track.is_some_and(|track| !track.begun && !track.wait_told)
    }

    /// Shows on the moving line that a job is queued; elsewhere its turn may come before that is worth a line.
    pub(crate) fn queued(&mut self, job: i64) {
        let width = self.label_width;
        if let Some(track) = self.jobs.get_mut(&job).filter(|track| !track.begun) {
            let label = track.label.clone();
            track.spin(&self.sink, &label, width, &format!("queued as job {job}"));
        }
    }

    /// Says that a job is still queued, and which jobs are at work in the meantime.
    pub(crate) fn still_queued(&mut self, job: i64, at_work: &[JobView]) {
        let others: Vec<String> = at_work
            .iter()
            .map(|other| format!("job {} ({})", other.id, clean(&other.summary)))
            .collect();
        let behind = match others.as_slice() {
            [] => String::new(),
            others => format!("; at work: {}", others.join(", ")),
        };
        self.waits(job, &behind);
    }

    /// Says that a job is queued, and what it waits for.
    fn waits(&mut self, job: i64, behind: &str) {
        let width = self.label_width;
        let Some(track) = self.jobs.get_mut(&job) else {
            return;
        };
        track.wait_told = true;
        let label = track.label.clone();
        let message = format!("queued as job {job}{behind}");
        if matches!(self.sink, Sink::Live { .. }) {
            track.spin(&self.sink, &label, width, &message);
        } else {
            self.sink.line(&format!("  {label:width$}  {message}"));
        }
    }

    /// Says that the daemon is away: once, however many jobs miss it, until something happens again.
    pub(crate) fn away(&mut self) {
        if !std::mem::replace(&mut self.away, true) {
            self.sink.line("packd is away; waiting for it to return");
        }
    }

    /// Shows what happened.
    pub(crate) fn event(&mut self, event: &EventView) {
        if matches!(self.sink, Sink::Silent) {
            return;
        }
        self.away = false;
        let Some(id) = event.job else { return };
        let track = self.jobs.entry(id).or_default();
        let label = match &event.pack_ref {
            Some(pack_ref) => clean(pack_ref).into_owned(),
            None => track.label.clone(),
        };
        self.label_width = self.label_width.max(label.chars().count());
        let width = self.label_width;
        let text = |key: &str| clean(event.data.get(key).and_then(|v| v.as_str()).unwrap_or(""));
        let number = |key: &str| event.data.get(key).and_then(serde_json::Value::as_u64);

        track.begun |= !matches!(event.kind, EventKind::JobQueued | EventKind::Info);

        match event.kind {
            EventKind::JobStarted => {
                track.open.clear();
                if let Some(attempt) = number("attempt").filter(|attempt| *attempt > 1) {
                    self.sink
                        .line(&format!("  {label:width$}  attempt {attempt}"));
                }
                track.spin(&self.sink, &label, width, "started");
            }
            EventKind::StepStarted => {
                track.open.push(text("step").into_owned());
                let message = format!("{:STEP_WIDTH$}  {}", text("step"), text("message"));
                track.spin(&self.sink, &label, width, message.trim_end());
            }
            EventKind::StepCompleted => {
                track.end_downloads();
                track.open.retain(|step| *step != text("step"));
                let time = number("duration_ms").map(duration).unwrap_or_default();
                let head = format!("{label:width$}  {:STEP_WIDTH$}  {time:>7}", text("step"));
                let line = format!("{} {head}  {}", styled(GOOD, "✓"), text("message"));
                self.sink.line(line.trim_end());
            }
            EventKind::Downloading => {
                let url = text("url").into_owned();
                let (done, total) = (number("downloaded_bytes"), number("total_bytes"));
                track.download(&mut self.sink, &label, width, url, done.unwrap_or(0), total);
            }
            EventKind::Extracting => {
                let files = count(number("files").unwrap_or(0), "file", "files");
                let size = number("bytes").map(|count| format!(", {}", bytes(count)));
                let message = format!(
                    "{:STEP_WIDTH$}  {files}{}",
                    "unpack",
                    size.unwrap_or_default()
                );
                track.spin(&self.sink, &label, width, &message);
            }
            EventKind::Testing | EventKind::Verifying => {
                track.spin(&self.sink, &label, width, &looked_at(event));
            }
            EventKind::Warning | EventKind::JobFailed if event.data["retry_at"].is_string() => {
                self.sink
                    .failed_step(&label, width, track.failed_step(&event.data["error"]));
                track.clear();
                self.sink.line(&retry(&label, width, event));
                track.spin(&self.sink, &label, width, "waits for its next attempt");
            }
            EventKind::Warning => {
                let message = event
                    .data
                    .get("message")
                    .and_then(|v| v.as_str())
                    .unwrap_or("");
                track.warnings.push(message.to_owned());
                self.sink.line(&warning(&format!("{label}: {message}")));
            }
            EventKind::Info if !track.begun => {
                let message = format!("; {}", text("message"));
                self.waits(id, &message);
            }
            EventKind::Info => {
                self.sink
                    .line(&format!("  {label:width$}  {}", text("message")));
                track.spin(&self.sink, &label, width, &text("message"));
            }
            EventKind::JobFailed => {
                self.sink
                    .failed_step(&label, width, track.failed_step(&event.data["error"]));
                track.clear();
            }
            EventKind::JobSucceeded | EventKind::JobCancelled => track.clear(),
            EventKind::JobQueued
            | EventKind::PackInstalled
            | EventKind::PackUpdated
            | EventKind::PackRemoved
            | EventKind::PackDamaged
            | EventKind::PackRepaired
            | EventKind::GenerationActivated
            | EventKind::HealthFailed
            | EventKind::HookSucceeded
            | EventKind::HookFailed
            | EventKind::RegistryRefreshed
            | EventKind::RegistryFailed
            | EventKind::UpdateAvailable => {}
        }
    }

    /// Shows how much of an upload has left, or of a download has come; `label` names it until it is a job.
    pub(crate) fn transfer(&mut self, label: &str, done: u64, total: Option<u64>) {
        if matches!(self.sink, Sink::Live { .. }) {
            let label = clean(label).into_owned();
            let width = self.label_width.max(label.chars().count());
            let track = self.jobs.entry(0).or_default();
            track.download(
                &mut self.sink,
                &label,
                width,
                "transfer".to_owned(),
                done,
                total,
            );
        }
    }

    /// Takes the moving lines away; what was finished stays.
    pub(crate) fn clear(&mut self) {
        for track in self.jobs.values_mut() {
            track.clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is being verified or tested.
fn looked_at(event: &EventView) -> String {
    let (what, message) = if event.kind == EventKind::Testing {
        ("test", testing(&event.data))
    } else {
        let message = event.data["message"].as_str().unwrap_or_default();
        ("verify", clean(message).into_owned())
    };
    format!("{what:STEP_WIDTH$}  {message}")
}

/// Which suite of a pack's tests it is, and how far: `unit (1 of 3)`, `unit: 9 of 10 passed`.
fn testing(data: &serde_json::Value) -> String {
    let number = |key: &str| data.get(key).and_then(serde_json::Value::as_u64);
    let suite = clean(data["suite"].as_str().unwrap_or_default()).into_owned();
    match (
        number("passed"),
        number("total"),
        number("number"),
        number("of"),
    ) {
        (Some(passed), Some(total), ..) => format!("{suite}: {passed} of {total} passed"),
        (.., Some(number), Some(of)) => format!("{suite} ({number} of {of})"),
        _ => suite,
    }
}

/// Why an attempt failed, and when the next one is.
fn retry(label: &str, width: usize, event: &EventView) -> String {
    let reason = in_a_line(&event.data["error"]);
    let reason = clean(reason.as_deref().unwrap_or("it failed"));
    let retry_at = event.data["retry_at"].as_str().unwrap_or_default();
    // the clocks of both programs are the same one, but this is about the moment it was said
    let said = event.at.parse().unwrap_or_else(|_| Timestamp::now());
    let head = styled(DIM, &format!("  {label:width$}"));
    format!("{head}  {reason}; trying again {}", ago(retry_at, said))
}

/// What a job is called on its lines: the pack, or what was asked for without its requirement.
pub(crate) fn label(job: &JobView) -> String {
    let planned = job
        .plan
        .iter()
        .flat_map(|plan| &plan.changes)
        .find_map(|c| c.pack_ref.as_deref());
    let asked = || {
        let words = job
            .summary
            .split_once(' ')
            .map_or(job.summary.as_str(), |(_, rest)| rest);
        let last = words
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(words);
        last.split('@').next().unwrap_or(last)
    };
    clean(planned.unwrap_or_else(asked)).into_owned()
}

#[cfg(test)]
mod tests;
