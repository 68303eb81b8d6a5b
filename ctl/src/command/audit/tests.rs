use insta::assert_snapshot;
use packd_wire::{AuditView, ErrorKind, Requester, Role};

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
