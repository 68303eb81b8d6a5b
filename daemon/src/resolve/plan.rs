//! A plan: what a job will change, and where the bytes for it are.

use std::collections::BTreeMap;

use packd_format::sign::RegistryId;
use packd_format::{Dependency, Digest, PackRef, Version};
use packd_wire::{HoldChange, LeftOut, Verification};

use super::Target;
use crate::source::{Place, git};
use crate::store::pack::Installed;

/// What a job will change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Packs to bring.
    pub wanted: Vec<Wanted>,
    /// Packs to remove.
    pub removed: Vec<Installed>,
    /// Packs that were active before, to be active again as they were.
    pub again: Vec<Installed>,
    /// The generation that they are from.
    pub target: Option<Target>,
    /// Packs that are already as asked.
    pub kept: Vec<Installed>,
    /// Those to bring that nobody asked for by name.
    pub additional: Vec<String>,
    /// Packs that need each other, each as a way from one back to it.
    pub circles: Vec<Vec<String>>,
    /// Newer versions of those that are kept, by pack.
    pub newer: BTreeMap<String, String>,
    /// Whether the packs that go do so because nobody named them.
    pub pruning: bool,
    /// Packs that are held, or not held any more, afterwards.
    pub holds: Vec<HoldChange>,
    /// Whether it says only what has to be inspected before there can be a plan.
    pub unfinished: bool,
    /// Packs that were to be updated, and stay as they are.
    pub left_out: Vec<LeftOut>,
    /// A pack that was to be removed, and is not installed.
    pub absent: Option<String>,
    /// What was odd but not in the way.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Whether nothing is to be done.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.removed.is_empty() && self.again.is_empty()
    }
}

/// A pack to bring.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its name, when the request or the registry says it.
    pub pack_ref: Option<PackRef>,
    /// Its version, when the registry says it.
    pub version: Option<Version>,
    /// Where its bytes are, the best first.
    pub sources: Vec<Bytes>,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// What the root of that registry calls it, if it is signed.
    pub registry_id: Option<RegistryId>,
    /// The folder inside the archive that is the pack.
    pub path: Option<String>,
    /// What the plan takes it to need, where that is known without having seen it.
    pub needs: Option<Vec<Dependency>>,
    /// Why it is in the plan.
    pub reason: String,
}

impl Wanted {
    /// Whether the same bytes are meant: the one thing that a request brings itself, or the same release of a registry.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let place = |wanted: &Self| wanted.sources.first().map(|bytes| bytes.shown.clone());
        match (&self.registry, &other.registry) {
            (None, None) => {
                // before it was inspected, nobody knows which pack it is
                let one_pack = match (&self.pack_ref, &other.pack_ref) {
                    (Some(one), Some(another)) => one == another,
                    _ => true,
                };
                place(self) == place(other) && self.path == other.path && one_pack
            }
            _ => {
                self.registry == other.registry
                    && self.pack_ref == other.pack_ref
                    && self.version == other.version
            }
        }
    }
}

/// A pack of the plan that was brought already, and what its own `pack.yaml` says.
#[derive(Debug, Clone)]
pub(crate) struct Brought {
    /// What was wanted.
    pub wanted: Wanted,
    /// What it is.
    pub pack_ref: PackRef,
    /// Its version.
    pub version: Version,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// One place where a pack's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    /// How to get there.
    pub place: Place,
    /// The same for people and records, without credentials.
    pub shown: String,
    /// Whether a client sent them.
    pub uploaded: bool,
    /// What they must digest to.
    pub expected: Option<Digest>,
    /// What the tree of the pack must digest to.
    pub tree: Option<Digest>,
    /// Who says so.
    pub verified_by: Verification,
    /// How many they are, when the index says it.
    pub size: Option<u64>,
}

impl Bytes {
    /// The commit of a repository, if that is where they are.
    #[must_use]
    pub(crate) fn commit(&self) -> Option<&git::Chosen> {
        match &self.place {
            Place::Git(at) => Some(&at.chosen),
            Place::Archive(_) => None,
        }
    }
}
