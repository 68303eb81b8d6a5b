//! What hyper answers by itself to a head that it cannot read, as a problem like every other.
//!
//! Hyper does not ask anybody: it writes a bare status and closes. Such an answer is recognised on its way
//! out, since none of ours with these statuses is empty, and another one is sent in its place.

use axum::http::StatusCode;
use packd_wire::{ErrorKind, Problem};

/// The whole answer in place of `written`, when that is one of hyper's own.
pub(crate) fn instead_of(written: &[u8]) -> Option<Vec<u8>> {
    let head = written.strip_suffix(b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    // the version is that of an earlier request on the connection, if there was one
    let (version, status) = lines.next()?.split_once(' ')?;
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return None;
    }
    let status = match status.get(..3)? {
        "400" => StatusCode::BAD_REQUEST,
        "414" => StatusCode::URI_TOO_LONG,
        "431" => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => return None,
    };
    let is_empty = |line: &str| line.eq_ignore_ascii_case("content-length: 0");
    if !lines.any(is_empty) {
        return None;
    }
    let detail = match status {
        StatusCode::URI_TOO_LONG => "the target of the request is too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the head of the request has more than 64 lines or 16 KiB"
        }
        _ => "the head of the request is not HTTP/1.1",
    };
    let mut problem = Problem::new(ErrorKind::BadRequest, detail);
    problem.status = status.as_u16();
    Some(whole(status, "", &problem))
}

/// How a client begins that speaks HTTP/2 without having asked; hyper closes the connection without a word.
pub(crate) const HTTP_2: &[u8] = b"PRI * HTTP/2";

/// The whole answer to such a client, which sees at least in a trace what was said.
pub(crate) fn to_http_2() -> Vec<u8> {
    let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    let detail = "the request is HTTP/2, and packd speaks HTTP/1.1";
    let mut problem = Problem::new(ErrorKind::BadRequest, detail)
        .with_hint("leave out what insists on HTTP/2, such as curl's `--http2-prior-knowledge`");
    problem.status = status.as_u16();
    whole(status, "", &problem)
}

/// A problem as everything that is written to a connection that then ends; `more` is lines of its head.
pub(crate) fn whole(status: StatusCode, more: &str, problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\n{more}Content-Type: application/problem+json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_says_by_itself_is_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                     content-length: 0\r\ndate: Sun, 01 Mar 2026 09:30:00 GMT\r\n\r\n";
        let whole = instead_of(bare).unwrap_or_default();
        let text = String::from_utf8_lossy(&whole);
        assert!(
            text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n")
                && text.contains("\r\nContent-Type: application/problem+json\r\n")
                && text.ends_with('}'),
            "it is a problem: {text}"
        );
        let older = b"HTTP/1.0 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        assert!(
            instead_of(older).is_some(),
            "it follows an HTTP/1.0 request"
        );
        for ours in [
            &b"HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n{}",
            b"{\"packs\": []}",
        ] {
            assert_eq!(instead_of(ours), None, "{}", String::from_utf8_lossy(ours));
        }
    }
}
