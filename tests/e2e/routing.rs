//! Which registry a pack may come from: nobody gets a name that belongs to somebody else.

use packd_tests::{PackTree, Packd, Request, Settings, Site, support::site};
use packd_wire::{ErrorKind, SearchList, path};
use serde_json::{Value, json};

/// The internal registry, at a site; and a public one, with packs of the same names in higher versions.
struct Scene {
    internal: Site,
    public: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            internal: Site::serving([&PackTree::new("acme_tools", "1.0.0")]),
            public: site::folder_with([
                &PackTree::new("acme_tools", "66.0.0"),
                &PackTree::new("acme_secret", "66.0.0"),
                &PackTree::new("slack", "2.0.0").needs("acme_secret"),
                &PackTree::new("zoom", "1.0.0"),
            ]),
        }
    }

    fn settings(&self, internal: &Value) -> Settings {
        let public = format!("file://{}/index.json", self.public.path().display());
        Settings::new()
            .registry("internal", &self.internal.url("index.json"), internal)
            .registry("public", &public, &json!({"priority": 1}))
            .set("net.ca_file", self.internal.authority().to_str())
            .set("queue.retries", 0)
    }
}

fn owned() -> Value {
    json!({"refs": ["acme_*"], "exclusive": true})
}

#[test]
fn a_name_that_belongs_to_one_registry_comes_from_no_other() {
    let scene = Scene::new();
    let packd = Packd::start(&scene.settings(&owned()));
    // the public one goes first by priority, and has a higher version
    packd.ctl(["install", "acme_tools"]).success();
    assert_eq!(packd.active(), ["acme_tools 1.0.0"]);
    // what the internal one does not have is nowhere
    packd
        .ctl(["install", "acme_secret"])
        .failure(3)
        .says("no registry offers `acme_secret`");
    // nor when the public one is asked for by name
    packd
        .ctl(["install", "acme_secret", "--registry", "public"])
        .failure(1)
        .says("comes from `internal` alone");
    // nor as what another pack needs
    packd.ctl(["install", "slack"]).says("acme_secret");
    packd.ctl(["install", "zoom"]).success();
    assert_eq!(packd.active(), ["acme_tools 1.0.0", "zoom 1.0.0"]);
    let found: SearchList = packd.get("/v1/search?q=acme").expect(200).json();
    let found: Vec<_> = found
        .packs
        .iter()
        .map(|hit| (hit.registry.as_str(), hit.pack_ref.as_str()))
        .collect();
    assert_eq!(found, [("internal", "acme_tools")], "and is not shown");
}

