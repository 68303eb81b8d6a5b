#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

mod wild;

const DIGEST: &str = "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";

fn index(text: &str) -> Index {
    Index::parse(text.as_bytes()).unwrap()
}

fn entry(text: &str) -> Entry {
    Entry::parse(text, None).unwrap()
}

fn versions(entry: &Entry) -> Vec<String> {
    entry
        .releases
        .iter()
        .map(|release| release.version.to_string())
        .collect()
}

#[test]
fn a_version_may_be_for_a_part_of_all_hosts() {
    let phased = |written: &str| {
        let entry = entry(&format!(
            r#"{{"ref": "a", "version": "2.0.0", "install_sources": []{written},
                "versions": [{{"version": "1.0.0", "install_sources": [], "phased": 60}}]}}"#
        ));
        let shares: Vec<_> = entry
            .releases
            .iter()
            .map(|release| release.phased)
            .collect();
        (shares, entry.problems.len())
    };
    for (written, share, problems) in [
        ("", None, 0),
        (r#", "phased": null"#, None, 0),
        (r#", "phased": 0"#, Some(0), 0),
        (r#", "phased": 100"#, Some(100), 0),
        (r#", "phased": 101"#, Some(0), 1),
        (r#", "phased": 2.5"#, Some(0), 1),
        (r#", "phased": "25""#, Some(0), 1),
        (r#", "phased": -1"#, Some(0), 1),
    ] {
        assert_eq!(
            phased(written),
            (vec![share, Some(60)], problems),
            "{written}"
        );
    }
}

#[test]
fn attunes_index_is_read() {
    let index = index(&format!(
        r#"{{
  "registry_name": "Example", "registry_url": "https://example.org", "version": "1.0",
  "last_updated": "2026-01-01T00:00:00Z",
  "packs": [
    {{"ref": "slack", "label": "Slack", "description": "Chat", "version": "2.1.0", "author": "A",
      "license": "Apache-2.0", "keywords": ["chat"], "runtime_deps": ["python3"], "use_case": "talk",
      "install_sources": [
        {{"type": "git", "url": "https://example.org/slack.git", "ref": "v2.1.0", "checksum": "{DIGEST}"}},
        {{"type": "archive", "url": "https://example.org/slack-2.1.0.tar.gz", "checksum": "{DIGEST}", "size": 17}}
      ],
      "contents": {{"actions": [{{"name": "a", "description": "b"}}], "sensors": [], "triggers": 3}},
      "dependencies": {{"attune_version": ">=0.1", "packs": ["core@^1.0.0"]}},
      "meta": {{"downloads": 5, "extra": [1]}}, "unknown": {{"deep": [[[]]]}}}}
  ]
}}"#
    ));
    assert_eq!(index.name.as_deref(), Some("Example"));
    assert_eq!(index.problems, Vec::<String>::new());
    let entry = &index.entries[0];
    assert_eq!(
        (entry.pack_ref.as_str(), entry.label.as_deref()),
        ("slack", Some("Slack"))
    );
    assert_eq!(
        (entry.contents.actions, entry.contents.triggers),
        (1, 3),
        "lists and numbers both count"
    );
    let release = entry.newest();
    assert_eq!(release.version.to_string(), "2.1.0");
    assert_eq!(release.engine.as_deref(), Some(">=0.1"));
    assert_eq!(release.dependencies[0].to_string(), "core@^1.0.0");
    assert!(
        matches!(&release.sources[0], Source::Git { git_ref: Some(name), .. } if name == "v2.1.0"),
        "git first"
    );
    let Source::Archive { checksum, size, .. } = &release.sources[1] else {
        panic!("the second is an archive")
    };
    assert_eq!(
        (checksum.unwrap().to_string(), *size),
        (DIGEST.to_owned(), Some(17))
    );
}

#[test]
fn what_attunes_tools_write_is_read() {
    let index = index(
        r#"{"generated_at": "2026-01-01T00:00:00Z", "packs": [
            {"ref": "a", "version": "1.0.0", "install_sources": [], "contents": {"actions": 1, "rules": 0}},
            {"ref": "b", "version": "1.0.0", "contents": 7, "keywords": null, "email": null, "author": 5}]}"#,
    );
    assert_eq!(index.entries.len(), 2, "{:?}", index.problems);
    assert_eq!(index.entries[0].contents.actions, 1);
    assert_eq!(index.entries[1].author.as_deref(), Some("5"));
}

#[test]
fn stackstorms_index_is_read() {
    let index = index(
        r#"{"metadata": {"generated_ts": 1, "hash": "x"}, "packs": {
            "acos": {"name": "acos", "ref": "acos", "version": "1.6.0", "description": "d", "author": "A", "email": null,
                "repo_url": "https://github.com/StackStorm-Exchange/stackstorm-acos", "python_versions": ["3"],
                "versions": ["1.6.0", "1.10.0", "0.4", "0.1.1-boto3", "1.9.0"], "keywords": ["k"],
                "content": {"actions": {"count": 4, "resources": ["a", "b"]}, "tests": {"count": 1, "resources": []}},
                "dependencies": ["core"], "stackstorm_version": ">=3.0.0", "Contributors": null},
            "circle_ci": {"name": "Circle CI", "version": "1.0.0", "repo_url": "https://example.org/x", "versions": []},
            "Bad.Key": {"version": "1.0.0"}}}"#,
    );
    let acos = &index.entries[0];
    assert_eq!(
        versions(acos),
        ["1.10.0", "1.9.0", "1.6.0", "0.4.0", "0.1.1-boto3"],
        "by number, not by text"
    );
    assert_eq!(acos.newest().version.to_string(), "1.10.0");
    assert_eq!(acos.contents.actions, 4);
    let tag = |version: &str| match &acos.release(&version.parse().unwrap()).unwrap().sources[0] {
        Source::Git { git_ref, .. } => git_ref.clone().unwrap(),
        Source::Archive { .. } => panic!("{version} is a tag"),
    };
    assert_eq!(
        (tag("1.10.0"), tag("0.4.0")),
        ("v1.10.0".to_owned(), "v0.4".to_owned())
    );
    let described = acos.release(&"1.6.0".parse().unwrap()).unwrap();
    assert_eq!(
        (described.dependencies.len(), described.engine.as_deref()),
        (1, Some(">=3.0.0"))
    );
    assert_eq!(index.entries[1].pack_ref, "circle_ci", "the key is the ref");
    assert_eq!(index.entries[1].label.as_deref(), Some("Circle CI"));
    assert_eq!(index.problems.len(), 1);
    assert!(
        index.problems[0].starts_with("packs.Bad.Key, line 8: "),
        "{:?}",
        index.problems
    );
}

