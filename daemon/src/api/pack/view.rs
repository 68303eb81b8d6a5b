//! A pack as the API shows it, from what the store knows of the active ones.

use std::collections::BTreeMap;

use packd_wire::{
    DigestsView, PackState, PackView, QualityView, TestStatus, TestSummary, TestView,
};

use crate::config::Layout;
use crate::store::blocked::Blocked;
use crate::store::hold::Holds;
use crate::store::pack::Installed;
use crate::store::tree;

/// The newest version that the registry of each pack offers.
pub(crate) type Offers = BTreeMap<String, String>;

/// What is known of packs apart from their install.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The latest result of each tree that was tested.
    pub(crate) tests: BTreeMap<String, TestView>,
    /// The packs that are held.
    pub(crate) holds: Holds,
    /// The versions that were rolled back from.
    pub(crate) blocked: Blocked,
    /// The trees that the latest look found something wrong with.
    pub(crate) bad: BTreeMap<String, PackState>,
    /// How each version, by its ref and itself, fared on this host.
    pub(crate) quality: BTreeMap<(String, String), QualityView>,
}

/// Every pack.
pub(crate) fn all(
    active: &BTreeMap<String, Installed>,
    layout: &Layout,
    offers: &Offers,
    facts: &Facts,
) -> Vec<PackView> {
    let needed = needed_by(active);
    active
        .values()
        .map(|pack| view(pack, &needed, layout, offers, facts))
        .collect()
}

/// One pack, when it is active.
pub(crate) fn one(
    active: &BTreeMap<String, Installed>,
    pack_ref: &str,
    layout: &Layout,
    offers: &Offers,
    facts: &Facts,
) -> Option<PackView> {
    active
        .get(pack_ref)
        .map(|pack| view(pack, &needed_by(active), layout, offers, facts))
}

/// Which packs need which.
fn needed_by(active: &BTreeMap<String, Installed>) -> BTreeMap<&str, Vec<String>> {
    let mut needed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for pack in active.values() {
        for dependency in &pack.record.dependencies {
            let name = dependency
                .split_once('@')
                .map_or(dependency.as_str(), |(name, _)| name);
            needed.entry(name).or_default().push(pack.pack_ref.clone());
        }
    }
    needed
}

fn view(
    pack: &Installed,
    needed: &BTreeMap<&str, Vec<String>>,
    layout: &Layout,
    offers: &Offers,
    facts: &Facts,
) -> PackView {
    let tests = tests(pack, facts);
    let key = (pack.pack_ref.clone(), pack.version.clone());
    let quality = facts.quality.get(&key).copied().unwrap_or_default();
    let record = pack.record.clone();
    PackView {
        pack_ref: pack.pack_ref.clone(),
        label: record.label,
        version: pack.version.clone(),
        description: record.description,
        author: record.author,
        license: record.license,
        keywords: record.keywords,
        available: available(pack, offers),
        registry: record.registry,
        source: record.source,
        digest: DigestsView {
            archive: record.archive,
            tree: record.tree,
        },
        verified: record.verified,
        path: layout.current().join(&pack.pack_ref).display().to_string(),
        generation: pack.generation,
        installed_at: pack.at.clone(),
        installed_by: record.installed_by,
        job: pack.job,
        state: state(pack, layout, facts),
        hold: facts.holds.get(&pack.pack_ref).cloned(),
        blocked: facts.blocked.newer(&pack.pack_ref, &pack.version),
        dependencies: record.dependencies,
        required_by: needed
            .get(pack.pack_ref.as_str())
            .cloned()
            .unwrap_or_default(),
        contents: record.contents,
        tests,
        quality,
        system: record.system,
    }
}

/// Whether the tree is there, and what the latest look at it found.
fn state(pack: &Installed, layout: &Layout, facts: &Facts) -> PackState {
    if !tree::is_complete(layout, &pack.dir) {
        return PackState::Missing;
    }
    match facts.bad.get(&pack.dir) {
        // it is back
        None | Some(PackState::Missing) => PackState::Ok,
        Some(state) => *state,
    }
}

/// What is known of the tests of the very tree that is active.
fn tests(pack: &Installed, facts: &Facts) -> TestSummary {
    match facts.tests.get(&pack.record.tree) {
        Some(test) => TestSummary {
            status: test.status,
            id: Some(test.id),
            at: Some(test.at.clone()),
            trigger: Some(test.trigger),
            total: test.total,
            passed: test.passed,
            failed: test.failed,
        },
        None => TestSummary {
            status: if pack.record.skipped.iter().any(|flag| flag == "skip_tests") {
                TestStatus::Skipped
            } else {
                TestStatus::Untested
            },
            id: None,
            at: None,
            trigger: None,
            total: 0,
            passed: 0,
            failed: 0,
        },
    }
}

/// The newest version its registry offers, when it is newer than the active one.
fn available(pack: &Installed, offers: &Offers) -> Option<String> {
    let newest = offers.get(&pack.pack_ref)?;
    let parsed = |text: &str| packd_format::Version::parse(text).ok();
    (parsed(newest)? > parsed(&pack.version)?).then(|| newest.clone())
}
