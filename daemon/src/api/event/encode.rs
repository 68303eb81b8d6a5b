//! Events as bytes of a stream: server-sent events, or lines of JSON.
//!
//! An event's JSON was encoded once for all who follow; here it is only framed and copied, many events
//! into one chunk.

use axum::http::{HeaderMap, header};
use bytes::{BufMut as _, BytesMut};
use packd_wire::EventKind;

/// How a stream is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `text/event-stream`.
    Sse,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// What the client accepts: lines of JSON when it says so, server-sent events otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut accepted = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim());
        if accepted.any(|range| range.eq_ignore_ascii_case(Self::Ndjson.content_type())) {
            Self::Ndjson
        } else {
            Self::Sse
        }
    }

    /// The content type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// Appends one event. `json` is on one line.
    pub(crate) fn append(
        self,
        chunk: &mut BytesMut,
        seq: Option<i64>,
        kind: EventKind,
        json: &[u8],
    ) {
        chunk.reserve(json.len() + 64);
        match self {
            Self::Sse => {
                // progress has no number, and must not take the place of the last one that was
                if let Some(seq) = seq {
                    chunk.put_slice(b"id: ");
                    put_number(chunk, seq);
                    chunk.put_u8(b'\n');
                }
                chunk.put_slice(b"event: ");
                chunk.put_slice(kind.as_str().as_bytes());
                chunk.put_slice(b"\ndata: ");
                chunk.put_slice(json);
                chunk.put_slice(b"\n\n");
            }
            Self::Ndjson => {
                chunk.put_slice(json);
                chunk.put_u8(b'\n');
            }
        }
    }

    /// A sign of life: a comment, or an empty line.
    pub(crate) fn keep_alive(self) -> &'static [u8] {
        match self {
            Self::Sse => b":\n\n",
            Self::Ndjson => b"\n",
        }
    }
}

/// Decimal digits without an allocation: this runs for each event and each stream.
fn put_number(chunk: &mut BytesMut, number: i64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    while at > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        chunk.put_u8(b'-');
    }
    chunk.put_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_framed_as_its_format_says() {
        let framed = |format: Format, seq| {
            let mut chunk = BytesMut::new();
            format.append(&mut chunk, seq, EventKind::JobQueued, br#"{"a":1}"#);
            String::from_utf8_lossy(&chunk).into_owned()
        };
        assert_eq!(
            framed(Format::Sse, Some(7)),
            "id: 7\nevent: job_queued\ndata: {\"a\":1}\n\n"
        );
        assert_eq!(
            framed(Format::Sse, None),
            "event: job_queued\ndata: {\"a\":1}\n\n"
        );
        assert_eq!(framed(Format::Ndjson, Some(7)), "{\"a\":1}\n");
    }

    #[test]
    fn numbers_have_their_usual_digits() {
        for number in [0, 7, 10, 1_234_567_890, i64::MAX, i64::MIN] {
            let mut chunk = BytesMut::new();
            put_number(&mut chunk, number);
            assert_eq!(String::from_utf8_lossy(&chunk), number.to_string());
        }
    }

    #[test]
    fn lines_of_json_are_for_those_who_ask() {
        let format = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, header::HeaderValue::from_static(accept));
            Format::of(&headers)
        };
        assert_eq!(format("application/x-ndjson"), Format::Ndjson);
        assert_eq!(
            format("text/html, Application/X-NDJSON;q=0.9"),
            Format::Ndjson
        );
        assert_eq!(format("*/*"), Format::Sse);
        assert_eq!(Format::of(&HeaderMap::new()), Format::Sse);
    }
}
