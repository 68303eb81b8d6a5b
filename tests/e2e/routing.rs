//! Which registry a pack may come from: nobody gets a name that belongs to somebody else.

use packd_tests::{PackTree, Packd, Settings, Site, support::site};
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