#[test]
fn knocking_the_owner_out_diverts_nothing() {
    let mut scene = Scene::new();
    scene.internal.stop();
    let packd = Packd::start(&scene.settings(&owned()));
    packd
        .ctl(["install", "acme_tools"])
        .failure(6)
        .says("internal");
    assert_eq!(packd.active(), Vec::<String>::new());

    // disabled, it is still its owner
    let mut disabled = owned();
    disabled["enabled"] = false.into();
    let packd = Packd::start(&scene.settings(&disabled));
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "acme_tools"}),
    );
    assert_eq!(answer.failure().kind, ErrorKind::PackNotFound);
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn what_a_registry_may_not_offer_it_does_not() {
    let scene = Scene::new();
    let settings = scene.settings(&json!({"refs": ["other_*"]}));
    let packd = Packd::start(&settings);
    packd
        .ctl(["install", "acme_tools", "--registry", "internal"])
        .failure(3);
    packd
        .ctl(["search", "--registry", "internal", "acme"])
        .success();
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn a_pack_that_is_not_what_its_entry_says_is_refused() {
    for (pack, said) in [
        (
            PackTree::new("slack", "1.0.0")
                .saying("ref: other\nlabel: O\ndescription: d\nversion: 1.0.0\n"),
            "other",
        ),
        (
            PackTree::new("slack", "1.0.0")
                .saying("ref: slack\nlabel: S\ndescription: d\nversion: 0.9.0\n"),
            "0.9.0",
        ),
    ] {
        let site = Site::serving([&pack]);
        let packd = Packd::start(&Settings::for_site(&site));
        packd.ctl(["install", "slack"]).failure(1).says(said);
        assert_eq!(packd.active(), Vec::<String>::new());
    }
}

#[test]
fn what_only_one_may_offer_needs_its_patterns() {
    let packd = Packd::prepare(&Settings::new());
    packd.configure_text(
        "registries:\n  - name: a\n    url: https://a.example/\n    exclusive: true\n",
    );
    let mut line = packd.command_line();
    line.push("--check-config".into());
    packd_tests::Ran::of(&mut packd.bare(&line))
        .failure(1)
        .says("packd.yaml:4")
        .says("`refs`");
}

/// Two registries that both offer `slack`, as files; `settings` of each.
fn both(first: &Value, second: &Value) -> ([tempfile::TempDir; 2], Settings) {
    let folders = [
        site::folder_with([
            &PackTree::new("slack", "1.0.0"),
            &PackTree::new("bot", "1.0.0").needs("slack"),
        ]),
        site::folder_with([&PackTree::new("slack", "2.0.0")]),
    ];
    let url = |folder: &tempfile::TempDir| format!("file://{}/index.json", folder.path().display());
    let settings = Settings::new()
        .registry("first", &url(&folders[0]), first)
        .registry("second", &url(&folders[1]), second);
    (folders, settings)
}

#[test]
fn where_a_name_must_be_unique_one_that_is_not_is_refused_with_who_offers_it() {
    let (_folders, settings) = both(&json!({"priority": 1}), &json!({"priority": 2}));
    let packd = Packd::start(&settings.set("routing.resolution", "unique"));
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack"}),
    );
    let failure = answer.failure();
    assert_eq!(failure.kind, ErrorKind::SourceRefused, "{failure:#?}");
    packd
        .ctl(["install", "slack"])
        .failure(1)
        .says("`slack` is offered by several registries: first, second")
        .says("packctl install slack --registry first");
    // nor does it come because another pack needs it
    packd
        .ctl(["install", "bot"])
        .failure(1)
        .says("first, second");
    let apply = packd.post(
        &format!("{}?wait=60", path::APPLY),
        &json!({"packs": {"slack": "1.0.0"}}),
    );
    assert_eq!(apply.failure().kind, ErrorKind::SourceRefused);
    assert_eq!(packd.active(), Vec::<String>::new());

    // who names one gets it, and it stays with that
    packd
        .ctl(["install", "slack", "--registry", "second"])
        .success();
    packd.ctl(["install", "slack@latest"]).success();
    packd.ctl(["install", "bot"]).success();
    assert_eq!(packd.active(), ["bot 1.0.0", "slack 2.0.0"]);
}

#[test]
fn a_route_settles_whose_a_name_is() {
    let owned = json!({"priority": 9, "refs": ["slack"], "exclusive": true});
    let (_folders, settings) = both(&json!({"priority": 1}), &owned);
    let packd = Packd::start(&settings.set("routing.resolution", "unique"));
    packd.ctl(["install", "bot"]).success();
    assert_eq!(packd.active(), ["bot 1.0.0", "slack 2.0.0"]);
}

#[test]
fn where_names_must_be_unique_nobody_who_may_offer_one_is_passed_over() {
    let mut scene = Scene::new();
    scene.internal.stop();
    // `zoom` is offered by the public one, and the internal one cannot say that it does not
    let packd = Packd::start(
        &scene
            .settings(&json!({"priority": 200}))
            .set("routing.resolution", "unique"),
    );
    packd.ctl(["install", "zoom"]).failure(6).says("internal");
    assert_eq!(packd.active(), Vec::<String>::new());
    let packd = Packd::start(&scene.settings(&json!({"priority": 200})));
    packd.ctl(["install", "zoom"]).success();
}

