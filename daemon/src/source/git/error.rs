//! Why no tree came of a repository.

use std::path::PathBuf;
use std::time::Duration;

use packd_format::archive::ArchiveError;
use packd_format::tree::RootError;
use packd_wire::ErrorKind;

use super::refs::ChoiceError;
use crate::net::NetError;
use crate::source::error::kind_of_unpacking;

/// What is wrong with a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostKey {
    /// The file of known hosts has none for the host.
    Unknown,
    /// It has another one.
    Differs,
}

/// Why no tree came of a repository.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    /// Smart HTTP did not go through.
    #[error("cannot ask the server of the repository")]
    Http {
        /// Why.
        source: NetError,
    },
    /// What answers is no repository.
    #[error("`{from}` is no git repository: {why}")]
    NoRepository {
        /// The URL.
        from: String,
        /// What shows it.
        why: &'static str,
    },
    /// The host shows a key that is not the known one.
    #[error("{}", host_key(host, shown.as_deref(), known_hosts, *why))]
    HostKey {
        /// The host.
        host: String,
        /// The kind of the key and its fingerprint.
        shown: Option<String>,
        /// The file of known hosts.
        known_hosts: PathBuf,
        /// What is wrong.
        why: HostKey,
    },
    /// The host does not take the key.
    #[error("`{host}` does not let packd in: {said}")]
    Denied {
        /// The host.
        host: String,
        /// What ssh says.
        said: String,
    },
    /// No connection.
    #[error("cannot connect to `{host}`: {said}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why, in the words of the system or of ssh.
        said: String,
    },
    /// A file that ssh needs is not there.
    #[error("cannot use ssh: `{key}` names {}, which cannot be read: {reason}", path.display())]
    Setting {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The host is none of those that may be asked.
    #[error("host `{host}` is not allowed")]
    Host {
        /// The host.
        host: String,
    },
    /// A program that is needed is not there.
    #[error("cannot start `{program}`: {reason}")]
    Program {
        /// The program.
        program: &'static str,
        /// Why not.
        reason: std::io::ErrorKind,
    },
    /// The other side said no, in its words.
    #[error("`{from}` cannot be fetched: {said}")]
    Server {
        /// The repository.
        from: String,
        /// What it said.
        said: String,
    },
    /// The connection ended in the middle.
    #[error("the fetch of `{from}` broke off after {received} bytes")]
    Cut {
        /// The repository.
        from: String,
        /// The bytes that came.
        received: u64,
    },
    /// Nothing came for as long as packd waits.
    #[error("the fetch of `{from}` stalled after {received} bytes: nothing came within {} s", within.as_secs_f64())]
    Stalled {
        /// The repository.
        from: String,
        /// The bytes that came.
        received: u64,
        /// How long packd waited.
        within: Duration,
    },
    /// All of it together took too long.
    #[error("the fetch of `{from}` took longer than {} s", limit.as_secs_f64())]
    Deadline {
        /// The repository.
        from: String,
        /// The time it had.
        limit: Duration,
    },
    /// More bytes than may come.
    #[error("the fetch of `{from}` brought more than the {limit} bytes allowed")]
    TooLarge {
        /// The repository.
        from: String,
        /// The bytes allowed.
        limit: u64,
    },
    /// An object among those that came is larger than a file may be.
    #[error("`{from}` has an object of more than the {limit} bytes allowed for a file")]
    LargeObject {
        /// The repository.
        from: String,
        /// The bytes allowed.
        limit: u64,
    },
    /// Its objects are made of others, and it takes too much memory to make them.
    #[error(
        "`{from}` has objects that are made of others so that {needed} bytes are needed in memory, more than the {limit} allowed"
    )]
    Chains {
        /// The repository.
        from: String,
        /// The bytes needed.
        needed: u64,
        /// The bytes allowed.
        limit: u64,
    },
    /// A file of the commit is larger than one may be.
    #[error("`{path}` in commit {commit} has {bytes} bytes, more than the {limit} allowed")]
    LargeFile {
        /// The file.
        path: String,
        /// The commit.
        commit: String,
        /// Its size.
        bytes: u64,
        /// The bytes allowed.
        limit: u64,
    },
    /// A folder lists more than is read.
    #[error("{path} in commit {commit} lists more names than packd reads, {limit} bytes of them")]
    LargeFolder {
        /// The folder.
        path: String,
        /// The commit.
        commit: String,
        /// The bytes that are read.
        limit: u64,
    },
    /// More objects came than are indexed.
    #[error("`{from}` sent {objects} objects, more than the {limit} that packd takes")]
    ManyObjects {
        /// The repository.
        from: String,
        /// How many it announced.
        objects: u32,
        /// How many are taken.
        limit: u32,
    },
    /// The file system is nearly full.
    #[error("{free} bytes are free where `{}` lies, and the {needed} of `store.min_free` must stay free", folder.display())]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// What is free.
        free: u64,
        /// What must be.
        needed: u64,
    },
    /// The file system is full.
    #[error("no space is left where `{}` lies", folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no commit that is meant.
    #[error("cannot choose a commit of `{from}`")]
    Choice {
        /// The repository.
        from: String,
        /// Why.
        source: ChoiceError,
    },
    /// The server does not have the commit, or does not give it.
    #[error("`{from}` has no commit {commit}, or does not give it")]
    Gone {
        /// The repository.
        from: String,
        /// The commit.
        commit: String,
    },
    /// The repository names its objects by another digest than SHA-1.
    #[error("`{from}` is a repository of the {format} format, which packd does not read")]
    Format {
        /// The repository.
        from: String,
        /// The format.
        format: String,
    },
    /// A tag or the asked for number does not lead to a commit.
    #[error("{id} of `{from}` is a {kind}, not a commit")]
    NotACommit {
        /// The repository.
        from: String,
        /// The object.
        id: String,
        /// What it is.
        kind: String,
    },
    /// A file is in Git LFS: what the commit has is only a pointer to it.
    #[error("`{path}` in commit {commit} is a Git LFS pointer, not the file itself")]
    Lfs {
        /// The file.
        path: String,
        /// The commit.
        commit: String,
    },
    /// An entry of a folder has a name with a slash in it, which git never writes.
    #[error("`{path}` in commit {commit} is no name of a file")]
    Name {
        /// The path, as far as it can be shown.
        path: String,
        /// The commit.
        commit: String,
    },
    /// A name or a link's target is not UTF-8.
    #[error("`{path}` in commit {commit} is not UTF-8")]
    Encoding {
        /// The path, as far as it can be shown.
        path: String,
        /// The commit.
        commit: String,
    },
    /// The folder that was asked for is no pack.
    #[error("no pack in `{from}` at commit {commit}")]
    Root {
        /// The repository.
        from: String,
        /// The commit.
        commit: String,
        /// Why.
        source: RootError,
    },
    /// Writing the tree failed.
    #[error("cannot unpack commit {commit} of `{from}`")]
    Unpack {
        /// The repository.
        from: String,
        /// The commit.
        commit: String,
        /// Why.
        source: ArchiveError,
    },
    /// The cached repository is damaged, also after it was fetched anew.
    #[error("cannot read {what} of commit {commit}: {reason}")]
    Object {
        /// What was wanted.
        what: String,
        /// The commit.
        commit: String,
        /// Why not.
        reason: String,
    },
    /// The folder of the cache cannot be used.
    #[error("cannot use the cached repository {}: {reason}", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// What the server sent makes no sense to the library.
    #[error("cannot {what}: {reason}")]
    Library {
        /// What was tried.
        what: &'static str,
        /// What the library says.
        reason: String,
    },
    /// The caller asked to stop.
    #[error("fetching the repository was cancelled")]
    Cancelled,
}

