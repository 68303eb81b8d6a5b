//! A thousand followers, a thousand events each: none lost, none twice, none late.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use packd_tests::{PackTree, Packd, Settings, support::site};
use packd_wire::{JobView, StatusView, path};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    load::block_on,
    measure::{Table, memory_of},
};

const FOLLOWERS: usize = 1_000;
const EVENTS: i64 = 1_000;

pub(crate) fn run(table: &mut Table) {
    let registry = site::folder_with([&PackTree::new("slack", "1.0.0")]);
    let url = format!("file://{}/index.json", registry.path().display());
    let settings = Settings::new()
        .registry("local", &url, &json!({}))
        .set("access.max_connections", 2_500)
        .set("access.max_per_uid", 2_500);
    let packd = Packd::start(&settings);
    packd.ctl(["install", "slack"]).success();
    let before = memory_of(packd.pid());

    let since = newest(&packd);
    let socket = packd.socket();
    let (told, (took, with_all)) = std::thread::scope(|scope| {
        let (ready, all_ready) = std::sync::mpsc::channel();
        let followers = scope.spawn({
            let socket = &socket;
            move || follow(socket, since, &ready)
        });
        all_ready.recv().unwrap();
        let with_all = memory_of(packd.pid());
        let began = Instant::now();
        let mut jobs = 0;
        // an install of what is installed changes nothing, and is told all the same
        while newest(&packd) < since + EVENTS {
            let target = format!("{}?wait=60", path::INSTALL);
            let job: JobView = packd
                .post(&target, &json!({"source": "slack"}))
                .expect(200)
                .json();
            assert!(!job.changed);
            jobs += 1;
        }
        let made = began.elapsed();
        let last = followers.join().unwrap();
        ((made, jobs), (last.duration_since(began), with_all))
    });
    let deliveries = FOLLOWERS as f64 * EVENTS as f64;
    println!(
        "{EVENTS} events of {} jobs were made in {:.3} s",
        told.1,
        told.0.as_secs_f64()
    );
    table.number(
        "1,000 followers, 1,000 live events each: last delivery after the first job",
        "s",
        took.as_secs_f64(),
        "",
    );
    let late = took.saturating_sub(told.0);
    table.number(
        "the same: last delivery after the last job's answer",
        "s",
        late.as_secs_f64(),
        "<= 0.5",
    );
    let each = (with_all.resident - before.resident) / FOLLOWERS as f64;
    table.number("resident memory per follower", "KB", each, "<= 40");

    let (ready, _nobody_waits) = std::sync::mpsc::channel();
    let began = Instant::now();
    let last = follow(&socket, since, &ready);
    let took = last.duration_since(began).as_secs_f64();
    table.number(
        "1,000 followers, 1,000 stored events each, replayed",
        "s",
        took,
        "",
    );
    table.number("the same, deliveries", "/s", deliveries / took, "");
}

fn newest(packd: &Packd) -> i64 {
    packd
        .get(path::STATUS)
        .expect(200)
        .json::<StatusView>()
        .last_event
}

/// Connects everyone, says so, and reads until everyone has every event; when that was.
fn follow(socket: &Path, since: i64, ready: &std::sync::mpsc::Sender<()>) -> Instant {
    block_on(async {
        let mut tasks = JoinSet::new();
        let (connected, mut all) = mpsc::channel(FOLLOWERS);
        for _ in 0..FOLLOWERS {
            tasks.spawn(one(socket.to_owned(), since, connected.clone()));
        }
        for _ in 0..FOLLOWERS {
            all.recv().await.unwrap();
        }
        // the one measured second does not begin before everyone listens; in a replay nobody asks
        let _nobody_waits = ready.send(());
        let read = async { tasks.join_all().await };
        tokio::time::timeout(Duration::from_mins(5), read)
            .await
            .expect("all events arrive");
        Instant::now()
    })
}

async fn one(socket: PathBuf, since: i64, connected: mpsc::Sender<()>) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = format!(
        "GET {}?since={since} HTTP/1.1\r\nHost: packd\r\nAccept: text/event-stream\r\n\r\n",
        path::EVENTS
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut numbers = Numbers {
        expected: since + 1,
        line: Vec::new(),
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut first = true;
    while numbers.expected <= since + EVENTS {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the stream ended at event {}", numbers.expected);
        if first {
            assert!(
                buffer.starts_with(b"HTTP/1.1 200"),
                "{}",
                String::from_utf8_lossy(&buffer[..read])
            );
            connected.send(()).await.unwrap();
            first = false;
        }
        numbers.read(&buffer[..read]);
    }
}

/// Reads the `id:` lines of a stream, and insists that each is one more than the last.
struct Numbers {
    expected: i64,
    line: Vec<u8>,
}

impl Numbers {
    fn read(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            // a line may be cut between two reads
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                if let Some(number) = self.line.strip_prefix(b"id:") {
                    let number: i64 = std::str::from_utf8(number).unwrap().trim().parse().unwrap();
                    assert_eq!(number, self.expected, "lost or repeated");
                    self.expected += 1;
                }
                self.line.clear();
            }
        }
    }
}
