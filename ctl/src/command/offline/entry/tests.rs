//! `index-entry` as it is typed: what it prints, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use clap::Parser as _;
use packd_format::archive::{PackOptions, pack};
use packd_wire::Exit;
use serde_json::{Value, json};

use super::super::tests::{Ran, ran};
use super::*;
use crate::args::Args;
use crate::checkout::fixture::Git;
use crate::fetch::loopback::Loopback;

mod archives;
mod manifests;
mod repositories;

const MANIFEST: &str = "ref: slack\nlabel: Slack\ndescription: Talks\nversion: 1.2.3\nauthor: Ada\n\
                        license: Apache-2.0\nkeywords: [chat]\n";

/// Runs `packctl index-entry PATH …`.
fn index_entry(path: &Path, args: &[&str]) -> Ran {
    ran(&[&["index-entry", path.to_str().unwrap()], args].concat())
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }
    folder
}

/// The pack of [`MANIFEST`] with an action.
fn slack() -> tempfile::TempDir {
    folder(&[
        ("pack.yaml", MANIFEST),
        ("actions/post.yaml", "ref: slack.post\ndescription: Posts\n"),
        ("actions/post.sh", "#!/bin/sh\n"),
    ])
}

/// A folder as an archive that has everything in one top folder, and its tree.
fn packed(folder: &Path) -> (Vec<u8>, Digest) {
    let mut bytes = Vec::new();
    let options = PackOptions {
        top_folder: Some("slack-1.2.3".to_owned()),
        ..PackOptions::default()
    };
    let summary = pack(folder, &mut bytes, &options).unwrap();
    (bytes, summary.files.digest())
}

#[test]
fn both_sources_come_git_first() {
    let pack = slack();
    let digest = Digest::sha256_of(b"archive").to_string();
    let ran = index_entry(
        pack.path(),
        &[
            "--archive-url",
            "https://packs.example/slack-1.2.3.tar.gz",
            "--archive-checksum",
            &digest,
            "--archive-size",
            "7",
            "--git-url",
            "https://git.example/slack.git",
        ],
    );
    let sources = &ran.json()["install_sources"];
    assert_eq!(sources[0]["type"], "git");
    assert_eq!(
        sources[1],
        json!({
            "type": "archive",
            "url": "https://packs.example/slack-1.2.3.tar.gz",
            "checksum": digest,
            "size": 7
        })
    );
}

#[test]
fn without_a_source_it_is_a_template_and_says_so() {
    let pack = slack();
    let ran = index_entry(pack.path(), &[]);
    let entry = ran.json();
    let source = &entry["install_sources"][0];
    assert!(index::make::is_placeholder(source["url"].as_str().unwrap()));
    assert!(source.get("checksum").is_none());
    assert!(
        ran.talk
            .contains("No git-url or archive-url provided. Generating templates..."),
        "{}",
        ran.talk
    );
}

#[test]
fn a_ref_without_a_repository_says_nothing_and_stands_in_no_way() {
    let ran = index_entry(slack().path(), &["--git-ref", "v1.2.3"]);
    assert_eq!(ran.json()["ref"], "slack");
    assert!(
        ran.talk.contains(
            "--git-ref v1.2.3 says where in a repository the pack is, and none was named"
        ),
        "{}",
        ran.talk
    );
}

#[test]
fn a_dash_is_standard_output() {
    let pack = slack();
    let url = ["-g", "https://git.example/slack.git", "-o", "json"];
    let ran = index_entry(pack.path(), &[&url[..], &["--file", "-"]].concat());
    assert_eq!(ran.data, index_entry(pack.path(), &url).data);
    assert!(ran.data.starts_with('{'), "{}", ran.data);
}

#[test]
fn every_language_has_the_same_object_and_nothing_else_on_standard_output() {
    let pack = slack();
    let url = ["-g", "https://git.example/slack.git"];
    let plain = index_entry(pack.path(), &url);
    let entry = plain.json();
    assert_eq!(
        plain.data,
        format!("{entry:#}\n"),
        "two spaces and a final newline"
    );
    assert!(
        plain
            .talk
            .contains("Parsing pack.yaml...\nCalculating checksum...\n")
    );
    assert!(
        plain
            .talk
            .ends_with("✓ Index entry generated successfully\n"),
        "{}",
        plain.talk
    );
    for form in [
        &["--format", "json"][..],
        &["--output", "json"],
        &["-j"],
        &["-f", "json", "-o", "yaml"],
    ] {
        assert_eq!(
            index_entry(pack.path(), &[&url, form].concat()).data,
            plain.data
        );
    }
    for form in [["--format", "yaml"], ["--output", "yaml"]] {
        let ran = index_entry(pack.path(), &[&url[..], &form].concat());
        let read: Value = serde_yaml::from_str(&ran.data).unwrap();
        assert_eq!(read, entry, "{}", ran.data);
    }
    let line = index_entry(pack.path(), &[&url[..], &["-o", "ndjson"]].concat());
    assert_eq!(line.data.matches('\n').count(), 1);
    assert_eq!(line.json(), entry);
    let before = ["--output", "json", "pack", "index-entry"];
    let ran = ran(&[&before[..], &[pack.path().to_str().unwrap()], &url].concat());
    assert_eq!(ran.data, plain.data, "the option stands before the verb");
}

