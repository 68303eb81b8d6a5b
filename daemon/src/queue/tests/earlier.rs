//! Jobs on the same packs: who goes first, and who lets others go first.

use super::*;

#[tokio::test]
async fn jobs_are_claimed_in_order_and_two_on_one_pack_never_at_once() {
    let host = host();
    for source in ["slack@^2", "aws"] {
        host.queue.enqueue(install(source)).await.unwrap();
    }
    host.queue.enqueue(remove("slack")).await.unwrap();

    let first = host.queue.claim().await.unwrap();
    let second = host.queue.claim().await.unwrap();
    assert_eq!((first.id(), second.id()), (1, 2));
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "job 3 waits for job 1"
    );
    second.finish(Outcome::Unchanged).await.unwrap();
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "job 2 was on another pack"
    );
    first.finish(Outcome::Failed(problem())).await.unwrap();
    assert_eq!(host.queue.claim().await.unwrap().id(), 3);
}

#[tokio::test]
async fn a_pack_that_turns_up_later_sends_its_job_behind_the_earlier_one() {
    let host = host();
    host.queue.enqueue(install("slack")).await.unwrap();
    host.queue
        .enqueue(install("https://example.org/s.tar.gz"))
        .await
        .unwrap();
    let first = host.queue.claim().await.unwrap();
    let second = host.queue.claim().await.unwrap();

    assert_eq!(second.touch(vec!["slack".into()]).await.unwrap(), Some(1));
    second.finish(Outcome::After(1)).await.unwrap();
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "it waits without a worker"
    );
    first.finish(Outcome::Unchanged).await.unwrap();
    let again = host.queue.claim().await.unwrap();
    assert_eq!(
        (again.id(), again.attempt()),
        (2, 1),
        "waiting is not an attempt"
    );
}

#[tokio::test]
async fn who_lacks_something_waits_until_every_earlier_job_is_known() {
    let host = host();
    let url = |name: &str| install(&format!("https://example.org/{name}.tar.gz"));
    for job in [url("a"), url("b"), install("chat")] {
        host.queue.enqueue(job).await.unwrap();
    }
    let first = host.queue.claim().await.unwrap();
    let second = host.queue.claim().await.unwrap();
    let third = host.queue.claim().await.unwrap();

    assert_eq!(
        third.lacks(vec!["slack".into()]).await.unwrap(),
        Some(1),
        "either of the two may bring it, and the first is named"
    );
    third.finish(Outcome::After(1)).await.unwrap();
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "it waits without a worker"
    );
    first.touch(vec!["teams".into()]).await.unwrap();
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "the first brings something else, and of the second nothing is known"
    );
    second.touch(vec!["slack".into()]).await.unwrap();
    assert!(
        host.queue.try_claim().await.unwrap().is_none(),
        "the second brings it"
    );
    second.finish(Outcome::Unchanged).await.unwrap();
    let again = host.queue.claim().await.unwrap();
    assert_eq!(
        (again.id(), again.attempt()),
        (3, 1),
        "the first still runs, and is not in its way"
    );
    assert_eq!(again.lacks(vec!["slack".into()]).await.unwrap(), None);
}

#[tokio::test]
async fn who_lacks_something_is_woken_when_the_last_job_becomes_known() {
    let host = host();
    host.queue
        .enqueue(install("https://example.org/a.tar.gz"))
        .await
        .unwrap();
    host.queue.enqueue(install("chat")).await.unwrap();
    let first = host.queue.claim().await.unwrap();
    let second = host.queue.claim().await.unwrap();
    second.lacks(vec!["slack".into()]).await.unwrap();
    second.finish(Outcome::After(1)).await.unwrap();

    let (again, touched) = tokio::join!(host.queue.claim(), first.touch(vec!["teams".into()]));
    touched.unwrap();
    assert_eq!(again.unwrap().id(), 2, "nothing else would wake the worker");
}

#[tokio::test]
async fn nobody_waits_for_a_later_job_or_for_one_of_somebody_else() {
    let host = host();
    let theirs = NewJob {
        requester: someone(7),
        ..install("https://example.org/a.tar.gz")
    };
    host.queue.enqueue(theirs).await.unwrap();
    host.queue.enqueue(install("chat")).await.unwrap();
    host.queue
        .enqueue(install("https://example.org/b.tar.gz"))
        .await
        .unwrap();
    let _first = host.queue.claim().await.unwrap();
    let second = host.queue.claim().await.unwrap();
    let third = host.queue.claim().await.unwrap();
    assert_eq!(second.lacks(vec!["slack".into()]).await.unwrap(), None);
    third.touch(vec!["slack".into()]).await.unwrap();
    assert_eq!(second.lacks(vec!["slack".into()]).await.unwrap(), None);
}
