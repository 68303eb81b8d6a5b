//! Why packd does not start, or does not go on.

use std::io;
use std::path::PathBuf;

use crate::net::SetupError;
use crate::store::StoreError;

/// Why packd does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The state folder or the database.
    #[error("cannot use the state folder")]
    Store(#[source] StoreError),

    /// Threads, signals, the event loop.
    #[error("cannot set up the process")]
    Runtime(#[source] io::Error),

    /// The HTTP client: usually a certificate file.
    #[error("cannot set up the HTTP client")]
    Net(#[source] SetupError),

    /// The socket.
    #[error("cannot listen on `{}`", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },

    /// Another daemon answers at the socket.
    #[error("another packd listens on `{}`", path.display())]
    SocketInUse {
        /// Where.
        path: PathBuf,
    },

    /// A part that runs as long as the daemon ended before it.
    #[error("{0} ended unexpectedly")]
    Ended(&'static str),
}

impl ServiceError {
    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Net(_) => Some("look at `net.ca_file` and `net.proxy`".into()),
            Self::Socket { path, .. } => Some(format!(
                "the folder `{}` must exist and be writable; `--socket PATH` takes another",
                path.parent().unwrap_or(path).display()
            )),
            Self::SocketInUse { .. } => Some("stop it, or take another `--socket`".into()),
            Self::Runtime(_) | Self::Ended(_) => None,
        }
    }
}
