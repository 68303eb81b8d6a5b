//! What is not published, and why.

use super::*;

fn refused(index: &str, entry: &Value, options: Options<'_>) -> String {
    chain(&published(index, entry, options).unwrap_err())
}

#[test]
fn what_is_there_is_only_replaced_when_asked_for() {
    let options = Options {
        existing: Existing::Refuse,
        ..UPDATE
    };
    for version in ["1.0.0", "2.0.0"] {
        assert_eq!(
            refused(
                &index(&[entry("x", "1.0.0")]),
                &entry("x", version),
                options
            ),
            "Pack 'x' already exists in index. Use --update to replace it."
        );
    }
    assert!(published(&index(&[]), &entry("x", "1.0.0"), options).is_ok());
}

#[test]
fn an_older_version_is_refused_by_semantic_order() {
    for (indexed, version) in [
        ("2.0.0", "1.9.9"),
        ("0.10.0", "0.9.0"),
        ("1.0.0", "1.0.0-rc.1"),
    ] {
        let error =
            published(&index(&[entry("x", indexed)]), &entry("x", version), UPDATE).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("pack 'x' is at {indexed} in the index, which is newer than {version}")
        );
        assert!(error.hint().unwrap().contains("--allow-downgrade"));
    }
}

#[test]
fn an_index_that_leaves_a_choice_is_refused() {
    let twice = index(&[entry("x", "1.0.0"), entry("x", "2.0.0")]);
    assert_eq!(
        refused(&twice, &entry("x", "3.0.0"), UPDATE),
        "pack 'x' is in the index 2 times, in lines 7, 34"
    );
    let one_line = json!({ "packs": [entry("x", "1.0.0"), entry("x", "2.0.0")] }).to_string();
    assert_eq!(
        refused(&one_line, &entry("x", "3.0.0"), UPDATE),
        "pack 'x' is in the index 2 times, in line 1"
    );
    assert_eq!(
        refused(
            "{\"packs\": [\n{\"ref\": \"x\", \"a\": 1,\n\"a\": 2, \"version\": \"1.0.0\"}]}",
            &entry("x", "3.0.0"),
            UPDATE
        ),
        "cannot continue the entry of 'x': Invalid index format: the entry of 'x' has the key 'a' twice, again in line 3"
    );
    assert_eq!(
        refused(r#"{"packs": {"x": {}}}"#, &entry("y", "3.0.0"), UPDATE),
        "the index has StackStorm's form, which is read and not written"
    );
}

#[test]
fn an_entry_that_cannot_be_continued_is_refused() {
    for (members, why) in [
        (
            json!({ "ref": "x" }),
            "it has no `version` that could be compared",
        ),
        (
            json!({ "ref": "x", "version": "latest" }),
            "it has no `version` that could be compared",
        ),
        (
            json!({ "ref": "x", "version": "1.0.0", "versions": {} }),
            "its `versions` is no list",
        ),
    ] {
        let old = json!({ "packs": [members] }).to_string();
        assert_eq!(
            refused(&old, &entry("x", "3.0.0"), UPDATE),
            format!("cannot continue the entry of 'x' in line 1: {why}")
        );
    }
}

#[test]
fn an_entry_that_is_none_is_refused() {
    let base = entry("x", "1.0.0");
    let with = |key: &str, value: Value| {
        let mut entry = base.clone();
        entry[key] = value;
        entry.to_string()
    };
    let without = |key: &str| {
        let mut entry = base.clone();
        entry.as_object_mut().unwrap().shift_remove(key);
        entry.to_string()
    };
    for (text, why) in [
        ("{".to_owned(), "the entry is not JSON (line 1, column 1)"),
        (String::new(), "the entry is not JSON (line 1, column 0)"),
        (
            "[]".to_owned(),
            "the entry cannot be used: the entry is malformed: it is no object",
        ),
        (
            r#"{"ref": "x", "ref": "y"}"#.to_owned(),
            "the entry has the key 'ref' twice",
        ),
        (
            without("ref"),
            "the entry cannot be used: the entry has no `ref`",
        ),
        (
            with("ref", "../../etc".into()),
            "the entry cannot be used: cannot use the entry's ref: `../../etc` is not a pack ref: \
             only lower-case letters, digits, `_` and `-` are allowed",
        ),
        (
            without("version"),
            "the entry cannot be used: the entry has no `version`",
        ),
        (
            with("version", "not-a-version".into()),
            "the entry cannot be used: cannot use the entry's version: `not-a-version` is not a semantic \
             version: unexpected character 'n' while parsing major version number",
        ),
        (
            with(
                "install_sources",
                json!([{ "type": "archive", "url": "https://example.org/x.zip", "checksum": "sha256:12" }]),
            ),
            "the entry of 'x' is wrong: version 1.0.0: install_sources[0] is left out: `checksum`: `12` is not a \
             sha256 digest in hexadecimal",
        ),
    ] {
        assert_eq!(
            chain(&Publication::parse(&text).unwrap_err()),
            why,
            "{text}"
        );
    }
}

#[test]
fn an_entry_that_nobody_could_install_is_refused() {
    for (sources, why) in [
        (
            json!([]),
            "the entry of 'x' has no source in 'install_sources'",
        ),
        (
            Value::Null,
            "the entry of 'x' has no source in 'install_sources'",
        ),
        (
            json!([{ "type": "archive", "url": "https://example.org/x.zip" }]),
            "the archive `https://example.org/x.zip` of 'x' has no checksum",
        ),
        (
            json!([{ "type": "git", "url": "https://example.invalid/x.git", "ref": "v1.0.0" }]),
            "the source `https://example.invalid/x.git` of 'x' is a placeholder",
        ),
    ] {
        let mut new = entry("x", "1.0.0");
        new["install_sources"] = sources;
        assert_eq!(refused(&index(&[]), &new, UPDATE), why);
        let options = Options {
            existing: Existing::Refuse,
            ..UPDATE
        };
        let there = index(&[entry("x", "1.0.0")]);
        assert!(
            refused(&there, &new, options).contains("already exists"),
            "that comes first"
        );
    }
}

#[test]
fn what_others_could_not_read_is_told() {
    let warnings = |entry: &Value| published(&index(&[]), entry, UPDATE).unwrap().2;
    let short = entry("x", "1.2");
    assert_eq!(warnings(&short), ["version `1.2` is read as `1.2.0`"]);
    let text = publish(&index(&[]), &short);
    assert_eq!(
        pack(&text, 0)["version"],
        "1.2.0",
        "what is written is a whole version"
    );
}

#[test]
fn a_source_at_an_address_of_templates_is_told() {
    for url in [
        "https://github.com/your-org/x.zip",
        "https://github.com/example/x.zip",
    ] {
        let mut new = entry("x", "1.0.0");
        new["install_sources"][0]["url"] = url.into();
        let (_, _, warnings) = published(&index(&[]), &new, UPDATE).unwrap();
        assert_eq!(
            warnings,
            [format!("the source `{url}` looks like a placeholder")]
        );
    }
}

#[test]
fn what_would_be_an_error_in_the_index_is_refused() {
    let with = |key: &str, value: Value| {
        let mut entry = entry("x", "2.0.0");
        entry[key] = value;
        entry
    };
    let archive = |url: &str| json!([{ "type": "archive", "url": url, "checksum": digest('a') }]);
    let git = |url: &str| {
        let checksum = digest('a');
        json!([{ "type": "git", "url": url, "ref": "v2.0.0", "checksum": checksum }])
    };
    for (entry, why) in [
        (
            with("install_sources", archive("ftp://h/x.tar.gz")),
            "nobody fetches from `ftp://` (rule I308, at `install_sources[0].url`)",
        ),
        (
            with("install_sources", git("ftp://h/x.git")),
            "nobody fetches from `ftp://` (rule I308, at `install_sources[0].url`)",
        ),
        (
            with("install_sources", git("foo")),
            "`foo` is no absolute URL, as a repository's is (rule I308, at `install_sources[0].url`)",
        ),
        (
            with("contents", json!({ "actions": 3 })),
            "`actions` are counted, and not listed (rule I207, at `contents.actions`)",
        ),
        (
            with(
                "install_sources",
                json!([{ "type": "git", "url": "https://example.org/x.git" }]),
            ),
            "the source has no `checksum` (rule I312, at `install_sources[0].checksum`)",
        ),
        (
            with("label", Value::Null),
            "`label` is missing (rule I204, at `label`)",
        ),
    ] {
        assert_eq!(
            refused(&index(&[]), &entry, UPDATE),
            format!("the entry of 'x' would be an error in the index: {why}")
        );
    }
}

#[test]
fn a_field_that_the_index_has_need_not_be_said_again() {
    let mut short = entry("x", "2.0.0");
    for key in ["label", "description", "author", "runtime_deps", "contents"] {
        short.as_object_mut().unwrap().shift_remove(key);
    }
    let new = publish(&index(&[entry("x", "1.0.0")]), &short);
    assert_eq!(pack(&new, 0)["label"], "x", "{new}");
}

#[test]
fn an_entry_that_stays_unreadable_is_not_continued() {
    let old = index(&[entry("x", "3.0.0")]);
    // half a character, with which no reader takes the entry
    let old = old.replace("what 3.0.0 does", "\\ude00");
    let keep = Options {
        newer: Newer::Keep,
        ..UPDATE
    };
    let said = refused(&old, &entry("x", "2.0.0"), keep);
    assert!(
        said.starts_with("cannot continue the entry of 'x' in line 7: ")
            && said.contains("surrogate"),
        "{said}"
    );
    let new = publish(&old, &entry("x", "3.1.0"));
    assert!(
        !new.contains("ude00"),
        "what is written anew is readable: {new}"
    );
}
