#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{AuditBroken, AuditNoted, AuditVerifyView};

use super::chain::Check;
use super::*;
use crate::store::{Database, Threads};

/// A database with as many rows in its audit.
async fn scene(rows: usize) -> (tempfile::TempDir, Database, Threads, Vec<AuditHead>) {
    let folder = tempfile::tempdir().unwrap();
    let (database, threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    let mut heads = Vec::new();
    for number in 0..rows {
        heads.push(append_one(&database, number).await);
    }
    (folder, database, threads, heads)
}

async fn append_one(database: &Database, number: usize) -> AuditHead {
    let row = NewAudit {
        peer: Requester {
            uid: 1000,
            user: Some("ada".into()),
            pid: None,
            agent: None,
        },
        role: Role::Operator,
        request: format!("POST /v1/packs/p{number}/test"),
        allowed: !number.is_multiple_of(2),
        status: 202,
        error: None,
        job: i64::try_from(number).ok(),
    };
    database.write(move |tx| append(tx, &row)).await.unwrap()
}

async fn change(database: &Database, sql: &'static str) {
    database
        .write(move |tx| tx.execute_batch(sql))
        .await
        .unwrap();
}

async fn check(database: &Database, noted: Option<AuditHead>) -> AuditVerifyView {
    database
        .read(move |connection| {
            let mut check = Check::new(noted.clone());
            loop {
                if let Some(found) = check.go_on(connection)? {
                    return Ok(found);
                }
            }
        })
        .await
        .unwrap()
}

fn places(found: &AuditVerifyView) -> Vec<(i64, i64, AuditBroken)> {
    let breaks = found.breaks.iter();
    breaks.map(|one| (one.from, one.to, one.what)).collect()
}

#[tokio::test]
async fn rows_follow_each_other_across_batches() {
    let (_folder, database, _threads, heads) = scene(5).await;
    // more than a batch, without a transaction for each
    database
        .write(|tx| {
            for _ in 0..4100 {
                let previous = chain::last_hash(tx)?;
                tx.execute(
                    "INSERT INTO audit (at, uid, role, request, allowed, status)
                     VALUES ('2026-01-01T00:00:00Z', 0, 'admin', 'x', 1, 200)",
                    [],
                )?;
                chain::seal(tx, tx.last_insert_rowid(), &previous)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let found = check(&database, Some(heads[3].clone())).await;
    assert!(found.intact, "{found:?}");
    assert_eq!(
        (found.checked, found.start.seq, found.head.seq),
        (4105, 0, 4105)
    );
    assert_eq!(found.noted, Some(AuditNoted::Agrees));
    assert_eq!(found.head.hash.len(), 64);
}

#[tokio::test]
async fn a_changed_row_and_missing_rows_are_named() {
    for (sql, expected) in [
        (
            "UPDATE audit SET user = 'bob' WHERE seq = 3",
            vec![(3, 3, AuditBroken::Changed)],
        ),
        (
            "UPDATE audit SET pid = 0, agent = NULL WHERE seq = 6",
            vec![(6, 6, AuditBroken::Changed)],
        ),
        (
            "UPDATE audit SET hash = NULL WHERE seq = 2",
            vec![(2, 2, AuditBroken::Changed), (3, 3, AuditBroken::Changed)],
        ),
        (
            "DELETE FROM audit WHERE seq IN (2, 3)",
            vec![(2, 3, AuditBroken::Missing)],
        ),
        (
            "DELETE FROM audit WHERE seq = 1",
            vec![(1, 1, AuditBroken::Missing)],
        ),
        (
            "DELETE FROM audit WHERE seq >= 5",
            vec![(5, 6, AuditBroken::Missing)],
        ),
    ] {
        let (_folder, database, _threads, _) = scene(6).await;
        change(&database, sql).await;
        let found = check(&database, None).await;
        assert!(!found.intact, "{sql}");
        assert_eq!(places(&found), expected, "{sql}");
    }
}

#[tokio::test]
async fn a_chain_that_was_made_anew_is_not_the_one_that_was_noted() {
    let (_folder, database, _threads, heads) = scene(4).await;
    change(&database, "UPDATE audit SET user = 'bob' WHERE seq = 2").await;
    database
        .write(|tx| {
            let mut previous: String =
                tx.query_row("SELECT hash FROM audit WHERE seq = 1", [], |row| row.get(0))?;
            for seq in 2..=4 {
                previous = chain::seal(tx, seq, &previous)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let found = check(&database, None).await;
    assert!(found.intact, "it agrees with itself");
    let found = check(&database, Some(heads[3].clone())).await;
    assert!(!found.intact);
    assert_eq!(found.noted, Some(AuditNoted::Differs));
    let beyond = AuditHead {
        seq: 9,
        hash: heads[3].hash.clone(),
    };
    let found = check(&database, Some(beyond)).await;
    assert_eq!(found.noted, Some(AuditNoted::Missing), "no such row yet");
}

#[tokio::test]
async fn what_is_left_of_a_shortened_history_still_agrees() {
    let (_folder, database, _threads, heads) = scene(6).await;
    change(
        &database,
        "UPDATE audit SET at = '2020-01-01T00:00:00Z' WHERE seq IN (1, 2, 5)",
    )
    .await;
    // what they were sealed with was another time
    database
        .write(|tx| {
            let mut previous = "0".repeat(64);
            for seq in 1..=6 {
                previous = chain::seal(tx, seq, &previous)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    database
        .write(|tx| forget(tx, "2021-01-01T00:00:00Z", 100))
        .await
        .unwrap();
    let found = check(&database, Some(heads[0].clone())).await;
    assert_eq!(places(&found), [], "{found:?}");
    assert_eq!((found.start.seq, found.head.seq, found.checked), (2, 6, 4));
    assert_eq!(found.noted, Some(AuditNoted::Forgotten));
    database
        .write(|tx| {
            assert_eq!(
                forget(tx, "9999-01-01T00:00:00Z", 1)?,
                1,
                "a part at a time"
            );
            forget(tx, "9999-01-01T00:00:00Z", 100)
        })
        .await
        .unwrap();
    let found = check(&database, Some(found.head)).await;
    assert!(found.intact, "{found:?}");
    assert_eq!(
        (found.start.seq, found.checked),
        (6, 0),
        "all are forgotten"
    );
    assert_eq!(
        found.noted,
        Some(AuditNoted::Agrees),
        "the last one is known"
    );
    append_one(&database, 1).await;
    let found = check(&database, None).await;
    assert!(found.intact && found.head.seq == 7, "{found:?}");
}

#[tokio::test]
async fn rows_can_be_picked() {
    let (_folder, database, _threads, _) = scene(6).await;
    let listed = async |wanted: Wanted| -> Vec<i64> {
        let rows = database
            .read(move |connection| list(connection, &wanted, 10))
            .await
            .unwrap();
        rows.iter().map(|row| row.seq).collect()
    };
    let of = |user: &str| Wanted {
        user: Some(user.to_owned()),
        ..Wanted::default()
    };
    assert_eq!(listed(of("ada")).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(listed(of("1000")).await.len(), 6);
    assert_eq!(listed(of("bob")).await, Vec::<i64>::new());
    let refused = Wanted {
        refused: true,
        before: Some(5),
        ..Wanted::default()
    };
    assert_eq!(listed(refused).await, [3, 1]);
    let job = Wanted {
        job: Some(4),
        ..Wanted::default()
    };
    assert_eq!(listed(job).await, [5]);
}
