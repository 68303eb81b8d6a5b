//! `pack.yaml` files as they are found in the wild, and every way they differ from one another.

use super::{dependencies, parse, refuse, runtimes, words};
use crate::manifest::*;

/// Attune's core pack: the vocabulary of its own that its own tools do not read.
const CORE: &str = r#"# Attune Core Pack
# Built-in core functionality including timers, basic actions, and utilities

ref: core
label: "Core Pack"
description: "Built-in core functionality including timer triggers, HTTP utilities, and basic automation actions"
version: "1.0.0"
author: "Attune Team"
email: "core@attune.io"

# Pack is a system pack (shipped with Attune)
system: true
enabled: true

# Pack configuration schema
conf_schema:
  type: object
  properties:
    max_action_timeout:
      type: integer
      description: "Maximum timeout for core actions (seconds)"
      default: 300
      minimum: 1
      maximum: 3600
    enable_debug_logging:
      type: boolean
      default: false
  required: []

# Default pack configuration
config:
  max_action_timeout: 300
  enable_debug_logging: false

# Pack metadata
meta:
  category: "core"
  keywords:
    - "core"
    - "timers"
    - "http"
  python_dependencies:
    - "croniter>=1.4.0"
    - "requests>=2.28.0"
  documentation_url: "https://docs.attune.io/packs/core"
  repository_url: "https://github.com/attune/attune"

# Pack tags for discovery
tags:
  - core
  - system
  - timers

# Runtime dependencies
runtime_deps:
  - shell
  - native

# Tests
testing:
  enabled: true
  discovery:
    method: "directory"
    path: "tests"
  runners:
    shell:
      type: "script"
      entry_point: "tests/run_tests.sh"
      timeout: 60
      result_format: "simple"
    python:
      type: "unittest"
      entry_point: "tests/test_actions.py"
      timeout: 120
      result_format: "simple"
  result_format: "junit-xml"
  result_path: "tests/results/"
  min_pass_rate: 1.0
  on_failure: "block"
"#;

/// A pack of the Exchange, as its author typed it.
const AWS: &str = "---
name : aws
description : StackStorm pack for Amazon Web Services (AWS) integrations.
keywords:
  - aws
  - amazon web services
  - s3
version : 2.0.1
python_versions:
  - \"3\"
author : StackStorm, Inc.
email : 'info@stackstorm.com'
contributors:
  - \"Ada Example <ada@example.org>\"
";

#[test]
fn attunes_core_pack_is_read() {
    let manifest = parse(CORE);
    assert_eq!(manifest.pack_ref, "core");
    assert_eq!(manifest.label.as_deref(), Some("Core Pack"));
    assert_eq!(manifest.version.to_string(), "1.0.0");
    assert!(manifest.system, "it is part of the system");
    assert_eq!(
        manifest.keywords,
        ["core", "system", "timers"],
        "`tags` are keywords; those of `meta` are for packs without"
    );
    assert_eq!(runtimes(&manifest), ["shell", "native"]);
    let meta = manifest.meta.unwrap();
    assert_eq!(meta["category"], "core");
    assert_eq!(meta["python_dependencies"][1], "requests>=2.28.0");
    assert_eq!(
        manifest.config_schema.unwrap()["properties"]["max_action_timeout"]["maximum"],
        3600
    );
    assert_eq!(
        manifest.components,
        Components::default(),
        "the folders decide"
    );
    assert_eq!(manifest.testing.unwrap().runners.len(), 2);
    assert_eq!(manifest.unknown, [], "every key is known");
    assert_eq!(manifest.warnings, Vec::<String>::new());
}