#[test]
fn of_equals_the_first_by_name_answers_and_that_is_told() {
    let (_folders, settings) = both(&json!({}), &json!({}));
    let packd = Packd::start(&settings);
    packd.ctl(["registry", "refresh"]).success();
    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let told = "offered by `first` and, with the same priority, by `second`";
    assert!(
        job.warnings.iter().any(|one| one.contains(told)),
        "{:#?}",
        job.warnings
    );
    let found: SearchList = packd.get("/v1/search?q=slack").expect(200).json();
    let shadowed: Vec<_> = found
        .packs
        .iter()
        .filter(|hit| hit.pack_ref == "slack")
        .map(|hit| (hit.registry.as_str(), hit.shadowed))
        .collect();
    assert_eq!(shadowed, [("first", false), ("second", true)]);
    // it is where it belongs now
    let job = packd.ctl(["-j", "install", "slack@latest"]).success().job();
    assert_eq!(job.warnings, Vec::<String>::new());
}

#[test]
fn a_pack_changes_its_registry_only_when_an_admin_says_so() {
    let (_folders, settings) = both(&json!({"priority": 1}), &json!({"priority": 2}));
    let packd = Packd::start(&settings);
    packd.ctl(["install", "slack"]).success();
    packd
        .ctl(["install", "slack", "--registry", "second"])
        .failure(1)
        .says("`slack` came from registry `first`, and would come from `second`")
        .says("--change-origin");
    // nor by what shall be, nor by a plan
    let desired = json!({"packs": {"slack": {"registry": "second"}}});
    let apply = format!("{}?wait=60", path::APPLY);
    let refused = packd.post(&apply, &desired).failure();
    assert_eq!(refused.kind, ErrorKind::SourceRefused, "{refused:#?}");
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    packd
        .ctl([
            "install",
            "slack",
            "--registry",
            "second",
            "--change-origin",
            "--plan-file",
            plan,
        ])
        .success();
    let mut saved: Value = serde_json::from_slice(&fs_err::read(plan).unwrap()).unwrap();
    assert_eq!(saved["change_origin"], true);
    saved["change_origin"] = false.into();
    let other = folder.path().join("other.json");
    fs_err::write(&other, saved.to_string()).unwrap();
    packd
        .ctl(["apply", "--plan-file", other.to_str().unwrap()])
        .failure(1)
        .says("came from registry `first`");
    assert_eq!(packd.active(), ["slack 1.0.0"]);

    let job = packd
        .ctl(["-j", "apply", "--plan-file", plan])
        .success()
        .job();
    assert!(
        job.warnings[0].contains("would come from `second`, as was asked for"),
        "{:#?}",
        job.warnings
    );
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    let desired = json!({"packs": {"slack": {"registry": "first"}}, "change_origin": true});
    packd.post(&apply, &desired).expect(200);
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let ensure = format!("{}?wait=60&change_origin=true", path::pack("slack"));
    packd
        .ask(&Request::new("PUT", &ensure).body(
            "application/json",
            json!({"registry": "second"}).to_string(),
        ))
        .expect(200);
    assert_eq!(packd.active(), ["slack 2.0.0"]);
}

#[test]
fn a_newer_version_from_a_disabled_registry_is_refused_with_that_reason() {
    let (_folders, settings) = both(&json!({"priority": 1}), &json!({"priority": 2}));
    let mut packd = Packd::start(&settings);
    packd.ctl(["install", "slack"]).success();
    packd.terminate();
    let disabled = json!({"priority": 1, "enabled": false});
    let (_others, settings) = both(&disabled, &json!({"priority": 2}));
    packd.configure(&settings);
    packd.begin();
    packd
        .ctl(["install", "slack@^2"])
        .failure(1)
        .says("1.0.0 is installed, for which no other version can be asked for")
        .says("registry `first` is disabled");
    packd.ctl(["install", "slack@^1"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}
