//! What packs need: planned with them, explained when it cannot be had, and never broken.

mod plan;

use packd_tests::support::site;
use packd_tests::{Fault, Format, PackTree, Packd, Request, Settings, Site};
use packd_wire::{ChangeAction, ErrorKind, JobStatus, JobView, PlanChange, Problem, StepStatus};
use serde_json::{Value, json};

fn pack(name: &str, version: &str) -> PackTree {
    PackTree::new(name, version)
}

/// A daemon whose one registry offers these.
fn offering(packs: &[&PackTree]) -> (Site, Packd) {
    let site = Site::serving(packs.iter().copied());
    let packd = Packd::start(&Settings::for_site(&site));
    (site, packd)
}

fn changes(job: &JobView) -> Vec<String> {
    let plan = job.plan.as_ref().unwrap();
    plan.changes.iter().map(line).collect()
}

fn line(change: &PlanChange) -> String {
    format!(
        "{} {} {}: {}",
        change.action.as_str(),
        change.pack_ref.as_deref().unwrap_or("?"),
        change.to.as_deref().unwrap_or("-"),
        change.reason
    )
}

/// The error of an install that fails, and nothing is different for it.
fn refused(packd: &Packd, line: &[&str]) -> Problem {
    let before = (packd.active(), packd.current_link());
    let words = ["-j", "install"].iter().chain(line);
    let job = packd.ctl(words).failure(1).job();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!((packd.active(), packd.current_link()), before);
    packd.staging_is_empty();
    job.error.unwrap()
}

/// Takes out of an index what it says of the needs of its packs.
fn hush(site: &Site) {
    fn without(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.shift_remove("dependencies");
                members.values_mut().for_each(without);
            }
            Value::Array(items) => items.iter_mut().for_each(without),
            _ => {}
        }
    }
    let path = site.root().join("index.json");
    let mut index: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    without(&mut index);
    fs_err::write(&path, index.to_string()).unwrap();
}

#[test]
fn everything_that_a_pack_needs_comes_with_it_in_one_activation() {
    let (_site, packd) = offering(&[
        &pack("app", "1.0.0").needs("web@^2"),
        &pack("web", "2.0.1").needs("core@^1.4"),
        &pack("web", "3.0.0"),
        &pack("core", "1.4.2"),
        &pack("core", "2.0.0"),
    ]);
    let job = packd.ctl(["-j", "install", "app"]).success().job();
    assert_eq!(
        changes(&job),
        [
            "install core 1.4.2: needed by web 2.0.1 (^1.4)",
            "install web 2.0.1: needed by app 1.0.0 (^2)",
            "install app 1.0.0: requested",
        ]
    );
    assert_eq!(job.generation, Some(1), "one switch for all of them");
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.4.2", "web 2.0.1"]);
    assert!(
        job.steps
            .iter()
            .all(|step| step.status == StepStatus::Completed),
        "{job:#?}"
    );
    let fetch = job.steps.iter().find(|step| step.name.as_str() == "fetch");
    assert_eq!(fetch.unwrap().message.as_deref(), Some("3 packs"));
    packd.staging_is_empty();
}

#[test]
fn what_the_index_does_not_say_is_learned_from_the_packs() {
    let (site, packd) = offering(&[
        &pack("app", "1.0.0").needs("web"),
        &pack("web", "1.0.0").needs("core@^1"),
        &pack("core", "1.2.0"),
        &pack("core", "2.0.0"),
    ]);
    hush(&site);
    packd.ctl(["registry", "refresh"]).success();
    let job = packd.ctl(["-j", "install", "app"]).success().job();
    assert_eq!(job.generation, Some(1));
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.2.0", "web 1.0.0"]);
    assert_eq!(
        changes(&job)[0],
        "install core 1.2.0: needed by web 1.0.0 (^1)"
    );
    assert_eq!(job.warnings, Vec::<String>::new(), "nothing disagrees");
}

#[test]
fn where_index_and_pack_disagree_the_pack_counts() {
    let mut site = Site::serving([&pack("core", "1.0.0"), &pack("other", "1.0.0")]);
    site.offer(&pack("app", "1.0.0").needs("core@^1"));
    let path = site.root().join("index.json");
    let text = fs_err::read_to_string(&path).unwrap();
    assert!(text.contains("core@^1"));
    fs_err::write(&path, text.replace("core@^1", "other@^1")).unwrap();
    let packd = Packd::start(&Settings::for_site(&site));
    let job = packd.ctl(["-j", "install", "app"]).success().job();
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.0.0"]);
    assert_eq!(
        job.warnings,
        [
            "registry `demo` says that `app` 1.0.0 needs `other@^1`, and its `pack.yaml` says `core@^1`, which counts"
        ]
    );
}

