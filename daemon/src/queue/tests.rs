#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{
    ErrorKind, EventKind, InstallRequest, Problem, RemoveQuery, Requester, StepName, UploadQuery,
};

use super::enqueue::UNFINISHED_PER_USER;
use super::*;
use crate::store::Threads;

mod earlier;
mod interrupted;
mod waiting;

struct Host {
    _folder: tempfile::TempDir,
    _threads: Threads,
    queue: Queue,
}

fn host() -> Host {
    let folder = tempfile::tempdir().unwrap();
    let (database, threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    let queue = Queue::new(database, Hub::default());
    Host {
        _folder: folder,
        _threads: threads,
        queue,
    }
}

fn someone(uid: u32) -> Requester {
    Requester {
        uid,
        user: None,
        pid: Some(1),
        agent: None,
    }
}

fn install(source: &str) -> NewJob {
    let request = JobRequest::Install(InstallRequest {
        source: source.to_owned(),
        ..InstallRequest::default()
    });
    NewJob {
        request,
        requester: someone(0),
        idempotency: None,
        automatic: false,
    }
}

fn remove(pack_ref: &str) -> NewJob {
    let request = JobRequest::Remove(RemoveRequest {
        pack_ref: pack_ref.to_owned(),
        query: RemoveQuery::default(),
    });
    NewJob {
        request,
        requester: someone(0),
        idempotency: None,
        automatic: false,
    }
}

fn problem() -> Problem {
    Problem::new(ErrorKind::FetchFailed, "no")
}

#[tokio::test]
async fn a_retry_waits_for_its_time_and_shows_why() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    job.finish(Outcome::Retry(problem(), Duration::from_hours(1)))
        .await
        .unwrap();

    assert!(host.queue.try_claim().await.unwrap().is_none());
    let view = host.queue.get(1).await.unwrap();
    assert_eq!(view.status, JobStatus::Queued);
    assert!(view.retry_at.is_some() && view.error.is_some());
}

#[tokio::test]
async fn the_same_key_and_request_give_the_same_job_and_another_request_a_conflict() {
    let host = host();
    let keyed = |hash: &str, uid| NewJob {
        idempotency: Some(("key".into(), hash.into())),
        requester: someone(uid),
        ..install("slack")
    };
    let Queued::New(first) = host.queue.enqueue(keyed("a", 7)).await.unwrap() else {
        panic!("nothing was queued under this key before");
    };
    let Queued::Known(same) = host.queue.enqueue(keyed("a", 7)).await.unwrap() else {
        panic!("who asks again is told that the job was there already");
    };
    assert_eq!(first.id, same.id);
    let conflict = host.queue.enqueue(keyed("b", 7)).await.unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::IdempotencyConflict);
    let other_user = host.queue.enqueue(keyed("b", 8)).await.unwrap();
    let other_user = other_user.into_job().id;
    assert_ne!(other_user, first.id, "keys are each user's own");
}

#[tokio::test]
async fn who_waits_is_told_of_the_end() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    let early = host.queue.wait(1, Duration::ZERO).await.unwrap();
    assert_eq!(early.status, JobStatus::Queued, "no patience, no wait");

    let (ended, ()) = tokio::join!(host.queue.wait(1, Duration::from_mins(1)), async {
        let job = host.queue.claim().await.unwrap();
        job.finish(Outcome::Unchanged).await.unwrap();
    });
    assert_eq!(ended.unwrap().status, JobStatus::Succeeded);
}

#[tokio::test]
async fn events_tell_a_job_from_beginning_to_end_in_order() {
    let host = host();
    let mut events = host.queue.inner.hub.subscribe();
    host.queue.enqueue(install("slack")).await.unwrap();
    let job = host.queue.claim().await.unwrap();
    job.begin(StepName::Resolve, None).await.unwrap();
    job.complete(StepName::Resolve, "nothing to do")
        .await
        .unwrap();
    job.warn(None, "odd".into()).await.unwrap();
    job.warn(None, "odd".into()).await.unwrap();
    job.finish(Outcome::Unchanged).await.unwrap();

    let mut told = Vec::new();
    while let Ok(frame) = events.try_recv() {
        told.push((frame.seq, frame.kind));
    }
    assert_eq!(
        told,
        [
            (Some(1), EventKind::JobQueued),
            (Some(2), EventKind::JobStarted),
            (Some(3), EventKind::StepStarted),
            (Some(4), EventKind::StepCompleted),
            (Some(5), EventKind::Warning),
            (Some(6), EventKind::JobSucceeded),
        ],
        "each once, the warning too"
    );
    let view = host.queue.get(1).await.unwrap();
    assert_eq!(view.steps.len(), 1);
    assert_eq!(view.warnings, ["odd"]);
}

