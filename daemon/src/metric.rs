//! Figures for monitoring: what is measured while packd runs, and the page that a scrape gets.
//!
//! Most figures are counted from the database when they are asked for, so that they are right after a restart too. How long
//! steps take and how many bytes came is measured here, from the start of the process.

pub(crate) mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What tells the rows of a figure apart: names and values.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// The bounds of the buckets of durations, in seconds: from what is not felt to what is an evening.
const BUCKETS: [f64; 12] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0,
];

/// How long the steps of jobs took; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StepTimes(Family<Labels, Histogram, fn() -> Histogram>);

impl Default for StepTimes {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(BUCKETS)))
    }
}

impl StepTimes {
    /// Notes that a step was completed.
    pub(crate) fn note(&self, step: &str, took: Duration) {
        let labels = vec![("step", step.to_owned())];
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// How often hooks and the health of the host ended how, since the start; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes {
    hooks: Family<Labels, Counter>,
    health: Counter,
}

impl Outcomes {
    /// Notes that a hook ended.
    pub(crate) fn hook(&self, name: &str, result: &str) {
        let labels = vec![("hook", name.to_owned()), ("result", result.to_owned())];
        self.hooks.get_or_create(&labels).inc();
    }

    /// Notes that a generation was gone back from.
    pub(crate) fn health(&self) {
        self.health.inc();
    }
}

/// Bytes since the start; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bytes(Arc<AtomicU64>);

impl Bytes {
    /// Counts some more.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// All so far.
    pub(crate) fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A page in the OpenMetrics text format.
#[derive(Debug)]
pub(crate) struct Page {
    registry: Registry,
}

impl Page {
    /// The content type of [`Page::text`].
    pub(crate) const CONTENT_TYPE: &str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// An empty page.
    pub(crate) fn new() -> Self {
        Self {
            registry: Registry::default(),
        }
    }

    /// Adds what can go up and down.
    #[expect(
        clippy::cast_precision_loss,
        reason = "figures of monitoring are floating-point numbers"
    )]
    pub(crate) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).set(value as f64);
        }
        self.registry.register(name, help, family);
    }

    /// Adds what only goes up; the format adds `_total` to its name.
    pub(crate) fn counter(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in rows {
            family.get_or_create(&labels).inc_by(value);
        }
        self.registry.register(name, help, family);
    }

    /// Adds seconds that only become more; the format adds `_total` to its name.
    pub(crate) fn seconds(&mut self, name: &str, help: &str, value: Option<f64>) {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        if let Some(value) = value {
            family.get_or_create(&Vec::new()).inc_by(value);
        }
        self.registry.register(name, help, family);
    }

    /// Adds how long something took.
    pub(crate) fn times(&mut self, name: &str, help: &str, times: &StepTimes) {
        self.registry.register(name, help, times.0.clone());
    }

    /// Adds how hooks and the health of the host ended.
    pub(crate) fn outcomes(&mut self, outcomes: &Outcomes) {
        self.registry.register(
            "packd_hook_runs",
            "Runs of hooks since the start",
            outcomes.hooks.clone(),
        );
        self.registry.register(
            "packd_health_failures",
            "Automatic updates that were taken back because the host was not well, since the start",
            outcomes.health.clone(),
        );
    }

    /// The whole page.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // a String takes everything
        let _never = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_open_metrics() {
        let mut page = Page::new();
        let label = |value: &str| vec![("state", value.to_owned())];
        let rows = [(label("ok"), 3), (label("a \"b\"\n"), 0)];
        page.gauge("packd_packs", "Active packs", rows);
        page.counter("packd_events", "Events", [(Vec::new(), 7)]);
        let times = StepTimes::default();
        times.note("fetch", Duration::from_millis(20));
        page.times("packd_step_seconds", "Steps", &times);
        let text = page.text();
        for line in [
            "# HELP packd_packs Active packs.",
            "# TYPE packd_packs gauge",
            "packd_packs{state=\"ok\"} 3.0",
            "packd_packs{state=\"a \\\"b\\\"\\n\"} 0.0",
            "# TYPE packd_events counter",
            "packd_events_total 7",
            "packd_step_seconds_bucket{le=\"0.005\",step=\"fetch\"} 0",
            "packd_step_seconds_bucket{le=\"0.025\",step=\"fetch\"} 1",
            "packd_step_seconds_count{step=\"fetch\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn bytes_add_up() {
        let bytes = Bytes::default();
        bytes.add(3);
        bytes.clone().add(4);
        assert_eq!(bytes.total(), 7);
    }
}
