//! What shall be is, in one job, and done again it changes nothing.

use packd_tests::{Format, GitSite, PackTree, Packd, Person, Repository, Request, Settings, Site};
use packd_wire::{ChangeAction, ErrorKind, HoldView, JobStatus, JobView, PackView, path};
use serde_json::{Value, json};

fn apply(packd: &Packd, body: &Value) -> JobView {
    packd
        .post(&format!("{}?wait=60", path::APPLY), body)
        .expect(200)
        .json()
}

fn ensure(packd: &Packd, name: &str, query: &str, body: &Value) -> JobView {
    let target = format!("{}?wait=60{query}", path::pack(name));
    let request = Request::new("PUT", &target).body("application/json", body.to_string());
    packd.ask(&request).expect(200).json()
}

fn succeeded(job: &JobView, changed: bool) {
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(job.changed, changed, "{job:#?}");
}

fn actions(job: &JobView) -> Vec<(String, ChangeAction)> {
    let plan = job.plan.as_ref().unwrap();
    let mut actions: Vec<_> = plan
        .changes
        .iter()
        .map(|change| (change.pack_ref.clone().unwrap(), change.action))
        .collect();
    actions.sort_by(|a, b| a.0.cmp(&b.0));
    actions
}

fn hold(packd: &Packd, name: &str) -> Option<HoldView> {
    let pack: PackView = packd.get(&path::pack(name)).expect(200).json();
    pack.hold
}

/// Three packs, one of which needs another.
fn site() -> Site {
    Site::serving([
        &PackTree::new("core", "1.0.0"),
        &PackTree::new("slack", "1.0.0"),
        &PackTree::new("slack", "2.1.0").needs("core@^1"),
        &PackTree::new("teams", "3.0.0"),
    ])
}

#[test]
fn packs_that_are_named_are_there_after_one_job_and_nothing_changes_again() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    let wanted =
        json!({"packs": {"slack": "^2", "teams": {"version": "3.0.0", "registry": "demo"}}});

    let mut dry = wanted.clone();
    dry["dry_run"] = json!(true);
    let job = apply(&packd, &dry);
    succeeded(&job, false);
    let plan = job.plan.as_ref().unwrap();
    assert!(plan.changed, "the plan says what would be: {plan:#?}");
    assert_eq!(packd.active(), [""; 0], "and nothing is");

    let job = apply(&packd, &wanted);
    succeeded(&job, true);
    assert_eq!(job.generation, Some(1), "all of it in one step");
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0", "teams 3.0.0"]);
    assert!(job.plan.as_ref().unwrap().changed);

    let asked = site.served().len();
    let again = apply(&packd, &wanted);
    succeeded(&again, false);
    assert!(!again.plan.as_ref().unwrap().changed);
    assert_eq!(
        actions(&again),
        [
            ("slack".to_owned(), ChangeAction::Keep),
            ("teams".to_owned(), ChangeAction::Keep)
        ]
    );
    assert_eq!(
        site.served().len(),
        asked,
        "nobody is asked about what is as asked for"
    );
    let job = apply(&packd, &dry);
    assert!(!job.plan.unwrap().changed);
}

#[test]
fn with_prune_only_what_is_named_and_needed_stays() {
    let site = site();
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@2.1.0", "teams"]).success();
    let only = |names: Value| json!({"packs": names, "prune": true});

    // nothing is removed without being told to
    succeeded(&apply(&packd, &json!({"packs": {"slack": "^2"}})), false);

    packd
        .ctl(["hold", "teams", "--reason", "a release"])
        .success();
    let job = apply(&packd, &only(json!({"slack": "^2"})));
    succeeded(&job, false);
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.starts_with("`teams` is not named, and stays: it is held")),
        "{:?}",
        job.warnings
    );
    packd.ctl(["unhold", "teams"]).success();
    let job = apply(&packd, &only(json!({"slack": "^2"})));
    succeeded(&job, true);
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0"]);

    // what the new version does not need goes with the old one
    let job = apply(&packd, &only(json!({"slack": "1.0.0"})));
    succeeded(&job, true);
    assert_eq!(
        actions(&job),
        [
            ("core".to_owned(), ChangeAction::Remove),
            ("slack".to_owned(), ChangeAction::Downgrade)
        ]
    );
    packd.restart();
    assert_eq!(packd.active(), ["slack 1.0.0"]);

    // who names nothing has made a slip
    let problem = packd.post(path::APPLY, &only(json!({}))).problem();
    assert_eq!(problem.kind, ErrorKind::BadRequest);
    assert!(problem.detail.contains("every pack"), "{problem:#?}");
}

