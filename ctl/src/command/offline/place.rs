//! What lies at a path that was typed: a folder, a file, or nothing that these verbs can use.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fs_err::File;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use packd_format::error::without_path;
use packd_format::manifest::{FILE_NAME, MAX_BYTES};
use packd_format::{Manifest, ManifestError};
use packd_wire::{ErrorKind, Exit};

use crate::file::folder_of;
use crate::output::{Failure, Output};

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// There is nothing.
    #[error("Path does not exist: {}", path.display())]
    Absent {
        /// What was typed.
        path: PathBuf,
    },
    /// It is neither a folder nor a regular file.
    #[error("Invalid path type: {}", path.display())]
    Special {
        /// What was typed.
        path: PathBuf,
    },
    /// It is a file where a folder is needed.
    #[error("Path is not a directory: {}", path.display())]
    NotAFolder {
        /// What was typed.
        path: PathBuf,
    },
    /// The kernel does not let it be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder has no `pack.yaml`.
    #[error("pack.yaml not found in directory: {}", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// Its `pack.yaml` is a link or something stranger.
    #[error("`{}` is no regular file", path.display())]
    OddManifest {
        /// The file.
        path: PathBuf,
    },
    /// Its `pack.yaml` breaks a rule.
    #[error("`{}` is no pack", path.display())]
    Manifest {
        /// The folder.
        path: PathBuf,
        /// Which rule.
        source: ManifestError,
    },
}

impl PlaceError {
    fn read(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Read {
            path: path.to_owned(),
            source: without_path(&error),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Absent { .. } => Exit::NotFound,
            Self::NoManifest { .. } => ErrorKind::ManifestMissing.exit(),
            Self::Manifest { .. } | Self::OddManifest { .. } => ErrorKind::InvalidManifest.exit(),
            Self::Special { .. } | Self::NotAFolder { .. } | Self::Read { .. } => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoManifest { .. } => Some(
                "a pack is a folder with a `pack.yaml`; `packctl create NAME` makes one".to_owned(),
            ),
            Self::OddManifest { .. } => Some("put the file itself there, not a link".to_owned()),
            Self::Manifest { source, .. } => source.hint(),
            Self::Special { .. } => Some("it must be a folder or a regular file".to_owned()),
            Self::Absent { .. } | Self::NotAFolder { .. } | Self::Read { .. } => None,
        }
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        let failure = Self::of_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// What lies at a path, links followed.
#[derive(Debug)]
pub(super) enum Place {
    Folder,
    File(File),
}

impl Place {
    /// Looks, and opens a file. A pipe, a socket or a device is refused, and never waited for.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub(super) fn of(path: &Path) -> Result<Self, PlaceError> {
        let special = || PlaceError::Special {
            path: path.to_owned(),
        };
        let metadata = fs_err::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PlaceError::Absent {
                path: path.to_owned(),
            },
            _ => PlaceError::read(path)(error),
        })?;
        if metadata.is_dir() {
            return Ok(Self::Folder);
        }
        if !metadata.is_file() {
            return Err(special());
        }
        let flags = rustix::fs::OFlags::NONBLOCK;
        let file = fs_err::OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags.bits()).expect("open flags are ints"))
            .open(path)
            .map_err(PlaceError::read(path))?;
        let opened = file.metadata().map_err(PlaceError::read(path))?;
        // it may have become something else meanwhile
        if opened.is_file() {
            Ok(Self::File(file))
        } else {
            Err(special())
        }
    }
}

/// Reads the `pack.yaml` of the folder at `path`, and says what is odd about it.
///
/// # Errors
/// [`PlaceError`]: no folder, no pack, or not a good one.
pub(super) fn manifest_of(path: &Path, out: &mut Output) -> Result<Manifest, PlaceError> {
    match Place::of(path)? {
        Place::Folder => {}
        Place::File(_) => {
            return Err(PlaceError::NotAFolder {
                path: path.to_owned(),
            });
        }
    }
    let place = path.join(FILE_NAME);
    match fs_err::symlink_metadata(&place) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(PlaceError::OddManifest { path: place }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PlaceError::NoManifest {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(PlaceError::read(&place)(error)),
    }
    let mut text = Vec::new();
    // one byte more than it may have is enough to know that it has too many
    File::open(&place)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text))
        .map_err(PlaceError::read(&place))?;
    let manifest = Manifest::parse(&text).map_err(|source| PlaceError::Manifest {
        path: path.to_owned(),
        source,
    })?;
    for warning in &manifest.warnings {
        out.warn(warning);
    }
    Ok(manifest)
}

/// The path of a file relative to a folder, if it lies in it, whether or not there is such a file yet: what a
/// tool writes into a pack must not count to what it says of the pack.
pub(super) fn inside(folder: &Path, file: &Path) -> Option<String> {
    let root = fs_err::canonicalize(folder).ok()?;
    let parent = fs_err::canonicalize(folder_of(file)).ok()?;
    let inner = parent.join(file.file_name()?);
    Some(inner.strip_prefix(root).ok()?.to_str()?.to_owned())
}
