//! The sections of the configuration but for the registries: each key with its meaning and default.
//!
//! The doc comments are also the text of `packaging/config/packd.yaml` and `docs/configuration.md`, so
//! they are written for the operator.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::node::{Node, Value};
use super::section::{section, within};
use super::setting::{Setting, Shown, Wrong, word};
use super::{ByteSize, HostPatterns, HostSecrets, RefPatterns};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

section! {
    /// Which registry a pack comes from.
    struct Routing {
        /// Who answers for a pack that is not installed yet, where several registries offer it and it is nobody's
        /// alone by `exclusive`. `priority`: the one with the lowest `priority`. `unique`: nobody; the request is refused with
        /// the names of those that offer it, until one is named with `--registry`, or `refs` leave one.
        resolution: Resolution = Resolution::Priority;
    }
}

section! {
    /// How jobs are run.
    struct Queue {
        /// How many jobs run at the same time.
        workers: usize = 2, check within!(1, 64);
        /// How many times a job is tried again after a failure that can pass, such as a server that is
        /// down. The pauses between the attempts grow.
        retries: u32 = 5, check within!(0, 100);
        /// How long jobs and their events are kept after they ended.
        history: Duration = 90 * DAY, check within!(HOUR, 3650 * DAY);
    }
}

section! {
    /// How the pack store uses the disk.
    struct Store {
        /// How much space must stay free on the file system of the state folder. A job that would leave
        /// less fails before it writes.
        min_free: ByteSize = ByteSize::mib(512);
        /// How much of what was downloaded is kept, so that the same bytes are not fetched twice and an
        /// interrupted download goes on where it was. What was used longest ago goes first. `0`: nothing is
        /// kept.
        cache_size: ByteSize = ByteSize::mib(2048);
        /// Whether files that did not change since the active version are shared with its tree instead of
        /// written again: as a second name of the same file, or as one that shares its blocks where the file
        /// system can do that.
        share_files: bool = true;
        /// In which time each tree of the store is compared with what was installed, in the background. `0s`:
        /// never.
        scrub_interval: Duration = 30 * DAY, check scrub_interval;
        /// How many generations are kept at least, the current one among them: so far back `packctl rollback`
        /// goes. Of what is not kept, and of what nothing needs, the disk is freed once a day, and by
        /// `packctl gc`.
        keep_generations: usize = 10, check within!(1, 100_000);
        /// How long generations are kept beyond that, since they were last switched to. Pinned ones are kept
        /// for ever. Also how long `quarantine/` and the cached repositories that nobody uses are kept.
        keep_for: Duration = 14 * DAY, check within!(Duration::ZERO, 3650 * DAY);
    }
}

fn scrub_interval(interval: &Duration) -> Result<(), String> {
    if interval.is_zero() || (SECOND..=3650 * DAY).contains(interval) {
        Ok(())
    } else {
        Err("must be between 1s and 3650d, or `0s`".to_owned())
    }
}

section! {
    /// What a pack or an index may at most be. What is larger is refused, whoever offers it.
    struct Limits {
        /// All files of a pack together, unpacked; also the largest archive that is downloaded or uploaded.
        pack_bytes: ByteSize = ByteSize::mib(1024), check within!(ByteSize::mib(1), ByteSize::mib(1 << 20));
        /// One file of a pack, unpacked; of a git repository 128 MiB at most.
        file_bytes: ByteSize = ByteSize::mib(512), check within!(ByteSize::mib(1), ByteSize::mib(1 << 20));
        /// How many files, folders and links a pack may have.
        pack_entries: u64 = 100_000, check within!(1, 10_000_000);
        /// The index of a registry.
        index_bytes: ByteSize = ByteSize::mib(256), check within!(ByteSize::mib(1), ByteSize::mib(1 << 14));
    }
}

section! {
    /// The tests that packs bring. They are run in a sandbox, on a copy of the pack, before it becomes
    /// active.
    struct Tests {
        /// Whether they are run when packs are installed.
        run: bool = true;
        /// Whether a pack that brings no tests is refused.
        required: bool = false;
        /// What the sandbox must be made of; if the host cannot do it, the job fails. `standard`: Landlock
        /// (Linux 6.2) and seccomp. `strict`: namespaces too. `basic`: an older Landlock will do. `none`:
        /// tests can do whatever packd can.
        sandbox: SandboxLevel = SandboxLevel::Standard;
        /// How long the tests of one pack may take together.
        timeout: Duration = 600 * SECOND, check within!(SECOND, DAY);
        /// Whether tests may open TCP connections.
        network: bool = false;
        /// The packs whose tests may do so all the same; `*` stands for any characters.
        network_for: RefPatterns = RefPatterns::default();
        /// How much memory each of their processes may ask for.
        memory: ByteSize = ByteSize::mib(1024), check within!(ByteSize::mib(64), ByteSize::mib(1 << 20));
        /// How much they may write to the disk.
        disk: ByteSize = ByteSize::mib(1024), check within!(ByteSize::mib(16), ByteSize::mib(1 << 20));
        /// What they may read and run beside the system's own folders, such as `/opt/python`.
        readable: Vec<String> = Vec::new(), check absolute;
    }
}

