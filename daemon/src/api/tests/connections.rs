//! Clients that are slow, rude, broken, or many.

use packd_wire::ErrorKind;

use super::*;
use crate::api::limit::LINE;
use crate::api::{LEAVING, STREAMS};

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
    // more than a socket holds, so that the client is still sending when it is refused
    let endless = format!("X-A: {}\r\n", "b".repeat(1_000_000));
    for extra in [many, long, endless] {
        let answer = server
            .ask(&format!(
                "GET /v1/health HTTP/1.1\r\nHost: packd\r\n{extra}\r\n"
            ))
            .await;
        assert_eq!(answer.status, 431, "{}", answer.head);
        assert_eq!(answer.problem().kind, ErrorKind::BadRequest);
    }
    for (what, status) in [
        ("GET / HTTP/1.1\r\nno header\r\n\r\n", 400),
        ("GET / HTTP/9.1\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: packd\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
    ] {
        let answer = server.ask(what).await;
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.problem().kind, ErrorKind::BadRequest, "{what}");
    }
    still_serves(&server).await;
}

#[tokio::test]
async fn who_speaks_http_2_is_told_what_is_spoken_here() {
    let server = Served::new();
    let answer = server.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(answer.status, 505, "{}", answer.head);
    let problem = answer.problem();
    assert_eq!(problem.kind, ErrorKind::BadRequest);
    assert!(problem.detail.contains("HTTP/1.1"), "{problem:?}");
    still_serves(&server).await;
}

#[tokio::test]
async fn a_head_that_cannot_be_read_behind_good_requests_is_told_so_too() {
    let server = Served::new();
    let good = |line: &str| format!("{line} HTTP/1.1\r\nHost: packd\r\n\r\n");
    let health = good("GET /v1/health");
    for before in [
        health.clone(),
        health.repeat(3),
        good("GET /v1/nothing"),
        good("HEAD /v1/health"),
        "GET /v1/health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned(),
        good("GET /v1/openapi.json"),
        good("GET /v1/packs").repeat(2),
    ] {
        for bad in [
            "GET / HTTP/9.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno header\r\n\r\n",
        ] {
            let answers = server.send(format!("{before}{bad}")).await;
            let answers = String::from_utf8(answers).unwrap();
            let last = answers.rfind("HTTP/1.1 ").unwrap();
            let answer = Answered::parse(&answers.as_bytes()[last..]);
            assert!(!answer.body.is_empty(), "{before}{bad}: {answers}");
            assert_eq!(answer.status, 400, "{before}{bad}: {answers}");
            assert_eq!(answer.problem().kind, ErrorKind::BadRequest);
        }
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
async fn a_body_that_cannot_be_read_is_told_once() {
    let server = Served::new();
    let chunked = "POST /v1/packs/install HTTP/1.1\r\nHost: packd\r\n\
                   Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let problem = server.ask(chunked).await.problem();
    assert_eq!(problem.kind, ErrorKind::BadRequest);
    assert_eq!(problem.detail, "the body cannot be read");
    assert!(
        problem.causes.windows(2).all(|pair| pair[0] != pair[1]),
        "no cause comes twice: {:?}",
        problem.causes
    );
    server.stop().await;
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
async fn a_flood_of_one_user_is_told_so_to_the_last_connection() {
    let access = config::Access {
        max_connections: 8,
        max_per_uid: 4,
        ..config::Access::default()
    };
    let times = Times {
        head: Duration::from_millis(200),
        ..Times::default()
    };
    let config = Config {
        access,
        ..Config::default()
    };
    let server = Served::with(config, times);
    // half-open ones take every slot, again and again
    let mut flood = Vec::new();
    for begun in ["", "GET /v1/hea", &GET[..GET.len() - 2]].repeat(100) {
        let mut stream = server.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        flood.push(stream);
    }
    let asked = "GET /v1/health HTTP/1.1\r\nHost: packd\r\nConnection: close\r\n\r\n";
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let mut stream = server.connect().await;
        asking.spawn(async move {
            stream.write_all(asked.as_bytes()).await.unwrap();
            Answered::parse(&rest(&mut stream).await)
        });
    }
    let mut refused = 0;
    while let Some(answer) = asking.join_next().await {
        let answer = answer.unwrap();
        // one that the half-open ones have left a slot to is as good as any
        if answer.status != 200 {
            assert_eq!(answer.problem().kind, ErrorKind::TooMany, "it is told why");
            refused += 1;
        }
    }
    assert!(refused > 0, "there is no room for all of them");
    for mut stream in flood {
        rest(&mut stream).await;
    }
    still_serves(&server).await;
    server.stop().await;
}

#[test]
fn the_unit_has_a_descriptor_for_each_connection_that_is_allowed() {
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/packd.service");
    let text = fs_err::read_to_string(unit).unwrap();
    let limit = text
        .lines()
        .find_map(|line| line.strip_prefix("LimitNOFILE="));
    let limit: usize = limit.unwrap().parse().unwrap();
    // the most that `access.max_connections` can be, and a few for the daemon's own files
    let most = LINE + STREAMS.total + LEAVING.total + 3000 + 256;
    assert!(limit >= most, "{limit} descriptors are fewer than {most}");
}

#[tokio::test]
async fn who_is_refused_in_the_middle_of_a_body_hears_it() {
    let server = Served::new();
    let upload = "POST /v1/packs/upload HTTP/1.1\r\nHost: packd\r\nContent-Type: text/plain\r\n";
    let body = vec![b'x'; 4 << 20];
    // one that is announced as more than is read before the answer, and one that is not announced
    let announced = format!("{upload}Content-Length: 999999999\r\n\r\n");
    let chunked = format!("{upload}Transfer-Encoding: chunked\r\n\r\n3b9ac9ff\r\n");
    for head in [announced, chunked] {
        let answer = Answered::parse(&server.send([head.as_bytes(), &body].concat()).await);
        assert_eq!(
            answer.problem().kind,
            ErrorKind::UnsupportedMediaType,
            "{head}"
        );
    }
    still_serves(&server).await;
    server.stop().await;
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
