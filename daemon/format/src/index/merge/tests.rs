#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::index::{Entry, Index};

mod joins;

fn digest(letter: char) -> String {
    format!("sha256:{}", String::from(letter).repeat(64))
}

/// An entry with one archive.
fn entry(name: &str, version: &str, checksum: char) -> Value {
    json!({
        "ref": name, "label": name, "description": "d", "version": version, "author": "A", "license": "MIT",
        "runtime_deps": [], "contents": {},
        "install_sources": [{
            "type": "archive", "url": format!("{name}-{version}.tar.gz"), "checksum": digest(checksum),
        }],
    })
}

fn index(packs: &[Value]) -> String {
    let index = json!({
        "registry_name": "R", "registry_url": "https://r.example", "version": "1.0",
        "last_updated": "2026-01-01T00:00:00Z", "packs": packs,
    });
    serde_json::to_string_pretty(&index).unwrap()
}

fn text_of(merged: &Merged<'_>) -> String {
    let mut bytes = Vec::new();
    merged.write(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn merged(texts: &[&str], options: Options<'_>) -> Result<String, MergeError> {
    let inputs: Vec<_> = texts
        .iter()
        .zip(["a.json", "b.json", "c.json", "d.json"])
        .map(|(text, name)| Input {
            name,
            bytes: text.as_bytes(),
        })
        .collect();
    merge(&inputs, options).map(|merged| text_of(&merged))
}

fn parsed(text: &str) -> Index {
    let index = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(index.problems, Vec::<String>::new(), "{text}");
    index
}

/// Each pack with the version on its top level and the others below.
fn shape(text: &str) -> Vec<(String, String, Vec<String>)> {
    let value: Value = serde_json::from_str(text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packs = value["packs"].as_array().unwrap();
    packs
        .iter()
        .map(|pack| {
            let below = pack["versions"]
                .as_array()
                .map_or_else(Vec::new, |versions| {
                    versions.iter().map(|item| text(&item["version"])).collect()
                });
            (text(&pack["ref"]), text(&pack["version"]), below)
        })
        .collect()
}

#[test]
fn disjoint_indexes_are_put_together_sorted_and_as_they_are() {
    let odd = "{\n      \"version\" : \"1.0.0\", \"ref\":\"b\",\t\"\\u0078\": 1.50e1,\n \"install_sources\":[]}";
    let first = format!(
        "{{\"extra\": [1,  2], \"packs\": [{odd}, {}]}}",
        entry("a", "1.0.0", 'a')
    );
    let second = index(&[entry("d", "1.0.0", 'd'), entry("c", "1.0.0", 'c')]);
    let text = merged(&[&first, &second], Options::default()).unwrap();
    let names: Vec<_> = shape(&text).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert!(
        text.contains(odd),
        "an entry that stays is copied byte for byte: {text}"
    );
    assert!(
        text.starts_with(
            "{\n  \"registry_name\": \"R\",\n  \"registry_url\": \"https://r.example\",\n  \"version\": \"1.0\",\n  \
             \"last_updated\": \"2026-01-01T00:00:00Z\",\n  \"extra\": [1,  2],\n  \"packs\": [\n    {"
        ),
        "{text}"
    );
    assert!(text.ends_with("}\n  ]\n}\n"), "{text}");
}

#[test]
fn the_newest_version_is_on_top_and_the_others_below() {
    for (versions, top, below) in [
        (["1.0.0", "2.0.0"], "2.0.0", "1.0.0"),
        (["0.9.0", "0.10.0"], "0.10.0", "0.9.0"),
        (["1.0.0-rc.1", "1.0.0"], "1.0.0", "1.0.0-rc.1"),
        (["1.0.0+a", "1.0.0+b"], "1.0.0+b", "1.0.0+a"),
        (["1.10", "1.9"], "1.10.0", "1.9.0"),
    ] {
        for order in [[0, 1], [1, 0]] {
            let texts = order.map(|number| index(&[entry("a", versions[number], 'a')]));
            let text = merged(&[&texts[0], &texts[1]], Options::default()).unwrap();
            let expected = ("a".to_owned(), top.to_owned(), vec![below.to_owned()]);
            assert_eq!(
                shape(&text),
                [expected],
                "{versions:?} in the order {order:?}"
            );
            parsed(&text);
        }
    }
}

#[test]
fn versions_below_are_joined_in_the_style_of_the_entry() {
    let mut first = entry("a", "3.0.0", '3');
    first["versions"] = json!([
        {"version": "1.0.0", "install_sources": [], "yanked": true},
        {"version": "2.0.0", "install_sources": [], "custom": {"kept": true}},
    ]);
    let mut second = entry("a", "2.5.0", '5');
    second["dependencies"] = json!({"packs": ["core@^1.0"]});
    second["published_at"] = json!("2026-01-01T00:00:00Z");
    second["phased"] = json!(20);
    second["meta"] = json!({"stars": 3});
    let text = merged(&[&index(&[first]), &index(&[second])], Options::default()).unwrap();
    let start = text.find("\"versions\"").unwrap();
    assert_eq!(
        &text[start..],
        r#""versions": [
        {
          "version": "2.5.0",
          "install_sources": [
            {
              "type": "archive",
              "url": "a-2.5.0.tar.gz",
              "checksum": "sha256:5555555555555555555555555555555555555555555555555555555555555555"
            }
          ],
          "dependencies": {
            "packs": [
              "core@^1.0"
            ]
          },
          "runtime_deps": [],
          "published_at": "2026-01-01T00:00:00Z",
          "phased": 20
        },
        {
          "version": "2.0.0",
          "install_sources": [],
          "custom": {
            "kept": true
          }
        },
        {
          "version": "1.0.0",
          "install_sources": [],
          "yanked": true
        }
      ]
    }
  ]
}
"#
    );
    parsed(&text);
}

