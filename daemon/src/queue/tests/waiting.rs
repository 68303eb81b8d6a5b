//! Who waits for whom, and who does not wait because the other one waits for its next attempt.

use super::*;
use crate::store::event::{self, Filter};

const LATER: Duration = Duration::from_mins(50);

/// Claims the next job and lets its attempt fail; the next one is due after `delay`.
async fn put_off(host: &Host, delay: Duration) {
    let job = host.queue.claim().await.unwrap();
    job.finish(Outcome::Retry(problem(), delay)).await.unwrap();
}

/// The stored events of a job, as kind and data.
async fn told(host: &Host, job: i64) -> Vec<(EventKind, serde_json::Value)> {
    let of_job = Filter {
        job: Some(job),
        ..Filter::default()
    };
    let read = move |connection: &_| event::since(connection, 0, &of_job, 100);
    let events = host.queue.inner.database.read(read).await.unwrap();
    let told = events.into_iter().map(|event| (event.kind, event.data));
    told.collect()
}

#[tokio::test]
async fn a_job_that_waits_for_its_next_attempt_holds_nobody_up() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    put_off(&host, LATER).await;

    let removal = NewJob {
        requester: someone(7),
        ..remove("slack")
    };
    let queued = host.queue.enqueue(removal).await.unwrap().into_job();
    assert_eq!(queued.waits_for, None, "it waits for nobody");
    let claimed = host.queue.try_claim().await.unwrap();
    let claimed = claimed.expect("a busy server does not decide when a pack can be removed");
    assert_eq!(claimed.touch(vec!["slack".into()]).await.unwrap(), None);
    let warnings = claimed.snapshot().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("job 1 (`install slack`) touches the same packs"),
        "what will change the pack later is named: {warnings:?}"
    );
}

#[tokio::test]
async fn who_lacks_something_does_not_wait_for_a_next_attempt() {
    let host = host();
    let url = install("https://example.org/a.tar.gz");
    host.queue.enqueue(url).await.unwrap();
    put_off(&host, LATER).await;
    host.queue.enqueue(remove("chat")).await.unwrap();
    let removal = host.queue.claim().await.unwrap();
    assert_eq!(removal.lacks(vec!["chat".into()]).await.unwrap(), None);
}

#[tokio::test]
async fn an_attempt_that_became_due_waits_for_the_later_job_that_runs() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let first = host.queue.claim().await.unwrap();
    host.queue.enqueue(remove("slack")).await.unwrap();
    let finish = first.finish(Outcome::Retry(problem(), Duration::from_millis(200)));
    finish.await.unwrap();
    let removal = host.queue.claim().await.unwrap();
    assert_eq!(removal.id(), 2, "the first waits for its time");

    let (again, finished) = tokio::join!(host.queue.claim(), async {
        while host.queue.get(1).await.unwrap().waits_for.is_none() {
            tokio::task::yield_now().await;
        }
        removal.finish(Outcome::Unchanged).await
    });
    finished.unwrap();
    let again = again.unwrap();
    assert_eq!((again.id(), again.attempt()), (1, 2), "one after the other");
}

#[tokio::test]
async fn who_waits_for_another_job_says_so_at_once() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let first = host.queue.claim().await.unwrap();
    let second = host.queue.enqueue(remove("slack")).await.unwrap();
    assert_eq!(second.into_job().waits_for, Some(1));
    let (kind, data) = told(&host, 2).await.pop().unwrap();
    assert_eq!((kind, &data["waits_for"]), (EventKind::Info, &1.into()));
    assert_eq!(
        data["message"],
        "waits for job 1, which may touch the same packs"
    );

    first.finish(Outcome::Unchanged).await.unwrap();
    assert_eq!(host.queue.get(2).await.unwrap().waits_for, None);
}

#[tokio::test]
async fn a_failed_attempt_is_a_warning_and_the_end_a_failure() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    put_off(&host, Duration::ZERO).await;
    let (kind, data) = told(&host, 1).await.pop().unwrap();
    assert_eq!(kind, EventKind::Warning, "the job has not failed: {data}");
    assert_eq!(
        (&data["attempt"], &data["error"]["detail"]),
        (&1.into(), &"no".into())
    );
    assert!(data["retry_at"].is_string(), "{data}");

    let job = host.queue.claim().await.unwrap();
    job.finish(Outcome::Failed(problem())).await.unwrap();
    let (kind, data) = told(&host, 1).await.pop().unwrap();
    assert_eq!(kind, EventKind::JobFailed);
    assert!(data["retry_at"].is_null(), "{data}");
}
