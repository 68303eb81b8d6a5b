//! Rows of `quality`: how versions of packs fared on this host.

use std::collections::BTreeMap;

use packd_wire::QualityView;
use rusqlite::{Connection, Row, params};

use super::Tx;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    /// It became active.
    Installed,
    /// A job that was to make it active failed.
    Failed,
    /// Its tests were good enough.
    TestsPassed,
    /// They were not.
    TestsFailed,
}

/// Counts a fact.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn count(
    tx: &Tx<'_>,
    pack_ref: &str,
    version: &str,
    fact: Fact,
) -> rusqlite::Result<()> {
    let one = |wanted: Fact| i64::from(fact == wanted);
    tx.prepare_cached(
        "INSERT INTO quality (ref, version, installs, failures, tests_passed, tests_failed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (ref, version) DO UPDATE SET
             installs = installs + excluded.installs,
             failures = failures + excluded.failures,
             tests_passed = tests_passed + excluded.tests_passed,
             tests_failed = tests_failed + excluded.tests_failed",
    )?
    .execute(params![
        pack_ref,
        version,
        one(Fact::Installed),
        one(Fact::Failed),
        one(Fact::TestsPassed),
        one(Fact::TestsFailed),
    ])?;
    Ok(())
}

/// How these versions fared, as far as they were tried; each as its ref and itself.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn of(
    connection: &Connection,
    versions: &[(String, String)],
) -> rusqlite::Result<BTreeMap<(String, String), QualityView>> {
    let mut statement = connection.prepare_cached(
        "SELECT installs, failures, tests_passed, tests_failed FROM quality
         WHERE ref = ?1 AND version = ?2",
    )?;
    let mut found = BTreeMap::new();
    for version in versions {
        let mut rows = statement.query_map(params![version.0, version.1], read)?;
        if let Some(view) = rows.next().transpose()? {
            found.insert(version.clone(), view);
        }
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> rusqlite::Result<QualityView> {
    let number = |name: &str| -> rusqlite::Result<u64> {
        Ok(row.get::<_, i64>(name)?.try_into().unwrap_or_default())
    };
    Ok(QualityView {
        installs: number("installs")?,
        failures: number("failures")?,
        tests_passed: number("tests_passed")?,
        tests_failed: number("tests_failed")?,
    })
}
