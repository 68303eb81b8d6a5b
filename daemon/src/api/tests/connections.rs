//! Clients that are slow, rude, broken, or many.

use packd_wire::ErrorKind;

use super::*;

/// Times short enough to be waited for.
fn hasty() -> Times {
    let short = Duration::from_millis(50);
    Times {
        head: short,
        idle: short,
        body: short,
        write: short,
        ..Times::default()
    }
}

const GET: &str = "GET /v1/health HTTP/1.1\r\nHost: packd\r\n\r\n";

async fn still_serves(server: &Served) {
    assert_eq!(
        server.get("/v1/health").await.status,
        200,
        "the server still serves"
    );
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let server = Served::new();
    let mut stream = server.connect().await;
    for _ in 0..3 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 200"),
            "each is answered"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn heads_have_a_size_and_a_number_of_lines() {
    let server = Served::new();
    let many = "X-A: b\r\n".repeat(100);
    let long = format!("X-A: {}\r\n", "b".repeat(20_000));
    for extra in [many, long] {
        let answer = server
            .ask(&format!(
                "GET /v1/health HTTP/1.1\r\nHost: packd\r\n{extra}\r\n"
            ))
            .await;
        assert_eq!(answer.status, 431, "{}", answer.head);
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn slow_heads_idle_connections_and_slow_bodies_end() {
    let server = Served::with(Config::default(), hasty());
    assert!(
        server.send("").await.is_empty(),
        "one that says nothing is closed"
    );
    assert!(
        server.send("GET /v1/hea").await.is_empty(),
        "one that stops in the head is closed"
    );
    let kept = server.send(GET).await;
    assert!(
        kept.starts_with(b"HTTP/1.1 200"),
        "one that was answered is closed when it is idle"
    );
    let slow = "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{";
    let answer = server.ask(slow).await;
    assert_eq!(
        answer.problem().kind,
        ErrorKind::Timeout,
        "a body that does not come is not waited for"
    );
    still_serves(&server).await;
}

#[tokio::test]
async fn a_half_open_connection_ends_in_every_place() {
    let server = Served::new();
    let post = "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\n\
                Content-Length: 10\r\n\r\n{\"a\"";
    for begun in ["", "GET", GET, &GET[..20], post] {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        rest(&mut stream).await;
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn two_lengths_are_one_too_many() {
    let server = Served::new();
    for (first, second) in [
        ("Content-Length: 3", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
    ] {
        let answer = server
            .ask(&format!(
                "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\n\
                 {first}\r\n{second}\r\n\r\n0\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: packd\r\n\r\n"
            ))
            .await;
        assert_eq!(answer.status, 400, "{first}, then {second}");
        assert_eq!(
            answer.head.matches("http/1.1").count(),
            1,
            "what follows is not looked at"
        );
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !text.contains("HTTP/1.1"),
            "what follows is not answered: {text}"
        );
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn two_hundred_malformed_requests_leave_it_serving() {
    let server = Served::new();
    let shapes: [&[u8]; 20] = [
        b"\0\0\0\0",
        b"GET\r\n\r\n",
        b"GET /v1/health\r\n\r\n",
        b"GET /v1/health HTTP/9.9\r\nHost: packd\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost packd\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: packd\r\n folded: x\r\n\r\n",
        b"GET /v1/%2fhealth HTTP/1.1\r\nHost: packd\r\n\r\n",
        b"GET //v1/health HTTP/1.1\r\nHost: packd\r\n\r\n",
        b"GET http://evil/v1/health HTTP/1.1\r\nHost: packd\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: evil\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: packd\r\nOrigin: http://evil\r\n\r\n",
        b"CONNECT packd:80 HTTP/1.1\r\nHost: packd\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: packd\r\n\r\n",
        b"POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{]",
        b"POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    for shape in shapes.iter().cycle().take(200) {
        let mut stream = server.connect().await;
        stream.write_all(shape).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = Answered::parse(&rest(&mut stream).await);
        assert!(
            answer.status == 0 || answer.status >= 400,
            "{}",
            answer.head
        );
    }
    still_serves(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn too_many_connections_are_turned_away_and_room_is_made_again() {
    let access = config::Access {
        max_connections: 6,
        max_per_uid: 6,
        ..config::Access::default()
    };
    let times = Times {
        head: Duration::from_millis(100),
        idle: PATIENCE,
        ..Times::default()
    };
    let server = Served::with(
        Config {
            access,
            ..Config::default()
        },
        times,
    );
    let mut held = Vec::new();
    for _ in 0..6 {
        let mut stream = server.connect().await;
        stream.write_all(GET.as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
        held.push(stream);
    }
    let answer = server.get("/v1/health").await;
    assert_eq!(answer.status, 429, "the seventh is turned away");
    assert_eq!(answer.problem().kind, ErrorKind::TooMany, "and told why");
    drop(held);
    still_serves(&server).await;
}

#[tokio::test]
async fn stopping_answers_what_was_asked_and_ends_the_rest() {
    let server = Served::new();
    let mut idle = server.connect().await;
    idle.write_all(GET.as_bytes()).await.unwrap();
    idle.read_u8().await.unwrap();
    let job = server
        .daemon
        .post("/v1/packs/install", r#"{"source": "slack"}"#)
        .await;
    assert_eq!(job.status, 202, "a job that nobody works on");
    let mut waiting = server.connect().await;
    waiting
        .write_all(b"GET /v1/jobs/1/wait HTTP/1.1\r\nHost: packd\r\n\r\n")
        .await
        .unwrap();
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /v1/events HTTP/1.1\r\nHost: packd\r\n\r\n")
        .await
        .unwrap();
    stream.read_u8().await.unwrap();
    server.stop().await;
    rest(&mut idle).await;
    let events = rest(&mut stream).await;
    assert!(
        events.ends_with(b"0\r\n\r\n"),
        "the stream has an end, not a cut"
    );
    let answer = Answered::parse(&rest(&mut waiting).await);
    assert_eq!(answer.status, 202, "who waits for a job learns how it is");
}