#[test]
fn what_is_installed_and_will_do_is_kept_and_the_rest_is_upgraded() {
    let (_site, packd) = offering(&[
        &pack("core", "1.0.0"),
        &pack("core", "1.9.0"),
        &pack("lib", "1.0.0"),
        &pack("lib", "2.0.0"),
        &pack("app", "1.0.0").needs("core@^1").needs("lib@^2"),
    ]);
    packd.ctl(["install", "core@1.0.0", "lib@1.0.0"]).success();
    let job = packd.ctl(["-j", "install", "app"]).success().job();
    assert_eq!(
        changes(&job),
        [
            "upgrade lib 2.0.0: needed by app 1.0.0 (^2)",
            "install app 1.0.0: requested",
        ]
    );
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.0.0", "lib 2.0.0"]);
}

#[test]
fn asking_for_what_is_there_keeps_it_and_says_what_is_newer() {
    let (_site, packd) = offering(&[&pack("core", "1.0.0"), &pack("core", "1.9.0")]);
    packd.ctl(["install", "core@1.0.0"]).success();
    packd
        .ctl(["install", "core"])
        .success()
        .says("core 1.0.0 is already installed; 1.9.0 is available: packctl install core@latest");
    assert_eq!(packd.active(), ["core 1.0.0"]);
}

#[test]
fn a_need_that_nobody_offers_is_named_and_nothing_changes() {
    let (_site, packd) = offering(&[
        &pack("app", "1.0.0").needs("web"),
        &pack("web", "1.0.0").needs("slak@^2"),
        &pack("slack", "2.0.0"),
    ]);
    let problem = refused(&packd, &["app"]);
    assert_eq!(problem.kind, ErrorKind::DependencyUnmet);
    assert_eq!(
        problem.detail,
        "`slak` is needed, and no registry offers it"
    );
    assert_eq!(
        problem.causes,
        [
            "`app` 1.0.0 needs `web`",
            "`web` 1.0.0 needs `slak@^2`, which no registry offers",
        ]
    );
    assert!(problem.hint.unwrap().contains("there is a pack `slack`"));
    assert!(packd.store().is_empty(), "nothing was even fetched");
}

#[test]
fn dependencies_are_skipped_when_that_is_asked_for_and_it_is_recorded() {
    let (_site, packd) = offering(&[&pack("app", "1.0.0").needs("lost@^1").needs("core")]);
    let job = packd
        .ctl(["-j", "install", "app", "--skip-deps"])
        .success()
        .job();
    assert_eq!(packd.active(), ["app 1.0.0"]);
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.contains("`lost@^1`") && warning.contains("skipped")),
        "{job:#?}"
    );
    // and it stays as it is, also when it is asked for again
    let again = packd.ctl(["-j", "install", "app"]).success().job();
    assert!(!again.changed, "{again:#?}");
}

#[test]
fn force_installs_in_spite_of_what_is_missing_and_says_so() {
    let (_site, packd) = offering(&[&pack("app", "1.0.0").needs("lost@^1")]);
    let job = packd
        .ctl(["-j", "install", "app", "--force"])
        .success()
        .job();
    assert_eq!(packd.active(), ["app 1.0.0"]);
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.contains("`lost@^1`") && warning.contains("by force")),
        "{job:#?}"
    );
}

#[test]
fn a_circle_is_installed_and_shown() {
    let (_site, packd) = offering(&[
        &pack("a", "1.0.0").needs("b@^1"),
        &pack("b", "1.0.0").needs("a@^1"),
    ]);
    packd
        .ctl(["install", "a", "--dry-run"])
        .success()
        .says("in a circle: a -> b -> a");
    let job = packd.ctl(["-j", "install", "a"]).success().job();
    assert_eq!(job.plan.unwrap().circles, [["a", "b", "a"]]);
    assert_eq!(packd.active(), ["a 1.0.0", "b 1.0.0"]);
}

