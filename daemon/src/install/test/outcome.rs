//! From a report to what it means for an install, and to the row that remembers it.

use packd_format::Manifest;
use packd_format::manifest::OnFailure;
use packd_runner::{CaseStatus, Gate, Outcome, Report, Status};
use packd_wire::TestStatus;
use serde_json::Value;

use super::{Subject, TestError, enforced};
use crate::config::SandboxLevel;
use crate::store::test::NewTest;

/// How many failed tests an error names.
const EXAMPLES: usize = 5;

/// The longest reason of a failed test that an error repeats, in characters.
const REASON: usize = 200;

/// The longest report that is kept whole, in bytes.
const LONGEST_REPORT: usize = 1024 * 1024;

/// What came of the tests of a pack.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pack: String,
    version: String,
    /// Whether they were good enough.
    pub(super) good: bool,
    /// Whether the install goes on with a warning.
    pub(super) warns: bool,
    /// In one line.
    pub(super) summary: String,
    /// A few failed ones.
    examples: Vec<String>,
    gate: Gate,
    /// Whether there were none.
    none: bool,
    status: TestStatus,
    counts: [u64; 4],
    pass_rate: f64,
    duration_ms: u64,
    error: Option<String>,
    sandbox: Value,
    report: Option<Value>,
}

impl Verdict {
    /// What a report means.
    pub(super) fn of(manifest: &Manifest, report: &Report, demanded: SandboxLevel) -> Self {
        let good = report.outcome() == Outcome::Passed;
        let counts = [
            report.total_tests,
            report.passed,
            report.failed,
            report.skipped,
        ];
        let error = report
            .test_suites
            .iter()
            .find_map(|suite| Some(format!("{}: {}", suite.name, suite.error_message.as_ref()?)));
        Self {
            pack: manifest.pack_ref.to_string(),
            version: manifest.version.to_string(),
            good,
            warns: report.gate == Gate::Warn,
            summary: summary(report),
            examples: examples(report),
            gate: report.gate,
            none: false,
            status: match report.status {
                Status::Passed => TestStatus::Passed,
                Status::Failed => TestStatus::Failed,
                Status::Skipped => TestStatus::Skipped,
                Status::Partial => TestStatus::Partial,
            },
            counts,
            pass_rate: report.pass_rate,
            duration_ms: report.duration_ms,
            error,
            sandbox: enforced(Some(report), demanded),
            report: Some(shortened(report)),
        }
    }

    /// What it means that the run was ended, or found nothing.
    pub(super) fn ended(manifest: &Manifest, why: String, demanded: SandboxLevel) -> Self {
        let on_failure = manifest
            .testing
            .as_ref()
            .map_or(OnFailure::Block, |testing| testing.on_failure);
        let gate = match on_failure {
            OnFailure::Block => Gate::Block,
            OnFailure::Warn => Gate::Warn,
            OnFailure::Ignore => Gate::Ignore,
        };
        Self {
            pack: manifest.pack_ref.to_string(),
            version: manifest.version.to_string(),
            good: false,
            warns: gate == Gate::Warn,
            summary: why.clone(),
            examples: Vec::new(),
            gate,
            none: false,
            status: TestStatus::Failed,
            counts: [0; 4],
            pass_rate: 0.0,
            duration_ms: 0,
            error: Some(why),
            sandbox: enforced(None, demanded),
            report: None,
        }
    }

    /// What it means that a pack brings none, where it has to.
    pub(super) fn none(manifest: &Manifest, why: &str) -> Self {
        Self {
            gate: Gate::Block,
            warns: false,
            none: true,
            ..Self::ended(manifest, why.to_owned(), SandboxLevel::None)
        }
    }

    /// Why the pack is not activated; or, of a run for its own sake (`manual`), why that failed.
    pub(super) fn stands_in_the_way(&self, manual: bool) -> Option<TestError> {
        if self.good || (!manual && self.gate != Gate::Block) {
            return None;
        }
        let (pack, version) = (self.pack.clone(), self.version.clone());
        Some(if self.none {
            TestError::None {
                pack,
                version,
                why: self.summary.clone(),
                manual,
            }
        } else {
            TestError::Failed {
                pack,
                version,
                summary: self.summary.clone(),
                examples: self.examples.clone(),
                manual,
            }
        })
    }

    /// The row that remembers it.
    pub(super) fn row(&self, subject: &Subject, job: i64) -> NewTest {
        NewTest {
            pack_ref: self.pack.clone(),
            version: self.version.clone(),
            tree: subject.tree.clone(),
            trigger: subject.trigger,
            job,
            status: self.status,
            gate: self.gate.as_str().to_owned(),
            counts: self.counts,
            pass_rate: self.pass_rate,
            duration_ms: self.duration_ms,
            error: self.error.clone(),
            sandbox: self.sandbox.clone(),
            report: self.report.clone(),
        }
    }
}

/// `9 of 10 passed, 1 failed`.
fn summary(report: &Report) -> String {
    let mut text = format!("{} of {} passed", report.passed, report.total_tests);
    for (count, word) in [(report.failed, "failed"), (report.skipped, "skipped")] {
        if count > 0 {
            text = format!("{text}, {count} {word}");
        }
    }
    if report.outcome() != Outcome::Passed && report.min_pass_rate < 1.0 {
        text = format!(
            "{text} (at least {} of those run has to)",
            report.min_pass_rate
        );
    }
    text
}

/// A few tests that failed, each with its suite and its reason.
fn examples(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for suite in &report.test_suites {
        let failed = suite
            .test_cases
            .iter()
            .filter(|case| matches!(case.status, CaseStatus::Failed | CaseStatus::Error));
        let before = lines.len();
        for case in failed {
            let reason = case.error_message.as_deref().unwrap_or("it failed");
            let reason: String = reason
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(REASON)
                .collect();
            lines.push(format!("{}: {}: {reason}", suite.name, case.name));
        }
        if lines.len() == before
            && let Some(error) = &suite.error_message
        {
            lines.push(format!("{}: {error}", suite.name));
        }
    }
    let more = lines.len().saturating_sub(EXAMPLES);
    lines.truncate(EXAMPLES);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// The report as it is kept: what tests wrote is left out of a long one, then the tests.
fn shortened(report: &Report) -> Value {
    let fits = |value: &Value| value.to_string().len() <= LONGEST_REPORT;
    let whole = serde_json::to_value(report).unwrap_or_default();
    if fits(&whole) {
        return whole;
    }
    let mut report = report.clone();
    for suite in &mut report.test_suites {
        (suite.stdout, suite.stderr) = (None, None);
        for case in &mut suite.test_cases {
            (case.stdout, case.stderr) = (None, None);
        }
    }
    report
        .warnings
        .push("the report was too long: what the tests wrote is left out".to_owned());
    let silent = serde_json::to_value(&report).unwrap_or_default();
    if fits(&silent) {
        return silent;
    }
    for suite in &mut report.test_suites {
        suite.test_cases.clear();
    }
    report.test_suites.truncate(EXAMPLES);
    serde_json::to_value(&report).unwrap_or_default()
}
