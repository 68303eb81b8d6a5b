//! An archive as the unpacking thread reads it: counted, digested, and ended by a cancellation.

use std::io::{self, Read};

use packd_format::digest::Reader;
use packd_format::error::without_path;
use packd_format::{Algorithm, Digest};
use tokio_util::sync::CancellationToken;

/// Bytes read at once when nobody looks at them but the digest.
const BUFFER: usize = 256 * 1024;

/// The bytes of an archive on their way into the unpacker.
///
/// The unpacker reports a failed read as its own kind of error, or not at all; so the failure is kept
/// here, where the caller finds it.
pub(super) struct Input<R> {
    inner: Reader<R>,
    stop: CancellationToken,
    failure: Option<io::Error>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R, algorithms: &[Algorithm], stop: CancellationToken) -> Self {
        Self {
            inner: Reader::new(inner, algorithms),
            stop,
            failure: None,
        }
    }

    /// Reads to the end, so that the digests are of all bytes. A failure is kept.
    pub(super) fn drain(&mut self) {
        let mut buffer = vec![0; BUFFER];
        while self.read(&mut buffer).is_ok_and(|count| count > 0) {}
    }

    /// As much of the beginning as `buffer` holds.
    pub(super) fn head(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        Ok(filled)
    }

    /// Why reading failed, if it did.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// How many bytes there were, and their digests.
    pub(super) fn finish(self) -> (u64, Vec<Digest>) {
        (self.inner.bytes_read(), self.inner.finish())
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = if self.failure.is_some() {
            // what failed once is not asked again: the digest would be of something else
            Err(io::ErrorKind::BrokenPipe.into())
        } else if self.stop.is_cancelled() {
            Err(io::Error::other("cancelled"))
        } else {
            self.inner.read(buffer)
        };
        result.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure.get_or_insert_with(|| without_path(error));
            }
        })
    }
}
