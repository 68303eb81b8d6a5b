//! The steps that several packs of one plan take at the same time, told as the steps of one job.
//!
//! Of one pack everything is told as it is. Of several a step begins with the first of them and is complete with
//! the last, and the numbers of their downloads are added up.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use packd_wire::{EventKind, ProgressUnit, ProgressView, StepName};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::queue::{Claimed, JobRequest};
use crate::store::StoreError;

/// What the packs of a job tell.
#[derive(Debug)]
pub(super) struct Together<'a> {
    job: &'a Claimed,
    packs: usize,
    stop: CancellationToken,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// How many packs are through with each step that has begun.
    steps: BTreeMap<StepName, usize>,
    /// Steps that packs do not need, and how many do not.
    skipped: BTreeMap<StepName, usize>,
    /// How many bytes of each download are here, and how many there are.
    downloads: BTreeMap<String, (u64, Option<u64>)>,
}

impl<'a> Together<'a> {
    /// Of so many packs. What stops the job stops them.
    pub(super) fn new(job: &'a Claimed, packs: usize) -> Self {
        Self {
            job,
            packs,
            stop: job.stop().child_token(),
            told: Mutex::default(),
        }
    }

    /// What the job was asked to do.
    pub(super) fn request(&self) -> &JobRequest {
        self.job.request()
    }

    /// Ends when they shall stop.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// One of them begins a step.
    pub(super) async fn begin(
        &self,
        name: StepName,
        message: Option<String>,
    ) -> Result<(), StoreError> {
        if self.packs == 1 {
            return self.job.begin(name, message).await;
        }
        let is_first = {
            let mut told = self.told();
            let is_first = !told.steps.contains_key(&name);
            told.steps.entry(name).or_default();
            is_first
        };
        if is_first {
            self.job.begin(name, Some(self.count())).await?;
        }
        Ok(())
    }

    /// One of them is through with a step.
    pub(super) async fn complete(
        &self,
        name: StepName,
        message: impl Into<String>,
    ) -> Result<(), StoreError> {
        if self.packs == 1 {
            return self.job.complete(name, message).await;
        }
        *self.told().steps.entry(name).or_default() += 1;
        self.complete_if_all(name).await
    }

    /// One of them does not need a step.
    pub(super) async fn skip(&self, name: StepName) -> Result<(), StoreError> {
        if self.packs == 1 {
            return Ok(());
        }
        *self.told().skipped.entry(name).or_default() += 1;
        self.complete_if_all(name).await
    }

    async fn complete_if_all(&self, name: StepName) -> Result<(), StoreError> {
        let is_all = {
            let told = self.told();
            let skipped = told.skipped.get(&name).copied().unwrap_or_default();
            let done = told.steps.get(&name).copied();
            done.is_some_and(|done| done + skipped == self.packs)
        };
        if is_all {
            self.job.complete(name, self.count()).await?;
        }
        Ok(())
    }

    /// Notes something odd that is not in the way.
    pub(super) async fn warn(
        &self,
        pack_ref: Option<&str>,
        message: String,
    ) -> Result<(), StoreError> {
        self.job.warn(pack_ref, message).await
    }

    /// Says something worth knowing.
    pub(super) async fn tell(
        &self,
        kind: EventKind,
        pack_ref: Option<&str>,
        data: Value,
    ) -> Result<(), StoreError> {
        self.job.tell(kind, pack_ref, data).await
    }

    /// Says how far a download is; not stored.
    pub(super) fn downloading(&self, url: &str, done: u64, total: Option<u64>) {
        let (done, total) = {
            let mut told = self.told();
            told.downloads.insert(url.to_owned(), (done, total));
            let done = told.downloads.values().map(|(done, _)| done).sum();
            let totals = told.downloads.values().map(|(_, total)| *total);
            let total = totals.sum::<Option<u64>>();
            // before each of them has begun, nobody knows how much there is in all
            let all_began = told.downloads.len() >= self.packs;
            (done, total.filter(|_| all_began))
        };
        self.job.set_progress(Some(ProgressView {
            step: StepName::Fetch,
            done,
            total,
            unit: ProgressUnit::Bytes,
        }));
    }

    /// Tells progress to subscribers; not stored.
    pub(super) fn progress(&self, kind: EventKind, pack_ref: Option<&str>, data: Value) {
        self.job.progress(kind, pack_ref, data);
    }

    fn count(&self) -> String {
        format!("{} packs", self.packs)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
