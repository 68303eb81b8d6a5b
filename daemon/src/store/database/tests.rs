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

/// Makes a database that is too large to be looked at as a whole at the start; where a table of packs begins in it, and
/// where what is large lies.
async fn large(path: &Path) -> (u64, u64) {
    let (database, threads) = Database::open(path).unwrap();
    let fill = |tx: &Tx<'_>| {
        let data = "x".repeat(1 << 20);
        for _ in 0..24 {
            tx.execute(
                "INSERT INTO event (at, kind, data) VALUES ('', 'info', ?1)",
                [&data],
            )?;
        }
        Ok(())
    };
    database.write(fill).await.unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'install'";
    let root: i64 = database
        .read(move |connection| connection.query_row(root, [], |row| row.get(0)))
        .await
        .unwrap();
    drop(database);
    threads.join();
    let page = 4096;
    (
        u64::try_from(root - 1).unwrap() * page,
        (12 << 20) / page * page,
    )
}

fn overwrite(path: &Path, at: u64) {
    let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
    file.file().write_all_at(&[0xa5; 4096], at).unwrap();
}

#[tokio::test]
async fn of_a_large_one_the_start_looks_at_what_packs_rest_on_and_the_rest_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packd.db");
    let (of_packs, of_history) = large(&path).await;

    let (database, threads) = Database::open(&path).unwrap();
    assert!(database.is_unread());
    database.check_rest().await.unwrap();
    assert!(!database.is_unread());
    assert_eq!(database.degraded(), None);
    drop(database);
    threads.join();

    overwrite(&path, of_history);
    let (database, threads) = Database::open(&path).unwrap();
    assert_eq!(database.degraded(), None, "nobody has looked yet");
    database.check_rest().await.unwrap();
    let told = database.degraded().unwrap().reason;
    assert!(told.contains("a restart of packd rebuilds it"), "{told}");
    drop(database);
    threads.join();
    let again = Database::open(&path);
    assert!(again.is_ok(), "here nothing asks for all of it");
    drop(again);

    overwrite(&path, of_packs);
    let error = Database::open(&path).err().unwrap();
    assert!(error.is_damage(), "{error:?}");
}

#[tokio::test]
async fn a_small_one_is_looked_at_as_a_whole() {
    let (_folder, database, _threads) = database();
    assert!(!database.is_unread());
}
