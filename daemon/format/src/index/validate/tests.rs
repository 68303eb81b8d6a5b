#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::index::Index;

mod cases;

const GOOD: &str = r#"{
  "registry_name": "Example",
  "registry_url": "https://packs.example",
  "version": "1.0",
  "last_updated": "2026-01-31T12:00:00Z",
  "packs": [
    {
      "ref": "slack",
      "label": "Slack",
      "description": "Chat",
      "version": "2.1.0",
      "author": "A",
      "license": "Apache-2.0",
      "homepage": "https://packs.example/slack",
      "keywords": ["chat"],
      "runtime_deps": ["python3>=3.8"],
      "install_sources": [
        {
          "type": "git",
          "url": "https://git.example/slack.git",
          "ref": "v2.1.0",
          "checksum": "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3"
        },
        {
          "type": "archive",
          "url": "archives/slack-2.1.0.tar.gz",
          "checksum": "sha256:6a64844f20e285f7cbf08fc1bb31855b08d74371e987f950d080d95d8c9d31b5",
          "size": 1234
        }
      ],
      "contents": {"actions": [{"name": "slack.post", "description": "Post"}], "sensors": []},
      "dependencies": {"attune_version": ">=0.1", "packs": ["core@^1.0"]},
      "versions": [
        {
          "version": "2.0.0",
          "install_sources": [{"type": "git", "url": "git@git.example:slack.git", "commit": "0123456", "checksum": "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3"}],
          "published_at": "2025-01-31T12:00:00+01:00",
          "yanked": true
        }
      ]
    },
    {
      "ref": "teams", "label": "T", "description": "", "version": "1.0.0", "author": "B", "license": "MIT OR GPL-2.0-only",
      "runtime_deps": [], "install_sources": [
        {"type": "archive", "url": "https://packs.example/t.zip", "checksum": "sha256:6a64844f20e285f7cbf08fc1bb31855b08d74371e987f950d080d95d8c9d31b5"}
      ], "contents": {}
    }
  ]
}
"#;

#[test]
fn sources_of_a_release_have_the_same_files() {
    let with = |git: char, archive: char| {
        let tree = |digit: char| format!("\"tree\": \"sha256:{}\"", digit.to_string().repeat(64));
        let text = GOOD.replace(
            "\"ref\": \"v2.1.0\"",
            &format!("\"ref\": \"v2.1.0\", {}", tree(git)),
        );
        text.replace("\"size\": 1234", &tree(archive))
    };
    assert_eq!(found(&with('a', 'a')), Vec::<String>::new());
    assert_eq!(
        found(&with('a', 'b')),
        ["I323 packs[0].install_sources[1].tree at \"sha256:bbbb"]
    );
}

/// The findings of a text: rule, path, and what is written at its line and column.
fn found(text: &str) -> Vec<String> {
    let report = validate(text.as_bytes(), Sources::Judge);
    let Report {
        findings,
        errors,
        warnings,
        ..
    } = report;
    assert_eq!(
        findings.len(),
        errors + warnings,
        "few findings are all kept"
    );
    findings
        .iter()
        .map(|finding| {
            let Position { line, column, path } = &finding.place;
            assert_eq!(finding.severity, finding.rule.severity());
            let there: String = text
                .lines()
                .nth(line - 1)
                .unwrap_or_default()
                .chars()
                .skip(column - 1)
                .take_while(|c| !matches!(c, ',' | '}' | ']'))
                .take(12)
                .collect();
            format!("{} {path} at {}", finding.rule, there.trim_end())
        })
        .collect()
}

/// What is found when one part of the good index is another.
fn found_with(part: &str, other: &str) -> Vec<String> {
    assert!(GOOD.contains(part), "`{part}` is in the index");
    found(&GOOD.replacen(part, other, 1))
}

#[test]
fn a_good_index_has_no_findings() {
    assert_eq!(found(GOOD), Vec::<String>::new());
    let report = validate(GOOD.as_bytes(), Sources::Judge);
    assert_eq!((report.packs, report.archives.len()), (2, 0));
}

