//! Bodies that break off, stall, or are too large.

use super::*;

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
