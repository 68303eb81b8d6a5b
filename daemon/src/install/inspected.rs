//! A pack whose tree lies in the store, and what of the plan is known with it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use packd_format::{Dependency, Manifest};
use packd_wire::{ContentsView, PlanView};

use crate::resolve::{self, Active, Brought, Bytes, Plan, Wanted};
use crate::store::lease::Lease;
use crate::store::pack::Installed;

/// A pack whose tree lies in the store.
#[derive(Debug, Clone)]
pub(super) struct Inspected {
    /// What was wanted.
    pub wanted: Wanted,
    /// Its `pack.yaml`.
    pub manifest: Manifest,
    /// How many components it brings.
    pub contents: ContentsView,
    /// Its tree, relative to `store/`.
    pub dir: String,
    /// Keeps it there until it is active, or nobody wants it.
    pub lease: Lease,
    /// Whether this job put it there.
    pub made: bool,
    /// Where what lay in its place is now, if something else did.
    pub put_away: Option<PathBuf>,
    /// Digest of the tree.
    pub tree: String,
    /// sha256 of the archive, where it was one.
    pub archive: Option<String>,
    /// The place that its bytes really came from.
    pub bytes: Bytes,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// The folder inside the archive that was asked for.
    pub path: Option<String>,
}

/// The plan, as far as its packs are known now.
pub(super) fn plan_view(
    plan: &Plan,
    inspected: &[Inspected],
    active: &Active,
    force: bool,
) -> PlanView {
    let mut view = plan.view(active);
    for (change, wanted) in view.changes.iter_mut().zip(&plan.wanted) {
        let Some(pack) = inspected.iter().find(|pack| pack.wanted.is_same(wanted)) else {
            continue;
        };
        let name = pack.manifest.pack_ref.as_str();
        let from = active.get(name);
        change.pack_ref = Some(name.to_owned());
        change.from = from.map(|pack| pack.version.clone());
        change.to = Some(pack.manifest.version.to_string());
        change.action = match from {
            Some(from) if pack.is_active_as(from) && !force && !pack.made => {
                packd_wire::ChangeAction::Keep
            }
            from => resolve::action(from, Some(&pack.manifest.version)),
        };
        change.source = Some(pack.bytes.shown.clone());
        change.digest.clone_from(&pack.archive);
        let chosen = pack.bytes.commit();
        change.commit = chosen.map(|chosen| chosen.commit.clone());
        change.git_ref = chosen.and_then(|chosen| chosen.git_ref.clone());
    }
    view.changed = view.is_change();
    view
}

/// The packs that are not active already with this very tree; `force` takes none for the same, and a tree that
/// was missing is none that was there.
pub(super) fn without_same_trees(
    mut inspected: Vec<Inspected>,
    active: &Active,
    force: bool,
) -> Vec<Inspected> {
    inspected.retain(|pack| {
        let from = active.get(pack.manifest.pack_ref.as_str());
        force || pack.made || from.is_none_or(|from| !pack.is_active_as(from))
    });
    inspected
}

impl Inspected {
    /// Whether an active pack is this very tree, from where it belongs.
    fn is_active_as(&self, active: &Installed) -> bool {
        active.dir == self.dir
            && (self.registry.is_none() || active.record.registry == self.registry)
    }

    /// Whether it needs what the plan takes it to need.
    pub(super) fn is_as_planned(&self) -> bool {
        let texts = |needs: &[Dependency]| -> BTreeSet<String> {
            needs.iter().map(ToString::to_string).collect()
        };
        let planned = self.wanted.needs.as_deref();
        let needs = texts(&self.manifest.dependencies);
        self.wanted.pack_ref.is_some() && texts(planned.unwrap_or_default()) == needs
    }

    /// What its `pack.yaml` says, for the plan.
    pub(super) fn brought(&self) -> Brought {
        Brought {
            wanted: self.wanted.clone(),
            pack_ref: self.manifest.pack_ref.clone(),
            version: self.manifest.version.clone(),
            dependencies: self.manifest.dependencies.clone(),
        }
    }
}
