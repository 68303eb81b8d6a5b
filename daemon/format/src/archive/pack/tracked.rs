//! What git tracks of a folder, which is no matter of ignore files: git ignores nothing that it tracks.

use std::collections::BTreeSet;

/// What git tracks of a folder, by path from there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tracked {
    /// Files, links and submodules, and the folders they lie in.
    paths: BTreeSet<String>,
    submodules: BTreeSet<String>,
}

impl Tracked {
    /// Takes what the index has: paths, and whether each is that of a submodule.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut tracked = Self::default();
        for (path, is_submodule) in entries {
            for (at, _) in path.match_indices('/') {
                if !tracked.paths.contains(&path[..at]) {
                    tracked.paths.insert(path[..at].to_owned());
                }
            }
            if is_submodule {
                tracked.submodules.insert(path.clone());
            }
            tracked.paths.insert(path);
        }
        tracked
    }

    /// Whether this is tracked, or something in it.
    pub(super) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub(super) fn is_submodule(&self, path: &str) -> bool {
        self.submodules.contains(path)
    }
}
