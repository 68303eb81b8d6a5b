//! Sets of the releases of one pack, as the solver reckons with them.
//!
//! A release is its place in [`Pack::candidates`](super::universe::Pack), so a requirement becomes exactly the set of
//! the releases that satisfy it, with whatever rule there is about pre-releases and withdrawn ones. A range
//! of versions could not say that: it would have a hole for each pre-release.

use std::fmt;
use std::ops::Bound;

use pubgrub::{Ranges, VersionSet};

/// Some of the releases of one pack, by their places.
///
/// Always whole intervals `[a, b)` that do not touch, so that equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set(Ranges<u32>);

impl Set {
    /// The places below `count` that are in it.
    pub(super) fn below(&self, count: usize) -> impl DoubleEndedIterator<Item = u32> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        (0..count).filter(|place| self.0.contains(place))
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// From places in ascending order.
impl FromIterator<u32> for Set {
    fn from_iter<T: IntoIterator<Item = u32>>(places: T) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for place in places {
            match runs.last_mut() {
                Some((_, end)) if *end == place => *end += 1,
                _ => runs.push((place, place + 1)),
            }
        }
        Self(
            runs.into_iter()
                .map(|(start, end)| (Bound::Included(start), Bound::Excluded(end)))
                .collect(),
        )
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl VersionSet for Set {
    type V = u32;

    fn empty() -> Self {
        Self(Ranges::empty())
    }

    fn singleton(place: u32) -> Self {
        Self(Ranges::between(place, place + 1))
    }

    fn complement(&self) -> Self {
        Self(self.0.complement())
    }

    fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0))
    }

    fn contains(&self, place: &u32) -> bool {
        self.0.contains(place)
    }

    fn full() -> Self {
        Self(Ranges::full())
    }

    fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0))
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.0.is_disjoint(&other.0)
    }

    fn subset_of(&self, other: &Self) -> bool {
        self.0.subset_of(&other.0)
    }
}
