//! The program that a sandbox is, as it is put before each suite, and what is said between it and this one.
//!
//! Its standard input is one end of a pair of sockets; the suite does not get to see it. Lines of JSON go both ways:
//!
//! ```text
//! to it      stop                 ask what runs to end
//!            the end of the stream: kill what runs. So it is ended too when this process is killed.
//! from it    {"enforced": …}      the suite starts now, kept in by what is told
//!            {"unavailable": "…"} this host lacks that, and nothing was started
//!            {"failed": "…"}      the suite could not be started
//!            {"exit": 0} or {"signal": 9}   how it ended; nothing of it runs any more
//! ```

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};

mod supervise;

pub use supervise::supervise;

/// The longest line, in bytes.
const MAX_LINE: usize = 256 * 1024;

/// How long a sandbox may take until it stands.
const PATIENCE: Duration = Duration::from_secs(30);

/// The word that asks what runs to end.
pub(crate) const STOP: &str = "stop";

/// A program that starts another one, and keeps it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// The program, a path.
    pub program: PathBuf,
    /// What stands before the program that it starts: what it has to be made of.
    pub arguments: Vec<OsString>,
    /// The user and the group that the tests are run as, if not those of this process. They get the suite's own folders.
    pub owner: Option<(u32, u32)>,
}

/// What the sandbox says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The suite starts, kept in by this.
    Enforced(serde_json::Value),
    /// The host lacks this.
    Unavailable(String),
    /// The suite cannot be started, for this reason.
    Failed(String),
    /// It ended by itself, with this status.
    Exit(i32),
    /// It was ended by this signal.
    Signal(i32),
}

/// Why a sandbox did not start a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unavailable(String),
    Failed(String),
}

/// This end of the pair.
#[derive(Debug)]
pub(crate) struct Control {
    stream: UnixStream,
    heard: Vec<u8>,
}

impl Control {
    /// A pair: this end, and what becomes the other program's standard input.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let heard = Vec::new();
        let control = Self {
            stream: ours,
            heard,
        };
        Ok((control, theirs.into()))
    }

    /// Says a line. The pair takes more than is ever said without anybody reading.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\n").as_bytes())
    }

    /// Waits until the suite starts, and gives what keeps it in.
    pub(crate) fn ready(&mut self) -> Result<serde_json::Value, Refusal> {
        let deadline = Instant::now() + PATIENCE;
        let failed = |why: &str| Err(Refusal::Failed(format!("the sandbox {why}")));
        loop {
            let open = self.read();
            if let Some(word) = self.word() {
                return match word {
                    Word::Enforced(value) => Ok(value),
                    Word::Unavailable(missing) => Err(Refusal::Unavailable(missing)),
                    Word::Failed(why) => Err(Refusal::Failed(why)),
                    Word::Exit(_) | Word::Signal(_) => failed("ended before it stood"),
                };
            }
            if !open {
                return failed("ended before it stood");
            }
            if Instant::now() >= deadline {
                return failed("did not stand in time");
            }
            wait(&[self.fd()], Duration::from_secs(1));
        }
    }

    /// How the suite ended, once the sandbox has; nothing if it did not live to say so.
    pub(crate) fn end(mut self) -> Option<Word> {
        self.read();
        std::iter::from_fn(|| self.word())
            .find(|word| matches!(word, Word::Exit(_) | Word::Signal(_)))
    }

    /// Of an end that was handed over.
    fn of(fd: OwnedFd) -> io::Result<Self> {
        let stream = UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        let heard = Vec::new();
        Ok(Self { stream, heard })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Takes what is there; `false` once there is no more to come.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(count) if count > 0 && self.heard.len() + count <= MAX_LINE => {
                    self.heard.extend_from_slice(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // nobody speaks any more, or too much at once
                Ok(_) | Err(_) => return false,
            }
        }
    }

    /// The next line, if it is complete.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.heard.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.heard.drain(..=end).collect();
        line.pop();
        Some(line)
    }

    /// The next word. A line that is none is passed over.
    fn word(&mut self) -> Option<Word> {
        loop {
            let line = self.line()?;
            if let Ok(word) = serde_json::from_slice(&line) {
                return Some(word);
            }
        }
    }
}

/// Says one word and its end of line.
///
/// # Errors
/// When nobody is there to hear it.
pub fn tell(mut to: impl io::Write, word: &Word) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Takes standard input, the stream to whoever started this program, for itself, and leaves nothing to read in its
/// place.
///
/// # Errors
/// When the system refuses.
pub fn take_stdin() -> io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let nothing = fs_err::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(nothing.as_fd())?;
    Ok(control)
}

/// Waits until there is something to read from one of them, or for so long; whether there is something from the first.
fn wait(fds: &[BorrowedFd<'_>], patience: Duration) -> bool {
    let mut fds: Vec<_> = fds
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect();
    let patience = Timespec::try_from(patience).ok();
    // an interrupted wait is a short one
    let _ = poll(&mut fds, patience.as_ref());
    !fds[0].revents().is_empty()
}
