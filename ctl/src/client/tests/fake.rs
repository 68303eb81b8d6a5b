//! A daemon that answers as a test tells it, on a real socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde::Serialize;

/// A request as the daemon sees it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) line: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A daemon that does on each connection what it is told, and remembers the requests.
pub(super) struct Fake {
    socket: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Listens at `socket`; `answer` gets the number of the request, the request and the connection.
    pub(super) fn at(
        socket: &Path,
        mut answer: impl FnMut(usize, &Seen, &mut UnixStream) + Send + 'static,
    ) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen_by_thread, stop_thread) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                if stop_thread.load(Ordering::SeqCst) {
                    return;
                }
                let request = read_head(&mut connection);
                let number = {
                    let mut seen = seen_by_thread.lock().unwrap();
                    seen.push(request.clone());
                    seen.len()
                };
                answer(number, &request, &mut connection);
            }
        });
        Self {
            socket: socket.to_owned(),
            seen,
            stop,
            thread: Some(thread),
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .map(|seen| seen.line.clone())
            .collect()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(UnixStream::connect(&self.socket));
        drop(fs_err::remove_file(&self.socket));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn read_head(connection: &mut UnixStream) -> Seen {
    let mut reader = BufReader::with_capacity(1, connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Seen {
        line: line.trim().trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
    }
}

pub(super) fn reply(connection: &mut UnixStream, status: u16, content_type: &str, body: &str) {
    // a client that went away is part of some tests
    drop(write!(
        connection,
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    ));
}

pub(super) fn reply_json(connection: &mut UnixStream, value: &impl Serialize) {
    reply(
        connection,
        200,
        "application/json",
        &serde_json::to_string(value).unwrap(),
    );
}

/// Begins a stream of lines that has no announced end.
pub(super) fn begin_stream(connection: &mut UnixStream) {
    connection
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n")
        .unwrap();
}

/// Everything that is sent after the head, until the client stops sending.
pub(super) fn read_rest(connection: &mut UnixStream) -> Vec<u8> {
    let mut rest = Vec::new();
    drop(connection.read_to_end(&mut rest));
    rest
}
