//! The folders `generations/<n>/` and the link `current`.
//!
//! A generation is a folder of relative symlinks, one per active pack. It is
//! complete and synced before [`switch`] names it, and never changed
//! afterwards. `current` is replaced by one rename: whoever reads through it
//! sees the old set of packs or the new one, never a mixture.

use fs_err::os::unix::fs::symlink;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Layout;
use crate::fault;

use super::tree::make_folder;
use super::{StoreError, quarantine};

/// The name of a generation's folder relative to the state folder, as `current` has it.
fn relative(number: i64) -> PathBuf {
    Path::new("generations").join(number.to_string())
}

/// The folder of one generation.
#[must_use]
pub(crate) fn folder(layout: &Layout, number: i64) -> PathBuf {
    layout.state_dir.join(relative(number))
}

/// Makes the folder of generation `number`: `trees` maps refs to folders relative to `store/`. The trees of
/// `new` must be there; another one that is missing was so before, and keeps nobody from changing the rest.
///
/// A leftover of the same number, from an attempt that was cut short before its switch, is
/// replaced. Safe to repeat.
///
/// # Errors
/// [`StoreError::Io`]; `current` is untouched.
pub(crate) fn prepare(
    layout: &Layout,
    number: i64,
    trees: &BTreeMap<String, String>,
    new: &[String],
) -> Result<(), StoreError> {
    for pack_ref in new {
        // a link to nothing would be a half-made pack under `current`
        if let Some(dir) = trees.get(pack_ref) {
            fs_err::metadata(layout.store().join(dir))
                .map_err(StoreError::io(format!("find the tree of `{pack_ref}`")))?;
        }
    }
    discard(layout, number)?;
    link(layout, number, trees.iter())
}

/// Makes again what is missing of the folder of generation `number`, and says whether something was. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn restore(
    layout: &Layout,
    number: i64,
    trees: &BTreeMap<String, String>,
) -> Result<bool, StoreError> {
    if is_whole(layout, number, trees) {
        return Ok(false);
    }
    let folder = folder(layout, number);
    let name = format!("generation-{number}");
    if !folder.is_dir() {
        quarantine::put_files_away(layout, &name, std::slice::from_ref(&folder))?;
    }
    let missing: Vec<_> = trees
        .iter()
        .filter(|(pack_ref, dir)| !is_link(&folder.join(pack_ref), dir))
        .collect();
    let odd: Vec<_> = missing
        .iter()
        .map(|(pack_ref, _)| folder.join(pack_ref))
        .collect();
    quarantine::put_files_away(layout, &name, &odd)?;
    link(layout, number, missing.into_iter())?;
    Ok(true)
}

/// Whether the folder of a generation is there, with the links to these trees, by ref. Blocks.
#[must_use]
pub(crate) fn is_whole(layout: &Layout, number: i64, trees: &BTreeMap<String, String>) -> bool {
    let folder = folder(layout, number);
    let is_right = |(pack_ref, dir): (&String, &String)| is_link(&folder.join(pack_ref), dir);
    folder.is_dir() && trees.iter().all(is_right)
}

/// Whether there is a link to this tree.
fn is_link(path: &Path, dir: &str) -> bool {
    fs_err::read_link(path).is_ok_and(|target| target == tree_of(dir))
}

/// A tree as the links of generations have it.
fn tree_of(dir: &str) -> PathBuf {
    Path::new("../../store").join(dir)
}

/// Moves `current`, whatever it is, to `quarantine/`, and says where. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn put_current_away(layout: &Layout) -> Result<Option<PathBuf>, StoreError> {
    quarantine::put_files_away(layout, "current", &[layout.current()])
}

/// Links trees into the folder of a generation, which is made if it is not there, and syncs it.
fn link<'a>(
    layout: &Layout,
    number: i64,
    trees: impl Iterator<Item = (&'a String, &'a String)>,
) -> Result<(), StoreError> {
    let generations = layout.generations();
    make_folder(&generations, 0o755)?;
    let folder = folder(layout, number);
    make_folder(&folder, 0o755)?;
    fault::point("generation.begun");
    for (pack_ref, dir) in trees {
        let tree = tree_of(dir);
        let doing = format!("link `{pack_ref}` into generation {number}");
        symlink(tree, folder.join(pack_ref)).map_err(StoreError::io(doing))?;
    }
    fault::point("generation.linked");
    sync_folder(&folder)?;
    sync_folder(&generations)
}

/// Removes the folder of a generation that was never switched to, if it is there.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn discard(layout: &Layout, number: i64) -> Result<(), StoreError> {
    match fs_err::remove_dir_all(folder(layout, number)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::Io {
            doing: format!("remove generation {number}"),
            source: error,
        }),
        _ => Ok(()),
    }
}