section! {
    /// Who may do what over the socket, and how much of it at once. root is always an admin.
    struct Access {
        /// Groups whose members may do everything.
        admin_groups: Vec<String> = vec!["packd-admin".to_owned()];
        /// Groups whose members may install packs, refresh registries, and cancel their own jobs.
        operator_groups: Vec<String> = vec!["packd".to_owned()];
        /// Who may look at packs, jobs and registries: `everyone` on this host, or `operators` and
        /// admins only.
        readers: Readers = Readers::Everyone;
        /// How many connections may be open at the same time.
        max_connections: usize = 256, check within!(8, 3000);
        /// How many of these one user may hold.
        max_per_uid: usize = 32, check within!(1, 3000);
    }
}

section! {
    /// How packd reaches other hosts.
    struct Net {
        /// Whether a source that a request names directly may be plain `http://`. A registry, and the
        /// sources its index names, follow the registry's own `allow_http`.
        allow_http: bool = false;
        /// How long connecting to a server may take.
        connect_timeout: Duration = 10 * SECOND, check within!(SECOND, HOUR);
        /// How long a server may send nothing before the download fails.
        idle_timeout: Duration = 30 * SECOND, check within!(SECOND, HOUR);
        /// How long one download may take in all, redirects included. The next attempt goes on where it was.
        total_timeout: Duration = HOUR, check within!(SECOND, DAY);
        /// How many bytes all downloads together may take in a second. `null`: as many as come.
        rate_limit: Option<ByteSize> = None, check rate;
        /// `env`: as the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. `none`: no proxy. Or
        /// the URL of a proxy, for all but the hosts of `NO_PROXY`.
        proxy: Proxy = Proxy::Environment;
        /// A PEM file with certificates that are trusted beside the system's.
        ca_file: Option<PathBuf> = None;
        /// The only hosts that may be asked; `*.example.org` is every name below it. Empty: any host.
        allowed_hosts: HostPatterns = HostPatterns::default();
        /// Hosts in private networks, or this one, to which a public server may lead by its index or by a
        /// redirect; `*.example.org` is every name below it. What you name yourself, and what a private
        /// registry names, needs no permission.
        private_hosts: HostPatterns = HostPatterns::default();
    }
}

/// A rate below this would hold a download until its total timeout.
const LEAST_RATE: ByteSize = ByteSize::new(1024);

#[expect(clippy::ref_option, reason = "a check is given its value so")]
fn rate(limit: &Option<ByteSize>) -> Result<(), String> {
    match limit {
        Some(limit) if *limit < LEAST_RATE => {
            Err(format!("must be at least {LEAST_RATE}, not {limit}"))
        }
        _ => Ok(()),
    }
}

section! {
    /// How packd reaches git repositories. Nothing that git itself is configured with counts.
    struct Git {
        /// Credentials by host, for `https://`: `HOST: "USER:${cred:NAME}"`, or a whole value such as
        /// `HOST: "Bearer ${cred:NAME}"`. The host may have a port, as in `git.example.org:8443`.
        credentials: HostSecrets = HostSecrets::default();
        /// The private key that ssh uses, for every host. It must have no passphrase.
        ssh_key: PathBuf = PathBuf::from("/etc/packd/ssh/id_ed25519");
        /// The keys of the hosts that ssh may talk to, in the form of `ssh-keyscan`. A host that is not
        /// in it is refused.
        known_hosts: PathBuf = PathBuf::from("/etc/packd/ssh/known_hosts");
        /// Whether `git://` may be used, which neither encrypts nor shows who the server is.
        allow_git_protocol: bool = false;
        /// How long one fetch may take.
        timeout: Duration = 600 * SECOND, check within!(SECOND, 24 * HOUR);
        /// How much of the disk the cached repositories may take. Those that were not used for longest
        /// are removed.
        cache_size: ByteSize = ByteSize::mib(1024);
    }
}

