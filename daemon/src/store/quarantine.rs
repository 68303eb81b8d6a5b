//! The folder `quarantine/`: what lay in the store in the place of a tree and was not that tree.
//!
//! packd never looks at it again. It is kept because it may be somebody's work, and because it may say who
//! damaged the store.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::config::Layout;

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
    let quarantine = layout.quarantine();
    make_folder(&quarantine, 0o700)?;
    let folder = tempfile::Builder::new()
        .prefix(&format!("{}.", dir.replace('/', "-")))
        .tempdir_in(&quarantine)
        .map_err(StoreError::at("make a folder in", &quarantine))?;
    // first, so that it never lies beside something else
    match fs_err::rename(manifest_path(layout, dir), folder.path().join("manifest")) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(StoreError::io("put a list of the store away")(error));
        }
        _ => {}
    }
    let tree = folder.path().join("tree");
    fs_err::rename(&place, tree).map_err(StoreError::at("put away", &place))?;
    let folder = folder.keep();
    sync_folder(&folder)?;
    sync_folder(&quarantine)?;
    Ok(Some(folder))
}
