//! What is known of one job, and its moving lines.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::STEP_WIDTH;
use super::sink::Sink;
use crate::output::text::{bytes, clean};

/// A download that is smaller is over before a tenth of it is worth a line.
const TENTHS_FROM_BYTES: u64 = 8 * 1024 * 1024;
/// How often the moving lines move.
const TICK: Duration = Duration::from_millis(100);
/// A download whose size is known.
const BAR: &str = "  {prefix}  [{bar:24}] {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";

/// What is known of one job.
#[derive(Default)]
pub(super) struct Track {
    /// What it is called on its lines.
    pub(super) label: String,
    /// Whether an attempt has begun.
    pub(super) begun: bool,
    /// Whether it was said what it waits for before that.
    pub(super) wait_told: bool,
    /// The steps under way, in the order in which they began: fetch and unpack overlap.
    pub(super) open: Vec<String>,
    /// Warnings that have been told.
    pub(super) warnings: Vec<String>,
    /// The moving line.
    spinner: Option<ProgressBar>,
    /// Downloads by URL: their bar, and how many tenths of them have been told.
    downloads: BTreeMap<String, Download>,
}

#[derive(Default)]
struct Download {
    bar: Option<ProgressBar>,
    tenths: u64,
}

impl Track {
    /// A job of which nothing else is known.
    pub(super) fn of(label: String) -> Self {
        Self {
            label,
            ..Self::default()
        }
    }

    /// The step that a problem is about, which none is any more: as it says, or the last to begin.
    pub(super) fn failed_step(&mut self, problem: &Value) -> Option<String> {
        let last = std::mem::take(&mut self.open).pop();
        let said = problem["step"]
            .as_str()
            .map(|step| clean(step).into_owned());
        said.or(last)
    }

    /// Moves the job's line, and says on it what it is at.
    pub(super) fn spin(&mut self, sink: &Sink, label: &str, width: usize, message: &str) {
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

    /// Shows how much of a download has come.
    pub(super) fn download(
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

    /// Takes the bars away.
    pub(super) fn end_downloads(&mut self) {
        for download in std::mem::take(&mut self.downloads).into_values() {
            if let Some(bar) = download.bar {
                bar.finish_and_clear();
            }
        }
    }

    /// Takes everything that moves away.
    pub(super) fn clear(&mut self) {
        self.end_downloads();
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

/// A template of `indicatif`, all of them written in this file.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
}
