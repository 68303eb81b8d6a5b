//! What test programs print themselves at the end, for suites that print no labels.
//!
//! `unittest` prints `Ran 3 tests in 0.001s` and `FAILED (failures=1, skipped=1)`, `pytest` prints
//! `=== 1 failed, 2 passed in 0.01s ===`, `jest` prints `Tests:  1 failed, 2 passed, 3 total`. Without this, a suite that
//! finds no test at all would pass by its exit status.

use packd_format::manifest::RunnerKind;

use super::simple::number;
use crate::report::Counts;

/// What lines of summaries have in them, each at least one.
pub(super) const PARTS: &[&str] = &["Ran ", "OK", "FAILED", "NO TESTS RAN", "Tests:", " in "];

/// The last summary of each program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Summary {
    /// How many tests `unittest` ran, until it says how that went.
    ran: Option<u64>,
    unittest: Option<Counts>,
    pytest: Option<Counts>,
    jest: Option<Counts>,
}

impl Summary {
    /// Looks at a line.
    pub(super) fn line(&mut self, line: &str) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Ran ")
            && rest.contains(" test")
            && rest.contains(" in ")
        {
            self.ran = number(rest);
        } else if let Some(total) = self.ran
            && let Some(counts) = unittest(line, total)
        {
            self.unittest = Some(counts);
            self.ran = None;
        } else if let Some(rest) = line.strip_prefix("Tests:") {
            self.jest = jest(rest).or(self.jest);
        } else if let Some(counts) = pytest(line) {
            self.pytest = Some(counts);
        }
    }

    /// What this kind of runner says.
    pub(super) fn counts(&self, kind: &RunnerKind) -> Option<Counts> {
        match kind {
            RunnerKind::Unittest => self.unittest,
            RunnerKind::Pytest => self.pytest,
            RunnerKind::Jest => self.jest,
            RunnerKind::Script | RunnerKind::Executable | RunnerKind::Command(_) => None,
        }
    }
}

/// `OK`, `OK (skipped=1)`, `FAILED (failures=1, errors=2)`, `NO TESTS RAN`.
fn unittest(line: &str, total: u64) -> Option<Counts> {
    let (word, details) = line.split_once('(').unwrap_or((line, ""));
    let word = word.trim();
    if !matches!(word, "OK" | "FAILED" | "NO TESTS RAN") {
        return None;
    }
    let (mut failed, mut skipped) = (0_u64, 0_u64);
    for detail in details.trim_end_matches(')').split(',') {
        let Some((name, count)) = detail.split_once('=') else {
            continue;
        };
        let count = number(count).unwrap_or(0);
        match name.trim() {
            "failures" | "errors" | "unexpected successes" => {
                failed = failed.saturating_add(count);
            }
            "skipped" => skipped = skipped.saturating_add(count),
            // an expected failure is as it should be
            _ => {}
        }
    }
    if word == "FAILED" {
        failed = failed.max(1);
    }
    // a class or a module that cannot be set up, or is skipped whole, is no test that ran
    let total = total.max(failed.saturating_add(skipped));
    Some(Counts {
        total,
        passed: total.saturating_sub(failed).saturating_sub(skipped),
        failed,
        skipped,
    })
}

/// `=== 1 failed, 2 passed, 1 skipped in 0.12s ===`, with or without the rules; `no tests ran in 0.01s`.
fn pytest(line: &str) -> Option<Counts> {
    let line = line.trim_matches('=').trim();
    let (items, time) = line.rsplit_once(" in ")?;
    if !time.starts_with(|c: char| c.is_ascii_digit()) || !time.contains('s') {
        return None;
    }
    if items == "no tests ran" {
        return Some(Counts::default());
    }
    sum(items)
}

/// ` 1 failed, 1 skipped, 2 passed, 4 total`.
fn jest(items: &str) -> Option<Counts> {
    items.contains("total").then(|| sum(items)).flatten()
}

/// Adds up a list of counts with words; nothing if it is another list.
fn sum(items: &str) -> Option<Counts> {
    let (mut passed, mut failed, mut skipped) = (0_u64, 0_u64, 0_u64);
    for item in items.split(',') {
        let (count, word) = item.trim().split_once(' ')?;
        let count = count.parse::<u64>().ok()?;
        let slot = match word.trim() {
            // what fails as expected, or passes unexpectedly, does not fail the run
            "passed" | "xfailed" | "xpassed" => &mut passed,
            "failed" | "error" | "errors" => &mut failed,
            "skipped" | "todo" => &mut skipped,
            "deselected" | "warning" | "warnings" | "rerun" | "total" => continue,
            _ => return None,
        };
        *slot = slot.saturating_add(count);
    }
    Some(Counts {
        total: passed.saturating_add(failed).saturating_add(skipped),
        passed,
        failed,
        skipped,
    })
}
