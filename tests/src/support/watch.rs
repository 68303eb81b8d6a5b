//! Waiting for something to change in a folder.

use std::{
    mem::MaybeUninit,
    path::Path,
    time::{Duration, Instant},
};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use super::process::readable;

/// Waits until a condition holds; it is tried again whenever something in the folder changes.
/// False when the patience is over first.
pub fn until(folder: &Path, patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).unwrap();
    let changes =
        WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::CLOSE_WRITE;
    inotify::add_watch(&watch, folder, changes | WatchFlags::MODIFY).unwrap();
    let end = Instant::now() + patience;
    let mut buffer = [const { MaybeUninit::<u8>::uninit() }; 4096];
    loop {
        if condition() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if !readable(&[&watch], left)[0] {
            return condition();
        }
        // what changed does not matter, only that something did
        let mut reader = inotify::Reader::new(&watch, &mut buffer);
        while reader.next().is_ok() {}
    }
}
