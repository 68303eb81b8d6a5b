//! A request before it is given a connection: what it asks, how long it may take, and its key.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::ClientError;

/// How long an answer may take that needs no more than a look into the database.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(30);
pub(super) const JSON: &str = "application/json";
/// What a path segment may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A request before it is given a connection.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) accept: &'static str,
    pub(super) json: Option<Bytes>,
    pub(super) key: Option<String>,
    pub(super) time: Duration,
}

impl Call {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: String::new(),
            accept: JSON,
            json: None,
            key: None,
            time: ANSWER_TIME,
        }
    }

    /// A request that changes something, to be done once however often it is sent.
    pub(super) fn change(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            key: Some(random_key()),
            ..Self::get(path)
        }
    }

    pub(super) fn with_query(mut self, query: &impl Serialize) -> Result<Self, ClientError> {
        self.query = serde_urlencoded::to_string(query).map_err(|source| ClientError::Query {
            request: self.name(),
            source,
        })?;
        Ok(self)
    }

    pub(super) fn with_json(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(body).map_err(|source| ClientError::Malformed {
            request: self.name(),
            source,
        })?;
        self.json = Some(bytes.into());
        Ok(self)
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

/// A name as one segment of a path, whatever it holds.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Different for every request of every run: 128 bits that std seeds from the kernel.
fn random_key() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    let half = || RandomState::new().hash_one(std::process::id());
    format!("packctl-{:016x}{:016x}", half(), half())
}
