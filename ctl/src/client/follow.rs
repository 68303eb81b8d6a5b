//! The events of one job, from its first to its last.
//!
//! Ends when the job has ended, also when its last event was missed or is no
//! longer kept: whoever follows is never left waiting for a job that is over.

use std::collections::VecDeque;
use std::time::Duration;

use packd_wire::{EventKind, EventView, EventsQuery, JobStatus, JobView, JobsQuery};
use tokio::time::Instant;

use super::events::{AtFirst, EventStream, Item, PATIENCE};
use super::{Client, ClientError};

/// After so long without an event, the job is looked at.
const LOOK_AFTER: Duration = Duration::from_secs(15);
/// How many events are asked for at once: as many as the daemon gives.
const PAGE: u32 = 1000;
/// The pause between questions to a daemon that is away.
const PAUSE: Duration = Duration::from_millis(250);

/// What following brings.
#[derive(Debug)]
pub(crate) enum Step {
    /// Something happened.
    Event(EventView),
    /// The daemon is away; following goes on when it is back.
    Interrupted,
}

/// One job being followed.
#[derive(Debug)]
pub(crate) struct Follow<'c> {
    client: &'c Client,
    job: i64,
    stream: EventStream<'c>,
    pending: VecDeque<EventView>,
    ended: bool,
}

impl<'c> Follow<'c> {
    /// Follows a job from its first event on.
    pub(crate) fn new(client: &'c Client, job: i64) -> Self {
        let wanted = EventsQuery {
            job: Some(job),
            ..EventsQuery::default()
        };
        Self {
            client,
            job,
            stream: EventStream::new(client, wanted, AtFirst::Wait),
            pending: VecDeque::new(),
            ended: false,
        }
    }

    /// The job's number.
    pub(crate) fn id(&self) -> i64 {
        self.job
    }

    /// The jobs that are being worked on, at most `limit`; none when the daemon does not say.
    pub(crate) async fn at_work(&self, limit: u32) -> Vec<JobView> {
        let running = JobsQuery {
            status: Some(JobStatus::Running),
            limit: Some(limit),
            ..JobsQuery::default()
        };
        match self.client.jobs(&running).await {
            Ok(list) => list.jobs,
            // it is told on the side, and whatever is wrong is met again by who follows
            Err(_) => Vec::new(),
        }
    }

    /// Reads what is left of a job that has ended, without waiting for more.
    ///
    /// # Errors
    /// What the daemon refuses, or its absence.
    pub(crate) async fn drain(&mut self) -> Result<(), ClientError> {
        let mut query = EventsQuery {
            job: Some(self.job),
            since: Some(self.stream.since()),
            limit: Some(PAGE),
            ..EventsQuery::default()
        };
        loop {
            let page = self.client.events(&query).await?;
            self.pending.extend(page.events);
            match page.next {
                next @ Some(_) if next > query.since => query.since = next,
                Some(_) | None => break,
            }
        }
        self.ended = true;
        Ok(())
    }

    /// The next event of the job; nothing once it has ended.
    ///
    /// # Errors
    /// What the daemon refuses, and a daemon that stays away.
    pub(crate) async fn next(&mut self) -> Result<Option<Step>, ClientError> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Ok(Some(Step::Event(event)));
            }
            if self.ended {
                return Ok(None);
            }
            match tokio::time::timeout(LOOK_AFTER, self.stream.next()).await {
                Ok(Ok(Item::Event(frame))) => {
                    let Some(event) = frame.event else { continue };
                    self.ended = ends(&event);
                    return Ok(Some(Step::Event(event)));
                }
                Ok(Ok(Item::Interrupted)) => return Ok(Some(Step::Interrupted)),
                Ok(Err(error)) => return Err(error),
                Err(_) => match self.client.job(self.job).await {
                    Ok(job) if job.status.is_finished() => self.drain().await?,
                    Ok(_) => {}
                    Err(error) if error.is_interruption() => {}
                    Err(error) => return Err(error),
                },
            }
        }
    }

    /// The job as it is now; waits for a daemon that is away for a moment.
    ///
    /// # Errors
    /// What the daemon refuses, and a daemon that stays away.
    pub(crate) async fn job(&self) -> Result<JobView, ClientError> {
        let began = Instant::now();
        loop {
            match self.client.job(self.job).await {
                Err(error) if error.is_interruption() && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
    }
}

/// Whether a job's event is its last: it ended, and is not tried again.
fn ends(event: &EventView) -> bool {
    match event.kind {
        EventKind::JobSucceeded | EventKind::JobCancelled => true,
        EventKind::JobFailed => event
            .data
            .get("retry_at")
            .is_none_or(serde_json::Value::is_null),
        EventKind::JobQueued
        | EventKind::JobStarted
        | EventKind::StepStarted
        | EventKind::StepCompleted
        | EventKind::Downloading
        | EventKind::Extracting
        | EventKind::Testing
        | EventKind::Verifying
        | EventKind::Warning
        | EventKind::Info
        | EventKind::PackInstalled
        | EventKind::PackUpdated
        | EventKind::PackRemoved
        | EventKind::PackDamaged
        | EventKind::PackRepaired
        | EventKind::GenerationActivated
        | EventKind::HealthFailed
        | EventKind::HookSucceeded
        | EventKind::HookFailed
        | EventKind::RegistryRefreshed
        | EventKind::RegistryFailed
        | EventKind::UpdateAvailable => false,
    }
}
