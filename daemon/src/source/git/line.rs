//! How the bytes of a conversation travel: by packd's HTTP client, by `ssh`, by TCP, or by a program of this host.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use gix_transport::Protocol;
use gix_transport::client::blocking_io::Transport;
use gix_transport::client::git::ConnectMode;
use gix_transport::client::git::blocking_io::Connection;
use packd_format::error::without_path;

use super::error::GitError;
use super::guard::Guard;
use super::http::Web;
use super::reason::library;
use super::ssh;
use super::stream::{self, Program, Said};
use super::url::GitUrl;

/// How the bytes travel.
#[derive(Debug, Clone)]
pub(super) enum Line {
    /// By packd's HTTP client.
    Web(Web),
    /// By the `ssh` program, with these files.
    Ssh {
        /// The private key.
        key: PathBuf,
        /// The keys of the hosts.
        known_hosts: PathBuf,
        /// The address that its host was found at, where ssh may not look for it by itself.
        at: Option<IpAddr>,
    },
    /// By TCP, to the first of these addresses that answers.
    Tcp(Vec<SocketAddr>),
    /// By a program of this host.
    Local,
}

/// A line to a server that has said nothing yet.
pub(super) struct Connected {
    /// What the library talks to.
    pub(super) transport: Box<dyn Transport + Send>,
    /// The program behind it, which ends with this.
    pub(super) program: Option<Program>,
    /// What that says beside the protocol.
    pub(super) said: Option<Said>,
    /// The file of known hosts that ssh was given.
    pub(super) known_hosts: Option<PathBuf>,
}

/// Connects, but for HTTP, where each request does that.
///
/// # Errors
/// [`GitError::Unreachable`], `Setting`, `Program`, and those of the guard.
pub(super) fn connect(
    url: &GitUrl,
    line: Line,
    guard: &Guard,
    connect_within: Duration,
) -> Result<Connected, GitError> {
    let mut said = None;
    let mut program = None;
    let mut hosts = None;
    let transport: Box<dyn Transport + Send> = match line {
        Line::Web(web) => {
            let base = gix::url::parse(url.to_string().as_str());
            let base = base.map_err(|error| library("ask the server", &error))?;
            Box::new(
                gix_transport::client::blocking_io::http::Transport::new_http(
                    web,
                    base,
                    Protocol::V2,
                    false,
                ),
            )
        }
        Line::Tcp(addresses) => {
            let (read, write) =
                stream::connect(&addresses, connect_within, guard).map_err(|error| {
                    guard
                        .take_trouble()
                        .unwrap_or_else(|| GitError::Unreachable {
                            host: url.host_and_port(),
                            said: error.to_string(),
                        })
                })?;
            let host = Some((url.host().to_owned(), url.port()));
            let path = url.remote_path();
            Box::new(Connection::new(
                read,
                write,
                Protocol::V2,
                path,
                host,
                ConnectMode::Daemon,
                false,
            ))
        }
        Line::Ssh {
            key,
            known_hosts,
            at,
        } => {
            readable("git.ssh_key", &key)?;
            readable("git.known_hosts", &known_hosts)?;
            let files = ssh::Files {
                key: &key,
                known_hosts: &known_hosts,
            };
            let mut command = ssh::command(url, &files, at, connect_within);
            let (connection, started, words) = spawn("ssh", &mut command, url, guard)?;
            said = Some(words);
            program = Some(started);
            hosts = Some(known_hosts);
            connection
        }
        Line::Local => {
            let (connection, started, words) = spawn("git", &mut local(url), url, guard)?;
            said = Some(words);
            program = Some(started);
            connection
        }
    };
    Ok(Connected {
        transport,
        program,
        said,
        known_hosts: hosts,
    })
}

/// Fails with the name of the setting, where ssh would only say that it has no key.
fn readable(key: &'static str, path: &Path) -> Result<(), GitError> {
    fs_err::File::open(path)
        .map(drop)
        .map_err(|error| GitError::Setting {
            key,
            path: path.to_owned(),
            reason: without_path(&error).to_string(),
        })
}

/// Starts a program that speaks the protocol.
fn spawn(
    name: &'static str,
    command: &mut Command,
    url: &GitUrl,
    guard: &Guard,
) -> Result<(Box<dyn Transport + Send>, Program, Said), GitError> {
    let started = stream::start(command, guard);
    let (program, read, write, said) = started.map_err(|error| GitError::Program {
        program: name,
        reason: error.kind(),
    })?;
    let connection = Connection::new(
        read,
        write,
        Protocol::V2,
        url.remote_path(),
        None::<(String, Option<u16>)>,
        ConnectMode::Process,
        false,
    );
    Ok((Box::new(connection), program, said))
}

/// `git upload-pack /path`, without any configuration but the repository's own.
fn local(url: &GitUrl) -> Command {
    let path = url.remote_path();
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", ssh::PATH)
        .env("LC_ALL", "C")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_PROTOCOL", "version=2")
        // whose it is does not matter: it is read, and nothing of it is run
        .args(["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null"])
        .args(["upload-pack", "--"])
        .arg(path);
    command
}
