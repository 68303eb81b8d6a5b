//! Request bodies: nothing, bytes, or what a thread writes into a bounded channel.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// The one body type of the client.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body of bytes that are all there; it can be sent again.
pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// The bytes of an upload, as a thread makes them.
#[derive(Debug)]
pub(crate) struct Upload {
    chunks: mpsc::Receiver<Chunk>,
    ended: bool,
}

/// One message to an [`Upload`].
#[derive(Debug)]
enum Chunk {
    Data(Bytes),
    End,
}

/// Where a thread writes an upload. Blocks while the daemon is slower than the disk.
#[derive(Debug)]
pub(crate) struct UploadWriter {
    chunks: mpsc::Sender<Chunk>,
    buffer: Vec<u8>,
    written: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

/// At most this much of an upload waits in memory, in pieces of `CHUNK_BYTES`.
const CHUNKS: usize = 8;
const CHUNK_BYTES: usize = 128 * 1024;

/// An upload and its writer; `written` counts what was handed over.
pub(crate) fn upload(
    written: std::sync::Arc<std::sync::atomic::AtomicU64>,
) -> (UploadWriter, Upload) {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    (
        UploadWriter {
            chunks: sender,
            buffer: Vec::with_capacity(CHUNK_BYTES),
            written,
        },
        Upload {
            chunks: receiver,
            ended: false,
        },
    )
}

impl UploadWriter {
    /// Says that the upload is complete. An upload that is dropped without it is cut
    /// off in a way that the daemon notices, and never taken for a shorter one.
    ///
    /// # Errors
    /// When nobody reads it any more.
    pub(crate) fn complete(mut self) -> io::Result<()> {
        self.hand_over()?;
        self.chunks.blocking_send(Chunk::End).map_err(|_| closed())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES));
        let bytes = full.len() as u64;
        self.chunks
            .blocking_send(Chunk::Data(full.into()))
            .map_err(|_| closed())?;
        self.written
            .fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the daemon stopped reading")
}

impl io::Write for UploadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK_BYTES {
            self.hand_over()?;
        }
        Ok(taken)
    }

    // pieces leave when they are full: a flush would only make them smaller
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl hyper::body::Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.chunks.poll_recv(cx));
        Poll::Ready(match next {
            Some(Chunk::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Chunk::End) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the upload was given up",
                )))
            }
        })
    }
}