/// Lets `current` name generation `number`, by one rename, and syncs it.
///
/// # Errors
/// [`StoreError::Io`]; then `current` is as it was, or, when only the sync failed, switched.
pub(crate) fn switch(layout: &Layout, number: i64) -> Result<(), StoreError> {
    let next = layout.state_dir.join("current.next");
    match fs_err::remove_file(&next) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(StoreError::Io {
                doing: "remove a leftover link".into(),
                source: error,
            });
        }
        _ => {}
    }
    symlink(relative(number), &next).map_err(StoreError::io("make the next `current`"))?;
    fault::point("current.next");
    fs_err::rename(&next, layout.current()).map_err(StoreError::io("switch `current`"))?;
    fault::point("current.switched");
    sync_folder(&layout.state_dir)
}

/// The generation that `current` names, if there is the link.
///
/// # Errors
/// [`StoreError::CurrentOdd`] when it is something else; [`StoreError::Io`].
pub(crate) fn current(layout: &Layout) -> Result<Option<i64>, StoreError> {
    let path = layout.current();
    let target = match fs_err::read_link(&path) {
        Ok(target) => target,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            return Err(StoreError::CurrentOdd { path });
        }
        Err(source) => {
            return Err(StoreError::Io {
                doing: "read `current`".into(),
                source,
            });
        }
    };
    let number = target
        .strip_prefix("generations")
        .ok()
        .and_then(Path::to_str)
        .and_then(|number| number.parse().ok())
        .filter(|number| relative(*number) == target);
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(StoreError::CurrentOdd { path }),
    }
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    fs_err::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(StoreError::io("sync a folder"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn state() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::within(folder.path());
        super::super::tree::make_folders(&layout).unwrap();
        (folder, layout)
    }

    #[test]
    fn current_follows_the_switch_and_the_links_are_relative() {
        let (_folder, layout) = state();
        assert_eq!(current(&layout).unwrap(), None);
        fs_err::create_dir_all(layout.store().join("slack/1.0.0-abc")).unwrap();
        let trees = BTreeMap::from([("slack".to_owned(), "slack/1.0.0-abc".to_owned())]);
        let new = ["slack".to_owned()];

        prepare(&layout, 1, &trees, &new).unwrap();
        assert_eq!(current(&layout).unwrap(), None, "preparing changes nothing");
        switch(&layout, 1).unwrap();
        assert_eq!(current(&layout).unwrap(), Some(1));
        assert!(layout.current().join("slack").is_dir());

        prepare(&layout, 2, &BTreeMap::new(), &[]).unwrap();
        prepare(&layout, 2, &trees, &new).unwrap();
        switch(&layout, 2).unwrap();
        assert_eq!(
            fs_err::read_link(layout.current()).unwrap(),
            Path::new("generations/2")
        );
        assert_eq!(
            fs_err::read_link(layout.current().join("slack")).unwrap(),
            Path::new("../../store/slack/1.0.0-abc")
        );
    }

    #[test]
    fn a_generation_never_links_to_a_new_tree_that_is_not_there() {
        let (_folder, layout) = state();
        let trees = BTreeMap::from([("slack".to_owned(), "slack/gone".to_owned())]);
        assert!(prepare(&layout, 1, &trees, &["slack".to_owned()]).is_err());
        assert!(!folder(&layout, 1).exists());
        prepare(&layout, 1, &trees, &[]).expect("one that was lost before is in nobody's way");
    }

    #[test]
    fn what_is_missing_of_a_generation_is_made_again() {
        let (_folder, layout) = state();
        let trees = ["slack", "teams"].map(|name| (name.to_owned(), format!("{name}/1.0.0-abc")));
        let trees = BTreeMap::from(trees);
        prepare(&layout, 1, &trees, &[]).unwrap();
        assert!(!restore(&layout, 1, &trees).unwrap(), "nothing is missing");

        fs_err::remove_file(folder(&layout, 1).join("slack")).unwrap();
        assert!(!is_whole(&layout, 1, &trees));
        assert!(restore(&layout, 1, &trees).unwrap());
        fs_err::remove_dir_all(layout.generations()).unwrap();
        assert!(restore(&layout, 1, &trees).unwrap());
        assert!(is_whole(&layout, 1, &trees));
        assert_eq!(
            fs_err::read_link(folder(&layout, 1).join("slack")).unwrap(),
            Path::new("../../store/slack/1.0.0-abc")
        );
    }

    #[test]
    fn an_odd_current_is_refused() {
        let (_folder, layout) = state();
        fs_err::create_dir(layout.current()).unwrap();
        assert!(matches!(
            current(&layout),
            Err(StoreError::CurrentOdd { .. })
        ));
        fs_err::remove_dir(layout.current()).unwrap();
        for target in [
            "generations/../../etc",
            "elsewhere/1",
            "generations/x",
            "generations/01",
        ] {
            symlink(target, layout.current()).unwrap();
            assert!(
                matches!(current(&layout), Err(StoreError::CurrentOdd { .. })),
                "{target}"
            );
            fs_err::remove_file(layout.current()).unwrap();
        }
    }
}
