#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use packd_wire::ErrorKind;

mod bounds;
mod hops;
mod tls;

use super::get::pause;
use super::loopback::{Loopback, until_gone};
use super::route::RouteError;
use super::{Http, NetError, Outcome, Request, SafeUrl, Validators};
use crate::config::{HostPatterns, Net, Proxy, Secret};

/// Generous: only a test that fails waits for it.
const IDLE: Duration = Duration::from_secs(20);

fn http(idle_timeout: Duration) -> Http {
    let net = Net {
        proxy: Proxy::None,
        idle_timeout,
        ..Net::default()
    };
    Http::new(&net).unwrap()
}

fn request(url: &str) -> Request {
    Request {
        allow_http: true,
        ..Request::new(SafeUrl::parse(url).unwrap(), 1024 * 1024)
    }
}

async fn body(http: &Http, request: Request) -> Result<Vec<u8>, NetError> {
    match http.get(request).await?.outcome {
        Outcome::Body(body) => Ok(body.bytes().await?.to_vec()),
        Outcome::NotModified => panic!("a body was expected"),
    }
}

async fn failure(server: &Loopback, path: &str) -> NetError {
    body(&http(IDLE), request(&server.url(path)))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_body_comes_as_it_was_sent() {
    let content: Vec<u8> = (0..300_000u32)
        .flat_map(u32::to_le_bytes)
        .take(900_000)
        .collect();
    let server = Loopback::serving(content.clone());
    let answer = http(IDLE)
        .get(request(&server.url("/index.json")))
        .await
        .unwrap();
    assert_eq!(answer.content_length, Some(900_000));
    let Outcome::Body(body) = answer.outcome else {
        panic!("a body was expected")
    };
    assert!(
        body.bytes().await.unwrap() == content,
        "the bytes are those that were sent"
    );
    let asked = &server.asked()[0];
    assert_eq!(
        asked.header("user-agent"),
        Some(concat!("packd/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.header("referer"), None);
}

#[tokio::test]
async fn new_settings_count_from_the_next_request_on() {
    let server = Loopback::serving(b"{}".to_vec());
    let http = http(IDLE);
    let begun = http.get(request(&server.url("/"))).await.unwrap();
    let allowed_hosts = HostPatterns::new(&["packs.example".to_owned()]).unwrap();
    let net = Net {
        proxy: Proxy::None,
        allowed_hosts,
        ..Net::default()
    };
    let clone = http.clone();
    http.renew(&net).unwrap();
    let Outcome::Body(rest) = begun.outcome else {
        panic!("a body was expected")
    };
    assert_eq!(
        rest.bytes().await.unwrap(),
        "{}",
        "what has begun goes on as it was"
    );
    let refused = body(&clone, request(&server.url("/"))).await.unwrap_err();
    assert!(
        matches!(
            refused,
            NetError::Route {
                source: RouteError::Host { .. }
            }
        ),
        "the next one, also of a clone, follows the new settings: {refused:?}"
    );
}

#[tokio::test]
async fn wrong_settings_leave_the_ones_before_in_force() {
    let server = Loopback::serving(b"{}".to_vec());
    let http = http(IDLE);
    let net = Net {
        ca_file: Some("/nowhere/ca.pem".into()),
        allowed_hosts: HostPatterns::new(&["packs.example".to_owned()]).unwrap(),
        ..Net::default()
    };
    http.renew(&net).unwrap_err();
    let answer = body(&http, request(&server.url("/"))).await.unwrap();
    assert_eq!(answer, b"{}", "the host is still allowed");
}

#[tokio::test]
async fn what_looks_compressed_is_left_as_it_is() {
    // Apache says this of every .tgz with its default settings
    let server = Loopback::saying(
        "HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\nContent-Length: 5\r\n\r\nplain",
    );
    assert_eq!(
        body(&http(IDLE), request(&server.url("/"))).await.unwrap(),
        b"plain"
    );
}

#[tokio::test]
async fn a_server_with_nothing_newer_says_so() {
    let server = Loopback::start(|asked, stream| {
        match asked.header("if-none-match") {
        Some("\"v1\"") => stream.write_all(b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n"),
        _ => stream.write_all(
            b"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        ),
    }
    });
    let http = http(IDLE);
    let first = http.get(request(&server.url("/index.json"))).await.unwrap();
    assert!(matches!(first.outcome, Outcome::Body(_)));
    let known = Validators {
        etag: Some("\"v1\"".into()),
        last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".into()),
    };
    assert_eq!(first.validators, known);

    let again = Request {
        validators: Some(known),
        ..request(&server.url("/index.json"))
    };
    let second = http.get(again).await.unwrap();
    assert!(matches!(second.outcome, Outcome::NotModified));
    assert_eq!(
        server.asked()[1].header("if-modified-since"),
        Some("Sun, 06 Nov 1994 08:49:37 GMT")
    );
}

#[tokio::test]
async fn not_modified_without_having_asked_is_no_answer() {
    let server = Loopback::saying("HTTP/1.1 304 Not Modified\r\n\r\n");
    assert_eq!(failure(&server, "/").await.kind(), ErrorKind::FetchRefused);
}

#[tokio::test]
async fn refusals_are_told_from_failures_that_pass() {
    for (status, kind) in [
        (401, ErrorKind::FetchRefused),
        (403, ErrorKind::FetchRefused),
        (404, ErrorKind::FetchRefused),
        (410, ErrorKind::FetchRefused),
        (418, ErrorKind::FetchRefused),
        (206, ErrorKind::FetchRefused),
        (408, ErrorKind::FetchFailed),
        (429, ErrorKind::FetchFailed),
        (500, ErrorKind::FetchFailed),
        (503, ErrorKind::FetchFailed),
    ] {
        let server = Loopback::saying(format!(
            "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n"
        ));
        let error = failure(&server, "/a?token=hunter2").await;
        assert_eq!(error.kind(), kind, "status {status}");
        assert_eq!(
            error.is_transient(),
            kind == ErrorKind::FetchFailed,
            "status {status}"
        );
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "the error shows a secret: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_closed_port_and_garbage_are_transient() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = body(
        &http(IDLE),
        request(&format!("http://{closed}/?token=hunter2")),
    )
    .await
    .unwrap_err();
    assert!(matches!(error, NetError::Connect { .. }), "{error:?}");
    assert!(error.is_transient());
    assert_eq!(error.to_string(), format!("cannot connect to `{closed}`"));
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        reason, "Connection refused (os error 111)",
        "only the innermost reason is told"
    );
    assert!(
        !format!("{error:?}").contains("hunter2"),
        "the error shows a secret: {error:?}"
    );

    let server = Loopback::saying("SSH-2.0-OpenSSH_9.2\r\n");
    let error = failure(&server, "/").await;
    assert!(matches!(error, NetError::Answer { .. }), "{error:?}");
    let server = Loopback::start(|_, _| Ok(()));
    let error = failure(&server, "/").await;
    assert!(matches!(error, NetError::Answer { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_name_without_an_address_is_told_apart() {
    let error = body(&http(IDLE), request("http://packs.invalid/"))
        .await
        .unwrap_err();
    assert!(matches!(error, NetError::Resolve { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn requests_go_through_the_configured_proxy() {
    let proxy = Loopback::serving(b"by proxy".to_vec());
    let net = Net {
        proxy: Proxy::Url(proxy.url("/").parse().unwrap()),
        ..Net::default()
    };
    let bytes = body(
        &Http::new(&net).unwrap(),
        request("http://packs.invalid/index.json"),
    )
    .await
    .unwrap();
    assert_eq!(bytes, b"by proxy");
    assert_eq!(proxy.asked()[0].path, "http://packs.invalid/index.json");
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_named_without_its_value() {
    let server = Loopback::serving(Vec::new());
    let headers = vec![("Bad Name".to_owned(), Secret::parse("hunter2").unwrap())];
    let error = body(
        &http(IDLE),
        Request {
            headers,
            ..request(&server.url("/"))
        },
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("`Bad Name`"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn a_download_that_is_dropped_closes_its_connection() {
    let (gone, noticed) = std::sync::mpsc::channel();
    let server = Loopback::start(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")?;
        let result = until_gone(stream);
        gone.send(()).unwrap();
        result
    });
    let answer = http(IDLE).get(request(&server.url("/"))).await.unwrap();
    drop(answer);
    let noticed = tokio::task::spawn_blocking(move || noticed.recv_timeout(IDLE))
        .await
        .unwrap();
    assert!(noticed.is_ok(), "the server saw the connection end");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now: jiff::Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
    for (text, expected) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("99999999", Some(3600)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ] {
        assert_eq!(
            pause(text, now),
            expected.map(Duration::from_secs),
            "Retry-After: {text}"
        );
    }
}
