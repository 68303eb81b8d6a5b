//! Indexes of StackStorm's form, merged.

use super::*;

const STACKSTORM: &str = r#"{"metadata": {"generated_ts": 1767225600, "hash": "x"}, "packs": {
    "acos": {"name": "acos", "ref": "acos", "version": "1.6.0", "description": "d", "author": "A", "email": null,
        "repo_url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "python_versions": ["3"],
        "versions": ["1.6.0", "1.10.0", "0.4", "0.1.1-boto3"], "keywords": ["k"],
        "content": {"actions": {"count": 4, "resources": ["a", "b"]}, "tests": {"count": 1, "resources": []}},
        "dependencies": ["core", "x=1.0.0", "https://h/stackstorm-y.git=2.0.0"], "stackstorm_version": ">=3.0.0", "Contributors": null},
    "circle_ci": {"name": "Circle CI", "version": "1.0.0", "repo_url": "https://example.org/x", "versions": []},
    "mixed": {"ref": "other", "version": "1.0.0", "install_sources": []},
    "nameless": {"version": "1.0.0", "install_sources": []}}}"#;

#[test]
fn stackstorms_form_becomes_attunes_and_offers_the_same() {
    let text = merged(&[STACKSTORM], Options::default()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["last_updated"], "2026-01-01T00:00:00Z");
    assert!(
        value.get("metadata").is_none(),
        "its hash would be wrong now"
    );
    assert_eq!(
        value["packs"][0],
        json!({
            "ref": "acos", "label": "acos", "description": "d", "version": "1.10.0", "author": "A",
            "license": "NOASSERTION", "repository": "https://github.com/StackStorm-Exchange/stackstorm-acos",
            "keywords": ["k"], "runtime_deps": [],
            "install_sources": [{
                "type": "git", "url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "ref": "v1.10.0",
            }],
            "contents": {
                "actions": [{"name": "a", "description": ""}, {"name": "b", "description": ""}],
                "sensors": [], "triggers": [], "rules": [], "workflows": [],
            },
            "stackstorm_version": ">=3.0.0",
            "meta": {"python_versions": ["3"], "content": {"tests": {"count": 1, "resources": []}}},
            "versions": [
                {"version": "1.6.0", "install_sources": [{
                    "type": "git", "url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "ref": "v1.6.0"}],
                    "dependencies": {
                        "packs": ["core", "x@1.0.0", "y@2.0.0"],
                        "named_as": {"y": "https://h/stackstorm-y.git=2.0.0"},
                    },
                    "runtime_deps": []},
                {"version": "0.4.0", "install_sources": [{
                    "type": "git", "url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "ref": "v0.4"}]},
                {"version": "0.1.1-boto3", "install_sources": [{
                    "type": "git", "url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "ref": "v0.1.1-boto3"}]},
            ],
        })
    );
    let (before, after) = (Index::parse(STACKSTORM.as_bytes()).unwrap(), parsed(&text));
    let releases = |index: &Index| -> Vec<_> {
        let entries = index.entries.iter();
        entries
            .map(|entry| {
                let mut releases = entry.releases.clone();
                // what the entry asks for stays on its top level
                for release in &mut releases {
                    release.engine = None;
                    // and a pack that it needs is named by its ref, wherever it comes from
                    for dependency in &mut release.dependencies {
                        *dependency = dependency.by_ref();
                    }
                }
                (entry.pack_ref.clone(), releases)
            })
            .collect()
    };
    assert_eq!(releases(&before), releases(&after));
    assert_eq!(
        merged(&[&text], Options::default()).unwrap(),
        text,
        "and it stays so"
    );
}

#[test]
fn both_forms_can_be_merged() {
    let attune = index(&[entry("acos", "2.0.0", 'a')]);
    for texts in [[STACKSTORM, &attune], [&attune, STACKSTORM]] {
        let text = merged(&texts, Options::default()).unwrap();
        let acos = &shape(&text)[0];
        assert_eq!(acos.1, "2.0.0");
        assert_eq!(acos.2, ["1.10.0", "1.6.0", "0.4.0", "0.1.1-boto3"]);
        parsed(&text);
    }
}