#[tokio::test]
async fn one_user_cannot_fill_the_queue() {
    let host = host();
    for _ in 0..UNFINISHED_PER_USER {
        host.queue
            .enqueue(NewJob {
                requester: someone(7),
                ..install("slack")
            })
            .await
            .unwrap();
    }
    let full = host
        .queue
        .enqueue(NewJob {
            requester: someone(7),
            ..install("slack")
        })
        .await;
    assert_eq!(full.unwrap_err().kind(), ErrorKind::TooMany);
    host.queue
        .enqueue(NewJob {
            requester: someone(8),
            ..install("slack")
        })
        .await
        .unwrap();
}

#[test]
fn the_switches_of_a_request_are_found_wherever_it_has_them() {
    let all = Flags {
        force: true,
        dry_run: true,
        skip_deps: true,
        skip_tests: true,
        change_origin: true,
    };
    let install = InstallRequest {
        force: true,
        dry_run: true,
        skip_deps: true,
        skip_tests: true,
        change_origin: true,
        ..InstallRequest::default()
    };
    assert_eq!(JobRequest::Install(install).flags(), all);
    let upload = UploadRequest {
        file: "f".into(),
        digest: "sha256:0".into(),
        bytes: 0,
        query: UploadQuery {
            force: true,
            dry_run: true,
            skip_deps: true,
            skip_tests: true,
            ..UploadQuery::default()
        },
    };
    let expected = Flags {
        change_origin: false,
        ..all
    };
    assert_eq!(
        JobRequest::Upload(upload).flags(),
        expected,
        "what is sent comes from no registry"
    );
    let removal = RemoveRequest {
        pack_ref: "slack".into(),
        query: RemoveQuery {
            force: true,
            dry_run: true,
            ..RemoveQuery::default()
        },
    };
    let expected = Flags {
        force: true,
        dry_run: true,
        ..Flags::default()
    };
    assert_eq!(
        JobRequest::Remove(removal).flags(),
        expected,
        "a removal has no others"
    );
}

#[test]
fn credentials_in_a_source_are_not_shown() {
    let job = install("https://example.org/s.tar.gz?token=secret");
    assert!(
        !job.request.summary().contains("secret"),
        "{}",
        job.request.summary()
    );
    assert!(!job.request.public().to_string().contains("secret"));
}

#[tokio::test]
async fn of_steps_that_overlap_the_one_that_failed_is_blamed() {
    use StepName::{Fetch, Resolve, Unpack};
    use packd_wire::StepStatus::{Completed, Failed, Stopped};
    let of = |step| {
        let mut problem = problem();
        problem.step = step;
        problem
    };
    for (outcome, fetch, unpack, blamed) in [
        (
            Outcome::Failed(of(Some(Fetch))),
            Failed,
            Stopped,
            Some(Fetch),
        ),
        (
            Outcome::Retry(of(Some(Fetch)), Duration::ZERO),
            Failed,
            Stopped,
            Some(Fetch),
        ),
        (
            Outcome::Failed(of(Some(Unpack))),
            Stopped,
            Failed,
            Some(Unpack),
        ),
        (Outcome::Failed(of(None)), Stopped, Failed, Some(Unpack)),
        (Outcome::Again, Stopped, Stopped, None),
    ] {
        let host = host();
        host.queue.enqueue(install("slack")).await.unwrap();
        let job = host.queue.claim().await.unwrap();
        job.begin(Resolve, None).await.unwrap();
        job.complete(Resolve, "slack 2.1.0").await.unwrap();
        job.begin(Fetch, None).await.unwrap();
        job.begin(Unpack, None).await.unwrap();
        let (id, said) = (job.id(), format!("{outcome:?}"));
        job.finish(outcome).await.unwrap();
        let view = host.queue.get(id).await.unwrap();
        let steps: Vec<_> = view
            .steps
            .iter()
            .map(|step| (step.name, step.status))
            .collect();
        assert_eq!(
            steps,
            [(Resolve, Completed), (Fetch, fetch), (Unpack, unpack)],
            "{said}"
        );
        assert_eq!(
            view.error.and_then(|problem| problem.step),
            blamed,
            "{said}"
        );
    }
}
