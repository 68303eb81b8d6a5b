//! The half of fetching an archive that runs on a thread: recognise, digest, unpack, compare.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use packd_format::archive::{self, ArchiveError, Format, Limits, Observer, Source, Writer};
use packd_format::error::without_path;
use packd_format::tree::FileList;
use packd_format::{Algorithm, Digest};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::archive::{Unpacked, Way};
use super::early::Early;
use super::error::{Mismatch, SourceError};
use super::input::Input;
use super::relay::{Position, Relay};
use super::{Fetch, base};
use crate::config;

/// What a format is recognised by.
const HEAD: usize = 512;
/// Bytes of a zip archive that are copied at once.
const BUFFER: usize = 256 * 1024;

/// All that the thread needs, owned.
pub(super) struct Unpacking {
    /// Where the archive comes from, as people see it.
    from: String,
    folder: PathBuf,
    limits: Limits,
    expected: Vec<Digest>,
    size: Option<u64>,
    /// The tree of an earlier version, to share files with.
    base: Option<PathBuf>,
    relay: Relay,
    stop: CancellationToken,
}

/// Why it ended, before it is known who is to blame.
enum Trouble {
    Archive(ArchiveError),
    Spool(io::Error),
}

impl Unpacking {
    /// What unpacks into `folder`, and where to hear how far it is.
    pub(super) fn new(
        context: &Fetch<'_>,
        from: String,
        folder: &Path,
        expected: &[Digest],
        stop: CancellationToken,
    ) -> (Self, watch::Receiver<Position>) {
        let (relay, position) = Relay::new(stop.clone());
        let unpacking = Self {
            from,
            folder: folder.to_owned(),
            limits: context.limits.clone(),
            expected: expected.to_vec(),
            size: context.size,
            base: context.base.map(Path::to_owned),
            relay,
            stop,
        };
        (unpacking, position)
    }

    /// Unpacks the local archive at `path`.
    pub(super) fn file(self, path: &Path, way: Way) -> Result<Unpacked, SourceError> {
        let (file, bytes) = open(path)?;
        if bytes > self.limits.pack_bytes {
            return Err(SourceError::TooLarge {
                from: self.from,
                bytes,
                limit: self.limits.pack_bytes,
            });
        }
        // a file that grows meanwhile is read as it was
        self.run(file.take(bytes), way)
    }

    /// Unpacks what `reader` gives. On return nothing reads or writes any more.
    pub(super) fn run(
        mut self,
        reader: impl Read + Send,
        way: Way,
    ) -> Result<Unpacked, SourceError> {
        let mut input = Input::new(reader, &algorithms(&self.expected), self.stop.clone());
        let outcome = self.unpack(&mut input);
        if self.wants_the_rest(&outcome) {
            input.drain();
        }
        if self.stop.is_cancelled() {
            return Err(SourceError::Cancelled);
        }
        if let Some(source) = input.take_failure() {
            return Err(SourceError::Read {
                from: self.from,
                source,
            });
        }
        match outcome {
            Ok((format, files)) => {
                let (bytes, digests) = input.finish();
                self.compare(bytes, &digests)?;
                // sha256 is always the first
                Ok(Unpacked {
                    archive: digests[0],
                    bytes,
                    format,
                    way,
                    files,
                })
            }
            Err(Trouble::Spool(source)) => Err(SourceError::Spool {
                from: self.from,
                folder: self.folder,
                source,
            }),
            Err(Trouble::Archive(source)) if self.judges(&source) => {
                let (bytes, digests) = input.finish();
                // "digest mismatch" says what happened, "bad tar header" only what it led to
                Err(match self.compare(bytes, &digests) {
                    Err(SourceError::DigestMismatch { from, digests, .. }) => {
                        SourceError::DigestMismatch {
                            from,
                            digests,
                            source: Some(source.into()),
                        }
                    }
                    Err(mismatch) => mismatch,
                    Ok(()) => self.failed(source),
                })
            }
            Err(Trouble::Archive(source)) => Err(self.failed(source)),
        }
    }

