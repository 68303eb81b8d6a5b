//! From the unpacking thread to whoever watches: where it is, a few times a second.
//!
//! The watcher lives on the runtime and may borrow what no thread may, so it is told there.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use packd_format::archive::Observer;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Waking the runtime for each of 20,000 files would cost more than writing them.
const EVERY: Duration = Duration::from_millis(50);

/// Where the unpacking is.
#[derive(Debug, Clone, Default)]
pub(super) struct Position {
    pub(super) file: String,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// The thread's end.
#[derive(Debug)]
pub(super) struct Relay {
    position: watch::Sender<Position>,
    told: Option<Instant>,
    stop: CancellationToken,
}

impl Relay {
    pub(super) fn new(stop: CancellationToken) -> (Self, watch::Receiver<Position>) {
        let (position, watcher) = watch::channel(Position::default());
        (
            Self {
                position,
                told: None,
                stop,
            },
            watcher,
        )
    }
}

impl Observer for Relay {
    fn entry(&mut self, path: &str, files: u64, bytes: u64) -> ControlFlow<()> {
        if self.stop.is_cancelled() {
            return ControlFlow::Break(());
        }
        let now = Instant::now();
        if self
            .told
            .is_none_or(|told| now.duration_since(told) >= EVERY)
        {
            self.told = Some(now);
            self.position.send_replace(Position {
                file: path.to_owned(),
                files,
                bytes,
            });
        }
        ControlFlow::Continue(())
    }
}
