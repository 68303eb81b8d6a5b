//! A server on loopback for tests: it says what the test wrote, byte for byte, also what no real server would.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A running server. Ends with all its connections when dropped.
pub(crate) struct Loopback {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    accepting: Option<JoinHandle<()>>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    /// The header of this name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Loopback {
    /// Answers every connection's one request with `answer`, then closes it.
    pub(crate) fn start(
        answer: impl Fn(&Asked, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let connections = Arc::new(Mutex::new(Vec::new()));
        let (log, stop, open) = (asked.clone(), over.clone(), connections.clone());
        let accepting = std::thread::spawn(move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (log, answer) = (log.clone(), answer.clone());
                open.lock().unwrap().extend(
                    stream
                        .as_ref()
                        .ok()
                        .and_then(|stream| stream.try_clone().ok()),
                );
                serving.push(std::thread::spawn(move || {
                    // a client that goes away in the middle is part of many tests
                    let _gone = stream.and_then(|stream| serve(stream, &log, answer.as_ref()));
                }));
            }
            for thread in serving {
                thread.join().unwrap();
            }
        });
        Self {
            address,
            asked,
            over,
            connections,
            accepting: Some(accepting),
        }
    }

    /// Answers 200 with this body to whatever is asked.
    pub(crate) fn serving(body: Vec<u8>) -> Self {
        Self::start(move |_, stream| {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body)
        })
    }

    /// Answers with this head, and keeps silent until the client goes away.
    pub(crate) fn stalling(head: &'static str) -> Self {
        Self::start(move |_, stream| {
            stream.write_all(head.as_bytes())?;
            until_gone(stream)
        })
    }

    /// Answers with exactly this text and closes the connection.
    pub(crate) fn saying(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::start(move |_, stream| stream.write_all(answer.as_bytes()))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has been asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // wakes `accept`; if even that fails the listener is gone already
        let _woken = TcpStream::connect(self.address);
        // the client may be unable to close its end: its runtime waits for this function
        for connection in self.connections.lock().unwrap().iter() {
            let _closed = connection.shutdown(Shutdown::Both);
        }
        if let Some(accepting) = self.accepting.take() {
            // panicking twice would hide the failure of the test
            let ended = accepting.join();
            assert!(
                ended.is_ok() || std::thread::panicking(),
                "the server of a test panicked"
            );
        }
    }
}

/// Returns when the client has closed its end.
pub(crate) fn until_gone(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {}
    Ok(())
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(&Asked, &mut TcpStream) -> std::io::Result<()> + ?Sized),
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let asked = Asked { path, headers };
    log.lock().unwrap().push(asked.clone());
    let mut stream = stream;
    let done = answer(&asked, &mut stream);
    // dropping it would not do: the list of open connections has a second handle
    stream.shutdown(Shutdown::Both)?;
    done
}