#[test]
fn an_entry_on_one_line_stays_on_one() {
    let compact = |version: &str| entry("a", version, 'a').to_string();
    let spaced = |version: &str| format!("{{ \"ref\": \"a\", \"version\": \"{version}\" }}");
    for (one, other, end) in [
        (
            compact("2.0.0"),
            compact("1.0.0"),
            "\"runtime_deps\":[]}]}\n",
        ),
        (
            spaced("2.0.0"),
            spaced("1.0.0"),
            ", \"versions\": [{\"version\": \"1.0.0\"}] }\n",
        ),
    ] {
        let wrapped = |entry: &str| format!("{{\"packs\":[{entry}]}}");
        let text = merged(&[&wrapped(&one), &wrapped(&other)], Options::default()).unwrap();
        let line = text.lines().rev().nth(2).unwrap();
        assert!(format!("{line}\n").ends_with(end), "{text}");
        parsed(&text);
    }
}

#[test]
fn of_equal_versions_the_first_input_counts() {
    let mut other = entry("a", "1.0.0", 'a');
    other["label"] = json!("another");
    let texts = [index(&[entry("a", "1.0.0", 'a')]), index(&[other])];
    let text = merged(&[&texts[0], &texts[1]], Options::default()).unwrap();
    assert_eq!(text, merged(&[&texts[0]], Options::default()).unwrap());
    let text = merged(
        &[&texts[1], &texts[0]],
        Options {
            prefer: Some(Prefer::Last),
            ..Options::default()
        },
    )
    .unwrap();
    assert!(
        text.contains("another"),
        "the preference is for what differs only: {text}"
    );
}

