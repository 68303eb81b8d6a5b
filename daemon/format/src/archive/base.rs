//! The tree of an earlier version, whose files stand in for equal ones of a new tree.
//!
//! A file is looked for under its path, and under its path without the first folders: archives of a forge have one on
//! top that is called after the version. What is found has to be a file as the writer makes them, and is then compared
//! with what the archive brings, byte for byte. So neither a list of the old tree nor the times of its files are
//! believed, and a file that somebody changed is never part of a new tree.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{FileType, Mode, Stat};
use rustix::io::Errno;

use super::error::ArchiveError;
use super::folder::{Folder, mode_of};

/// How many folders on top of an archive its pack may lie in for its files to be found again.
const DEEPEST: usize = 4;
/// Bytes that are read at once to be compared or copied.
const BUFFER: usize = 64 * 1024;

/// A tree on the same file system, for [`super::Writer::sharing`]. It is only read; files of it get further names.
#[derive(Debug)]
pub struct Base {
    folder: Folder,
    /// How many folders the last file that was found had on top.
    skip: usize,
    /// Whether the file system may be able to give a new file the blocks of an old one.
    clones: bool,
    buffer: Box<[u8]>,
}

/// A file of the old tree.
#[derive(Debug)]
pub(super) struct Old {
    /// Its path there.
    path: String,
    file: OwnedFd,
    stat: Stat,
}

impl Base {
    /// The tree at this path.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] if it is no folder that can be opened.
    pub fn open(tree: &Path) -> Result<Self, ArchiveError> {
        Ok(Self::of(Folder::open(tree)?))
    }

    /// The same tree, with handles of its own, for another thread.
    pub(super) fn again(&self) -> Result<Self, ArchiveError> {
        Ok(Self::of(self.folder.again()?))
    }

    fn of(folder: Folder) -> Self {
        Self {
            folder,
            skip: 0,
            clones: true,
            buffer: vec![0; BUFFER].into(),
        }
    }

    /// The file that may be the same as the one at `path` of the new tree.
    pub(super) fn find(&mut self, path: &str, executable: bool, size: u64) -> Option<Old> {
        let last = self.skip;
        let others = (0..=DEEPEST).filter(|skip| *skip != last);
        for skip in std::iter::once(last).chain(others) {
            let Some(below) = below(path, skip) else {
                continue;
            };
            if let Some(old) = self.look(below, executable, size) {
                self.skip = skip;
                return Some(old);
            }
        }
        None
    }

    /// Opens the file at `path` if it is one that the writer could have made just so.
    fn look(&mut self, path: &str, executable: bool, size: u64) -> Option<Old> {
        let file = self.folder.open_file(path).ok()?;
        let stat = rustix::fs::fstat(&file).ok()?;
        let is_ours = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && Mode::from_raw_mode(stat.st_mode) == mode_of(executable)
            && stat.st_uid == rustix::process::geteuid().as_raw()
            && u64::try_from(stat.st_size) == Ok(size);
        is_ours.then(|| Old {
            path: path.to_owned(),
            file,
            stat,
        })
    }

    /// Whether the old file has these bytes from `at` on.
    pub(super) fn has(&mut self, old: &Old, at: u64, bytes: &[u8]) -> bool {
        let mut at = at;
        bytes.chunks(BUFFER).all(|bytes| {
            let read = &mut self.buffer[..bytes.len()];
            let is_same = read_at(&old.file, at, read).is_ok() && read == bytes;
            at += bytes.len() as u64;
            is_same
        })
    }

    /// Gives the old file's first `length` bytes to `sink`, which were compared before.
    pub(super) fn copy(
        &mut self,
        old: &Old,
        length: u64,
        mut sink: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut at = 0;
        while at < length {
            let count = usize::try_from(length - at).map_or(BUFFER, |left| left.min(BUFFER));
            let piece = &mut self.buffer[..count];
            read_at(&old.file, at, piece).map_err(|error| self.folder.failed(&old.path, error))?;
            sink(piece)?;
            at += count as u64;
        }
        self.is_still(old)
    }

    /// Makes `path` of the new tree the same file as the old one, or one that shares its blocks where the file
    /// system can do that. False if neither can be; then nothing is at `path`.
    pub(super) fn share(
        &mut self,
        old: &Old,
        into: &mut Folder,
        path: &str,
        executable: bool,
    ) -> Result<bool, ArchiveError> {
        if self.clones {
            let file = into.create_file(path, executable)?;
            if rustix::fs::ioctl_ficlone(&file, &old.file).is_ok() {
                return self.is_still(old).map(|()| true);
            }
            // a file system that cannot do it for one file cannot for the next
            self.clones = false;
            into.remove_file(path)?;
        }
        let Ok(stat) = into.link_file(path, &mut self.folder, &old.path) else {
            // too many links, or a file system that knows none
            return Ok(false);
        };
        if is_unchanged(&old.stat, &stat) {
            return Ok(true);
        }
        Err(self.folder.failed(&old.path, Errno::STALE))
    }

    /// That nobody wrote to an old file since it was opened. Only its owner can, so that is nothing to go on after.
    fn is_still(&self, old: &Old) -> Result<(), ArchiveError> {
        match rustix::fs::fstat(&old.file) {
            Ok(stat) if is_unchanged(&old.stat, &stat) => Ok(()),
            Ok(_) => Err(self.folder.failed(&old.path, Errno::STALE)),
            Err(error) => Err(self.folder.failed(&old.path, error)),
        }
    }
}

/// Whether it is the same file, with the content it had.
fn is_unchanged(before: &Stat, now: &Stat) -> bool {
    let of = |stat: &Stat| {
        (
            stat.st_dev,
            stat.st_ino,
            stat.st_size,
            stat.st_mode,
            (stat.st_mtime, stat.st_mtime_nsec),
        )
    };
    of(before) == of(now)
}

/// The path without its first `skip` folders, if it has as many.
fn below(path: &str, skip: usize) -> Option<&str> {
    let mut below = path;
    for _ in 0..skip {
        (_, below) = below.split_once('/')?;
    }
    Some(below)
}

fn read_at(file: &OwnedFd, mut at: u64, mut into: &mut [u8]) -> Result<(), Errno> {
    while !into.is_empty() {
        match rustix::io::pread(file, &mut *into, at) {
            // it has become shorter
            Ok(0) => return Err(Errno::IO),
            Ok(count) => {
                at += count as u64;
                into = &mut into[count..];
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
