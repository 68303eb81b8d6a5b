//! The listening sockets: those that systemd passed, or one of our own.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
use tokio::net::{UnixListener, UnixStream};

use super::ServiceError;
use crate::logging::chain;

/// Removes a socket of our own when the daemon ends; one of systemd's stays. Dropping it blocks.
#[derive(Debug)]
pub(super) struct Bound {
    path: Option<PathBuf>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs_err::remove_file(path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(error = %chain(&error), "the socket is left behind");
        }
    }
}

/// Listens: at every socket that systemd passed, since it keeps them open and clients of one that nobody
/// serves would wait for ever; or at `path`. A socket there that nobody answers at is a leftover and is replaced; who may do what is
/// decided for each connection, so everybody may connect (mode 0666).
///
/// # Errors
/// [`ServiceError::SocketPassed`], [`ServiceError::SocketInUse`], [`ServiceError::Socket`].
pub(super) async fn listen(path: &Path) -> Result<(Vec<UnixListener>, Bound), ServiceError> {
    let passed = passed()?;
    if !passed.is_empty() {
        return Ok((passed, Bound { path: None }));
    }

    let failed = |error| ServiceError::Socket {
        path: path.to_owned(),
        source: without_path(&error),
    };
    let found = match UnixStream::connect(path).await {
        Ok(_) => {
            return Err(ServiceError::SocketInUse {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Found::Leftover,
        // whatever else is wrong, binding says it better
        Err(_) => Found::Nothing,
    };
    let own = path.to_owned();
    let bound = tokio::task::spawn_blocking(move || bind(&own, found)).await;
    let listener = bound
        .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
        .map_err(failed)?;
    let bound = Bound {
        path: Some(path.to_owned()),
    };
    Ok((vec![adopt(listener).map_err(failed)?], bound))
}

/// The sockets that systemd passed; each must be a listening Unix socket.
fn passed() -> Result<Vec<UnixListener>, ServiceError> {
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for number in 0..passed.len() {
        let taken = passed.take_unix_listener(number);
        let adopted = taken.and_then(|listener| listener.map(adopt).transpose());
        let listener = adopted.map_err(|source| ServiceError::SocketPassed {
            number: number + 1,
            source,
        })?;
        listeners.extend(listener);
    }
    Ok(listeners)
}

/// What lies where the socket shall be.
#[derive(Debug, Clone, Copy)]
enum Found {
    /// A socket that nobody answers at.
    Leftover,
    /// Nothing that is ours to remove.
    Nothing,
}

/// Binds a socket that everybody may connect to. Blocks.
fn bind(path: &Path, found: Found) -> std::io::Result<StdListener> {
    if let Found::Leftover = found {
        fs_err::remove_file(path)?;
    }
    let listener = StdListener::bind(path)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn adopt(listener: StdListener) -> std::io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}
