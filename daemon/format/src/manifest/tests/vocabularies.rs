//! The vocabularies that a manifest may be written in.

use super::*;

#[test]
fn attunes_documented_vocabulary_is_read() {
    let manifest = parse(
        r#"
ref: core
label: "Core Pack"
description: "Built-in core functionality"
version: "1.0.0"
author: "Attune Team"
email: "core@attune.io"
system: true
enabled: true
conf_schema:
  type: object
  properties:
    max_size: {type: integer, default: 100, minimum: 1.5}
    on: {type: boolean, default: true}
  required: []
config:
  max_size: 100
meta:
  category: core
  keywords: [timer, utility]
  python_dependencies: ["requests>=2.28.0"]
tags: [core, "1.10", 1.10]
runtime_deps: [shell, native, "python3 >= 3.8"]
testing:
  enabled: true
  discovery: {method: directory, path: tests}
  runners:
    shell: {type: script, entry_point: tests/run_tests.sh, timeout: 60, result_format: simple}
    python: {type: unittest, entry_point: "tests/test_actions.py"}
  result_format: junit-xml
  min_pass_rate: 0.9
  on_failure: warn
"#,
    );
    assert_eq!(manifest.pack_ref, "core");
    assert_eq!(manifest.label.as_deref(), Some("Core Pack"));
    assert!(manifest.system, "the pack is part of the system");
    assert_eq!(
        manifest.keywords,
        ["core", "1.10", "1.10"],
        "tags are keywords, and numbers their text"
    );
    assert_eq!(runtimes(&manifest), ["shell", "native", "python3>=3.8"]);
    let schema = manifest.config_schema.unwrap();
    assert_eq!(schema["properties"]["max_size"]["minimum"], 1.5);
    assert_eq!(schema["properties"]["on"]["default"], true);
    let testing = manifest.testing.unwrap();
    assert_eq!(testing.runners[0].timeout.as_secs(), 60);
    assert_eq!(testing.runners[1].kind, RunnerKind::Unittest);
    assert_eq!(
        testing.runners[1].result_format,
        ResultFormat::JunitXml,
        "the section's format is inherited"
    );
    assert_eq!(testing.on_failure, OnFailure::Warn);
    assert_eq!(manifest.warnings, Vec::<String>::new());
}

#[test]
fn attunes_other_vocabularies_are_read() {
    let manifest = parse(
        "ref: slack\nname: Slack\nversion: 2.1.0\nconfig_schema: {type: object}\nmetadata: {keywords: [chat]}\n\
         python: 3.9\nnodejs: '>=18'\nactions: {post: {entry_point: a.py}}\nsensors: [{name: s}, t]\n",
    );
    assert_eq!(manifest.label.as_deref(), Some("Slack"));
    assert_eq!(manifest.keywords, ["chat"]);
    assert_eq!(
        runtimes(&manifest),
        ["python3>=3.9", "nodejs>=18"],
        "a float is its text"
    );
    let names = |listed: Option<Vec<crate::Component>>| -> Vec<String> {
        listed.unwrap().into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(manifest.components.actions), ["post"]);
    assert_eq!(names(manifest.components.sensors), ["s", "t"]);
    assert_eq!(manifest.components.rules, None, "the folder decides");
    assert!(manifest.config_schema.is_some(), "`config_schema` is read");
}

#[test]
fn stackstorms_vocabulary_is_read() {
    let manifest = parse(
        "---\nname : aws\ndescription: st2 content pack containing Amazon Web Services integrations.\nkeywords:\n  - aws\n  - s3\n\
         version: 2.0.1\nauthor: StackStorm, Inc.\nemail: 'info@stackstorm.com'\npython_versions:\n  - '3'\n  - 2\n\
         stackstorm_version: \">=3.0.0\"\ncontributors:\n  - Jane <jane@example.org>\ndependencies:\n  - core\n  - mypack=0.2.0\n\
         \x20 - https://github.com/StackStorm-Exchange/stackstorm-test=1.0.0\n  - git@example.org:packs/other.git=main\nsystem:\n  redhat: [python-devel]\n",
    );
    assert_eq!(
        manifest.pack_ref, "aws",
        "`name` is the ref where there is none"
    );
    assert_eq!(manifest.python_versions, ["3", "2"]);
    assert_eq!(manifest.engine.as_deref(), Some(">=3.0.0"));
    assert!(
        !manifest.system,
        "StackStorm's `system` is a list of OS packages"
    );
    assert_eq!(dependencies(&manifest)[..2], ["core", "mypack@0.2.0"]);
    let by_url = &manifest.dependencies[2];
    assert_eq!(by_url.pack_ref, "test");
    assert_eq!(by_url.requirement.to_string(), "1.0.0");
    assert_eq!(
        by_url.url.as_deref(),
        Some("https://github.com/StackStorm-Exchange/stackstorm-test")
    );
    let by_branch = &manifest.dependencies[3];
    assert_eq!(
        (by_branch.pack_ref.as_str(), by_branch.git_ref.as_deref()),
        ("other", Some("main"))
    );
}

#[test]
fn a_ref_known_otherwise_is_used_where_the_file_has_none() {
    let known: PackRef = "circle_ci".parse().unwrap();
    let manifest = Manifest::parse_known(b"name: CircleCI\nversion: 1.0.0\n", &known).unwrap();
    assert_eq!(manifest.pack_ref, known);
    let manifest = Manifest::parse_known(b"ref: other\nversion: 1.0.0\n", &known).unwrap();
    assert_eq!(
        manifest.pack_ref, "other",
        "what the file says is not overwritten"
    );
    let error = refuse("name: CircleCI\nversion: 1.0.0\n");
    assert_eq!(error.hint().unwrap(), "add `ref: circleci` to `pack.yaml`");
}

#[test]
fn dependencies_are_read_in_every_spelling() {
    let manifest = parse(
        "ref: a\nversion: 1.0.0\ndependencies:\n  - core@^1.0\n  - slack>=2.0,<3\n  - {ref: jira, version: 1.2}\n  - utils@latest\n  - plain\n",
    );
    assert_eq!(
        dependencies(&manifest),
        [
            "core@^1.0",
            "slack@>=2.0, <3",
            "jira@1.2",
            "utils@latest",
            "plain"
        ]
    );
    let manifest = parse(
        "ref: a\nversion: 1.0.0\ndependencies:\n  attune_version: '>=0.1'\n  python_version: '3.8'\n  packs: [core@1.0.0, b]\n  slack: ^2\n",
    );
    assert_eq!(dependencies(&manifest), ["core@1.0.0", "b", "slack@^2"]);
    assert_eq!(manifest.engine.as_deref(), Some(">=0.1"));
    assert!(
        parse("ref: a\nversion: 1.0.0\ndependencies:\n")
            .dependencies
            .is_empty(),
        "nothing is no dependency"
    );

    let error = refuse("ref: a\nversion: 1.0.0\ndependencies:\n  - ok\n  - core@^x\n");
    assert_eq!(error.position().unwrap(), Position { line: 5, column: 5 });
    assert!(
        refuse("ref: a\nversion: 1.0.0\ndependencies: [Core.Pack]\n")
            .hint()
            .unwrap()
            .contains("core_pack")
    );
}
