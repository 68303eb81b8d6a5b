//! What a daemon has: its active packs, and what lies in its folders.

use std::path::{Path, PathBuf};

use packd_wire::{PackList, PackView, path};

use super::Packd;
use crate::support::tree::Tree;

impl Packd {
    /// The active packs.
    #[must_use]
    pub fn packs(&self) -> Vec<PackView> {
        self.get(path::PACKS).expect(200).json::<PackList>().packs
    }

    /// The active packs, as `ref version`.
    #[must_use]
    pub fn active(&self) -> Vec<String> {
        self.packs()
            .iter()
            .map(|pack| format!("{} {}", pack.pack_ref, pack.version))
            .collect()
    }

    /// The folder that consumers read a pack from.
    #[must_use]
    pub fn pack_dir(&self, pack: &str) -> PathBuf {
        self.state_dir().join("current").join(pack)
    }

    /// What consumers see of a pack; `None` when they see none.
    #[must_use]
    pub fn tree(&self, pack: &str) -> Option<Tree> {
        let folder = self.pack_dir(pack);
        folder.exists().then(|| Tree::of(&folder))
    }

    /// The refs under `current`, in order.
    #[must_use]
    pub fn current(&self) -> Vec<String> {
        names(&self.state_dir().join("current"))
    }

    /// What `current` leads to, as `generations/<n>`.
    #[must_use]
    pub fn current_link(&self) -> Option<PathBuf> {
        fs_err::read_link(self.state_dir().join("current")).ok()
    }

    /// What lies in `staging`.
    #[must_use]
    pub fn staging(&self) -> Vec<String> {
        names(&self.state_dir().join("staging"))
    }

    /// Insists that `staging` is empty.
    pub fn staging_is_empty(&self) {
        assert_eq!(
            self.staging(),
            Vec::<String>::new(),
            "something is left in staging"
        );
    }

    /// The trees in the store, as `ref/version-digest`.
    #[must_use]
    pub fn store(&self) -> Vec<String> {
        let store = self.state_dir().join("store");
        let mut trees = Vec::new();
        for pack in names(&store) {
            for tree in names(&store.join(&pack)) {
                if store.join(&pack).join(&tree).is_dir() {
                    trees.push(format!("{pack}/{tree}"));
                }
            }
        }
        trees
    }
}

/// The names in a folder, sorted; none when there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
