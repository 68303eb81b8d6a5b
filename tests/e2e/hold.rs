//! Packs that are held: nothing changes them, plans go round them, and it is said why.

use packd_tests::{PackTree, Packd, Request, Settings, Site};
use packd_wire::{ErrorKind, JobStatus, PackView, Problem, path};
use serde_json::json;

/// A daemon with `core` 1.0.0, whose registry offers 2.0.0 too, and what needs either.
fn with_core() -> (Site, Packd) {
    let packs = [
        PackTree::new("core", "1.0.0"),
        PackTree::new("core", "2.0.0"),
        PackTree::new("app", "1.0.0").needs("core@^1"),
        PackTree::new("app", "2.0.0").needs("core@^2"),
    ];
    let site = Site::serving(&packs);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "core@1.0.0"]).success();
    (site, packd)
}

fn show(packd: &Packd, name: &str) -> PackView {
    packd.ask(&Request::get(&path::pack(name))).json()
}

/// The error of a command that fails, and nothing is different for it.
fn refused(packd: &Packd, line: &[&str]) -> Problem {
    let before = (packd.active(), packd.current_link());
    let job = packd.ctl(["-j"].iter().chain(line)).failure(1).job();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!((packd.active(), packd.current_link()), before);
    packd.staging_is_empty();
    job.error.unwrap()
}

#[test]
fn a_held_pack_stays_and_the_error_says_who_holds_it_and_how_to_go_on() {
    let (_site, packd) = with_core();
    packd
        .ctl(["hold", "core", "--reason", "the release is going on"])
        .success()
        .says("core is held at 1.0.0");
    for line in [
        &["install", "core@2.0.0"][..],
        &["install", "core@latest"],
        &["remove", "core"],
    ] {
        let problem = refused(&packd, line);
        assert_eq!(problem.kind, ErrorKind::PackHeld, "{line:?}: {problem:#?}");
        assert!(
            problem.detail.starts_with("`core` 1.0.0 is held, by "),
            "{problem:#?}"
        );
        assert!(problem.detail.ends_with(": the release is going on"));
        assert!(problem.hint.unwrap().contains("packctl unhold core"));
    }
    packd.ctl(["install", "core"]).success();
    packd.ctl(["list"]).success().says("ok, held");
    packd
        .ctl(["show", "core"])
        .success()
        .says("until it is lifted")
        .says("the release is going on");
    packd
        .ctl(["unhold", "core"])
        .success()
        .says("core is not held");
    packd.ctl(["install", "core@2.0.0"]).success();
    assert_eq!(packd.active(), ["core 2.0.0"]);
}

#[test]
fn a_plan_goes_round_a_held_pack_and_is_refused_where_there_is_no_way() {
    let (_site, packd) = with_core();
    packd.ctl(["hold", "core"]).success();
    let problem = refused(&packd, &["install", "app@2.0.0"]);
    let told = format!("{} {:?} {:?}", problem.detail, problem.causes, problem.hint);
    assert!(told.contains("`core` is held at 1.0.0"), "{problem:#?}");
    assert!(told.contains("packctl unhold core"), "{problem:#?}");
    packd.ctl(["install", "app"]).success();
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.0.0"]);
}

#[test]
fn force_changes_the_pack_that_is_named_and_it_stays_held() {
    let (_site, packd) = with_core();
    packd.ctl(["hold", "core"]).success();
    packd.ctl(["install", "core@2.0.0", "--force"]).success();
    assert_eq!(packd.active(), ["core 2.0.0"]);
    assert!(show(&packd, "core").hold.is_some());
    refused(&packd, &["install", "core@1.0.0"]);
    packd.ctl(["remove", "core", "--force"]).success();
    assert_eq!(packd.active(), [""; 0]);
    packd.ctl(["install", "core@1.0.0"]).success();
    assert!(show(&packd, "core").hold.is_none(), "it went with the pack");
}

#[test]
fn a_hold_that_makes_no_sense_is_refused() {
    let (_site, packd) = with_core();
    for (name, hold, kind) in [
        ("core", json!({"until": "tomorrow"}), ErrorKind::BadRequest),
        (
            "core",
            json!({"until": "2001-01-01T00:00:00Z"}),
            ErrorKind::BadRequest,
        ),
        ("core", json!({"reason": "a\nb"}), ErrorKind::BadRequest),
        ("core", json!({"untill": null}), ErrorKind::UnknownField),
        ("cora", json!({}), ErrorKind::PackNotInstalled),
    ] {
        let answer = packd.ask(&Request::post(&path::pack_hold(name), &hold));
        assert_eq!(answer.problem().kind, kind, "{hold}");
    }
    assert!(show(&packd, "core").hold.is_none());
    packd
        .ctl(["hold", "core", "cora"])
        .failure(3)
        .says("core is held at 1.0.0")
        .says("did you mean `core`?");
}
