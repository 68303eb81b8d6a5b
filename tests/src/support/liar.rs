//! A web server that lies: what no real server would do, byte for byte as told.
//!
//! One request to a connection. What is at a path is served honestly, with a strong `ETag` and ranges, until the
//! path is told to behave in other manners: one for each request, the last one for all that follow.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread::{self, JoinHandle},
    time::Duration,
};

/// From one byte to the next of a body that drips.
const DRIP: Duration = Duration::from_millis(20);

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Manner {
    /// As RFC 9110 says.
    Honestly,
    /// After so many bytes of the body, nothing more, and the connection stays open.
    Stalling(usize),
    /// After so many bytes of the body, a byte at a time, with a pause after each.
    Dripping(usize),
    /// After so many bytes of the body the connection ends.
    Cutting(usize),
    /// A `Content-Length` that is off by so many bytes; all of the body.
    Announcing(i64),
    /// Zeros without end, and without a length.
    Endlessly,
    /// A redirect to there.
    Redirecting(String),
    /// Only this status, with these headers.
    Refusing(u16, &'static str),
    /// A range whose bytes belong to something else, under the same tag.
    ContinuingWrongly,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Asked {
    /// A header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct State {
    files: HashMap<String, (Vec<u8>, String)>,
    manners: HashMap<String, Vec<Manner>>,
    asked: Vec<Asked>,
    required: Option<(String, String)>,
    streams: Vec<TcpStream>,
    stopping: bool,
}

/// The server.
#[derive(Debug)]
pub struct Liar {
    port: u16,
    state: Arc<Mutex<State>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Liar {
    /// A server with nothing on it.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let acceptor = thread::spawn({
            let state = Arc::clone(&state);
            move || accept(&listener, &state)
        });
        Self {
            port,
            state,
            acceptor: Some(acceptor),
        }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Puts something at a path, or something else than before.
    pub fn serve(&self, path: &str, bytes: impl Into<Vec<u8>>, etag: &str) {
        let file = (bytes.into(), format!("\"{etag}\""));
        lock(&self.state).files.insert(format!("/{path}"), file);
    }

    /// Answers the next requests for a path in these manners; the last one stays.
    pub fn behave(&self, path: &str, manners: impl IntoIterator<Item = Manner>) {
        let mut manners: Vec<_> = manners.into_iter().collect();
        manners.reverse();
        lock(&self.state)
            .manners
            .insert(format!("/{path}"), manners);
    }

    /// Answers 401 to whoever does not send this header.
    pub fn require(&self, name: &str, value: &str) {
        lock(&self.state).required = Some((name.to_owned(), value.to_owned()));
    }

    /// What was asked for so far as of a proxy.
    #[must_use]
    pub fn proxied(&self) -> Vec<Asked> {
        let asked = &lock(&self.state).asked;
        let mut asked = asked.clone();
        asked.retain(|asked| asked.path.starts_with("http://"));
        asked
    }

    /// What was asked for so far below a path.
    #[must_use]
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let path = format!("/{path}");
        let asked = &lock(&self.state).asked;
        asked
            .iter()
            .filter(|asked| asked.path.starts_with(&path))
            .cloned()
            .collect()
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        {
            let mut state = lock(&self.state);
            state.stopping = true;
            for stream in &state.streams {
                let _already_closed = stream.shutdown(Shutdown::Both);
            }
        }
        let _wakes_the_acceptor = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap()
}

fn accept(listener: &TcpListener, state: &Arc<Mutex<State>>) {
    let mut serving = Vec::new();
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        {
            let mut state = lock(state);
            if state.stopping {
                break;
            }
            state.streams.push(stream.try_clone().unwrap());
        }
        let state = Arc::clone(state);
        serving.push(thread::spawn(move || {
            // a client that has heard enough goes away
            let _gone = answer(&stream, &state);
            let _already_closed = stream.shutdown(Shutdown::Both);
        }));
    }
    for thread in serving {
        thread.join().unwrap();
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut lines = BufReader::new(stream).lines();
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
    Ok(Asked { path, headers })
}

fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let asked = read(stream)?;
    let (file, manner, allowed) = {
        let mut state = lock(state);
        state.asked.push(asked.clone());
        let path = asked.path.split('?').next().unwrap_or_default();
        // what a proxy is asked has the host, and what is here is there under the same path
        let path = match path.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => path,
        };
        let manner = match state.manners.get_mut(path) {
            Some(manners) if manners.len() > 1 => manners.pop(),
            Some(manners) => manners.last().cloned(),
            None => None,
        };
        let allowed = state
            .required
            .as_ref()
            .is_none_or(|(name, value)| asked.header(&name.to_ascii_lowercase()) == Some(value));
        (
            state.files.get(path).cloned(),
            manner.unwrap_or(Manner::Honestly),
            allowed,
        )
    };
    let mut head = |status: &str, rest: &str| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\n{rest}\r\n"
        )
    };
    if !allowed {
        return head("401 Unauthorized", "Content-Length: 0\r\n");
    }
    match (&manner, file) {
        (Manner::Redirecting(to), _) => head(
            "302 Found",
            &format!("Location: {to}\r\nContent-Length: 0\r\n"),
        ),
        (Manner::Refusing(status, headers), _) => head(
            &format!("{status} No"),
            &format!("{headers}Content-Length: 0\r\n"),
        ),
        (_, None) => head("404 Not Found", "Content-Length: 0\r\n"),
        (_, Some((bytes, etag))) => body(stream, &asked, &manner, &bytes, &etag),
    }
}

