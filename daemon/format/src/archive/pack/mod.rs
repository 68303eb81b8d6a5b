//! Packing a folder: an archive that is the same bytes for the same content, and that [`super::unpack`] takes.
//!
//! The other direction of a pack's way: `packctl` sends a local folder to the daemon with it, and builds archives for
//! publishing. It runs with the rights of the person who calls it, on their own folder. The same folder without an archive
//! is [`Packing::list`]: what a pack's digest is printed from.

use std::fs::Metadata;
use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::GzBuilder;

use self::original::Original;
use super::error::ArchiveError;
use super::ledger::{Item, Kind, Ledger};
use super::limits::{LimitKind, Limits};
use super::sniff::Format;
use crate::digest::Digest;
use crate::error::without_path;
use crate::parallel;
use crate::tree::FileList;

mod ignored;
mod original;
mod select;
mod tar;
mod tracked;
mod zip;

pub use self::ignored::IgnoreError;
pub(super) use self::select::{Found, Member, walk_past};
pub use self::tracked::Tracked;

/// How hard zstd tries: about as small as gzip at its best, in a fraction of the time.
const ZSTD_LEVEL: i32 = 12;
/// The system that a gzip header names: none in particular.
const UNKNOWN_SYSTEM: u8 = 255;

/// How to pack.
#[derive(Debug, Clone, Default)]
pub struct PackOptions {
    /// A folder that the archive puts everything into, as archives for publishing do. None: directly at its root.
    pub top_folder: Option<String>,
    /// Whether files that say what to leave out are heard.
    pub ignore_files: IgnoreFiles,
    /// One more path to leave out, relative to the folder: that of the archive itself.
    pub leave_out: Option<String>,
    /// Files that the run which packs writes meanwhile, as its standard output is one: no part of the pack.
    pub outputs: Vec<FileId>,
    /// What git tracks of the folder, if it lies in a work tree: `.gitignore` leaves none of it out, and folders of
    /// which nothing is packed are left out, as git has none.
    pub tracked: Option<Tracked>,
    /// The work tree of git that the folder lies in: what git ignores there is left out, unless the folder itself is
    /// ignored and nothing of it is tracked, so that it is none of the repository's.
    pub work_tree: Option<WorkTree>,
    /// What the archive may have, so that it can be unpacked.
    pub limits: Limits,
}

impl PackOptions {
    /// The limits, less what the top folder takes of them.
    fn limits_inside(&self) -> Limits {
        let Some(top) = &self.top_folder else {
            return self.limits.clone();
        };
        Limits {
            entries: self.limits.entries.saturating_sub(1),
            depth: self.limits.depth.saturating_sub(1),
            path_bytes: self.limits.path_bytes.saturating_sub(top.len() + 1),
            ..self.limits.clone()
        }
    }
}

/// A work tree of git, and a folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTree {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The folder from there, with slashes; empty for the top itself.
    pub folder: String,
    /// The ignore file of this clone alone, `info/exclude`, which need not be there.
    pub exclude: PathBuf,
}

/// Whether `.gitignore` and `.packignore` are heard, and debris is left out. `.git` is left out either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IgnoreFiles {
    /// Those in the folder, at any level, and what git hears above it in its work tree. Not those of the person.
    ///
    /// Unless one of them asks for it with a `!`, debris is left out too: `__pycache__`, `*.pyc`, `.venv`, and archives of
    /// the pack beside its own `pack.yaml`; and folders of which nothing else is left.
    #[default]
    Honour,
    /// Everything is packed.
    Disregard,
}

/// What was packed.
#[derive(Debug)]
pub struct PackSummary {
    /// The tree, without the top folder.
    pub files: FileList,
    /// Bytes of the archive.
    pub bytes: u64,
    /// What of the folder was not packed and might be missed.
    pub left_out: LeftOut,
}