#[test]
fn attunes_three_vocabularies_say_the_same() {
    let documented = parse(
        "ref: a\nversion: 1.0.0\nlabel: A\ntags: [x]\nconf_schema: {type: object}\nmeta: {category: c}\n\
         runtime_deps: ['python3>=3.9', 'nodejs>=18']\ndependencies: ['core@^1']\n",
    );
    let coded = parse(
        "ref: a\nversion: 1.0.0\nname: A\nkeywords: [x]\nconfig_schema: {type: object}\nmetadata: {category: c}\n\
         python: 3.9\nnodejs: 18\ndependencies: {packs: ['core@^1']}\n",
    );
    let mapped = parse(
        "ref: a\nversion: 1.0.0\nname: A\nmeta: {category: c, tags: [x]}\nconf_schema: {type: object}\n\
         runtime_deps: python3>=3.9\nnodejs: '>=18'\ndependencies: {core: ^1, python_version: '3.9'}\n",
    );
    for other in [&coded, &mapped] {
        assert_eq!(other.label, documented.label);
        assert_eq!(other.keywords, documented.keywords);
        assert_eq!(other.config_schema, documented.config_schema);
        assert_eq!(other.dependencies, documented.dependencies);
        assert_eq!(other.runtimes, documented.runtimes);
        assert_eq!(other.meta.as_ref().unwrap()["category"], "c");
    }
    assert_eq!(mapped.python_version.as_deref(), Some("3.9"), "as written");
}

#[test]
fn an_exchange_pack_is_read() {
    let manifest = parse(AWS);
    assert_eq!(manifest.pack_ref, "aws", "`name : aws` is its ref");
    assert_eq!(manifest.label.as_deref(), Some("aws"));
    assert_eq!(manifest.email.as_deref(), Some("info@stackstorm.com"));
    assert_eq!(manifest.python_versions, ["3"]);
    assert_eq!(manifest.contributors, ["Ada Example <ada@example.org>"]);
    assert_eq!(manifest.license, None);
    assert_eq!(manifest.warnings, Vec::<String>::new());
    assert_eq!(manifest.unknown, []);
}

#[test]
fn what_differs_among_exchange_packs_is_read() {
    let with = |lines: &str| parse(&format!("name: x\nversion: 1.0.0\n{lines}"));
    assert_eq!(
        with("contributors: null\nemail: ~\n").contributors,
        Vec::<String>::new(),
        "null is nothing"
    );
    for versions in ["['2', '3']", "[2, 3]", "\n  - \"2\"\n  - 3"] {
        let manifest = with(&format!("python_versions: {versions}\n"));
        assert_eq!(manifest.python_versions, ["2", "3"], "{versions}");
    }
    assert_eq!(with("python_versions: 3\n").python_versions, ["3"]);
    let manifest = with("stackstorm_version: \">=2.1.0, <3.0.0\"\n");
    assert_eq!(
        manifest.stackstorm_version.as_deref(),
        Some(">=2.1.0, <3.0.0")
    );
    assert_eq!(manifest.engine, manifest.stackstorm_version);
    let manifest = with("Contributors:\n  - Jane\n");
    assert_eq!(
        (
            manifest.unknown[0].key.as_str(),
            manifest.unknown[0].nearest
        ),
        ("Contributors", Some("contributors"))
    );
    assert_eq!(
        manifest.unknown[0].at,
        yaml::Position { line: 3, column: 1 }
    );
    assert!(
        !with("system:\n  centos: [python3-devel]\nfiles: [a]\n").system,
        "StackStorm's `system` is a hint for its installer"
    );
    for (written, version) in [
        ("0.2", "0.2.0"),
        ("1", "1.0.0"),
        ("'0.4'", "0.4.0"),
        ("1.0", "1.0.0"),
        ("0.1.1-boto3", "0.1.1-boto3"),
    ] {
        let manifest = parse(&format!("name: x\nversion: {written}\n"));
        assert_eq!(manifest.version.to_string(), version);
    }
    refuse("name: x\nversion: 0.1.2.3.4\n");
}

