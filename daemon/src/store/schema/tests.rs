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

/// The migrations up to this number.
fn migrated_to(number: usize) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for sql in &MIGRATIONS[..number] {
        connection.execute_batch(sql).unwrap();
    }
    connection
}

#[test]
fn generations_of_before_say_what_they_changed_too() {
    let connection = migrated_to(7);
    connection
        .execute_batch(
            "INSERT INTO job (id, kind, summary, status, request, uid, user, created_at)
             VALUES (1, 'install', 'install slack', 'succeeded', '{}', 0, 'root', 'x');
             INSERT INTO install (id, ref, version, dir, record, job, generation, installed_at)
             VALUES (1, 'slack', '1.0.0', 'a', '{}', 1, 1, 'x'), (2, 'slack', '2.0.0', 'b', '{}', 2, 2, 'x');
             INSERT INTO generation (number, status, job, created_at)
             VALUES (1, 'past', 1, 'x'), (2, 'active', 2, 'x'), (3, 'past', 3, 'x'), (4, 'pending', 4, 'x');
             INSERT INTO generation_pack VALUES (1, 'slack', 1), (2, 'slack', 2);",
        )
        .unwrap();
    connection.execute_batch(MIGRATIONS[7]).unwrap();
    let list = super::super::history::list(&connection, None, 10).unwrap();
    let told: Vec<String> = list
        .iter()
        .map(|one| {
            let changes = one.changes.iter();
            let changes: Vec<_> = changes.map(|change| change.action.as_str()).collect();
            format!("{} {:?} {:?} {changes:?}", one.number, one.base, one.by)
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"3 Some(2) None ["remove"]"#,
            r#"2 Some(1) None ["upgrade"]"#,
            r#"1 None Some("root") ["install"]"#,
        ]
    );
    let previous = super::super::history::previous(&connection).unwrap();
    assert_eq!(previous, Some(3), "2 was set by hand, and 3 was before it");
    let next = super::super::history::next_number(&connection).unwrap();
    assert_eq!(next, 5, "the pending one is there until it is forgotten");
}

#[test]
fn an_existing_database_is_copied_before_it_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packd.db");
    let copy = |schema: usize| folder.path().join(format!("packd.db.schema-{schema}"));
    let mut connection = Connection::open(&path).unwrap();
    let before = MIGRATIONS.len() - 1;
    for sql in &MIGRATIONS[..before] {
        connection.execute_batch(sql).unwrap();
    }
    let number = i64::try_from(before).unwrap();
    connection
        .pragma_update(None, "user_version", number)
        .unwrap();

    migrate(&mut connection, &path).unwrap();
    let found: i64 = Connection::open(copy(before))
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(found, number);
    migrate(&mut connection, &path).unwrap();
    assert!(!copy(before + 1).exists(), "nothing had to change");
}
