//! From the runtime to a blocking reader: bytes go in as they come, and are read by another thread.
//!
//! Holds half a MiB at most. The end has to be said: a pipe that is merely dropped reads as an error,
//! because half an archive must never pass for a whole one.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes on the way, and one piece more: a piece is let in when there is any room for it.
const ROOM: u32 = 512 * 1024;
/// Pieces on the way, for pieces of a few bytes each.
const PIECES: usize = 1024;

/// The end that the runtime writes to.
#[derive(Debug)]
pub(super) struct Inlet {
    pieces: mpsc::Sender<Piece>,
    room: Arc<Semaphore>,
}

/// The end that a thread reads from.
#[derive(Debug)]
pub(super) struct Outlet {
    pieces: mpsc::Receiver<Piece>,
    /// What is left of the piece that is being read.
    rest: Bytes,
    /// Held until the piece is read.
    room: Option<OwnedSemaphorePermit>,
    ended: bool,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes, OwnedSemaphorePermit),
    End,
}

/// The reader is gone; nobody wants more.
#[derive(Debug)]
pub(super) struct Closed;

pub(super) fn pipe() -> (Inlet, Outlet) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let room = Arc::new(Semaphore::new(ROOM as usize));
    (
        Inlet {
            pieces: sender,
            room,
        },
        Outlet {
            pieces: receiver,
            rest: Bytes::new(),
            room: None,
            ended: false,
        },
    )
}

impl Inlet {
    /// Waits for room, then hands the bytes over.
    pub(super) async fn send(&self, bytes: Bytes) -> Result<(), Closed> {
        let size = u32::try_from(bytes.len()).unwrap_or(ROOM).clamp(1, ROOM);
        tokio::select! {
            // a reader that is gone never makes room
            () = self.pieces.closed() => Err(Closed),
            permit = self.room.clone().acquire_many_owned(size) => {
                let permit = permit.map_err(|_| Closed)?;
                self.pieces.send(Piece::Bytes(bytes, permit)).await.map_err(|_| Closed)
            }
        }
    }

    /// Returns when the reader is gone.
    pub(super) async fn closed(&self) {
        self.pieces.closed().await;
    }

    /// Says that this was all.
    pub(super) async fn end(self) {
        // a reader that is gone does not need to know
        let _closed = self.pieces.send(Piece::End).await;
    }
}

impl Read for Outlet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !self.ended {
            self.room = None;
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes, permit)) => (self.rest, self.room) = (bytes, Some(permit)),
                Some(Piece::End) => self.ended = true,
                None => {
                    return Err(io::Error::new(
                        io::ErrorKind::ConnectionAborted,
                        "the download ended early",
                    ));
                }
            }
        }
        let count = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn what_goes_in_comes_out_and_ends_when_that_is_said() {
        let (inlet, mut outlet) = pipe();
        let reading = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            outlet.read_to_end(&mut all).map(|_| all)
        });
        let mut sent = Vec::new();
        for size in [1, 0, 70_000, 2_000_000, 3] {
            let bytes: Vec<u8> = (0..size).map(|i: u32| i.to_le_bytes()[0]).collect();
            sent.extend_from_slice(&bytes);
            inlet.send(bytes.into()).await.unwrap();
        }
        inlet.end().await;
        assert!(
            reading.await.unwrap().unwrap() == sent,
            "the bytes are those that were sent, in order"
        );
    }

    #[tokio::test]
    async fn a_pipe_that_is_dropped_is_no_end_of_file() {
        let (inlet, mut outlet) = pipe();
        inlet.send(Bytes::from_static(b"half")).await.unwrap();
        drop(inlet);
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            (
                outlet.read_to_end(&mut all).map_err(|error| error.kind()),
                all,
            )
        });
        assert_eq!(
            read.await.unwrap(),
            (Err(io::ErrorKind::ConnectionAborted), b"half".to_vec())
        );
    }

    #[tokio::test]
    async fn a_writer_waits_for_room_and_notices_that_the_reader_is_gone() {
        let (inlet, outlet) = pipe();
        inlet.send(vec![0; ROOM as usize].into()).await.unwrap();
        let mut waiting = std::pin::pin!(inlet.send(Bytes::from_static(b"more")));
        let first = futures_util::poll!(&mut waiting);
        assert!(first.is_pending(), "the pipe is full");
        drop(outlet);
        assert!(waiting.await.is_err(), "nobody will read it");
    }
}
