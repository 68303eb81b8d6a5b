//! The pipe between reading and writing: one thread reads and inflates, the other parses, hashes and writes.
//!
//! On two cores that is as fast as it gets: inflating and creating files cost about the same. The buffers go
//! round, so memory stays the same however large the archive is.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::error::ArchiveError;
use super::frames::{Frames, MAX_WINDOW};
use super::limits::{LimitKind, Limits};
use super::members::Members;
use super::sniff::Format;

/// Bytes of one buffer between the threads; a multiple of a tar block, so that no block lies across two.
const CHUNK: usize = 512 * 1024;
/// How many of them there are.
const CHUNKS: usize = 4;
/// Bytes of compressed input read at once.
const INPUT: usize = 128 * 1024;

/// Lets `work` consume what `input` holds, unpacked, while another thread reads on.
///
/// If `work` ends early, the reading thread stops at its next buffer; should it just wait for input, that
/// takes as long as the input lets it wait.
pub(super) fn through<T>(
    format: Format,
    input: &mut (dyn Read + Send),
    limits: &Limits,
    work: impl FnOnce(&mut Chunks) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let (full, from_reader) = sync_channel(CHUNKS);
    let (to_reader, free) = sync_channel(CHUNKS);
    let mut chunks = Chunks {
        full: from_reader,
        free: to_reader,
        format,
        chunk: Chunk::default(),
        at: 0,
        unpacked: 0,
        ended: false,
        ratio: limits.ratio,
        ratio_after: limits.ratio_after,
    };
    for _ in 0..CHUNKS {
        chunks.recycle(Chunk::default());
    }
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("inflate".to_owned())
            .spawn_scoped(scope, move || read(format, input, &full, &free))
            .map_err(|source| ArchiveError::Read { source })?;
        let result = work(&mut chunks);
        // hangs up, so the reader ends if it has not
        drop(chunks);
        if let Err(panic) = reader.join() {
            std::panic::resume_unwind(panic);
        }
        result
    })
}

#[derive(Debug, Default)]
struct Chunk {
    bytes: Box<[u8]>,
    length: usize,
    /// How many bytes of the archive had been read when this was filled.
    packed: u64,
}

enum Message {
    Chunk(Chunk),
    End,
    Failed(ArchiveError),
}

/// The reading thread.
fn read(
    format: Format,
    input: &mut (dyn Read + Send),
    full: &SyncSender<Message>,
    free: &Receiver<Chunk>,
) {
    let input = Input {
        inner: input,
        buffer: vec![0; INPUT].into(),
        at: 0,
        end: 0,
        consumed: 0,
        error: None,
    };
    let end = match format {
        Format::TarGz => fill(Members::new(input), |members| members.input(), full, free),
        Format::TarZst => Frames::new(input)
            .map_err(|source| ArchiveError::Read { source })
            .and_then(|mut frames| {
                fill(&mut frames, |frames| frames.input(), full, free).map_err(|error| {
                    if frames.is_too_wide() {
                        ArchiveError::Limit {
                            what: LimitKind::Window,
                            limit: MAX_WINDOW,
                            entry: None,
                        }
                    } else {
                        error
                    }
                })
            }),
        Format::Tar | Format::Zip => fill(input, |input| input, full, free),
    };
    // nobody there to hear it means that the work has ended already
    let _ = full.send(end.map_or_else(Message::Failed, |()| Message::End));
}

fn fill<'a, R: Read>(
    mut unpacked: R,
    input: impl Fn(&mut R) -> &mut Input<'a>,
    full: &SyncSender<Message>,
    free: &Receiver<Chunk>,
) -> Result<(), ArchiveError> {
    while let Ok(mut chunk) = free.recv() {
        if chunk.bytes.is_empty() {
            chunk.bytes = vec![0; CHUNK].into();
        }
        chunk.length = 0;
        let mut ended = false;
        while chunk.length < CHUNK && !ended {
            match unpacked.read(&mut chunk.bytes[chunk.length..]) {
                Ok(0) => ended = true,
                Ok(count) => chunk.length += count,
                Err(error) => {
                    return Err(match input(&mut unpacked).error.take() {
                        Some(source) => ArchiveError::Read { source },
                        None if error.kind() == io::ErrorKind::UnexpectedEof => {
                            ArchiveError::damaged("its compressed data ends too early")
                        }
                        None => ArchiveError::damaged(format!(
                            "its compressed data is damaged: {}",
                            in_words(&error)
                        )),
                    });
                }
            }
        }
        chunk.packed = input(&mut unpacked).consumed;
        if full.send(Message::Chunk(chunk)).is_err() || ended {
            break;
        }
    }
    Ok(())
}

