//! Indexes as the registry tools write and judge them, beside what `docs/schema/index.schema.json` says of them.

use std::{path::Path, process::Command};

use packd_tests::{
    Ran,
    support::programs::{packctl, source},
};
use serde_json::{Value, json};

/// Runs packctl in a folder.
fn ctl(folder: &Path, line: &str) -> Ran {
    Ran::of(
        Command::new(packctl())
            .args(line.split(' '))
            .current_dir(folder)
            .env_remove("SOURCE_DATE_EPOCH"),
    )
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

/// What the schema says against a document.
fn objections(document: &Value) -> Vec<String> {
    let schema = read(&source().join("docs/schema/index.schema.json"));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn entry(name: &str, version: &str) -> Value {
    json!({
        "ref": name, "label": name, "description": "What it does", "version": version, "author": "A",
        "email": "a@packs.example", "license": "Apache-2.0", "homepage": "https://packs.example",
        "keywords": ["k"], "runtime_deps": ["python3>=3.8"],
        "install_sources": [
            {"type": "git", "url": "git@git.example:x.git", "ref": "v1", "checksum": digest("b"), "commit": "0123456"},
            {"type": "archive", "url": format!("{name}-{version}.zip"), "checksum": digest("a"), "size": 12},
        ],
        "contents": {"actions": [{"name": "a", "description": "b"}], "sensors": []},
        "dependencies": {"attune_version": ">=0.1", "packs": ["core@^1.0"]},
        "meta": {"stars": 3},
    })
}

fn index(packs: &[Value]) -> Value {
    json!({
        "registry_name": "R", "registry_url": "https://r.example", "version": "1.0",
        "last_updated": "2026-01-01T00:00:00Z", "packs": packs,
    })
}

#[test]
fn what_index_merge_writes_is_what_the_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let stackstorm = json!({"metadata": {"generated_ts": 1, "hash": "x"}, "packs": {"acos": {
        "name": "acos", "version": "1.6", "description": "d", "author": "A", "email": null, "repo_url": "https://git.example/acos",
        "versions": ["1.6.0", "1.10.0", "0.4"], "content": {"actions": {"count": 1, "resources": ["a"]}}, "dependencies": ["core"],
    }}});
    let old = json!({"packs": [entry("slack", "1.0.0"), entry("teams", "v2.1")]});
    for (name, index) in [
        (
            "1.json",
            index(&[entry("slack", "2.0.0"), entry("http", "1.0.0")]),
        ),
        ("2.json", old),
        ("3.json", stackstorm),
    ] {
        fs_err::write(path(name), index.to_string()).unwrap();
    }
    for inputs in [
        "1.json 2.json 3.json",
        "3.json 2.json 1.json",
        "2.json",
        "3.json",
    ] {
        ctl(
            folder.path(),
            &format!("index-merge --output out.json --force {inputs}"),
        )
        .success();
        let written = read(&path("out.json"));
        assert_eq!(
            objections(&written),
            Vec::<String>::new(),
            "{inputs}: {written:#}"
        );
        let validated = ctl(folder.path(), "index-validate out.json");
        if inputs.contains('3') {
            // StackStorm's packs have no checksum, without which Attune's client reads nothing
            validated.failure(1).says("I312");
        } else {
            validated.success();
        }
    }
}

#[test]
fn what_index_entry_writes_is_what_the_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::create_dir_all(path("pack/actions")).unwrap();
    let manifest = "ref: slack\nversion: 1.2.0\nlabel: Slack\ndescription: Chat\nauthor: A\nlicense: MIT\n\
                    runtime_deps: [shell]\ndependencies: ['core@^1.0']\nkeywords: [chat]\n";
    fs_err::write(path("pack/pack.yaml"), manifest).unwrap();
    fs_err::write(
        path("pack/actions/post.yaml"),
        "name: post\ndescription: Post\n",
    )
    .unwrap();
    let line = format!(
        "index-entry pack --archive-url https://packs.example/slack.zip --archive-checksum {} --archive-size 5 \
         --output entry.json",
        digest("a")
    );
    ctl(folder.path(), &line).success();
    let written = index(&[read(&path("entry.json"))]);
    assert_eq!(objections(&written), Vec::<String>::new(), "{written:#}");
    fs_err::write(path("index.json"), written.to_string()).unwrap();
    ctl(folder.path(), "index-validate --strict index.json").success();

    ctl(folder.path(), "index-entry pack --file template.json").success();
    let template = index(&[read(&path("template.json"))]);
    assert!(
        !objections(&template).is_empty(),
        "a template has nothing to install from"
    );
    fs_err::write(path("index.json"), template.to_string()).unwrap();
    ctl(folder.path(), "index-validate index.json").failure(1);
}

