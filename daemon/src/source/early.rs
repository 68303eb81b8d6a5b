//! Writing to the disk what is unpacked, while more of it is unpacked.
//!
//! The kernel begins by itself only after half a minute, or with gigabytes. Without this a tree would reach the disk
//! when all of it is unpacked, and an install would take as long as both together.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use fs_err::File;
use packd_format::archive::ArchiveError;
use packd_format::error::without_path;

/// Bytes that are unpacked between two beginnings.
const EVERY: u64 = 32 * 1024 * 1024;

/// Has the file system of a folder written out now and then. For a small tree nothing is started.
#[derive(Debug)]
pub(super) struct Early {
    folder: File,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
    /// Bytes at the last beginning.
    begun_at: u64,
}

impl Early {
    /// For the file system that `folder` is on.
    pub(super) fn new(folder: &Path) -> Result<Self, ArchiveError> {
        let opened = File::open(folder).map_err(|error| ArchiveError::Write {
            path: folder.to_owned(),
            source: without_path(&error),
        })?;
        Ok(Self {
            folder: opened,
            thread: None,
            begun_at: 0,
        })
    }

    /// Hears how many bytes are unpacked, and begins if it is time and nothing is being written.
    pub(super) fn wrote(&mut self, bytes: u64) {
        if bytes < self.begun_at.saturating_add(EVERY) {
            return;
        }
        self.begun_at = bytes;
        if self.thread.is_none() {
            self.thread = self.start();
        }
        if let Some((begin, _)) = &self.thread {
            // full when it has not come to the last one yet, hung up when it has failed: `finish` says so
            let _full = begin.try_send(());
        }
    }

    fn start(&self) -> Option<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
        let folder = self.folder.try_clone().ok()?;
        let (begin, begins) = sync_channel(1);
        let thread = thread::Builder::new().name("write-out".to_owned());
        // without it, all is written at the end
        let thread = thread.spawn(move || write_out(&folder, &begins)).ok()?;
        Some((begin, thread))
    }

    /// Waits for what was begun. An error has to be told: the kernel reports each only once.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some((begin, thread)) = self.thread.take() else {
            return Ok(());
        };
        drop(begin);
        thread
            .join()
            .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        // whoever did not ask has an error of their own, and throws away what was unpacked
        let _moot = self.finish();
    }
}

fn write_out(folder: &File, begins: &Receiver<()>) -> io::Result<()> {
    while begins.recv() == Ok(()) {
        rustix::fs::syncfs(folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_thread_is_started_only_for_what_is_large() {
        let folder = tempfile::tempdir().unwrap();
        let mut early = Early::new(folder.path()).unwrap();
        early.wrote(EVERY - 1);
        assert!(early.thread.is_none());
        early.wrote(EVERY);
        assert!(early.thread.is_some());
        early.wrote(3 * EVERY);
        early.finish().unwrap();
        assert!(early.thread.is_none(), "it has ended");
    }
}
