#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use packd_wire::{
    ErrorKind, EventsQuery, Exit, InstallRequest, JobStatus, TrustRequest, UploadQuery,
};
use serde_json::json;

use super::events::{AtFirst, EventStream, Item};
use super::follow::{Follow, Step};
use super::*;
use crate::command::changes::tests::job;

mod fake;

use fake::{Fake, begin_stream, read_rest, reply, reply_json};

fn event(seq: Option<i64>, kind: &str) -> String {
    let mut event = json!({
        "at": "2026-03-01T12:00:00Z", "kind": kind, "job": 7, "ref": null, "data": {},
    });
    if let Some(seq) = seq {
        event["seq"] = seq.into();
    }
    format!("{event}\n")
}

fn socket() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("packd.sock");
    (dir, socket)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            tokio::time::timeout(Duration::from_secs(30), future)
                .await
                .expect("it hangs")
        })
}

#[test]
fn a_cut_stream_is_resumed_without_loss_or_repetition() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |number, _, connection| match number {
        1 => {
            begin_stream(connection);
            let cut = event(Some(3), "step_completed");
            let sent = format!(
                "{}\n{}{}",
                event(Some(1), "job_queued"),
                event(Some(2), "job_started"),
                &cut[..20]
            );
            connection.write_all(sent.as_bytes()).unwrap();
        }
        // the daemon is on its way down: it takes the connection and says nothing
        2 => {}
        _ => {
            begin_stream(connection);
            let sent = [
                event(Some(2), "job_started"),
                event(Some(3), "step_completed"),
                event(None, "downloading"),
                event(Some(4), "a_kind_of_the_future"),
                event(Some(5), "job_succeeded"),
            ];
            connection.write_all(sent.concat().as_bytes()).unwrap();
        }
    });
    let client = Client::new(socket);
    let events = run(async {
        let mut follow = Follow::new(&client, 7);
        let mut events = Vec::new();
        while let Some(step) = follow.next().await.unwrap() {
            if let Step::Event(event) = step {
                events.push((event.seq, event.kind.as_str()));
            }
        }
        events
    });
    assert_eq!(
        events,
        [
            (Some(1), "job_queued"),
            (Some(2), "job_started"),
            (Some(3), "step_completed"),
            (None, "downloading"),
            (Some(5), "job_succeeded"),
        ]
    );
    assert_eq!(
        fake.lines(),
        [
            "GET /v1/events?since=0&job=7",
            "GET /v1/events?since=2&job=7",
            "GET /v1/events?since=2&job=7",
        ]
    );
    assert_eq!(
        fake.seen()[0].header("accept"),
        Some("application/x-ndjson")
    );
}

#[test]
fn a_stream_survives_a_restart_of_the_daemon() {
    let (_dir, socket) = socket();
    let before = Fake::at(&socket, |_, _, connection| {
        begin_stream(connection);
        connection
            .write_all(event(Some(1), "job_started").as_bytes())
            .unwrap();
    });
    let client = Client::new(socket.clone());
    run(async {
        let mut follow = Follow::new(&client, 7);
        assert!(
            matches!(follow.next().await.unwrap(), Some(Step::Event(_))),
            "the first event"
        );
        drop(before);
        let away = follow.next().await.unwrap();
        assert!(
            matches!(away, Some(Step::Interrupted)),
            "an outage is said, once: {away:?}"
        );
        let after = Fake::at(&socket, |_, _, connection| {
            begin_stream(connection);
            connection
                .write_all(event(Some(2), "job_cancelled").as_bytes())
                .unwrap();
        });
        let Some(Step::Event(event)) = follow.next().await.unwrap() else {
            panic!("the daemon is back, and nothing comes");
        };
        assert_eq!(event.seq, Some(2));
        assert!(
            follow.next().await.unwrap().is_none(),
            "a cancelled job has ended"
        );
        assert_eq!(after.lines(), ["GET /v1/events?since=1&job=7"]);
    });
}

#[test]
fn an_attempt_that_fails_is_not_the_end() {
    let (_dir, socket) = socket();
    let _fake = Fake::at(&socket, |_, _, connection| {
        begin_stream(connection);
        let failed = |seq, retry_at: Option<&str>| {
            let event = json!({
                "seq": seq, "at": "2026-03-01T12:00:00Z", "kind": "job_failed", "job": 7,
                "ref": null, "data": {"error": null, "retry_at": retry_at},
            });
            format!("{event}\n")
        };
        let sent = [
            failed(1, Some("2026-03-01T12:00:05Z")),
            failed(2, None),
            event(Some(3), "info"),
        ];
        connection.write_all(sent.concat().as_bytes()).unwrap();
    });
    let client = Client::new(socket);
    run(async {
        let mut follow = Follow::new(&client, 7);
        let mut seqs = Vec::new();
        while let Some(Step::Event(event)) = follow.next().await.unwrap() {
            seqs.push(event.seq.unwrap());
        }
        assert_eq!(
            seqs,
            [1, 2],
            "the end is the failure that is not tried again"
        );
    });
}

