//! The listening sockets: those that systemd passed, or one of our own.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
use tokio::net::{UnixListener, UnixStream};

use super::ServiceError;
use crate::logging::chain;

/// Removes a socket of our own when the daemon ends; one of systemd's stays, and so does one that somebody
/// else put in the place of ours. Dropping it blocks.
#[derive(Debug)]
pub(super) struct Bound {
    own: Option<Own>,
}

/// A socket that we made.
#[derive(Debug)]
struct Own {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl Bound {
    /// A socket that was just made here.
    pub(super) fn own(path: PathBuf, made: &Metadata) -> Self {
        let identity = identity(made);
        Self {
            own: Some(Own { path, identity }),
        }
    }

    /// Whether the service manager holds the socket, and starts packd for who connects.
    pub(super) fn is_passed(&self) -> bool {
        self.own.is_none()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let Some(own) = &self.own else { return };
        let removed = match fs_err::symlink_metadata(&own.path) {
            Ok(found) if identity(&found) == own.identity => fs_err::remove_file(&own.path),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(error = %chain(&error), "the socket is left behind");
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Listens: at every socket that systemd passed, since it keeps them open and clients of one that nobody
/// serves would wait for ever; or at `path`. A socket there that nobody answers at is a leftover and is
/// replaced; what is no socket stays, and is an error. Who may do what is decided for each connection, so
/// everybody may connect (mode 0666).
///
/// # Errors
/// [`ServiceError::SocketPassed`], [`ServiceError::SocketInUse`], [`ServiceError::NoSocket`],
/// [`ServiceError::Socket`].
pub(super) async fn listen(path: &Path) -> Result<(Vec<UnixListener>, Bound), ServiceError> {
    let passed = passed()?;
    if !passed.is_empty() {
        return Ok((passed, Bound { own: None }));
    }

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
    let bound = tokio::task::spawn_blocking(move || bind(own, found)).await;
    let (listener, bound) =
        bound.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
    Ok((vec![adopt(listener).map_err(failed(path))?], bound))
}

/// Where a socket is; nowhere, if it has no name.
pub(super) fn path(listener: &UnixListener) -> Option<PathBuf> {
    let address = listener.local_addr().ok()?;
    address.as_pathname().map(Path::to_owned)
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
    /// A socket that nobody answers at, or something that is no socket.
    Leftover,
    /// Nothing that is ours to remove.
    Nothing,
}

/// Binds a socket that everybody may connect to. Blocks.
fn bind(path: PathBuf, found: Found) -> Result<(StdListener, Bound), ServiceError> {
    let failed = failed(&path);
    if let Found::Leftover = found {
        // a file and a folder refuse a connection as a leftover does
        let leftover = fs_err::symlink_metadata(&path).map_err(failed)?;
        if !leftover.file_type().is_socket() {
            return Err(ServiceError::NoSocket { path });
        }
        fs_err::remove_file(&path).map_err(failed)?;
    }
    let listener = StdListener::bind(&path).map_err(failed)?;
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).map_err(failed)?;
    let made = fs_err::symlink_metadata(&path).map_err(failed)?;
    Ok((listener, Bound::own(path, &made)))
}

/// For `map_err` on what is done for a socket.
pub(super) fn failed(path: &Path) -> impl Fn(std::io::Error) -> ServiceError + Copy {
    move |error| ServiceError::Socket {
        path: path.to_owned(),
        source: without_path(&error),
    }
}

fn adopt(listener: StdListener) -> std::io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn what_is_no_socket_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes");
        fs_err::write(&file, "keep").unwrap();
        let link = folder.path().join("link");
        fs_err::os::unix::fs::symlink(&file, &link).unwrap();
        let inner = folder.path().join("folder");
        fs_err::create_dir(&inner).unwrap();

        for path in [&file, &link, &inner] {
            let error = listen(path).await.err().unwrap();
            assert_eq!(
                chain(&error),
                format!("`{}` is there already, and is no socket", path.display())
            );
            assert!(error.hint().unwrap().contains("--socket"), "{error:?}");
        }
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "keep");
    }

    #[tokio::test]
    async fn a_leftover_is_replaced_and_taken_away_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packd.sock");
        drop(StdListener::bind(&path).unwrap());
        let (listeners, bound) = listen(&path).await.unwrap();
        assert_eq!(listeners.len(), 1);
        drop(bound);
        assert!(!path.exists(), "it was ours");
    }

    #[tokio::test]
    async fn a_socket_of_another_in_the_same_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packd.sock");
        let (_listeners, bound) = listen(&path).await.unwrap();
        fs_err::remove_file(&path).unwrap();
        let _other = StdListener::bind(&path).unwrap();
        drop(bound);
        assert!(path.exists(), "the other one's");
    }
}
