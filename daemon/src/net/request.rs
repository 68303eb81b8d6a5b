//! What is asked of a server, and what an answer is to those who ask.

use std::time::Duration;

use super::address::Realm;
use super::body::Body;
use super::resume::Mark;
use crate::config::{SafeUrl, Secret};

/// One GET request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What to get.
    pub url: SafeUrl,
    /// Headers with credentials. They are sent to the origin of `url` only, wherever it redirects to.
    pub headers: Vec<(String, Secret)>,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// What is known already; a server that has nothing newer answers [`Outcome::NotModified`].
    pub validators: Option<Validators>,
    /// The largest body that is accepted.
    pub max_bytes: u64,
    /// The time for everything, redirects and body included. `None`: that of `net.total_timeout`.
    pub within: Option<Duration>,
    /// Where it may lead, which depends on who named the URL.
    pub realm: Realm,
    /// What there is already of the body. A server whose resource has not changed sends only the rest.
    pub partial: Option<Partial>,
}

/// The beginning of a body, from an earlier answer.
#[derive(Debug, Clone)]
pub(crate) struct Partial {
    /// Of which state of the resource it is.
    pub mark: Mark,
    /// How many bytes of it there are: more than none, and less than all.
    pub bytes: u64,
}

impl Request {
    /// A plain request for `url`: https only, without headers, validators and total deadline.
    #[must_use]
    pub(crate) fn new(url: SafeUrl, max_bytes: u64) -> Self {
        Self {
            url,
            headers: Vec::new(),
            allow_http: false,
            validators: None,
            max_bytes,
            within: None,
            realm: Realm::default(),
            partial: None,
        }
    }
}

/// What identifies the state of a resource; as the server sent it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// An answer that is no error.
#[derive(Debug)]
pub(crate) struct Response {
    /// What came.
    pub outcome: Outcome,
    /// The URL that answered, after redirects.
    pub url: SafeUrl,
    /// The length of the body, if the server announced it.
    pub content_length: Option<u64>,
    /// To be sent with the next request.
    pub validators: Validators,
    /// Where what it says may lead.
    pub realm: Realm,
    /// How many bytes of the body were there already, and do not come again.
    pub begins_at: u64,
    /// What to go on with if this body does not come whole; none when the server cannot do that.
    pub mark: Option<Mark>,
}

/// Whether there is something to read.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing newer than the request's validators.
    NotModified,
    /// The body, not read yet.
    Body(Box<Body>),
}