#[test]
fn one_version_with_different_checksums_is_refused_or_decided() {
    let mut below = entry("a", "2.0.0", '2');
    below["versions"] = json!([{"version": "1.0.0", "install_sources": entry("a", "1.0.0", 'b')["install_sources"]}]);
    let git = |checksum: char, commit: &str| {
        let mut entry = entry("a", "1.0.0", 'a');
        entry["install_sources"] = json!([{
            "type": "git", "url": "https://h/a.git", "ref": "v1", "checksum": digest(checksum), "commit": commit,
        }]);
        entry
    };
    let archive = |checksum: char| entry("a", "1.0.0", checksum);
    let (checksums, commits) = ("checksums", "commits");
    for (one, other, what, marks) in [
        (
            archive('a'),
            archive('b'),
            checksums,
            (digest('a'), digest('b')),
        ),
        (archive('a'), below, checksums, (digest('a'), digest('b'))),
        (
            git('a', "1"),
            git('b', "1"),
            checksums,
            (digest('a'), digest('b')),
        ),
        (
            git('a', "1"),
            git('a', "2"),
            commits,
            ("1".to_owned(), "2".to_owned()),
        ),
    ] {
        let texts = [index(&[one]), index(&[other])];
        let texts = [texts[0].as_str(), texts[1].as_str()];
        let error = merged(&texts, Options::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "version 1.0.0 of `a` has different {what}: {} in `a.json`, {} in `b.json`",
                marks.0, marks.1
            )
        );
        assert!(
            error.hint().unwrap().contains("--prefer first"),
            "it says what helps"
        );
        for (prefer, kept) in [(Prefer::First, &marks.0), (Prefer::Last, &marks.1)] {
            let options = Options {
                prefer: Some(prefer),
                ..Options::default()
            };
            let text = merged(&texts, options).unwrap();
            assert!(text.contains(kept.as_str()), "{prefer:?}: {text}");
        }
    }
}

#[test]
fn checksums_that_agree_or_cannot_be_compared_are_no_conflict() {
    let with = |sources: Value| {
        let mut entry = entry("a", "1.0.0", 'a');
        entry["install_sources"] = sources;
        index(&[entry])
    };
    let archive =
        |url: &str, checksum: &str| json!({"type": "archive", "url": url, "checksum": checksum});
    let (a, b) = (digest('a'), digest('b'));
    for (one, other) in [
        (
            json!([archive("x", &a)]),
            json!([archive("y", &a.to_uppercase().replace("SHA", "sha"))]),
        ),
        (
            json!([archive("x", &a)]),
            json!([archive("x.zip", &b), archive("x", &a)]),
        ),
        (
            json!([archive("x", &a)]),
            json!([archive("x", &format!("sha512:{}", "a".repeat(128)))]),
        ),
        (
            json!([archive("x", &a)]),
            json!([{"type": "git", "url": "x", "checksum": b}]),
        ),
        (json!([archive("x", &a)]), json!([])),
    ] {
        let result = merged(
            &[&with(one.clone()), &with(other.clone())],
            Options::default(),
        );
        assert!(result.is_ok(), "{one} and {other}: {}", result.unwrap_err());
    }
    let result = merged(
        &[
            &with(json!([archive("x", &a), archive("z", &b)])),
            &with(json!([archive("x", &b)])),
        ],
        Options::default(),
    );
    assert!(result.is_err(), "the same URL cannot have two checksums");
}