#[test]
fn what_index_update_writes_is_what_the_schema_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let publish = |version: &str, more: &str| {
        let manifest = format!(
            "ref: slack\nversion: {version}\nlabel: Slack\ndescription: Chat\nauthor: A\nlicense: MIT\n\
             python_versions: ['3']\nstackstorm_version: '>=3'\ndependencies:\n- core\n\
             - https://git.example/stackstorm-jira.git=1.0.0\nmeta: {{tested: 1.10}}\n"
        );
        fs_err::create_dir_all(path("pack")).unwrap();
        fs_err::write(path("pack/pack.yaml"), manifest).unwrap();
        let line = format!(
            "index-update --index index.json pack --archive-url slack-{version}.zip --archive-checksum {} \
             --archive-size 5 {more}",
            digest("a")
        );
        ctl(folder.path(), &line).success();
        let written = read(&path("index.json"));
        assert_eq!(
            objections(&written),
            Vec::<String>::new(),
            "{more}: {written:#}"
        );
        ctl(folder.path(), "index-validate index.json").success();
        written
    };
    publish("1.2.0", "--init R https://r.example");
    publish("1.3.0", "--update");
    publish("1.2.5", "--update --keep-newest");
    let written = publish("1.1.0", "--update --allow-downgrade");
    assert_eq!(written["packs"][0]["version"], "1.1.0");
    let versions = written["packs"][0]["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3, "{written:#}");
    assert_eq!(
        versions[0]["dependencies"]["named_as"]["jira"],
        "https://git.example/stackstorm-jira.git=1.0.0"
    );
}

#[test]
fn what_is_broken_is_refused_by_the_schema_and_by_index_validate() {
    let folder = tempfile::tempdir().unwrap();
    let good = index(&[entry("slack", "2.0.0")]);
    assert_eq!(objections(&good), Vec::<String>::new());
    for (place, value) in [
        ("/registry_name", Value::Null),
        ("/last_updated", json!(5)),
        ("/packs", json!("none")),
        ("/packs/0", json!([])),
        ("/packs/0/ref", json!("Bad.Ref")),
        ("/packs/0/ref", Value::Null),
        ("/packs/0/label", json!(["a"])),
        ("/packs/0/description", Value::Null),
        ("/packs/0/version", json!("new")),
        ("/packs/0/keywords", json!("chat")),
        ("/packs/0/runtime_deps", json!([3])),
        ("/packs/0/install_sources", json!([])),
        ("/packs/0/install_sources", json!({})),
        ("/packs/0/install_sources/0/type", json!("svn")),
        ("/packs/0/install_sources/0/url", json!("https://me:pw@h/x")),
        ("/packs/0/install_sources/0/ref", json!("--upload-pack=x")),
        ("/packs/0/install_sources/0/commit", json!("HEAD")),
        ("/packs/0/install_sources/1/url", json!("a b")),
        ("/packs/0/install_sources/1/checksum", json!("md5:00")),
        ("/packs/0/install_sources/1/checksum", Value::Null),
        ("/packs/0/install_sources/1/size", json!(-5)),
        ("/packs/0/contents", json!([])),
        ("/packs/0/contents/actions", json!("a")),
        ("/packs/0/dependencies", json!(["core"])),
        ("/packs/0/meta", json!(1)),
    ] {
        let mut broken = good.clone();
        *broken.pointer_mut(place).unwrap() = value;
        assert!(!objections(&broken).is_empty(), "{place} of {broken:#}");
        fs_err::write(folder.path().join("index.json"), broken.to_string()).unwrap();
        let ran = ctl(folder.path(), "index-validate index.json");
        ran.failure(1);
    }
}