/// What of a folder is not packed, whatever ignore files say, and might be missed. Paths are relative to the folder
/// and sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Folders in the folder that are git repositories of their own, whose files no clone of the repository around
    /// them would have. Of a submodule its empty folder is packed, as `git archive` has it.
    pub repositories: Vec<String>,
    /// Files of [`PackOptions::outputs`] that no ignore file leaves out.
    pub outputs: Vec<String>,
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// That of the file with this metadata.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// Why a folder was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// An ignore file cannot be heard.
    #[error("cannot take {} for what says what to leave out", path.display())]
    Ignore {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: IgnoreError,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that is neither regular nor a directory nor a link.
    #[error("{} is a {what}, which cannot be packed", path.display())]
    Special {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Something changed while the folder was read, so what was read of it may never have existed together.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// What changed, came or went.
        path: PathBuf,
    },
    /// The folder has something that could not be unpacked again.
    #[error("{} cannot be packed", path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What no archive may have.
        source: ArchiveError,
    },
    /// There is nothing to pack.
    #[error("{} has nothing in it that could be packed", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The archive could not be written.
    #[error("cannot write the archive")]
    Write {
        /// Why not.
        source: io::Error,
    },
}

impl PackError {
    /// What to try, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { source, .. } => source.hint_for_makers(),
            Self::Empty { .. } => Some("name the folder that has the `pack.yaml`".to_owned()),
            Self::Changed { .. } => Some("run the same command again".to_owned()),
            Self::Special { .. } => {
                Some("remove it, or name it in `.packignore` to leave it out".to_owned())
            }
            Self::Write { source } if is_no_space(source) => {
                Some("free some space, or write the archive to another disk".to_owned())
            }
            Self::Ignore { .. } => {
                Some("make it a short file of patterns, or remove it".to_owned())
            }
            Self::Read { .. } => {
                Some("make it readable, or name it in `.packignore` to leave it out".to_owned())
            }
            Self::Write { .. } => None,
        }
    }
}