#[test]
fn what_cannot_be_used_is_left_out_and_named() {
    let text = format!(
        "{{\"packs\": [\n{}, 7,\n{{\"ref\": \"Bad.Ref\", \"version\": \"1.0.0\"}}, {{\"version\": \"1.0.0\"}},\n\
         {{\"ref\": \"b\", \"version\": \"one\"}}, {{\"ref\": \"c\"}}, {{\"ref\": \"d\", \"ref\": \"d\", \"version\": \"1.0.0\"}},\n\
         {{\"ref\": \"e\", \"version\": \"1.0.0\", \"dependencies\": [\"No Pack\"]}}, {{\"ref\": \"f\", \"version\": 1.10}}]}}",
        entry("a", "1.0.0", 'a')
    );
    let inputs = [Input {
        name: "x.json",
        bytes: text.as_bytes(),
    }];
    let merged = merge(&inputs, Options::default()).unwrap();
    let notices: Vec<_> = merged.notices().iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "packs[1], line 2: the entry is malformed: it is no object",
            "packs[2] `Bad.Ref`, line 3: cannot use the entry's ref: `Bad.Ref` is not a pack ref: only lower-case letters, \
             digits, `_` and `-` are allowed",
            "packs[3], line 3: the entry has no `ref`",
            "packs[4] `b`, line 4: cannot use the entry's version: `one` is not a semantic version: unexpected character \
             'o' while parsing major version number",
            "packs[5] `c`, line 4: the entry has no `version`",
            "packs[6], line 4: the entry is malformed: duplicate field `ref`",
            "packs[7] `e`, line 5: cannot read dependency `No Pack`: cannot use the name of the pack: `No` is not a pack \
             ref: only lower-case letters, digits, `_` and `-` are allowed",
            "packs[8] `f`, line 5: version `1.10` is read as `1.10.0`",
        ]
    );
    assert_eq!(
        (merged.total(), merged.left_out(), merged.unsaid()),
        (2, 7, 0)
    );
    let kept: Vec<_> = shape(&text_of(&merged))
        .into_iter()
        .map(|(name, version, _)| (name, version))
        .collect();
    let kept: Vec<_> = kept
        .iter()
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .collect();
    assert_eq!(kept, [("a", "1.0.0"), ("f", "1.10.0")]);
}

