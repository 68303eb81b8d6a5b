#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error as _;

use super::*;

mod hostile;
mod properties;
mod vocabularies;
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