fn body(
    mut stream: &TcpStream,
    asked: &Asked,
    manner: &Manner,
    bytes: &[u8],
    etag: &str,
) -> std::io::Result<()> {
    let total = bytes.len();
    let from: Option<usize> = asked
        .header("range")
        .filter(|_| asked.header("if-range") == Some(etag))
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        });
    let mut rest = bytes[from.unwrap_or(0)..].to_vec();
    let mut head = match from {
        Some(from) => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n",
            total - 1
        ),
        None => "HTTP/1.1 200 OK\r\n".to_owned(),
    };
    write!(head, "Connection: close\r\nETag: {etag}\r\n").unwrap();
    let off = if let Manner::Announcing(off) = manner {
        *off
    } else {
        0
    };
    let length = i64::try_from(rest.len()).unwrap() + off;
    if !matches!(manner, Manner::Endlessly) {
        write!(head, "Content-Length: {length}\r\n").unwrap();
    }
    write!(stream, "{head}\r\n")?;
    match manner {
        Manner::Stalling(after) => {
            stream.write_all(&rest[..rest.len().min(*after)])?;
            let mut byte = [0];
            // until the client goes away
            while stream.read(&mut byte)? > 0 {}
            Ok(())
        }
        Manner::Dripping(after) => {
            let (at_once, drops) = rest.split_at(rest.len().min(*after));
            stream.write_all(at_once)?;
            stream.set_read_timeout(Some(DRIP))?;
            for byte in drops {
                stream.write_all(&[*byte])?;
                // hears nothing for that long, or that the client is gone
                if stream.read(&mut [0]).is_ok() {
                    break;
                }
            }
            Ok(())
        }
        Manner::Cutting(after) => stream.write_all(&rest[..rest.len().min(*after)]),
        Manner::Endlessly => loop {
            stream.write_all(&[0; 4096])?;
        },
        Manner::ContinuingWrongly => {
            if from.is_some() {
                for byte in &mut rest {
                    *byte ^= 0x55;
                }
            }
            stream.write_all(&rest)
        }
        Manner::Honestly
        | Manner::Announcing(_)
        | Manner::Redirecting(_)
        | Manner::Refusing(..) => stream.write_all(&rest),
    }
}