/// What the decoder says, without its name for the format.
fn in_words(error: &io::Error) -> String {
    match error.to_string().as_str() {
        "corrupt gzip stream does not have a matching checksum" => {
            "it does not have the checksum or the length that it says".to_owned()
        }
        other => other.to_owned(),
    }
}

/// The archive's bytes, counted as they are consumed. Keeps its errors aside, to tell them from the decoder's.
pub(super) struct Input<'a> {
    inner: &'a mut (dyn Read + Send),
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    consumed: u64,
    error: Option<io::Error>,
}

impl Input<'_> {
    /// What comes next, without taking it: at least this many bytes, or fewer at the end.
    pub(super) fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        if self.end - self.at < least {
            self.buffer.copy_within(self.at..self.end, 0);
            self.end -= self.at;
            self.at = 0;
            while self.end < least {
                match self.inner.read(&mut self.buffer[self.end..]) {
                    Ok(0) => break,
                    Ok(count) => self.end += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.error = Some(error);
                        return Err(io::Error::other("the input failed"));
                    }
                }
            }
        }
        Ok(&self.buffer[self.at..self.end])
    }

    /// Takes bytes that were seen.
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
        self.consumed += count as u64;
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, count: usize) {
        self.skip(count);
    }
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// The unpacked bytes, for the thread that uses them.
pub(super) struct Chunks {
    full: Receiver<Message>,
    free: SyncSender<Chunk>,
    format: Format,
    chunk: Chunk,
    at: usize,
    unpacked: u64,
    ended: bool,
    ratio: u64,
    ratio_after: u64,
}

impl Chunks {
    /// What the input is.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// The next bytes: at least one and at most `most`, or none at the end of the input.
    pub(super) fn take(&mut self, most: u64) -> Result<&[u8], ArchiveError> {
        while self.at == self.chunk.length && !self.ended {
            self.next_chunk()?;
        }
        let rest = &self.chunk.bytes[self.at..self.chunk.length];
        let count = usize::try_from(most).map_or(rest.len(), |most| most.min(rest.len()));
        self.at += count;
        Ok(&rest[..count])
    }

    /// Just this many bytes, or fewer at the end of the input.
    pub(super) fn read(&mut self, into: &mut Vec<u8>, count: u64) -> Result<(), ArchiveError> {
        let mut left = count;
        while left > 0 {
            let bytes = self.take(left)?;
            if bytes.is_empty() {
                break;
            }
            into.extend_from_slice(bytes);
            left -= bytes.len() as u64;
        }
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<(), ArchiveError> {
        let done = std::mem::take(&mut self.chunk);
        self.at = 0;
        if !done.bytes.is_empty() {
            self.recycle(done);
        }
        match self.full.recv() {
            Ok(Message::Chunk(chunk)) => self.chunk = chunk,
            Ok(Message::End) => self.ended = true,
            Ok(Message::Failed(error)) => return Err(error),
            Err(_) => {
                return Err(ArchiveError::Read {
                    source: io::Error::other("the reading thread has ended"),
                });
            }
        }
        self.unpacked += self.chunk.length as u64;
        if self.unpacked > self.ratio_after
            && self.unpacked > self.chunk.packed.saturating_mul(self.ratio)
            && !self.ended
        {
            return Err(ArchiveError::Limit {
                what: LimitKind::Ratio,
                limit: self.ratio,
                entry: None,
            });
        }
        Ok(())
    }

    fn recycle(&self, chunk: Chunk) {
        // a reader that has ended needs no buffers
        let _ = self.free.send(chunk);
    }
}
