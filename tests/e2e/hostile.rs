//! What does not speak HTTP as it should. The daemon goes on serving the others.

use std::io::{self, Read};
use std::{os::unix::net::UnixStream, time::Duration};

use packd_tests::{Connection, PackTree, Packd, Request, Settings, support::packs::noise};
use packd_wire::{ErrorKind, path};
use serde_json::json;

/// The longest that a broken connection may be kept.
const LET_GO_WITHIN: Duration = Duration::from_secs(20);

fn serves(packd: &Packd) {
    packd.get(path::HEALTH).expect(200);
    packd.get(path::PACKS).expect(200);
}

/// Requests that no server should accept, each broken in another way.
fn broken() -> Vec<Vec<u8>> {
    let long = |length: usize| "a".repeat(length);
    let mut requests: Vec<Vec<u8>> = [
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v1/packs\r\n\r\n",
        "GET /v1/packs HTTP/9.9\r\nHost: packd\r\n\r\n",
        "GET /v1/packs HTTP/1.1\nHost packd\n\n",
        "GET /v1/packs HTTP/1.1\r\nHost: packd\r\n: empty\r\n\r\n",
        "GET /v1/packs HTTP/1.1\r\nHost: packd\r\nno colon\r\n\r\n",
        "GET /v1/packs HTTP/1.1\r\nHost: packd\r\nname with space: x\r\n\r\n",
        "GET /v1/packs HTTP/1.1\r\nHost: packd\r\nX: a\0b\r\n\r\n",
        "GET /v1/pa cks HTTP/1.1\r\nHost: packd\r\n\r\n",
        "GET /v1/\0 HTTP/1.1\r\nHost: packd\r\n\r\n",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: -1\r\n\r\n{}",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: x\r\n\r\n{}",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    requests.push(format!("GET /{} HTTP/1.1\r\nHost: packd\r\n\r\n", long(1 << 20)).into_bytes());
    requests.push(
        format!(
            "GET /v1/packs HTTP/1.1\r\nHost: packd\r\nX: {}\r\n\r\n",
            long(1 << 20)
        )
        .into_bytes(),
    );
    requests.push(format!("{} / HTTP/1.1\r\nHost: packd\r\n\r\n", long(100_000)).into_bytes());
    let many = "X: y\r\n".repeat(5_000);
    requests.push(format!("GET /v1/packs HTTP/1.1\r\nHost: packd\r\n{many}\r\n").into_bytes());
    for seed in 0..30 {
        requests.push(noise(seed, 2_000));
    }
    requests
}

/// Well-formed HTTP that asks for nonsense.
fn nonsense() -> Vec<Request> {
    let json = |text: &str| {
        Request::new("POST", path::INSTALL).body("application/json", text.as_bytes().to_vec())
    };
    let mut requests = vec![
        json(""),
        json("{"),
        json("[]"),
        json("null"),
        json("7"),
        json("{\"source\": 7}"),
        json("{\"source\": null}"),
        json("{\"sauce\": \"slack\"}"),
        json("{\"source\": \"slack\", \"source\": \"teams\"}"),
        json("{\"source\": \"slack\", \"force\": \"yes\"}"),
        json("{\"source\": \"slack\"} trailing"),
        json(&"[".repeat(100_000)),
        json(&format!(
            "{{\"source\": {}{}}}",
            "{\"a\":".repeat(500),
            "1".to_owned() + &"}".repeat(500)
        )),
        json("\u{feff}{}"),
        Request::new("POST", path::INSTALL).body("application/json", vec![0xff, 0xfe, 0x00]),
        Request::new("POST", path::INSTALL).body("text/plain", b"slack".to_vec()),
        Request::new("POST", path::INSTALL)
            .body("application/x-www-form-urlencoded", b"a=b".to_vec()),
        Request::new("POST", path::UPLOAD).body("application/gzip", b"no gzip".to_vec()),
        Request::new("POST", path::UPLOAD).body("image/png", vec![1, 2, 3]),
        Request::new("POST", &format!("{}?surprise=1", path::UPLOAD))
            .body("application/gzip", vec![1]),
        Request::new(
            "DELETE",
            &format!("{}?cascade=perhaps", path::pack("slack")),
        ),
        Request::get("/v1/jobs/0"),
        Request::get("/v1/jobs/-1"),
        Request::get("/v1/jobs/abc"),
        Request::get("/v1/jobs/99999999999999999999"),
        Request::get("/v1/jobs?limit=0"),
        Request::get("/v1/jobs?limit=many"),
        Request::get("/v1/jobs?status=lost"),
        Request::get("/v1/events?follow=false&since=abc"),
        Request::get("/v1/events?kind=nothing_like_it"),
        Request::get("/v1/packs/../../etc/passwd"),
        Request::get("/v1/packs/%2e%2e%2f"),
        Request::get("/v1/packs/%00"),
        Request::get("/v1//packs"),
        Request::get("/v2/packs"),
        Request::get("/"),
        Request::new("PUT", path::STATUS),
        Request::new("BREW", path::PACKS),
        Request::get(path::PACKS).header("Origin", "https://example.org"),
        Request::get(path::PACKS).header("X-Forwarded-For", "10.0.0.1"),
    ];
    // the same again in the fields that name things
    for name in [
        "", ".", "..", "/", "a b", "ü", "-x", "%41", "a\u{7f}", "A", "x\\y", "con.", "~",
    ] {
        requests.push(Request::post(
            path::INSTALL,
            &json!({"source": "slack", "path": name, "version": name}),
        ));
        requests.push(Request::post(
            path::INSTALL,
            &json!({"source": "slack", "checksum": name}),
        ));
        requests.push(Request::post(
            path::INSTALL,
            &json!({"source": format!("{name}@{name}@")}),
        ));
    }
    requests
}

/// Sends bytes, and reads whatever comes until the connection ends.
fn send(packd: &Packd, bytes: &[u8]) -> String {
    let mut connection = Connection::open(&packd.socket()).unwrap();
    // the daemon may hang up before it has read everything
    let _sent = connection.send(bytes);
    connection.finish();
    connection.patience(LET_GO_WITHIN);
    match connection.answer() {
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.kind().to_string(),
    }
}

#[test]
fn two_hundred_broken_requests_leave_it_serving() {
    let packd = Packd::start(&Settings::new());
    let process = packd.pid();
    let mut count = 0;

    for request in broken() {
        let became = send(&packd, &request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(80)]).into_owned();
        assert!(
            !became.starts_with('2'),
            "{shown:?} was answered with {became}"
        );
        assert_ne!(became, "timed out", "{shown:?} was left without an end");
        count += 1;
    }
    for request in nonsense() {
        let answer = packd_tests::support::http::ask(&packd.socket(), &request);
        assert!(
            (400..500).contains(&answer.status),
            "{} {} {:?} was answered with {}: {}",
            request.method,
            request.target,
            String::from_utf8_lossy(&request.body[..request.body.len().min(80)]),
            answer.status,
            answer.text()
        );
        let problem = answer.problem();
        assert_eq!(problem.status, answer.status);
        count += 1;
    }
    // a good request, ended too early, at every eighth byte of it
    let archive = PackTree::new("slack", "1.0.0").archive(packd_tests::Format::TarGz);
    let good = Request::new("POST", path::UPLOAD)
        .body("application/gzip", archive.bytes)
        .bytes();
    for end in (1..good.len()).step_by(good.len() / 100) {
        let became = send(&packd, &good[..end]);
        assert!(
            !became.starts_with('2'),
            "a request cut at byte {end} was answered with {became}"
        );
        count += 1;
    }

    assert!(count >= 200, "only {count} requests");
    assert_eq!(packd.pid(), process);
    serves(&packd);
    assert_eq!(packd.active(), Vec::<String>::new());
    packd.staging_is_empty();
}

