//! Registries: what they offer, and what happens while they are away.

use packd_tests::{Fault, PackTree, Packd, Settings, Site};
use packd_wire::{
    AvailableList, ErrorKind, RegistryList, RegistryState, RegistryView, SearchList, path,
};
use serde_json::json;

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
}

fn registry(packd: &Packd, name: &str) -> RegistryView {
    let list: RegistryList = packd.get(path::REGISTRIES).expect(200).json();
    list.registries
        .into_iter()
        .find(|registry| registry.name == name)
        .unwrap()
}

#[test]
fn the_cached_index_is_used_while_the_registry_is_down_and_said_so() {
    let site = Site::serving([&slack("2.1.0")]);
    // only the way to the index breaks; the archives stay within reach
    let way = Fault::before(&site);
    let settings = Settings::new()
        .registry("demo", &way.url("index.json"), &json!({}))
        .set("net.ca_file", site.authority().to_str());
    let mut packd = Packd::start(&settings);
    packd.ctl(["registry", "refresh"]).success();
    assert_eq!(registry(&packd, "demo").health.state, RegistryState::Ok);
    drop(way);
    packd.restart();

    packd.ctl(["registry", "refresh"]).says("demo");

    let health = registry(&packd, "demo").health;
    assert_eq!(health.state, RegistryState::Stale, "{health:#?}");
    assert_eq!(health.error_kind, Some(ErrorKind::RegistryUnreachable));
    assert!(
        health.age_seconds.is_some(),
        "the age of the cached index is shown: {health:#?}"
    );
    packd.ctl(["registry", "list"]).success().says("stale");

    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    assert!(
        job.warnings.iter().any(|warning| warning.contains("demo")),
        "the job says that an old index was used: {job:#?}"
    );
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    let found: SearchList = packd.get("/v1/search?q=slack").expect(200).json();
    assert_eq!(found.packs.len(), 1);
    assert!(
        found
            .warnings
            .iter()
            .any(|warning| warning.contains("demo")),
        "{found:#?}"
    );
}

#[test]
fn a_registry_that_was_never_reached_cannot_be_installed_from() {
    let mut site = Site::serving([&slack("2.1.0")]);
    site.stop();
    let packd = Packd::start(&Settings::for_site(&site).set("queue.retries", 0));
    packd.ctl(["install", "slack"]).failure(6).says("demo");
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack"}),
    );
    let problem = answer.failure();
    assert_eq!(problem.kind, ErrorKind::RegistryUnreachable);
    assert!(problem.retryable);

    site.resume();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn a_registry_that_is_down_does_not_hand_its_packs_to_the_next_one() {
    let trusted = Site::serving([&slack("1.0.0")]);
    let other = packd_tests::support::site::folder_with([&slack("6.6.6")]);
    let mut trusted = trusted;
    trusted.stop();
    let other = format!("file://{}/index.json", other.path().display());
    let settings = Settings::for_site(&trusted)
        .registry("other", &other, &json!({"priority": 900}))
        .set("queue.retries", 0);
    let packd = Packd::start(&settings);
    let ran = packd.ctl(["install", "slack"]);
    assert_ne!(
        ran.code(),
        Some(0),
        "a name was taken from a registry that was not to be asked"
    );
    assert_eq!(packd.active(), Vec::<String>::new());
}

