//! All processes that a suite started, however they hide: found in `/proc`, and ended.
//!
//! A process belongs to the family if it is in the leader's group or session, descends from one that is, has the mark
//! of the suite in its environment, or was adopted (see [`Orphans`]).

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use rustix::time::Timespec;

use crate::Orphans;

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// The processes of one suite.
#[derive(Debug)]
pub(crate) struct Family {
    /// The one that was started; not reaped as long as this exists, so that its number stays its own.
    leader: Pid,
    /// `TMPDIR=…`, which no other suite has. Nothing where descent alone tells.
    mark: Option<Vec<u8>>,
    orphans: Orphans,
}

/// A process as `/proc/PID/stat` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    zombie: bool,
    parent: i32,
    group: i32,
    session: i32,
    started: u64,
}

impl Family {
    pub(crate) fn new(leader: Pid, temporary: &OsString, orphans: Orphans) -> Self {
        let mut mark = b"TMPDIR=".to_vec();
        mark.extend_from_slice(temporary.as_bytes());
        Self {
            leader,
            mark: Some(mark),
            orphans,
        }
    }

    /// All that this process has started, and what that has: it adopts orphans, and started nothing else.
    pub(crate) fn of_this_process(leader: Pid) -> Self {
        Self {
            leader,
            mark: None,
            orphans: Orphans::Adopt,
        }
    }

    /// Sends all of them a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        for process in self.living() {
            if let Some(handle) = handle(process) {
                // it is gone, or it is somebody else's by now: `kill` counts who is left
                let _ = pidfd_send_signal(&handle, signal);
            }
        }
    }

    /// Kills all of them, and calls `meanwhile` again and again until they are gone.
    ///
    /// Returns those that cannot be killed: they belong to another user, or hang in the kernel.
    pub(crate) fn kill(&self, mut meanwhile: impl FnMut()) -> Vec<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // what is stopped first starts no others while the rest is being looked for
            self.signal(Signal::STOP);
            let left = self.living();
            let mut handles = Vec::new();
            for process in &left {
                if let Some(handle) = handle(*process) {
                    // the next look shows whether it did anything
                    let _ = pidfd_send_signal(&handle, Signal::KILL);
                    handles.push(handle);
                }
            }
            self.reap();
            if left.is_empty() {
                return Vec::new();
            }
            if Instant::now() >= deadline {
                return left.iter().map(|process| process.pid).collect();
            }
            meanwhile();
            await_one(&handles);
        }
    }

    /// Whether any still runs.
    pub(crate) fn lives(&self) -> bool {
        !self.living().is_empty()
    }

    /// Members that still run.
    fn living(&self) -> Vec<Process> {
        let mut members = self.members();
        members.retain(|process| !process.zombie);
        members
    }

    fn members(&self) -> Vec<Process> {
        let all = processes();
        let own = rustix::process::getpid().as_raw_pid();
        let leader = self.leader.as_raw_pid();
        let mut known: HashSet<i32> = all
            .iter()
            .filter(|process| {
                process.pid == leader
                    || process.group == leader
                    || process.session == leader
                    || (self.orphans == Orphans::Adopt && process.parent == own)
                    || self.is_marked(process.pid)
            })
            .map(|process| process.pid)
            .collect();
        // parents may come after their children in the list: numbers are used again
        loop {
            let before = known.len();
            for process in &all {
                if known.contains(&process.parent) {
                    known.insert(process.pid);
                }
            }
            if known.len() == before {
                break;
            }
        }
        all.into_iter()
            .filter(|process| process.pid != own && known.contains(&process.pid))
            .collect()
    }

    fn is_marked(&self, pid: i32) -> bool {
        let Some(mark) = &self.mark else { return false };
        // of another user's process it cannot be read, and need not be: it could not be killed either
        fs_err::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|var| var == mark))
    }

    /// Takes leave of dead processes that were adopted.
    pub(crate) fn reap(&self) {
        if self.orphans == Orphans::Leave {
            return;
        }
        let own = rustix::process::getpid().as_raw_pid();
        for process in processes() {
            if process.zombie
                && process.parent == own
                && process.pid != self.leader.as_raw_pid()
                && let Some(pid) = Pid::from_raw(process.pid)
            {
                // one that cannot be waited for is not ours
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
                let _ = waitid(WaitId::Pid(pid), options);
            }
        }
    }
}

/// A handle of just this process, even if its number is used again in the meantime.
fn handle(process: Process) -> Option<OwnedFd> {
    let handle = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    let now = stat(process.pid)?;
    (now.started == process.started).then_some(handle)
}

/// Waits a moment for one of them to end.
fn await_one(handles: &[OwnedFd]) {
    let mut fds: Vec<_> = handles
        .iter()
        .map(|handle| PollFd::new(handle, PollFlags::IN))
        .collect();
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 20_000_000,
    };
    // a shorter wait does no harm
    let _ = poll(&mut fds, Some(&moment));
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs_err::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .collect()
}

fn stat(pid: i32) -> Option<Process> {
    parse_stat(&fs_err::read(format!("/proc/{pid}/stat")).ok()?)
}

/// `PID (NAME) STATE PARENT GROUP SESSION …`, where the name may have anything in it; the 22nd is when it started.
fn parse_stat(bytes: &[u8]) -> Option<Process> {
    let text = String::from_utf8_lossy(bytes);
    let (before, after) = text.rsplit_once(')')?;
    let pid = before.split_once(' ')?.0.parse().ok()?;
    let mut fields = after.split_ascii_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    let (parent, group, session) = (number()?, number()?, number()?);
    let started = fields.nth(15)?.parse().ok()?;
    Some(Process {
        pid,
        zombie: matches!(state, "Z" | "X"),
        parent,
        group,
        session,
        started,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_process_is_called() {
        let line = b"812 (a) S 9 (x) S 7 812 800 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99123 1 1";
        let expected = Process {
            pid: 812,
            zombie: false,
            parent: 7,
            group: 812,
            session: 800,
            started: 99_123,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat(b"812 (a"), None, "half a line is none");
    }

    #[test]
    fn this_process_is_found() {
        let own = rustix::process::getpid().as_raw_pid();
        let found = processes().into_iter().find(|process| process.pid == own);
        assert!(
            found.is_some_and(|process| !process.zombie),
            "/proc lists this process"
        );
    }
}
