use insta::assert_snapshot;
use packd_wire::{AuditBreak, AuditView, ErrorKind, Requester, Role};

use super::*;
use crate::command::show::tests::now;

#[test]
fn requests_say_who_and_what_became_of_them() {
    let row = |seq, user: Option<&str>, allowed, status, error, job| AuditView {
        seq,
        at: "2026-03-01T12:00:00Z".to_owned(),
        peer: Requester {
            uid: 1000,
            user: user.map(str::to_owned),
            pid: None,
            agent: None,
        },
        role: Role::Operator,
        request: "POST /v1/packs/install".to_owned(),
        allowed,
        status,
        error,
        job,
        hash: None,
    };
    let list = AuditList {
        audit: vec![
            row(3, Some("ada"), true, 202, None, Some(12)),
            row(2, None, false, 403, Some(ErrorKind::AccessDenied), None),
            row(
                1,
                Some("ada"),
                true,
                404,
                Some(ErrorKind::PackNotFound),
                None,
            ),
        ],
        next: None,
    };
    let table = table(&list, now(), Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&table).to_string(), @"
    SEQ  WHEN       WHO   ROLE      REQUEST                 RESULT                  JOB
    3    5 min ago  ada   operator  POST /v1/packs/install  202                     12
    2    5 min ago  1000  operator  POST /v1/packs/install  refused: access_denied  -
    1    5 min ago  ada   operator  POST /v1/packs/install  pack_not_found          -
    ");
}

fn found() -> AuditVerifyView {
    AuditVerifyView {
        intact: true,
        checked: 4,
        start: AuditHead {
            seq: 2,
            hash: "cd".repeat(32),
        },
        head: AuditHead {
            seq: 6,
            hash: "ab".repeat(32),
        },
        unchained: 0,
        breaks: Vec::new(),
        noted: None,
    }
}

fn plain(found: &AuditVerifyView, noted: Option<&AuditHead>) -> String {
    anstream::adapter::strip_str(&told(found, noted)).to_string()
}

#[test]
fn a_whole_audit_says_what_to_note() {
    assert_snapshot!(plain(&found(), None), @"
    the audit is intact: 4 rows, 3 to 6
    head: 6:abababababababababababababababababababababababababababababababab
    ");
    let mut none = found();
    (none.checked, none.start.seq, none.head.seq) = (0, 0, 0);
    assert_snapshot!(plain(&none, None), @"the audit is intact: there are no rows yet");
}

#[test]
fn what_is_wrong_is_named() {
    let mut found = found();
    let broken = |from, to, what| AuditBreak { from, to, what };
    found.intact = false;
    found.unchained = 1;
    found.breaks = vec![
        broken(3, 3, AuditBroken::Changed),
        broken(5, 6, AuditBroken::Missing),
    ];
    found.noted = Some(AuditNoted::Differs);
    let noted = found.head.clone();
    assert_snapshot!(plain(&found, Some(&noted)), @"
    the audit was changed: 4 rows, 3 to 6
      row 3: not as it was written
      rows 5 to 6: missing
      row 6 has another hash than was noted: the audit was written anew
      1 row of before there were hashes cannot be checked
    head: 6:abababababababababababababababababababababababababababababababab
    ");
}
