#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use insta::assert_snapshot;
use packd_format::Digest;
use serde_json::{Value, json};

use super::*;
use crate::args::Format;
use crate::fetch::loopback::{Loopback, ok};
use crate::output::tests::output;

/// What a run came to.
struct Ran {
    result: Result<Ending, (Exit, String)>,
    data: String,
    talk: String,
}

fn run(format: Format, index: &str, fetch: bool, strict: bool) -> Ran {
    let verb = IndexValidate {
        index: index.to_owned(),
        fetch,
        strict,
    };
    let (mut out, data, talk) = output(format, false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = runtime.block_on(verb.run(&mut out));
    let plain = |failure: &Failure| anstream::adapter::strip_str(&failure.render()).to_string();
    Ran {
        result: result.map_err(|failure| (failure.exit(), plain(&failure))),
        data: data.text(),
        talk: talk.text(),
    }
}

fn entry(name: &str, sources: &Value) -> Value {
    json!({
        "ref": name, "label": name, "description": "d", "version": "1.0.0", "author": "A", "license": "MIT",
        "runtime_deps": [], "install_sources": sources, "contents": {},
    })
}

fn archive(url: &str, bytes: &[u8]) -> Value {
    json!([{"type": "archive", "url": url, "checksum": Digest::sha256_of(bytes).to_string(), "size": bytes.len()}])
}

fn index(packs: &[Value]) -> String {
    let index = json!({
        "registry_name": "R", "registry_url": "https://r.example", "version": "1.0",
        "last_updated": "2026-01-01T00:00:00Z", "packs": packs,
    });
    serde_json::to_string_pretty(&index).unwrap()
}

/// A folder with an index in it.
fn desk(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    fs_err::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn good() -> String {
    index(&[
        entry("a", &archive("a.zip", b"a")),
        entry("b", &archive("b.zip", b"b")),
    ])
}

#[test]
fn a_good_index_is_told_in_one_line() {
    let (_folder, path) = desk(&good());
    let ran = run(Format::Human, &path, false, true);
    assert_eq!(ran.result, Ok(Ending::Exit(Exit::Done)));
    assert_eq!(
        ran.data,
        format!("✓ {path}: 2 packs, 0 errors, 0 warnings\n")
    );
}

#[test]
fn findings_are_a_table_and_errors_fail() {
    let text = good()
        .replace("\"MIT\"", "\"mit licence\"")
        .replacen("\"1.0.0\"", "\"one\"", 1);
    let (_folder, path) = desk(&text);
    let ran = run(Format::Human, &path, false, false);
    assert_eq!(ran.result, Ok(Ending::Exit(Exit::Failed)));
    assert_snapshot!(ran.data.replace(&path, "index.json"), @"
    PLACE  RULE  SEVERITY  VALUE             WHAT IS WRONG
    11:18  I301  error     packs[0].version  `one` is not a semantic version: unexpected character 'o' while parsing major version number; a version has three numbers, for example `1.2.0`
    13:18  I206  warning   packs[0].license  `mit licence` is no SPDX expression: unknown term; for terms of your own write `LicenseRef-…`
    31:18  I206  warning   packs[1].license  `mit licence` is no SPDX expression: unknown term; for terms of your own write `LicenseRef-…`
    ✗ index.json: 2 packs, 1 error, 2 warnings
    ");
}

#[test]
fn the_report_is_data() {
    let text = good().replacen("\"MIT\"", "\"NOASSERTION\"", 1);
    let (_folder, path) = desk(&text);
    let ran = run(Format::Json, &path, false, false);
    assert_eq!(
        ran.result,
        Ok(Ending::Exit(Exit::Done)),
        "a warning does not fail"
    );
    let value: Value = serde_json::from_str(&ran.data).unwrap();
    assert_eq!(
        value,
        json!({
            "file": path,
            "findings": [{
                "rule": "I206", "severity": "warning", "line": 13, "column": 18, "path": "packs[0].license",
                "message": "nothing is known of the licence", "hint": "name it as SPDX does: `Apache-2.0`",
            }],
            "errors": 0, "warnings": 1, "packs": 2,
        })
    );
    let ran = run(Format::Json, &path, false, true);
    assert_eq!(
        ran.result,
        Ok(Ending::Exit(Exit::Failed)),
        "unless it is strict"
    );
}

#[test]
fn k04_every_check_of_a_registry_is_in_it() {
    let without = |key: &str| {
        let mut entry = entry("b", &archive("b.zip", b"b"));
        entry.as_object_mut().unwrap().shift_remove(key);
        index(&[entry])
    };
    let twice = index(&[
        entry("a", &archive("a.zip", b"a")),
        entry("a", &archive("a.zip", b"a")),
    ]);
    for (what, text) in [
        ("no JSON", "{\"packs\": [".to_owned()),
        ("no packs", index(&[])),
        ("no ref", without("ref")),
        ("no version", without("version")),
        ("no sources", without("install_sources")),
        ("the same ref twice", twice),
    ] {
        let (_folder, path) = desk(&text);
        let ran = run(Format::Human, &path, false, false);
        assert_eq!(
            ran.result,
            Ok(Ending::Exit(Exit::Failed)),
            "{what}: {}",
            ran.data
        );
    }
}

#[test]
fn an_index_that_is_not_there_is_not_found() {
    let (exit, text) = run(Format::Human, "/nowhere/index.json", false, false)
        .result
        .unwrap_err();
    assert_eq!(
        (exit, text.as_str()),
        (
            Exit::NotFound,
            "error: Index file not found: /nowhere/index.json\n"
        )
    );
    let (exit, _) = run(Format::Human, "file://elsewhere/x", false, false)
        .result
        .unwrap_err();
    assert_eq!(exit, Exit::Usage);
    let (exit, text) = run(Format::Human, "ftp://h/x", false, false)
        .result
        .unwrap_err();
    assert_eq!(exit, Exit::Usage);
    assert!(
        text.contains("cannot fetch an index from `ftp://`"),
        "{text}"
    );
    let (exit, text) = run(Format::Human, "https://me:pw@h/x", false, false)
        .result
        .unwrap_err();
    assert_eq!(exit, Exit::Usage);
    assert!(!text.contains("pw"), "{text}");
}

#[test]
fn archives_of_a_file_are_found_beside_it() {
    let git = json!([{"type": "git", "url": "https://git.example/x", "ref": "v1", "checksum": Digest::sha256_of(b"").to_string()}]);
    let text = index(&[
        entry("a", &archive("sub/a%20b.zip", b"a")),
        entry("b", &archive("b.zip", b"other")),
        entry("c", &archive("none.zip", b"c")),
        entry("d", &git),
        entry("e", &archive("/dev/null", b"")),
    ]);
    let (folder, path) = desk(&text);
    fs_err::create_dir(folder.path().join("sub")).unwrap();
    fs_err::write(folder.path().join("sub/a b.zip"), "a").unwrap();
    fs_err::write(folder.path().join("b.zip"), "b").unwrap();
    let ran = run(Format::Json, &path, true, false);
    assert_eq!(ran.result, Ok(Ending::Exit(Exit::Failed)));
    let value: Value = serde_json::from_str(&ran.data).unwrap();
    assert_eq!(
        value["fetched"],
        json!({"checked": 2, "failed": 2, "not_checked": 1})
    );
    let found: Vec<_> = value["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!(
                "{} {}",
                finding["rule"].as_str().unwrap(),
                finding["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "I502 packs[1].install_sources[0].checksum",
            "I503 packs[1].install_sources[0].size",
            "I501 packs[2].install_sources[0].url",
            "I501 packs[4].install_sources[0].url",
        ]
    );
    assert!(ran.talk.contains("Fetching 4 archives..."), "{}", ran.talk);
    assert!(
        ran.talk.contains("1 source was not checked"),
        "{}",
        ran.talk
    );
}

#[test]
fn an_index_and_its_archives_are_fetched() {
    let text = index(&[
        entry("a", &archive("archives/a.zip", b"a")),
        entry("b", &archive("missing.zip", b"b")),
        entry("c", &archive("file:///etc/hostname", b"c")),
    ]);
    let server = Loopback::raw([
        ("/r/index.json", ok(text.as_bytes())),
        ("/r/archives/a.zip", ok(b"a")),
    ]);
    let ran = run(Format::Json, &server.url("/r/index.json"), true, false);
    assert_eq!(ran.result, Ok(Ending::Exit(Exit::Failed)), "{}", ran.talk);
    let value: Value = serde_json::from_str(&ran.data).unwrap();
    assert_eq!(
        value["fetched"],
        json!({"checked": 1, "failed": 1, "not_checked": 1}),
        "no file of this machine is read"
    );
    let findings = value["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0]["rule"], "I501");
    assert!(
        findings[0]["message"].as_str().unwrap().contains("404"),
        "{findings:?}"
    );
}
