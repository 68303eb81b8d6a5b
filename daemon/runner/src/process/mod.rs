//! One program: started in a session of its own, read while it runs, ended with all that it started.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use process_wrap::std::{CommandWrap, ProcessSession};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid,
};
use rustix::time::Timespec;

use crate::options::{Cancel, Orphans};
use crate::sandbox::{Control, Refusal, STOP, Sandbox, Word};
use capture::Capture;
pub(crate) use capture::{Captured, Lines};
use family::Family;

mod capture;
pub(crate) mod family;

/// How long what is left in the background may go on writing once the program itself has ended: `> >(tee log)` does.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How long a sandbox may take to kill what it started.
const KILLED: Duration = Duration::from_secs(5);

/// What is started. All there is to it is here, but for the sandbox, which is a program before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The program, a path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// The folder it is started in.
    pub(crate) folder: PathBuf,
    /// All of its environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// When a program is stopped, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) timeout: Duration,
    pub(crate) grace: Duration,
    pub(crate) output: usize,
    pub(crate) cancel: Option<&'a Cancel>,
    pub(crate) orphans: Orphans,
    pub(crate) sandbox: Option<&'a Sandbox>,
    /// The value of `TMPDIR`, which tells the processes of this program from others.
    pub(crate) mark: &'a OsString,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By a signal that we did not send.
    Signal(i32),
    /// It was not done in time.
    Timeout(Duration),
    /// The run was cancelled.
    Cancelled,
}

/// A program that has ended, and nothing of it runs any more.
#[derive(Debug)]
pub(crate) struct Ended<L> {
    pub(crate) end: End,
    pub(crate) duration: Duration,
    pub(crate) stdout: Captured<L>,
    pub(crate) stderr: Captured<L>,
    /// Processes that could not be ended.
    pub(crate) left: Vec<i32>,
    /// What kept it in, in the sandbox's own words.
    pub(crate) enforced: Option<serde_json::Value>,
}

