//! Following events over the socket.

use std::{
    io::{self, BufRead, BufReader},
    os::unix::net::UnixStream,
    path::Path,
};

use packd_wire::{EventView, path};

use super::{
    http::{Chunks, Connection, Request},
    openapi::Contract,
};

/// The ways events are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `text/event-stream`
    Sse,
    /// `application/x-ndjson`
    Ndjson,
}

impl Framing {
    fn media_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Events as they come. Dropping it cuts the stream.
#[derive(Debug)]
pub struct EventStream {
    lines: BufReader<Chunks<BufReader<UnixStream>>>,
    framing: Framing,
}

impl EventStream {
    /// Follows events; the query begins with `?` or is empty.
    #[must_use]
    pub fn open(socket: &Path, framing: Framing, query: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = Connection::open(socket).unwrap();
        let mut request = Request::get(&format!("{}{query}", path::EVENTS))
            .header("Accept", framing.media_type());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        connection.send(&request.bytes()).unwrap();
        let head = connection.head().unwrap();
        assert_eq!(head.status, 200, "events are refused: {head:?}");
        assert_eq!(head.content_type(), Some(framing.media_type()));
        Self {
            lines: connection.stream(),
            framing,
        }
    }

    /// Reads on until an event is as wanted; everything up to it, itself included.
    pub fn until(&mut self, mut wanted: impl FnMut(&EventView) -> bool) -> Vec<EventView> {
        let mut events: Vec<EventView> = Vec::new();
        for event in self.by_ref() {
            let enough = wanted(&event);
            events.push(event);
            if enough {
                return events;
            }
        }
        panic!("the stream ended before the event that was waited for; it had {events:#?}");
    }

    /// One frame's identifier and document; `None` at the stream's end.
    fn frame(&mut self) -> Option<(Option<String>, String)> {
        let mut id = None;
        let mut data = String::new();
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if ends_stream(&error) => return None,
                Err(error) => panic!("no event came in time: {error}"),
            }
            let line = line.trim_end_matches(['\r', '\n']);
            match self.framing {
                // an empty line keeps the connection alive
                Framing::Ndjson if line.is_empty() => {}
                Framing::Ndjson => return Some((None, line.to_owned())),
                Framing::Sse if line.is_empty() && data.is_empty() => id = None,
                Framing::Sse if line.is_empty() => return Some((id, data)),
                Framing::Sse => {
                    let (field, value) = line.split_once(':').unwrap_or((line, ""));
                    let value = value.strip_prefix(' ').unwrap_or(value);
                    match field {
                        "id" => id = Some(value.to_owned()),
                        "data" => data.push_str(value),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl Iterator for EventStream {
    type Item = EventView;

    fn next(&mut self) -> Option<EventView> {
        let (id, data) = self.frame()?;
        let value: serde_json::Value = serde_json::from_str(&data).unwrap();
        Contract::get().check_value("an event", "EventView", &value);
        let event: EventView = serde_json::from_value(value).unwrap();
        if self.framing == Framing::Sse {
            let seq = event.seq.map(|seq| seq.to_string());
            assert_eq!(id, seq, "the identifier is the sequence number");
        }
        Some(event)
    }
}

/// A daemon that is killed or stops ends the stream, cleanly or in the middle.
fn ends_stream(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}
