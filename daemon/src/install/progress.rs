//! Progress of one download and what comes out of it, told at most every 100 ms.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use packd_wire::EventKind;
use serde_json::json;

use super::together::Together;
use crate::source::Progress;

/// The shortest time between two events of one kind.
const EVERY: Duration = Duration::from_millis(100);

/// Tells how far a download and its extraction are.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    job: &'a Together<'a>,
    pack_ref: Option<&'a str>,
    downloading: Gate,
    extracting: Gate,
}

#[derive(Debug, Default)]
struct Gate(Mutex<Option<Instant>>);

impl Gate {
    fn opens(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < EVERY) {
            return false;
        }
        *last = Some(now);
        true
    }
}

impl<'a> Teller<'a> {
    pub(super) fn new(job: &'a Together<'a>, pack_ref: Option<&'a str>) -> Self {
        Self {
            job,
            pack_ref,
            downloading: Gate::default(),
            extracting: Gate::default(),
        }
    }
}

impl Progress for Teller<'_> {
    fn downloading(&self, url: &str, done: u64, total: Option<u64>) {
        if total != Some(done) && !self.downloading.opens() {
            return;
        }
        self.job.downloading(url, done, total);
        let data = json!({"url": url, "downloaded_bytes": done, "total_bytes": total});
        self.job
            .progress(EventKind::Downloading, self.pack_ref, data);
    }

    fn extracting(&self, file: &str, files: u64, bytes: u64) {
        if self.extracting.opens() {
            let data = json!({"file": file, "files": files, "bytes": bytes});
            self.job
                .progress(EventKind::Extracting, self.pack_ref, data);
        }
    }
}