    fn unpack<R: Read + Send>(
        &mut self,
        input: &mut Input<R>,
    ) -> Result<(Format, FileList), Trouble> {
        let mut head = [0; HEAD];
        let read = |source| Trouble::Archive(ArchiveError::Read { source });
        let count = input.head(&mut head).map_err(read)?;
        let head = &head[..count];
        let format = Format::sniff(head).map_err(Trouble::Archive)?;
        let mut whole = head.chain(input);
        let spooled;
        let source = match format {
            Format::Zip => {
                spooled = self.spool(&mut whole)?;
                Source::Zip(&spooled)
            }
            Format::Tar | Format::TarGz | Format::TarZst => Source::Stream(format, &mut whole),
        };
        let base = self.base.as_deref().and_then(base);
        // what is shared is not written, and an update shares nearly all of it: then it would only have the same
        // blocks of names and inodes written several times
        let early = base.is_none().then(|| Early::new(&self.folder)).transpose();
        let mut watcher = Watcher {
            relay: &mut self.relay,
            early: early.map_err(Trouble::Archive)?,
        };
        let unpacked = Writer::new(&self.folder, &self.limits, &mut watcher)
            .and_then(|writer| archive::unpack_with(source, writer.sharing(base), &self.limits));
        let files = unpacked.map_err(Trouble::Archive)?;
        let written = watcher.early.as_mut().map_or(Ok(()), Early::finish);
        written.map_err(|source| {
            Trouble::Archive(ArchiveError::Write {
                path: self.folder.clone(),
                source,
            })
        })?;
        Ok((format, files))
    }

    /// Keeps a zip archive, which is read from its end. The file has no name, so that it is gone with
    /// the process, whatever ends that; it lies on the file system that the tree will need anyway.
    fn spool(&self, whole: &mut impl Read) -> Result<File, Trouble> {
        let mut file = tempfile::tempfile_in(&self.folder).map_err(Trouble::Spool)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match whole.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => file.write_all(&buffer[..count]).map_err(Trouble::Spool)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Trouble::Archive(ArchiveError::Read { source })),
            }
        }
        file.rewind().map_err(Trouble::Spool)?;
        Ok(file)
    }

    /// Whether the digests are needed, and the unpacker may have left bytes unread.
    fn wants_the_rest<T>(&self, outcome: &Result<T, Trouble>) -> bool {
        match outcome {
            Ok(_) => true,
            Err(Trouble::Archive(error)) => self.judges(error),
            Err(Trouble::Spool(_)) => false,
        }
    }

    /// Whether an error is about the bytes, and there is something to compare them with.
    fn judges(&self, error: &ArchiveError) -> bool {
        error.is_about_the_bytes() && !self.expected.is_empty()
    }

    /// Fails when the bytes are not the promised ones.
    fn compare(&self, bytes: u64, digests: &[Digest]) -> Result<(), SourceError> {
        let from = || self.from.clone();
        if let Some(expected) = self.size.filter(|size| *size != bytes) {
            return Err(SourceError::SizeMismatch {
                from: from(),
                expected,
                actual: bytes,
                exact: true,
            });
        }
        for expected in &self.expected {
            let actual = digests
                .iter()
                .find(|digest| digest.algorithm() == expected.algorithm());
            if let Some(actual) = actual.filter(|actual| *actual != expected) {
                let digests = Mismatch {
                    expected: *expected,
                    actual: *actual,
                }
                .into();
                return Err(SourceError::DigestMismatch {
                    from: from(),
                    digests,
                    source: None,
                });
            }
        }
        Ok(())
    }

    fn failed(self, source: ArchiveError) -> SourceError {
        SourceError::Unpack {
            from: self.from,
            folder: self.folder,
            source,
        }
    }
}

/// Who hears of each entry.
struct Watcher<'a> {
    relay: &'a mut Relay,
    early: Option<Early>,
}

impl Observer for Watcher<'_> {
    fn entry(&mut self, path: &str, files: u64, bytes: u64) -> ControlFlow<()> {
        if let Some(early) = &mut self.early {
            early.wrote(bytes);
        }
        self.relay.entry(path, files, bytes)
    }
}

/// SHA-256 always, and first, because packs are known by it; others where they are expected.
fn algorithms(expected: &[Digest]) -> Vec<Algorithm> {
    let mut algorithms = vec![Algorithm::Sha256];
    for algorithm in expected.iter().map(Digest::algorithm) {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms
}

/// Opens a regular file, and says how long it is.
fn open(path: &Path) -> Result<(fs_err::File, u64), SourceError> {
    let path = || path.to_owned();
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => SourceError::NotAFile { path: path() },
        _ => SourceError::Open {
            path: path(),
            source: without_path(&error),
        },
    };
    let file = config::open_regular(&path()).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}
