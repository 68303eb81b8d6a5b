//! Many connections to a Unix socket from one thread.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::JoinSet,
};

/// The runtime of a load: one thread, so that the server keeps a core.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
}

/// What a load saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Answers per second.
    pub(crate) rate: f64,
    /// How long each answer took.
    pub(crate) latencies: Vec<Duration>,
}

/// Asks the same again and again on so many connections for so long.
pub(crate) fn repeat(socket: &Path, target: &str, connections: usize, time: Duration) -> Seen {
    block_on(async {
        let request = format!("GET {target} HTTP/1.1\r\nHost: packd\r\n\r\n");
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let stream = UnixStream::connect(socket).await.unwrap();
            tasks.spawn(ask(stream, request.clone(), began + time));
        }
        let latencies: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
        Seen {
            rate: latencies.len() as f64 / began.elapsed().as_secs_f64(),
            latencies,
        }
    })
}

async fn ask(mut stream: UnixStream, request: String, until: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    // every answer to the same question is as long as the first
    let mut length = None;
    while Instant::now() < until {
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = 0;
        while length.is_none_or(|length| read < length) {
            let more = stream.read(&mut buffer[read..]).await.unwrap();
            assert!(more > 0, "the server hung up");
            read += more;
            if length.is_none() {
                length = whole_length(&buffer[..read]);
            }
        }
        assert!(
            buffer.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&buffer[..read])
        );
        assert_eq!(Some(read), length, "an answer of another length");
        latencies.push(asked.elapsed());
    }
    latencies
}

/// Head and body together, once the head is there.
fn whole_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end])
        .unwrap()
        .to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).expect("a length");
    Some(
        end + length
            .lines()
            .next()
            .unwrap()
            .trim()
            .parse::<usize>()
            .unwrap(),
    )
}
