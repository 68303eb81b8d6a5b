//! What a run found: Attune's result document, with a few fields more.

use std::fmt;

use packd_format::manifest::{OnFailure, Testing};
use serde::Serialize;

/// The result of all suites.
///
/// ```json
/// {"packRef": "core", "packVersion": "1.2.0", "executionTime": "2026-01-31T12:00:00Z", "status": "passed",
///  "totalTests": 2, "passed": 2, "failed": 0, "skipped": 0, "passRate": 1.0, "durationMs": 31, "testSuites": [],
///  "gate": "pass", "minPassRate": 1.0, "warnings": []}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The pack.
    pub pack_ref: String,
    /// Its version.
    pub pack_version: String,
    /// When it was run: RFC 3339, UTC.
    pub execution_time: String,
    /// What the suites say together.
    pub status: Status,
    /// How many tests there are.
    pub total_tests: u64,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were left out on purpose.
    pub skipped: u64,
    /// `passed` of `total_tests`, 0 to 1; 0 if there are none.
    pub pass_rate: f64,
    /// Milliseconds for all suites.
    pub duration_ms: u64,
    /// The suites, in the declared order.
    pub test_suites: Vec<TestSuite>,
    /// What the result means for an install.
    pub gate: Gate,
    /// The share of the tests that were run which has to pass.
    pub min_pass_rate: f64,
    /// What kept the tests in, in the words of the sandbox; nothing where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<serde_json::Value>,
    /// What was odd, and is not the tests' matter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The result of one suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestSuite {
    /// Its name in the manifest, or the file that was found.
    pub name: String,
    /// What ran it.
    pub runner_type: &'static str,
    /// What it says.
    pub status: Status,
    /// How many tests there are.
    pub total: u64,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were left out on purpose.
    pub skipped: u64,
    /// Milliseconds from its start to its end.
    pub duration_ms: u64,
    /// The exit status of what ran it, if it ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What is wrong with the suite as a whole: no share of passed tests makes up for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Whether it has run at all.
    #[serde(skip)]
    pub was_run: bool,
    /// Whether standard output is the document that the tests were read from.
    #[serde(skip)]
    pub stdout_is_results: bool,
    /// The tests, if they are known one by one; else one that stands for all of them.
    pub test_cases: Vec<TestCase>,
    /// What it wrote, unless the one case has it. Long texts lack their middle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What it wrote to standard error, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

/// The result of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub status: CaseStatus,
    /// Milliseconds; 0 where nobody says.
    pub duration_ms: u64,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// What it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What it wrote to standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

/// What many tests say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All passed.
    Passed,
    /// Some failed, or something else went wrong.
    Failed,
    /// All were left out.
    Skipped,
    /// None failed, but not all passed: some were left out, or nothing is said about them.
    Partial,
}

/// What became of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseStatus {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was left out.
    Skipped,
    /// It could not be brought to its end.
    Error,
}

/// What a result means for an install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// It goes on.
    Pass,
    /// It goes on, with a warning.
    Warn,
    /// It fails.
    Block,
    /// It goes on as if nothing was.
    Ignore,
}

/// What a result means for whoever ran the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As many passed as have to.
    Passed,
    /// Too few passed, or a suite went wrong.
    Failed,
    /// No test failed, but a suite could not be started.
    NotRun,
}

impl Status {
    /// The word of the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Partial => "partial",
        }
    }
}

impl Gate {
    /// The word of the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Block => "block",
            Self::Ignore => "ignore",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many tests there are, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) total: u64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// One test that passed, or did not.
    pub(crate) fn one(passed: bool) -> Self {
        Self {
            total: 1,
            passed: u64::from(passed),
            failed: u64::from(!passed),
            skipped: 0,
        }
    }

    /// The counts of a list.
    pub(crate) fn of(cases: &[TestCase]) -> Self {
        let mut counts = Self::default();
        for case in cases {
            counts.total += 1;
            match case.status {
                CaseStatus::Passed => counts.passed += 1,
                CaseStatus::Failed | CaseStatus::Error => counts.failed += 1,
                CaseStatus::Skipped => counts.skipped += 1,
            }
        }
        counts
    }

    /// Of how many tests something is said.
    pub(crate) fn told(self) -> u64 {
        self.passed
            .saturating_add(self.failed)
            .saturating_add(self.skipped)
    }

    /// What they say. No tests are no success.
    pub(crate) fn status(self) -> Status {
        if self.failed > 0 || self.total == 0 {
            Status::Failed
        } else if self.passed == self.total {
            Status::Passed
        } else if self.skipped == self.total {
            Status::Skipped
        } else {
            Status::Partial
        }
    }

    /// Whether so large a share of those that were not left out passed.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of tests are far below 2^52"
    )]
    pub(crate) fn reach(self, rate: f64) -> bool {
        let run = self.total.saturating_sub(self.skipped);
        // 9 of 10 are 0.9, whatever comes out of 0.9 * 10
        self.total > 0 && self.passed as f64 + 1e-9 >= rate * run as f64
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.total = self.total.saturating_add(other.total);
        self.passed = self.passed.saturating_add(other.passed);
        self.failed = self.failed.saturating_add(other.failed);
        self.skipped = self.skipped.saturating_add(other.skipped);
    }
}

impl TestSuite {
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            total: self.total,
            passed: self.passed,
            failed: self.failed,
            skipped: self.skipped,
        }
    }
}

/// What a report is of.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) pack_ref: String,
    pub(crate) pack_version: String,
    pub(crate) execution_time: String,
    pub(crate) duration_ms: u64,
}

impl Report {
    /// The report of these suites.
    pub(crate) fn new(
        subject: Subject,
        testing: &Testing,
        test_suites: Vec<TestSuite>,
        warnings: Vec<String>,
    ) -> Self {
        let mut counts = Counts::default();
        for suite in &test_suites {
            counts += suite.counts();
        }
        let whole = test_suites
            .iter()
            .all(|suite| suite.error_message.is_none());
        let good = whole && counts.reach(testing.min_pass_rate);
        Self {
            pack_ref: subject.pack_ref,
            pack_version: subject.pack_version,
            execution_time: subject.execution_time,
            status: if whole {
                counts.status()
            } else {
                Status::Failed
            },
            total_tests: counts.total,
            passed: counts.passed,
            failed: counts.failed,
            skipped: counts.skipped,
            pass_rate: rate(counts),
            duration_ms: subject.duration_ms,
            gate: match (good, testing.on_failure) {
                (true, _) => Gate::Pass,
                (false, OnFailure::Block) => Gate::Block,
                (false, OnFailure::Warn) => Gate::Warn,
                (false, OnFailure::Ignore) => Gate::Ignore,
            },
            min_pass_rate: testing.min_pass_rate,
            test_suites,
            sandbox: None,
            warnings,
        }
    }

    /// What it means for whoever ran the tests.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.gate == Gate::Pass {
            return Outcome::Passed;
        }
        let bad = |suite: &TestSuite| suite.error_message.is_some() || suite.failed > 0;
        let only_unstarted = self
            .test_suites
            .iter()
            .filter(|suite| bad(suite))
            .all(|suite| !suite.was_run);
        let any = self.test_suites.iter().any(bad);
        if any && only_unstarted {
            Outcome::NotRun
        } else {
            Outcome::Failed
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of tests are far below 2^52"
)]
fn rate(counts: Counts) -> f64 {
    if counts.total == 0 {
        0.0
    } else {
        counts.passed as f64 / counts.total as f64
    }
}
