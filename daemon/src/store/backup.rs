//! Copies of the database, made before it is brought up to date: `packd.db.schema-<n>`, with `n` as it was.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;

use super::StoreError;
use super::generation::sync_folder;

/// How many copies are kept, the newest.
const KEPT: usize = 2;

/// Copies the database at `path`, which has this schema, synced. Blocks.
///
/// # Errors
/// [`StoreError::Open`], [`StoreError::Io`].
pub(super) fn make(connection: &Connection, path: &Path, schema: i64) -> Result<(), StoreError> {
    let (Some(folder), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Ok(());
    };
    let half = folder.join(format!("{name}.schema-new"));
    let whole = folder.join(format!("{name}.schema-{schema}"));
    if half.exists() {
        fs_err::remove_file(&half).map_err(StoreError::at("remove", &half))?;
    }
    connection
        .execute("VACUUM INTO ?1", [half.to_string_lossy()])
        .map_err(StoreError::open(path))?;
    let doing = || StoreError::at("protect", &half);
    fs_err::set_permissions(&half, Permissions::from_mode(0o600)).map_err(doing())?;
    fs_err::File::open(&half)
        .and_then(|file| file.sync_all())
        .map_err(doing())?;
    fs_err::rename(&half, &whole).map_err(StoreError::at("write", &whole))?;
    sync_folder(folder)?;
    tracing::info!(backup = %whole.display(), "the database was copied before it is brought up to date");
    forget_old(folder, &format!("{name}.schema-"));
    Ok(())
}

/// Removes all copies but the newest; one that stays is in nobody's way.
fn forget_old(folder: &Path, prefix: &str) {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut copies: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let schema: i64 = name.strip_prefix(prefix)?.parse().ok()?;
            Some((schema, entry.path()))
        })
        .collect();
    copies.sort();
    for (_, path) in copies.iter().rev().skip(KEPT) {
        if let Err(error) = fs_err::remove_file(path) {
            tracing::warn!(%error, "an old copy of the database is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_newest_two_are_kept_and_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packd.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (7);")
            .unwrap();
        for schema in [9, 10, 10, 8, 11] {
            make(&connection, &path, schema).unwrap();
        }
        let mut names: Vec<_> = fs_err::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["packd.db", "packd.db.schema-10", "packd.db.schema-11"]
        );
        let copy = folder.path().join("packd.db.schema-11");
        let mode = fs_err::metadata(&copy).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let copy = Connection::open(copy).unwrap();
        let found: i64 = copy
            .query_row("SELECT x FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, 7);
    }
}
