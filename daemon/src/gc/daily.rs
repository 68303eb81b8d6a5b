//! Asks for a job of the kind `gc` by itself: once a day, and when a job leaves too little space.
//!
//! When it last did is in the database: a restart does not begin to count anew, and what was due while packd did not run
//! comes when it does. The time of the day is the host's own, so that hosts which were set up together do not all
//! work on the same disks at once.

use std::sync::Arc;
use std::time::Duration;

use packd_format::Digest;
use packd_wire::{GcRequest, Requester};
use tokio_util::sync::CancellationToken;

use crate::install::Context;
use crate::logging::chain;
use crate::queue::{JobRequest, NewJob, Queue, QueueError};
use crate::store::{self, Database, StoreError, collect, patience, reserve, routine, time};

const DAY: Duration = Duration::from_hours(24);

/// How long one that was asked for because of too little space is the last such.
const LOW_EVERY: Duration = Duration::from_mins(10);

/// The names that the times are noted by.
const DAILY: &str = "gc";
const LOW: &str = "gc after a job";

/// Asks for a job each time that it is due, until `stop`.
pub(crate) async fn run(database: Database, queue: Queue, stop: CancellationToken) {
    let slot = store::off_thread(|| Ok(slot(&identity()))).await;
    let slot = slot.unwrap_or_default();
    loop {
        let asked = async {
            let wait = due(&database, slot).await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
            ask(&database, &queue).await?;
            routine::note(&database, DAILY).await?;
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
        let look = move || {
            // what a full disk took of it
            reserve::make(&layout.state_dir);
            store::tree::free_bytes(&layout)
        };
        let free = store::off_thread(look).await?;
        if free >= context.config.current().store.min_free.bytes() {
            return Ok(());
        }
        let database = &context.database;
        let read = |connection: &_| routine::last(connection, LOW);
        let last = database.read(read).await?;
        if routine::wait(last.as_deref(), LOW_EVERY).is_zero() {
            tracing::info!(free, "less than `store.min_free` is free: asking for a gc");
            ask(database, queue).await?;
            routine::note(database, LOW).await?;
        }
        Ok::<_, QueueError>(())
    };
    if let Err(error) = asked.await {
        tracing::warn!(error = %chain(&error), "cannot ask for a gc");
    }
}

/// How long until the next daily job, which comes at `slot` of each day. The first time, what may need it begins to
/// gather now.
async fn due(database: &Database, slot: Duration) -> Result<Duration, StoreError> {
    let read = |connection: &_| routine::last(connection, DAILY);
    let last = if let Some(last) = database.read(read).await? {
        last
    } else {
        routine::note(database, DAILY).await?;
        time::now()
    };
    Ok(routine::wait(Some(&last), until_slot(&last, slot)))
}

/// How long after this time it is `slot` of a day: a day, if it is just then.
fn until_slot(last: &str, slot: Duration) -> Duration {
    let over = time::of_day(last);
    let slot = if slot > over { slot } else { slot + DAY };
    slot.saturating_sub(over)
}

/// When in the day this host does it.
fn slot(identity: &[u8]) -> Duration {
    let digest = Digest::sha256_of(identity).hex();
    let number = digest
        .get(..8)
        .map(|digits| u64::from_str_radix(digits, 16));
    let number = number.and_then(Result::ok).unwrap_or_default();
    Duration::from_secs(number % DAY.as_secs())
}

/// What tells this host from others, and stays as it is. Blocks.
fn identity() -> Vec<u8> {
    let named = || rustix::system::uname().nodename().to_bytes().to_vec();
    fs_err::read("/etc/machine-id").unwrap_or_else(|_| named())
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
        let last = |database: &Database| {
            let database = database.clone();
            async move { database.read(|c| routine::last(c, DAILY)).await.unwrap() }
        };
        let wait = due(&database, Duration::ZERO).await.unwrap();
        assert!(!wait.is_zero() && wait <= DAY, "not at once");
        let first = last(&database).await;
        drop(database);
        threads.join();
        let (database, _threads) = Database::open(&path).unwrap();
        assert!(due(&database, Duration::ZERO).await.unwrap() <= wait);
        assert_eq!(last(&database).await, first);
    }

    #[tokio::test]
    async fn what_was_due_while_packd_was_away_comes_at_once_and_then_a_day_later() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let queue = Queue::new(database.clone(), Hub::default());
        let past = time::before(DAY + Duration::from_secs(5));
        let at = past.clone();
        let note = move |tx: &store::Tx<'_>| routine::done_at(tx, DAILY, &at);
        database.write(note).await.unwrap();
        let stop = CancellationToken::new();
        let running = run(database.clone(), queue.clone(), stop.clone());
        let noted = async {
            loop {
                let last = database.read(|c| routine::last(c, DAILY)).await.unwrap();
                if last.as_ref() != Some(&past) {
                    break last.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        let last = tokio::select! {
            () = running => panic!("it goes on"),
            last = noted => last,
        };
        assert!(time::since(&last) < Duration::from_mins(1));
        assert_eq!(jobs(&queue).await, 1);
        ask(&database, &queue).await.unwrap();
        assert_eq!(jobs(&queue).await, 1, "one is under way");
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_delays_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let far = time::after(DAY * 400);
        let note = move |tx: &store::Tx<'_>| routine::done_at(tx, DAILY, &far);
        database.write(note).await.unwrap();
        assert!(due(&database, Duration::ZERO).await.unwrap().is_zero());
    }

    #[test]
    fn each_host_has_a_time_of_day_of_its_own_and_keeps_it() {
        let hosts = [b"one", b"two"].map(|host| slot(host));
        assert_eq!(hosts, [b"one", b"two"].map(|host| slot(host)));
        assert!(hosts[0] != hosts[1] && hosts.iter().all(|slot| *slot < DAY));
        let hours = |last, slot| until_slot(last, Duration::from_hours(slot)).as_secs() / 3600;
        assert_eq!(hours("2026-03-01T09:00:00.000Z", 12), 3);
        assert_eq!(hours("2026-03-01T12:00:00.000Z", 12), 24);
        assert_eq!(hours("2026-03-01T13:00:00.000Z", 12), 23);
    }
}
