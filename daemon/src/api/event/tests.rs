//! Streams: in order, nothing twice, nothing lost.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::EventView;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::api::limit::Rank;
use crate::api::tests::{Daemon, PATIENCE, Served};
use crate::event::NewEvent;

fn event(kind: EventKind, job: i64) -> NewEvent {
    NewEvent {
        kind,
        job: Some(job),
        pack_ref: None,
        data: json!({"summary": "x"}),
    }
}

/// Stores `count` events in one transaction.
async fn store(state: &State, count: i64) {
    let hub = state.parts.hub.clone();
    let append = move |tx: &crate::store::Tx<'_>| {
        (0..count).try_for_each(|job| hub.append(tx, event(EventKind::JobQueued, job % 2)))
    };
    state.parts.database.write(append).await.unwrap();
}

async fn follower(state: &State, since: Option<i64>, filter: Filter) -> Follower {
    let slot = state.streams.try_take(0, Rank::Admin).unwrap();
    Follower::start(state, since, filter, Format::Ndjson, slot)
        .await
        .unwrap()
}

/// Reads chunks until `count` events have come.
async fn take(follower: Follower, count: usize) -> (Vec<EventView>, Follower) {
    let (mut events, mut follower) = (Vec::new(), follower);
    while events.len() < count {
        let next = tokio::time::timeout(PATIENCE, follower.next())
            .await
            .unwrap();
        let (Ok(chunk), rest) = next.unwrap();
        let lines = chunk
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        events.extend(lines.map(|line| serde_json::from_slice::<EventView>(line).unwrap()));
        follower = rest;
    }
    (events, follower)
}

fn numbers(events: &[EventView]) -> Vec<i64> {
    events.iter().filter_map(|event| event.seq).collect()
}

#[tokio::test]
async fn what_is_stored_comes_first_and_what_happens_then() {
    let daemon = Daemon::new();
    store(&daemon.state, 1000).await;
    let follower = follower(&daemon.state, Some(10), Filter::default()).await;
    store(&daemon.state, 500).await;
    let (events, follower) = take(follower, 1490).await;
    assert_eq!(
        numbers(&events),
        (11..=1500).collect::<Vec<_>>(),
        "each number once, in order"
    );
    store(&daemon.state, 1).await;
    daemon
        .state
        .parts
        .hub
        .progress(event(EventKind::Downloading, 1));
    let (events, _) = take(follower, 2).await;
    assert_eq!(events[0].seq, Some(1501), "then what happens");
    assert_eq!(
        (events[1].seq, events[1].kind),
        (None, EventKind::Downloading),
        "progress too"
    );
}

#[tokio::test]
async fn who_falls_behind_catches_up_from_the_store() {
    let daemon = Daemon::new();
    let follower = follower(&daemon.state, None, Filter::default()).await;
    store(&daemon.state, 9000).await;
    let (events, follower) = take(follower, 9000).await;
    assert_eq!(
        numbers(&events),
        (1..=9000).collect::<Vec<_>>(),
        "more than the hub keeps, and none is lost"
    );
    store(&daemon.state, 3).await;
    let (events, _) = take(follower, 3).await;
    assert_eq!(numbers(&events), [9001, 9002, 9003], "and then it goes on");
}

#[tokio::test]
async fn a_stream_has_only_what_was_asked_for() {
    let daemon = Daemon::new();
    store(&daemon.state, 600).await;
    let filter = Filter {
        job: Some(1),
        kinds: vec![EventKind::JobQueued],
        ..Filter::default()
    };
    let follower = follower(&daemon.state, Some(0), filter).await;
    daemon
        .state
        .parts
        .hub
        .progress(event(EventKind::Downloading, 1));
    store(&daemon.state, 4).await;
    let (events, _) = take(follower, 302).await;
    assert!(
        events.iter().all(|event| event.job == Some(1)),
        "of one job"
    );
    assert_eq!(
        numbers(&events),
        (1..=604).filter(|seq| seq % 2 == 0).collect::<Vec<_>>(),
        "all of them"
    );
}

