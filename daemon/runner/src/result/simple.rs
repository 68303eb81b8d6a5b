//! Format `simple`: four labels, each with a number behind it, anywhere in the output.
//!
//! ```text
//! Total Tests: 36
//! Passed: 35
//! Failed: 1
//! Skipped: 0
//! ```

use crate::report::Counts;

/// The labels, in the order of the counts.
pub(super) const LABELS: [&str; 4] = ["Total Tests:", "Passed:", "Failed:", "Skipped:"];

/// The first number behind each label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Labels {
    total: Option<u64>,
    passed: Option<u64>,
    failed: Option<u64>,
    skipped: Option<u64>,
}

impl Labels {
    /// Looks at a line.
    pub(super) fn line(&mut self, line: &str) {
        let slots = [
            &mut self.total,
            &mut self.passed,
            &mut self.failed,
            &mut self.skipped,
        ];
        for (label, slot) in LABELS.iter().zip(slots) {
            if slot.is_none()
                && let Some((_, rest)) = line.split_once(*label)
            {
                *slot = number(rest);
            }
        }
    }

    /// These, and from another stream what they lack.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            total: self.total.or(other.total),
            passed: self.passed.or(other.passed),
            failed: self.failed.or(other.failed),
            skipped: self.skipped.or(other.skipped),
        }
    }

    /// The counts. Nothing without a total and how many passed of it.
    pub(super) fn counts(self) -> Option<Counts> {
        Some(Counts {
            total: self.total?,
            passed: self.passed?,
            failed: self.failed.unwrap_or(0),
            skipped: self.skipped.unwrap_or(0),
        })
    }
}

/// The number that a text begins with.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}
