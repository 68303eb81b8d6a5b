//! The file `reserve`: some space that is given back when the file system is full, so that a job can be queued that
//! frees more.
//!
//! SQLite has to write before anything can be deleted. A host whose disk is full to the last block could not be told to
//! make room otherwise.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::FallocateFlags;

use super::tree::free_bytes_at;
use crate::logging::chain;

/// What it is called, beside the database.
const NAME: &str = "reserve";

/// How much it keeps: enough for the rows of some jobs, and for what SQLite needs to write them.
const BYTES: u64 = 2 << 20;

/// The least that packd needs to start.
const NEEDED: u64 = 512 << 10;

/// Makes it, if it is not there as a whole and the file system has room for twice as much. Without it packd works as
/// well. Blocks.
pub(crate) fn make(folder: &Path) {
    let path = path(folder);
    match fs_err::symlink_metadata(&path) {
        Ok(about) if !about.is_file() => {
            tracing::warn!(
                path = %path.display(),
                "it is no file, and packd needs one there to be able to make room on a full disk; move it away"
            );
            return;
        }
        // a whole one takes the blocks too, which one with holes does not
        Ok(about) if about.blocks() * 512 >= BYTES => return,
        Ok(_) | Err(_) => {}
    }
    if free_bytes_at(folder).is_ok_and(|free| free < 2 * BYTES) {
        return;
    }
    if let Err(error) = write(&path) {
        tracing::warn!(error = %chain(&error), "there is no reserve for a full disk");
        // half of one takes space, and promises what it does not keep
        release(folder);
    }
}

/// Removes it; whether it was there. Blocks.
pub(crate) fn release(folder: &Path) -> bool {
    match fs_err::remove_file(path(folder)) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the reserve for a full disk cannot be given back");
            false
        }
    }
}

/// Removes it where the file system has too little room for a start. Blocks.
pub(crate) fn release_if_full(folder: &Path) {
    if free_bytes_at(folder).is_ok_and(|free| free < NEEDED) && release(folder) {
        tracing::warn!(
            "the file system of `{}` is full: packd starts with what it kept in reserve; make room, or let `packctl gc` do \
             so",
            folder.display()
        );
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn write(path: &Path) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let allocated = rustix::fs::fallocate(file.file(), FallocateFlags::empty(), 0, BYTES);
    match allocated {
        Ok(()) => Ok(()),
        // not every file system can; what is no zero takes space on all of them
        Err(rustix::io::Errno::OPNOTSUPP) => {
            let block = vec![b'.'; 64 << 10];
            let mut left = BYTES;
            while left > 0 {
                file.write_all(&block)?;
                left = left.saturating_sub(block.len() as u64);
            }
            file.sync_all()
        }
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn it_takes_its_space_and_gives_it_back_and_nothing_in_its_place_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = || fs_err::metadata(path(folder.path())).map_or(0, |about| about.blocks());
        assert!(!release(folder.path()));
        make(folder.path());
        assert!(blocks() * 512 >= BYTES);
        fs_err::write(path(folder.path()), "cut").unwrap();
        make(folder.path());
        assert!(blocks() * 512 >= BYTES, "made whole");
        assert!(release(folder.path()));
        assert_eq!(blocks(), 0);

        fs_err::create_dir_all(path(folder.path()).join("mine")).unwrap();
        make(folder.path());
        assert!(!release(folder.path()));
        assert!(path(folder.path()).join("mine").is_dir());
    }
}
