//! What one fetch may take at most, and why it was ended: shared by whoever reads, writes or works for it.
//!
//! The library below reports what went wrong as it saw it, "unexpected end of file" mostly. Whoever ended the
//! stream knows better, and says it here first.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio_util::sync::CancellationToken;

use super::error::GitError;
use crate::net::Rate;

/// How long a thread waits before it looks whether it shall stop.
const GLANCE: Duration = Duration::from_millis(100);
/// What a server may say of itself and its refs: those of half a million branches and tags.
const REFS_BYTES: u64 = 32 << 20;
/// The free space is looked at each time that so many bytes have come.
const SPACE_EVERY: u64 = 8 << 20;

/// The bounds of one fetch. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Guard(Arc<Inner>);

/// What bounds it.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    /// The repository, as people see it.
    pub(super) from: String,
    /// The bytes that may come.
    pub(super) bytes: u64,
    /// How long nothing may come.
    pub(super) idle: Duration,
    /// The time for all of it.
    pub(super) total: Duration,
    /// How fast the bytes may come that a socket or a program brings; HTTP keeps to that by itself.
    pub(super) rate: Arc<Rate>,
    /// The folder that is written to, and the bytes that must stay free on its file system.
    pub(super) space: (PathBuf, u64),
}

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    until: Instant,
    stop: CancellationToken,
    received: AtomicU64,
    /// The bytes that may come by now.
    limit: AtomicU64,
    space_seen: AtomicU64,
    interrupt: AtomicBool,
    trouble: Mutex<Option<GitError>>,
}

impl Guard {
    pub(super) fn new(bounds: Bounds, stop: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            until: Instant::now() + bounds.total,
            limit: bounds.bytes.min(REFS_BYTES).into(),
            bounds,
            stop,
            received: AtomicU64::new(0),
            space_seen: AtomicU64::new(0),
            interrupt: AtomicBool::new(false),
            trouble: Mutex::new(None),
        }))
    }

    /// The bytes that have come.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// The bytes that may still come.
    pub(super) fn left(&self) -> u64 {
        self.limit().saturating_sub(self.received())
    }

    fn limit(&self) -> u64 {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// From now on objects may come: before, it is what a server says of itself and its refs, which is all in memory.
    pub(super) fn objects_come(&self) {
        self.0.limit.store(self.0.bounds.bytes, Ordering::Relaxed);
    }

    /// When it has to be over.
    pub(super) fn until(&self) -> Instant {
        self.0.until
    }

    /// Set when the work shall end; the library looks at it between objects.
    pub(super) fn interrupt(&self) -> &AtomicBool {
        &self.0.interrupt
    }

    /// Ends the fetch for this reason, unless there is an earlier one.
    pub(super) fn fail(&self, error: GitError) -> io::Error {
        let mut trouble = self
            .0
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        trouble.get_or_insert(error);
        self.0.interrupt.store(true, Ordering::Relaxed);
        io::Error::other("the fetch was ended")
    }

    /// Why it was ended, if it was.
    pub(super) fn take_trouble(&self) -> Option<GitError> {
        let mut trouble = self
            .0
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        trouble.take()
    }

    /// That the time for all of it is over.
    pub(super) fn too_late(&self) -> io::Error {
        self.fail(GitError::Deadline {
            from: self.0.bounds.from.clone(),
            limit: self.0.bounds.total,
        })
    }

    /// Goes on, unless it shall stop or is late.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.0.stop.is_cancelled() {
            return Err(self.fail(GitError::Cancelled));
        }
        if Instant::now() >= self.0.until {
            return Err(self.too_late());
        }
        if self.0.interrupt.load(Ordering::Relaxed) {
            return Err(io::Error::other("the fetch was ended"));
        }
        Ok(())
    }

    /// Waits until more may come.
    pub(super) fn ready(&self) -> io::Result<()> {
        loop {
            self.check()?;
            match self.0.bounds.rate.unpaid() {
                Duration::ZERO => return Ok(()),
                unpaid => std::thread::sleep(unpaid.min(GLANCE)),
            }
        }
    }

    /// Counts what has come from a socket or a program.
    pub(super) fn brought(&self, count: usize) -> io::Result<()> {
        self.0.bounds.rate.charge(count as u64);
        self.took(count)
    }

    /// Counts what has come.
    pub(super) fn took(&self, count: usize) -> io::Result<()> {
        let received = self.0.received.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if received > self.limit() {
            return Err(self.fail(self.too_large()));
        }
        let (folder, needed) = &self.0.bounds.space;
        if received / SPACE_EVERY
            == self
                .0
                .space_seen
                .swap(received / SPACE_EVERY, Ordering::Relaxed)
        {
            return Ok(());
        }
        // a file system that does not say has to fail by itself
        let Ok(about) = rustix::fs::statvfs(folder) else {
            return Ok(());
        };
        let free = about.f_bavail.saturating_mul(about.f_frsize);
        if free < *needed {
            return Err(self.fail(GitError::NoSpace {
                folder: folder.clone(),
                free,
                needed: *needed,
            }));
        }
        Ok(())
    }

    /// That more came than may.
    pub(super) fn too_large(&self) -> GitError {
        GitError::TooLarge {
            from: self.0.bounds.from.clone(),
            limit: self.limit(),
        }
    }

    /// Waits until one of these can be read or written, and says which.
    pub(super) fn wait<const N: usize>(
        &self,
        wanted: [(BorrowedFd<'_>, PollFlags); N],
    ) -> io::Result<[bool; N]> {
        let begun = Instant::now();
        loop {
            self.check()?;
            let mut polled = wanted.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags));
            let glance = Timespec {
                tv_sec: 0,
                tv_nsec: GLANCE.subsec_nanos().into(),
            };
            match poll(&mut polled, Some(&glance)) {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(0) if begun.elapsed() >= self.0.bounds.idle => {
                    return Err(self.fail(GitError::Stalled {
                        from: self.0.bounds.from.clone(),
                        received: self.received(),
                        within: self.0.bounds.idle,
                    }));
                }
                Ok(0) => {}
                Ok(_) => return Ok(polled.map(|fd| !fd.revents().is_empty())),
            }
        }
    }

    /// Waits for one descriptor.
    pub(super) fn wait_for(&self, fd: impl AsFd, flags: PollFlags) -> io::Result<()> {
        self.wait([(fd.as_fd(), flags)]).map(drop)
    }
}