/// Why a program was not started.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// The system refused.
    System(io::Error),
    /// The sandbox did.
    Sandbox(Refusal),
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started.
pub(crate) fn run<L: Lines + Default>(
    invocation: &Invocation,
    limits: Limits<'_>,
) -> Result<Ended<L>, NotStarted> {
    let mut command = command(invocation, limits.sandbox);
    command
        .current_dir(&invocation.folder)
        .env_clear()
        .envs(
            invocation
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // what the caller of this program left open is not for tests; what this program opens is not inherited anyway
    close_fds::set_fds_cloexec_threadsafe(3, &[]);
    let mut control = None;
    if limits.sandbox.is_some() {
        let (ours, theirs) = Control::pair()?;
        command.stdin(theirs);
        control = Some(ours);
    } else {
        command.stdin(Stdio::null());
    }
    let mut started = Instant::now();
    let mut child = CommandWrap::from(command).wrap(ProcessSession).spawn()?;
    let pid = i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process number is a positive int");
    let family = Family::new(pid, limits.mark, limits.orphans);
    let streams = (child.stdout().take(), child.stderr().take());
    let mut running = match Running::<L>::new(pid, streams, limits.output) {
        Ok(running) => running,
        Err(error) => {
            family.kill(|| ());
            return Err(error.into());
        }
    };
    let mut enforced = None;
    if let Some(control) = &mut control {
        match control.ready() {
            Ok(value) => enforced = Some(value),
            Err(refusal) => {
                family.kill(|| ());
                drop(running.reap(true));
                return Err(NotStarted::Sandbox(refusal));
            }
        }
        started = Instant::now();
    }

    let stopped = running.until_stopped(started, limits);
    let grace = Instant::now() + limits.grace;
    let mut word = None;
    match (control, stopped.is_some()) {
        (Some(mut control), stopped) => {
            // one that hears no more has nothing left to end, or is killed below
            if stopped && control.say(STOP).is_ok() {
                running.until_ended(grace);
            }
            if running.has_ended() {
                word = control.end();
            } else {
                // the end of the stream is its word to kill what runs
                drop(control);
                running.until_ended(Instant::now() + KILLED);
            }
        }
        (None, true) => {
            family.signal(Signal::TERM);
            // what was stopped does not hear the request
            family.signal(Signal::CONT);
            running.until_ended(grace);
        }
        (None, false) => running.until_silent(Instant::now() + AFTERWARDS),
    }
    let left = family.kill(|| running.read());
    running.until_silent(Instant::now() + AFTERWARDS);
    let duration = started.elapsed();
    let end = match (stopped, word, running.reap(left.is_empty())?) {
        (Some(stopped), ..) => stopped,
        (None, Some(Word::Exit(status)), _) => End::Exit(status),
        (None, Some(Word::Signal(signal)), _) => End::Signal(signal),
        // a sandbox that does not say how the suite ended was killed before it knew
        (None, ..) if limits.sandbox.is_some() => End::Signal(Signal::KILL.as_raw()),
        (None, _, end) => end,
    };
    Ok(Ended {
        end,
        duration,
        stdout: running.stdout.capture.finish(),
        stderr: running.stderr.capture.finish(),
        left,
        enforced,
    })
}

/// The program, or the sandbox that starts it.
fn command(invocation: &Invocation, sandbox: Option<&Sandbox>) -> Command {
    let Some(sandbox) = sandbox else {
        let mut command = Command::new(&invocation.program);
        command.args(&invocation.arguments);
        return command;
    };
    let mut command = Command::new(&sandbox.program);
    command
        .args(&sandbox.arguments)
        .arg(&invocation.program)
        .args(&invocation.arguments);
    command
}

/// A started program.
struct Running<L> {
    /// Readable once it has ended.
    ended: OwnedFd,
    stdout: Stream<L>,
    stderr: Stream<L>,
}

/// What a wait was ended by.
struct Woken {
    ended: bool,
    cancelled: bool,
}

impl<L: Lines + Default> Running<L> {
    fn new(
        pid: Pid,
        (stdout, stderr): (Option<ChildStdout>, Option<ChildStderr>),
        limit: usize,
    ) -> io::Result<Self> {
        Ok(Self {
            ended: pidfd_open(pid, PidfdFlags::empty())?,
            stdout: Stream::new(stdout.map(OwnedFd::from), limit)?,
            stderr: Stream::new(stderr.map(OwnedFd::from), limit)?,
        })
    }

    /// Reads until the program has ended (nothing), or has to be stopped (why).
    fn until_stopped(&mut self, started: Instant, limits: Limits<'_>) -> Option<End> {
        let deadline = started + limits.timeout;
        loop {
            let woken = self.wait(deadline, limits.cancel, true);
            if woken.cancelled {
                return Some(End::Cancelled);
            }
            if woken.ended {
                return None;
            }
            if Instant::now() >= deadline {
                return Some(End::Timeout(limits.timeout));
            }
        }
    }

    /// Reads until the program has ended, or for so long.
    fn until_ended(&mut self, deadline: Instant) {
        while Instant::now() < deadline && !self.wait(deadline, None, true).ended {}
    }

    /// Whether the program has ended.
    fn has_ended(&mut self) -> bool {
        self.wait(Instant::now(), None, true).ended
    }

    /// Reads until nobody can write any more, or for so long.
    fn until_silent(&mut self, deadline: Instant) {
        while Instant::now() < deadline && (self.stdout.is_open() || self.stderr.is_open()) {
            self.wait(deadline, None, false);
        }
    }

    /// Reads what is there.
    fn read(&mut self) {
        self.stdout.read();
        self.stderr.read();
    }

    /// Waits until something happens, and reads what came.
    fn wait(&mut self, deadline: Instant, cancel: Option<&Cancel>, end: bool) -> Woken {
        let mut fds = Vec::with_capacity(4);
        // what is not asked for is still in its place
        let only = |wanted: bool, flags: PollFlags| {
            if wanted { flags } else { PollFlags::empty() }
        };
        fds.push(PollFd::new(&self.ended, only(end, PollFlags::IN)));
        for stream in [&self.stdout.pipe, &self.stderr.pipe].into_iter().flatten() {
            fds.push(PollFd::new(stream, PollFlags::IN));
        }
        let cancelled_at = cancel.map(|cancel| {
            fds.push(PollFd::from_borrowed_fd(cancel.fd(), PollFlags::IN));
            fds.len() - 1
        });
        // an interrupted wait is a short one
        let _ = poll(&mut fds, Some(&until(deadline)));
        let woken = Woken {
            ended: end && !fds[0].revents().is_empty(),
            cancelled: cancelled_at.is_some_and(|at| !fds[at].revents().is_empty()),
        };
        self.read();
        woken
    }

    /// How it ended by itself. One that cannot be killed is not waited for.
    fn reap(&self, gone: bool) -> io::Result<End> {
        let mut options = WaitIdOptions::EXITED;
        options.set(WaitIdOptions::NOHANG, !gone);
        let status = waitid(WaitId::PidFd(self.ended.as_fd()), options)?;
        let exit = status.as_ref().and_then(WaitIdStatus::exit_status);
        let signal = status.as_ref().and_then(WaitIdStatus::terminating_signal);
        Ok(match (exit, signal) {
            (Some(status), _) => End::Exit(status),
            (None, signal) => End::Signal(signal.unwrap_or(Signal::KILL.as_raw())),
        })
    }
}

/// From now until then, with no more than a second at once: a wait that is too short does no harm.
fn until(deadline: Instant) -> Timespec {
    let left = deadline
        .saturating_duration_since(Instant::now())
        .min(Duration::from_secs(1));
    Timespec {
        tv_sec: i64::from(left.as_secs() > 0),
        tv_nsec: left.subsec_nanos().into(),
    }
}

/// One of the pipes, and what came through it.
struct Stream<L> {
    pipe: Option<OwnedFd>,
    capture: Capture<L>,
}

impl<L: Lines + Default> Stream<L> {
    fn new(pipe: Option<OwnedFd>, limit: usize) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self {
            pipe,
            capture: Capture::new(limit, L::default()),
        })
    }

    fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Reads what is there, up to a bound: the other stream, and the clock, have their turn too.
    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        for _ in 0..64 {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.capture.push(&buffer[..count]),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return,
                Err(_) => self.pipe = None,
            }
        }
    }
}
