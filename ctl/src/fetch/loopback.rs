//! A server on this machine for tests: answers each path with the bytes that the test wrote for it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Loopback {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Loopback {
    /// Serves whole answers, heads included, by path; 404 for other paths.
    pub(crate) fn raw(answers: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let answers: HashMap<_, _> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &answers, &seen);
            }
        });
        Self { address, asked }
    }

    /// Serves bodies by path.
    pub(crate) fn files(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        Self::raw(files.into_iter().map(|(path, body)| (path, ok(&body))))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far, in small letters.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A good answer with this body.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// An answer that sends elsewhere.
pub(crate) fn redirect(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .into_bytes()
}

fn serve(
    mut stream: TcpStream,
    answers: &HashMap<&'static str, Vec<u8>>,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = target.split('?').next().unwrap_or_default();
    seen.lock().unwrap().push(head.to_ascii_lowercase());
    let missing =
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let answer = answers.get(path).unwrap_or(&missing);
    // a client that had enough has closed its side
    drop(stream.write_all(answer).and_then(|()| stream.flush()));
}