#[test]
fn half_open_connections_do_not_keep_others_out_and_are_ended() {
    let packd = Packd::start(&Settings::new());
    let starts: [&[u8]; 4] = [
        b"",
        b"GET /v1/packs HT",
        b"GET /v1/packs HTTP/1.1\r\nHost: pa",
        b"POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ];
    let mut held: Vec<UnixStream> = Vec::new();
    for start in starts.iter().cycle().take(24) {
        let mut stream = UnixStream::connect(packd.socket()).unwrap();
        std::io::Write::write_all(&mut stream, start).unwrap();
        held.push(stream);
    }
    serves(&packd);
    // the first to have said half a sentence is not waited for
    let mut stream = held.swap_remove(1);
    stream.set_read_timeout(Some(LET_GO_WITHIN)).unwrap();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    assert!(
        ended.is_ok(),
        "a half-sent request is still waited for: {ended:?}"
    );
    serves(&packd);
}

#[test]
fn a_head_that_is_too_large_is_answered_before_the_connection_ends() {
    let packd = Packd::start(&Settings::new());
    for bytes in [20_000, 100_000, 4 << 20] {
        let head = format!(
            "GET /v1/packs HTTP/1.1\r\nHost: packd\r\nX: {}\r\n\r\n",
            "a".repeat(bytes)
        );
        let mut connection = Connection::open(&packd.socket()).unwrap();
        connection.send(head.as_bytes()).unwrap();
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 431, "a head of {bytes} bytes");
        let end = connection.head().map(|answer| answer.status);
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(io::ErrorKind::UnexpectedEof),
            "and then it is closed, not reset"
        );
    }
    serves(&packd);
}

