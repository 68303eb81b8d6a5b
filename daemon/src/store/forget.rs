//! Shortens the history: jobs that ended long ago, and events, audit and test results of that time.
//!
//! A part at a time, in a transaction of its own: while packd forgets a year, others write too.

use rusqlite::params;

use super::Tx;

/// At most so many rows of a table go at a time.
const ROWS: usize = 500;

/// What one part came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// Jobs that were forgotten.
    pub jobs: usize,
    /// Whether there may be more to forget.
    pub is_more: bool,
}

/// Forgets some of what is older than `before`. The latest result of each tree that is in the store stays: it is shown
/// with the pack.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn part(tx: &Tx<'_>, before: &str) -> rusqlite::Result<Part> {
    let delete = |sql: &str| {
        tx.prepare_cached(sql)?
            .execute(params![before, i64::try_from(ROWS).unwrap_or(i64::MAX)])
    };
    let counts = [
        delete(
            "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished_at < ?1 ORDER BY id LIMIT ?2)",
        )?,
        delete(
            "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at < ?1 ORDER BY seq LIMIT ?2)",
        )?,
        super::audit::forget(tx, before, ROWS)?,
        delete(
            "DELETE FROM test_result WHERE id IN (
                 SELECT id FROM test_result AS old WHERE at < ?1 AND NOT (
                     EXISTS (SELECT 1 FROM tree WHERE tree.ref = old.ref AND tree.digest = old.tree)
                     AND id = (SELECT max(id) FROM test_result AS newest
                               WHERE newest.ref = old.ref AND newest.tree = old.tree))
                 ORDER BY id LIMIT ?2)",
        )?,
    ];
    if counts[3] > 0 {
        tx.packs_changed();
    }
    Ok(Part {
        jobs: counts[0],
        is_more: counts.contains(&ROWS),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::store::Database;

    #[tokio::test]
    async fn a_long_history_goes_in_parts_and_the_latest_test_of_a_tree_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let fill = |tx: &Tx<'_>| {
            tx.execute_batch(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1200)
                 INSERT INTO event (at, kind, data) SELECT '2020', 'info', '{}' FROM n;
                 INSERT INTO event (at, kind, data) VALUES ('2026', 'info', '{}');
                 INSERT INTO job (id, kind, summary, status, request, uid, created_at, finished_at)
                 VALUES (1, 'gc', 'gc', 'succeeded', '{}', 0, '2020', '2020'),
                        (2, 'gc', 'gc', 'queued', '{}', 0, '2020', NULL),
                        (3, 'gc', 'gc', 'succeeded', '{}', 0, '2020', '2026');
                 INSERT INTO job_ref VALUES (1, 'a');
                 INSERT INTO tree VALUES ('a/1', 'a', '1', 'here', NULL, NULL, 1, 1, '2020');",
            )?;
            for (tree, at) in [
                ("here", "2019"),
                ("here", "2020"),
                ("gone", "2020"),
                ("gone", "2026"),
            ] {
                tx.execute(
                    "INSERT INTO test_result (ref, version, tree, reason, job, at, status, gate, total, passed, failed,
                         skipped, pass_rate, duration_ms, sandbox)
                     VALUES ('a', '1', ?1, 'install', 1, ?2, 'passed', 'passed', 1, 1, 0, 0, 1, 1, '{}')",
                    [tree, at],
                )?;
            }
            Ok(())
        };
        database.write(fill).await.unwrap();
        let mut parts = Vec::new();
        loop {
            let part = database.write(|tx| part(tx, "2025")).await.unwrap();
            parts.push((part.jobs, part.is_more));
            if !part.is_more {
                break;
            }
        }
        assert_eq!(parts, [(1, true), (0, true), (0, false)]);
        let left = database.read(|connection| {
            connection
                .prepare(
                    "SELECT 'event ' || at FROM event UNION ALL SELECT 'job ' || id FROM job
                     UNION ALL SELECT tree || ' ' || at FROM test_result UNION ALL SELECT 'ref ' || job FROM job_ref",
                )?
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(
            left.await.unwrap(),
            ["event 2026", "job 2", "job 3", "here 2020", "gone 2026"]
        );
    }
}