#[test]
fn what_a_job_that_ended_did_is_read_page_by_page() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |number, _, connection| {
        let event = |seq, kind: &str| {
            serde_json::from_str::<serde_json::Value>(&event(Some(seq), kind)).unwrap()
        };
        let page = match number {
            1 => json!({"events": [event(1, "job_started"), event(2, "info")], "next": 2}),
            _ => json!({"events": [event(3, "job_succeeded")]}),
        };
        reply_json(connection, &page);
    });
    let client = Client::new(socket);
    run(async {
        let mut follow = Follow::new(&client, 7);
        follow.drain().await.unwrap();
        let mut seqs = Vec::new();
        while let Some(Step::Event(event)) = follow.next().await.unwrap() {
            seqs.push(event.seq.unwrap());
        }
        assert_eq!(seqs, [1, 2, 3]);
    });
    assert_eq!(
        fake.lines(),
        [
            "GET /v1/events?since=0&job=7&follow=false&limit=1000",
            "GET /v1/events?since=2&job=7&follow=false&limit=1000",
        ]
    );
}

#[test]
fn a_refused_stream_is_not_asked_for_again() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |_, _, connection| {
        let problem = Problem::new(ErrorKind::AccessDenied, "you may not look");
        let body = serde_json::to_string(&problem).unwrap();
        reply(connection, 403, "application/problem+json", &body);
    });
    let client = Client::new(socket);
    let error = run(async {
        let wanted = EventsQuery {
            since: Some(9),
            ..EventsQuery::default()
        };
        let mut stream = EventStream::new(&client, wanted, AtFirst::Wait);
        match stream.next().await {
            Err(error) => error,
            Ok(Item::Event(_) | Item::Interrupted) => panic!("it was refused"),
        }
    });
    assert_eq!(error.exit(), Exit::NotPermitted);
    assert_eq!(fake.lines().len(), 1);
}

#[test]
fn a_request_whose_answer_was_lost_is_sent_again_as_the_same() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |number, _, connection| {
        if number != 1 {
            reply_json(connection, &job(7, "install slack", JobStatus::Queued));
        }
    });
    let client = Client::new(socket);
    let request = InstallRequest {
        source: "slack".to_owned(),
        ..InstallRequest::default()
    };
    run(async {
        assert_eq!(client.install(&request).await.unwrap().id, 7);
        assert_eq!(client.install(&request).await.unwrap().id, 7);
    });
    let requests = fake.seen();
    let keys: Vec<_> = requests
        .iter()
        .map(|one| one.header("idempotency-key").unwrap())
        .collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], keys[1], "the retry is the same request");
    assert_ne!(keys[1], keys[2], "another install is another request");
    for seen in &requests {
        assert_eq!(seen.line, "POST /v1/packs/install");
        assert_eq!(seen.header("host"), Some("packd"));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(
            seen.header("user-agent"),
            Some(concat!("packctl/", env!("CARGO_PKG_VERSION")))
        );
    }
}

#[test]
fn a_daemon_that_was_never_there_is_not_waited_for() {
    let (_dir, socket) = socket();
    let error = run(Client::new(socket.clone()).status()).unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
    assert_eq!(error.exit(), Exit::Unreachable);

    // a socket that nobody listens at any more
    drop(UnixListener::bind(&socket).unwrap());
    let error = run(Client::new(socket).status()).unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
}

#[test]
fn refusals_keep_their_kind_and_strangers_their_words() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |number, _, connection| match number {
        1 => {
            let problem = Problem::new(ErrorKind::PackNotInstalled, "`a b/..?` is not installed");
            let body = serde_json::to_string(&problem).unwrap();
            reply(connection, 404, "application/problem+json", &body);
        }
        2 => reply(connection, 503, "text/html", "<html>busy</html>"),
        3 => reply(
            connection,
            418,
            "application/json",
            r#"{"kind": "new", "detail": "no tea"}"#,
        ),
        _ => reply(connection, 200, "application/json", "[]"),
    });
    let client = Client::new(socket);
    run(async {
        let error = client.pack("a b/..?").await.unwrap_err();
        assert_eq!(error.exit(), Exit::NotFound);
        assert_eq!(error.to_string(), "`a b/..?` is not installed");
        let error = client.packs().await.unwrap_err();
        assert_eq!(
            error.exit(),
            Exit::Transient,
            "503 is worth another try: {error}"
        );
        let error = client.packs().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "packd answered `GET /v1/packs` with status 418: no tea"
        );
        let error = client.packs().await.unwrap_err();
        assert!(matches!(error, ClientError::Malformed { .. }), "{error:?}");
    });
    assert_eq!(
        fake.lines()[0],
        "GET /v1/packs/a%20b%2F%2E%2E%3F",
        "a name stays one segment"
    );
}

