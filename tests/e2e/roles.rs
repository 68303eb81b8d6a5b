//! Who may do what, tried by real users. Needs root, to act as them.

use std::os::unix::fs::PermissionsExt;

use packd_tests::support::openapi::Contract;
use packd_tests::{Fault, Format, PackTree, Packd, Person, Repository, Request, Settings, Site};
use packd_wire::{AuditList, AuditView, ErrorKind, JobStatus, Role, StatusView, path};
use serde_json::json;

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0")
}

fn scene() -> (Site, Packd) {
    let site = Site::serving([&slack(), &PackTree::new("teams", "1.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    (site, packd)
}

fn audit(packd: &Packd) -> Vec<AuditView> {
    packd
        .get(&format!("{}?limit=1000", path::AUDIT))
        .expect(200)
        .json::<AuditList>()
        .audit
}

fn remove() -> Request {
    Request::new("DELETE", &path::pack("slack"))
}

fn install() -> Request {
    Request::post(path::INSTALL, &json!({"source": "slack"}))
}

fn reload() -> Request {
    Request::new("POST", path::RELOAD)
}

/// Insists that a request is refused for who asks, and that the refusal is in the audit.
fn refused(packd: &Packd, person: &Person, request: &Request) {
    let before = audit(packd).len();
    let problem = packd.ask_as(person, request).expect(403).problem();
    assert_eq!(problem.kind, ErrorKind::AccessDenied);
    let rows = audit(packd);
    assert_eq!(rows.len(), before + 1, "one row for one refusal");
    let row = &rows[0];
    assert_eq!(row.peer.uid, person.uid);
    assert!(!row.allowed);
    assert_eq!(row.status, 403);
    assert_eq!(row.error, Some(ErrorKind::AccessDenied));
    let asked = request.target.split('?').next().unwrap();
    assert!(
        row.request.contains(&request.method) && row.request.contains(asked),
        "{row:#?}"
    );
}

fn role(packd: &Packd, person: &Person) -> Role {
    packd
        .ask_as(person, &Request::get(path::STATUS))
        .expect(200)
        .json::<StatusView>()
        .role
}

#[test]
fn a_reader_may_look_and_nothing_else() {
    let (_site, packd) = scene();
    let reader = Person::reader();
    assert_eq!(role(&packd, &reader), Role::Reader);
    packd.ctl_as(&reader, ["list"]).success();
    packd.ctl_as(&reader, ["registry", "list"]).success();
    packd.ctl_as(&reader, ["job", "list"]).success();
    let ran = packd.ctl_as(&reader, ["install", "slack"]);
    ran.failure(4);
    ran.says("operator");
    for request in [install(), remove(), reload(), Request::get(path::AUDIT)] {
        refused(&packd, &reader, &request);
    }
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn an_operator_may_install_but_not_remove_or_reload() {
    let (_site, packd) = scene();
    let operator = Person::operator();
    assert_eq!(role(&packd, &operator), Role::Operator);
    let job = packd
        .ctl_as(&operator, ["-j", "install", "slack"])
        .success()
        .job();
    assert_eq!(job.requested_by.uid, operator.uid);
    assert_eq!(
        job.requested_by.user.as_deref(),
        Some("packd-test-operator")
    );
    assert_eq!(packd.packs()[0].installed_by, "packd-test-operator");
    let elsewhere = Request::post(
        path::INSTALL,
        &json!({"source": "slack", "change_origin": true}),
    );
    let all_elsewhere = Request::post(
        path::APPLY,
        &json!({"packs": {"slack": "*"}, "change_origin": true}),
    );
    let ensured = format!("{}?change_origin=true", path::pack("slack"));
    let ensured = Request::new("PUT", &ensured).body("application/json", "{}");
    for request in [remove(), reload(), elsewhere, all_elsewhere, ensured] {
        refused(&packd, &operator, &request);
    }
    packd.ctl_as(&operator, ["remove", "slack"]).failure(4);
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    let row = audit(&packd)
        .into_iter()
        .find(|row| row.job == Some(job.id))
        .unwrap();
    assert!(row.allowed);
    assert_eq!((row.peer.uid, row.role), (operator.uid, Role::Operator));
}

#[test]
fn an_operator_may_cancel_own_jobs_and_no_others() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    for name in ["slack", "teams"] {
        let pack = PackTree::new(name, "1.0.0").with_bulk(20, 20_000);
        site.offer_through(&fault, &pack, Format::TarGz);
    }
    let packd = Packd::start(&Settings::for_site(&site));
    let operator = Person::operator();
    let foreign = packd
        .ctl(["-j", "install", "slack", "--no-wait"])
        .success()
        .job()
        .id;
    let own = packd
        .ctl_as(&operator, ["-j", "install", "teams", "--no-wait"])
        .success()
        .job()
        .id;
    fault.wait_until_stalled(2);

    refused(
        &packd,
        &operator,
        &Request::new("POST", &path::job_cancel(foreign)),
    );
    assert_eq!(packd.job(foreign).status, JobStatus::Running);
    packd
        .ctl_as(&operator, ["job", "cancel", &own.to_string()])
        .success();
    assert_eq!(packd.finished(own).status, JobStatus::Cancelled);
    fault.release();
    assert_eq!(packd.finished(foreign).status, JobStatus::Succeeded);
}

#[test]
fn an_admin_may_do_everything() {
    let (_site, packd) = scene();
    let admin = Person::admin();
    assert_eq!(role(&packd, &admin), Role::Admin);
    packd.ctl_as(&admin, ["install", "slack"]).success();
    packd.ctl_as(&admin, ["remove", "slack"]).success();
    packd.ask_as(&admin, &reload()).expect(200);
    packd.ask_as(&admin, &Request::get(path::AUDIT)).expect(200);
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn the_overflow_user_may_do_nothing() {
    let (_site, packd) = scene();
    let nobody = Person::overflow();
    for request in [
        Request::get(path::STATUS),
        Request::get(path::PACKS),
        install(),
        remove(),
    ] {
        refused(&packd, &nobody, &request);
    }
    packd.ctl_as(&nobody, ["list"]).failure(4);
}

#[test]
fn a_stranger_to_the_folder_of_the_socket_does_not_reach_it() {
    let (_site, packd) = scene();
    let folder = packd.socket().parent().unwrap().to_owned();
    fs_err::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    let before = audit(&packd).len();
    let ran = packd.ctl_as(&Person::reader(), ["list"]);
    assert!(matches!(ran.code(), Some(4 | 5)), "{ran:#?}");
    ran.says(packd.socket().to_str().unwrap());
    assert_eq!(
        audit(&packd).len(),
        before,
        "who cannot connect is nobody's business"
    );
}

/// Every route and every role: who has less than the route needs is refused, and nobody else.
#[test]
fn every_route_has_its_least_role() {
    let (_site, packd) = scene();
    packd.ctl(["install", "slack"]).success();
    let contract = Contract::get();
    let people = [
        (Role::Denied, Person::overflow()),
        (Role::Reader, Person::reader()),
        (Role::Operator, Person::operator()),
        (Role::Admin, Person::admin()),
    ];
    let (mut wrong, mut refused, mut asked) = (Vec::new(), 0, 0);
    for operation in contract.operations() {
        let item = &contract.document()["paths"][&operation.path];
        let needed = &item[operation.method.to_lowercase()]["x-packd-role"];
        let needed: Role = serde_json::from_value(needed.clone()).unwrap();
        // whose job it is decides too, so it is nobody's; and archives are no text for curl's command line
        let request = match operation.path.as_str() {
            path::UPLOAD => Request::new("POST", path::UPLOAD).body("application/gzip", "none"),
            _ => super::contract::sample(&operation, 4711),
        };
        for (role, person) in &people {
            let answer = packd.ask_as(person, &request);
            let is_refused = answer.status == 403;
            if is_refused != (*role < needed) {
                wrong.push(format!(
                    "{operation:?} needs {needed}, {role}: {}",
                    answer.text()
                ));
            }
            refused += usize::from(is_refused);
            asked += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(asked, contract.operations().len() * 4);
    let rows = audit(&packd);
    let written = rows.iter().filter(|row| !row.allowed).count();
    assert_eq!(written, refused, "each refusal is in the audit");
    packd.ctl(["audit", "verify"]).success();
}

#[test]
fn readers_can_be_shut_out() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site).set("access.readers", "operators"));
    refused(&packd, &Person::reader(), &Request::get(path::PACKS));
    packd.ctl_as(&Person::operator(), ["list"]).success();
}

#[test]
fn what_a_client_claims_about_itself_does_not_count() {
    let (_site, packd) = scene();
    let reader = Person::reader();
    for (name, value) in [
        ("X-Remote-User", "root"),
        ("Authorization", "Basic cm9vdDpyb290"),
        ("X-Uid", "0"),
    ] {
        refused(&packd, &reader, &install().header(name, value));
    }
}

#[test]
fn a_repository_of_the_host_is_for_admins() {
    let repository = Repository::of([&slack()]);
    let packd = Packd::start(&Settings::new());
    let source = format!("file://{}", repository.path().display());
    let request = Request::post(path::INSTALL, &json!({"source": source}));
    refused(&packd, &Person::operator(), &request);
    packd.ask_as(&Person::admin(), &request).expect(202);
}
