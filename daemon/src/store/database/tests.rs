#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

fn database() -> (tempfile::TempDir, Database, Threads) {
    let folder = tempfile::tempdir().unwrap();
    let (database, threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    (folder, database, threads)
}

fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM job_ref", [], |row| row.get(0))
}

#[tokio::test]
async fn the_files_of_the_database_are_the_daemons_alone() {
    let (folder, database, threads) = database();
    let path = folder.path().join("packd.db");
    drop(database);
    threads.join();
    fs_err::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let (database, _threads) = Database::open(&path).unwrap();
    database
        .write(|tx| tx.execute("DELETE FROM job", []))
        .await
        .unwrap();
    for entry in fs_err::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn what_fails_or_panics_writes_nothing_and_the_thread_lives_on() {
    let (_folder, database, _threads) = database();
    let failed = database
        .write(|tx| {
            tx.execute("INSERT INTO event (at, kind, data) VALUES ('', '', '')", [])?;
            Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Query(_))));
    let panicked = database
        .write(|_| -> rusqlite::Result<()> { panic!("on purpose") })
        .await;
    assert!(matches!(panicked, Err(StoreError::Panicked)));
    assert_eq!(database.read(count).await.unwrap(), 0);
    assert_eq!(database.read(super::super::event::last).await.unwrap(), 0);
}

#[tokio::test]
async fn hooks_run_after_the_commit_and_only_then() {
    let (_folder, database, _threads) = database();
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let teller = told.clone();
    let failed = database
        .write(move |tx| {
            tx.after_commit(move || teller.send("failed").unwrap());
            Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
        })
        .await;
    assert!(failed.is_err());
    let before = database.packs_version();
    database
        .write(move |tx| {
            tx.packs_changed();
            tx.after_commit(move || told.send("committed").unwrap());
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(database.packs_version(), before + 1);
    assert_eq!(heard.try_recv(), Ok("committed"));
}

#[tokio::test]
async fn the_reader_cannot_write() {
    let (_folder, database, _threads) = database();
    let refused = database
        .read(|connection| connection.execute("DELETE FROM job", []))
        .await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn damage_that_is_met_while_it_runs_is_noted_and_not_tried_again() {
    let (folder, database, threads) = database();
    assert_eq!(database.degraded(), None);
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    let failed = database
        .read(move |_| Err::<(), _>(rusqlite::Error::SqliteFailure(code, None)))
        .await
        .unwrap_err();
    assert!(!failed.may_pass());
    assert!(failed.hint().is_some_and(|hint| hint.contains("restart")));
    assert!(database.degraded().is_some());
    assert!(
        database.check_all().await.unwrap(),
        "it is in order after all"
    );
    drop(database);
    threads.join();
    let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    assert!(database.degraded().is_some(), "until it is acknowledged");
    assert!(database.acknowledge().await.unwrap().is_some());
    assert_eq!(database.degraded(), None);
}
