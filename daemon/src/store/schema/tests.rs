#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

#[test]
fn a_database_of_a_newer_packd_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packd.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate(&mut connection, &path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    let error = migrate(&mut connection, &path).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 999, .. }),
        "{error}"
    );
    let version: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 999);
}

#[test]
fn migrating_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packd.db");
    let mut connection = Connection::open(&path).unwrap();
    migrate(&mut connection, &path).unwrap();
    migrate(&mut connection, &path).unwrap();
}