#[test]
fn packs_that_are_pruned_are_in_nobodys_way() {
    let site = Site::serving([
        &PackTree::new("core", "1.0.0"),
        &PackTree::new("core", "2.0.0"),
        &PackTree::new("old", "1.0.0").needs("core@^1"),
    ]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "old"]).success();
    let mut wanted = json!({"packs": {"core": "^2"}});
    let job = apply(&packd, &wanted);
    assert_eq!(job.error.unwrap().kind, ErrorKind::RequiredBy);
    assert_eq!(packd.active(), ["core 1.0.0", "old 1.0.0"]);
    wanted["prune"] = json!(true);
    succeeded(&apply(&packd, &wanted), true);
    assert_eq!(packd.active(), ["core 2.0.0"]);
}

#[test]
fn system_packs_are_pruned_by_force_only() {
    let system = PackTree::new("base", "1.0.0").saying("ref: base\nversion: 1.0.0\nsystem: true\n");
    let site = Site::serving([&system, &PackTree::new("slack", "1.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "base"]).success();
    let mut wanted = json!({"packs": {"slack": "1"}, "prune": true});
    let job = apply(&packd, &wanted);
    succeeded(&job, true);
    assert_eq!(packd.active(), ["base 1.0.0", "slack 1.0.0"]);
    assert!(
        job.warnings[0].contains("it is a system pack"),
        "{:?}",
        job.warnings
    );
    wanted["force"] = json!(true);
    succeeded(&apply(&packd, &wanted), true);
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn one_pack_is_ensured_by_put() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    succeeded(
        &ensure(&packd, "slack", "", &json!({"version": "1.0.0"})),
        true,
    );
    succeeded(
        &ensure(&packd, "slack", "", &json!({"version": "1.0.0"})),
        false,
    );
    succeeded(&ensure(&packd, "slack", "", &json!({})), false);
    let job = ensure(
        &packd,
        "slack",
        "&dry_run=true",
        &json!({"version": "latest"}),
    );
    succeeded(&job, false);
    assert!(job.plan.unwrap().changed);
    succeeded(
        &ensure(&packd, "slack", "", &json!({"version": "latest"})),
        true,
    );
    succeeded(
        &ensure(&packd, "slack", "", &json!({"version": "latest"})),
        false,
    );
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0"]);

    let job = ensure(&packd, "slack", "", &json!({"version": "^9"}));
    let problem = job.error.unwrap();
    assert_eq!(problem.kind, ErrorKind::VersionNotFound, "{problem:#?}");
    let job = ensure(&packd, "slack", "", &json!({"registry": "nowhere"}));
    assert_eq!(job.error.unwrap().kind, ErrorKind::RegistryNotFound);
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0"]);
}

#[test]
fn holds_are_part_of_what_shall_be() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    let held = json!({"packs": {"slack": {"version": "1.0.0", "hold": {"reason": "a release"}}}});
    succeeded(&apply(&packd, &held), true);
    let reason = hold(&packd, "slack").and_then(|hold| hold.reason);
    assert_eq!(reason.as_deref(), Some("a release"));
    succeeded(&apply(&packd, &held), false);

    // it counts, unless it is lifted by the same request
    let newer = json!({"packs": {"slack": "2.1.0"}});
    let problem = apply(&packd, &newer).error.unwrap();
    assert_eq!(problem.kind, ErrorKind::PackHeld);
    assert!(problem.detail.contains("a release"), "{problem:#?}");
    let lifted = json!({"packs": {"slack": {"version": "2.1.0", "hold": false}}});
    succeeded(&apply(&packd, &lifted), true);
    assert_eq!(hold(&packd, "slack"), None);
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0"]);

    // a hold alone is a change, though no pack is another one
    let only = json!({"packs": {"slack": {"hold": true}}, "dry_run": true});
    let job = apply(&packd, &only);
    succeeded(&job, false);
    assert!(job.plan.unwrap().changed);
    assert_eq!(hold(&packd, "slack"), None, "a dry run holds nothing");
    let job = ensure(&packd, "slack", "", &json!({"hold": true}));
    succeeded(&job, true);
    assert_eq!(job.generation, None);
    assert!(hold(&packd, "slack").is_some());
    succeeded(&ensure(&packd, "slack", "", &json!({"hold": true})), false);

    let wrong = json!({"packs": {"slack": {"hold": {"until": "tomorrow"}}}});
    let problem = packd.post(path::APPLY, &wrong).problem();
    assert!(
        problem.detail.starts_with("`slack`: `until: tomorrow`"),
        "{problem:#?}"
    );
}

#[test]
fn sources_are_brought_once() {
    let repository = Repository::of([&PackTree::new("gitpack", "1.0.0")]);
    let site = GitSite::serving([&repository]);
    let archive = site
        .site
        .publish(&PackTree::new("urlpack", "2.0.0"), Format::TarGz);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.site.url(&format!("packs/{}", archive.name));
    let wanted = json!({"packs": {
        "urlpack": {"source": url, "version": "2.0.0", "checksum": archive.sha256()},
        "gitpack": {"source": site.url(&repository), "git_ref": "main"},
    }});
    succeeded(&apply(&packd, &wanted), true);
    assert_eq!(packd.active(), ["gitpack 1.0.0", "urlpack 2.0.0"]);
    let fetched = |site: &Site| {
        let served = site.served();
        served
            .iter()
            .filter(|one| one.path.contains("packs/"))
            .count()
    };
    let before = fetched(&site.site);
    succeeded(&apply(&packd, &wanted), false);
    assert_eq!(fetched(&site.site), before);

    // a branch moves, and what shall be is what it names
    repository.commit(&PackTree::new("gitpack", "1.1.0"));
    site.publish(&repository);
    succeeded(&apply(&packd, &wanted), true);
    assert_eq!(packd.active(), ["gitpack 1.1.0", "urlpack 2.0.0"]);

    // what comes must be what was asked for
    for (body, kind) in [
        (
            json!({"version": "3.0.0", "source": url}),
            ErrorKind::ContentMismatch,
        ),
        (
            json!({"source": url, "tree": format!("sha256:{}", "0".repeat(64))}),
            ErrorKind::DigestMismatch,
        ),
    ] {
        let problem = ensure(&packd, "urlpack", "", &body).error.unwrap();
        assert_eq!(problem.kind, kind, "{problem:#?}");
    }
    let problem = ensure(&packd, "other", "", &json!({"source": url}))
        .error
        .unwrap();
    assert_eq!(problem.kind, ErrorKind::ContentMismatch, "{problem:#?}");
    assert!(problem.hint.unwrap().contains("urlpack"));
    assert_eq!(packd.active(), ["gitpack 1.1.0", "urlpack 2.0.0"]);
    packd.staging_is_empty();
}

#[test]
fn a_request_says_one_thing_and_names_what_is_wrong() {
    let packd = Packd::start(&Settings::new());
    for (body, kind, words) in [
        (
            json!({}),
            ErrorKind::BadRequest,
            "neither `packs` nor `plan`",
        ),
        (
            json!({"packs": {}, "plan": {"changes": []}}),
            ErrorKind::BadRequest,
            "both",
        ),
        (
            json!({"packs": {"Slack": "1"}}),
            ErrorKind::InvalidReference,
            "Slack",
        ),
        (
            json!({"packs": {"slack": "^x"}}),
            ErrorKind::InvalidReference,
            "`slack`",
        ),
        (
            json!({"packs": {"slack": {"versoin": "1"}}}),
            ErrorKind::UnknownField,
            "versoin",
        ),
        (
            json!({"packs": {"slack": 1.5}}),
            ErrorKind::BadRequest,
            "packs.slack",
        ),
        (
            json!({"packs": {"slack": {"source": "slack"}}}),
            ErrorKind::InvalidReference,
            "`slack`",
        ),
    ] {
        let problem = packd.post(path::APPLY, &body).problem();
        assert_eq!(problem.kind, kind, "{problem:#?}");
        assert!(problem.detail.contains(words), "{words}: {problem:#?}");
    }
}

#[test]
fn packs_of_one_repository_are_told_apart_by_their_folders() {
    let repository = Repository::new("all");
    for (name, version) in [("left", "1.0.0"), ("right", "2.0.0")] {
        PackTree::new(name, version).write_to(&repository.path().join(name));
    }
    let first = repository.commit_all("both");
    PackTree::new("left", "1.1.0").write_to(&repository.path().join("left"));
    repository.commit_all("one");
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    let wanted = json!({"packs": {
        "left": {"source": url, "path": "left", "git_ref": "main"},
        "right": {"source": url, "path": "right", "git_ref": first},
    }});
    succeeded(&apply(&packd, &wanted), true);
    assert_eq!(packd.active(), ["left 1.1.0", "right 2.0.0"]);
    succeeded(&apply(&packd, &wanted), false);
    let commits: Vec<_> = packd
        .packs()
        .into_iter()
        .map(|pack| pack.source.commit)
        .collect();
    assert_eq!(commits[1].as_ref(), Some(&first));
    assert_ne!(commits[0], commits[1]);
}

#[test]
fn packs_that_do_not_go_together_are_refused_together() {
    let site = Site::serving([
        &PackTree::new("core", "1.0.0"),
        &PackTree::new("core", "2.0.0"),
        &PackTree::new("slack", "1.0.0").needs("core@^1"),
        &PackTree::new("teams", "1.0.0"),
    ]);
    let packd = Packd::start(&Settings::for_site(&site));
    let wanted = json!({"packs": {"core": "^2", "slack": "*", "teams": "*"}});
    let problem = apply(&packd, &wanted).error.unwrap();
    assert_eq!(problem.kind, ErrorKind::DependencyUnmet, "{problem:#?}");
    assert_eq!(packd.active(), [""; 0], "not the one that would do either");

    // what is as asked for moves only within what was asked
    packd.ctl(["install", "core@2.0.0"]).success();
    let problem = apply(&packd, &wanted).error.unwrap();
    assert!(
        problem
            .causes
            .iter()
            .any(|cause| cause == "`core` shall be ^2"),
        "{problem:#?}"
    );
    let loose = json!({"packs": {"core": "*", "slack": "*"}});
    succeeded(&apply(&packd, &loose), true);
    assert_eq!(packd.active(), ["core 1.0.0", "slack 1.0.0"]);
}

#[test]
fn what_a_dry_run_planned_is_run_as_it_is() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "teams"]).success();
    let wanted = json!({
        "packs": {"slack": {"version": "^2", "hold": {"reason": "a release"}}},
        "prune": true,
        "dry_run": true,
    });
    let planned = apply(&packd, &wanted);
    assert_eq!(packd.active(), ["teams 3.0.0"]);
    let job = apply(&packd, &json!({"plan": planned.plan}));
    succeeded(&job, true);
    assert_eq!(packd.active(), ["core 1.0.0", "slack 2.1.0"]);
    assert!(hold(&packd, "slack").is_some());
}

