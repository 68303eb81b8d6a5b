#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use packd_wire::ErrorKind;

mod tls;

use super::loopback::{Loopback, until_gone};
use super::route::RouteError;
use super::{Http, NetError, Outcome, Request, SafeUrl, Validators, pause};
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
async fn redirects_that_go_round_are_noticed() {
    let server = Loopback::start(|asked, stream| {
        let next = if asked.path == "/a" { "/b" } else { "/a" };
        write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {next}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    });
    let error = failure(&server, "/a").await;
    assert!(
        matches!(
            error,
            NetError::Route {
                source: RouteError::Loop { .. }
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::SourceRefused);
    assert_eq!(server.asked().len(), 2, "the loop ends where it closes");
}

#[tokio::test]
async fn credentials_go_to_their_own_origin_only() {
    let foreign = Loopback::serving(b"archive".to_vec());
    let there = foreign.url("/cdn");
    let home = Loopback::start(move |asked, stream| {
        let next = if asked.path == "/start" {
            "/moved"
        } else {
            &there
        };
        write!(
            stream,
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {next}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    });
    let headers = vec![
        (
            "Authorization".to_owned(),
            Secret::parse("Bearer hunter2").unwrap(),
        ),
        (
            "PRIVATE-TOKEN".to_owned(),
            Secret::parse("hunter2").unwrap(),
        ),
    ];
    let asking = Request {
        headers,
        ..request(&home.url("/start?token=hunter2"))
    };
    assert_eq!(body(&http(IDLE), asking).await.unwrap(), b"archive");
    for asked in home.asked() {
        assert_eq!(
            asked.header("private-token"),
            Some("hunter2"),
            "{} is the origin",
            asked.path
        );
        assert_eq!(asked.header("authorization"), Some("Bearer hunter2"));
    }
    let there = format!("{:?}", foreign.asked());
    assert!(
        !there.contains("hunter2"),
        "the other origin saw a secret: {there}"
    );
}

#[tokio::test]
async fn a_redirect_to_a_host_that_is_not_allowed_is_not_followed() {
    let server = Loopback::saying(
        "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n",
    );
    let allowed_hosts = HostPatterns::new(&["127.0.0.1".to_owned()]).unwrap();
    let http = Http::new(&Net {
        proxy: Proxy::None,
        allowed_hosts,
        ..Net::default()
    })
    .unwrap();
    let error = body(&http, request(&server.url("/"))).await.unwrap_err();
    assert!(
        matches!(
            error,
            NetError::Route {
                source: RouteError::Host { .. }
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn plain_http_needs_permission() {
    let server = Loopback::serving(Vec::new());
    let asking = Request {
        allow_http: false,
        ..request(&server.url("/"))
    };
    let error = body(&http(IDLE), asking).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceRefused);
    assert!(error.hint().unwrap().contains("allow_http"));
    assert!(server.asked().is_empty(), "nothing was asked of the server");
}

#[tokio::test]
async fn a_cut_body_says_how_much_of_it_came() {
    for (head, expected) in [
        ("Content-Length: 100\r\n\r\n0123456789", "10 of 100 bytes"),
        (
            "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
            "10 bytes",
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\nff\r\n0123456789",
            "10 bytes",
        ),
    ] {
        let server = Loopback::saying(format!("HTTP/1.1 200 OK\r\n{head}"));
        let error = failure(&server, "/pack.tar.gz").await;
        assert!(
            matches!(error, NetError::Cut { received: 10, .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::FetchFailed);
        assert!(error.is_transient());
    }
}

/// Serves `body` with this `ETag`, `piece` bytes for each connection; a range only to who knows `etag_later`.
fn flaky(
    body: &'static [u8],
    etag: &'static str,
    piece: usize,
    etag_later: &'static str,
) -> Loopback {
    Loopback::start(move |asked, stream| {
        let total = body.len();
        let range = asked
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="));
        let start = range.map(|range| range.trim_end_matches('-').parse::<usize>().unwrap());
        let start = start.filter(|_| asked.header("if-range") == Some(etag_later));
        let head = match start {
            None => "200 OK".to_owned(),
            Some(start) => {
                format!(
                    "206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}",
                    total - 1
                )
            }
        };
        let start = start.unwrap_or(0);
        let length = total - start;
        write!(
            stream,
            "HTTP/1.1 {head}\r\nETag: {etag}\r\nContent-Length: {length}\r\n\r\n"
        )?;
        stream.write_all(&body[start..total.min(start + piece)])
    })
}

#[tokio::test]
async fn a_body_that_broke_off_goes_on_where_it_did() {
    let server = flaky(b"0123456789", "\"v1\"", 3, "\"v1\"");
    let headers = vec![("PRIVATE-TOKEN".to_owned(), Secret::parse("sesame").unwrap())];
    let asking = Request {
        headers,
        ..request(&server.url("/pack.tar.gz"))
    };
    assert_eq!(body(&http(IDLE), asking).await.unwrap(), b"0123456789");
    let asked = server.asked();
    assert_eq!(asked.len(), 4, "3 bytes a time");
    assert_eq!(asked[3].header("range"), Some("bytes=9-"));
    assert!(
        asked
            .iter()
            .all(|asked| asked.header("private-token") == Some("sesame"))
    );
}

#[tokio::test]
async fn what_is_not_surely_the_same_is_not_pieced_together() {
    for (etag, piece, etag_later, requests) in [
        // a weak validator says nothing about bytes
        ("W/\"v1\"", 3, "W/\"v1\"", 1),
        // another state by now
        ("\"v1\"", 3, "\"v2\"", 2),
        // nothing comes at all
        ("\"v1\"", 0, "\"v1\"", 1),
    ] {
        let server = flaky(b"0123456789", etag, piece, etag_later);
        let error = failure(&server, "/pack.tar.gz").await;
        assert!(
            matches!(
                error,
                NetError::Cut {
                    expected: Some(10),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(server.asked().len(), requests, "{etag}, then {etag_later}");
    }
    let server = flaky(
        b"0123456789012345678901234567890123456789",
        "\"v1\"",
        1,
        "\"v1\"",
    );
    let error = failure(&server, "/pack.tar.gz").await;
    assert!(
        matches!(error, NetError::Cut { received: 9, .. }),
        "it ends some time: {error:?}"
    );
}

#[tokio::test]
async fn a_stalled_server_is_not_waited_for() {
    let idle = Duration::from_millis(200);
    let server = Loopback::stalling("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    let error = body(&http(idle), request(&server.url("/")))
        .await
        .unwrap_err();
    let NetError::Stalled {
        received, expected, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((*received, *expected), (10, Some(100)));
    assert!(error.is_transient());

    let net = Net {
        proxy: Proxy::None,
        idle_timeout: idle,
        connect_timeout: idle,
        ..Net::default()
    };
    let server = Loopback::stalling("");
    let error = body(&Http::new(&net).unwrap(), request(&server.url("/")))
        .await
        .unwrap_err();
    assert!(matches!(error, NetError::NoAnswer { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn all_of_a_small_request_has_a_deadline() {
    let within = Some(Duration::from_millis(200));
    for head in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789",
    ] {
        let server = Loopback::stalling(head);
        let asking = Request {
            within,
            ..request(&server.url("/"))
        };
        let error = body(&http(IDLE), asking).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    }
}

#[tokio::test]
async fn a_body_over_budget_is_refused_at_once() {
    let server = Loopback::stalling("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n");
    let error = failure(&server, "/").await;
    let NetError::TooLarge {
        limit, announced, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((*limit, *announced), (1_048_576, Some(1_048_577)));
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(!error.is_transient());
}

#[tokio::test]
async fn an_endless_body_ends_at_the_budget() {
    let server = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(&[0; 8192])?;
        }
    });
    let error = failure(&server, "/").await;
    assert!(
        matches!(
            error,
            NetError::TooLarge {
                announced: None,
                ..
            }
        ),
        "{error:?}"
    );
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
