//! The folder that is unpacked into: every operation goes through a handle of the parent, one component at a time, and
//! follows no link. A path is never given to the kernel as a whole.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::ArchiveError;

const HANDLE: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder, and the handles from it down to where the last entry was. Archives go folder by folder, so most
/// entries find the handle of their parent open.
#[derive(Debug)]
pub(super) struct Folder {
    place: PathBuf,
    root: OwnedFd,
    /// One handle for each component of `current`.
    levels: Vec<Level>,
    /// The folder the last handle is of, relative to the root; empty is the root.
    current: String,
}

#[derive(Debug)]
struct Level {
    /// Where in `current` the component ends.
    end: usize,
    handle: OwnedFd,
}

impl Folder {
    pub(super) fn open(place: &Path) -> Result<Self, ArchiveError> {
        let root = rustix::fs::open(place, HANDLE | OFlags::PATH, Mode::empty())
            .map_err(|error| failed(place, error))?;
        Ok(Self {
            place: place.to_owned(),
            root,
            levels: Vec::new(),
            current: String::new(),
        })
    }

    /// Another view of the same folder, with handles of its own, for another thread.
    pub(super) fn again(&self) -> Result<Self, ArchiveError> {
        let root = self
            .root
            .try_clone()
            .map_err(|source| ArchiveError::Write {
                path: self.place.clone(),
                source,
            })?;
        Ok(Self {
            place: self.place.clone(),
            root,
            levels: Vec::new(),
            current: String::new(),
        })
    }

    /// Creates a folder in an existing one.
    pub(super) fn create_folder(&mut self, path: &str) -> Result<(), ArchiveError> {
        let (parent, name) = self.parent(path)?;
        let made = rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))
            .and_then(|()| rustix::fs::openat(parent, name, HANDLE | OFlags::RDONLY, Mode::empty()))
            // the umask has had its say, and has none here
            .and_then(|handle| {
                rustix::fs::fchmod(&handle, Mode::from_raw_mode(0o755)).map(|()| handle)
            });
        let handle = made.map_err(|error| self.failed(path, error))?;
        self.levels.push(Level {
            end: path.len(),
            handle,
        });
        path.clone_into(&mut self.current);
        Ok(())
    }

    /// Creates a file that was not there, with its final mode.
    pub(super) fn create_file(
        &mut self,
        path: &str,
        executable: bool,
    ) -> Result<OwnedFd, ArchiveError> {
        let mode = mode_of(executable);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (parent, name) = self.parent(path)?;
        rustix::fs::openat(parent, name, flags, mode)
            .and_then(|file| rustix::fs::fchmod(&file, mode).map(|()| file))
            .map_err(|error| self.failed(path, error))
    }

    /// Writes all of `bytes` to a file from [`Folder::create_file`].
    pub(super) fn write(
        &self,
        path: &str,
        file: &OwnedFd,
        mut bytes: &[u8],
    ) -> Result<(), ArchiveError> {
        while !bytes.is_empty() {
            match rustix::io::write(file, bytes) {
                Ok(0) => return Err(self.failed(path, Errno::IO)),
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(self.failed(path, error)),
            }
        }
        Ok(())
    }

    /// Opens a file for reading, whatever else may have taken its place.
    pub(super) fn open_file(&mut self, path: &str) -> Result<OwnedFd, ArchiveError> {
        // NONBLOCK: a pipe would wait for a writer
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let (parent, name) = self.parent(path)?;
        rustix::fs::openat(parent, name, flags, Mode::empty())
            .map_err(|error| self.failed(path, error))
    }

    /// Gives the file at `old` in `from` another name, and says what that name stands for.
    pub(super) fn link_file(
        &mut self,
        path: &str,
        from: &mut Self,
        old: &str,
    ) -> Result<Stat, ArchiveError> {
        let (old_parent, old_name) = from.parent(old)?;
        let (parent, name) = self.parent(path)?;
        rustix::fs::linkat(old_parent, old_name, parent, name, AtFlags::empty())
            .and_then(|()| rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
            .map_err(|error| self.failed(path, error))
    }

    /// Removes a file that was made here.
    pub(super) fn remove_file(&mut self, path: &str) -> Result<(), ArchiveError> {
        let (parent, name) = self.parent(path)?;
        rustix::fs::unlinkat(parent, name, AtFlags::empty())
            .map_err(|error| self.failed(path, error))
    }

    /// Creates a link. Only when all files are written: nothing can then be written through it.
    pub(super) fn create_link(&mut self, path: &str, target: &str) -> Result<(), ArchiveError> {
        let (parent, name) = self.parent(path)?;
        rustix::fs::symlinkat(target, parent, name).map_err(|error| self.failed(path, error))
    }

    /// The handle of the folder a path lies in, and its name there.
    fn parent<'a>(&mut self, path: &'a str) -> Result<(BorrowedFd<'_>, &'a str), ArchiveError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if self.current != folder {
            self.enter(folder)?;
        }
        Ok((self.handle(), name))
    }

    fn handle(&self) -> BorrowedFd<'_> {
        self.levels
            .last()
            .map_or(self.root.as_fd(), |level| level.handle.as_fd())
    }

    fn enter(&mut self, folder: &str) -> Result<(), ArchiveError> {
        let shared = self
            .levels
            .iter()
            .take_while(|level| {
                folder.get(..level.end) == Some(&self.current[..level.end])
                    && matches!(folder.as_bytes().get(level.end), None | Some(b'/'))
            })
            .count();
        self.levels.truncate(shared);
        let mut end = self.levels.last().map_or(0, |level| level.end);
        self.current.truncate(end);
        while end < folder.len() {
            let start = if end == 0 { 0 } else { end + 1 };
            end = folder[start..]
                .find('/')
                .map_or(folder.len(), |length| start + length);
            let opened = rustix::fs::openat(
                self.handle(),
                &folder[start..end],
                HANDLE | OFlags::PATH,
                Mode::empty(),
            );
            let handle = opened.map_err(|error| self.failed(&folder[..end], error))?;
            self.levels.push(Level { end, handle });
            folder[..end].clone_into(&mut self.current);
        }
        Ok(())
    }

    pub(super) fn failed(&self, path: &str, error: Errno) -> ArchiveError {
        failed(&self.place.join(path), error)
    }
}

/// The mode of a file.
pub(super) fn mode_of(executable: bool) -> Mode {
    Mode::from_raw_mode(if executable { 0o755 } else { 0o644 })
}

fn failed(path: &Path, error: Errno) -> ArchiveError {
    ArchiveError::Write {
        path: path.to_owned(),
        source: io::Error::from(error),
    }
}
