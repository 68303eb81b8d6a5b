//! The list of a folder on disk: for comparing a tree with its `.manifest`.
//!
//! Works relative to directory handles and follows no link, so a folder that changes under it can
//! make the list wrong but cannot make it read elsewhere.

use std::ffi::{CStr, CString};
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::path::{self, BadPath};
use super::{FileEntry, FileKind, FileList};
use crate::digest::{Algorithm, Hasher};
use crate::parallel::{self, Push};

/// More levels than any tree that packd wrote can have; a bound on open handles.
pub(super) const DEEPEST: usize = 512;

/// Why a folder cannot be listed, synced or removed.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `remove`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that is neither regular nor a directory nor a symlink.
    #[error("{} is a {what}", path.display())]
    Special {
        /// Where it lies.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A name that no tree of packd can have.
    #[error("{} cannot be part of a pack: {reason}", path.display())]
    Name {
        /// Where it lies.
        path: PathBuf,
        /// Which rule the name breaks.
        reason: BadPath,
    },
    /// A link with a target that no link of a pack can have.
    #[error("{} cannot be part of a pack: its target has bytes that no link of a pack has", path.display())]
    Target {
        /// The link.
        path: PathBuf,
    },
    /// Folders in folders beyond any tree of packd.
    #[error("{} lies too deep", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
}

impl TreeError {
    pub(super) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

/// Lists the folder at `path`, reading every file, on all cores if there are many. `.git` is left out, at every
/// level.
///
/// # Errors
/// [`TreeError`], the first in the order of the paths; special files and names that no pack may have are errors
/// that name them.
pub fn scan(path: &Path) -> Result<FileList, TreeError> {
    let root = Arc::new(open_folder(rustix::fs::CWD, path, path)?);
    let mut found = Vec::new();
    let files = parallel::each(
        |push| {
            let mut walk = Walk {
                found: &mut found,
                push,
            };
            walk.folder(&root, path, "", 0).map(|_| ())
        },
        &|file: Unread, buffer| file.read(buffer),
    )?;
    Ok(joined(found, files))
}

/// The list of what was found, with what is known of the files since they were read.
fn joined(found: Vec<(String, Option<FileKind>)>, files: Vec<FileKind>) -> FileList {
    let mut files = files.into_iter();
    let entries = found.into_iter().map(|(path, kind)| FileEntry {
        path,
        kind: kind.unwrap_or_else(|| files.next().expect("every file that was found was read")),
    });
    FileList::new(entries.collect())
}

/// Finds what there is; files are read by whoever is free.
struct Walk<'a, 'p> {
    /// Paths and kinds, without kinds for the files that were pushed.
    found: &'a mut Vec<(String, Option<FileKind>)>,
    push: &'a mut Push<'p, Unread>,
}

impl Walk<'_, '_> {
    fn folder(
        &mut self,
        folder: &Arc<OwnedFd>,
        place: &Path,
        prefix: &str,
        depth: usize,
    ) -> Result<ControlFlow<()>, TreeError> {
        if depth > DEEPEST {
            return Err(TreeError::TooDeep {
                path: place.to_owned(),
            });
        }
        for (name, kind) in sorted_names(folder, place)? {
            if name.as_c_str() == c".git" {
                continue;
            }
            let place = place.join(as_path(&name));
            let bad = |reason| TreeError::Name {
                path: place.clone(),
                reason,
            };
            let text = name.to_str().map_err(|_| bad(BadPath::NotUtf8))?;
            path::check_component(text).map_err(bad)?;
            let path = format!("{prefix}{text}");

            let (kind, goes_on) = match kind {
                FileType::RegularFile => {
                    let folder = Arc::clone(folder);
                    let file = Unread {
                        folder,
                        name,
                        place,
                    };
                    (None, (self.push)(file, 0))
                }
                FileType::Symlink => {
                    let target = rustix::fs::readlinkat(folder, &name, Vec::new())
                        .map_err(|error| TreeError::io("read the link", &place, error))?
                        .into_string()
                        .ok()
                        .filter(|target| path::check_characters(target).is_ok())
                        .ok_or_else(|| TreeError::Target {
                            path: place.clone(),
                        })?;
                    let kind = FileKind::Symlink { target };
                    (Some(kind), ControlFlow::Continue(()))
                }
                FileType::Directory => {
                    let below = Arc::new(open_folder(folder.as_fd(), &*name, &place)?);
                    let goes_on = self.folder(&below, &place, &format!("{path}/"), depth + 1)?;
                    (Some(FileKind::Dir), goes_on)
                }
                other => {
                    return Err(TreeError::Special {
                        path: place,
                        what: name_of(other),
                    });
                }
            };
            self.found.push((path, kind));
            if goes_on.is_break() {
                return Ok(goes_on);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// A file that was found and not read yet.
struct Unread {
    folder: Arc<OwnedFd>,
    name: CString,
    place: PathBuf,
}

impl Unread {
    fn read(&self, buffer: &mut [u8]) -> Result<FileKind, TreeError> {
        let place = &self.place;
        let (file, stat) = open_file(self.folder.as_fd(), &self.name, place)?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let size = read_file(&file, place, buffer, |bytes| hasher.update(bytes))?;
        Ok(FileKind::File {
            executable: stat.st_mode & 0o111 != 0,
            size,
            digest: hasher.finish(),
        })
    }
}

/// Opens a regular file, whatever became of it since its folder was read.
pub(super) fn open_file(
    folder: BorrowedFd<'_>,
    name: &CStr,
    place: &Path,
) -> Result<(OwnedFd, Stat), TreeError> {
    // NONBLOCK: should the file have become a pipe meanwhile, opening must not wait for a writer
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty())
        .map_err(|error| TreeError::io("open", place, error))?;
    let stat = rustix::fs::fstat(&file).map_err(|error| TreeError::io("look at", place, error))?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(TreeError::Special {
            path: place.to_owned(),
            what: name_of(kind),
        });
    }
    Ok((file, stat))
}

/// Gives all bytes of a file to `take`; how many there were.
pub(super) fn read_file(
    file: &OwnedFd,
    place: &Path,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]),
) -> Result<u64, TreeError> {
    let mut size = 0;
    loop {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(file, &mut *buffer))
            .map_err(|error| TreeError::io("read", place, error))?;
        if count == 0 {
            return Ok(size);
        }
        take(&buffer[..count]);
        size += count as u64;
    }
}