section! {
    /// How packd runs as a service.
    struct Service {
        /// After how long without a job and a connection packd ends, to be started again by the next
        /// connection. Only where the service manager holds the socket. `null`: never. Registries are not
        /// asked meanwhile; `packd-refresh.timer` does that.
        idle_exit: Option<Duration> = None, check idle_exit;
        /// Whether a change of the configuration's files, of `conf.d/` or of `keys/` is put in force by itself,
        /// as a reload does. `false`: only a reload does.
        watch_configuration: bool = true;
    }
}

#[expect(clippy::ref_option, reason = "a check is given its value so")]
fn idle_exit(after: &Option<Duration>) -> Result<(), String> {
    match after {
        Some(after) if !(SECOND..=DAY).contains(after) => {
            Err("must be between 1s and 1d, or `null`".to_owned())
        }
        _ => Ok(()),
    }
}

section! {
    /// What is logged.
    struct Log {
        /// The least important messages that are logged: `error`, `warn`, `info`, `debug` or `trace`.
        level: Level = Level::Info;
    }
}

#[expect(
    clippy::ptr_arg,
    reason = "a check gets the value as the section has it"
)]
fn absolute(paths: &Vec<String>) -> Result<(), String> {
    match paths.iter().find(|path| !path.starts_with('/')) {
        Some(path) => Err(format!("must be absolute paths, and `{path}` is none")),
        None => Ok(()),
    }
}

/// What tests are kept from the host by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Landlock, seccomp, and namespaces of their own.
    Strict,
    /// Landlock and seccomp.
    Standard,
    /// An early Landlock, and seccomp.
    Basic,
    /// Limits only.
    None,
}

impl SandboxLevel {
    /// The word for it in files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Standard => "standard",
            Self::Basic => "basic",
            Self::None => "none",
        }
    }
}

impl Setting for SandboxLevel {
    const SHAPE: &'static str = "`strict`, `standard`, `basic` or `none`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let all = [Self::Strict, Self::Standard, Self::Basic, Self::None];
        word(node, &all.map(|level| (level.as_str(), level)))
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().to_owned())
    }
}

/// Who answers for a pack that several registries offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The one with the lowest priority.
    Priority,
    /// Nobody: it has to be the only one.
    Unique,
}

impl Setting for Resolution {
    const SHAPE: &'static str = "`priority` or `unique`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(
            node,
            &[("priority", Self::Priority), ("unique", Self::Unique)],
        )
    }

    fn show(&self) -> Shown {
        Shown::Plain(
            match self {
                Self::Priority => "priority",
                Self::Unique => "unique",
            }
            .to_owned(),
        )
    }
}

/// Who may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Every user of this host.
    Everyone,
    /// Operators and admins only.
    Operators,
}

impl Setting for Readers {
    const SHAPE: &'static str = "`everyone` or `operators`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(
            node,
            &[("everyone", Self::Everyone), ("operators", Self::Operators)],
        )
    }

    fn show(&self) -> Shown {
        Shown::Plain(
            match self {
                Self::Everyone => "everyone",
                Self::Operators => "operators",
            }
            .to_owned(),
        )
    }
}

/// The way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proxy {
    /// What the usual environment variables say.
    Environment,
    /// Straight to each server, whatever the environment says.
    None,
    /// Through this proxy.
    Url(Url),
}

impl Setting for Proxy {
    const SHAPE: &'static str = "`env`, `none` or a URL";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let text = match &node.value {
            Value::Text { text, .. } => text.as_str(),
            _ => "",
        };
        match text {
            "env" => return Ok(Self::Environment),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        match url {
            Some(url) if url.password().is_none() => Ok(Self::Url(url)),
            Some(_) => Err(Wrong::at(
                node,
                "must not hold a password; set `env` and give packd the variable `HTTPS_PROXY`",
            )),
            // the text is not repeated: it can hold a password
            None => Err(Wrong::at(
                node,
                format!("must be {} with `http` or `https`", Self::SHAPE),
            )),
        }
    }

    fn show(&self) -> Shown {
        match self {
            Self::Environment => Shown::Plain("env".to_owned()),
            Self::None => Shown::Plain("none".to_owned()),
            Self::Url(url) => url.show(),
        }
    }
}

/// How important a message must be to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// An operator must act.
    Error,
    /// Odd, and handled.
    Warn,
    /// One line per change of state.
    Info,
    /// For who looks for a defect in packd.
    Debug,
    /// All there is.
    Trace,
}

impl Level {
    /// The word for it in files and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Setting for Level {
    const SHAPE: &'static str = "`error`, `warn`, `info`, `debug` or `trace`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let all = [
            Self::Error,
            Self::Warn,
            Self::Info,
            Self::Debug,
            Self::Trace,
        ];
        word(node, &all.map(|level| (level.as_str(), level)))
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().to_owned())
    }
}
