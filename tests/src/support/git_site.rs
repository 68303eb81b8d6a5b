//! Repositories behind real servers: nginx with git http-backend, `git daemon`, and sshd.

use std::os::unix::process::CommandExt as _;
use std::{
    net::{Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    process::{self, PATIENCE, Ran},
    repository::{Repository, git},
    site::{Site, free_port},
    watch,
};

/// The user of [`Sshd`]; `tests/run` makes it.
const SSH_USER: &str = "packd-test-git";

/// A [`Site`] that also serves repositories, through git http-backend.
///
/// | path | |
/// |---|---|
/// | `git/<name>.git` | for everybody |
/// | `private/<name>.git` | for user `me` with password `hunter2` |
/// | `old/<name>.git` | without version 2 of the protocol |
/// | `moved/git/<name>.git` | redirects |
#[derive(Debug)]
pub struct GitSite {
    /// The web server.
    pub site: Site,
    gateway: Child,
}

impl GitSite {
    /// Serves these repositories.
    #[must_use]
    pub fn serving<'a>(repositories: impl IntoIterator<Item = &'a Repository>) -> Self {
        let site = Site::serving([]);
        let socket = site.gateway();
        let folder = socket.parent().unwrap();
        let gateway = Command::new("fcgiwrap")
            .process_group(0)
            .arg("-s")
            .arg(format!("unix:{}", socket.display()))
            .args(["-c", "4"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                fs_err::File::create(folder.join("gateway.log"))
                    .unwrap()
                    .into_parts()
                    .0,
            )
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start fcgiwrap: {error}"));
        assert!(
            watch::until(folder, PATIENCE, || socket.exists()),
            "fcgiwrap listens"
        );
        let served = Self { site, gateway };
        for repository in repositories {
            served.publish(repository);
        }
        served
    }

    /// Publishes a repository, or what is new in it.
    pub fn publish(&self, repository: &Repository) -> PathBuf {
        repository.publish(&self.site.repositories())
    }

    /// The https URL of a repository.
    #[must_use]
    pub fn url(&self, repository: &Repository) -> String {
        self.site.url(&format!("git/{}.git", repository.name()))
    }
}

impl Drop for GitSite {
    fn drop(&mut self) {
        // it does not end its children
        let group = rustix::process::Pid::from_child(&self.gateway);
        let _already_gone =
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _reaped = self.gateway.wait();
    }
}

/// A server of one kind, on a port of its own, that is ended with the test.
#[derive(Debug)]
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts what `command` makes for a port, and waits until it accepts connections.
    fn start(what: &str, log: &Path, command: impl Fn(u16) -> Command) -> Self {
        // between choosing a port and the server taking it, another test may be quicker
        for _ in 0..8 {
            let port = free_port();
            let mut child = command(port)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs_err::File::create(log).unwrap().into_parts().0)
                .spawn()
                .unwrap_or_else(|error| panic!("cannot start {what}: {error}"));
            let began = Instant::now();
            while began.elapsed() < PATIENCE {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Self { child, port };
                }
                // refused at once while it is not there yet: wait a little for its end
                if process::wait(&mut child, Duration::from_millis(5)).is_some() {
                    break;
                }
            }
            let _already_gone = child.kill();
            let _reaped = child.wait();
        }
        let log = fs_err::read_to_string(log).unwrap_or_default();
        panic!("{what} does not start:\n{log}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn served_folder(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
    fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// `git daemon`.
#[derive(Debug)]
pub struct GitDaemon {
    folder: TempDir,
    server: Server,
}

impl GitDaemon {
    /// Serves these repositories.
    #[must_use]
    pub fn serving<'a>(repositories: impl IntoIterator<Item = &'a Repository>) -> Self {
        let folder = served_folder("packd-git-daemon-");
        for repository in repositories {
            repository.publish(folder.path());
        }
        let server = Server::start("git daemon", &folder.path().join("log"), |port| {
            // not `git daemon`: that would be a child which outlives it
            let path = Ran::of(git().arg("--exec-path")).stdout().trim().to_owned();
            let mut command = Command::new(format!("{path}/git-daemon"));
            command
                .args(["--export-all", "--listen=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(format!("--base-path={}", folder.path().display()))
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_CONFIG_GLOBAL", "/dev/null");
            command
        });
        Self { folder, server }
    }

    /// The `git://` URL of a repository.
    #[must_use]
    pub fn url(&self, repository: &Repository) -> String {
        format!(
            "git://127.0.0.1:{}/{}.git",
            self.server.port,
            repository.name()
        )
    }

    /// The folder of the repositories.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// sshd on a high port, with a user who may do nothing but fetch.
#[derive(Debug)]
pub struct Sshd {
    folder: TempDir,
    server: Server,
}

impl Sshd {
    /// Serves these repositories to whoever has [`Sshd::key`].
    #[must_use]
    pub fn serving<'a>(repositories: impl IntoIterator<Item = &'a Repository>) -> Self {
        let folder = served_folder("packd-sshd-");
        let path = folder.path();
        for name in ["host", "key", "stranger"] {
            keygen(&path.join(name));
        }
        let public = fs_err::read_to_string(path.join("key.pub")).unwrap();
        fs_err::write(path.join("authorized"), format!("restrict {public}")).unwrap();
        for repository in repositories {
            let bare = repository.publish(path);
            // git serves nobody a repository of somebody else
            let mut command = Command::new("chown");
            command.arg("-R").arg(SSH_USER).arg(bare);
            Ran::of(&mut command).success();
        }
        let server = Server::start("sshd", &path.join("log"), |port| {
            let configuration = format!(
                "Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized
AllowUsers {SSH_USER}
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
AcceptEnv GIT_PROTOCOL
",
                folder = path.display()
            );
            fs_err::write(path.join("sshd_config"), configuration).unwrap();
            let mut command = Command::new("/usr/sbin/sshd");
            command
                .args(["-D", "-e", "-f"])
                .arg(path.join("sshd_config"));
            command
        });
        let sshd = Self { folder, server };
        sshd.know(&["host"]);
        sshd
    }

    /// The `ssh://` URL of a repository.
    #[must_use]
    pub fn url(&self, repository: &Repository) -> String {
        let path = self
            .folder
            .path()
            .join(format!("{}.git", repository.name()));
        format!(
            "ssh://{SSH_USER}@127.0.0.1:{}{}",
            self.server.port,
            path.display()
        )
    }

    /// The key that the user may log in with.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// A key that nobody may log in with.
    #[must_use]
    pub fn stranger(&self) -> PathBuf {
        self.folder.path().join("stranger")
    }

    /// The file of known hosts.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// Writes the file of known hosts: the server is known by these keys, of those in its folder.
    pub fn know(&self, keys: &[&str]) {
        let lines = keys.iter().map(|name| {
            let public = self.folder.path().join(format!("{name}.pub"));
            let public = fs_err::read_to_string(public).unwrap();
            format!("[127.0.0.1]:{} {public}", self.server.port)
        });
        fs_err::write(self.known_hosts(), lines.collect::<String>()).unwrap();
    }

    /// The fingerprint of the server's key.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut command = Command::new("ssh-keygen");
        command.arg("-lf").arg(self.folder.path().join("host.pub"));
        let ran = Ran::of(&mut command);
        ran.success();
        ran.stdout().split(' ').nth(1).unwrap().to_owned()
    }
}

fn keygen(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
        .arg(path);
    Ran::of(&mut command).success();
}