#[test]
fn needs_that_exclude_each_other_are_explained() {
    let (_site, packd) = offering(&[
        &pack("app", "1.0.0").needs("left").needs("right"),
        &pack("left", "1.0.0").needs("core@^1"),
        &pack("right", "1.0.0").needs("core@^2"),
        &pack("core", "1.0.0"),
        &pack("core", "2.0.0"),
    ]);
    let problem = refused(&packd, &["app"]);
    assert_eq!(problem.kind, ErrorKind::DependencyUnmet);
    assert_eq!(
        problem.detail,
        "no version of `core` suits everything that needs it"
    );
    for sentence in [
        "`left` 1.0.0 needs `core@^1`",
        "`right` 1.0.0 needs `core@^2`",
    ] {
        assert!(
            problem.causes.iter().any(|cause| cause == sentence),
            "{problem:#?}"
        );
    }
}

#[test]
fn an_older_version_that_works_is_suggested() {
    let (_site, packd) = offering(&[
        &pack("app", "1.0.0").needs("core@^1"),
        &pack("app", "2.0.0").needs("core@^2"),
        &pack("core", "1.0.0"),
    ]);
    let problem = refused(&packd, &["app@^2"]);
    assert_eq!(
        problem.hint.as_deref(),
        Some("it works with `app` 1.0.0: `packctl install app@1.0.0`")
    );
    packd.ctl(["install", "app"]).success();
    assert_eq!(packd.active(), ["app 1.0.0", "core 1.0.0"]);
}

#[test]
fn an_upgrade_that_would_break_others_is_refused_with_all_of_them() {
    let (_site, packd) = offering(&[
        &pack("core", "1.0.0"),
        &pack("core", "2.0.0"),
        &pack("aws", "1.0.0").needs("core@^1"),
        &pack("web", "1.0.0").needs("core@^1"),
    ]);
    packd.ctl(["install", "aws", "web"]).success();
    let problem = refused(&packd, &["core@2.0.0"]);
    assert_eq!(problem.kind, ErrorKind::RequiredBy);
    assert_eq!(
        problem.detail,
        "it would break `aws` and `web`, which are installed"
    );
    assert!(
        problem.hint.unwrap().contains("packctl remove aws"),
        "what makes room is said"
    );
    let job = packd
        .ctl(["-j", "install", "core@2.0.0", "--force"])
        .success()
        .job();
    assert_eq!(job.warnings.len(), 2, "{job:#?}");
    assert_eq!(packd.active(), ["aws 1.0.0", "core 2.0.0", "web 1.0.0"]);
}

#[test]
fn an_upgrade_takes_along_what_goes_with_it() {
    let (_site, packd) = offering(&[
        &pack("core", "1.0.0"),
        &pack("core", "2.0.0"),
        &pack("aws", "1.0.0").needs("core@^1"),
        &pack("aws", "1.5.0").needs("core@^2"),
    ]);
    packd.ctl(["install", "aws@1.0.0"]).success();
    let job = packd.ctl(["-j", "install", "core@latest"]).success().job();
    assert_eq!(
        changes(&job),
        [
            "upgrade core 2.0.0: requested",
            "upgrade aws 1.5.0: to go with core 2.0.0 (needed ^1 before)",
        ]
    );
    assert_eq!(packd.active(), ["aws 1.5.0", "core 2.0.0"]);
}

#[test]
fn a_need_in_the_registry_that_is_down_is_not_looked_up_in_the_next() {
    let inner = Site::serving([&pack("app", "1.0.0").needs("core")]);
    let public = site::folder_with([&pack("core", "6.6.6")]);
    let way = Fault::before(&inner);
    let public_url = format!("file://{}/index.json", public.path().display());
    let settings = |middle: &str| {
        Settings::new()
            .registry("inner", &inner.url("index.json"), &json!({"priority": 1}))
            .registry("middle", middle, &json!({"priority": 2, "refs": ["core"]}))
            .registry("public", &public_url, &json!({"priority": 3}))
            .set("net.ca_file", inner.authority().to_str())
            .set("queue.retries", 0)
    };
    let dead = way.url("index.json");
    drop(way);
    let packd = Packd::start(&settings(&dead));
    let job = packd.ctl(["-j", "install", "app"]).failure(6).job();
    let problem = job.error.unwrap();
    assert_eq!(problem.kind, ErrorKind::RegistryUnreachable);
    assert!(problem.detail.contains("`middle`"), "{problem:#?}");
    assert!(packd.active().is_empty());
}

