//! The sockets beside the one of the command line: made as the configuration says, and made anew by a reload.
//!
//! A socket gets its mode and its group before anybody can connect to it, and its name when it has them.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use packd_format::error::without_path;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::{Mutex, mpsc};

use super::ServiceError;
use super::socket::Bound;
use crate::api::{Directory, Door, Opened};
use crate::config::{Config, ExtraSocket, MOST_SOCKETS};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// The sockets of the configuration that packd made, and the way to the API for more.
#[derive(Debug)]
pub(super) struct Sockets {
    /// Where systemd listens: these are not made.
    passed: Vec<PathBuf>,
    doors: mpsc::Sender<Opened>,
    open: Mutex<Vec<Open>>,
    count: AtomicUsize,
}

#[derive(Debug)]
struct Open {
    socket: ExtraSocket,
    door: Arc<Door>,
    bound: Bound,
}

impl Sockets {
    /// None yet; those that are made come out at the other end.
    pub(super) fn new(passed: Vec<PathBuf>) -> (Self, mpsc::Receiver<Opened>) {
        let (doors, opened) = mpsc::channel(MOST_SOCKETS);
        let sockets = Self {
            passed,
            doors,
            open: Mutex::default(),
            count: AtomicUsize::default(),
        };
        (sockets, opened)
    }

    /// Whether clients have a socket that nobody listens at without packd.
    pub(super) fn has_own(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Makes the sockets that the configuration has and that are not there, and takes away those that it has no more.
    /// What cannot be made is told, and keeps no other from being made.
    pub(super) async fn follow(&self, config: &Config) -> Vec<ServiceError> {
        let mut open = self.open.lock().await;
        let mut failed = Vec::new();
        let mut left = std::mem::take(&mut *open);
        for socket in &config.sockets {
            if self.passed.contains(&socket.path) {
                continue;
            }
            let place = left.iter().position(|one| one.socket.path == socket.path);
            let before = place.map(|place| left.swap_remove(place));
            match before {
                Some(same) if is_as_made(&same.socket, socket) => open.push(same),
                before => match make(socket, before.as_ref().map(|one| &one.bound)).await {
                    Ok((listener, bound)) => {
                        let door = Arc::new(Door::extra(socket.path.clone()));
                        let opened = Opened {
                            door: Arc::clone(&door),
                            listener,
                        };
                        // nobody takes it when the API has ended, and then it is of no use
                        if self.doors.send(opened).await.is_ok() {
                            tracing::info!(
                                "listening on `{}` too, for at most role `{}`",
                                socket.path.display(),
                                socket.role
                            );
                        }
                        open.push(Open {
                            socket: socket.clone(),
                            door,
                            bound,
                        });
                        left.extend(before);
                    }
                    Err(error) => {
                        failed.push(error);
                        left.extend(before);
                    }
                },
            }
        }
        self.count.store(open.len(), Ordering::Relaxed);
        take_away(left).await;
        failed
    }

    /// Takes all of them away.
    pub(super) async fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock().await);
        take_away(open).await;
    }
}

/// Whether a socket need not be made anew; its role is looked up with each request.
fn is_as_made(made: &ExtraSocket, wanted: &ExtraSocket) -> bool {
    (made.mode, &made.group) == (wanted.mode, &wanted.group)
}

async fn take_away(sockets: Vec<Open>) {
    for one in &sockets {
        one.door.shut();
    }
    // what is left behind by a panic is replaced at the next start
    drop(tokio::task::spawn_blocking(move || drop(sockets)).await);
}

/// Makes a socket; `before` is one of ours at the same place, which it replaces.
async fn make(
    wanted: &ExtraSocket,
    before: Option<&Bound>,
) -> Result<(UnixListener, Bound), ServiceError> {
    let path = &wanted.path;
    let group = match &wanted.group {
        None => None,
        Some(name) => {
            let gid = Directory::default().names().await.group(name);
            Some(gid.ok_or_else(|| ServiceError::NoGroup {
                path: path.clone(),
                group: name.clone(),
            })?)
        }
    };
    let may_replace = match before {
        Some(_) => true,
        None => match UnixStream::connect(path).await {
            Ok(_) => return Err(ServiceError::SocketInUse { path: path.clone() }),
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        },
    };
    let socket = UnixSocket::new_stream().map_err(super::socket::failed(path))?;
    let (path, mode) = (path.clone(), wanted.mode.0);
    let bound =
        tokio::task::spawn_blocking(move || bind(socket, path, mode, group, may_replace)).await;
    bound.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

/// Binds a socket under another name, gives it mode and group, lets it listen and then gives it its name. Blocks.
fn bind(
    socket: UnixSocket,
    path: PathBuf,
    mode: u32,
    group: Option<u32>,
    may_replace: bool,
) -> Result<(UnixListener, Bound), ServiceError> {
    let failed = super::socket::failed(&path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let permissions = fs_err::metadata(folder).map_err(failed)?.permissions();
    if permissions.mode() & 0o1002 == 0o002 {
        return Err(ServiceError::OpenFolder {
            folder: folder.to_owned(),
            path,
        });
    }
    match fs_err::symlink_metadata(&path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ServiceError::NoSocket { path });
        }
        Ok(_) if !may_replace => {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut new = path.clone().into_os_string();
    new.push(".new");
    let new = PathBuf::from(new);
    remove_leftover(&new).map_err(failed)?;
    socket.bind(&new).map_err(failed)?;
    let named = || {
        fs_err::set_permissions(&new, std::fs::Permissions::from_mode(mode))?;
        if let Some(group) = group {
            let group = rustix::fs::Gid::from_raw(group);
            rustix::fs::chown(&new, None, Some(group))?;
        }
        let listener = socket.listen(BACKLOG)?;
        fs_err::rename(&new, &path)?;
        let found = fs_err::symlink_metadata(&path)?;
        Ok((listener, Bound::own(path.clone(), &found)))
    };
    named().map_err(|error: io::Error| {
        // the first error is the one to tell
        drop(fs_err::remove_file(&new));
        if error.kind() == io::ErrorKind::PermissionDenied && group.is_some() {
            return ServiceError::NotOfGroup {
                path: path.clone(),
                source: without_path(&error),
            };
        }
        failed(error)
    })
}

/// Removes a socket that a packd left behind while it made it.
fn remove_leftover(path: &Path) -> io::Result<()> {
    match fs_err::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs_err::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
