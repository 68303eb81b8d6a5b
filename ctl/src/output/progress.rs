//! How jobs go on, while they do.
//!
//! On a terminal: a line per finished step with its time, above one moving line
//! per job and a bar per download. Elsewhere: the same lines, and for a long
//! download one line per tenth of it. One instance shows all jobs of a run, so
//! that their lines stand in the same columns.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use anstream::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use jiff::Timestamp;
use packd_wire::{EventKind, EventView, JobView};

use super::text::{ago, bytes, clean, duration};
use super::{BAD, DIM, GOOD, Stream, styled, warning};

/// A download that is smaller is over before a tenth of it is worth a line.
const TENTHS_FROM_BYTES: u64 = 8 * 1024 * 1024;
/// How often the moving lines move.
const TICK: Duration = Duration::from_millis(100);
/// A download whose size is known.
const BAR: &str = "  {prefix}  [{bar:24}] {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
/// Room for the longest name of a step.
const STEP_WIDTH: usize = 8;

/// Shows how jobs go on.
pub(crate) struct Progress {
    sink: Sink,
    jobs: BTreeMap<i64, Track>,
    label_width: usize,
    away: bool,
}

enum Sink {
    Silent,
    Lines(Stream),
    Live {
        bars: MultiProgress,
        choice: ColorChoice,
    },
}

/// What is known of one job.
#[derive(Default)]
struct Track {
    label: String,
    /// The step under way.
    step: Option<String>,
    /// The moving line.
    spinner: Option<ProgressBar>,
    /// Downloads by URL: their bar, and how many tenths of them have been told.
    downloads: BTreeMap<String, Download>,
    /// Warnings that have been told.
    warnings: Vec<String>,
}

#[derive(Default)]
struct Download {
    bar: Option<ProgressBar>,
    tenths: u64,
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
        self.jobs.insert(
            job.id,
            Track {
                label,
                ..Track::default()
            },
        );
    }

    /// The warnings of a job that have been told already.
    pub(crate) fn told(&self, job: i64) -> &[String] {
        self.jobs
            .get(&job)
            .map_or(&[], |track| track.warnings.as_slice())
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

        match event.kind {
            EventKind::JobStarted => {
                if let Some(attempt) = number("attempt").filter(|attempt| *attempt > 1) {
                    self.sink
                        .line(&format!("  {label:width$}  attempt {attempt}"));
                }
                track.spin(&self.sink, &label, width, "started");
            }
            EventKind::StepStarted => {
                track.step = Some(text("step").into_owned());
                let message = format!("{:STEP_WIDTH$}  {}", text("step"), text("message"));
                track.spin(&self.sink, &label, width, message.trim_end());
            }
            EventKind::StepCompleted => {
                track.end_downloads();
                track.step = None;
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
                let files = number("files").unwrap_or(0);
                let size = number("bytes").map(|count| format!(", {}", bytes(count)));
                let message = format!(
                    "{:STEP_WIDTH$}  {files} files{}",
                    "unpack",
                    size.unwrap_or_default()
                );
                track.spin(&self.sink, &label, width, &message);
            }
            EventKind::Verifying => {
                let message = format!("{:STEP_WIDTH$}  {}", "verify", text("message"));
                track.spin(&self.sink, &label, width, &message);
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
            EventKind::Info => {
                self.sink
                    .line(&format!("  {label:width$}  {}", text("message")));
            }
            EventKind::JobFailed => {
                let step = track.step.take();
                track.clear();
                if let Some(step) = step {
                    let mark = styled(BAD, "✗");
                    self.sink.line(&format!("{mark} {label:width$}  {step}"));
                }
                if let Some(at) = event.data.get("retry_at").and_then(|v| v.as_str()) {
                    self.sink.line(&retry(&label, width, event, at));
                }
            }
            EventKind::JobSucceeded | EventKind::JobCancelled => track.clear(),
            EventKind::JobQueued
            | EventKind::PackInstalled
            | EventKind::PackUpdated
            | EventKind::PackRemoved
            | EventKind::GenerationActivated
            | EventKind::RegistryRefreshed
            | EventKind::RegistryFailed => {}
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

impl Sink {
    fn line(&mut self, text: &str) {
        match self {
            Self::Silent => {}
            Self::Lines(stream) => {
                // nobody can be told that nobody can be told
                drop(writeln!(stream, "{text}").and_then(|()| stream.flush()));
            }
            Self::Live { bars, choice } => {
                let told = if *choice == ColorChoice::Never {
                    bars.println(anstream::adapter::strip_str(text).to_string())
                } else {
                    bars.println(text)
                };
                drop(told);
            }
        }
    }
}

impl Track {
    /// Moves the job's line, and says on it what it is at.
    fn spin(&mut self, sink: &Sink, label: &str, width: usize, message: &str) {
        let Sink::Live { bars, .. } = sink else {
            return;
        };
        let (prefix, message) = (format!("{label:width$}"), message.to_owned());
        if let Some(spinner) = &self.spinner {
            spinner.set_prefix(prefix);
            spinner.set_message(message);
            return;
        }
        // complete before it is added: adding draws
        let spinner = ProgressBar::new_spinner()
            .with_style(style("{spinner} {prefix}  {msg}"))
            .with_prefix(prefix)
            .with_message(message);
        let spinner = bars.add(spinner);
        spinner.enable_steady_tick(TICK);
        self.spinner = Some(spinner);
    }

    fn download(
        &mut self,
        sink: &mut Sink,
        label: &str,
        width: usize,
        url: String,
        done: u64,
        total: Option<u64>,
    ) {
        let download = self.downloads.entry(url).or_default();
        match sink {
            Sink::Silent => {}
            Sink::Live { bars, .. } => {
                let bar = download.bar.get_or_insert_with(|| {
                    let bar = ProgressBar::no_length()
                        .with_style(style("  {prefix}  {bytes}  {bytes_per_sec}"))
                        .with_prefix(format!("{label:width$}"))
                        .with_position(done);
                    if let Some(total) = total {
                        bar.set_style(style(BAR));
                        bar.set_length(total);
                    }
                    bars.add(bar)
                });
                bar.set_position(done);
            }
            Sink::Lines(_) => {
                let Some(total) = total.filter(|total| *total >= TENTHS_FROM_BYTES) else {
                    return;
                };
                let tenths = done.min(total).saturating_mul(10) / total;
                if tenths > download.tenths {
                    download.tenths = tenths;
                    let (percent, size) = (tenths * 10, bytes(total));
                    sink.line(&format!(
                        "  {label:width$}  {:STEP_WIDTH$}  {percent:>5} %  of {size}",
                        "fetch"
                    ));
                }
            }
        }
    }

    fn end_downloads(&mut self) {
        for download in std::mem::take(&mut self.downloads).into_values() {
            if let Some(bar) = download.bar {
                bar.finish_and_clear();
            }
        }
    }

    fn clear(&mut self) {
        self.end_downloads();
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

fn retry(label: &str, width: usize, event: &EventView, retry_at: &str) -> String {
    let detail = event
        .data
        .get("error")
        .and_then(|error| error.get("detail")?.as_str());
    let reason = clean(detail.unwrap_or("it failed"));
    // the clocks of both programs are the same one, but this is about the moment it was said
    let said = event.at.parse().unwrap_or_else(|_| Timestamp::now());
    let head = styled(DIM, &format!("  {label:width$}"));
    format!("{head}  {reason}; trying again {}", ago(retry_at, said))
}

/// A template of `indicatif`, all of them written in this file.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
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
