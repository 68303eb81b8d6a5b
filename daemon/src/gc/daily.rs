//! Asks for a job of the kind `gc` by itself: once a day, and when a job leaves too little space.
//!
//! When the next one is due is in the database: a restart does not begin to count anew, and what was due while packd
//! did not run comes when it does.

use std::sync::Arc;
use std::time::Duration;

use packd_wire::{GcRequest, Requester};
use tokio_util::sync::CancellationToken;

use crate::install::Context;
use crate::logging::chain;
use crate::queue::{JobRequest, NewJob, Queue, QueueError};
use crate::store::{self, Database, StoreError, collect, patience, time};

/// How long after one run the next is due.
const EVERY: Duration = Duration::from_hours(24);

/// How long one that was asked for because of too little space is the last such.
const LOW_EVERY: Duration = Duration::from_mins(10);

/// The names that the times are noted by.
const DAILY: &str = "gc";
const LOW: &str = "gc after a job";

/// Asks for a job each time that it is due, until `stop`.
pub(crate) async fn run(database: Database, queue: Queue, stop: CancellationToken) {
    loop {
        let asked = async {
            let due = due(&database).await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(time::until(&due)) => {}
            }
            ask(&database, &queue).await?;
            note(&database, DAILY, EVERY).await?;
            Ok::<_, QueueError>(())
        };
        if let Err(error) = asked.await {
            tracing::error!(error = %chain(&error), "cannot ask for the daily gc");
            patience::pause(&stop).await;
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Asks for a job when less than `store.min_free` is free, and none was asked for so shortly before.
pub(crate) async fn if_low(context: &Context, queue: &Queue) {
    let asked = async {
        let layout = Arc::clone(&context.layout);
        let free = store::off_thread(move || store::tree::free_bytes(&layout)).await?;
        if free >= context.config.current().store.min_free.bytes() {
            return Ok(());
        }
        let database = &context.database;
        let last = database
            .read(|connection| collect::due(connection, LOW))
            .await?;
        if wait(last.as_deref(), LOW_EVERY).is_zero() {
            tracing::info!(free, "less than `store.min_free` is free: asking for a gc");
            ask(database, queue).await?;
            note(database, LOW, LOW_EVERY).await?;
        }
        Ok::<_, QueueError>(())
    };
    if let Err(error) = asked.await {
        tracing::warn!(error = %chain(&error), "cannot ask for a gc");
    }
}

/// When the next daily job is due: at first a day from now, and never later than that, as it would be after the clock
/// was set back.
async fn due(database: &Database) -> Result<String, StoreError> {
    let noted = database
        .read(|connection| collect::due(connection, DAILY))
        .await?;
    match noted {
        Some(due) if time::until(&due) <= EVERY => Ok(due),
        _ => note(database, DAILY, EVERY).await,
    }
}

/// How long until what is due, of something that is due at most so long from now.
fn wait(due: Option<&str>, every: Duration) -> Duration {
    let wait = due.map(time::until).unwrap_or_default();
    if wait > every { Duration::ZERO } else { wait }
}

async fn note(
    database: &Database,
    name: &'static str,
    after: Duration,
) -> Result<String, StoreError> {
    let due = time::after(after);
    let noted = due.clone();
    database
        .write(move |tx| collect::set_due(tx, name, &noted))
        .await?;
    Ok(due)
}

/// Queues a job, in the name of packd's own user, unless one has not ended.
async fn ask(database: &Database, queue: &Queue) -> Result<(), QueueError> {
    if database.read(collect::is_under_way).await? {
        return Ok(());
    }
    let requester = Requester {
        uid: rustix::process::geteuid().as_raw(),
        user: None,
        pid: i32::try_from(std::process::id()).ok(),
        agent: Some(concat!("packd/", env!("CARGO_PKG_VERSION")).to_owned()),
    };
    let new = NewJob {
        request: JobRequest::Gc(GcRequest::default()),
        requester,
        idempotency: None,
        automatic: true,
    };
    queue.enqueue(new).await.map(drop)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::event::Hub;

    async fn jobs(queue: &Queue) -> usize {
        queue.list(None, None, 10).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_restart_does_not_begin_to_count_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packd.db");
        let (database, threads) = Database::open(&path).unwrap();
        let first = due(&database).await.unwrap();
        drop(database);
        threads.join();
        let (database, _threads) = Database::open(&path).unwrap();
        assert_eq!(due(&database).await.unwrap(), first);
    }

    #[tokio::test]
    async fn what_was_due_while_packd_was_away_comes_at_once_and_then_a_day_later() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let queue = Queue::new(database.clone(), Hub::default());
        let past = time::before(Duration::from_secs(5));
        let (db, at) = (database.clone(), past.clone());
        db.write(move |tx| collect::set_due(tx, DAILY, &at))
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let running = run(database.clone(), queue.clone(), stop.clone());
        let noted = async {
            loop {
                let due = database.read(|c| collect::due(c, DAILY)).await.unwrap();
                if due.as_ref() != Some(&past) {
                    break due.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        let due = tokio::select! {
            () = running => panic!("it goes on"),
            due = noted => due,
        };
        assert!(time::until(&due) > Duration::from_hours(23));
        assert_eq!(jobs(&queue).await, 1);
        ask(&database, &queue).await.unwrap();
        assert_eq!(jobs(&queue).await, 1, "one is under way");
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_delays_nothing_by_more_than_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        note(&database, DAILY, EVERY * 400).await.unwrap();
        assert!(time::until(&due(&database).await.unwrap()) <= EVERY);
        let far = time::after(LOW_EVERY * 400);
        assert!(wait(Some(&far), LOW_EVERY).is_zero());
    }
}
