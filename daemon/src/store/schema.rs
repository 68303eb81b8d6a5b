//! Numbered migrations, each applied once, in order, in one transaction.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, backup};
use crate::fault;

/// The migrations; the number of one is its place in the list, from 1.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001_initial.sql"),
    include_str!("schema/0002_registry.sql"),
    include_str!("schema/0003_lacks.sql"),
    include_str!("schema/0004_registry_hint.sql"),
    include_str!("schema/0005_tests.sql"),
    include_str!("schema/0006_holds.sql"),
    include_str!("schema/0007_cancelled.sql"),
    include_str!("schema/0008_generations.sql"),
    include_str!("schema/0009_verify.sql"),
    include_str!("schema/0010_added_registries.sql"),
    include_str!("schema/0011_gc.sql"),
    include_str!("schema/0012_trust.sql"),
    include_str!("schema/0013_routine.sql"),
    include_str!("schema/0014_updates.sql"),
    include_str!("schema/0015_hooks.sql"),
    include_str!("schema/0016_audit_chain.sql"),
    include_str!("schema/0017_way_back.sql"),
];

/// Brings the database up to date, or says that it is from a newer packd.
///
/// # Errors
/// [`StoreError::Newer`], and [`StoreError::Open`] when a migration fails; the
/// database is then as it was.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = StoreError::open(path);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(open)?;
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    if found > 0 && found < known {
        backup::make(connection, path, found)?;
    }
    for (number, sql) in (1_i64..)
        .zip(MIGRATIONS)
        .filter(|(number, _)| *number > found)
    {
        let transaction = connection.transaction().map_err(open)?;
        transaction.execute_batch(sql).map_err(open)?;
        transaction
            .pragma_update(None, "user_version", number)
            .map_err(open)?;
        fault::point("migration.uncommitted");
        transaction.commit().map_err(open)?;
        fault::point("migration.committed");
        tracing::debug!(schema = number, "database brought up to date");
    }
    if found < known {
        tracing::info!(from = found, to = known, "database brought up to date");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
