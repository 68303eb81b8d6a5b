//! The result of a run for people, in the words that scripts already look for.
//!
//! ```text
//! Test Results:
//! ────────────────────────────────────────
//! Total Tests: 76
//! ✓ Passed: 74
//! ✗ Failed: 0
//! ○ Skipped: 2
//! Pass Rate: 97.4%
//! Duration: 812ms
//! ────────────────────────────────────────
//! ✅ All tests passed: 74/76
//! ```

use std::fmt::Write as _;

use packd_runner::{CaseStatus, Gate, Outcome, Report, Status, TestCase, TestSuite};

use crate::output::text::{clean, count, duration};
use crate::output::{BAD, BOLD, DIM, GOOD, ODD, styled};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// The totals.
    Sum,
    /// Every suite and test, and what failed ones wrote.
    Failures,
    /// What all of them wrote.
    Everything,
}

/// How wide the rules are.
const RULE: usize = 40;

/// A suite begins.
pub(super) fn started(name: &str, number: usize, of: usize) -> String {
    styled(DIM, &format!("[{number}/{of}] {} …", clean(name)))
}

/// A suite has ended.
pub(super) fn finished(suite: &TestSuite) -> String {
    let counts = format!("{} passed, {} failed", suite.passed, suite.failed);
    let mut text = format!(
        "{} {}: {counts} ({})",
        mark(suite.status),
        clean(&suite.name),
        duration(suite.duration_ms)
    );
    if let Some(problem) = &suite.error_message {
        text = format!("{text}: {}", clean(problem));
    }
    text
}

/// The whole result.
pub(super) fn page(report: &Report, detail: Detail) -> String {
    let mut page = Page::default();
    if detail > Detail::Sum {
        for suite in &report.test_suites {
            page.suite(suite, detail);
        }
    }
    let rule = "─".repeat(RULE);
    page.line(&styled(BOLD, "Test Results:"));
    page.line(&rule);
    page.line(&format!("Total Tests: {}", report.total_tests));
    page.line(&format!("{} Passed: {}", styled(GOOD, "✓"), report.passed));
    page.line(&format!("{} Failed: {}", styled(BAD, "✗"), report.failed));
    page.line(&format!("{} Skipped: {}", styled(DIM, "○"), report.skipped));
    page.line(&format!("Pass Rate: {:.1}%", report.pass_rate * 100.0));
    page.line(&format!("Duration: {}ms", report.duration_ms));
    page.line(&rule);
    for suite in &report.test_suites {
        if let Some(problem) = &suite.error_message {
            let name = clean(&suite.name);
            page.line(&format!("{} {name}: {}", styled(BAD, "✗"), clean(problem)));
        }
    }
    page.line(&verdict(report));
    if let Some(gate) = gate(report.gate) {
        page.line(&gate);
    }
    page.0
}

/// The last word.
fn verdict(report: &Report) -> String {
    let (passed, total) = (report.passed, report.total_tests);
    let lacking = total.saturating_sub(passed).saturating_sub(report.skipped);
    match (report.outcome(), report.status) {
        (Outcome::Passed, Status::Skipped) => format!("○ All tests were skipped: {total}/{total}"),
        (Outcome::Passed, _) if lacking > 0 => format!(
            "✅ Enough tests passed: {passed}/{total} (the pack wants {:.1}%)",
            report.min_pass_rate * 100.0
        ),
        (Outcome::Passed, _) if report.skipped > 0 => {
            format!(
                "✅ All tests passed: {passed}/{total} ({} skipped)",
                report.skipped
            )
        }
        (Outcome::Passed, _) => format!("✅ All tests passed: {passed}/{total}"),
        (Outcome::Failed | Outcome::NotRun, _) if total == 0 => {
            "❌ Tests failed: there were none".to_owned()
        }
        // the reasons stand above
        (Outcome::Failed | Outcome::NotRun, _) if lacking == 0 => {
            let wrong = report.test_suites.iter();
            let wrong = wrong.filter(|suite| suite.error_message.is_some()).count();
            let suites = count(wrong as u64, "suite", "suites");
            format!("❌ Tests failed: {suites} went wrong, though no test failed")
        }
        (Outcome::Failed | Outcome::NotRun, _) => format!("❌ Tests failed: {lacking}/{total}"),
    }
}

/// What an install would make of a failure.
fn gate(gate: Gate) -> Option<String> {
    let says = match gate {
        Gate::Pass => return None,
        Gate::Block => "an install of this pack would fail",
        Gate::Warn => "an install of this pack would go on, with a warning",
        Gate::Ignore => "an install of this pack would go on",
    };
    Some(format!("on_failure: {gate}, so {says}"))
}

fn mark(status: Status) -> String {
    match status {
        Status::Passed => styled(GOOD, "✓"),
        Status::Failed => styled(BAD, "✗"),
        Status::Skipped => styled(DIM, "○"),
        Status::Partial => styled(ODD, "◐"),
    }
}

#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn suite(&mut self, suite: &TestSuite, detail: Detail) {
        let tests = count(suite.total, "test", "tests");
        self.line(&format!(
            "{} {} ({}, {tests}, {})",
            mark(suite.status),
            styled(BOLD, &clean(&suite.name)),
            suite.runner_type,
            duration(suite.duration_ms)
        ));
        for case in &suite.test_cases {
            self.case(case, detail);
        }
        if suite.status == Status::Failed || detail == Detail::Everything {
            // the tests that are listed above were read from it
            let told = suite.stdout_is_results && detail < Detail::Everything;
            let stdout = suite.stdout.as_deref().filter(|_| !told);
            self.output("stdout", stdout, "  ");
            self.output("stderr", suite.stderr.as_deref(), "  ");
        }
        self.0.push('\n');
    }

    fn case(&mut self, case: &TestCase, detail: Detail) {
        let mark = match case.status {
            CaseStatus::Passed => styled(GOOD, "✓"),
            CaseStatus::Failed | CaseStatus::Error => styled(BAD, "✗"),
            CaseStatus::Skipped => styled(DIM, "○"),
        };
        let time = if case.duration_ms > 0 {
            format!(" ({})", duration(case.duration_ms))
        } else {
            String::new()
        };
        self.line(&format!("  {mark} {}{time}", clean(&case.name)));
        self.block(case.error_message.as_deref(), "      ");
        let failed = matches!(case.status, CaseStatus::Failed | CaseStatus::Error);
        if failed || detail == Detail::Everything {
            self.output("stdout", case.stdout.as_deref(), "      ");
            self.output("stderr", case.stderr.as_deref(), "      ");
        }
    }

    fn output(&mut self, name: &str, text: Option<&str>, indent: &str) {
        if text.is_some_and(|text| !text.trim().is_empty()) {
            self.line(&format!("{indent}{}", styled(DIM, &format!("{name}:"))));
            self.block(text, &format!("{indent}  "));
        }
    }

    /// Lines of a text from outside, made harmless one by one.
    fn block(&mut self, text: Option<&str>, indent: &str) {
        for line in text.unwrap_or_default().trim_end().lines() {
            let written = writeln!(self.0, "{indent}{}", clean(line));
            debug_assert!(written.is_ok(), "a String takes every write");
        }
    }
}
