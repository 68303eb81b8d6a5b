//! Updates that cannot go: some of a plan, all of it, and versions that were rolled back from.

use packd_tests::{PackTree, Packd, Settings, Site};
use packd_wire::{JobStatus, UpdateDecision};

use super::update::{explained, from_now, updated};

fn at_once(site: &Site) -> Settings {
    Settings::for_site(site)
        .set("updates.splay", "0s")
        .set("updates.allow", "any")
}

#[test]
fn all_that_is_due_becomes_active_together_and_what_cannot_go_is_left_out() {
    let packs = [
        PackTree::new("core", "1.0.0"),
        PackTree::new("app", "1.0.0").needs("core@^1"),
        PackTree::new("lone", "1.0.0"),
        PackTree::new("tied", "1.0.0"),
    ];
    let mut site = Site::serving(&packs);
    let packd = Packd::start(&at_once(&site));
    packd.ctl(["install", "app", "lone", "tied"]).success();
    let mut events = from_now(&packd);
    for pack in [
        PackTree::new("core", "2.0.0"),
        PackTree::new("app", "2.0.0").needs("core@^2"),
        PackTree::new("lone", "2.0.0"),
        PackTree::new("tied", "2.0.0").needs("core@^1"),
    ] {
        site.offer(&pack);
    }
    packd.ctl(["registry", "refresh"]).success();
    let job = updated(&packd, &mut events);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(
        packd.active(),
        ["app 2.0.0", "core 2.0.0", "lone 2.0.0", "tied 1.0.0"],
        "in one generation"
    );
    let plan = job.plan.unwrap();
    assert_eq!(plan.left_out.len(), 1, "{plan:#?}");
    assert_eq!(plan.left_out[0].pack_ref, "tied");
    assert!(plan.left_out[0].reason.contains("core"), "{plan:#?}");
    assert!(
        job.warnings
            .iter()
            .any(|text| text.starts_with("`tied` stays as it is: "))
    );
    let update = explained(&packd, "tied", UpdateDecision::Failed);
    assert!(
        update.next.is_some() && update.reason.contains("core"),
        "{update:#?}"
    );
    // what it lacks comes, and it is tried again at once
    site.offer(&PackTree::new("tied", "2.1.0").needs("core@^2"));
    packd.ctl(["registry", "refresh"]).success();
    updated(&packd, &mut events);
    assert!(packd.active().contains(&"tied 2.1.0".to_owned()));
}

#[test]
fn one_that_fails_keeps_the_others_from_nothing() {
    let packs = ["bad", "good"].map(|name| PackTree::new(name, "1.0.0"));
    let mut site = Site::serving(&packs);
    let packd = Packd::start(&at_once(&site).set("queue.retries", 0));
    packd.ctl(["install", "bad", "good"]).success();
    let mut events = from_now(&packd);
    let wrong = format!("sha256:{}", "0".repeat(64));
    site.offer_with_checksum(&PackTree::new("bad", "1.1.0"), &wrong);
    site.offer(&PackTree::new("good", "1.1.0"));
    packd.ctl(["registry", "refresh"]).success();
    let ends: Vec<_> = (0..3).map(|_| updated(&packd, &mut events)).collect();
    let told: Vec<_> = ends
        .iter()
        .map(|job| (job.summary.as_str(), job.status))
        .collect();
    assert_eq!(
        told,
        [
            ("update bad, good from registry demo", JobStatus::Failed),
            ("update bad from registry demo", JobStatus::Failed),
            ("update good from registry demo", JobStatus::Succeeded),
        ]
    );
    assert_eq!(packd.active(), ["bad 1.0.0", "good 1.1.0"]);
    let update = explained(&packd, "bad", UpdateDecision::Failed);
    assert_eq!(update.job, Some(ends[1].id));
    packd
        .ctl(["update", "--explain", "bad"])
        .success()
        .says("could not install 1.1.0: ")
        .says("tried again: ");
    packd.ctl(["registry", "refresh"]).success();
    explained(&packd, "bad", UpdateDecision::Failed);
    let list = packd
        .ctl(["-j", "job", "list"])
        .success()
        .json::<serde_json::Value>();
    let updates = list["jobs"].as_array().unwrap().iter();
    assert_eq!(
        updates.filter(|job| job["kind"] == "update").count(),
        3,
        "no storm"
    );
}

#[test]
fn a_version_that_was_rolled_back_from_never_comes_back_by_itself() {
    let slack = |version| PackTree::new("slack", version);
    let mut site = Site::serving(&[slack("1.0.0")]);
    let packd = Packd::start(&at_once(&site));
    packd.ctl(["install", "slack"]).success();
    let mut events = from_now(&packd);
    for bad in ["1.1.0", "1.2.0"] {
        site.offer(&slack(bad));
        packd.ctl(["registry", "refresh"]).success();
        updated(&packd, &mut events);
        assert_eq!(packd.active(), [format!("slack {bad}")]);
        packd.ctl(["rollback", "slack"]).success();
        assert_eq!(packd.active(), ["slack 1.0.0"]);
        let update = explained(&packd, "slack", UpdateDecision::Blocked);
        assert!(
            update
                .reason
                .starts_with(&format!("{bad} was rolled back from by job "))
        );
    }
    packd
        .ctl(["update", "slack"])
        .success()
        .says("slack 1.0.0 is already installed")
        .says("was rolled back from, and is passed over");
    let asked_for = updated(&packd, &mut events);
    assert_eq!(asked_for.request["origin"], "requested");
    site.offer(&slack("1.3.0"));
    packd.ctl(["registry", "refresh"]).success();
    updated(&packd, &mut events);
    assert_eq!(
        packd.active(),
        ["slack 1.3.0"],
        "the next newer version goes"
    );
}