#[test]
fn decisions_are_told_in_the_order_of_the_inputs() {
    let first = index(&[entry("b", "1.0.0", '1'), entry("a", "2.0.0", '2')]);
    let second = index(&[
        entry("a", "1.0.0", '1'),
        entry("b", "1.5.0", '5'),
        entry("b", "1.5.0", '5'),
    ]);
    let inputs = [
        Input {
            name: "1",
            bytes: first.as_bytes(),
        },
        Input {
            name: "2",
            bytes: second.as_bytes(),
        },
    ];
    let merged = merge(&inputs, Options::default()).unwrap();
    let told: Vec<_> = merged
        .decisions()
        .iter()
        .map(|decision| {
            format!(
                "{} {} {} {} {:?}",
                decision.input,
                decision.pack_ref,
                decision.known,
                decision.other,
                decision.order()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 a 2.0.0 1.0.0 Less",
            "1 b 1.0.0 1.5.0 Greater",
            "1 b 1.5.0 1.5.0 Equal"
        ]
    );
    assert_eq!(
        (merged.total(), merged.unique(), merged.duplicates()),
        (5, 2, 3)
    );
}

#[test]
fn the_header_is_taken_from_the_first_that_has_it() {
    let first = r#"{"generated_at": "2026-02-01T00:00:00Z", "registry_url": 7, "mine": {"a": 1}, "packs": []}"#;
    let second = r#"{"registry_name": "Two", "registry_url": "https://two.example", "version": "1.1", "last_updated": "2026-01-01T00:00:00Z", "theirs": 1, "packs": []}"#;
    let text = merged(&[first, second], Options::default()).unwrap();
    assert_eq!(
        text,
        "{\n  \"registry_name\": \"Two\",\n  \"registry_url\": \"https://two.example\",\n  \"version\": \"1.1\",\n  \
         \"last_updated\": \"2026-02-01T00:00:00Z\",\n  \"mine\": {\"a\": 1},\n  \"packs\": []\n}\n"
    );
    let options = Options {
        name: Some("N"),
        url: Some("u"),
        updated: Some("2020-01-01T00:00:00Z"),
        prefer: None,
    };
    let text = merged(&[first, second], options).unwrap();
    for part in ["\"N\"", "\"u\"", "2020-01-01T00:00:00Z"] {
        assert!(text.contains(part), "{text}");
    }
    let nameless = r#"{"packs": []}"#;
    let inputs = [Input {
        name: "x",
        bytes: nameless.as_bytes(),
    }];
    let merged = merge(&inputs, Options::default()).unwrap();
    assert!(!merged.names_itself(), "nobody has named it");
    assert!(
        text_of(&merged).contains("\"registry_name\": \"merged\""),
        "what readers insist on is there: {}",
        text_of(&merged)
    );
}

#[test]
fn one_broken_input_is_named() {
    let error = merged(&[r#"{"packs": []}"#, r#"{"packs": [}"#], Options::default()).unwrap_err();
    assert_eq!(
        crate::error::chain(&error),
        "cannot read `b.json`: the index is not JSON (line 1, column 12): expected value"
    );
}

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
                    "dependencies": {"packs": ["core", "x@1.0.0", "https://h/stackstorm-y.git=2.0.0"]},
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

/// An index of a few packs in few versions, some with others below.
fn any_index() -> impl Strategy<Value = String> {
    let version = || {
        prop::sample::select(vec![
            "1.0.0",
            "1.2.0",
            "2.0.0-rc.1",
            "2.0.0",
            "2.0.0+b",
            "1.10.0",
        ])
    };
    let pack = (
        prop::sample::select(vec!["a", "b", "c"]),
        version(),
        prop::collection::btree_set(version(), 0..4),
        any::<bool>(),
    );
    let pack = pack.prop_map(|(name, top, below, listed)| {
        let sources = |version: &str| entry(name, version, 'a')["install_sources"].clone();
        let mut entry = entry(name, top, 'a');
        let below: BTreeSet<_> = below
            .into_iter()
            .filter(|version| listed || *version != top)
            .collect();
        if !below.is_empty() {
            entry["versions"] = below
                .iter()
                .map(|version| json!({"version": version, "install_sources": sources(version)}))
                .collect();
        }
        entry
    });
    (prop::collection::vec(pack, 0..6), any::<bool>()).prop_map(|(packs, pretty)| {
        let text = index(&packs);
        if pretty {
            text
        } else {
            serde_json::from_str::<Value>(&text).unwrap().to_string()
        }
    })
}

/// Every version of every pack, and which is on top.
fn offered(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let tops: BTreeMap<_, _> = shape(text)
        .into_iter()
        .map(|(name, top, _)| (name, top))
        .collect();
    let entries = parsed(text).entries.into_iter();
    entries
        .map(|entry| {
            let name = entry.pack_ref.to_string();
            let versions = entry.releases.iter().map(|release| format!("{release:?}"));
            let top = tops[&name].clone();
            (name, (top, versions.collect()))
        })
        .collect()
}

proptest! {
    #[test]
    fn merging_is_idempotent(index in any_index()) {
        let once = merged(&[&index], Options::default()).unwrap();
        prop_assert_eq!(&merged(&[&once], Options::default()).unwrap(), &once);
        prop_assert_eq!(&merged(&[&once, &once], Options::default()).unwrap(), &once);
        prop_assert_eq!(&merged(&[&index, &index], Options::default()).unwrap(), &once);
    }

    #[test]
    fn order_matters_for_precedence_only(a in any_index(), b in any_index(), c in any_index()) {
        let forth = merged(&[&a, &b, &c], Options::default()).unwrap();
        let back = merged(&[&c, &b, &a], Options::default()).unwrap();
        prop_assert_eq!(offered(&forth), offered(&back));
        let pair = merged(&[&a, &b], Options::default()).unwrap();
        let stepwise = merged(&[&pair, &c], Options::default()).unwrap();
        prop_assert_eq!(offered(&forth), offered(&stepwise), "in one step or two");
    }

    #[test]
    fn nothing_that_could_be_used_is_lost(a in any_index(), b in any_index()) {
        let text = merged(&[&a, &b], Options::default()).unwrap();
        let versions = |text: &str| -> BTreeSet<_> {
            let value: Value = serde_json::from_str(text).unwrap();
            let packs = value["packs"].as_array().unwrap().clone();
            packs.iter().flat_map(|pack| {
                let entry = Entry::parse(&pack.to_string(), None).unwrap();
                let releases = entry.releases.into_iter();
                releases.map(move |release| (entry.pack_ref.clone(), release.version)).collect::<Vec<_>>()
            }).collect()
        };
        let mut before = versions(&a);
        before.extend(versions(&b));
        prop_assert_eq!(versions(&text), before);
    }
}
