//! Why the daemon gave no answer, or not the one that was asked for.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use packd_wire::{Exit, Problem};

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No daemon listens at the socket, or there is no socket.
    #[error("cannot reach packd at `{}`", socket.display())]
    Unreachable {
        /// Where it was looked for.
        socket: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// The kernel does not let this user connect.
    #[error("cannot open packd's socket `{}`", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },

    /// The connection broke before the answer was complete.
    #[error("the connection to packd broke during `{request}`")]
    Lost {
        /// Method and path.
        request: String,
        /// What the transport said.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// No answer within the time that any answer needs.
    #[error("packd did not answer `{request}` within {seconds} s")]
    Silent {
        /// Method and path.
        request: String,
        /// How long was waited.
        seconds: u64,
    },

    /// The daemon refused.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),

    /// Whatever answers is no packd, or a much newer one.
    #[error("packd answered `{request}` with status {status}: {text}")]
    Unexpected {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        text: String,
    },

    /// The answer is not of the shape that was agreed on.
    #[error("cannot read packd's answer to `{request}`")]
    Malformed {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },

    /// More than any answer may have.
    #[error("packd's answer to `{request}` is larger than {limit} bytes")]
    TooLarge {
        /// Method and path.
        request: String,
        /// The bound.
        limit: usize,
    },

    /// The query cannot be written down as one.
    #[error("cannot make the request `{request}`")]
    Query {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        source: serde_urlencoded::ser::Error,
    },

    /// The request cannot be written down as one.
    #[error("cannot make the request `{request}`")]
    Request {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        source: hyper::http::Error,
    },
}

impl ClientError {
    /// Tells the ways apart in which a request can fail on its way.
    pub(super) fn of_transport(
        error: hyper_util::client::legacy::Error,
        socket: &std::path::Path,
        request: &str,
    ) -> Self {
        if !error.is_connect() {
            return Self::Lost {
                request: request.to_owned(),
                source: Box::new(error),
            };
        }
        let found = io_kind(&error);
        let source = match found {
            Some((kind, code)) => code.map_or_else(|| kind.into(), io::Error::from_raw_os_error),
            None => io::Error::other(error),
        };
        let socket = socket.to_owned();
        if source.kind() == io::ErrorKind::PermissionDenied {
            Self::Denied { socket, source }
        } else {
            Self::Unreachable { socket, source }
        }
    }

    /// What the program exits with because of it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } => Exit::Unreachable,
            Self::Denied { .. } => Exit::NotPermitted,
            Self::Silent { .. } => Exit::Transient,
            Self::Refused(problem) => problem.kind.exit(),
            Self::Unexpected { status, .. } => match status {
                401 | 403 => Exit::NotPermitted,
                404 => Exit::NotFound,
                429 | 503 => Exit::Transient,
                _ => Exit::Failed,
            },
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Query { .. }
            | Self::Request { .. } => Exit::Failed,
        }
    }

    /// One thing to try.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("see whether packd runs: systemctl status packd".to_owned())
            }
            Self::Denied { .. } => Some(
                "members of the group `packd` may: sudo usermod -aG packd \"$USER\", then log in again"
                    .to_owned(),
            ),
            Self::Lost { .. } | Self::Silent { .. } => {
                Some("see what packd says: journalctl -u packd -n 50".to_owned())
            }
            Self::Refused(problem) => problem.hint.clone(),
            Self::Unexpected { .. } | Self::Malformed { .. } => {
                Some("see whether packd and packctl have the same version: packctl status".to_owned())
            }
            Self::TooLarge { .. } | Self::Query { .. } | Self::Request { .. } => None,
        }
    }

    /// Whether the same request can succeed on another connection, soon.
    ///
    /// A daemon that restarts is absent, closes connections and refuses new
    /// work for a moment; none of that is an answer.
    pub(crate) fn is_interruption(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Silent { .. } => true,
            Self::Refused(problem) => matches!(
                problem.kind,
                packd_wire::ErrorKind::ShuttingDown | packd_wire::ErrorKind::TooMany
            ),
            Self::Denied { .. }
            | Self::Unexpected { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Query { .. }
            | Self::Request { .. } => false,
        }
    }
}

/// The kernel's word in a chain of errors, so that it is said once and without wrapping.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<(io::ErrorKind, Option<i32>)> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some((error.kind(), error.raw_os_error()));
        }
        next = error.source();
    }
    None
}
