//! Inflating the entries of a zip archive, whose structure has been checked.
//!
//! Entries do not depend on each other, so two threads take them in turn, each with its own handles and buffers.

use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::directory::{Entry, Method};
use super::{Wanted, read_at};
use crate::archive::content::{Content, Destination};
use crate::archive::error::ArchiveError;
use crate::archive::limits::{LimitKind, Limits};
use crate::archive::writer::{Progress, Writer};
use crate::digest::{Algorithm, Digest, Hasher};

const INPUT: usize = 64 * 1024;
const OUTPUT: usize = 256 * 1024;
/// More threads would fight over the same folders; the machines packs are installed on have few cores.
const THREADS: usize = 2;
/// Entries taken at once, which are mostly of one folder.
const BATCH: usize = 16;

/// Writes all files, and notes their digests.
pub(super) fn files(
    file: &File,
    entries: &[Entry],
    wanted: &[Wanted],
    writer: &mut Writer<'_>,
) -> Result<(), ArchiveError> {
    let threads = THREADS.min(wanted.len().div_ceil(BATCH));
    let dests = (0..threads)
        .map(|_| writer.dest.again())
        .collect::<Result<Vec<_>, _>>()?;
    let work = Work {
        file,
        entries,
        wanted,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        progress: Mutex::new(&mut writer.progress),
    };
    let work = &work;
    let mut results = Vec::new();
    thread::scope(|scope| {
        let workers: Vec<_> = dests
            .into_iter()
            .map(|dest| {
                thread::Builder::new()
                    .name("inflate".to_owned())
                    .spawn_scoped(scope, || work.run(dest))
            })
            .collect();
        for worker in workers {
            results.push(match worker.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(source) => {
                    work.stop.store(true, Ordering::Relaxed);
                    Err(Failure {
                        at: usize::MAX,
                        error: ArchiveError::Read { source },
                    })
                }
            });
        }
    });

    let mut first: Option<Failure> = None;
    for result in results {
        match result {
            Ok(digests) => {
                for (item, digest) in digests {
                    writer.ledger.written(item, digest);
                }
            }
            // which thread was faster must not decide what is reported
            Err(failure) if first.as_ref().is_none_or(|first| failure.at < first.at) => {
                first = Some(failure);
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(()), |failure| Err(failure.error))
}

struct Failure {
    at: usize,
    error: ArchiveError,
}

struct Work<'w, 'p> {
    file: &'w File,
    entries: &'w [Entry],
    wanted: &'w [Wanted],
    next: AtomicUsize,
    stop: AtomicBool,
    progress: Mutex<&'w mut Progress<'p>>,
}

impl Work<'_, '_> {
    fn run(&self, mut dest: Destination) -> Result<Vec<(usize, Digest)>, Failure> {
        let mut inflater = Inflater::new();
        let mut digests = Vec::new();
        loop {
            let from = self.next.fetch_add(BATCH, Ordering::Relaxed);
            if from >= self.wanted.len() {
                return Ok(digests);
            }
            let to = self.wanted.len().min(from + BATCH);
            for (at, wanted) in (from..).zip(&self.wanted[from..to]) {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(digests);
                }
                match self.one(&self.entries[wanted.entry], &mut dest, &mut inflater) {
                    Ok(digest) => digests.push((wanted.item, digest)),
                    Err(error) => {
                        self.stop.store(true, Ordering::Relaxed);
                        return Err(Failure { at, error });
                    }
                }
            }
        }
    }

    fn one(
        &self,
        entry: &Entry,
        dest: &mut Destination,
        inflater: &mut Inflater,
    ) -> Result<Digest, ArchiveError> {
        let name = entry.name.as_str();
        self.progress(|progress| progress.at(name))?;
        let super::directory::Type::File { executable } = entry.kind else {
            unreachable!("only files are wanted");
        };
        let mut content = Content::begin(dest, name, executable, entry.size)?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut written = 0;
        inflater.run(self.file, entry, |bytes| {
            if written > 0 {
                self.progress(|progress| progress.at(name))?;
            }
            written += bytes.len();
            hasher.update(bytes);
            content.write(dest, bytes)?;
            self.progress(|progress| {
                progress.wrote(bytes.len());
                Ok(())
            })
        })?;
        content.finish(dest)?;
        self.progress(|progress| {
            progress.file_done();
            Ok(())
        })?;
        Ok(hasher.finish())
    }

    fn progress(
        &self,
        tell: impl FnOnce(&mut Progress<'_>) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        // an observer that panicked in the other thread ends this one too, a little later
        tell(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Inflates entries, one after the other, with the same buffers.
pub(super) struct Inflater {
    state: Decompress,
    input: Box<[u8]>,
    output: Box<[u8]>,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            state: Decompress::new(false),
            input: vec![0; INPUT].into(),
            output: vec![0; OUTPUT].into(),
        }
    }

    /// The target of a link, which is the content of its entry.
    pub(super) fn link_target(
        &mut self,
        file: &File,
        entry: &Entry,
        limits: &Limits,
    ) -> Result<String, ArchiveError> {
        let limit = limits.path_bytes as u64;
        if entry.size > limit {
            let what = LimitKind::PathBytes;
            return Err(ArchiveError::Limit {
                what,
                limit,
                entry: None,
            }
            .at_entry(&entry.name));
        }
        let mut target = Vec::new();
        self.run(file, entry, |bytes| {
            target.extend_from_slice(bytes);
            Ok(())
        })?;
        String::from_utf8(target)
            .map_err(|_| ArchiveError::refused(&entry.name, "its target is not UTF-8"))
    }

    /// Checks that the entry of a folder has no content. Some writers deflate the nothing.
    pub(super) fn check_empty(&mut self, file: &File, entry: &Entry) -> Result<(), ArchiveError> {
        if entry.size != 0 {
            return Err(ArchiveError::damaged_at(
                &entry.name,
                "it is a folder with content",
            ));
        }
        self.run(file, entry, |_| Ok(()))
    }

    /// Gives the content of an entry to `sink`, in pieces, and checks that it is as the directory says: length and
    /// checksum, and that its compressed bytes end where its content does.
    fn run(
        &mut self,
        file: &File,
        entry: &Entry,
        mut sink: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut crc = Crc::new();
        let mut size = 0_u64;
        let damaged = |reason| ArchiveError::damaged_at(&entry.name, reason);
        let mut take = |bytes: &[u8]| {
            size += bytes.len() as u64;
            if size > entry.size {
                return Err(damaged("it is longer than its size says"));
            }
            crc.update(bytes);
            sink(bytes)
        };
        match entry.method {
            Method::Stored => self.copy(file, entry, &mut take)?,
            Method::Deflated => self.inflate(file, entry, &mut take)?,
        }
        if size != entry.size {
            return Err(damaged("it is shorter than its size says"));
        }
        if crc.sum() != entry.crc {
            return Err(damaged("its checksum is wrong"));
        }
        Ok(())
    }

    fn copy(
        &mut self,
        file: &File,
        entry: &Entry,
        take: &mut impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut done = 0;
        while done < entry.packed {
            let piece = piece(&mut self.output, entry.packed - done);
            read_at(file, piece, entry.data + done)?;
            done += piece.len() as u64;
            take(piece)?;
        }
        Ok(())
    }

    fn inflate(
        &mut self,
        file: &File,
        entry: &Entry,
        take: &mut impl FnMut(&[u8]) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let damaged = |reason| Err(ArchiveError::damaged_at(&entry.name, reason));
        self.state.reset(false);
        let mut read = 0;
        let mut waiting: &[u8] = &[];
        loop {
            if waiting.is_empty() && read < entry.packed {
                let piece = piece(&mut self.input, entry.packed - read);
                read_at(file, piece, entry.data + read)?;
                read += piece.len() as u64;
                waiting = piece;
            }
            let (total_in, total_out) = (self.state.total_in(), self.state.total_out());
            let Ok(status) =
                self.state
                    .decompress(waiting, &mut self.output, FlushDecompress::None)
            else {
                return damaged("its compressed data is not deflate");
            };
            let consumed =
                usize::try_from(self.state.total_in() - total_in).expect("no more than was given");
            let produced = usize::try_from(self.state.total_out() - total_out)
                .expect("no more than there is room");
            waiting = &waiting[consumed..];
            if produced > 0 {
                take(&self.output[..produced])?;
            }
            if status == Status::StreamEnd {
                if waiting.is_empty() && read == entry.packed {
                    return Ok(());
                }
                return damaged("there is more after its compressed data");
            }
            if consumed == 0 && produced == 0 && read == entry.packed {
                return damaged("its compressed data ends too early");
            }
        }
    }
}

/// As much of the buffer as is needed.
fn piece(buffer: &mut [u8], needed: u64) -> &mut [u8] {
    let count = usize::try_from(needed).map_or(buffer.len(), |needed| needed.min(buffer.len()));
    &mut buffer[..count]
}
