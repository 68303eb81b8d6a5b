#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::Digest;

fn manifest(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes()).unwrap()
}

fn archive() -> Source {
    Source::Archive {
        url: "https://packs.example/slack-2.1.0.tar.gz".to_owned(),
        checksum: Some(Digest::sha256_of(b"archive")),
        size: Some(7),
        tree: Some(Digest::sha256_of(b"tree")),
    }
}

fn git() -> Source {
    Source::Git {
        url: "https://git.example/slack.git".to_owned(),
        git_ref: Some("v2.1.0".to_owned()),
        checksum: Some(Digest::sha256_of(b"tree")),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
        tree: Some(Digest::sha256_of(b"tree")),
    }
}

const FULL: &str = "\
ref: slack
label: Slack
description: Talks to Slack
use_case: When people should hear of it
version: 2.1.0
author: Ada
email: ada@slack.example
license: Apache-2.0
homepage: https://slack.example
repository: https://git.example/slack
keywords: [chat, alerts]
runtime_deps: [shell, 'python3>=3.8']
dependencies:
  attune_version: '>=1.0'
  python_version: 3.10
  nodejs_version: '>=18'
  packs: [core@^1.0, jira]
meta:
  category: chat
  downloads: 12
  stars: many
  tested_attune_versions: [1.10, 1.2.0]
  nested: {a: [1, null, true]}
";

#[test]
fn everything_a_manifest_says_is_carried_over_in_the_documented_order() {
    let components = Inventory {
        actions: vec![Component::new("slack.post", "Posts")],
        ..Inventory::default()
    };
    let draft = make(&manifest(FULL), &components, vec![git(), archive()]);
    let expected = r#"{
  "ref": "slack",
  "label": "Slack",
  "description": "Talks to Slack",
  "use_case": "When people should hear of it",
  "version": "2.1.0",
  "author": "Ada",
  "email": "ada@slack.example",
  "license": "Apache-2.0",
  "homepage": "https://slack.example",
  "repository": "https://git.example/slack",
  "keywords": ["chat","alerts"],
  "runtime_deps": ["shell","python3>=3.8"],
  "install_sources": SOURCES,
  "contents": {"actions":[{"name":"slack.post","description":"Posts"}],"sensors":[],"triggers":[],"rules":[],"workflows":[]},
  "dependencies": {"attune_version":">=1.0","python_version":"3.10","nodejs_version":">=18","packs":["core@^1.0","jira"]},
  "meta": {"category":"chat","downloads":12,"tested_attune_versions":["1.10","1.2.0"],"nested":{"a":[1,null,true]}}
}"#;
    let tree = Digest::sha256_of(b"tree");
    let sources = format!(
        "[{{\"type\":\"git\",\"url\":\"https://git.example/slack.git\",\"ref\":\"v2.1.0\",\"checksum\":\"{tree}\",\
         \"commit\":\"0123456789abcdef0123456789abcdef01234567\",\"tree\":\"{tree}\"}},\
         {{\"type\":\"archive\",\"url\":\"https://packs.example/slack-2.1.0.tar.gz\",\"checksum\":\"{}\",\
         \"size\":7,\"tree\":\"{tree}\"}}]",
        Digest::sha256_of(b"archive")
    );
    let expected: Value = serde_json::from_str(&expected.replace("SOURCES", &sources)).unwrap();
    // as texts: equal objects may differ in the order of their keys
    assert_eq!(draft.to_json().to_string(), expected.to_string());
    assert_eq!(
        draft.warnings,
        ["`meta.stars` in `pack.yaml` is no number, and is left out"]
    );
    assert!(!draft.is_template());
}

