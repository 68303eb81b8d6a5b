//! The client of the daemon's socket: how a call is sent, and its answer read. Which calls there are is in `endpoints`.
//!
//! Requests that change something carry an `Idempotency-Key`, so that one whose
//! answer was lost is sent again without being done twice. Every wait has a
//! deadline, except for an upload's bytes, which flow as fast as the daemon takes
//! them. Streams of events are in `events`, the events of one job in `follow`.

pub(crate) mod body;
mod call;
mod endpoints;
mod error;
pub(crate) mod events;
pub(crate) mod follow;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use hyperlocal::UnixConnector;
use packd_wire::Problem;
use serde::de::DeserializeOwned;

use body::Body;
use call::{Call, JSON};
pub(crate) use error::ClientError;

/// What no answer exceeds that is read as a whole.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Pauses before a request is sent again whose connection broke: 4.4 s in all, a restart's time.
const RETRY_PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// A way to the daemon. Connects when it is first used.
#[derive(Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    http: legacy::Client<UnixConnector, Body>,
}

impl Client {
    /// A way to the daemon behind `socket`.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            http: legacy::Client::builder(TokioExecutor::new()).build(UnixConnector),
        }
    }

    /// The socket it speaks to.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends a call until it is answered, and reads the answer.
    async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, ClientError> {
        let name = call.name();
        decode(&self.bytes(call).await?, &name)
    }

    async fn bytes(&self, call: Call) -> Result<Bytes, ClientError> {
        let name = call.name();
        let mut pauses = RETRY_PAUSES.iter();
        let mut broke = false;
        loop {
            let error = match self.try_once(&call, &name).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            };
            // a daemon that is not there is an answer, unless it was there a moment ago
            broke |= matches!(error, ClientError::Lost { .. });
            let absent = matches!(error, ClientError::Unreachable { .. });
            match pauses.next() {
                Some(pause) if broke && (absent || matches!(error, ClientError::Lost { .. })) => {
                    tokio::time::sleep(*pause).await;
                }
                Some(_) | None => return Err(error),
            }
        }
    }

    async fn try_once(&self, call: &Call, name: &str) -> Result<Bytes, ClientError> {
        let request = self.request(call, body::whole(call.json.clone().unwrap_or_default()))?;
        let answered = async {
            let response = self.send(request, name).await?;
            self.read(response, name, call.time).await
        };
        tokio::time::timeout(call.time, answered)
            .await
            .map_err(|_| silent(name, call.time))?
    }

    fn request(&self, call: &Call, body: Body) -> Result<Request<Body>, ClientError> {
        let uri: hyper::Uri = hyperlocal::Uri::new(&self.socket, &call.target()).into();
        let mut builder = Request::builder()
            .method(call.method.clone())
            .uri(uri)
            .header(HOST, "packd")
            .header(USER_AGENT, concat!("packctl/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, call.accept);
        if let Some(key) = &call.key {
            builder = builder.header("idempotency-key", key);
        }
        if call.json.is_some() {
            builder = builder.header(CONTENT_TYPE, JSON);
        }
        builder.body(body).map_err(invalid(call))
    }

    async fn send(
        &self,
        request: Request<Body>,
        name: &str,
    ) -> Result<Response<Incoming>, ClientError> {
        self.http
            .request(request)
            .await
            .map_err(|error| ClientError::of_transport(error, &self.socket, name))
    }

    /// The whole body of an answer, or the refusal that it is.
    async fn read(
        &self,
        response: Response<Incoming>,
        name: &str,
        time: Duration,
    ) -> Result<Bytes, ClientError> {
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect();
        let body = tokio::time::timeout(time, body)
            .await
            .map_err(|_| silent(name, time))?;
        let bytes = body
            .map(http_body_util::Collected::to_bytes)
            .map_err(|source| {
                if source.is::<LengthLimitError>() {
                    ClientError::TooLarge {
                        request: name.to_owned(),
                        limit: ANSWER_BYTES,
                    }
                } else {
                    ClientError::Lost {
                        request: name.to_owned(),
                        source,
                    }
                }
            })?;
        if status.is_success() {
            return Ok(bytes);
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
            Err(_) => Err(unexpected(status.as_u16(), &bytes, name)),
        }
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|source| ClientError::Malformed {
        request: name.to_owned(),
        source,
    })
}

/// An answer that is no problem document that this version knows: its `detail`, or its beginning.
fn unexpected(status: u16, bytes: &[u8], name: &str) -> ClientError {
    let detail = serde_json::from_slice::<serde_json::Value>(bytes)
        .ok()
        .and_then(|value| Some(value.get("detail")?.as_str()?.to_owned()));
    let text = detail.unwrap_or_else(|| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
            .trim()
            .to_owned()
    });
    ClientError::Unexpected {
        request: name.to_owned(),
        status,
        text,
    }
}

fn silent(name: &str, time: Duration) -> ClientError {
    ClientError::Silent {
        request: name.to_owned(),
        seconds: time.as_secs(),
    }
}

fn invalid<E: Into<hyper::http::Error>>(call: &Call) -> impl FnOnce(E) -> ClientError + use<E> {
    let request = call.name();
    move |source| ClientError::Request {
        request,
        source: source.into(),
    }
}

#[cfg(test)]
mod tests;
