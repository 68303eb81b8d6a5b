//! The folder `quarantine/`: what lay in the store in the place of a tree and was not that tree, what somebody changed in
//! trees that were replaced, and files of the state folder that were damaged.
//!
//! packd never looks at it again. It is kept because it may be somebody's work, and because it may say who
//! damaged the store.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::config::Layout;
use crate::fault;

use super::StoreError;
use super::generation::sync_folder;
use super::tree::{make_folder, manifest_path};

/// Moves what lies in the place of the tree `dir`, which is relative to `store/`, to a new folder
/// `quarantine/<ref>-<version>-<d12>.<random>/`: as `tree`, and its list as `manifest`. Returns that folder, or
/// nothing when there is nothing. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn put_away(layout: &Layout, dir: &str) -> Result<Option<PathBuf>, StoreError> {
    let place = layout.store().join(dir);
    match fs_err::symlink_metadata(&place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map_err(StoreError::at("look at", &place))?,
    };
    let folder = new_folder(layout, &dir.replace('/', "-"))?;
    // first, so that it never lies beside something else
    match fs_err::rename(manifest_path(layout, dir), folder.path().join("manifest")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(StoreError::io("put a list of the store away")(error));
        }
        _ => {}
    }
    fault::point("quarantine.begun");
    let tree = folder.path().join("tree");
    fs_err::rename(&place, tree).map_err(StoreError::at("put away", &place))?;
    let folder = folder.keep();
    fault::point("quarantine.moved");
    sync_folder(&folder)?;
    sync_folder(&layout.quarantine())?;
    Ok(Some(folder))
}

/// Copies the tree `dir`, which is relative to `store/`, to a new folder `quarantine/<ref>-<version>-<d12>.<random>/`, as
/// `tree`. Links are copied as links; what is neither a file, a folder nor a link is left out. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn keep_copy(layout: &Layout, dir: &str) -> Result<PathBuf, StoreError> {
    let folder = new_folder(layout, &dir.replace('/', "-"))?;
    let place = layout.store().join(dir);
    copy(&place, &folder.path().join("tree")).map_err(StoreError::at("copy", &place))?;
    let folder = folder.keep();
    sync_folder(&folder)?;
    sync_folder(&layout.quarantine())?;
    Ok(folder)
}

/// Moves a file of the state folder to a new folder `quarantine/<name>.<random>/`, with those that belong to it and are
/// there. Returns that folder, or nothing when none of them is there. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn put_files_away(
    layout: &Layout,
    name: &str,
    paths: &[PathBuf],
) -> Result<Option<PathBuf>, StoreError> {
    let there = |path: &&PathBuf| fs_err::symlink_metadata(path).is_ok();
    let there: Vec<&PathBuf> = paths.iter().filter(there).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let folder = new_folder(layout, name)?;
    for path in there {
        if let Some(name) = path.file_name() {
            fs_err::rename(path, folder.path().join(name))
                .map_err(StoreError::at("put away", path))?;
        }
    }
    let folder = folder.keep();
    sync_folder(&folder)?;
    sync_folder(&layout.quarantine())?;
    sync_folder(&layout.state_dir)?;
    Ok(Some(folder))
}

/// Moves a folder away that lies where a file is to be written. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn clear_for_file(layout: &Layout, path: &Path) -> Result<(), StoreError> {
    if !fs_err::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = put_files_away(layout, &name, &[path.to_owned()])?;
    tracing::warn!(
        ?folder,
        "a folder lay in the place of `{}`; it was put away",
        path.display()
    );
    Ok(())
}

fn new_folder(layout: &Layout, name: &str) -> Result<TempDir, StoreError> {
    let quarantine = layout.quarantine();
    make_folder(&quarantine, 0o700)?;
    tempfile::Builder::new()
        .prefix(&format!("{name}."))
        .tempdir_in(&quarantine)
        .map_err(StoreError::at("make a folder in", &quarantine))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs_err::create_dir(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            fs_err::os::unix::fs::symlink(fs_err::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs_err::copy(entry.path(), &target)?;
        }
    }
    fs_err::File::open(to)?.sync_all()
}