fn is_no_space(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// Writes the folder `root` as a tar archive: sorted, without owners and times, modes 0644 and 0755.
///
/// # Errors
/// [`PackError`]; `out` may then have part of an archive without its end mark.
pub fn pack(root: &Path, out: impl Write, options: &PackOptions) -> Result<PackSummary, PackError> {
    Packing::select(root, options)?.tar(out)
}

/// What of a folder is going to be packed.
#[derive(Debug)]
pub struct Packing {
    root: PathBuf,
    /// With its slash; empty without one.
    top: String,
    options: PackOptions,
    ledger: Ledger,
    /// What the folder had when it was gone through.
    before: Vec<Member>,
    left_out: LeftOut,
}

impl Packing {
    /// Goes through the folder `root` and selects what belongs to the pack. Files are not read yet.
    ///
    /// # Errors
    /// [`PackError`]; what could not be unpacked again is refused here.
    pub fn select(root: &Path, options: &PackOptions) -> Result<Self, PackError> {
        let (ledger, found) = select::select(root, options)?;
        Ok(Self {
            root: root.to_owned(),
            top: options
                .top_folder
                .as_deref()
                .map(|top| format!("{top}/"))
                .unwrap_or_default(),
            options: options.clone(),
            ledger,
            before: found.items,
            left_out: found.left_out,
        })
    }

    /// Whether something at this path, relative to the folder, is going to be packed.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.ledger.items().iter().any(|item| item.path == path)
    }

    /// What is not going to be packed and might be missed.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Writes an archive of this format. The same files give the same bytes.
    ///
    /// # Errors
    /// [`PackError`]; `out` may then have part of an archive. What compresses so well that it would be taken for a bomb
    /// is refused.
    pub fn write(
        self,
        format: Format,
        mut out: impl Write + Seek,
    ) -> Result<PackSummary, PackError> {
        let write = |source| PackError::Write { source };
        match format {
            Format::Tar => self.tar(out),
            Format::TarGz => {
                let encoder = GzBuilder::new()
                    .operating_system(UNKNOWN_SYSTEM)
                    .write(Counted::new(out), Compression::best());
                let (digests, unpacked) = tar::write(&self, Counted::new(encoder))?;
                let packed = unpacked.inner.finish().map_err(write)?;
                self.summary(digests, unpacked.bytes, packed.bytes)
            }
            Format::TarZst => {
                let mut encoder =
                    zstd::Encoder::new(Counted::new(out), ZSTD_LEVEL).map_err(write)?;
                encoder.include_checksum(true).map_err(write)?;
                let (digests, unpacked) = tar::write(&self, Counted::new(encoder))?;
                let packed = unpacked.inner.finish().map_err(write)?;
                self.summary(digests, unpacked.bytes, packed.bytes)
            }
            Format::Zip => {
                let digests = zip::write(&self, &mut out)?;
                let bytes = out.stream_position().map_err(write)?;
                let unpacked = self.file_bytes();
                self.summary(digests, unpacked, bytes)
            }
        }
    }

    /// Writes a tar archive as it is, to what need not be a file.
    ///
    /// # Errors
    /// [`PackError`], as [`write`](Self::write) has it.
    pub fn tar(self, out: impl Write) -> Result<PackSummary, PackError> {
        let (digests, out) = tar::write(&self, Counted::new(out))?;
        self.summary(digests, out.bytes, out.bytes)
    }

    /// The tree that would be packed, read and not written anywhere, on all cores if there are many files.
    ///
    /// # Errors
    /// [`PackError`], the same that [`Packing::write`] has.
    pub fn list(mut self) -> Result<FileList, PackError> {
        let files = self
            .ledger
            .items()
            .iter()
            .enumerate()
            .filter_map(|(at, item)| match &item.kind {
                Kind::File { executable, size } => Some((at, self.place(item), *executable, *size)),
                Kind::Dir | Kind::Symlink { .. } => None,
            });
        let digests = parallel::each(
            |push| {
                for (at, place, executable, size) in files {
                    if push((at, place, executable, size), size).is_break() {
                        break;
                    }
                }
                Ok(())
            },
            &|(at, place, executable, size), buffer| {
                let digest = Original::open(place, executable, size)?.digest(buffer)?;
                Ok((at, digest))
            },
        )?;
        self.check_unchanged()?;
        self.note(digests);
        self.into_list()
    }

    /// Fails if the folder is not as it was when it was gone through.
    fn check_unchanged(&self) -> Result<(), PackError> {
        select::check_unchanged(&self.root, &self.options, &self.before)
    }

    fn summary(
        mut self,
        digests: Vec<(usize, Digest)>,
        unpacked: u64,
        bytes: u64,
    ) -> Result<PackSummary, PackError> {
        self.check_unchanged()?;
        let ratio = self.options.limits.ratio;
        if unpacked > self.options.limits.ratio_after && unpacked > bytes.saturating_mul(ratio) {
            return Err(PackError::Refused {
                path: self.root,
                source: ArchiveError::Limit {
                    what: LimitKind::Ratio,
                    limit: ratio,
                    entry: None,
                },
            });
        }
        self.note(digests);
        let left_out = std::mem::take(&mut self.left_out);
        Ok(PackSummary {
            files: self.into_list()?,
            bytes,
            left_out,
        })
    }

    fn note(&mut self, digests: Vec<(usize, Digest)>) {
        for (at, digest) in digests {
            self.ledger.written(at, digest);
        }
    }

    fn into_list(self) -> Result<FileList, PackError> {
        let path = self.root;
        self.ledger
            .into_list()
            .map_err(|source| PackError::Refused { path, source })
    }

    fn file_bytes(&self) -> u64 {
        let sizes = self.ledger.items().iter().map(|item| match item.kind {
            Kind::File { size, .. } => size,
            Kind::Dir | Kind::Symlink { .. } => 0,
        });
        sizes.sum()
    }

    fn top(&self) -> &str {
        &self.top
    }

    fn place(&self, item: &Item) -> PathBuf {
        self.root.join(&item.path)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> PackError {
    PackError::Read {
        path: path.to_owned(),
        source: without_path(error),
    }
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W> Counted<W> {
    fn new(inner: W) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