#[test]
fn stackstorms_dependencies_name_versions_branches_and_repositories() {
    let manifest = parse(
        "name: x\nversion: 1.0.0\ndependencies:\n  - core\n  - linux=0.2.0\n  - chatops=v1.0.0\n  - jira=master\n\
         \x20 - git=1a2b3c4\n  - https://github.com/StackStorm-Exchange/stackstorm-jenkins.git=0.7.1\n\
         \x20 - https://github.com/example/pack_b=feature/slash\n  - git@github.com:example/stackstorm-c.git\n\
         \x20 - ssh://git@example.org:2222/example/d.git\n  - file:///opt/packs/e\n",
    );
    assert_eq!(
        dependencies(&manifest),
        [
            "core",
            "linux@0.2.0",
            "chatops@1.0.0",
            "jira=master",
            "git=1a2b3c4",
            "https://github.com/StackStorm-Exchange/stackstorm-jenkins.git=0.7.1",
            "https://github.com/example/pack_b=feature/slash",
            "git@github.com:example/stackstorm-c.git",
            "ssh://git@example.org:2222/example/d.git",
            "file:///opt/packs/e",
        ]
    );
    let refs: Vec<&str> = (manifest.dependencies.iter())
        .map(|dependency| dependency.pack_ref.as_str())
        .collect();
    assert_eq!(
        refs,
        [
            "core", "linux", "chatops", "jira", "git", "jenkins", "pack_b", "c", "d", "e"
        ],
        "a pack is called as its repository, less what they all begin with"
    );
    for bad in [
        "core=1.2.3.4",
        "core==>1",
        "https://e.org/Bad.Name",
        "core@1.x.y",
    ] {
        refuse(&format!(
            "name: x\nversion: 1.0.0\ndependencies: ['{bad}']\n"
        ));
    }
}

/// The grammar of runtimes: a name, the first operator, a requirement; spaces are tolerated.
#[test]
fn runtimes_are_read_in_every_spelling() {
    for (written, shown) in [
        ("shell", "shell"),
        ("python3 >= 3.8", "python3>=3.8"),
        ("python>=3.8,<4", "python>=3.8, <4"),
        ("nodejs^18", "nodejs^18"),
        ("node ~ 18.2", "node~18.2"),
        ("python3 = 3.9.7", "python3=3.9.7"),
        ("go > 1.20", "go>1.20"),
        ("bash<6", "bash<6"),
        ("ruby <= 3.3", "ruby<=3.3"),
        ("native", "native"),
    ] {
        let manifest = parse(&format!(
            "ref: a\nversion: 1.0.0\nruntime_deps: [\"{written}\"]\n"
        ));
        assert_eq!(runtimes(&manifest), [shown], "{written}");
    }
    for bad in ["'>=3.8'", "python3 >= three", "a b", "'python3>='"] {
        let error = refuse(&format!("ref: a\nversion: 1.0.0\nruntime_deps: [{bad}]\n"));
        assert!(
            matches!(error, ManifestError::Runtime { .. }),
            "{bad}: {error:?}"
        );
    }
}

/// E08: the words say which key is missing; a `name` that could not be the ref is named with the nearest
/// that could.
#[test]
fn a_missing_ref_or_version_is_said_in_the_documented_words() {
    assert_eq!(
        refuse("version: 1.0.0\n").to_string(),
        "Missing 'ref' field in pack.yaml"
    );
    assert_eq!(
        refuse("ref: a\n").to_string(),
        "Missing 'version' field in pack.yaml"
    );
    let error = refuse("name: Travis CI\nversion: 1.0.0\n");
    assert!(
        error
            .to_string()
            .starts_with("Missing 'ref' field in pack.yaml, and its `name`"),
        "{error}"
    );
    assert_eq!(
        error.hint().as_deref(),
        Some("add `ref: travis_ci` to `pack.yaml`")
    );
}

