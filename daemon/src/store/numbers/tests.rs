#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::store::database::{Database, Threads};
use crate::store::event;

const SOME: Numbers = Numbers {
    job: 42,
    event: 1234,
    audit: 7,
};

#[test]
fn what_is_written_is_read_and_what_is_damaged_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Numbers::noted(folder.path()), None);
    let long = vec![b'x'; 4096];
    fs_err::write(path(folder.path()), long).unwrap();
    assert_eq!(Numbers::noted(folder.path()), None);
    let mut ledger = Ledger::open(folder.path(), SOME);
    assert_eq!(Numbers::noted(folder.path()), Some(SOME));
    let more = Numbers { job: 43, ..SOME };
    ledger.note(more);
    assert_eq!(Numbers::noted(folder.path()), Some(more));

    let good = fs_err::read(path(folder.path())).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(Numbers::parse(&bad), None, "{at}");
        assert_eq!(Numbers::parse(&good[..at]), None, "{at}");
    }
}

#[test]
fn what_was_lost_is_named() {
    let found = Numbers {
        job: 40,
        event: 1233,
        audit: 7,
    };
    assert_eq!(SOME.lost(SOME), None);
    assert_eq!(found.lost(SOME), None, "more than was noted is no loss");
    assert_eq!(
        SOME.lost(found).as_deref(),
        Some("jobs 41 to 42, event 1234")
    );
    let on = SOME.or(found).beyond();
    assert!(on.job > 42 && on.event > 1234, "{on:?}");
    assert_eq!(on.audit, 7);
}

/// Opens the database of a folder, and appends so many events.
async fn with_events(folder: &Path, count: usize) -> (Database, Threads, i64) {
    let (database, threads) = Database::open(&folder.join("packd.db")).unwrap();
    for _ in 0..count {
        let append = "INSERT INTO event (at, kind, data) VALUES ('', 'info', '{}')";
        database
            .write(move |tx| tx.execute(append, []))
            .await
            .unwrap();
    }
    let last = database.read(event::last).await.unwrap();
    (database, threads, last)
}

/// Copies files as a crash leaves them, while the database is open.
fn left(from: &Path, names: &[&str]) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in names {
        fs_err::copy(from.join(name), to.path().join(name)).unwrap();
    }
    to
}

#[tokio::test]
async fn a_log_that_is_gone_or_cut_is_a_loss_that_is_told_and_no_number_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (_database, _threads, last) = with_events(folder.path(), 9).await;
    assert_eq!(last, 9);

    let whole = left(folder.path(), &["packd.db", "packd.db-wal", NAME]);
    let (database, _others, _) = with_events(whole.path(), 0).await;
    assert_eq!(database.degraded(), None, "a crash alone loses nothing");

    let cut = left(folder.path(), &["packd.db", "packd.db-wal", NAME]);
    let log = cut.path().join("packd.db-wal");
    let mut bytes = fs_err::read(&log).unwrap();
    bytes.truncate(bytes.len() - 100);
    fs_err::write(log, bytes).unwrap();
    let gone = left(folder.path(), &["packd.db", NAME]);
    for (left, what) in [(cut, "event 9:"), (gone, "events 1 to 9:")] {
        let (database, threads, next) = with_events(left.path(), 1).await;
        let told = database.degraded().unwrap().reason;
        assert!(told.contains(what), "{told}");
        assert!(next > last + 1, "{next}");
        drop(database);
        threads.join();
        let (database, _threads, _) = with_events(left.path(), 0).await;
        assert_eq!(database.degraded().unwrap().reason, told, "told once");
    }
}

#[tokio::test]
async fn without_the_file_nothing_is_taken_for_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (database, threads, _) = with_events(folder.path(), 3).await;
    drop(database);
    threads.join();
    fs_err::remove_file(path(folder.path())).unwrap();
    let (database, _threads, last) = with_events(folder.path(), 1).await;
    assert_eq!((database.degraded(), last), (None, 4));
    assert_eq!(Numbers::noted(folder.path()).unwrap().event, 4);
}