#[test]
fn an_entry_is_written_into_a_file_whole() {
    let pack = slack();
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("entry.json");
    let name = file.to_str().unwrap();
    let url = ["-g", "https://git.example/slack.git", "--file", name];
    let ran = index_entry(pack.path(), &url);
    assert_eq!(ran.exit, Exit::Done, "{}", ran.talk);
    assert_eq!(
        ran.data,
        format!("✓ Index entry generated successfully\n  Pack: slack v1.2.3\n  File: {name}\n")
    );
    let entry: Value = serde_json::from_str(&fs_err::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(entry["ref"], "slack");

    let ran = index_entry(
        pack.path(),
        &[&url[..], &["-o", "json", "-f", "yaml"]].concat(),
    );
    assert_eq!(
        ran.json(),
        json!({"success": true, "file": name, "pack_ref": "slack", "version": "1.2.3"})
    );
    let read: Value = serde_yaml::from_str(&fs_err::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(read, entry);

    for ending in ["yaml", "YML"] {
        let file = target.path().join(format!("entry.{ending}"));
        let args = [&url[..2], &["--file", file.to_str().unwrap()]].concat();
        assert_eq!(index_entry(pack.path(), &args).exit, Exit::Done);
        let text = fs_err::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("ref: slack\n"),
            "the ending says the language: {text}"
        );
    }

    let missing = target.path().join("missing/entry.json");
    let args = [&url[..2], &["--file", missing.to_str().unwrap()]].concat();
    index_entry(pack.path(), &args).refused(Exit::NotFound);
}

#[test]
fn an_index_with_the_entry_is_read_without_a_complaint() {
    let pack = slack();
    let entry = index_entry(pack.path(), &["-g", "https://git.example/slack.git"]).json();
    let text = json!({
        "registry_name": "Demo",
        "registry_url": "https://packs.example",
        "version": "1.0",
        "last_updated": "2026-01-31T12:00:00Z",
        "packs": [entry]
    });
    let index = packd_format::Index::parse(text.to_string().as_bytes()).unwrap();
    assert_eq!(index.problems, Vec::<String>::new());
    assert_eq!(index.entries[0].contents.actions, 1);
}

#[test]
fn urls_that_nobody_could_use_or_everybody_could_misuse_are_refused() {
    let pack = slack();
    for args in [
        ["--git-url", "https://me:hush@git.example/slack.git"],
        ["--git-url", "ssh://git:hush@git.example/slack.git"],
        [
            "--archive-url",
            "https://hush@packs.example/a.tar.gz?token=hush",
        ],
    ] {
        let ran = index_entry(pack.path(), &args);
        let text = ran.refused(Exit::Usage);
        assert!(
            text.contains("must not contain credentials") && !text.contains("hush"),
            "{text}"
        );
    }
    let ran = index_entry(pack.path(), &["--git-url", "not a url"]);
    ran.failed(Exit::Failed, "is no URL");
    for url in ["ftp://git.example/slack.git", "foo"] {
        let ran = index_entry(pack.path(), &["--git-url", url]);
        let text = ran.refused(Exit::Failed);
        assert!(
            text.contains("a source of this entry could not be used"),
            "{url}: {text}"
        );
    }
    let digest = Digest::sha256_of(b"archive").to_string();
    let archive = ["-a", "ftp://h/x.tar.gz", "--archive-checksum", &digest];
    let ran = index_entry(pack.path(), &archive);
    ran.failed(Exit::Failed, "nobody fetches from `ftp://`");
    for url in [
        "git@git.example:o/slack.git",
        "ssh://git@git.example/slack.git",
    ] {
        let ran = index_entry(pack.path(), &["--git-url", url]);
        assert_eq!(ran.json()["install_sources"][0]["url"], url);
    }
}

#[test]
fn options_that_mean_nothing_alone_are_a_usage_error() {
    for line in [
        "packctl index-entry",
        "packctl index-entry . --archive a.tar.gz",
        "packctl index-entry . --archive-url https://h/a --archive-size 3",
        "packctl index-entry . --archive-url https://h/a --archive-checksum md5:00",
        "packctl index-entry . --format xml",
    ] {
        let error = Args::try_parse_from(line.split(' '))
            .err()
            .map(|error| error.exit_code());
        assert_eq!(error, Some(2), "`{line}` was taken");
    }
    let help = Args::try_parse_from(["packctl", "index-entry", "--help"]).unwrap_err();
    assert!(help.to_string().contains("Usage:"));
}
