//! Indexes as they are found in the wild: what their makers write, and how entries differ in one of them.

use serde_json::json;

use super::{DIGEST, index, versions};
use crate::index::*;

/// The 18 packs of the Exchange whose entries have no `ref`.
const WITHOUT_REF: [&str; 18] = [
    "astral",
    "excel",
    "gitlab",
    "jinja",
    "kafka",
    "mysql",
    "napalm",
    "napalm_logs",
    "netbox",
    "nginxplus",
    "openstack",
    "powerdns",
    "pushbullet",
    "scalyr",
    "sumologic",
    "syslog_client",
    "telegram",
    "vyatta",
];

/// An entry of the Exchange with everything that all of them have.
fn exchange_entry(name: &str) -> serde_json::Value {
    json!({
        "name": name, "ref": name, "description": "d", "author": "A", "email": "a@example.org",
        "version": "1.0.0", "versions": ["1.0.0"], "python_versions": ["3"],
        "repo_url": format!("https://github.com/StackStorm-Exchange/stackstorm-{name}"),
        "content": {"actions": {"count": 2, "resources": ["a", "b"]}},
    })
}

/// The Exchange in small: every variation that its 169 entries have.
fn exchange() -> serde_json::Value {
    let mut packs = serde_json::Map::new();
    for name in WITHOUT_REF {
        let mut entry = exchange_entry(name);
        entry.as_object_mut().unwrap().remove("ref");
        packs.insert(name.to_owned(), entry);
    }
    let mut vary = |name: &str, changes: serde_json::Value| {
        let mut entry = exchange_entry(name);
        for (key, value) in changes.as_object().unwrap() {
            entry[key] = value.clone();
        }
        packs.insert(name.to_owned(), entry);
    };
    vary("logicmonitor", json!({"email": null}));
    vary("ubersmith", json!({"contributors": null}));
    vary(
        "kafka",
        json!({"Contributors": ["Jane <jane@example.org>"]}),
    );
    vary("terraform", json!({"runner_type": "terraform"}));
    for name in [
        "aoscx",
        "circle_ci",
        "msexchange",
        "network_essentials",
        "nexus3",
        "travis_ci",
    ] {
        vary(name, json!({"name": "A Name With Spaces"}));
    }
    vary("python2", json!({"python_versions": ["2"]}));
    vary("wants3", json!({"stackstorm_version": ">=3.0.0"}));
    vary(
        "needs",
        json!({"dependencies": ["core"], "keywords": ["a", "b"]}),
    );
    vary(
        "acos",
        json!({"version": "1.10.0", "versions": ["1.9.0", "1.6.0", "1.10.0", "1.1.0", "1.0.0", "0.3.1"]}),
    );
    vary(
        "aws",
        json!({"version": "2.0.1", "versions": ["2.0.1", "1.0.0", "0.9.1", "0.10.0", "0.1.1-boto3", "0.1.0-boto3", "0.1.0"]}),
    );
    vary(
        "kubernetes",
        json!({"version": "1.0.1", "versions": ["1.8.0", "1.10.0", "1.0.1", "0.9.0"]}),
    );
    vary(
        "kinds",
        json!({"content": {
            "actions": {"count": 163, "resources": []}, "tests": {"count": 52, "resources": []},
            "sensors": {"count": 44, "resources": ["s"]}, "rules": {"count": 33, "resources": []},
            "aliases": {"count": 29, "resources": []}, "triggers": {"count": 4, "resources": []},
            "policies": {"count": 2, "resources": []}}}),
    );
    json!({
        "metadata": {"generated_ts": 1_770_000_000, "hash": "d41d8cd98f00b204e9800998ecf8427e"},
        "packs": packs,
    })
}

fn entry<'a>(index: &'a Index, name: &str) -> &'a Entry {
    (index.entries.iter())
        .find(|entry| entry.pack_ref == name)
        .unwrap_or_else(|| panic!("`{name}` is offered"))
}

fn tag<'a>(entry: &'a Entry, version: &str) -> &'a str {
    match &entry.release(&version.parse().unwrap()).unwrap().sources[..] {
        [
            Source::Git {
                url,
                git_ref: Some(tag),
                ..
            },
        ] if url.starts_with("https://") => tag,
        other => panic!("{version} is one tag, not {other:?}"),
    }
}

#[test]
fn the_exchange_is_read_whole() {
    let text = serde_json::to_string_pretty(&exchange()).unwrap();
    let index = index(&text);
    assert_eq!(index.problems, Vec::<String>::new(), "nothing is left out");
    assert_eq!(
        index.entries.len(),
        exchange()["packs"].as_object().unwrap().len()
    );
    for name in WITHOUT_REF {
        assert_eq!(
            tag(entry(&index, name), "1.0.0"),
            "v1.0.0",
            "the key of `{name}` is its ref"
        );
    }
    assert_eq!(entry(&index, "logicmonitor").email, None);
    assert_eq!(
        entry(&index, "circle_ci").label.as_deref(),
        Some("A Name With Spaces")
    );
    let engine = &entry(&index, "wants3").newest().engine;
    assert_eq!(engine.as_deref(), Some(">=3.0.0"));
    let needs = entry(&index, "needs");
    assert_eq!(needs.newest().dependencies[0].to_string(), "core");
    assert_eq!(needs.keywords, ["a", "b"]);
    assert!(
        index.entries.iter().all(|entry| entry.license.is_none()),
        "no entry has a licence"
    );
    let contents = entry(&index, "kinds").contents;
    assert_eq!(
        (
            contents.actions,
            contents.sensors,
            contents.rules,
            contents.triggers
        ),
        (163, 44, 33, 4)
    );
}