/// What lies in a folder, in the order that whole paths have: `a.txt` before `a/b`.
fn sorted_names(folder: &OwnedFd, place: &Path) -> Result<Vec<(CString, FileType)>, TreeError> {
    let mut names = names(folder, place)?;
    let key = |(name, kind): &(CString, FileType)| {
        let slash: &[u8] = if *kind == FileType::Directory {
            b"/"
        } else {
            b""
        };
        [name.to_bytes(), slash].concat()
    };
    names.sort_by_cached_key(key);
    Ok(names)
}

/// Opens a folder that is really one, not a link to one.
pub(super) fn open_folder<P: rustix::path::Arg>(
    parent: BorrowedFd<'_>,
    name: P,
    place: &Path,
) -> Result<OwnedFd, TreeError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
        .map_err(|error| TreeError::io("open", place, error))
}

/// What lies in a folder, `.` and `..` left out, read to its end before anything is done about it.
pub(super) fn names(folder: &OwnedFd, place: &Path) -> Result<Vec<(CString, FileType)>, TreeError> {
    let fail = |error| TreeError::io("read the folder", place, error);
    let mut names = Vec::new();
    for entry in Dir::read_from(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            // some file systems do not say
            FileType::Unknown => {
                let stat =
                    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        names.push((name.to_owned(), kind));
    }
    Ok(names)
}

pub(super) fn as_path(name: &CStr) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()))
}

pub(crate) fn name_of(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::Symlink => "symbolic link",
        FileType::Fifo => "named pipe",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Unknown => "file of unknown kind",
    }
}

#[cfg(test)]
mod tests;
