//! `job show --log`: all that is kept of a job: its record, every stored event, and what the tests that it ran wrote.

use jiff::Timestamp;
use packd_wire::{EventView, EventsQuery, JobView, TestView, TestsQuery};
use serde::Serialize;

use super::page;
use crate::client::{Client, ClientError};
use crate::command::{events, tests};
use crate::output::{BOLD, Width, styled};

/// Events of one page.
const PAGE: u32 = 1000;
/// So many results of a pack's tests are looked through for those of the job.
const RESULTS: u32 = 20;

/// All that is kept of a job.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    /// Its record.
    job: JobView,
    /// Its stored events, the oldest first.
    events: Vec<EventView>,
    /// Results of the tests that it ran, with what they wrote.
    tests: Vec<TestView>,
}

impl Log {
    /// Brings all of it.
    ///
    /// # Errors
    /// Those of the client.
    pub(super) async fn of(client: &Client, job: JobView) -> Result<Self, ClientError> {
        let events = events_of(client, job.id).await?;
        let tests = tests_of(client, &job).await?;
        Ok(Self { job, events, tests })
    }

    /// For people: the record, then what happened, then what tests wrote.
    pub(super) fn page(&self, now: Timestamp, width: Width) -> String {
        let mut text = page(&self.job, now, width);
        text.push('\n');
        text.push_str(&styled(BOLD, "events"));
        text.push('\n');
        text.extend(self.events.iter().map(events::line));
        for test in &self.tests {
            text.push('\n');
            text.push_str(&tests::page(test));
        }
        text
    }
}

async fn events_of(client: &Client, job: i64) -> Result<Vec<EventView>, ClientError> {
    let mut wanted = EventsQuery {
        since: Some(0),
        job: Some(job),
        limit: Some(PAGE),
        ..EventsQuery::default()
    };
    let mut events = Vec::new();
    loop {
        let page = client.events(&wanted).await?;
        events.extend(page.events);
        match page.next {
            next @ Some(_) if next > wanted.since => wanted.since = next,
            Some(_) | None => return Ok(events),
        }
    }
}

/// Results are kept by pack; a job's are those of the packs that it named.
async fn tests_of(client: &Client, job: &JobView) -> Result<Vec<TestView>, ClientError> {
    let changes = job.plan.iter().flat_map(|plan| &plan.changes);
    let mut packs: Vec<&str> = changes
        .filter_map(|change| change.pack_ref.as_deref())
        .collect();
    packs.extend(job.request.get("ref").and_then(serde_json::Value::as_str));
    packs.sort_unstable();
    packs.dedup();
    let query = TestsQuery {
        limit: Some(RESULTS),
        report: true,
        ..TestsQuery::default()
    };
    let mut tests = Vec::new();
    for pack in packs {
        let results = client.tests(pack, &query).await?.tests.into_iter();
        tests.extend(results.filter(|test| test.job == job.id));
    }
    Ok(tests)
}
