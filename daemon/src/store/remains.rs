//! What lies in the state folder, looked at for what could go, and how much of the disk that frees.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::config::Layout;

use super::generation::sync_folder;
use super::{StoreError, time};

/// How many hexadecimal digits of a tree's digest its name has.
const DIGITS: usize = 12;

/// What lies in `store/`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shelves {
    /// The trees, relative to `store/`, each with itself and what lies beside it under its name.
    pub trees: BTreeMap<String, Vec<PathBuf>>,
    /// Files that were not finished, relative to `store/`.
    pub unfinished: Vec<String>,
}

/// Looks through `store/`. What is not packd's is left out. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn shelves(layout: &Layout) -> Result<Shelves, StoreError> {
    let mut shelves = Shelves::default();
    for shelf in entries(&layout.store())? {
        let is_folder = fs_err::symlink_metadata(&shelf).is_ok_and(|about| about.is_dir());
        let Some(pack_ref) = name_of(&shelf).filter(|_| is_folder) else {
            continue;
        };
        for path in entries(&shelf)? {
            let Some(name) = name_of(&path) else {
                continue;
            };
            if let Some(tree) = tree_of(name) {
                let dir = format!("{pack_ref}/{tree}");
                shelves.trees.entry(dir).or_default().push(path);
            } else if name.starts_with(".tmp") {
                shelves.unfinished.push(format!("{pack_ref}/{name}"));
            }
        }
    }
    for paths in shelves.trees.values_mut() {
        // the tree itself first: without it, nothing beside it counts
        paths.sort_by_key(|path| path.as_os_str().len());
    }
    Ok(shelves)
}

/// The tree that a file or folder of a shelf is, or lies beside: what its name has up to `-<d12>`.
fn tree_of(name: &str) -> Option<&str> {
    let is_digest = |text: &str| {
        text.len() == DIGITS
            && (text.bytes()).all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    name.rmatch_indices('-').find_map(|(at, _)| {
        let end = at + 1 + DIGITS;
        let rest = name.get(end..)?;
        let ends = rest.is_empty() || rest.starts_with('.');
        (ends && is_digest(&name[at + 1..end])).then(|| &name[..end])
    })
}

/// Takes a tree, and what lies beside it, out of the store into `trash`, which is on the same file system: from the
/// first rename on it is not complete, and after the last nothing of it is left. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn take_out(paths: &[PathBuf], trash: &Path) -> Result<(), StoreError> {
    for path in paths {
        let Some(name) = path.file_name() else {
            continue;
        };
        match fs_err::rename(path, trash.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::io("take a tree out of the store")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Syncs what [`take_out`] did, before anything of it is deleted: a power cut must not bring half of it back. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn settle(paths: &[PathBuf], trash: &Path) -> Result<(), StoreError> {
    for folder in paths
        .first()
        .and_then(|path| path.parent())
        .into_iter()
        .chain([trash])
    {
        sync_folder(folder)?;
    }
    Ok(())
}

/// The numbers of the folders of `generations/`. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn generations(layout: &Layout) -> Result<Vec<i64>, StoreError> {
    let all = entries(&layout.generations())?;
    let numbers = all.iter().filter_map(|path| {
        let name = name_of(path)?;
        let number: i64 = name.parse().ok()?;
        (number.to_string() == name).then_some(number)
    });
    Ok(numbers.collect())
}

/// What lies in a folder, by name; nothing where there is none. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let all = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        all => all.map_err(StoreError::at("list", folder))?,
    };
    let mut paths = all
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(StoreError::at("list", folder))?;
    paths.sort();
    Ok(paths)
}

/// Those of these that were not changed since `time`. Blocks.
pub(crate) fn older_than(paths: Vec<PathBuf>, time: &str) -> Vec<PathBuf> {
    let is_old = |path: &PathBuf| {
        let changed = fs_err::symlink_metadata(path).and_then(|about| about.modified());
        changed.is_ok_and(|changed| time::is_before(changed, time))
    };
    paths.into_iter().filter(is_old).collect()
}

/// The last part of a path, where it is text.
pub(crate) fn name_of(path: &Path) -> Option<&str> {
    path.file_name().and_then(OsStr::to_str)
}

/// Counts how much of the disk is free without what it is shown. A file with several names counts with the last of
/// them: while another tree has one, nothing is freed.
#[derive(Debug, Default)]
pub(crate) struct Freed {
    seen: HashMap<(u64, u64), u64>,
}

impl Freed {
    /// What is freed by `path`, in bytes, with all that was counted before gone already. Links are not followed. What
    /// cannot be looked at counts nothing. Blocks.
    pub(crate) fn by(&mut self, path: &Path) -> u64 {
        let Ok(about) = fs_err::symlink_metadata(path) else {
            return 0;
        };
        let mut bytes = self.alone(&about);
        if about.is_dir() {
            let below = fs_err::read_dir(path).into_iter().flatten().flatten();
            bytes += below.map(|entry| self.by(&entry.path())).sum::<u64>();
        }
        bytes
    }

    fn alone(&mut self, about: &Metadata) -> u64 {
        const BLOCK: u64 = 512;
        if !about.is_dir() && about.nlink() > 1 {
            let seen = self.seen.entry((about.dev(), about.ino())).or_default();
            *seen += 1;
            if *seen < about.nlink() {
                return 0;
            }
        }
        about.blocks() * BLOCK
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_tree_is_known_by_its_name_and_what_lies_beside_it_too() {
        for (name, tree) in [
            ("1.0.0-0123456789ab", Some("1.0.0-0123456789ab")),
            ("1.0.0-0123456789ab.manifest", Some("1.0.0-0123456789ab")),
            ("1.0.0-0123456789ab.record.json", Some("1.0.0-0123456789ab")),
            (
                "1.0.0-abcdefabcdef.1-0123456789ab.manifest",
                Some("1.0.0-abcdefabcdef.1-0123456789ab"),
            ),
            (
                "1.0.0-rc.1_build-0123456789ab",
                Some("1.0.0-rc.1_build-0123456789ab"),
            ),
            ("1.0.0-0123456789AB", None),
            ("1.0.0-0123456789abc", None),
            ("1.0.0", None),
            (".tmpAbC", None),
            ("notes-é", None),
        ] {
            assert_eq!(tree_of(name), tree, "{name}");
        }
    }

    #[test]
    fn a_shelf_is_sorted_into_trees_and_what_was_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::within(folder.path());
        let shelf = layout.store().join("slack");
        fs_err::create_dir_all(shelf.join("1.0.0-0123456789ab")).unwrap();
        for name in ["1.0.0-0123456789ab.manifest", ".tmpXyz", "README"] {
            fs_err::write(shelf.join(name), "").unwrap();
        }
        let found = shelves(&layout).unwrap();
        let paths = &found.trees["slack/1.0.0-0123456789ab"];
        assert_eq!(paths[0], shelf.join("1.0.0-0123456789ab"), "the tree first");
        assert_eq!((found.trees.len(), paths.len()), (1, 2));
        assert_eq!(found.unfinished, ["slack/.tmpXyz"]);
    }

    #[test]
    fn a_shared_file_counts_with_its_last_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs_err::write(path("alone"), vec![1; 5000]).unwrap();
        fs_err::write(path("one"), vec![1; 5000]).unwrap();
        fs_err::hard_link(path("one"), path("two")).unwrap();
        let mut freed = Freed::default();
        let alone = freed.by(&path("alone"));
        assert!(alone >= 5000, "{alone}");
        assert_eq!(freed.by(&path("one")), 0);
        assert_eq!(freed.by(&path("two")), alone);
    }
}