#[tokio::test]
async fn a_number_that_is_yet_to_come_is_refused_with_the_last_one() {
    let daemon = Daemon::new();
    store(&daemon.state, 3).await;
    for target in ["/v1/events?since=4711", "/v1/events?since=4&follow=false"] {
        let problem = daemon.get(target).await.problem();
        assert_eq!(problem.kind, ErrorKind::BadRequest, "{target}");
        assert!(
            problem.detail.ends_with("the last one is 3"),
            "{}",
            problem.detail
        );
    }
    let problem = daemon.get("/v1/events?since=-1").await.problem();
    assert_eq!(problem.kind, ErrorKind::BadRequest);
    assert!(problem.detail.contains("-1"), "{}", problem.detail);
    let forget = |tx: &crate::store::Tx<'_>| tx.execute("DELETE FROM event", []);
    daemon.state.parts.database.write(forget).await.unwrap();
    let list: EventList = daemon.get("/v1/events?since=3&follow=false").await.json();
    assert!(
        list.events.is_empty(),
        "a number that there was stays one when its event is forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_gives_signs_of_life() {
    let daemon = Daemon::new();
    let slot = daemon.state.streams.try_take(0, Rank::Admin).unwrap();
    let follower = Follower::start(&daemon.state, None, Filter::default(), Format::Sse, slot)
        .await
        .unwrap();
    let (Ok(chunk), _) = follower.next().await.unwrap();
    assert_eq!(chunk, ":\n\n", "a comment");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let daemon = Daemon::new();
    store(&daemon.state, 5).await;
    let page: EventList = daemon
        .get("/v1/events?follow=false&limit=3&since=1")
        .await
        .json();
    assert_eq!(
        (numbers(&page.events), page.next),
        (vec![2, 3, 4], Some(4)),
        "a full page"
    );
    let page: EventList = daemon
        .get("/v1/events?follow=false&limit=3&since=4")
        .await
        .json();
    assert_eq!(
        (numbers(&page.events), page.next),
        (vec![5], None),
        "and the last"
    );
}

#[tokio::test]
async fn a_stream_over_the_socket_resumes_by_header() {
    let server = Served::new();
    store(&server.daemon.state, 3).await;
    let mut stream = server.connect().await;
    let head = "GET /v1/events?since=0 HTTP/1.1\r\nHost: packd\r\nLast-Event-ID: 1\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    while !text.contains("id: 3\n") {
        let mut bytes = vec![0; 4096];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut bytes))
            .await
            .unwrap()
            .unwrap();
        assert!(read > 0, "the stream goes on: {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert!(
        text.to_lowercase()
            .contains("content-type: text/event-stream"),
        "{text}"
    );
    assert!(
        text.contains("id: 2\nevent: job_queued\ndata: {\"seq\":2,"),
        "{text}"
    );
    assert!(
        !text.contains("id: 1\n"),
        "what was seen does not come again"
    );
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn streams_are_not_counted_as_connections() {
    let access = crate::config::Access {
        max_connections: 6,
        max_per_uid: 2,
        ..Default::default()
    };
    let config = crate::config::Config {
        access,
        ..Default::default()
    };
    let server = Served::with(config, crate::api::Times::default());
    let mut streams = Vec::new();
    for _ in 0..40 {
        let mut stream = server.connect().await;
        stream
            .write_all(b"GET /v1/events HTTP/1.1\r\nHost: packd\r\n\r\n")
            .await
            .unwrap();
        stream.read_u8().await.unwrap();
        streams.push(stream);
    }
    assert_eq!(
        server.get("/v1/health").await.status,
        200,
        "and there is room for requests"
    );
    let held = server.daemon.state.streams.try_take(7, Rank::Other);
    assert!(held.is_ok(), "and for other people's streams");
    drop(streams);
    server.stop().await;
}
