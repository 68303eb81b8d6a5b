//! What the state folder says by itself: trees, and generations as their folders have them. Reads only.

use std::path::Path;

use packd_format::{Digest, Manifest, PackRef};
use packd_wire::{ContentsView, SourceType, SourceView, Verification, VerifiedView};

use crate::config::Layout;
use crate::store::pack::Record;
use crate::store::record::{self, InstallRecord};
use crate::store::tree::manifest_path;
use crate::store::{generation, time};

/// The trees that lie in the store with their lists, relative to it.
pub(super) fn trees(layout: &Layout) -> Vec<String> {
    let mut trees = Vec::new();
    for shelf in names(&layout.store()) {
        for name in names(&layout.store().join(&shelf)) {
            let dir = format!("{shelf}/{name}");
            if shelf.parse::<PackRef>().is_ok() && layout.store().join(&dir).is_dir() {
                trees.push(dir);
            }
        }
    }
    trees
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The generations that have a folder.
pub(super) fn numbers(layout: &Layout) -> Vec<i64> {
    let names = names(&layout.generations()).into_iter();
    let mut numbers: Vec<i64> = names.filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// A pack of a generation, as its folder has it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// What its record says, or what could be guessed without one.
    pub(super) install: InstallRecord,
    /// Whether it has a record.
    pub(super) is_recorded: bool,
    is_there: bool,
}

/// The packs that the folder of a generation leads to, or nothing if there is no such folder. Blocks.
#[must_use]
pub(crate) fn of_folder(layout: &Layout, number: i64) -> Option<Vec<Found>> {
    let folder = generation::folder(layout, number);
    folder.is_dir().then(|| found(layout, number))
}

/// The highest generation whose packs are all there. Blocks.
#[must_use]
pub(crate) fn newest_whole(layout: &Layout) -> Option<i64> {
    let whole = |number: &&i64| found(layout, **number).iter().all(|one| one.is_there);
    numbers(layout).iter().rev().find(whole).copied()
}

/// What the links of a generation lead to. Blocks.
pub(super) fn found(layout: &Layout, number: i64) -> Vec<Found> {
    let folder = generation::folder(layout, number);
    let mut packs = Vec::new();
    for name in names(&folder) {
        let Ok(target) = fs_err::read_link(folder.join(&name)) else {
            continue;
        };
        let dir = target
            .strip_prefix("../../store")
            .ok()
            .and_then(Path::to_str);
        let Some(dir) = dir.filter(|dir| dir.starts_with(&format!("{name}/"))) else {
            continue;
        };
        let recorded = record::read(layout, dir);
        let is_recorded = recorded.is_some();
        let install = recorded.or_else(|| guessed(layout, &name, dir, number));
        packs.extend(install.map(|install| Found {
            install,
            is_recorded,
            is_there: layout.store().join(dir).is_dir(),
        }));
    }
    packs
}

/// What a tree without a record says of itself.
fn guessed(layout: &Layout, name: &str, dir: &str, number: i64) -> Option<InstallRecord> {
    let pack_ref: PackRef = name.parse().ok()?;
    let (_, of_name) = dir.split_once('/')?;
    let (version, _) = of_name.rsplit_once('-')?;
    let text = fs_err::read(
        layout
            .store()
            .join(dir)
            .join(packd_format::manifest::FILE_NAME),
    );
    let manifest = text
        .ok()
        .and_then(|text| Manifest::parse_known(&text, &pack_ref).ok());
    let record = Record {
        label: manifest.as_ref().and_then(|one| one.label.clone()),
        description: manifest.as_ref().and_then(|one| one.description.clone()),
        author: manifest.as_ref().and_then(|one| one.author.clone()),
        license: manifest.as_ref().and_then(|one| one.license.clone()),
        keywords: manifest
            .as_ref()
            .map_or_else(Vec::new, |one| one.keywords.clone()),
        registry: None,
        registry_id: None,
        source: SourceView {
            source_type: SourceType::Upload,
            url: None,
            path: None,
            git_ref: None,
            commit: None,
        },
        archive: None,
        tree: listed(layout, dir).unwrap_or_default(),
        verified: VerifiedView {
            by: Verification::None,
            at: None,
        },
        installed_by: "unknown".into(),
        dependencies: manifest.as_ref().map_or_else(Vec::new, |one| {
            one.dependencies.iter().map(ToString::to_string).collect()
        }),
        contents: ContentsView::default(),
        system: manifest.as_ref().is_some_and(|one| one.system),
        skipped: Vec::new(),
    };
    let version = manifest.map_or_else(|| version.to_owned(), |one| one.version.to_string());
    Some(InstallRecord {
        pack_ref: name.to_owned(),
        version,
        dir: dir.to_owned(),
        job: 0,
        generation: number,
        installed_at: time::now(),
        event: 0,
        record,
    })
}

/// The digest of a tree's list, or of the tree where the list is gone, if it is the one that the tree's name begins.
fn listed(layout: &Layout, dir: &str) -> Option<String> {
    let short = dir.rsplit_once('-')?.1;
    let of_list = fs_err::read(manifest_path(layout, dir)).ok();
    let of_list = of_list.map(|bytes| Digest::sha256_of(&bytes));
    let fits = |digest: &Digest| digest.hex().starts_with(short);
    let digest = of_list.filter(fits).or_else(|| {
        let scanned = packd_format::tree::scan(&layout.store().join(dir)).ok();
        scanned.map(|list| list.digest()).filter(fits)
    });
    digest.map(|digest| digest.to_string())
}