#[test]
fn an_unchanged_index_is_not_sent_again() {
    let mut site = Site::serving([&slack("2.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["registry", "refresh"]).success();
    site.offer(&slack("2.1.0"));
    packd.ctl(["registry", "refresh"]).success();

    // the first refresh may be the daemon's own at start
    let asked: Vec<u16> = site
        .served_when(|served| {
            served.len() >= 3 && served.last().is_some_and(|last| last.status == 200)
        })
        .iter()
        .filter(|served| served.path == "/index.json")
        .map(|served| served.status)
        .collect();
    assert_eq!(asked[0], 200, "{asked:?}");
    assert!(
        asked.len() >= 3 && asked[1..asked.len() - 1].iter().all(|s| *s == 304),
        "{asked:?}"
    );
    assert_eq!(asked[asked.len() - 1], 200, "{asked:?}");
    let available: AvailableList = packd.get(&path::available("slack")).expect(200).json();
    let versions: Vec<&str> = available
        .versions
        .iter()
        .map(|version| version.version.as_str())
        .collect();
    assert_eq!(versions, ["2.1.0", "2.0.0"]);
}

#[test]
fn the_registry_with_the_lower_number_wins_even_with_the_older_version() {
    let first = packd_tests::support::site::folder_with([&slack("1.0.0")]);
    let second = packd_tests::support::site::folder_with([&slack("2.0.0")]);
    let url = |folder: &tempfile::TempDir| format!("file://{}/index.json", folder.path().display());
    let settings = Settings::new()
        .registry("second", &url(&second), &json!({"priority": 20}))
        .registry("first", &url(&first), &json!({"priority": 10}));
    let packd = Packd::start(&settings);

    packd.ctl(["install", "slack"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);

    let found: SearchList = packd.get("/v1/search?q=slack").expect(200).json();
    let shadowed: Vec<(&str, bool)> = found
        .packs
        .iter()
        .map(|hit| (hit.registry.as_str(), hit.shadowed))
        .collect();
    assert_eq!(shadowed, [("first", false), ("second", true)]);

    packd
        .ctl([
            "install",
            "slack",
            "--registry",
            "second",
            "--change-origin",
        ])
        .success();
    assert_eq!(packd.active(), ["slack 2.0.0"]);
}

#[test]
fn an_index_that_cannot_be_read_is_named_and_the_last_good_one_kept() {
    let site = Site::serving([&slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["registry", "refresh"]).success();
    fs_err::write(site.root().join("index.json"), "{\"packs\": 7}").unwrap();
    let ran = packd.ctl(["registry", "refresh"]);
    assert_ne!(ran.code(), Some(0), "{ran:#?}");
    let health = registry(&packd, "demo").health;
    assert_eq!(
        health.error_kind,
        Some(ErrorKind::RegistryMalformed),
        "{health:#?}"
    );
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn search_finds_by_words_and_shows_what_is_installed() {
    let site = Site::serving([&slack("2.1.0"), &PackTree::new("teams", "1.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let found: SearchList = packd.ctl(["-j", "search", "slack"]).success().json();
    assert_eq!(found.packs.len(), 1, "{found:#?}");
    assert_eq!(found.packs[0].installed.as_deref(), Some("2.1.0"));
    let found: SearchList = packd.ctl(["-j", "search", "demo"]).success().json();
    assert_eq!(found.packs.len(), 2, "both have the keyword: {found:#?}");
}

/// As packs of StackStorm are: the index says under which ref, the pack only what it is called.
#[test]
fn a_pack_without_a_ref_is_installed_under_that_of_its_entry() {
    let pack = PackTree::new("circle_ci", "1.0.0").saying("name : Circle CI\nversion : 1.0.0\n");
    let site = Site::serving([&pack]);
    let packd = Packd::start(&Settings::for_site(&site));
    let job = packd.ctl(["-j", "install", "circle_ci"]).success().job();
    assert_eq!(packd.active(), ["circle_ci 1.0.0"]);
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.contains("has no `ref`")),
        "and that is said: {job:#?}"
    );
}

/// What stays wrong until someone changes something says so, whichever verb meets it.
#[test]
fn a_failure_that_stays_exits_alike_everywhere_and_names_what_to_change() {
    let site = Site::serving([&slack("2.1.0")]);
    let bearer = json!({"headers": {"Authorization": "Bearer ${env:PACKD_TEST_IS_NOT_SET}"}});
    let index = site.url("index.json");
    let unset = Settings::new()
        .registry("demo", &index, &bearer)
        .set("net.ca_file", site.authority().to_str());
    // without `net.ca_file`, nobody vouches for the site
    let untrusted = Settings::new().registry("demo", &index, &json!({}));
    for (settings, hint) in [(untrusted, "net.ca_file"), (unset, "headers")] {
        let packd = Packd::start(&settings);
        for verb in [
            &["install", "slack"][..],
            &["registry", "refresh"],
            &["versions", "slack"],
            &["search", "slack"],
        ] {
            packd.ctl(verb).failure(1).says(hint);
        }
    }
}

#[test]
fn who_cannot_be_asked_offers_neither_something_nor_nothing() {
    let mut site = Site::serving([&slack("2.1.0")]);
    site.stop();
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["versions", "slack"]).failure(6).says("demo");
    packd.ctl(["search", "slack"]).failure(6).says("demo");
    packd.ctl(["registry", "refresh"]).failure(6).says("demo");
    site.resume();
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["versions", "slack"]).success().says("2.1.0");
    packd
        .ctl(["versions", "zulip"])
        .failure(3)
        .says("no registry offers `zulip`");
}

#[test]
fn an_entry_that_cannot_be_used_is_told_when_its_pack_is_asked_for() {
    let site = Site::serving([&slack("2.1.0")]);
    let path = site.root().join("index.json");
    let mut index: serde_json::Value =
        serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    let odd = json!({"ref": "odd", "label": "Odd", "description": "d", "version": "1.x.y", "install_sources": []});
    index["packs"].as_array_mut().unwrap().push(odd);
    fs_err::write(&path, index.to_string()).unwrap();
    let packd = Packd::start(&Settings::for_site(&site));
    packd
        .ctl(["install", "odd"])
        .failure(3)
        .says("no registry offers `odd`")
        .says("its entry cannot be used")
        .says("1.x.y");
    packd
        .ctl(["search", "slak"])
        .success()
        .says("did you mean `slack`?");
}
