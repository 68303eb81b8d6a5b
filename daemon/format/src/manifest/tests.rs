#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error as _;

use proptest::prelude::*;

use super::yaml::YamlError;
use super::*;

mod wild;

fn parse(text: &str) -> Manifest {
    Manifest::parse(text.as_bytes()).unwrap()
}

fn refuse(text: &str) -> ManifestError {
    match Manifest::parse(text.as_bytes()) {
        Ok(manifest) => panic!("{text:?} must be refused, but is {manifest:?}"),
        Err(error) => error,
    }
}

/// An error with everything that led to it.
fn words(error: &ManifestError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn runtimes(manifest: &Manifest) -> Vec<String> {
    manifest.runtimes.iter().map(ToString::to_string).collect()
}

fn dependencies(manifest: &Manifest) -> Vec<String> {
    manifest
        .dependencies
        .iter()
        .map(ToString::to_string)
        .collect()
}

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

#[test]
fn an_unquoted_version_is_its_text() {
    for (written, version, warned) in [
        ("1.10", "1.10.0", true),
        ("2", "2.0.0", true),
        ("0x10", "", true),
        ("v1.2.3", "1.2.3", true),
        ("1.2.3", "1.2.3", false),
        ("'1.10'", "1.10.0", true),
        ("1.10   # why", "1.10.0", true),
        ("!!str 1.10", "1.10.0", true),
        ("1.20", "1.20.0", true),
        ("100000000000000000000000", "", true),
        (".nan", "", true),
    ] {
        let text = format!("ref: a\nversion: {written}\n");
        if version.is_empty() {
            let error = refuse(&text);
            assert_eq!(error.position().unwrap().line, 2, "{error}");
            continue;
        }
        let manifest = parse(&text);
        assert_eq!(manifest.version.to_string(), version, "{written}");
        assert_eq!(!manifest.warnings.is_empty(), warned, "{written}");
    }
    let warning = &parse("ref: a\nversion: 1.10\n").warnings[0];
    assert_eq!(
        warning,
        "`pack.yaml`, line 2, column 10: version `1.10` is read as `1.10.0`"
    );
}

#[test]
fn a_bom_crlf_and_a_marker_are_fine() {
    for text in [
        "\u{feff}ref: a\nversion: 1.0.0\n",
        "ref: a\r\nversion: 1.0.0\r\ndescription: b\r\n",
        "---\nref: a\nversion: 1.0.0\n",
        "\u{feff}---\r\nref: a\r\nversion: 1.0.0\r\n...\r\n",
        "# a comment\nref: a\nversion: 1.0.0",
        "%YAML 1.2\n---\nref: a\nversion: 1.0.0\n",
    ] {
        let manifest = parse(text);
        assert_eq!(
            (manifest.pack_ref.as_str(), manifest.version.to_string()),
            ("a", "1.0.0".to_owned()),
            "{text:?}"
        );
    }
}

#[test]
fn hostile_refs_and_versions_are_refused() {
    let long = format!("ref: {}\nversion: 1.0.0\n", "a".repeat(5000));
    for text in [
        "ref: /etc\nversion: 1.0.0\n",
        "ref: ../../etc\nversion: 1.0.0\n",
        "ref: .\nversion: 1.0.0\n",
        "ref: a/b\nversion: 1.0.0\n",
        "ref: \"a\\0b\"\nversion: 1.0.0\n",
        "ref: cor\u{435}\nversion: 1.0.0\n",
        &long,
    ] {
        assert!(
            matches!(refuse(text), ManifestError::Ref { .. }),
            "{text:.40?}"
        );
    }
    for text in [
        "ref: a\nversion: 1.0.0/../../x\n",
        "ref: a\nversion: 1.0.0+a/b\n",
        "ref: a\nversion: not-a-version\n",
    ] {
        assert!(
            matches!(refuse(text), ManifestError::Version { .. }),
            "{text:?}"
        );
    }
    for text in ["ref: [a]\nversion: 1.0.0\n", "ref: a\nversion: {a: b}\n"] {
        assert!(
            matches!(refuse(text), ManifestError::Kind { .. }),
            "{text:?}"
        );
    }
    for (text, key) in [
        ("version: 1.0.0\n", "ref"),
        ("ref: a\n", "version"),
        ("ref: a\nversion:\n", "version"),
        ("ref: ''\nversion: 1.0.0\n", "ref"),
    ] {
        assert_eq!(
            refuse(text).to_string(),
            format!("Missing '{key}' field in pack.yaml"),
            "the words that scripts look for"
        );
    }
    for text in [
        "",
        "\n",
        "---\n",
        "# only a comment\n",
        "- a\n",
        "text",
        "42",
    ] {
        assert!(
            matches!(refuse(text), ManifestError::NotAMapping { .. }),
            "{text:?}"
        );
    }
}

#[test]
fn what_yaml_allows_and_packs_may_not_is_refused_with_its_place() {
    for (text, line, part) in [
        (
            "ref: a\nref: b\nversion: 1.0.0\n",
            Some(2),
            "`ref` appears twice",
        ),
        (
            "ref: a\nversion: 1.0.0\nmeta:\n  x: 1\n  x: 2\n",
            Some(5),
            "`x` appears twice",
        ),
        (
            "ref: a\nversion: 1.0.0\n---\nref: b\nversion: 1.0.0\n",
            Some(3),
            "second document",
        ),
        (
            "base: &b {version: 1.0.0}\nref: a\n<<: *b\n",
            Some(3),
            "merge keys",
        ),
        ("ref: a\nversion: [1.0.0\n", None, ""),
        ("ref: a\n\tversion: 1.0.0\n", None, ""),
        ("ref: a\nversion: *nowhere\n", Some(2), ""),
        (
            "ref: a\u{7}\nversion: 1.0.0\n",
            Some(1),
            "control character U+0007",
        ),
    ] {
        let error = refuse(text);
        let words = words(&error);
        assert!(words.contains(part), "{text:?}: {words}");
        let position = error
            .position()
            .unwrap_or_else(|| panic!("{text:?} has a place: {words}"));
        if let Some(line) = line {
            assert!(position.line.abs_diff(line) <= 1, "{text:?}: {words}");
        }
    }
}

/// Everything here took other readers minutes or gigabytes.
#[test]
fn bombs_are_refused_at_once() {
    let laughs = (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let before = format!("*a{}", n - 1);
        text + &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(","))
    });
    let long = format!("s: &s {}\n", "x".repeat(100_000));
    let string = |bytes: usize| {
        let times = (bytes - long.len()) / 4;
        format!(
            "ref: a\nversion: 1.0.0\n{long}l: [{}]\n",
            vec!["*s"; times].join(",")
        )
    };
    for (name, text) in [
        (
            "billion laughs",
            format!("ref: a\nversion: 1.0.0\n{laughs}"),
        ),
        ("a string aliased often", string(200_000)),
        ("open brackets", format!("a: {}", "[".repeat(64_000))),
        (
            "closed brackets",
            format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ),
        ("open braces", format!("a: {}", "{a: ".repeat(16_000))),
        ("question marks", "? ".repeat(100_000)),
        ("dashes", "- ".repeat(100_000)),
        (
            "deep blocks",
            (0..500).fold(String::new(), |text, depth| {
                text + &" ".repeat(depth) + "a:\n"
            }),
        ),
        (
            "an alias of itself",
            "ref: a\nversion: 1.0.0\nx: &x [*x]\n".to_owned(),
        ),
    ] {
        let started = std::time::Instant::now();
        let error = refuse(&text);
        assert!(matches!(error, ManifestError::Yaml(_)), "{name}: {error:?}");
        assert!(
            words(&error).len() < 600,
            "{name}: the words are few: {}",
            words(&error)
        );
        assert!(
            started.elapsed().as_secs() < 5,
            "{name} took {:?}",
            started.elapsed()
        );
    }
    let large = format!("ref: a\nversion: 1.0.0\nx: {}\n", "y".repeat(MAX_BYTES));
    assert!(
        matches!(
            refuse(&large),
            ManifestError::Yaml(YamlError::TooLarge { .. })
        ),
        "size is looked at first"
    );
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = "ref: a\nversion: 1.0.0\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [[b"\xff\xfe".as_slice(), &utf16].concat(), utf16] {
        let error = Manifest::parse(&bytes).unwrap_err();
        assert!(words(&error).contains("UTF-16"), "{}", words(&error));
    }
    assert!(
        words(&Manifest::parse(b"ref: a\xff\n").unwrap_err()).contains("not UTF-8"),
        "Latin-1 is refused"
    );
}

