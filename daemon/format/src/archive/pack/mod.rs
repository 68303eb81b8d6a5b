//! Packing a folder: a tar archive that is the same bytes for the same content, and that [`super::unpack`] takes.
//!
//! The other direction of a pack's way: `packctl` sends a local folder to the daemon with it, and builds archives for
//! publishing. It runs with the rights of the person who calls it, on their own folder.

use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use ignore::WalkBuilder;
use tar::{Builder, EntryType, Header};

use super::error::ArchiveError;
use super::ledger::{Item, Kind, Ledger};
use super::limits::Limits;
use crate::digest::{self, Algorithm};
use crate::error::without_path;
use crate::tree::FileList;

/// How to pack.
#[derive(Debug, Clone, Default)]
pub struct PackOptions {
    /// A folder that the archive puts everything into, as archives for publishing do. None: directly at its root.
    pub top_folder: Option<String>,
    /// Whether files that say what to leave out are heard.
    pub ignore_files: IgnoreFiles,
    /// What the archive may have, so that it can be unpacked.
    pub limits: Limits,
}

/// Whether `.gitignore` and `.packignore` are heard. `.git` is left out either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IgnoreFiles {
    /// Those in the folder, at any level. Not those above it or of the person: the same folder gives the same archive.
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
}

/// Why a folder was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// An ignore file could not be understood.
    #[error("cannot understand {}", path.display())]
    Ignore {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ignore::Error,
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
    /// A file changed while it was read, so what was read of it may never have existed.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// The file.
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
    /// The archive could not be written.
    #[error("cannot write the archive")]
    Write {
        /// Why not.
        source: io::Error,
    },
}

/// Writes the folder `root` as a tar archive: sorted, without owners and times, modes 0644 and 0755.
///
/// # Errors
/// [`PackError`]; `out` may then have part of an archive without its end mark.
pub fn pack(root: &Path, out: impl Write, options: &PackOptions) -> Result<PackSummary, PackError> {
    let refused = |source| PackError::Refused {
        path: root.to_owned(),
        source,
    };
    let mut ledger = Ledger::new(&options.limits);
    for found in walk(root, options.ignore_files)? {
        ledger.admit(&found.path, found.kind).map_err(refused)?;
    }
    ledger.check_links().map_err(refused)?;

    let mut builder = Builder::new(Counted {
        inner: out,
        bytes: 0,
    });
    let top = options
        .top_folder
        .as_deref()
        .map(|top| format!("{top}/"))
        .unwrap_or_default();
    if !top.is_empty() {
        append(&mut builder, &header(EntryType::Directory, 0, true), &top)?;
    }
    let mut digests = Vec::new();
    for (at, item) in ledger.items().iter().enumerate() {
        if let Some(digest) = append_item(&mut builder, root, &top, item)? {
            digests.push((at, digest));
        }
    }
    let bytes = builder
        .into_inner()
        .map_err(|source| PackError::Write { source })?
        .bytes;
    for (at, digest) in digests {
        ledger.written(at, digest);
    }
    Ok(PackSummary {
        files: ledger.into_list().map_err(refused)?,
        bytes,
    })
}

struct Found {
    path: String,
    kind: Kind,
}

/// What is in the folder and not to be left out, sorted by path, so that parents come first.
fn walk(root: &Path, ignore_files: IgnoreFiles) -> Result<Vec<Found>, PackError> {
    let honour = ignore_files == IgnoreFiles::Honour;
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        .git_ignore(honour)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| entry.file_name() != ".git");
    if honour {
        builder.add_custom_ignore_filename(".packignore");
    }
    let mut found = Vec::new();
    for entry in builder.build() {
        let failed = |error| walk_error(root, error);
        let entry = entry.map_err(failed)?;
        if let Some(error) = entry.error() {
            return Err(failed(error.clone()));
        }
        let place = entry.path();
        let Ok(path) = place.strip_prefix(root) else {
            continue;
        };
        if path.as_os_str().is_empty() {
            continue;
        }
        let Some(path) = path.to_str() else {
            let source = ArchiveError::bad_path(
                path.as_os_str().as_encoded_bytes(),
                crate::tree::BadPath::NotUtf8,
            );
            return Err(PackError::Refused {
                path: root.to_owned(),
                source,
            });
        };
        let metadata = entry.metadata().map_err(failed)?;
        found.push(Found {
            path: path.to_owned(),
            kind: kind_of(place, &metadata)?,
        });
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// What the walker could not do first, at the place where it could not, which it names several times over.
fn walk_error(root: &Path, error: ignore::Error) -> PackError {
    let (mut path, mut error) = (root.to_owned(), error);
    loop {
        error = match error {
            ignore::Error::WithPath { path: at, err } => {
                path = at;
                *err
            }
            ignore::Error::WithDepth { err, .. } => *err,
            ignore::Error::Partial(mut errors) if !errors.is_empty() => errors.swap_remove(0),
            ignore::Error::Io(error) => return unreadable(&path, &error),
            source => return PackError::Ignore { path, source },
        };
    }
}

fn unreadable(path: &Path, error: &io::Error) -> PackError {
    PackError::Read {
        path: path.to_owned(),
        source: without_path(error),
    }
}

fn kind_of(place: &Path, metadata: &Metadata) -> Result<Kind, PackError> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        Ok(Kind::Dir)
    } else if kind.is_file() {
        Ok(Kind::File {
            executable: is_executable(metadata),
            size: metadata.len(),
        })
    } else if kind.is_symlink() {
        let target = fs_err::read_link(place)
            .map_err(|error| unreadable(place, &error))?
            .into_os_string()
            .into_string()
            .map_err(|target| PackError::Refused {
                path: place.to_owned(),
                source: ArchiveError::refused(
                    target.as_encoded_bytes(),
                    "a link's target is not UTF-8",
                ),
            })?;
        Ok(Kind::Symlink { target })
    } else {
        let what = crate::tree::name_of(rustix::fs::FileType::from_raw_mode(metadata.mode()));
        Err(PackError::Special {
            path: place.to_owned(),
            what,
        })
    }
}

fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

fn append_item<W: Write>(
    builder: &mut Builder<W>,
    root: &Path,
    top: &str,
    item: &Item,
) -> Result<Option<digest::Digest>, PackError> {
    let name = format!("{top}{}", item.path);
    match &item.kind {
        Kind::Dir => append(
            builder,
            &header(EntryType::Directory, 0, true),
            &format!("{name}/"),
        )
        .map(|()| None),
        Kind::Symlink { target } => {
            let mut header = header(EntryType::Symlink, 0, true);
            builder
                .append_link(&mut header, &name, target)
                .map_err(|source| PackError::Write { source })?;
            Ok(None)
        }
        Kind::File { executable, size } => {
            let mut file = Original::open(root.join(&item.path), *executable, *size)?;
            let mut header = header(EntryType::Regular, *size, *executable);
            let appended = builder.append_data(&mut header, &name, &mut file);
            file.finish(appended).map(Some)
        }
    }
}

fn append<W: Write>(
    builder: &mut Builder<W>,
    header: &Header,
    name: &str,
) -> Result<(), PackError> {
    builder
        .append_data(&mut header.clone(), name, io::empty())
        .map_err(|source| PackError::Write { source })
}

/// A header in which everything is fixed that does not come from the content.
fn header(kind: EntryType, size: u64, executable: bool) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// A file that is packed: hashed while it is read, and watched for changes.
struct Original {
    path: PathBuf,
    reader: digest::Reader<io::Take<fs_err::File>>,
    before: Metadata,
    size: u64,
    failed: Option<io::Error>,
}

impl Original {
    fn open(path: PathBuf, executable: bool, size: u64) -> Result<Self, PackError> {
        let failed = |error| unreadable(&path, &error);
        // a link that took the file's place is not followed, a pipe not waited for
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).expect("open flags are ints");
        let file = fs_err::OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&path)
            .map_err(failed)?;
        let before = file.metadata().map_err(failed)?;
        if !before.is_file() || before.len() != size || is_executable(&before) != executable {
            return Err(PackError::Changed { path });
        }
        let reader = digest::Reader::new(file.take(size), &[Algorithm::Sha256]);
        Ok(Self {
            path,
            reader,
            before,
            size,
            failed: None,
        })
    }

    /// Judges what became of it: whose error it was, and whether the file stayed as it was.
    fn finish(self, appended: io::Result<()>) -> Result<digest::Digest, PackError> {
        if let Some(error) = self.failed {
            return Err(unreadable(&self.path, &error));
        }
        appended.map_err(|source| PackError::Write { source })?;
        let after = self
            .reader
            .get_ref()
            .get_ref()
            .metadata()
            .map_err(|error| unreadable(&self.path, &error))?;
        let state = |metadata: &Metadata| {
            (
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            )
        };
        if self.reader.bytes_read() != self.size || state(&self.before) != state(&after) {
            return Err(PackError::Changed { path: self.path });
        }
        Ok(self.reader.finish().remove(0))
    }
}

impl Read for Original {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(into) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // the writer's errors come the same way, so this one is kept apart
                self.failed = Some(error);
                Err(io::Error::other("the file cannot be read"))
            }
            other => other,
        }
    }
}

struct Counted<W> {
    inner: W,
    bytes: u64,
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
