//! Removing a tree, whatever modes and links are in it.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::scan::{DEEPEST, TreeError, as_path, names};

/// Removes what lies at `path`: a folder with all that is in it, a file, or a link (never what it points to).
///
/// Folders without permissions get them first, since the code of a pack's tests may have taken them away.
/// That nothing is there is fine: safe to repeat.
///
/// # Errors
/// [`TreeError`]; part of the tree may be gone.
pub fn remove(path: &Path) -> Result<(), TreeError> {
    match rustix::fs::unlinkat(rustix::fs::CWD, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // Linux says ISDIR, POSIX PERM
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(TreeError::io("remove", path, error)),
    }
    let folder = open_writable(rustix::fs::CWD, path, path)?;
    empty(&folder, path, 0)?;
    unlink_folder(rustix::fs::CWD, path, path)
}

fn empty(folder: &OwnedFd, place: &Path, depth: usize) -> Result<(), TreeError> {
    if depth > DEEPEST {
        return Err(TreeError::TooDeep {
            path: place.to_owned(),
        });
    }
    for (name, kind) in names(folder, place)? {
        let place = place.join(as_path(&name));
        if kind == FileType::Directory {
            let below = open_writable(folder.as_fd(), &*name, &place)?;
            empty(&below, &place, depth + 1)?;
            unlink_folder(folder.as_fd(), &*name, &place)?;
        } else {
            unlink(folder.as_fd(), &name, &place)?;
        }
    }
    Ok(())
}

/// Opens a folder for reading and changing, giving its owner the permission first where it is missing.
fn open_writable<P: rustix::path::Arg + Copy>(
    parent: BorrowedFd<'_>,
    name: P,
    place: &Path,
) -> Result<OwnedFd, TreeError> {
    let fail = |error: Errno| TreeError::io("open", place, error);
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle =
        rustix::fs::openat(parent, name, flags | OFlags::PATH, Mode::empty()).map_err(fail)?;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(&handle).map_err(fail)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        // a handle without rights cannot be changed itself, and by name it could have become a link by now;
        // the kernel's name for the handle is neither
        let itself = format!("/proc/self/fd/{}", handle.as_raw_fd());
        rustix::fs::chmod(itself, mode | Mode::RWXU)
            .map_err(|error| TreeError::io("change the mode of", place, error))?;
    }
    rustix::fs::openat(&handle, c".", flags | OFlags::RDONLY, Mode::empty()).map_err(fail)
}

fn unlink(parent: BorrowedFd<'_>, name: &CStr, place: &Path) -> Result<(), TreeError> {
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(TreeError::io("remove", place, error)),
    }
}

fn unlink_folder<P: rustix::path::Arg>(
    parent: BorrowedFd<'_>,
    name: P,
    place: &Path,
) -> Result<(), TreeError> {
    match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(TreeError::io("remove", place, error)),
    }
}
