//! The throw-away copy that tests are run on.
//!
//! Contents are copied, or shared by the file system until one side writes; never linked, as a write through a hard link
//! would change the tree in the store.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, lchown};
use std::path::Path;

use crate::sandbox::User;

/// Makes a folder with exactly this mode.
pub(crate) fn make_folder(path: &Path, mode: u32, owner: Option<User>) -> io::Result<()> {
    fs_err::create_dir(path)?;
    fs_err::set_permissions(path, Permissions::from_mode(mode))?;
    own(path, owner)
}

/// Copies a tree, for another user if the tests are run as one. Blocks.
pub(super) fn copy(from: &Path, to: &Path, owner: Option<User>) -> io::Result<()> {
    make_folder(to, 0o755, owner)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&entry.path(), &target, owner)?;
        } else if kind.is_symlink() {
            fs_err::os::unix::fs::symlink(fs_err::read_link(entry.path())?, &target)?;
            own(&target, owner)?;
        } else {
            // with its mode
            fs_err::copy(entry.path(), &target)?;
            own(&target, owner)?;
        }
    }
    Ok(())
}

fn own(path: &Path, owner: Option<User>) -> io::Result<()> {
    match owner {
        Some(user) => lchown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}