fn host_key(
    host: &str,
    shown: Option<&str>,
    known_hosts: &std::path::Path,
    why: HostKey,
) -> String {
    let file = known_hosts.display();
    let key = match shown {
        Some(shown) => format!("the key {shown} that `{host}` shows"),
        None => format!("the key that `{host}` shows"),
    };
    match why {
        HostKey::Unknown => format!("{key} is not in {file}"),
        HostKey::Differs => {
            format!(
                "{key} is another one than {file} has for it: it may not be the host it says it is"
            )
        }
    }
}

impl GitError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Http { source } => source.kind(),
            Self::NoRepository { .. }
            | Self::Denied { .. }
            | Self::Server { .. }
            | Self::Gone { .. } => ErrorKind::FetchRefused,
            Self::HostKey { .. } | Self::Host { .. } => ErrorKind::SourceRefused,
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Stalled { .. }
            | Self::Library { .. } => ErrorKind::FetchFailed,
            Self::Setting { .. } | Self::Program { .. } => ErrorKind::InvalidConfig,
            Self::Deadline { .. } => ErrorKind::Timeout,
            Self::TooLarge { .. }
            | Self::LargeObject { .. }
            | Self::Chains { .. }
            | Self::LargeFile { .. }
            | Self::LargeFolder { .. }
            | Self::ManyObjects { .. } => ErrorKind::LimitExceeded,
            Self::NoSpace { .. } | Self::Full { .. } => ErrorKind::NoSpace,
            Self::Choice { source, .. } => match source {
                ChoiceError::NoName { .. } | ChoiceError::Ambiguous { .. } => {
                    ErrorKind::InvalidReference
                }
                ChoiceError::Empty
                | ChoiceError::Unknown { .. }
                | ChoiceError::NoVersion { .. } => ErrorKind::VersionNotFound,
            },
            Self::Format { .. } => ErrorKind::UnsupportedSource,
            Self::NotACommit { .. } => ErrorKind::InvalidReference,
            Self::Lfs { .. } | Self::Name { .. } | Self::Encoding { .. } => {
                ErrorKind::UnsafeArchive
            }
            Self::Root { source, .. } => match source {
                RootError::BadPath { .. } => ErrorKind::InvalidReference,
                _ => ErrorKind::ManifestMissing,
            },
            Self::Unpack { source, .. } => kind_of_unpacking(source),
            Self::Object { .. } | Self::Cache { .. } => ErrorKind::Io,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// Whether the same can succeed later, with nothing changed here.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Http { source } => source.is_transient(),
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Stalled { .. }
            | Self::Deadline { .. }
            | Self::Library { .. } => true,
            _ => false,
        }
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Http { source } => source.retry_after(),
            _ => None,
        }
    }

    /// Whether it is about the tree and not about the way here.
    #[must_use]
    pub(crate) fn is_of_the_tree(&self) -> bool {
        matches!(
            self,
            Self::Lfs { .. }
                | Self::Name { .. }
                | Self::Encoding { .. }
                | Self::LargeFile { .. }
                | Self::LargeFolder { .. }
                | Self::Root { .. }
                | Self::Unpack { .. }
                | Self::Object { .. }
        )
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Http { source } => match source.status() {
                Some(401 | 403) => {
                    "give credentials for the host in `git.credentials` of packd.yaml, as `HOST: \"USER:${cred:NAME}\"`"
                }
                Some(404) => {
                    "check the URL; of a private repository some servers say that it does not exist, and want \
                     credentials in `git.credentials`"
                }
                _ => return Some(source.any_hint()),
            },
            Self::HostKey {
                host,
                known_hosts,
                why: HostKey::Unknown,
                ..
            } => {
                return Some(format!(
                    "compare the key with what its operator says, then add it: `ssh-keyscan {} >> {}`",
                    scanned(host),
                    known_hosts.display()
                ));
            }
            Self::HostKey {
                why: HostKey::Differs,
                ..
            } => "if its operator says that the key was changed, replace the line of that host",
            Self::Denied { .. } => {
                "let the public half of `git.ssh_key` in on that host, and check the user name in the URL"
            }
            Self::Setting { .. } => {
                "make the file readable for packd, or name another one in packd.yaml"
            }
            Self::Host { .. } => "add the host to `net.allowed_hosts` if it is to be trusted",
            Self::Program { program: "ssh", .. } => "install openssh-client",
            Self::Program { .. } => "install git",
            Self::Stalled { .. } => {
                "raise `net.idle_timeout` if the server is known to be this slow"
            }
            Self::Deadline { .. } => {
                "raise `git.timeout` if the repository is known to take this long"
            }
            Self::TooLarge { .. } | Self::LargeObject { .. } | Self::LargeFile { .. } => {
                "the limits are in the configuration, section `limits`; of a file in a repository it is 128 MiB at most"
            }
            Self::LargeFolder { .. }
            | Self::ManyObjects { .. }
            | Self::Chains { .. }
            | Self::Format { .. } => "install an archive of the pack instead",
            Self::Full { .. } => "free some space, then ask again",
            Self::NoSpace { .. } => "free some space, or lower `store.min_free`; then ask again",
            Self::Choice { source, .. } => return Some(source.hint()),
            Self::Gone { .. } => {
                "it may have been replaced by a forced push; name a branch or tag with `--ref`"
            }
            Self::Lfs { .. } => "install an archive of the pack, which has the file itself",
            Self::Root { source, .. } => return source.hint(),
            Self::Unpack { source, .. } => return source.hint(),
            Self::Unreachable { .. } => "check that the server runs, and the name of the host",
            Self::NoRepository { .. } => "check the URL in a browser; packd speaks smart HTTP only",
            Self::Server { .. } => {
                "check the path of the repository; what the server says is its own to explain"
            }
            Self::Cut { .. } => "try again later; if it stays so, tell whoever runs the server",
            Self::NotACommit { .. } => "name a branch, a tag or a commit with `--ref`",
            Self::Name { .. } | Self::Encoding { .. } => {
                "whoever keeps the repository has to rename it"
            }
            Self::Object { .. } => {
                "let whoever runs the server look at the repository with `git fsck`"
            }
            Self::Cache { .. } => {
                "what lies there can be fetched again: remove the folder, then ask again"
            }
            Self::Library { .. } => {
                "try again later; if it stays so, install an archive of the pack instead"
            }
            Self::Cancelled => return None,
        };
        Some(hint.to_owned())
    }
}

/// `host:port` as ssh-keyscan takes it.
fn scanned(host: &str) -> String {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("-p {port} {}", host.trim_matches(['[', ']']))
        }
        _ => host.trim_matches(['[', ']']).to_owned(),
    }
}
