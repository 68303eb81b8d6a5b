//! Which generations are kept: a rule on facts, without a look at disk or clock.

use std::collections::BTreeSet;

use super::pack::GenerationStatus;

/// What decides whether a generation is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its number.
    pub number: i64,
    /// Where it stands.
    pub status: GenerationStatus,
    /// Its place among the switches, from 1: the one that was switched to last has the highest. None while pending.
    pub activation: Option<i64>,
    /// When it was last switched to, in the form of [`super::time`]; none while pending.
    pub activated_at: Option<String>,
    /// Whether somebody wants it for ever.
    pub pinned: bool,
}

/// How long generations are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// So many that were switched to last, the current one among them.
    pub newest: usize,
    /// All that were switched to since, in the form of [`super::time`]. What is to come counts too: the clock has been
    /// set back.
    pub since: String,
}

/// The numbers of the generations that are kept: the newest, the young, the current one, the pending, and the pinned.
#[must_use]
pub(crate) fn kept(all: &[Facts], rule: &Rule) -> BTreeSet<i64> {
    let mut by_age: Vec<&Facts> = (all.iter())
        .filter(|facts| facts.status != GenerationStatus::Pending)
        .collect();
    by_age.sort_by_key(|facts| std::cmp::Reverse((facts.activation, facts.number)));
    let newest = by_age.iter().take(rule.newest).map(|facts| facts.number);
    let others = all.iter().filter(|facts| {
        facts.pinned
            || facts.status != GenerationStatus::Past
            || (facts.activated_at.as_ref()).is_none_or(|at| *at > rule.since)
    });
    newest.chain(others.map(|facts| facts.number)).collect()
}

#[cfg(test)]
mod tests;
