use packd_wire::{DesiredHold, HoldRequest};

use super::*;

fn file(text: &str) -> PacksFile {
    parse(text.as_bytes()).expect("a file")
}

#[test]
fn versions_are_written_as_people_do() {
    let file = file("packs:\n  slack: \"^2\"\n  jira: 1.2.3\n  teams: 2\n  aws:\n  core: latest\n");
    let version = |name: &str| file.packs[name].pack().version;
    assert_eq!(version("slack").as_deref(), Some("^2"));
    assert_eq!(version("jira").as_deref(), Some("1.2.3"));
    assert_eq!(version("teams").as_deref(), Some("2"));
    assert_eq!(version("aws"), None, "any version");
    assert_eq!(version("core").as_deref(), Some("latest"));
}

#[test]
fn holds_and_headers_have_two_forms_each() {
    let text = "\
registries:
  acme: {url: https://a.example/index.json, headers: [Authorization]}
  beta: {url: https://b.example/index.json, headers: {X-Key: '${cred:beta}'}}
packs:
  slack: {version: ^2, hold: true}
  jira: {hold: {reason: a release}}
";
    let file = file(text);
    let hold = |name: &str| file.packs[name].pack().hold;
    assert_eq!(hold("slack"), Some(DesiredHold::Is(true)));
    let until = HoldRequest {
        until: None,
        reason: Some("a release".to_owned()),
    };
    assert_eq!(hold("jira"), Some(DesiredHold::Until(until)));
    assert_eq!(file.registries["acme"].request().headers, None);
    let given = file.registries["beta"].request().headers;
    assert_eq!(given.expect("given")["X-Key"], "${cred:beta}");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_a_hint() {
    for (text, words, hinted) in [
        (
            "packs:\n  slack: {versoin: ^2}\n",
            "packs.slack: unknown field `versoin`",
            "version",
        ),
        (
            "packs:\n  slack: 1.10\n",
            "packs.slack: invalid type: floating point",
            "quotes",
        ),
        (
            "packs:\n  slack: 1\n  slack: 2\n",
            "duplicate",
            "packctl export",
        ),
        (
            "packs:\n- slack\n",
            "packs: invalid type: sequence",
            "packctl export",
        ),
        (
            "registries: {}\n",
            "missing field `packs`",
            "packctl export",
        ),
        (
            "packs: {}\nregistry: {}\n",
            "unknown field `registry`",
            "registries",
        ),
        ("packs: [", "line", "packctl export"),
    ] {
        let error = parse(text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(words), "{text}: {error}");
        let hint = hint(&error);
        assert!(hint.contains(hinted), "{text}: {hint}");
    }
    let error = parse(b"packs:\n  slack: {versoin: ^2}\n").expect_err("a slip");
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn what_is_written_is_read_again() {
    let text = "packs:\n  jira: 1.2.3\n  slack:\n    version: ^2\n    registry: acme\n";
    let file = file(text);
    assert_eq!(serde_yaml::to_string(&file).expect("written"), text);
}
