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

    /// One of systemd's sockets.
    #[error("cannot listen on socket number {number} of those that systemd passed")]
    SocketPassed {
        /// Which one, from 1.
        number: usize,
        /// Why not.
        source: io::Error,
    },

    /// Another daemon answers at the socket.
    #[error("another packd listens on `{}`", path.display())]
    SocketInUse {
        /// Where.
        path: PathBuf,
    },

    /// What lies where the socket shall be is none, and is not ours to remove.
    #[error("`{}` is there already, and is no socket", path.display())]
    NoSocket {
        /// Where.
        path: PathBuf,
    },

    /// The group of a socket of the configuration is none.
    #[error("cannot listen on `{}`: there is no group `{group}`", path.display())]
    NoGroup {
        /// Where.
        path: PathBuf,
        /// Which one.
        group: String,
    },

    /// A socket of the configuration cannot be given to its group.
    #[error("cannot give `{}` to its group", path.display())]
    NotOfGroup {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },

    /// Whoever may write a folder can put a socket of their own in the place of ours.
    #[error("cannot listen on `{}`: everybody may write `{}`", path.display(), folder.display())]
    OpenFolder {
        /// Where.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
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
            // what the kernel and the library say of a path that does not fit into a socket's address
            Self::Socket { source, .. } if source.kind() == io::ErrorKind::InvalidInput => Some(
                "the path of a socket has at most 107 bytes; `--socket PATH` takes a shorter one".into(),
            ),
            Self::Socket { path, .. } => Some(format!(
                "the folder `{}` must exist and be writable; `--socket PATH` takes another",
                path.parent().unwrap_or(path).display()
            )),
            Self::SocketPassed { .. } => Some(
                "packd serves Unix stream sockets only: `ListenStream=` in packd.socket names a path"
                    .into(),
            ),
            Self::NoSocket { .. } => {
                Some("move it away, or take another place with `--socket PATH`".into())
            }
            Self::NoGroup { group, .. } => Some(format!("`groupadd --system {group}` makes it")),
            Self::NotOfGroup { .. } => Some(
                "packd must be a member of the group: `SupplementaryGroups=` in a drop-in of packd.service".into(),
            ),
            Self::OpenFolder { folder, .. } => {
                Some(format!("`chmod o-w {}`, or take another folder", folder.display()))
            }
            Self::SocketInUse { .. } => Some("stop it, or take another `--socket`".into()),
            Self::Runtime(_) | Self::Ended(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::error::Error;
    use std::path::Path;

    use super::*;
    use crate::config::{Layout, Net, Secret};
    use crate::logging::chain;
    use crate::net::Http;
    use crate::service::socket;
    use crate::store::{self, Database};

    /// The whole text of an error, with the folder of the test left out.
    fn told(error: &dyn Error, folder: &Path) -> String {
        chain(error).replace(folder.to_str().unwrap(), "")
    }

    #[tokio::test]
    async fn what_keeps_packd_from_running_is_told_once_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::write(at("file"), "no database, and no folder").unwrap();
        fs_err::create_dir(at("folder")).unwrap();
        let told = |error: &dyn Error| told(error, folder.path());

        let layout = Layout::within(&at("file"));
        let error = ServiceError::Store(store::tree::make_folders(&layout).unwrap_err());
        assert_eq!(
            told(&error),
            "cannot use the state folder: cannot make folder `/file/state`: \
             Not a directory (os error 20)"
        );
        let error = Database::open(&at("folder")).err().unwrap();
        assert_eq!(
            told(&error),
            "cannot protect `/folder`: Is a directory (os error 21)"
        );
        let error = Database::open(&at("file")).err().unwrap();
        assert_eq!(
            told(&error),
            "cannot open `/file`: file is not a database (SQLite's code 26)"
        );
        let error = socket::listen(&at("none/packd.sock")).await.err().unwrap();
        assert_eq!(
            told(&error),
            "cannot listen on `/none/packd.sock`: No such file or directory (os error 2)"
        );
        let error = socket::listen(&at(&"long".repeat(40))).await.err().unwrap();
        assert!(
            error.hint().unwrap().contains("has at most 107 bytes"),
            "{error:?}"
        );
        let net = Net {
            ca_file: Some(at("none.pem")),
            ..Net::default()
        };
        let error = ServiceError::Net(Http::new(&net).unwrap_err());
        assert_eq!(
            told(&error),
            "cannot set up the HTTP client: cannot read the certificates of `net.ca_file`: \
             failed to open file `/none.pem`: No such file or directory (os error 2)"
        );
        let secret = format!("${{file:{}}}", at("none").display());
        let error = Secret::parse(&secret).unwrap().expand().unwrap_err();
        assert_eq!(
            told(&error),
            "cannot read the secret in /none: No such file or directory (os error 2)"
        );
    }
}
