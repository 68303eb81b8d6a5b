//! One stream of events: first what is stored, then what happens, without a gap or a repetition.
//!
//! The follower subscribes before it reads the store, so that what is committed in between comes twice
//! rather than never, and the second one is recognised by its number. One that falls behind what the
//! hub keeps goes back to the store, and from there on again.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::broadcast::{self, error::TryRecvError};
use tokio_util::sync::CancellationToken;

use super::encode::Format;
use crate::api::State;
use crate::api::limit::Slot;
use crate::api::reply::Answer;
use crate::event::{Frame, encode};
use crate::store::event::{self as rows, Filter};
use crate::store::{Database, StoreError};

/// How much is put into one write.
const CHUNK: usize = 32 * 1024;
/// How many stored events are read at once.
const PAGE: usize = 256;

/// What a chunk of a stream's body is; it never fails, it ends.
type Chunk = Result<Bytes, std::convert::Infallible>;

/// One stream.
#[derive(Debug)]
pub(crate) struct Follower {
    live: broadcast::Receiver<Arc<Frame>>,
    database: Database,
    filter: Filter,
    format: Format,
    /// Every stored event up to this number was sent, or is not wanted.
    cursor: i64,
    /// Whether the store has to be read before the live events go on.
    behind: bool,
    keep_alive: Duration,
    stopping: CancellationToken,
    _slot: Slot,
}

impl Follower {
    /// A stream that begins behind `since`, which is a number that there was, or now.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn start(
        state: &State,
        since: Option<i64>,
        filter: Filter,
        format: Format,
        slot: Slot,
    ) -> Answer<Self> {
        let live = state.parts.hub.subscribe();
        let last = state.parts.database.read(rows::last).await?;
        Ok(Self {
            live,
            database: state.parts.database.clone(),
            filter,
            format,
            cursor: since.unwrap_or(last),
            behind: since.is_some_and(|since| since < last),
            keep_alive: state.times.keep_alive,
            stopping: state.stopping.clone(),
            _slot: slot,
        })
    }

    /// The next chunk of the body, in the shape that `unfold` wants.
    pub(crate) async fn next(mut self) -> Option<(Chunk, Self)> {
        let stopping = self.stopping.clone();
        let chunk = stopping.run_until_cancelled(self.chunk()).await??;
        Some((Ok(chunk), self))
    }

    /// Waits until there is something to send, and takes as much as there is.
    async fn chunk(&mut self) -> Option<Bytes> {
        let mut chunk = BytesMut::new();
        loop {
            if self.behind {
                if let Err(error) = self.replay(&mut chunk).await {
                    tracing::warn!(error = %crate::logging::chain(&error), "an event stream ends: the store cannot be read");
                    return None;
                }
            } else {
                self.drain(&mut chunk);
            }
            if !chunk.is_empty() {
                return Some(chunk.freeze());
            }
            if self.behind {
                continue;
            }
            match tokio::time::timeout(self.keep_alive, self.live.recv()).await {
                Ok(Ok(frame)) => self.take(&frame, &mut chunk),
                Ok(Err(broadcast::error::RecvError::Lagged(_))) => self.behind = true,
                Ok(Err(broadcast::error::RecvError::Closed)) => return None,
                Err(_) => return Some(Bytes::from_static(self.format.keep_alive())),
            }
        }
    }

    /// Takes the live events that are there already.
    fn drain(&mut self, chunk: &mut BytesMut) {
        while chunk.len() < CHUNK {
            match self.live.try_recv() {
                Ok(frame) => self.take(&frame, chunk),
                Err(TryRecvError::Lagged(_)) => {
                    self.behind = true;
                    return;
                }
                // closed is found out by who waits for the next one
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Appends a live event, unless the store's replay had it already.
    fn take(&mut self, frame: &Frame, chunk: &mut BytesMut) {
        if let Some(seq) = frame.seq {
            if seq <= self.cursor {
                return;
            }
            self.cursor = seq;
        }
        if self
            .filter
            .allows(frame.job, frame.pack_ref.as_deref(), frame.kind)
        {
            self.format
                .append(chunk, frame.seq, frame.kind, &frame.json);
        }
    }

    /// Appends a page of stored events; the last page ends being behind.
    async fn replay(&mut self, chunk: &mut BytesMut) -> Result<(), StoreError> {
        let (cursor, filter) = (self.cursor, self.filter.clone());
        let (events, last) = self
            .database
            .read(move |connection| {
                Ok((
                    rows::since(connection, cursor, &filter, PAGE)?,
                    rows::last(connection)?,
                ))
            })
            .await?;
        for event in &events {
            self.format
                .append(chunk, event.seq, event.kind, &encode(event));
        }
        if events.len() == PAGE {
            self.cursor = events
                .last()
                .and_then(|event| event.seq)
                .unwrap_or(self.cursor);
        } else {
            // one snapshot: up to `last`, what is not in the page is not wanted
            self.cursor = last.max(self.cursor);
            self.behind = false;
        }
        Ok(())
    }
}
