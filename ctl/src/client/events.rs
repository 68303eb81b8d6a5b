//! Events as a stream that survives: it resumes by sequence number.
//!
//! The daemon may restart, and connections may break, in the middle of a line
//! even. Whatever was not read completely is asked for again with
//! `since=` the last sequence number that was; what comes twice is left out.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use packd_wire::{EventView, EventsQuery};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Client, ClientError};

/// How long the daemon may be away before the stream is given up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// The first pause before another attempt; each one doubles it, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A connection that lasted this long was one: what follows is another outage.
const LONG_LIVED: Duration = Duration::from_secs(10);
/// No event is longer than this on its line.
const LINE_BYTES: usize = 1024 * 1024;

/// What a stream brings.
#[derive(Debug)]
pub(crate) enum Item {
    /// An event.
    Event(Frame),
    /// The daemon is away; said once, then the stream waits for it to come back.
    Interrupted,
}

/// One line of the stream.
#[derive(Debug)]
pub(crate) struct Frame {
    /// As it was received.
    pub(crate) raw: String,
    /// What it says; nothing when it is of a kind that this version does not know.
    pub(crate) event: Option<EventView>,
}

/// The place in the order, of events of any kind.
#[derive(Deserialize)]
struct Place {
    seq: Option<i64>,
}

/// What to do about a daemon that is not there at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtFirst {
    /// Say so at once.
    Fail,
    /// Wait for it: it was there a moment ago.
    Wait,
}

/// A stream of events; ask [`Self::next`] for as long as there is interest.
#[derive(Debug)]
pub(crate) struct EventStream<'c> {
    client: &'c Client,
    wanted: EventsQuery,
    since: i64,
    connection: Option<Connection>,
    /// Since when there is no connection that brought anything, and the pause before the next one.
    outage: Option<Outage>,
    at_first: AtFirst,
}

#[derive(Debug)]
struct Outage {
    began: Instant,
    pause: Duration,
    said: bool,
}

/// A response that is being read, and the part of a line that has arrived.
#[derive(Debug)]
struct Connection {
    opened: Instant,
    body: Incoming,
    buffer: BytesMut,
    lines: VecDeque<String>,
}

impl<'c> EventStream<'c> {
    /// The wanted events, from `wanted.since` on; 0 is the beginning.
    pub(crate) fn new(client: &'c Client, wanted: EventsQuery, at_first: AtFirst) -> Self {
        let since = wanted.since.unwrap_or(0);
        Self {
            client,
            wanted,
            since,
            connection: None,
            outage: None,
            at_first,
        }
    }

    /// The sequence number of the last stored event that was returned.
    pub(crate) fn since(&self) -> i64 {
        self.since
    }

    /// The next event. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// What the daemon refuses, and a daemon that stays away for [`PATIENCE`].
    pub(crate) async fn next(&mut self) -> Result<Item, ClientError> {
        loop {
            let failure = match &mut self.connection {
                None => {
                    if let Some(outage) = &self.outage {
                        tokio::time::sleep(outage.pause).await;
                    }
                    self.wanted.since = Some(self.since);
                    match self.client.event_stream(&self.wanted).await {
                        Ok(body) => {
                            self.at_first = AtFirst::Wait;
                            self.connection = Some(Connection::new(body));
                            continue;
                        }
                        Err(error) => Some(error),
                    }
                }
                Some(connection) => match connection.line().await {
                    Ok(Some(line)) => {
                        if let Some(frame) = self.accept(line)? {
                            return Ok(Item::Event(frame));
                        }
                        continue;
                    }
                    Ok(None) => None,
                    Err(error) => Some(error),
                },
            };
            if self.interrupted(failure)? {
                return Ok(Item::Interrupted);
            }
        }
    }

    /// Takes a line for what it is; nothing when it was there before.
    fn accept(&mut self, line: String) -> Result<Option<Frame>, ClientError> {
        let malformed = |source| ClientError::Malformed {
            request: "GET /v1/events".to_owned(),
            source,
        };
        let seq = serde_json::from_str::<Place>(&line).map_err(malformed)?.seq;
        self.outage = None;
        if let Some(seq) = seq {
            if seq <= self.since {
                return Ok(None);
            }
            self.since = seq;
        }
        // readers ignore kinds they do not know, and only those
        let event = serde_json::from_str::<EventView>(&line).ok();
        Ok(Some(Frame { raw: line, event }))
    }

    /// Forgets the connection. Whether this is to be said.
    fn interrupted(&mut self, failure: Option<ClientError>) -> Result<bool, ClientError> {
        if self
            .connection
            .take()
            .is_some_and(|past| past.opened.elapsed() > LONG_LIVED)
        {
            self.outage = None;
        }
        let failure = failure.unwrap_or_else(|| lost("the stream ended".into()));
        let given_up = match &self.outage {
            Some(outage) => outage.began.elapsed() > PATIENCE,
            None => self.at_first == AtFirst::Fail,
        };
        if given_up || !failure.is_interruption() {
            return Err(failure);
        }
        let Some(outage) = &mut self.outage else {
            // the first attempt after a cut usually succeeds, and then there is nothing to say
            self.outage = Some(Outage {
                began: Instant::now(),
                pause: FIRST_PAUSE,
                said: false,
            });
            return Ok(false);
        };
        outage.pause = (outage.pause * 2).min(LONGEST_PAUSE);
        Ok(!std::mem::replace(&mut outage.said, true))
    }
}

fn lost(source: Box<dyn std::error::Error + Send + Sync>) -> ClientError {
    ClientError::Lost {
        request: "GET /v1/events".to_owned(),
        source,
    }
}

impl Connection {
    fn new(body: Incoming) -> Self {
        Self {
            opened: Instant::now(),
            body,
            buffer: BytesMut::new(),
            lines: VecDeque::new(),
        }
    }

    /// The next complete line; a part that the end cuts off is dropped, to be asked for again.
    async fn line(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| lost(error.into()))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.buffer.extend_from_slice(&data);
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end);
                self.buffer.advance(1);
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                // empty lines keep the connection alive
                if !line.is_empty() {
                    self.lines.push_back(line);
                }
            }
            if self.buffer.len() > LINE_BYTES {
                return Err(ClientError::TooLarge {
                    request: "GET /v1/events".to_owned(),
                    limit: LINE_BYTES,
                });
            }
        }
    }
}