mod people {
    use super::*;

    #[test]
    fn roles_prune_is_for_admins() {
        let site = site();
        let packd = Packd::start(&Settings::for_site(&site));
        let request = |body: &Value| Request::post(&format!("{}?wait=60", path::APPLY), body);
        let mut body = json!({"packs": {"slack": "1.0.0"}});
        let operator = Person::operator();
        let job: JobView = packd.ask_as(&operator, &request(&body)).expect(200).json();
        succeeded(&job, true);
        body["prune"] = json!(true);
        let problem = packd.ask_as(&operator, &request(&body)).problem();
        assert_eq!(problem.kind, ErrorKind::AccessDenied);
        let problem = packd.ask_as(&Person::reader(), &request(&body)).problem();
        assert_eq!(problem.kind, ErrorKind::AccessDenied);
        let job: JobView = packd
            .ask_as(&Person::admin(), &request(&body))
            .expect(200)
            .json();
        succeeded(&job, false);
    }
}

#[test]
fn as_many_packs_as_may_be_named_fit_into_a_request() {
    let packd = Packd::start(&Settings::new());
    let digest = format!("sha256:{}", "0".repeat(64));
    let packs = |count: usize| -> Value {
        let one = json!({"version": "1.2.3", "registry": "some_registry", "checksum": digest, "tree": digest,
            "hold": {"reason": "what exports of other hosts may say of it, in many words"}});
        let all = (0..count).map(|number| (format!("some_pack_{number}"), one.clone()));
        json!({"packs": all.collect::<serde_json::Map<_, _>>()})
    };
    let problem = packd
        .post(path::APPLY, &packs(10_001))
        .expect(400)
        .problem();
    assert!(
        problem.detail.contains("more than 10000 packs"),
        "{problem:#?}"
    );
    let problem = packd
        .post(path::APPLY, &packs(40_000))
        .expect(413)
        .problem();
    assert_eq!(problem.kind, ErrorKind::PayloadTooLarge, "{problem:#?}");
}
