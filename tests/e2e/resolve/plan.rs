//! A plan that is shown first, and run later as it is, or not at all.

use super::*;

#[test]
fn a_dry_run_shows_the_plan_and_fetches_nothing_that_the_index_tells() {
    let (site, packd) = offering(&[
        &pack("app", "1.0.0").needs("core@^1"),
        &pack("core", "1.4.0"),
    ]);
    packd
        .ctl(["install", "app", "--dry-run"])
        .success()
        .says("core")
        .says("needed by app 1.0.0 (^1)")
        .says("requested");
    assert!(packd.active().is_empty());
    assert!(packd.store().is_empty());
    let archives = site.served();
    assert!(
        archives
            .iter()
            .all(|served| !served.path.contains("packs/")),
        "{archives:?}"
    );
}

#[test]
fn a_saved_plan_is_run_as_it_is() {
    let (mut site, packd) = offering(&[
        &pack("app", "1.0.0").needs("core@^1"),
        &pack("core", "1.4.0"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    packd
        .ctl(["install", "app", "--plan-file", file])
        .success()
        .says("packctl apply --plan-file");
    assert!(packd.active().is_empty(), "it was only planned");
    let saved: Value = serde_json::from_slice(&fs_err::read(file).unwrap()).unwrap();
    assert_eq!(saved["packd_plan"], 1);
    assert!(
        saved["plan"]["changes"][0]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:"),
        "{saved:#}"
    );

    // newer versions that came since are not what was planned
    site.offer(&pack("core", "1.5.0"));
    packd.ctl(["registry", "refresh"]).success();
    let job = packd
        .ctl(["-j", "apply", "--plan-file", file])
        .success()
        .job();
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.4.0"]);
    assert_eq!(job.summary, "apply the plan of `install app`");
    assert_eq!(
        changes(&job),
        [
            "install core 1.4.0: needed by app 1.0.0 (^1)",
            "install app 1.0.0: requested",
        ]
    );

    // once it was run, the host is another one
    let problem = outdated(&packd, file);
    assert!(problem.detail.contains("`app` 1.0.0"), "{problem:#?}");
}

#[test]
fn a_plan_is_refused_when_the_host_has_changed_since() {
    let (_site, packd) = offering(&[
        &pack("slack", "1.0.0"),
        &pack("slack", "2.0.0"),
        &pack("jira", "1.0.0"),
        &pack("pager", "1.0.0"),
    ]);
    packd.ctl(["install", "slack@1.0.0", "jira"]).success();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    packd
        .ctl(["install", "slack@latest", "--plan-file", file])
        .success();
    packd.ctl(["install", "pager"]).success();
    packd.ctl(["remove", "jira"]).success();
    let problem = outdated(&packd, file);
    assert_eq!(
        problem.detail,
        "the plan is outdated: `jira` 1.0.0 was removed since; `pager` 1.0.0 was installed since"
    );
    assert_eq!(packd.active(), ["pager 1.0.0", "slack 1.0.0"]);
}

#[test]
fn a_plan_is_refused_when_the_registry_offers_other_bytes() {
    let mut site = Site::serving([&pack("slack", "1.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    packd
        .ctl(["install", "slack", "--plan-file", file])
        .success();
    site.offer(&pack("slack", "1.0.0").file("more", "bytes"));
    // an index of the same length within the same second is the same to nginx
    site.offer(&pack("other", "1.0.0"));
    packd.ctl(["registry", "refresh"]).success();
    let problem = outdated(&packd, file);
    assert_eq!(
        problem.detail,
        "the plan is outdated: registry `demo` offers other bytes as `slack` 1.0.0"
    );
}

#[test]
fn a_plan_of_a_folder_is_run_from_what_was_sent_then() {
    let (_site, packd) = offering(&[&pack("core", "1.0.0")]);
    let work = tempfile::tempdir().unwrap();
    let mine = work.path().join("mine");
    fs_err::create_dir(&mine).unwrap();
    pack("mine", "0.1.0").needs("core").write_to(&mine);
    let file = work.path().join("plan.json");
    let file = file.to_str().unwrap();
    packd
        .ctl(["install", mine.to_str().unwrap(), "--plan-file", file])
        .success();
    assert!(packd.active().is_empty());
    fs_err::remove_dir_all(&mine).unwrap();
    packd.ctl(["apply", "--plan-file", file]).success();
    assert_eq!(packd.active(), ["core 1.0.0", "mine 0.1.0"]);
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_before_it_is_queued() {
    let packd = Packd::start(&Settings::new());
    let change = json!({"ref": "a", "action": "install", "from": null, "to": "1.0.0",
        "registry": "demo", "source": null, "digest": null, "reason": "requested"});
    let with = |key: &str, value: Value| {
        let mut change = change.clone();
        change[key] = value;
        change
    };
    for (changes, said) in [
        (json!([with("ref", Value::Null)]), "which pack"),
        (json!([with("ref", json!("../a"))]), "not a pack ref"),
        (json!([with("to", Value::Null)]), "which version of `a`"),
        (json!([with("to", json!("one"))]), "not a semantic version"),
        (json!([change, change]), "has `a` twice"),
    ] {
        let body = json!({"plan": {"changes": changes}});
        let answer = packd.ask(&Request::post("/v1/apply", &body));
        let problem = answer.expect(422).problem();
        assert!(problem.detail.contains(said), "{said}: {problem:#?}");
    }
    let body = json!({"plan": {"changes": []}, "plann": 1});
    let problem = packd
        .ask(&Request::post("/v1/apply", &body))
        .expect(400)
        .problem();
    assert_eq!(problem.kind, ErrorKind::UnknownField);
}

/// The refusal of a plan that does not hold any more.
fn outdated(packd: &Packd, file: &str) -> Problem {
    let before = (packd.active(), packd.current_link());
    let job = packd
        .ctl(["-j", "apply", "--plan-file", file])
        .failure(1)
        .job();
    assert_eq!((packd.active(), packd.current_link()), before);
    let problem = job.error.unwrap();
    assert_eq!(problem.kind, ErrorKind::PlanOutdated);
    assert!(problem.hint.is_some());
    problem
}
