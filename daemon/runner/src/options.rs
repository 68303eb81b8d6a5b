//! What a caller decides about a run: limits, environment, when to stop.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::event::{EventfdFlags, eventfd};

use crate::sandbox::Sandbox;

/// How a run is done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The time of the run, for the report.
    pub at: Timestamp,
    /// Stops a suite after this time even if the pack allows it more.
    pub longest: Option<Duration>,
    /// Stops everything when asked to.
    pub cancel: Option<Cancel>,
    /// What the tests find in their environment.
    pub environment: Environment,
    /// The folder in which each suite gets folders of its own for `HOME` and `TMPDIR`.
    pub scratch: PathBuf,
    /// How long all suites together may take. Those that do not get their turn have failed.
    pub total: Option<Duration>,
    /// The program that keeps each suite in.
    pub sandbox: Option<Sandbox>,
    /// What becomes of processes that cut the tie to those that started them.
    pub orphans: Orphans,
    /// How long processes may take to end when they are asked to, before they are killed.
    pub grace: Duration,
    /// How many bytes of each stream are kept, half of them from its beginning and half from its end.
    pub output_limit: usize,
}

impl Options {
    /// The usual limits: 2 s of grace, 1 MiB of each stream.
    #[must_use]
    pub fn new(at: Timestamp, environment: Environment, scratch: PathBuf) -> Self {
        Self {
            at,
            longest: None,
            cancel: None,
            environment,
            scratch,
            total: None,
            sandbox: None,
            orphans: Orphans::Leave,
            grace: Duration::from_secs(2),
            output_limit: 1024 * 1024,
        }
    }
}

/// The environment of tests. It is built from this and what the run adds (`HOME`, `TMPDIR`, `PACK_REF`,
/// `PACK_VERSION`, `PACK_PATH`); nothing of the caller's own gets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `PATH`; programs are looked for in it.
    pub path: OsString,
    /// `LANG`.
    pub lang: OsString,
    /// Further variables. They come last, so they replace others.
    pub extra: Vec<(OsString, OsString)>,
}

impl Environment {
    /// What programs are looked for in where nobody says anything.
    pub const PATH: &'static str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// The one with this `PATH`, and nothing else of the caller's.
    #[must_use]
    pub fn with_path(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            lang: "C.UTF-8".into(),
            extra: Vec::new(),
        }
    }

    /// The same for a sandbox with a network: names are asked for over TCP, since nothing else is let through.
    #[must_use]
    pub fn with_network(mut self) -> Self {
        self.extra.push(("RES_OPTIONS".into(), "use-vc".into()));
        self
    }
}

/// What becomes of processes that cut the tie to those that started them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphans {
    /// They go to the init process. They are found all the same by their group, their session or their environment,
    /// unless they changed all three.
    Leave,
    /// They become children of this process, which must have none but those of the run: every child that is left after
    /// a suite is ended. Nothing escapes this way.
    Adopt,
}

/// Stops a run from another thread.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// One that has not been used.
    ///
    /// # Errors
    /// When the process has no file descriptor left.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(eventfd(0, flags)?)))
    }

    /// Stops the run: what is running is ended, and nothing more is started. Safe to repeat.
    pub fn cancel(&self) {
        // it cannot fail but by an overflow, and then it is set
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Readable once the run is to stop.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Whether it is to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        let mut fds = [rustix::event::PollFd::new(
            &self.0,
            rustix::event::PollFlags::IN,
        )];
        let now = rustix::time::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(1..))
    }
}