#[test]
fn one_user_cannot_take_every_connection() {
    let packd = Packd::start(&Settings::new().set("access.max_per_uid", 4));
    // an admin gets the reserve of four beside its own four
    let mut held = Vec::new();
    for _ in 0..8 {
        let mut connection = Connection::open(&packd.socket()).unwrap();
        connection
            .send(&Request::get(path::HEALTH).bytes())
            .unwrap();
        assert_eq!(connection.answer().unwrap().status, 200);
        held.push(connection);
    }
    let problem = packd.get(path::HEALTH).expect(429).problem();
    assert_eq!(problem.kind, ErrorKind::TooMany);
    assert!(problem.retryable, "{problem:#?}");
    drop(held);
    serves(&packd);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let packd = Packd::start(&Settings::new().set("limits.pack_bytes", "1MiB"));
    let huge = "x".repeat(3 << 20);
    let answer = packd.post(path::INSTALL, &json!({"source": huge}));
    assert_eq!(
        answer.expect(413).problem().kind,
        ErrorKind::PayloadTooLarge
    );
    let upload = Request::new("POST", path::UPLOAD).body("application/gzip", noise(1, 3 << 20));
    assert_eq!(
        packd.ask(&upload).expect(413).problem().kind,
        ErrorKind::PayloadTooLarge
    );
    serves(&packd);
    packd.staging_is_empty();
}

#[test]
fn an_unknown_field_is_named() {
    let packd = Packd::start(&Settings::new());
    let answer = packd.post(path::INSTALL, &json!({"source": "slack", "forse": true}));
    let problem = answer.expect(400).problem();
    assert_eq!(problem.kind, ErrorKind::UnknownField);
    assert!(format!("{problem:?}").contains("forse"), "{problem:#?}");
}

#[test]
fn a_follower_that_does_not_read_holds_nobody_up() {
    let registry = packd_tests::support::site::folder_with([&PackTree::new("slack", "1.0.0")]);
    let url = format!("file://{}/index.json", registry.path().display());
    let packd = Packd::start(&Settings::new().registry("local", &url, &json!({})));
    let mut silent = UnixStream::connect(packd.socket()).unwrap();
    let request = Request::get("/v1/events?since=0").header("Accept", "text/event-stream");
    std::io::Write::write_all(&mut silent, &request.bytes()).unwrap();
    for _ in 0..40 {
        let _ran = packd.post(
            &format!("{}?wait=30", path::INSTALL),
            &json!({"source": "slack"}),
        );
    }
    serves(&packd);
}