#[test]
fn other_published_versions_are_read() {
    let entry = entry(&format!(
        r#"{{"ref": "a", "version": "2.0.0", "install_sources": [{{"type": "archive", "url": "a-2.tar.gz", "checksum": "{DIGEST}"}}],
            "versions": [
              {{"version": "1.9.0", "install_sources": [{{"type": "archive", "url": "a-19.tgz"}}], "yanked": true}},
              {{"version": "1.10.0", "install_sources": [], "dependencies": ["b@^1"], "published_at": "2026-01-01"}},
              {{"version": "nonsense"}}, {{"version": "3.0.0-rc.1", "install_sources": []}},
              {{"version": "2.0.0", "install_sources": [{{"type": "archive", "url": "other.tgz"}}]}}, 7]}}"#
    ));
    assert_eq!(versions(&entry), ["3.0.0-rc.1", "2.0.0", "1.10.0", "1.9.0"]);
    assert_eq!(
        entry.newest().version.to_string(),
        "2.0.0",
        "a pre-release is not the newest while there is another"
    );
    assert!(entry.releases[3].yanked, "it was withdrawn");
    assert_eq!(
        entry.releases[1].sources[0].url(),
        "a-2.tar.gz",
        "the first of a version counts"
    );
    assert_eq!(entry.problems.len(), 3, "{:?}", entry.problems);
}

