//! Files that offline tools write: whole or not at all, and never two writers at once.
//!
//! A file is replaced under a lock on its folder, so that whoever reads, changes and writes an index loses
//! nothing that others write meanwhile, and a run that is killed leaves the old file or the new one.
//! The lock is `flock(2)` on the folder itself: nothing is left lying about that somebody would have to
//! clean up, and the kernel lets go of it however a run ends.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err::File;
use packd_format::error::without_path;
use packd_wire::Exit;
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::output::Failure;

/// How long others may hold the lock. A run needs it for milliseconds, so 64 at once are well served.
const PATIENCE: Duration = Duration::from_mins(1);

/// The time between two attempts to get the lock, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The end of the names of files that are being written.
const UNFINISHED: &str = ".packctl-tmp";

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// There is no such folder.
    #[error("the folder of `{}` does not exist", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// It is a folder, a device, a pipe, or has no name.
    #[error("`{}` is no regular file", path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
    /// It stands for standard output elsewhere.
    #[error("`-` is no name of a file")]
    Dash,
    /// Another run holds the lock.
    #[error("another program has kept `{}` locked for {} s", folder.display(), PATIENCE.as_secs())]
    Busy {
        /// The folder that is locked.
        folder: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl FileError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        // what wraps an error of the system repeats the path, or names a file that is none of the person's
        move |error| Self::Io {
            action,
            path,
            source: without_path(&error),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoFolder { .. } => Exit::NotFound,
            Self::Dash => Exit::Usage,
            Self::Busy { .. } => Exit::Transient,
            Self::Special { .. } | Self::Io { .. } => Exit::Failed,
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let hint = matches!(error, FileError::Dash).then_some(
            "`./-` is a file that is called so; nothing is written to standard output here",
        );
        Self::of_error(error.exit(), &error).with_hint_of(hint)
    }
}

/// All of standard input, where `-` is given for a file.
pub(crate) fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::of(Exit::Failed, "cannot read standard input", &error))?;
    Ok(bytes)
}

/// A path whose folder is locked: nobody else who asks for the lock writes there.
#[derive(Debug)]
pub(crate) struct Locked {
    /// The file itself, where links lead to.
    path: PathBuf,
    folder: File,
}

impl Locked {
    /// Waits until the folder of `path` is ours. The file itself need not exist; a link is followed.
    ///
    /// # Errors
    /// [`FileError`]; [`FileError::Busy`] is worth a retry.
    pub(crate) fn new(path: &Path) -> Result<Self, FileError> {
        refuse_dash(path)?;
        let path = real_path(path)?;
        let folder_path = folder_of(&path);
        let folder = File::open(folder_path).map_err(FileError::io("open", folder_path))?;
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match rustix::fs::flock(folder.as_fd(), FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK | Errno::INTR) if began.elapsed() < PATIENCE => {
                    std::thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
                Err(Errno::WOULDBLOCK | Errno::INTR) => {
                    return Err(FileError::Busy {
                        folder: folder_path.to_owned(),
                    });
                }
                Err(error) => return Err(FileError::io("lock", folder_path)(error.into())),
            }
        }
        let locked = Self { path, folder };
        locked.sweep();
        Ok(locked)
    }

    /// What the file holds; nothing when it does not exist.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, FileError> {
        match fs_err::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::io("read", &self.path)(error)),
        }
    }

    /// Whether there is such a file.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Puts what `write` writes in the place of the file: all of it, synced to disk, or nothing. The new
    /// file has the mode of the old one and, as far as that is allowed, its owner.
    ///
    /// # Errors
    /// [`FileError::Io`], or what `write` says; the old file is as it was.
    pub(crate) fn replace<E: From<FileError>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let folder = folder_of(&self.path);
        let mut unfinished = tempfile::Builder::new()
            .prefix(&self.unfinished_prefix())
            .suffix(UNFINISHED)
            // what a new file has, less the umask
            .permissions(PermissionsExt::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(FileError::io("write", &self.path))?;
        if let Ok(old) = fs_err::metadata(&self.path) {
            self.dress(unfinished.as_file(), &old)?;
        }
        let mut buffered = io::BufWriter::with_capacity(256 * 1024, unfinished.as_file_mut());
        write(&mut buffered)?;
        buffered
            .flush()
            .map_err(FileError::io("write", &self.path))?;
        drop(buffered);
        unfinished
            .as_file()
            .sync_all()
            .map_err(FileError::io("sync", &self.path))?;
        unfinished
            .persist(&self.path)
            .map_err(|error| FileError::io("replace", &self.path)(error.error))?;
        self.folder
            .sync_all()
            .map_err(FileError::io("sync", folder))?;
        Ok(())
    }

    /// Gives a new file the mode and the owner of the old one.
    fn dress(&self, new: &std::fs::File, old: &std::fs::Metadata) -> Result<(), FileError> {
        let mine = new
            .metadata()
            .map_err(FileError::io("look at", &self.path))?;
        if (mine.uid(), mine.gid()) != (old.uid(), old.gid()) {
            // the folder would let the file be replaced that may not be written
            rustix::fs::accessat(
                rustix::fs::CWD,
                &self.path,
                rustix::fs::Access::WRITE_OK,
                rustix::fs::AtFlags::EACCESS,
            )
            .map_err(|error| FileError::io("write", &self.path)(error.into()))?;
            // only root may give files away; for everybody else the file becomes the writer's, as in an editor
            if let Err(error) = std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()))
                && error.kind() != io::ErrorKind::PermissionDenied
            {
                return Err(FileError::io("set the owner of", &self.path)(error));
            }
        }
        new.set_permissions(PermissionsExt::from_mode(old.mode() & 0o7777))
            .map_err(FileError::io("set the mode of", &self.path))
    }

    /// Removes what killed runs left: with the lock held, nobody is writing it.
    fn sweep(&self) {
        let Ok(entries) = fs_err::read_dir(folder_of(&self.path)) else {
            return;
        };
        let prefix = self.unfinished_prefix();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(UNFINISHED.as_bytes())
            {
                // in the way of nobody: whoever comes next tries again
                drop(fs_err::remove_file(entry.path()));
            }
        }
    }

    fn unfinished_prefix(&self) -> OsString {
        let mut prefix = OsString::from(".");
        prefix.push(self.path.file_name().unwrap_or(OsStr::new("file")));
        prefix.push(".");
        prefix
    }
}

/// Refuses `-`, which whoever types it means as standard output.
///
/// # Errors
/// [`FileError::Dash`].
pub(crate) fn refuse_dash(path: &Path) -> Result<(), FileError> {
    if path == Path::new("-") {
        return Err(FileError::Dash);
    }
    Ok(())
}

/// Where a path leads to, whether or not there is a file yet.
fn real_path(path: &Path) -> Result<PathBuf, FileError> {
    match fs_err::canonicalize(path) {
        Ok(real) if real.is_file() => Ok(real),
        Ok(_) => Err(FileError::Special {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or_else(|| FileError::Special {
                path: path.to_owned(),
            })?;
            if path.is_symlink() {
                return Err(FileError::io("follow the link", path)(error));
            }
            let folder =
                fs_err::canonicalize(folder_of(path)).map_err(|_| FileError::NoFolder {
                    path: path.to_owned(),
                })?;
            Ok(folder.join(name))
        }
        Err(error) => Err(FileError::io("open", path)(error)),
    }
}

/// The folder that a file lies in; the current one for a mere name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