#[test]
fn every_rule_finds_what_breaks_it_where_it_is() {
    for (part, other, findings) in cases::ENTRIES.iter().chain(cases::RELEASES) {
        let findings = findings.iter().copied().map(str::to_owned).collect();
        assert_eq!(
            sorted(found_with(part, other)),
            sorted(findings),
            "`{other}` for `{part}`"
        );
    }
}

fn sorted(mut findings: Vec<String>) -> Vec<String> {
    findings.sort();
    findings
}

#[test]
fn what_takes_more_than_one_change_is_found_too() {
    let newer = GOOD.replacen("\"2.1.0\"", "\"1.9.0\"", 1).replacen(
        "\"yanked\": true",
        "\"yanked\": false",
        1,
    );
    assert_eq!(found(&newer), ["I304 packs[0].version at \"1.9.0\""]);
    let unsigned = GOOD.replace(",\n          \"checksum\": \"sha256:6a64844f20e285f7cbf08fc1bb31855b08d74371e987f950d080d95d8c9d31b5\"", "");
    assert_eq!(
        found(&unsigned),
        ["I310 packs[0].install_sources[1].checksum at {"]
    );
    let unsigned = GOOD.replace(",\n          \"checksum\": \"sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3\"", "");
    assert_eq!(
        found(&unsigned),
        ["I312 packs[0].install_sources[0].checksum at {"]
    );
    let unsigned = GOOD.replace(", \"checksum\": \"sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3\"}],\n          \"published", "}],\n          \"published");
    assert_eq!(
        found(&unsigned),
        ["I321 packs[0].versions[0].install_sources[0].checksum at {\"type\": \"gi"]
    );
    let none = GOOD.replace(
        "\"type\": \"archive\", \"url\": \"https://packs.example/t.zip\"",
        "\"x\": 1",
    );
    assert_eq!(
        found(&none),
        ["I307 packs[1].install_sources[0].type at {\"x\": 1"]
    );
}

#[test]
fn what_is_no_index_has_one_finding() {
    for (text, finding, message) in [
        (
            "{\n \"packs\": [}",
            "I101  at ",
            "the index is not JSON: expected value",
        ),
        (
            "[]",
            "I102  at [",
            "the index is not one: it is no object with `packs` in it",
        ),
        (
            "{\"a\": \"ü\", \"packs\": 5}",
            "I102  at 5",
            "the index is not one: `packs` is neither a list nor an object",
        ),
    ] {
        assert_eq!(found(text), [finding], "{text}");
        assert_eq!(
            validate(text.as_bytes(), Sources::Judge).findings[0].message,
            message
        );
    }
    let report = validate(b"{\n\"\xff\"}", Sources::Judge);
    assert_eq!(
        (report.findings[0].rule, report.findings[0].place.line),
        (Rule::Json, 2)
    );
    let empty = GOOD.split_once("\"packs\"").unwrap().0.to_owned() + "\"packs\": []}";
    assert_eq!(found(&empty), ["I107 packs at {"]);
}

#[test]
fn stackstorms_form_is_held_to_its_own() {
    let text = r#"{"metadata": {"generated_ts": 1, "hash": "x"}, "packs": {
    "acos": {"name": "acos", "ref": "acos", "version": "1.6.0", "description": "d", "author": "A", "email": null,
        "repo_url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "python_versions": ["3"],
        "versions": ["1.6.0", "1.10.0", "0.4"], "keywords": ["k"],
        "content": {"actions": {"count": 4, "resources": ["a"]}}, "dependencies": ["core"], "contributors": null},
    "circle_ci": {"name": "Circle CI", "version": "1.0.0", "repo_url": "https://example.org/x", "versions": []},
    "Bad": {"version": "1.0.0", "repo_url": "https://example.org/x"},
    "counted": {"version": "1.0.0", "contents": {"actions": 3}, "install_sources": [
        {"type": "git", "url": "https://h/x", "ref": "v1"}]},
    "odd": {"ref": "other", "version": "1.0.0"}}}"#;
    assert_eq!(
        found(text),
        [
            "I304 packs.acos.version at \"1.6.0\"",
            "I302 packs.acos.versions[2] at \"0.4\"",
            "I202 packs.Bad.ref at {\"version\":",
            "I306 packs.odd.install_sources at {\"ref\": \"oth",
            "I208 packs.odd.ref at \"other\"",
        ]
    );
    assert_eq!(validate(text.as_bytes(), Sources::Judge).packs, 5);
}

