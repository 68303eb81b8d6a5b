//! Jobs that are cancelled, put back by a stop, or cut off by the death of the daemon.

use super::*;
use crate::queue::recover::CRASHES;

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked_to_stop() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    host.queue.enqueue(install("aws")).await.unwrap();
    let running = host.queue.claim().await.unwrap();

    assert_eq!(
        host.queue.cancel(2).await.unwrap().0.status,
        JobStatus::Cancelled
    );
    assert_eq!(
        host.queue.cancel(2).await.unwrap_err().kind(),
        ErrorKind::JobNotCancellable
    );
    host.queue.cancel(1).await.unwrap();
    assert!(running.stop().is_cancelled() && running.was_cancelled());
    assert!(
        !running.begin_activation(),
        "a cancelled job does not activate"
    );
    running.finish(Outcome::Stopped).await.unwrap();
    assert_eq!(
        host.queue.get(1).await.unwrap().status,
        JobStatus::Cancelled
    );
    assert_eq!(
        host.queue.cancel(9).await.unwrap_err().kind(),
        ErrorKind::JobNotFound
    );
}

#[tokio::test]
async fn a_job_cannot_be_cancelled_once_its_activation_has_begun() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    assert!(job.begin_activation());
    assert_eq!(
        host.queue.cancel(1).await.unwrap_err().kind(),
        ErrorKind::JobNotCancellable
    );
}

#[tokio::test]
async fn to_plan_again_is_no_attempt() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    for _ in 0..3 {
        let job = host.queue.claim().await.unwrap();
        assert_eq!(job.attempt(), 1, "another job's doing is not its failure");
        job.finish(Outcome::Again).await.unwrap();
    }
}

#[tokio::test]
async fn a_stop_of_the_daemon_puts_jobs_back_without_an_attempt() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    host.queue.stop_all();
    job.finish(Outcome::Stopped).await.unwrap();
    let view = host.queue.get(1).await.unwrap();
    assert_eq!((view.status, view.attempt), (JobStatus::Queued, 0));
}

#[tokio::test]
async fn jobs_that_were_running_are_never_lost_and_run_later_when_the_daemon_dies_often() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    for _ in 1..=CRASHES {
        let job = host.queue.claim().await.unwrap();
        assert_eq!(job.attempt(), 1, "a death of the daemon is no attempt");
        drop(job);
        host.queue.recover().await.unwrap();
        assert!(host.queue.get(1).await.unwrap().retry_at.is_none());
    }
    drop(host.queue.claim().await.unwrap());
    host.queue.recover().await.unwrap();
    let view = host.queue.get(1).await.unwrap();
    assert_eq!(view.status, JobStatus::Queued);
    assert!(view.retry_at.is_some(), "it waits a little");
}

#[tokio::test]
async fn a_cancel_that_was_accepted_counts_after_the_death_of_the_daemon_too() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    host.queue.cancel(1).await.unwrap();
    drop(job);
    host.queue.recover().await.unwrap();
    let view = host.queue.get(1).await.unwrap();
    assert_eq!(view.status, JobStatus::Cancelled);
    assert!(view.finished_at.is_some());
}
