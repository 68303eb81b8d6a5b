#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use serde_json::{Value, json};

use super::*;
use crate::index::Index;

mod conflicts;
mod joins;
mod properties;
mod stackstorm;

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
            "packs[8] `f`, line 5: it has no `label`, `description`, `author`, `license`, `runtime_deps`, `contents`, \
             without which Attune's own client reads nothing of the index",
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
