//! HTTP/1.1 over the socket, written out by hand.
//!
//! A client of our own sees what was really sent: which headers, which
//! framing, when the connection ended. It can also break the rules.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use packd_wire::{JobStatus, JobView, Problem};
use serde::de::DeserializeOwned;

use super::process::PATIENCE;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers beside `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `GET`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// `POST` of a JSON document.
    #[must_use]
    pub fn post(target: &str, body: &serde_json::Value) -> Self {
        Self::new("POST", target).body("application/json", body.to_string())
    }

    /// The same with a body.
    #[must_use]
    pub fn body(self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let mut request = self.header("Content-Type", content_type);
        request.body = bytes.into();
        request
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: packd\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        if !self.body.is_empty() || self.method != "GET" {
            write!(head, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What is answered.
#[derive(Debug, Clone)]
#[must_use = "it may be a refusal"]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; of a stream, empty.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The content type without its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        Some(self.header("content-type")?.split(';').next()?.trim())
    }

    /// Insists on a status.
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "the answer is {}", self.text());
        self
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as one JSON document.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not the expected JSON: {error}: {}", self.text()))
    }

    /// The body as a problem document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        assert_eq!(
            self.content_type(),
            Some("application/problem+json"),
            "{}",
            self.text()
        );
        told_once(self.json())
    }

    /// Why what was asked for did not come about: the refusal, or the error of the job that failed.
    #[must_use]
    pub fn failure(&self) -> Problem {
        if self.status >= 400 {
            return self.problem();
        }
        let job: JobView = self.json();
        assert_eq!(job.status, JobStatus::Failed, "{job:#?}");
        assert!(!job.changed, "a failed job changes nothing: {job:#?}");
        told_once(job.error.unwrap())
    }
}

/// Insists that nothing is said twice: no text is within the one before it, and no path in two of them.
fn told_once(problem: Problem) -> Problem {
    let texts: Vec<&str> = std::iter::once(problem.detail.as_str())
        .chain(problem.causes.iter().map(String::as_str))
        .collect();
    for pair in texts.windows(2) {
        assert!(!pair[0].contains(pair[1]), "said twice: {problem:#?}");
    }
    let is_quote = |c: char| !(c == '/' || c.is_alphanumeric());
    let paths: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split_whitespace())
        .map(|word| word.trim_matches(is_quote))
        .filter(|word| word.starts_with('/') && word.len() > 1)
        .collect();
    for (at, path) in paths.iter().enumerate() {
        assert!(!paths[..at].contains(path), "named twice: {problem:#?}");
    }
    problem
}

/// One connection to the socket.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<UnixStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// What connect(2) says.
    pub fn open(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            reader: BufReader::new(stream),
        })
    }

    /// Gives up on an answer after this long.
    pub fn patience(&mut self, patience: Duration) {
        self.reader
            .get_ref()
            .set_read_timeout(Some(patience))
            .unwrap();
    }

    /// Sends bytes, whatever they are.
    ///
    /// # Errors
    /// What write(2) says.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _already_closed = self.reader.get_mut().shutdown(std::net::Shutdown::Write);
    }

    /// Reads status line and headers.
    ///
    /// # Errors
    /// When the connection ends, times out, or says what is no HTTP.
    pub fn head(&mut self) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(Answer {
                    status,
                    headers,
                    body: Vec::new(),
                });
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("no header: {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// As [`Connection::head`].
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            Chunks::new(&mut self.reader).read_to_end(&mut body)?;
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            body.resize(length, 0);
            self.reader.read_exact(&mut body)?;
        }
        answer.body = body;
        Ok(answer)
    }

    /// The body of a stream whose head was read, line by line.
    #[must_use]
    pub fn stream(self) -> BufReader<Chunks<BufReader<UnixStream>>> {
        BufReader::new(Chunks::new(self.reader))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        line.strip_suffix("\r\n")
            .map(str::to_owned)
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }
}

/// Asks once, over a connection of its own.
pub fn ask(socket: &Path, request: &Request) -> Answer {
    let mut connection = Connection::open(socket)
        .unwrap_or_else(|error| panic!("cannot connect to {}: {error}", socket.display()));
    // a daemon that refuses a body early answers before it is sent whole
    let sent = connection.send(&request.bytes());
    connection.answer().unwrap_or_else(|error| {
        panic!(
            "no answer to {} {}: {error}; sending: {sent:?}",
            request.method, request.target
        )
    })
}

/// Decodes `Transfer-Encoding: chunked`.
#[derive(Debug)]
pub struct Chunks<R> {
    reader: R,
    left: usize,
    ended: bool,
}

impl<R: BufRead> Chunks<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            left: 0,
            ended: false,
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.left == 0 {
            self.left = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            if self.left == 0 {
                self.ended = true;
                self.line()?;
                return Ok(0);
            }
        }
        let most = buffer.len().min(self.left);
        let read = self.reader.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        if self.left == 0 {
            self.line()?;
        }
        Ok(read)
    }
}