#[test]
fn sources_are_handed_on_with_what_they_promise() {
    let report = validate(GOOD.as_bytes(), Sources::Keep);
    assert_eq!((report.archives.len(), report.repositories), (2, 2));
    let archive = &report.archives[0];
    assert_eq!(
        (archive.pack.as_str(), archive.version.as_str()),
        ("slack", "2.1.0")
    );
    assert_eq!(
        (archive.url.as_str(), archive.size),
        ("archives/slack-2.1.0.tar.gz", Some(1234))
    );
    assert!(
        archive.checksum.unwrap().hex().starts_with("6a64"),
        "the digest of the bytes"
    );
    assert_eq!(
        (archive.place.line, archive.place.path.as_str()),
        (24, "packs[0].install_sources[1]")
    );
}

#[test]
fn very_many_findings_are_counted_and_not_all_kept() {
    let packs = vec!["7"; MAX_FINDINGS + 10].join(",");
    let text =
        GOOD.split_once("\"packs\"").unwrap().0.to_owned() + &format!("\"packs\": [{packs}]}}");
    let report = validate(text.as_bytes(), Sources::Judge);
    assert_eq!(
        (report.findings.len(), report.errors, report.unsaid()),
        (MAX_FINDINGS, MAX_FINDINGS + 10, 10)
    );
}

#[test]
fn credentials_are_not_repeated() {
    let text = GOOD.replace("archives/slack-2.1.0.tar.gz", "https://me:secret@h/x");
    let report = validate(text.as_bytes(), Sources::Judge);
    assert!(!format!("{report:?}").contains("secret"), "{report:?}");
}

/// The rules in the documentation: number, weight, what they ask for.
#[test]
fn the_rules_are_those_of_the_documentation() {
    let docs = include_str!("../../../../../docs/index-format.md");
    let documented: Vec<(String, String, String)> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| I"))
        .map(|line| {
            let mut cells = line.trim_end_matches('|').splitn(3, '|').map(str::trim);
            let mut cell = || cells.next().unwrap_or_default().to_owned();
            (format!("I{}", cell()), cell(), cell())
        })
        .collect();
    let coded: Vec<_> = Rule::ALL
        .iter()
        .map(|rule| {
            (
                rule.id().to_owned(),
                rule.severity().to_string(),
                rule.asks().to_owned(),
            )
        })
        .collect();
    assert_eq!(
        documented, coded,
        "docs/index-format.md and the code have the same rules"
    );
    let numbers: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(numbers.len(), Rule::ALL.len(), "a number is given once");
}

proptest! {
    /// What readers leave out is an error, wherever a text was damaged.
    #[test]
    fn what_readers_leave_out_is_an_error(
        at in any::<prop::sample::Index>(),
        what in prop::sample::select(vec!["", "\"", "x", "7", "{", "]", ",", "null", ":", "é", " "]),
        length in 0_usize..6,
    ) {
        let mut start = at.index(GOOD.len());
        while !GOOD.is_char_boundary(start) { start -= 1; }
        let end = (start + length).min(GOOD.len());
        let text = format!("{}{what}{}", &GOOD[..start], &GOOD[end..]);
        let report = validate(text.as_bytes(), Sources::Keep);
        match Index::parse(text.as_bytes()) {
            Err(_) => prop_assert!(report.errors > 0, "{text}"),
            Ok(index) => prop_assert!(
                report.errors > 0 || report.warnings > 0 || index.problems.is_empty(),
                "{:?} in {text}", index.problems
            ),
        }
    }
}