#[test]
fn what_only_describes_is_left_out_with_a_warning() {
    let manifest = parse(
        "ref: a\nversion: 1.0.0\nlabel: [x]\nkeywords: {a: b}\nauthor: yes\ndescription: 1.10\nemail:\n",
    );
    assert_eq!((manifest.label, manifest.email), (None, None));
    assert_eq!(manifest.author.as_deref(), Some("yes"));
    assert_eq!(
        manifest.description.as_deref(),
        Some("1.10"),
        "a number is its text"
    );
    assert_eq!(manifest.warnings.len(), 2, "{:?}", manifest.warnings);
}

#[test]
fn aliases_within_reason_are_followed() {
    let manifest =
        parse("ref: a\nversion: &v 1.10\nstackstorm_version: *v\nkeywords: &k [b, c]\ntags: *k\n");
    assert_eq!(
        manifest.engine.as_deref(),
        Some("1.10"),
        "a plain scalar keeps its text through an alias"
    );
    assert_eq!(manifest.keywords, ["b", "c"]);
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _answer = Manifest::parse(&bytes);
    }

    #[test]
    fn any_yaml_like_text_is_answered(text in "[a-z:\\-\\[\\]{},&*!|>'\"# \n\t0-9.]{0,200}") {
        let _answer = Manifest::parse(format!("ref: a\nversion: 1.0.0\n{text}").as_bytes());
    }

    #[test]
    fn what_is_written_is_read(
        name in "[a-z][a-z0-9_-]{0,20}",
        numbers in proptest::array::uniform3(0_u32..200),
        description in "[ -~\u{e0}-\u{ff}]{0,60}",
        keywords in proptest::collection::vec("[a-z0-9.]{1,8}", 0..5),
        quoted in any::<bool>(),
    ) {
        let [major, minor, patch] = numbers;
        let version = format!("{major}.{minor}.{patch}");
        let shown = if quoted { format!("\"{version}\"") } else { version.clone() };
        let text = format!(
            "ref: \"{name}\"\nversion: {shown}\ndescription: {}\nkeywords: {}\n",
            serde_json::to_string(&description).unwrap(),
            serde_json::to_string(&keywords).unwrap(),
        );
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(manifest.pack_ref.as_str(), name);
        prop_assert_eq!(manifest.version.to_string(), version);
        prop_assert_eq!(manifest.description.unwrap_or_default(), description.trim());
        prop_assert_eq!(manifest.keywords, keywords);
    }

    #[test]
    fn an_unquoted_partial_version_never_loses_a_digit(major in 0_u32..50, minor in 0_u32..200) {
        let manifest = Manifest::parse(format!("ref: a\nversion: {major}.{minor}\n").as_bytes()).unwrap();
        prop_assert_eq!(manifest.version.to_string(), format!("{major}.{minor}.0"));
    }

    #[test]
    fn a_dependency_reads_back(
        name in "[a-z][a-z0-9_-]{0,20}",
        requirement in "(@(\\*|latest)|(@|@\\^|~|@~|>=|@<)[1-9]\\.[0-9](\\.[0-9])?|=1\\.2\\.3|=main|=release/2|=1a2b3c4d|)",
        from in "(|https://example\\.org/packs/|git@example\\.org:|ssh://git@example\\.org/[a-z]{90}/)",
    ) {
        let text = format!("{from}{name}{requirement}");
        match text.parse::<Dependency>() {
            Ok(dependency) => {
                prop_assert_eq!(dependency.to_string().parse::<Dependency>().unwrap(), dependency);
            }
            Err(error) => prop_assert!(!from.is_empty(), "{text}: {error}"),
        }
    }

    #[test]
    fn whatever_is_a_dependency_reads_back(text in "\\PC{0,20}|[a-z:/=@.<>~^0-9 ?#-]{0,24}") {
        if let Ok(dependency) = text.parse::<Dependency>() {
            let printed = dependency.to_string();
            prop_assert_eq!(printed.parse::<Dependency>().unwrap(), dependency, "{} -> {}", text, printed);
        }
    }
}
