//! Watches how much tests write: no limit of the kernel is about all files together.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::ByteSize;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// The most files that are made besides those of the pack.
const MOST_FILES: u64 = 100_000;

/// Looks at a folder again and again.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: PathBuf,
    limit: u64,
    min_free: u64,
    /// What was there before, once that is known.
    before: Option<Usage>,
    ticks: tokio::time::Interval,
}

/// What a file system, and a folder on it, has in use.
#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    free: u64,
    free_files: u64,
    bytes: u64,
    files: u64,
}

impl Watch {
    pub(crate) fn new(folder: PathBuf, limit: ByteSize, min_free: ByteSize) -> Self {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self {
            folder,
            limit: limit.bytes(),
            min_free: min_free.bytes(),
            before: None,
            ticks,
        }
    }

    /// Waits until too much is written, and says what. Dropped and called again, it goes on as before.
    pub(crate) async fn exceeded(&mut self) -> String {
        loop {
            self.ticks.tick().await;
            let (folder, before) = (self.folder.clone(), self.before);
            let (limit, min_free) = (self.limit, self.min_free);
            let look = move || look(&folder, before, limit, min_free);
            // a look that failed is made again
            let Ok(looked) = tokio::task::spawn_blocking(look).await else {
                continue;
            };
            let Some(now) = looked else { continue };
            let Some(before) = self.before else {
                self.before = Some(now);
                continue;
            };
            let written = now.bytes.saturating_sub(before.bytes);
            if written > limit {
                let limit = ByteSize::mib(limit / (1024 * 1024));
                return format!("they wrote more than {limit} to the disk, and were ended");
            }
            if now.files.saturating_sub(before.files) > MOST_FILES {
                return format!("they made more than {MOST_FILES} files, and were ended");
            }
            if now.free < min_free && written > min_free.min(limit) / 4 {
                return "they left too little space on the disk, and were ended".to_owned();
            }
        }
    }
}

/// What is in use; nothing where the file system shows that not much can have been written since. Blocks.
fn look(folder: &Path, before: Option<Usage>, limit: u64, min_free: u64) -> Option<Usage> {
    let system = rustix::fs::statvfs(folder).ok()?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let free_files = system.f_ffree;
    if let Some(before) = before {
        let written = before.free.saturating_sub(free);
        let made = before.free_files.saturating_sub(free_files);
        // file systems without a table of files say 0 of both; others' files count here too, so this is no verdict
        if written <= limit / 2 && made <= MOST_FILES / 2 && free >= min_free {
            return None;
        }
    }
    let mut usage = Usage {
        free,
        free_files,
        ..Usage::default()
    };
    add(folder, &mut usage, 0);
    Some(usage)
}

/// Adds what lies in a folder; what cannot be looked at, or lies very deep, is left out.
fn add(folder: &Path, usage: &mut Usage, depth: usize) {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let Ok(meta) = entry.metadata() else { continue };
        usage.files += 1;
        usage.bytes += meta.blocks().saturating_mul(512);
        if meta.is_dir() && depth < 256 {
            add(&entry.path(), usage, depth + 1);
        }
    }
}