#[test]
fn the_name_of_a_registry_stays_one_segment() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |_, _, connection| {
        reply_json(connection, &json!({"registries": []}));
    });
    let request = TrustRequest {
        accept_unsigned: true,
    };
    run(Client::new(socket).trust("a/b ..", request)).unwrap();
    assert_eq!(fake.lines()[0], "POST /v1/registries/a%2Fb%20%2E%2E/trust");
}

#[test]
fn an_upload_is_sent_whole_with_its_query() {
    let (_dir, socket) = socket();
    let fake = Fake::at(&socket, |_, request, connection| {
        let length: usize = request.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        connection.read_exact(&mut body).unwrap();
        assert!(
            body.iter().all(|byte| *byte == b'x'),
            "the body arrived as something else"
        );
        reply_json(connection, &job(7, "upload slack", JobStatus::Queued));
    });
    let client = Client::new(socket);
    let query = UploadQuery {
        name: Some("/home/ada/my pack".to_owned()),
        force: true,
        ..UploadQuery::default()
    };
    let bytes = 300_000;
    let written = Arc::new(AtomicU64::new(0));
    let (mut writer, body) = body::upload(Arc::clone(&written));
    let sent = run(async {
        let writing = tokio::task::spawn_blocking(move || {
            writer.write_all(&vec![b'x'; bytes])?;
            writer.complete()
        });
        let sent = client
            .upload(&query, "application/gzip", Some(bytes as u64), body)
            .await;
        writing.await.unwrap().unwrap();
        sent
    });
    assert_eq!(sent.unwrap().id, 7);
    assert_eq!(written.load(Ordering::Relaxed), bytes as u64);
    let seen = fake.seen();
    assert_eq!(
        seen[0].line,
        "POST /v1/packs/upload?name=%2Fhome%2Fada%2Fmy+pack&force=true&skip_deps=false\
         &skip_tests=false&dry_run=false"
    );
    assert_eq!(seen[0].header("content-type"), Some("application/gzip"));
}

#[test]
fn an_upload_that_is_given_up_never_looks_complete() {
    let (_dir, socket) = socket();
    let (sender, receiver) = std::sync::mpsc::channel();
    let _fake = Fake::at(&socket, move |_, _, connection| {
        sender.send(read_rest(connection)).unwrap();
    });
    let client = Client::new(socket);
    let (mut writer, body) = body::upload(Arc::default());
    let error = run(async {
        let writing = tokio::task::spawn_blocking(move || writer.write_all(&vec![b'x'; 200_000]));
        let query = UploadQuery::default();
        let sent = client.upload(&query, "application/x-tar", None, body).await;
        writing.await.unwrap().unwrap();
        sent
    })
    .unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "{error:?}");
    let body = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(
        !body.ends_with(b"0\r\n\r\n"),
        "the end of the body was sent"
    );
}

#[test]
fn an_upload_that_is_refused_early_learns_why() {
    let (_dir, socket) = socket();
    let _fake = Fake::at(&socket, |_, _, connection| {
        let problem = Problem::new(ErrorKind::AccessDenied, "only operators may");
        let body = serde_json::to_string(&problem).unwrap();
        reply(connection, 403, "application/problem+json", &body);
        // what a careful server does: it reads on for a while, so that its answer is not lost
        connection
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        drop(read_rest(connection));
    });
    let client = Client::new(socket);
    let (mut writer, body) = body::upload(Arc::default());
    let error = run(async {
        let writing = tokio::task::spawn_blocking(move || {
            // more than every buffer on the way holds
            for _ in 0..100 {
                if writer.write_all(&vec![b'x'; 100_000]).is_err() {
                    return;
                }
            }
            drop(writer.complete());
        });
        let query = UploadQuery::default();
        let sent = client.upload(&query, "application/x-tar", None, body).await;
        writing.await.unwrap();
        sent
    })
    .unwrap_err();
    assert_eq!(error.exit(), Exit::NotPermitted, "{error:?}");
}
