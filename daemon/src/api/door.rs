//! A socket that connections come in by, and the most that may be done over it.
//!
//! The socket of the command line, and one that systemd passes and the configuration does not name, give whoever connects
//! their whole role. Over one of `sockets` nobody has more than its role says, by the configuration of the moment.

use std::path::PathBuf;

use packd_wire::Role;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::State;
use super::peer::Peer;

/// One socket.
#[derive(Debug, Default)]
pub(crate) struct Door {
    /// Where it is, for one that `sockets` may name.
    path: Option<PathBuf>,
    /// What a socket gives that `sockets` names no more.
    otherwise: Option<Role>,
    /// No connection comes in by it any more.
    shut: CancellationToken,
}

/// A door, and where connections come from.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The door.
    pub(crate) door: std::sync::Arc<Door>,
    /// What listens.
    pub(crate) listener: UnixListener,
}

impl Door {
    /// One that stays, whatever the configuration says of it; with a path, where systemd passed it.
    pub(crate) fn passed(path: Option<PathBuf>) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// One of `sockets`, made by packd.
    pub(crate) fn extra(path: PathBuf) -> Self {
        Self {
            path: Some(path),
            otherwise: Some(Role::Denied),
            shut: CancellationToken::new(),
        }
    }

    /// Lets nobody in any more.
    pub(crate) fn shut(&self) {
        self.shut.cancel();
    }

    /// Waits until nobody is let in any more.
    pub(crate) async fn is_shut(&self) {
        self.shut.cancelled().await;
    }

    /// The most that may be done over it, when there is such a bound.
    pub(super) fn most(&self, state: &State) -> Option<Role> {
        let path = self.path.as_ref()?;
        let config = state.parts.config.current();
        let named = config.sockets.iter().find(|socket| socket.path == *path);
        named.map(|socket| socket.role).or(self.otherwise)
    }

    /// What this peer may do over it.
    pub(super) fn role(&self, peer: &Peer, state: &State) -> Role {
        let role = state.access.role(peer);
        self.most(state).map_or(role, |most| role.min(most))
    }
}