#[test]
fn a_pack_stays_with_the_registry_that_it_came_from() {
    let first = site::folder_with([&pack("slack", "9.0.0")]);
    let second = site::folder_with([&pack("slack", "1.0.0"), &pack("slack", "1.1.0")]);
    let url = |folder: &tempfile::TempDir| format!("file://{}/index.json", folder.path().display());
    let settings = Settings::new()
        .registry("first", &url(&first), &json!({"priority": 1}))
        .registry("second", &url(&second), &json!({"priority": 2}));
    let packd = Packd::start(&settings);
    packd
        .ctl(["install", "slack@1.0.0", "--registry", "second"])
        .success();
    packd.ctl(["install", "slack@latest"]).success();
    assert_eq!(packd.active(), ["slack 1.1.0"], "`first` is not asked");
    let job = packd
        .ctl([
            "-j",
            "install",
            "slack",
            "--registry",
            "first",
            "--change-origin",
        ])
        .success()
        .job();
    assert_eq!(job.plan.unwrap().changes[0].action, ChangeAction::Upgrade);
    assert_eq!(packd.active(), ["slack 9.0.0"]);
}

#[test]
fn a_version_that_a_later_registry_offers_is_named() {
    let first = site::folder_with([&pack("slack", "1.0.0")]);
    let second = site::folder_with([&pack("slack", "2.0.0")]);
    let url = |folder: &tempfile::TempDir| format!("file://{}/index.json", folder.path().display());
    let packd = Packd::start(
        &Settings::new()
            .registry("first", &url(&first), &json!({"priority": 1}))
            .registry("second", &url(&second), &json!({"priority": 2})),
    );
    packd.ctl(["registry", "refresh"]).success();
    packd
        .ctl(["install", "slack@^2"])
        .failure(3)
        .says("registry `second` offers 2.0.0, but `first` comes before it")
        .says("--registry second");
}

#[test]
fn a_folder_comes_with_what_it_needs_from_the_registry() {
    let (_site, packd) = offering(&[&pack("core", "1.4.0"), &pack("core", "2.0.0")]);
    let folder = tempfile::tempdir().unwrap();
    pack("mine", "0.1.0")
        .needs("core@^1")
        .write_to(folder.path());
    let path = folder.path().to_str().unwrap();
    let job = packd.ctl(["-j", "install", path]).success().job();
    assert_eq!(
        changes(&job),
        [
            "install core 1.4.0: needed by mine 0.1.0 (^1)",
            "install mine 0.1.0: requested",
        ]
    );
    assert_eq!(job.generation, Some(1));
}

#[test]
fn folders_and_archives_of_one_command_are_installed_in_the_order_that_they_need() {
    let folder = tempfile::tempdir().unwrap();
    let packs = [
        pack("c", "1.0.0").needs("b"),
        pack("b", "1.0.0").needs("a"),
        pack("a", "1.0.0").with_bulk(300, 1_000),
    ];
    let mut paths = Vec::new();
    for (number, one) in packs.iter().enumerate() {
        if number == 1 {
            let archive = one.archive(Format::TarGz);
            let path = folder.path().join("b.tar.gz");
            fs_err::write(&path, &archive.bytes).unwrap();
            paths.push(path);
        } else {
            let path = folder.path().join(one.name());
            fs_err::create_dir(&path).unwrap();
            one.write_to(&path);
            paths.push(path);
        }
    }
    let packd = Packd::start(&Settings::new());
    let words: Vec<&str> = std::iter::once("install")
        .chain(paths.iter().map(|path| path.to_str().unwrap()))
        .collect();
    packd.ctl(words).success();
    assert_eq!(packd.active(), ["a 1.0.0", "b 1.0.0", "c 1.0.0"]);
}

#[test]
fn a_pack_that_needs_itself_is_refused() {
    let (_site, packd) = offering(&[&pack("a", "1.0.0").needs("a@^1")]);
    let problem = refused(&packd, &["a"]);
    assert_eq!(problem.detail, "`a` needs itself");
}

#[test]
fn a_plan_without_end_is_given_up_with_an_error_of_its_own() {
    let packs: Vec<PackTree> = (0..24)
        .map(|number| {
            let one = pack(&format!("p{number}"), "1.0.0");
            if number == 23 {
                one
            } else {
                one.needs(&format!("p{}", number + 1))
            }
        })
        .collect();
    let (site, packd) = offering(&packs.iter().collect::<Vec<_>>());
    hush(&site);
    packd.ctl(["registry", "refresh"]).success();
    let before = packd.current_link();
    let job = packd.ctl(["-j", "install", "p0"]).failure(1).job();
    assert_eq!(job.error.unwrap().kind, ErrorKind::PlanIncomplete);
    assert_eq!(packd.current_link(), before);
    packd.staging_is_empty();
}