#[test]
fn the_reader_of_indexes_finds_what_was_put_in() {
    let manifest = manifest(FULL);
    let draft = make(&manifest, &Inventory::default(), vec![git(), archive()]);
    let entry = draft.read_back().unwrap();
    assert_eq!(entry.problems, Vec::<String>::new());
    assert_eq!(entry.pack_ref, manifest.pack_ref);
    assert_eq!(entry.use_case, manifest.use_case);
    assert_eq!(entry.keywords, manifest.keywords);
    let [release] = entry.releases.as_slice() else {
        panic!("there is one release");
    };
    assert_eq!(release.version, manifest.version);
    assert_eq!(release.sources, [git(), archive()]);
    assert_eq!(release.dependencies, manifest.dependencies);
    assert_eq!(release.engine.as_deref(), Some(">=1.0"));
}

/// What Attune's reader demands, with its types; it refuses the whole index otherwise.
fn assert_attune_takes_it(entry: &Value) {
    for key in [
        "ref",
        "label",
        "description",
        "version",
        "author",
        "license",
    ] {
        assert!(entry[key].is_string(), "`{key}` is a text in {entry}");
    }
    for key in ["keywords", "runtime_deps"] {
        let texts = entry[key].as_array().unwrap();
        assert!(texts.iter().all(Value::is_string), "`{key}` holds texts");
    }
    for source in entry["install_sources"].as_array().unwrap() {
        assert!(matches!(source["type"].as_str(), Some("git" | "archive")));
        assert!(source["url"].is_string() && source["checksum"].is_string());
    }
    for kind in ["actions", "sensors", "triggers", "rules", "workflows"] {
        for item in entry["contents"][kind].as_array().unwrap() {
            assert!(item["name"].is_string() && item["description"].is_string());
        }
    }
}

#[test]
fn a_bare_manifest_gives_an_entry_that_strict_readers_take() {
    let bare = manifest("ref: a\nversion: v1.0\n");
    let draft = make(&bare, &Inventory::default(), vec![archive()]);
    let entry = draft.to_json();
    assert_attune_takes_it(&entry);
    assert_attune_takes_it(&make(&manifest(FULL), &Inventory::default(), vec![git()]).to_json());
    assert_eq!(entry["label"], "a");
    assert_eq!(entry["description"], "");
    assert_eq!(entry["version"], "1.0.0");
    assert_eq!(entry["author"], NO_AUTHOR);
    assert_eq!(entry["license"], NO_LICENSE);
    for absent in [
        "email",
        "homepage",
        "repository",
        "use_case",
        "dependencies",
        "meta",
    ] {
        assert!(entry.get(absent).is_none(), "`{absent}` is not there");
    }
    assert!(
        draft.warnings.iter().any(|text| text.contains("licence")),
        "an absent licence is said: {:?}",
        draft.warnings
    );
}

#[test]
fn without_a_source_it_is_a_template_that_cannot_be_published() {
    let draft = make(&manifest(FULL), &Inventory::default(), Vec::new());
    assert!(draft.is_template());
    let entry = draft.to_json();
    let source = &entry["install_sources"][0];
    assert_eq!(source["url"], "https://example.invalid/slack.git");
    assert!(is_placeholder(source["url"].as_str().unwrap()));
    assert!(source.get("checksum").is_none(), "nothing vouches for it");
    assert!(!is_placeholder("https://example.org/slack.git"));
}

#[test]
fn a_pack_of_stackstorm_keeps_what_it_asks_for() {
    let pack = manifest(
        "name : aws\nversion: '1.2.3'\nstackstorm_version: '>=3.0.0'\ndependencies:\n  - core\n  - slack=2.0.0\n",
    );
    let draft = make(&pack, &Inventory::default(), vec![archive()]);
    let entry = draft.to_json();
    assert_eq!(entry["stackstorm_version"], ">=3.0.0");
    assert_eq!(
        entry["dependencies"],
        json!({"packs": ["core", "slack@2.0.0"]})
    );
    let read = draft.read_back().unwrap();
    assert_eq!(read.releases[0].engine.as_deref(), Some(">=3.0.0"));
}