#[test]
fn the_exchanges_versions_are_sorted_by_number() {
    let index = index(&exchange().to_string());
    assert_eq!(
        versions(entry(&index, "acos")),
        ["1.10.0", "1.9.0", "1.6.0", "1.1.0", "1.0.0", "0.3.1"]
    );
    let aws = entry(&index, "aws");
    assert_eq!(
        versions(aws),
        [
            "2.0.1",
            "1.0.0",
            "0.10.0",
            "0.9.1",
            "0.1.1-boto3",
            "0.1.0",
            "0.1.0-boto3"
        ]
    );
    assert_eq!(tag(aws, "0.1.1-boto3"), "v0.1.1-boto3");
    let kubernetes = entry(&index, "kubernetes");
    assert_eq!(
        kubernetes.newest().version.to_string(),
        "1.10.0",
        "its `version` lags behind its tags"
    );
    assert_eq!(tag(kubernetes, "1.0.1"), "v1.0.1");
}

#[test]
fn one_bad_entry_of_the_exchange_is_left_out_and_named() {
    let mut exchange = exchange();
    exchange["packs"]["UPPER"] = exchange_entry("upper");
    exchange["packs"]["broken"] = json!({"version": "0.1.2.3.4", "versions": ["x"]});
    let count = exchange["packs"].as_object().unwrap().len();
    let index = index(&serde_json::to_string_pretty(&exchange).unwrap());
    assert_eq!(index.entries.len(), count - 2);
    let [upper, broken] = &index.problems[..] else {
        panic!("two are left out: {:?}", index.problems)
    };
    assert!(
        upper.starts_with("packs.UPPER, line ") && upper.contains("only lower-case"),
        "{upper}"
    );
    assert!(
        broken.starts_with("packs.broken, line ") && broken.contains("0.1.2.3.4"),
        "{broken}"
    );
}

/// The documents' example, with every field that the typed reader of Attune has.
#[test]
fn attunes_documented_entry_is_read() {
    let index = index(&json!({
        "registry_name": "Attune Official", "registry_url": "https://registry.attune.io",
        "version": "1.0", "last_updated": "2026-01-20T12:00:00Z",
        "packs": [{
            "ref": "slack", "label": "Slack Integration", "description": "Send messages",
            "use_case": "Notify a channel", "version": "2.1.0", "author": "Attune Team",
            "email": "team@attune.io", "homepage": "https://example.org/slack",
            "repository": "https://github.com/attune-io/pack-slack", "license": "Apache-2.0",
            "keywords": ["slack", "chat"], "runtime_deps": ["python3", "shell"],
            "install_sources": [
                {"type": "git", "url": "https://github.com/attune-io/pack-slack.git", "ref": "v2.1.0", "checksum": DIGEST},
                {"type": "archive", "url": "https://e.org/2.1.0.zip", "checksum": DIGEST.to_uppercase(), "signature": "x"},
            ],
            "contents": {
                "actions": [{"name": "send_message", "description": "Sends"}], "sensors": [],
                "triggers": [{"name": "received", "description": ""}], "rules": [], "workflows": []},
            "dependencies": {
                "attune_version": ">=0.1.0", "python_version": ">=3.9", "nodejs_version": null,
                "packs": ["core@1.0.0"]},
            "meta": {"downloads": 1543, "stars": 87, "tested_attune_versions": ["0.1.0"], "more": {}},
        }],
    })
    .to_string());
    assert_eq!(index.problems, Vec::<String>::new());
    let slack = &index.entries[0];
    assert_eq!(slack.use_case.as_deref(), Some("Notify a channel"));
    assert_eq!(slack.homepage.as_deref(), Some("https://example.org/slack"));
    assert_eq!(slack.newest().runtime_deps, ["python3", "shell"]);
    assert_eq!(slack.newest().engine.as_deref(), Some(">=0.1.0"));
    assert_eq!(slack.newest().dependencies[0].to_string(), "core@1.0.0");
    let sources = &slack.newest().sources;
    assert!(matches!(sources[0], Source::Git { .. }), "git comes first");
    let Source::Archive { checksum, .. } = &sources[1] else {
        panic!("the second is an archive")
    };
    assert_eq!(checksum.unwrap().to_string(), DIGEST, "capitals are read");
}

/// What Attune's own tools write and test with, and its own client cannot read.
#[test]
fn indexes_that_attunes_client_refuses_are_read() {
    // the fixture of its tools' tests: no name, no description, no contents
    let fixture = index(
        r#"{"version": "1.0.0", "packs": [{"ref": "existing-pack", "label": "E", "version": "1.0.0", "author": "T",
            "license": "Apache-2.0", "keywords": ["t"], "runtime_deps": ["python3"],
            "install_sources": [{"type": "git", "url": "https://e.org/p.git", "ref": "v1.0.0", "checksum": "sha256:abc123"}]}]}"#,
    );
    assert_eq!(fixture.entries[0].newest().sources.len(), 1);
    assert_eq!(
        fixture.problems.len(),
        1,
        "its digest is none, and is named"
    );
    // after `index-update`: integers, and no sources
    let updated = index(
        r#"{"packs": [{"ref": "a", "version": "1.0.0", "contents": {"actions": 3, "sensors": 0, "triggers": 1, "rules": 0, "workflows": 0}, "install_sources": []}]}"#,
    );
    assert_eq!(updated.entries[0].contents.actions, 3);
    assert!(updated.entries[0].newest().sources.is_empty());
    // after `index-merge`: `generated_at` in place of the header
    let mut entries = 0;
    let header = read(
        br#"{"generated_at": "2026-06-01T00:00:00Z", "packs": []}"#,
        |_| entries += 1,
    )
    .unwrap();
    assert_eq!(header.updated.as_deref(), Some("2026-06-01T00:00:00Z"));
    assert_eq!((header.name, entries), (None, 0));
}
