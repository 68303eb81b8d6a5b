//! Making a tree durable before it is renamed into the store.

use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::scan::{DEEPEST, TreeError, as_path, names, open_folder};

/// Up to here each file is synced by itself, which costs less than writing out all that other programs left dirty
/// on the same file system.
const FEW: usize = 50;

/// Writes the tree at `path` to the disk: file by file when there are few, else with one `syncfs` of the file
/// system that holds it. Returns when the disk has it. Safe to repeat.
///
/// # Errors
/// [`TreeError`]; after a failed sync the tree's content on disk is unknown, so unpack it again.
pub fn sync(path: &Path) -> Result<(), TreeError> {
    let root = open_folder(rustix::fs::CWD, path, path)?;
    let mut few = FEW;
    if !sync_each(&root, path, 0, &mut few)? {
        rustix::fs::syncfs(&root)
            .map_err(|error| TreeError::io("sync the file system of", path, error))?;
    }
    Ok(())
}

/// Syncs what is in the folder, then the folder. False as soon as there turns out to be too much of it.
fn sync_each(
    folder: &std::os::fd::OwnedFd,
    place: &Path,
    depth: usize,
    left: &mut usize,
) -> Result<bool, TreeError> {
    if depth > DEEPEST {
        return Err(TreeError::TooDeep {
            path: place.to_owned(),
        });
    }
    let names = names(folder, place)?;
    if names.len() > *left {
        return Ok(false);
    }
    *left -= names.len();
    for (name, kind) in names {
        let place = place.join(as_path(&name));
        match kind {
            FileType::Directory => {
                let below = open_folder(std::os::fd::AsFd::as_fd(folder), &*name, &place)?;
                if !sync_each(&below, &place, depth + 1, left)? {
                    return Ok(false);
                }
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = rustix::fs::openat(folder, &*name, flags, Mode::empty())
                    .map_err(|error| TreeError::io("open", &place, error))?;
                rustix::fs::fsync(&file).map_err(|error| TreeError::io("sync", &place, error))?;
            }
            // a link lives in its folder, which is synced below
            _ => {}
        }
    }
    rustix::fs::fsync(folder).map_err(|error| TreeError::io("sync", place, error))?;
    Ok(true)
}
