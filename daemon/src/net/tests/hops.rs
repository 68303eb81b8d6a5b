//! Where redirects lead, and what is told to whom on the way.

use super::*;

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
