#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{EventView, JobStatus};

use super::*;
use crate::gc::tests::{Host, host};
use crate::store::event::{self as stored, Filter};

const OLD: &str = "slack/1.0.0-0123456789ab";
const NEW: &str = "slack/1.0.0-ba9876543210";
const JOB: i64 = 77;

async fn watch_it(host: &Host, generation: i64) {
    let database = &host.context.database;
    database
        .write(move |tx| watch::begin(tx, generation, JOB))
        .await
        .unwrap();
}

async fn next(host: &Host) -> Next {
    let stop = CancellationToken::new();
    turn(&host.context, &host.queue, &stop).await.unwrap()
}

async fn told(host: &Host) -> Vec<EventView> {
    let filter = Filter {
        job: Some(JOB),
        ..Filter::default()
    };
    let database = &host.context.database;
    database
        .read(move |connection| stored::since(connection, 0, &filter, 10))
        .await
        .unwrap()
}

const NOW: Next = Next::After(Duration::ZERO);

#[tokio::test]
async fn without_a_watch_nothing_is_due_and_one_with_nothing_to_ask_is_over_at_once() {
    let host = host();
    assert_eq!(next(&host).await, Next::Wait);
    let generation = host.activate(OLD).await;
    watch_it(&host, generation).await;
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Wait);
    assert_eq!(
        told(&host).await,
        [],
        "nothing was asked, so nothing is said"
    );
}

#[tokio::test]
async fn a_watch_is_over_when_another_generation_is_active() {
    let host = host();
    let first = host.activate(OLD).await;
    watch_it(&host, first).await;
    host.activate(NEW).await;
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Wait);
    let told = told(&host).await;
    assert_eq!(told[0].kind, EventKind::Info);
    assert_eq!(host.queue.counts().await.unwrap().queued, 0);
}

#[tokio::test]
async fn a_failure_that_was_written_before_packd_died_leads_back_once() {
    let host = host();
    host.activate(OLD).await;
    let second = host.activate(NEW).await;
    watch_it(&host, second).await;
    let database = &host.context.database;
    database
        .write(move |tx| watch::fail(tx, second, "it is ill"))
        .await
        .unwrap();
    // as if packd had died after it asked for the way back, too
    let before = back::ask(&host.context, &host.queue, second, "died".to_owned())
        .await
        .unwrap();
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Wait);
    let told = told(&host).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, EventKind::HealthFailed);
    let rollback = told[0].data["rollback"].as_i64().unwrap();
    assert_eq!(before, Back::Asked(rollback));
    let job = host.queue.get(rollback).await.unwrap();
    assert_eq!(job.status, JobStatus::Queued);
    assert_eq!(
        host.queue.list(None, None, 10).await.unwrap().len(),
        1,
        "it is one job"
    );
}

#[tokio::test]
async fn a_failure_is_no_way_back_over_what_was_activated_meanwhile() {
    let host = host();
    host.activate(OLD).await;
    let second = host.activate(NEW).await;
    watch_it(&host, second).await;
    let database = &host.context.database;
    database
        .write(move |tx| watch::fail(tx, second, "it is ill"))
        .await
        .unwrap();
    host.activate(OLD).await;
    assert_eq!(next(&host).await, NOW);
    let told = told(&host).await;
    assert_eq!(told[0].kind, EventKind::Warning);
    assert_eq!(
        told[0].data["message"],
        "the host was not well with generation 2: it is ill; generation 2 is not active any more, \
         and what is active now is left as it is"
    );
    assert_eq!(host.queue.counts().await.unwrap().queued, 0);
}