#[test]
fn the_folder_is_the_last_thing_to_name_a_pack() {
    let read = |text: &str, folder: &str| Manifest::parse_in_folder(text.as_bytes(), folder);
    let manifest = read("name: Travis CI\nversion: 1.0.0\n", "stackstorm-travis_ci").unwrap();
    assert_eq!(manifest.pack_ref, "travis_ci");
    assert_eq!(manifest.warnings.len(), 1, "and that is said");
    let manifest = read("name: aws\nversion: 1.0.0\n", "checkout").unwrap();
    assert_eq!(manifest.pack_ref, "aws", "a name that is a ref counts more");
    let manifest = read("ref: core\nname: aws\nversion: 1.0.0\n", "checkout").unwrap();
    assert_eq!(manifest.pack_ref, "core");
    assert!(read("name: A B\nversion: 1.0.0\n", "Not A Ref").is_err());
}

/// E09 and the requirement for it: never read as a number, always said.
#[test]
fn an_unquoted_version_is_neither_missing_nor_a_float() {
    let manifest = parse("ref: a\nversion: 1.10\n");
    assert_eq!(manifest.version.to_string(), "1.10.0");
    assert!(manifest.warnings[0].contains("`1.10` is read as `1.10.0`"));
    assert_eq!(
        parse("ref: a\nversion: 1.10.0\n").warnings,
        Vec::<String>::new()
    );
}

/// E15, each with what has to become of it.
#[test]
fn marks_line_ends_and_bombs_are_told_apart() {
    for (name, text) in [
        ("a byte order mark", format!("\u{feff}{AWS}")),
        ("CRLF", CORE.replace('\n', "\r\n")),
        ("a leading marker", format!("---\n{CORE}")),
        ("an end marker", format!("{CORE}...\n")),
    ] {
        assert!(Manifest::parse(text.as_bytes()).is_ok(), "{name} is fine");
    }
    for (name, text, part) in [
        (
            "a key twice",
            format!("{CORE}label: again\n"),
            "`label` appears twice",
        ),
        (
            "a second document",
            format!("{CORE}---\nref: b\nversion: 1.0.0\n"),
            "second document",
        ),
    ] {
        let error = refuse(&text);
        assert!(words(&error).contains(part), "{name}: {}", words(&error));
        let at = error.position().unwrap();
        assert!(at.line > 70, "{name} is at the end, not at {at}");
    }
}

#[test]
fn unknown_keys_are_kept_with_their_place_and_the_nearest_known_one() {
    let manifest = parse(
        "ref: a\nversion: 1.0.0\nlable: A\nmy_own_thing: 1\nx-generator: z\nrunner_type: terraform\n",
    );
    let found: Vec<_> = (manifest.unknown.iter())
        .map(|unknown| (unknown.key.as_str(), unknown.at.line, unknown.nearest))
        .collect();
    assert_eq!(
        found,
        [
            ("lable", 3, Some("label")),
            ("my_own_thing", 4, None),
            ("runner_type", 6, None)
        ],
        "`x-` is the author's own"
    );
}

#[test]
fn what_runs_the_pack_is_asked_for_by_itself() {
    let manifest = parse(
        "ref: a\nversion: 1.0.0\nattune_version: '>=0.1'\nstackstorm_version: '>=3.0.0'\nuse_case: When it rains\n\
         dependencies: {attune_version: '>=0.2', packs: [b]}\n",
    );
    assert_eq!(
        manifest.attune_version.as_deref(),
        Some(">=0.2"),
        "what stands beside the packs counts"
    );
    assert_eq!(manifest.stackstorm_version.as_deref(), Some(">=3.0.0"));
    assert_eq!(manifest.engine.as_deref(), Some(">=0.2"));
    assert_eq!(manifest.use_case.as_deref(), Some("When it rains"));
}

#[test]
fn all_errors_are_found_at_once() {
    let reading = read::read(
        b"ref: A\nversion: x\ndependencies: [B, c, D]\nruntime_deps: ['>1']\nsystem: maybe\ntesting: 7\n",
        Known::Nothing,
    )
    .unwrap();
    let lines: Vec<u64> = (reading.errors.iter())
        .map(|error| error.position().unwrap().line)
        .collect();
    assert_eq!(lines, [1, 2, 3, 3, 4, 5, 6], "{:?}", reading.errors);
    assert!(reading.manifest().is_none(), "nothing of it is used");
}
