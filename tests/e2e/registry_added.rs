//! Registries that come, change and go while packd runs.

use packd_tests::{PackTree, Packd, Request, Settings, Site};
use packd_wire::{ErrorKind, RegistryChange, RegistryState, RegistryView, path};
use rustix::process::Signal;
use serde_json::json;

fn view(packd: &Packd, name: &str) -> RegistryView {
    packd.get(&path::registry(name)).expect(200).json()
}

/// A daemon without a registry that trusts the site.
fn alone(site: &Site) -> Packd {
    let settings = Settings::new().set("net.ca_file", site.authority().to_str());
    Packd::start(&settings)
}

#[test]
fn one_that_is_added_is_asked_and_stays_over_a_restart() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = alone(&site);
    packd
        .ctl(["install", "slack"])
        .failure(3)
        .says("registry add");
    let url = site.url("index.json");
    packd
        .ctl([
            "registry",
            "add",
            "acme",
            &url,
            "--priority",
            "7",
            "--ref",
            "s*",
        ])
        .success()
        .says("registry `acme` is there")
        .says("ok");
    packd.ctl(["install", "slack"]).success();
    packd.restart();
    let acme = view(&packd, "acme");
    assert_eq!((acme.priority, acme.defined_at.as_deref()), (7, None));
    assert_eq!(acme.health.state, RegistryState::Ok);
    packd
        .ctl(["registry", "show", "acme"])
        .success()
        .says("added with packctl");

    // once more is no change, another URL a refusal, unless it is meant
    packd
        .ctl(["registry", "add", "acme", &url])
        .failure(1)
        .says("already")
        .says("--replace");
    packd
        .ctl(["registry", "add", "acme", &url, "--replace"])
        .success()
        .says("already like this");

    packd.ctl(["registry", "disable", "acme"]).success();
    assert_eq!(view(&packd, "acme").health.state, RegistryState::Disabled);
    packd.ctl(["install", "slack", "--force"]).failure(3);
    packd.ctl(["registry", "enable", "acme"]).success();
    packd.ctl(["install", "slack", "--force"]).success();

    packd
        .ctl(["registry", "remove", "acme"])
        .success()
        .says("is removed");
    packd
        .ctl(["registry", "remove", "acme"])
        .success()
        .says("there is no registry");
    packd.ctl(["registry", "enable", "acme"]).failure(3);
    assert_eq!(packd.active(), ["slack 2.1.0"], "what came from it stays");
    packd.restart();
    packd
        .ctl(["registry", "list"])
        .success()
        .says("no registry");
}

#[test]
fn secrets_are_sent_and_never_shown() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = alone(&site);
    packd
        .ctl([
            "registry",
            "add",
            "acme",
            &site.url("index.json"),
            "--header",
            "Authorization: Bearer hunter2",
        ])
        .success();
    let all = packd.get(path::REGISTRIES).text() + &packd.get(&path::registry("acme")).text();
    assert!(!all.contains("hunter2"), "{all}");
    let audit = packd.get(path::AUDIT).text();
    assert!(!audit.contains("hunter2"), "{audit}");
    assert!(!packd.log().contains("hunter2"), "{}", packd.log());
}

#[test]
fn those_of_the_configuration_are_changed_there_only() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let demo = view(&packd, "demo");
    let place = demo.defined_at.expect("where it is written");
    assert!(
        place.starts_with(packd.config_file().to_str().unwrap()),
        "{place}"
    );
    for verb in ["disable", "remove"] {
        packd
            .ctl(["registry", verb, "demo"])
            .failure(1)
            .says(&place);
    }
    let answer = packd.ask(&Request::new("DELETE", &path::registry("demo")));
    assert_eq!(answer.problem().kind, ErrorKind::RegistryReadOnly);
}

#[test]
fn what_is_wrong_is_refused_and_changes_nothing() {
    let packd = Packd::start(&Settings::new());
    for (name, body, says) in [
        ("Acme", json!({"url": "https://x.example/"}), "lower-case"),
        ("acme", json!({}), "url"),
        ("acme", json!({"url": "gopher://x.example/"}), "gopher"),
        ("acme", json!({"url": "http://x.example/"}), "allow_http"),
        ("acme", json!({"url": "https://u:p@x.example/"}), "headers"),
        (
            "acme",
            json!({"url": "https://x.example/", "refresh": "soon"}),
            "refresh",
        ),
        (
            "acme",
            json!({"url": "https://x.example/", "name": "other"}),
            "other",
        ),
    ] {
        let request = Request::new("PUT", &path::registry(name));
        let problem = packd
            .ask(&request.body("application/json", body.to_string()))
            .problem();
        assert_eq!(problem.kind, ErrorKind::BadRequest, "{body}: {problem:#?}");
        let told = format!("{} {}", problem.detail, problem.causes.join(" "));
        assert!(told.contains(says), "{body}: {told}");
        assert!(!told.contains("u:p"), "{told}");
    }
    packd
        .ctl(["registry", "list"])
        .success()
        .says("no registry");
}

#[test]
fn the_configuration_counts_where_both_have_one() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = alone(&site);
    let body = json!({"url": "https://elsewhere.example/index.json", "enabled": false});
    let put =
        Request::new("PUT", &path::registry("demo")).body("application/json", body.to_string());
    let change: RegistryChange = packd.ask(&put).expect(200).json();
    assert!(change.changed);
    let again: RegistryChange = packd.ask(&put).expect(200).json();
    assert!(!again.changed, "once more is no change");
    packd.configure(&Settings::for_site(&site));
    packd.post(path::RELOAD, &json!({})).expect(200);
    let demo = view(&packd, "demo");
    assert_eq!(demo.url, site.url("index.json"));
    assert!(demo.defined_at.is_some() && demo.enabled);
    assert!(packd.log().contains("does not count"), "{}", packd.log());
}

#[test]
fn a_signal_has_all_registries_read_again() {
    let mut site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["registry", "refresh"]).success();
    site.offer(&PackTree::new("jira", "1.0.0"));
    let mut events = packd.events("?kind=registry_refreshed");
    packd.signal(Signal::USR1);
    events.until(|event| event.data["packs"] == 2);
    assert_eq!(view(&packd, "demo").packs, 2);
}

#[test]
fn one_can_be_added_with_updates_of_its_own() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = alone(&site);
    let url = site.url("index.json");
    let add = ["registry", "add", "acme", &url];
    let with = |more: &[&'static str]| packd.ctl([&add[..], more].concat());
    with(&["--updates", "notify", "--allow", "patch"]).success();
    let said = || serde_json::to_value(view(&packd, "acme").settings.updates).unwrap();
    assert_eq!(said(), json!({"mode": "notify", "allow": "patch"}));
    with(&["--updates", "off", "--replace"]).success();
    assert_eq!(said(), json!({"mode": "off"}));
    with(&["--updates", "sometimes", "--replace"])
        .failure(2)
        .says("it is `auto`, `notify` or `off`");
}
