//! The connection that a request came over, and who is behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use packd_wire::{ErrorKind, Requester, Role};

use super::door::Door;
use super::limit::{Rank, Slot};
use super::peer::Peer;
use super::problem::Refusal;

/// The longest `User-Agent` that is recorded.
const LONGEST_AGENT: usize = 128;

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    /// Who connected.
    pub(crate) peer: Peer,
    /// By which socket.
    pub(crate) door: Arc<Door>,
    /// Whether a request on it gave the length of its body in two ways.
    pub(crate) conflict: Arc<AtomicBool>,
    slot: Mutex<Option<Slot>>,
}

/// Who asks, as handlers see it. Attached to each request of a connection by the server; a handler
/// that wants one cannot be reached without.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The connection.
    pub(crate) link: Arc<Link>,
    /// What the peer may do.
    pub(crate) role: Role,
}

impl Link {
    /// A connection that holds a slot.
    pub(crate) fn new(peer: Peer, door: Arc<Door>, slot: Slot) -> Self {
        Self {
            peer,
            door,
            conflict: Arc::new(AtomicBool::new(false)),
            slot: Mutex::new(Some(slot)),
        }
    }

    /// Gives the connection's slot back: it is counted as something else from now on.
    pub(crate) fn release(&self) {
        drop(
            self.slot
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Whether a request on it gave the length of its body in two ways.
    pub(crate) fn has_conflict(&self) -> bool {
        self.conflict.load(Ordering::Relaxed)
    }
}

impl Caller {
    /// The same as it is recorded with jobs and in the audit.
    pub(crate) fn requester(&self, headers: &HeaderMap) -> Requester {
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let agent = agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect());
        self.link.peer.requester(agent)
    }

    /// Whether reserves are open to it.
    pub(crate) fn rank(&self) -> Rank {
        rank(self.role)
    }
}

/// The name of who asks, for what is said of who did something.
#[derive(Debug)]
pub(crate) struct By(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let requester = caller.requester(&parts.headers);
        let name = requester.user.unwrap_or_else(|| requester.uid.to_string());
        Ok(Self(name))
    }
}

/// Whether reserves are open to a role.
pub(crate) fn rank(role: Role) -> Rank {
    match role {
        Role::Admin => Rank::Admin,
        Role::Operator | Role::Reader | Role::Denied => Rank::Other,
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller
            .ok_or_else(|| Refusal::new(ErrorKind::Internal, "the request came over no connection"))
    }
}
