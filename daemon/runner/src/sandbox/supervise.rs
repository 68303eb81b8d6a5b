//! The side of the sandbox: starts the program, watches over it, and ends it with all that it started.
//!
//! Run in a process of its own that adopts orphans. So nothing escapes it, whatever it does to its session, its parents or
//! its environment; and it hears when the one that asked for all this is gone, by the end of the stream.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, set_child_subreaper};

use super::{Control, PATIENCE, STOP, Word, tell, wait};
use crate::process::family::Family;

/// How long what is left in the background may go on once the program itself has ended: `> >(tee log)` does.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// How often dead orphans are taken leave of.
const REAPED_EVERY: Duration = Duration::from_millis(500);

/// Starts `command`, whose standard input becomes a stream that it says [`Word`]s on until it has become the program that
/// it is to start; then watches over that to its end. `control` is the stream to whoever asked for it.
///
/// # Errors
/// When the command cannot be started, or nobody hears how it ended. Nothing runs any more.
pub fn supervise(mut command: Command, control: OwnedFd) -> io::Result<()> {
    let mut control = Control::of(control)?;
    set_child_subreaper(Some(getpid()))?;
    let (mut child_says, theirs) = Control::pair()?;
    command.stdin(theirs);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let why = format!("the sandbox cannot be started: {error}");
            return tell(&control.stream, &Word::Failed(why));
        }
    };
    // with it goes this process's own copy of the child's end
    drop(command);
    let pid = Pid::from_child(&child);
    let family = Family::of_this_process(pid);
    let started = started(&mut child_says, &mut control);
    tell(&control.stream, &started)?;
    if matches!(started, Word::Enforced(_)) {
        let ended = watch(pid, &family, &mut control);
        family.kill(|| ());
        let status = child.wait()?;
        if ended {
            let word = match (status.code(), status.signal()) {
                (Some(code), _) => Word::Exit(code),
                (None, signal) => Word::Signal(signal.unwrap_or(Signal::KILL.as_raw())),
            };
            return tell(&control.stream, &word);
        }
    } else {
        family.kill(|| ());
        child.wait()?;
    }
    Ok(())
}

/// What the child says until it has become the program: the last word counts, since starting it may fail after all else
/// went well.
fn started(child: &mut Control, control: &mut Control) -> Word {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    loop {
        let open = child.read();
        while let Some(word) = child.word() {
            last = Some(word);
        }
        if !open {
            let silent = || Word::Failed("the sandbox ended before it stood".to_owned());
            return last.unwrap_or_else(silent);
        }
        if !control.read() || Instant::now() >= deadline {
            return Word::Failed("the sandbox did not stand in time".to_owned());
        }
        wait(&[child.fd(), control.fd()], Duration::from_secs(1));
    }
}

/// Waits for the program and what it leaves behind; whether it ended, or has to be.
fn watch(pid: Pid, family: &Family, control: &mut Control) -> bool {
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return false;
    };
    let mut reap_at = Instant::now() + REAPED_EVERY;
    loop {
        if !hears(control, family) {
            return false;
        }
        // not taken leave of yet, so that its number stays its own
        if wait(&[handle.as_fd(), control.fd()], REAPED_EVERY) {
            break;
        }
        if Instant::now() >= reap_at {
            family.reap();
            reap_at = Instant::now() + REAPED_EVERY;
        }
    }
    let deadline = Instant::now() + AFTERWARDS;
    while family.lives() && Instant::now() < deadline {
        wait(&[control.fd()], Duration::from_millis(20));
        if !hears(control, family) {
            return false;
        }
    }
    true
}

/// Does what is asked; `false` once nobody asks any more.
fn hears(control: &mut Control, family: &Family) -> bool {
    let open = control.read();
    while let Some(line) = control.line() {
        if line == STOP.as_bytes() {
            family.signal(Signal::TERM);
            // what was stopped does not hear the request
            family.signal(Signal::CONT);
        }
    }
    open
}
