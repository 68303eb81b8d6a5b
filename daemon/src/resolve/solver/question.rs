//! What a plan is to be found for: everything that the solver knows from the start.

use std::collections::{BTreeMap, BTreeSet};

use packd_format::{Dependency, PackRef, PreReleases, Requirement, Version};

use super::universe::Candidate;

/// What is asked, and what there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    /// The packs that are asked for.
    pub wants: Vec<Want>,
    /// The packs that are active now.
    pub installed: BTreeMap<PackRef, Present>,
    /// What packs are held or pinned to.
    pub limits: Vec<Limit>,
    /// The active packs that stay only where another one needs them: what they need themselves is in nobody's way.
    pub leaving: BTreeSet<PackRef>,
    /// Whether pre-releases are considered where nobody names one.
    pub pre: PreReleases,
}

/// A pack that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Want {
    /// The pack.
    pub pack_ref: PackRef,
    /// Which versions will do.
    pub requirement: Requirement,
    /// The only registry that may answer; it may be another one than the installed pack came from.
    pub registry: Option<String>,
    /// Whether the installed release does not count: it is to be brought again.
    pub again: bool,
    /// The very release, where the request brings it.
    pub given: Option<Candidate>,
}

impl Want {
    /// A pack in some version.
    #[must_use]
    pub(crate) fn new(pack_ref: PackRef, requirement: Requirement) -> Self {
        Self {
            pack_ref,
            requirement,
            registry: None,
            again: false,
            given: None,
        }
    }
}

/// An active pack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Present {
    /// Its version.
    pub version: Version,
    /// The registry that it came from, if it came from one. It stays with that.
    pub registry: Option<String>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// A pack that may be in some versions only: a hold, or a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    /// The pack.
    pub pack_ref: PackRef,
    /// The versions that it may be in.
    pub requirement: Requirement,
    /// Who says so, as the end of a sentence: `is held at 2.1.0`.
    pub why: String,
    /// What lifts it.
    pub hint: String,
}

impl Question {
    /// What is asked of a pack.
    #[must_use]
    pub(super) fn want(&self, pack_ref: &PackRef) -> Option<&Want> {
        self.wants.iter().find(|want| want.pack_ref == *pack_ref)
    }

    /// Whether an active pack is in a version that will do.
    #[must_use]
    pub(super) fn is_met(&self, need: &Dependency) -> bool {
        self.installed.get(&need.pack_ref).is_some_and(|pack| {
            need.requirement
                .matches(&pack.version, PreReleases::Include)
        })
    }
}
