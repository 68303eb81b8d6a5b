//! Rows of `test_result`: what came of the tests of packs.

use std::collections::BTreeMap;

use packd_wire::{TestStatus, TestTrigger, TestView};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Tx;
use super::job::{decoded, encoded};

/// How many results of a pack are kept.
const KEPT: i64 = 100;

/// A result to note.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewTest {
    /// The pack.
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Digest of the tree that was tested.
    pub tree: String,
    /// Why they were run.
    pub trigger: TestTrigger,
    /// The job that ran them.
    pub job: i64,
    /// What came of them.
    pub status: TestStatus,
    /// What that means for an install.
    pub gate: String,
    /// Total, passed, failed, skipped.
    pub counts: [u64; 4],
    /// Passed of total, 0 to 1.
    pub pass_rate: f64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Why they were not brought to their end.
    pub error: Option<String>,
    /// What was demanded and enforced.
    pub sandbox: Value,
    /// Attune's result document.
    pub report: Option<Value>,
}

/// Notes a result, forgets the oldest of the pack when there are many, and returns its number.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn insert(tx: &Tx<'_>, row: &NewTest) -> rusqlite::Result<i64> {
    let [total, passed, failed, skipped] = row
        .counts
        .map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    tx.prepare_cached(
        "INSERT INTO test_result (ref, version, tree, reason, job, at, status, gate, total, passed, failed,
             skipped, pass_rate, duration_ms, error, sandbox, report)
         VALUES (:ref, :version, :tree, :reason, :job, :at, :status, :gate, :total, :passed, :failed,
             :skipped, :pass_rate, :duration_ms, :error, :sandbox, :report)",
    )?
    .execute(named_params! {
        ":ref": row.pack_ref,
        ":version": row.version,
        ":tree": row.tree,
        ":reason": row.trigger.as_str(),
        ":job": row.job,
        ":at": super::time::now(),
        ":status": row.status.as_str(),
        ":gate": row.gate,
        ":total": total,
        ":passed": passed,
        ":failed": failed,
        ":skipped": skipped,
        ":pass_rate": row.pass_rate,
        ":duration_ms": i64::try_from(row.duration_ms).unwrap_or(i64::MAX),
        ":error": row.error,
        ":sandbox": encoded(&row.sandbox)?,
        ":report": row.report.as_ref().map(encoded).transpose()?,
    })?;
    let id = tx.last_insert_rowid();
    tx.execute(
        "DELETE FROM test_result WHERE ref = ?1 AND id NOT IN
             (SELECT id FROM test_result WHERE ref = ?1 ORDER BY id DESC LIMIT ?2)",
        params![row.pack_ref, KEPT],
    )?;
    // what is shown of a pack has changed
    tx.packs_changed();
    Ok(id)
}

/// At most `limit` results of a pack older than `before`, newest first; with their reports if those are wanted.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn list(
    connection: &Connection,
    pack_ref: &str,
    before: Option<i64>,
    limit: u32,
    reports: bool,
) -> rusqlite::Result<Vec<TestView>> {
    connection
        .prepare_cached(
            "SELECT id, ref, version, tree, reason, job, at, status, gate, total, passed, failed, skipped,
                 pass_rate, duration_ms, error, sandbox, CASE WHEN :reports THEN report END AS report
             FROM test_result WHERE ref = :ref AND id < :before ORDER BY id DESC LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":ref": pack_ref,
                ":before": before.unwrap_or(i64::MAX),
                ":limit": limit,
                ":reports": reports,
            },
            read,
        )?
        .collect()
}

/// The latest result of each of these trees, by the tree; without reports.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn latest_of_trees(
    connection: &Connection,
    trees: &[(String, String)],
) -> rusqlite::Result<BTreeMap<String, TestView>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, ref, version, tree, reason, job, at, status, gate, total, passed, failed, skipped,
             pass_rate, duration_ms, error, sandbox, NULL AS report
         FROM test_result WHERE ref = ?1 AND tree = ?2 ORDER BY id DESC LIMIT 1",
    )?;
    let mut found = BTreeMap::new();
    for (pack_ref, tree) in trees {
        let view = statement
            .query_row(params![pack_ref, tree], read)
            .optional()?;
        found.extend(view.map(|view| (tree.clone(), view)));
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<TestView> {
    fn word<T: DeserializeOwned>(row: &Row<'_>, name: &str) -> rusqlite::Result<T> {
        decoded(&format!("\"{}\"", row.get::<_, String>(name)?))
    }
    let number = |name: &str| -> rusqlite::Result<u64> {
        Ok(row.get::<_, i64>(name)?.try_into().unwrap_or_default())
    };
    let report: Option<String> = row.get("report")?;
    Ok(TestView {
        id: row.get("id")?,
        pack_ref: row.get("ref")?,
        version: row.get("version")?,
        tree: row.get("tree")?,
        trigger: word(row, "reason")?,
        job: row.get("job")?,
        at: row.get("at")?,
        status: word(row, "status")?,
        gate: row.get("gate")?,
        total: number("total")?,
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("skipped")?,
        pass_rate: row.get("pass_rate")?,
        duration_ms: number("duration_ms")?,
        error: row.get("error")?,
        sandbox: decoded(&row.get::<_, String>("sandbox")?)?,
        report: report.map(|text| decoded(&text)).transpose()?,
    })
}
