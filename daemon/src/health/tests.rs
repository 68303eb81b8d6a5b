#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{EventView, GcRequest, JobStatus, Requester};

use super::*;
use crate::gc::tests::{Host, host};
use crate::queue::{JobRequest, NewJob, Outcome};
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

/// What was told of the health with the job.
async fn told(host: &Host) -> Vec<EventView> {
    let filter = Filter {
        job: Some(JOB),
        ..Filter::default()
    };
    let database = &host.context.database;
    let mut told = database
        .read(move |connection| stored::since(connection, 0, &filter, 10))
        .await
        .unwrap();
    told.retain(|event| {
        matches!(
            event.kind,
            EventKind::HealthFailed | EventKind::Warning | EventKind::Info
        )
    });
    told
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
    let before = back::ask(&host.context, &host.queue, second, 0, "died".to_owned())
        .await
        .unwrap();
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Ended);
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

/// Makes the job that activated the generation one that there is.
async fn make_job(host: &Host) {
    let database = &host.context.database;
    let before = "INSERT INTO sqlite_sequence (name, seq) VALUES ('job', ?1)";
    database
        .write(move |tx| tx.execute(before, [JOB - 1]))
        .await
        .unwrap();
    let new = NewJob {
        request: JobRequest::Gc(GcRequest::default()),
        requester: Requester {
            uid: 0,
            user: None,
            pid: None,
            agent: None,
        },
        idempotency: None,
        automatic: true,
    };
    host.queue.enqueue(new).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    assert_eq!(job.id(), JOB);
    job.finish(Outcome::Unchanged).await.unwrap();
}

/// The second generation, which is to be gone back from, and the job that was asked for.
async fn asked(host: &Host) -> (i64, i64) {
    make_job(host).await;
    host.activate(OLD).await;
    let second = host.activate(NEW).await;
    watch_it(host, second).await;
    let database = &host.context.database;
    database
        .write(move |tx| watch::fail(tx, second, "it is ill"))
        .await
        .unwrap();
    assert_eq!(next(host).await, NOW);
    assert_eq!(next(host).await, Next::Ended);
    (second, going(host).await.rollback.unwrap())
}

/// The watch.
async fn going(host: &Host) -> Watched {
    let database = &host.context.database;
    database.read(watch::oldest).await.unwrap().unwrap()
}

/// Lets the job that goes back fail, as on a full disk.
async fn fail_one(host: &Host) -> i64 {
    let job = host.queue.claim().await.unwrap();
    let id = job.id();
    let problem = packd_wire::Problem::new(packd_wire::ErrorKind::NoSpace, "the disk is full");
    job.finish(Outcome::Failed(problem)).await.unwrap();
    id
}

/// Puts the end of a job back by so many seconds.
async fn long_ago(host: &Host, job: i64, seconds: u64) {
    let then = time::before(Duration::from_secs(seconds));
    let database = &host.context.database;
    database
        .write(move |tx| {
            tx.execute(
                "UPDATE job SET finished_at = ?2 WHERE id = ?1",
                (job, &then),
            )
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_way_back_that_fails_is_told_and_asked_for_again_until_it_was_taken() {
    let host = host();
    let (second, first_job) = asked(&host).await;
    assert_eq!(fail_one(&host).await, first_job);
    let Next::After(pause) = next(&host).await else {
        panic!("it is tried again");
    };
    assert!(!pause.is_zero() && pause <= FIRST_PAUSE, "{pause:?}");
    let heard = told(&host).await;
    let kinds: Vec<_> = heard.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::HealthFailed, EventKind::Warning]);
    assert_eq!(
        heard[1].data["message"],
        format!(
            "job {first_job} did not go back from generation {second}: the disk is full; it is tried again 60 s later, \
             for as long as the generation is active"
        )
    );

    long_ago(&host, first_job, 61).await;
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Ended);
    let again = going(&host).await;
    assert_ne!(again.rollback, Some(first_job), "it is another job");
    assert_eq!(again.tries, 1);
    assert_eq!(told(&host).await.len(), 2, "nothing is told twice");

    let second_job = fail_one(&host).await;
    assert_eq!(again.rollback, Some(second_job));
    long_ago(&host, second_job, 61).await;
    let Next::After(pause) = next(&host).await else {
        panic!("it is tried again");
    };
    assert!(!pause.is_zero(), "the pause is twice as long now");

    host.activate(OLD).await;
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Wait);
}

#[tokio::test]
async fn a_way_back_that_somebody_cancels_is_not_asked_for_again() {
    let host = host();
    let (second, job) = asked(&host).await;
    host.queue.cancel(job).await.unwrap();
    assert_eq!(next(&host).await, NOW);
    assert_eq!(next(&host).await, Next::Wait);
    let told = told(&host).await;
    assert_eq!(
        told.last().unwrap().data["message"],
        format!(
            "job {job}, which was to go back from generation {second}, was cancelled: the generation stays"
        )
    );
}

#[tokio::test]
async fn a_way_back_that_a_hook_asked_for_is_looked_after_too() {
    let host = host();
    host.activate(OLD).await;
    let second = host.activate(NEW).await;
    let because = "hook `check` failed".to_owned();
    let Back::Asked(job) = back::ask(&host.context, &host.queue, second, 0, because)
        .await
        .unwrap()
    else {
        panic!("there is a way back");
    };
    let database = &host.context.database;
    database
        .write(move |tx| watch::go_back(tx, second, JOB, "hook `check` failed", Some(job)))
        .await
        .unwrap();
    assert_eq!(next(&host).await, Next::Ended);
    assert_eq!(fail_one(&host).await, job);
    assert!(matches!(next(&host).await, Next::After(_)));
    let told = told(&host).await;
    assert_eq!(told[0].kind, EventKind::Warning);
    assert_eq!(going(&host).await.rollback, Some(job));
}

#[test]
fn the_pauses_of_the_way_back_grow_up_to_an_hour() {
    assert_eq!(
        [0, 1, 2, 6, 1_000].map(|tries| pause(tries).as_secs()),
        [60, 120, 240, 3_600, 3_600]
    );
}
