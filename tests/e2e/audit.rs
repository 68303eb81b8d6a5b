//! The audit: who asked for what, and that nobody changes it unseen.

use packd_tests::{PackTree, Packd, Settings, Site};
use packd_wire::{AuditBroken, AuditList, AuditNoted, AuditVerifyView, path};

fn scene() -> (Site, Packd) {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["hold", "slack"]).success();
    packd.ctl(["unhold", "slack"]).success();
    (site, packd)
}

/// Writes the database of a packd that does not run.
fn tamper(packd: &Packd, sql: &str) {
    let database = rusqlite::Connection::open(packd.state_dir().join("packd.db")).unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn a_row_that_somebody_changed_is_found_and_named() {
    let (_site, mut packd) = scene();
    let whole: AuditVerifyView = packd.ctl(["-j", "audit", "verify"]).success().json();
    assert!(whole.intact && whole.checked == 3, "{whole:?}");
    let noted = whole.head.to_string();

    packd.terminate();
    tamper(&packd, "UPDATE audit SET uid = 4711 WHERE seq = 2");
    packd.begin();
    let ran = packd.ctl(["audit", "verify"]);
    ran.failure(1);
    assert!(
        ran.stdout().contains("row 2: not as it was written"),
        "{ran:#?}"
    );
    let found: AuditVerifyView = packd.get(path::AUDIT_VERIFY).expect(200).json();
    let places: Vec<_> = found
        .breaks
        .iter()
        .map(|one| (one.from, one.what))
        .collect();
    assert_eq!(places, [(2, AuditBroken::Changed)]);

    packd.terminate();
    tamper(
        &packd,
        "DELETE FROM audit WHERE seq > 1; UPDATE sqlite_sequence SET seq = 1 WHERE name = 'audit'",
    );
    // which says how many rows there were
    fs_err::remove_file(packd.state_dir().join("numbers")).unwrap();
    packd.begin();
    packd.ctl(["audit", "verify"]).success();
    let ran = packd.ctl(["-j", "audit", "verify", "--noted", &noted]);
    ran.failure(1);
    let found: AuditVerifyView = ran.json();
    assert_eq!(
        found.noted,
        Some(AuditNoted::Missing),
        "what was noted elsewhere tells"
    );
    packd.ctl(["audit", "verify", "--noted", "3"]).failure(2);
    let problem = packd
        .get(&format!("{}?noted=3", path::AUDIT_VERIFY))
        .expect(400)
        .problem();
    assert!(problem.detail.contains("noted"), "{problem:?}");
}

#[test]
fn rows_of_before_the_chain_are_told_apart() {
    let (_site, mut packd) = scene();
    packd.terminate();
    // as it was before there was a chain
    tamper(
        &packd,
        "UPDATE audit SET hash = NULL; UPDATE audit_anchor SET seq = 3",
    );
    packd.begin();
    packd.ctl(["hold", "slack"]).success();
    let found: AuditVerifyView = packd.ctl(["-j", "audit", "verify"]).success().json();
    assert_eq!((found.checked, found.unchained, found.start.seq), (1, 3, 3));
    let ran = packd.ctl(["audit", "verify"]);
    ran.success();
    assert!(
        ran.stdout().contains("3 rows of before there were hashes"),
        "{ran:#?}"
    );
}

#[test]
fn rows_are_picked_and_have_their_hash_in_the_log() {
    let (_site, packd) = scene();
    let job = packd
        .ctl(["-j", "install", "slack", "--force"])
        .success()
        .job()
        .id;
    let list: AuditList = packd
        .ctl(["-j", "audit", "log", "--job", &job.to_string()])
        .success()
        .json();
    assert_eq!(list.audit.len(), 1);
    let hash = list.audit[0].hash.clone().unwrap();
    assert!(packd.log().contains(&hash), "the log has each row's hash");
    let refused: AuditList = packd.ctl(["-j", "audit", "--refused"]).success().json();
    assert_eq!(refused.audit, []);
    let user: AuditList = packd
        .ctl(["-j", "audit", "log", "--user", "nobody"])
        .success()
        .json();
    assert_eq!(user.audit, []);
}
