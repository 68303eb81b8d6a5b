//! Bytes to and from a program or a socket, within the bounds of a [`Guard`]: no read or write waits for ever.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::guard::Guard;

/// How much of what a program says is kept.
const SAID: usize = 64 * 1024;
/// How long a program may take to say why it ended.
const LAST_WORDS: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// What comes.
#[derive(Debug)]
pub(super) struct Incoming {
    from: OwnedFd,
    /// What a program says beside it.
    aside: Option<Aside>,
    guard: Guard,
}

/// What goes.
#[derive(Debug)]
pub(super) struct Outgoing {
    to: OwnedFd,
    guard: Guard,
}

#[derive(Debug)]
struct Aside {
    from: OwnedFd,
    said: Said,
}

/// What a program said to its standard error, so far. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// As text.
    pub(super) fn text(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }
}

/// A program that is ended, and reaped, when this is dropped.
#[derive(Debug)]
pub(super) struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // it may have ended by itself, and then there is only its number to give back
        let _already_ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Starts a program and talks to it. Its environment is what `command` says and nothing else.
///
/// # Errors
/// That it cannot be started.
pub(super) fn start(
    command: &mut Command,
    guard: &Guard,
) -> io::Result<(Program, Incoming, Outgoing, Said)> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let program = Program(child);
    let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::other("the program has no pipes"));
    };
    let said = Said::default();
    let mut incoming = Incoming::new(stdout.into(), guard)?;
    incoming.aside = Some(Aside {
        from: without_waiting(stderr.into())?,
        said: said.clone(),
    });
    Ok((program, incoming, Outgoing::new(stdin.into(), guard)?, said))
}

fn without_waiting(fd: OwnedFd) -> io::Result<OwnedFd> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
    Ok(fd)
}

impl Incoming {
    pub(super) fn new(from: OwnedFd, guard: &Guard) -> io::Result<Self> {
        Ok(Self {
            from: without_waiting(from)?,
            aside: None,
            guard: guard.clone(),
        })
    }

    fn wait(&mut self) -> io::Result<()> {
        let from = (self.from.as_fd(), PollFlags::IN);
        let Some(aside) = &self.aside else {
            return self.guard.wait([from]).map(drop);
        };
        let [_, talks] = self
            .guard
            .wait([from, (aside.from.as_fd(), PollFlags::IN)])?;
        if talks && !aside.listen() {
            // it says no more: what is closed would be ready for ever
            self.aside = None;
        }
        Ok(())
    }
}

impl Aside {
    /// Takes what there is. Whether there may be more one day.
    fn listen(&self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match rustix::io::read(&self.from, &mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    let mut said = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = SAID.saturating_sub(said.len()).min(count);
                    said.extend_from_slice(&buffer[..room]);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Takes what there is until it says no more, or for a moment.
    fn listen_to_the_end(&self) {
        while self.listen() {
            let mut polled = [PollFd::from_borrowed_fd(self.from.as_fd(), PollFlags::IN)];
            if !matches!(poll(&mut polled, Some(&LAST_WORDS)), Ok(1..)) {
                return;
            }
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.guard.ready()?;
        loop {
            match rustix::io::read(&self.from, &mut *buffer) {
                Ok(0) => {
                    if let Some(aside) = self.aside.take() {
                        aside.listen_to_the_end();
                    }
                    return Ok(0);
                }
                Ok(count) => {
                    self.guard.brought(count)?;
                    return Ok(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait()?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Outgoing {
    pub(super) fn new(to: OwnedFd, guard: &Guard) -> io::Result<Self> {
        Ok(Self {
            to: without_waiting(to)?,
            guard: guard.clone(),
        })
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.to, bytes) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.guard.wait_for(&self.to, PollFlags::OUT)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Connects to the daemon of the git protocol.
///
/// # Errors
/// That it does not answer, with what the system says of the last of its addresses.
pub(super) fn connect(
    addresses: &[SocketAddr],
    within: Duration,
    guard: &Guard,
) -> io::Result<(Incoming, Outgoing)> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        guard.check()?;
        match TcpStream::connect_timeout(address, within) {
            Ok(stream) => {
                let write = stream.try_clone()?;
                return Ok((
                    Incoming::new(stream.into(), guard)?,
                    Outgoing::new(write.into(), guard)?,
                ));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