#[test]
fn one_bad_entry_never_loses_the_index() {
    let bad = [
        (r#"{"version": "1.0.0"}"#, "no `ref`"),
        (r#"{"ref": "x"}"#, "no `version`"),
        (r#"{"ref": "../x", "version": "1.0.0"}"#, "only lower-case"),
        (
            r#"{"ref": "x", "version": "1.0.0/../.."}"#,
            "not a semantic version",
        ),
        (
            r#"{"ref": "x", "ref": "y", "version": "1.0.0"}"#,
            "duplicate field",
        ),
        (r#"{"ref": "x", "version": {"a": 1}}"#, "no `version`"),
        (
            r#"{"ref": "x", "version": "1.0.0", "dependencies": ["A.B"]}"#,
            "cannot read dependency `A.B`",
        ),
        (r#""text""#, "malformed"),
        ("17", "malformed"),
        ("null", "malformed"),
        ("[[[]]]", "malformed"),
        (r#"{"ref": "good", "version": "2.0.0"}"#, "same ref"),
    ];
    for (text, why) in bad {
        let index = index(&format!(
            "{{\"packs\": [\n{{\"ref\": \"good\", \"version\": \"1.0.0\"}},\n{text},\n{{\"ref\": \"fine\", \"version\": 1.10}}]}}"
        ));
        let refs: Vec<&str> = index
            .entries
            .iter()
            .map(|entry| entry.pack_ref.as_str())
            .collect();
        assert_eq!(refs, ["good", "fine"], "{text}");
        assert_eq!(
            index.entries[1].newest().version.to_string(),
            "1.10.0",
            "a number is its text"
        );
        assert_eq!(index.problems.len(), 1, "{text}: {:?}", index.problems);
        let problem = &index.problems[0];
        assert!(
            problem.starts_with("packs[1]")
                && problem.contains("line 3: ")
                && problem.contains(why),
            "{problem}"
        );
    }
}

#[test]
fn a_source_that_cannot_be_trusted_is_left_out() {
    for (source, usable) in [
        (format!(r#"{{"type": "archive", "url": "https://e.org/a.tgz", "checksum": "{DIGEST}"}}"#), true),
        (format!(r#"{{"type": "archive", "url": "a.tgz", "checksum": "{}"}}"#, DIGEST.to_uppercase()), true),
        (r#"{"type": "archive", "url": "a.tgz"}"#.to_owned(), true),
        (r#"{"type": "archive", "url": "a.tgz", "checksum": "sha256:abc"}"#.to_owned(), false),
        (r#"{"type": "archive", "url": "a.tgz", "checksum": "md5:d41d8cd98f00b204e9800998ecf8427e"}"#.to_owned(), false),
        (r#"{"type": "archive", "url": "a b.tgz"}"#.to_owned(), false),
        (r#"{"type": "archive", "url": "--upload-pack=x"}"#.to_owned(), false),
        (r#"{"type": "archive"}"#.to_owned(), false),
        (r#"{"type": "archive", "url": "a.tgz", "size": -1}"#.to_owned(), false),
        (r#"{"type": "oci", "url": "a"}"#.to_owned(), false),
        (r#"{"url": "a"}"#.to_owned(), false),
        (r#""a.tgz""#.to_owned(), false),
        (r#"{"type": "git", "url": "https://e.org/a.git", "ref": "v1.0.0"}"#.to_owned(), true),
        (r#"{"type": "git", "url": "https://e.org/a.git", "checksum": "sha256:abc"}"#.to_owned(), true),
        (r#"{"type": "git", "url": "https://e.org/a.git", "ref": "--exec=x"}"#.to_owned(), false),
        (r#"{"type": "git", "url": "https://e.org/a.git", "ref": "a..b"}"#.to_owned(), false),
    ] {
        let entry = entry(&format!(r#"{{"ref": "a", "version": "1.0.0", "install_sources": [{source}]}}"#));
        assert_eq!(entry.newest().sources.len(), usize::from(usable), "{source}: {:?}", entry.problems);
        assert!(usable || entry.problems.len() == 1, "{source}: {:?}", entry.problems);
    }
}

#[test]
fn what_is_no_index_is_refused() {
    for (text, why) in [
        ("", "not JSON"),
        ("<html>", "not JSON"),
        ("{\"packs\": [", "not JSON"),
        ("{\"packs\": []} x", "not JSON"),
        ("{\"packs\": [{\"ref\": ]}", "not JSON"),
        ("{}", "has no `packs`"),
        ("[]", "not one"),
        ("{\"packs\": 7}", "not one"),
        ("{\"packs\": [], \"packs\": []}", "appears twice"),
    ] {
        let error = Index::parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(why), "{text}: {error}");
    }
    assert!(
        matches!(
            Index::parse(b"{\"packs\": [\"\xff\"]}"),
            Err(IndexError::Encoding)
        ),
        "UTF-8 is demanded"
    );
    assert!(
        Index::parse("\u{feff}{\"packs\": []}".as_bytes()).is_ok(),
        "a byte order mark is fine"
    );
    let deep = format!("{{\"x\": {}, \"packs\": []}}", "[".repeat(1_000_000));
    assert!(
        Index::parse(deep.as_bytes()).is_err(),
        "depth costs nothing"
    );
    let deep = format!(
        "{{\"packs\": [{}{}]}}",
        "[".repeat(500_000),
        "]".repeat(500_000)
    );
    assert_eq!(
        Index::parse(deep.as_bytes()).unwrap().problems.len(),
        1,
        "a deep entry is a bad entry"
    );
}

#[test]
fn a_cached_entry_reads_back_as_it_was() {
    let text = r#"{"packs": {"x": {"version": "1.0.0", "name": "X y", "repo_url": "https://e.org/x", "versions": ["1.0.0", "0.9.0"]}}}"#;
    let mut found = 0;
    read(text.as_bytes(), |result| {
        let Found { entry, raw, .. } = result.unwrap();
        assert_eq!(
            Entry::parse(raw, Some(entry.pack_ref.as_str())).unwrap(),
            entry
        );
        found += 1;
    })
    .unwrap();
    assert_eq!(found, 1);
}

#[test]
fn problems_are_kept_up_to_a_bound() {
    let text = format!("{{\"packs\": [{}]}}", vec!["7"; 1000].join(","));
    let problems = index(&text).problems;
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems.last().unwrap(), "and 900 more");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _answer = Index::parse(&bytes);
    }

    #[test]
    fn any_values_in_any_fields_are_answered(
        field in "(ref|version|label|keywords|contents|install_sources|dependencies|versions|yanked|content)",
        value in r#"(null|true|-1|1\.10|"x"|\[\]|\{\}|\["a",1\]|\{"packs":\["a"\]\}|\{"count":1\}|\[\{"type":"git","url":"u"\}\])"#,
    ) {
        let text = format!(r#"{{"packs": [{{"{field}": {value}, "ref2": 1}}, {{"ref": "b", "version": "1.0.0"}}]}}"#);
        let index = Index::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(index.entries.len(), 1, "the good entry is there");
        let text = format!(r#"{{"ref": "a", "version": "1.0.0", "{field}": {value}}}"#);
        let _answer = Entry::parse(&text, Some("a"));
    }

    #[test]
    fn releases_are_sorted_by_number(numbers in proptest::collection::vec((0_u8..20, 0_u8..20), 1..20)) {
        let list: Vec<String> = numbers.iter().map(|(a, b)| format!("\"{a}.{b}.0\"")).collect();
        let text = format!(r#"{{"ref": "a", "version": {}, "repo_url": "https://e.org/a", "versions": [{}]}}"#, list[0], list.join(","));
        let entry = Entry::parse(&text, None).unwrap();
        prop_assert!(entry.releases.windows(2).all(|pair| pair[0].version > pair[1].version), "{:?}", versions(&entry));
        prop_assert_eq!(entry.newest(), &entry.releases[0]);
    }
}
