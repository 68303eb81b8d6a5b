//! What is not published, and stays as it is.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::desk::{Desk, Ended};

#[test]
fn an_older_version_needs_a_word() {
    let desk = Desk::with_index();
    desk.publish(&desk.entry("alpha", "2.0.0"), &["--update"])
        .done();
    let before = desk.text();
    let old = desk.entry("alpha", "1.5.0");
    let ended = desk.publish(&old, &["--update"]).refused(
        1,
        "pack 'alpha' is at 2.0.0 in the index, which is newer than 1.5.0",
    );
    assert!(ended.stderr.contains("--keep-newest"), "{ended:?}");
    assert_eq!(desk.text(), before, "the file is as it was");

    desk.publish(&old, &["--update", "--keep-newest"]).done();
    let pack = desk.pack("alpha");
    assert_eq!(
        (&pack["version"], &pack["versions"][0]["version"]),
        (&json!("2.0.0"), &json!("1.5.0"))
    );
    desk.publish(&old, &["--update", "--allow-downgrade"])
        .done();
    let pack = desk.pack("alpha");
    assert_eq!(
        (&pack["version"], &pack["versions"][0]["version"]),
        (&json!("1.5.0"), &json!("2.0.0"))
    );
    desk.publish(&old, &["--update", "--allow-downgrade", "--keep-newest"])
        .refused(2, "cannot be used with");
}

#[test]
fn without_a_source_nothing_is_published() {
    let desk = Desk::with_index();
    let before = desk.text();
    let folder = desk.folder_of("slack", "1.2.3");
    let ended = Ended::of(desk.command().arg(&folder));
    ended.refused(1, "the entry of 'slack' has no source");
    let there = desk.folder_of("alpha", "1.2.3");
    Ended::of(desk.command().arg(&there)).refused(1, "Pack 'alpha' already exists in index");
    assert_eq!(desk.text(), before, "the file is as it was");
}

#[test]
fn what_is_missing_is_named() {
    let desk = Desk::with_index();
    let entry = desk.entry("slack", "1.0.0");
    let nowhere = desk.folder.path().join("nowhere");
    let index = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packctl"));
        command
            .arg("index-update")
            .arg("-i")
            .arg(path)
            .arg("--entry")
            .arg(&entry);
        Ended::of(&mut command)
    };
    index(&nowhere).refused(3, &format!("Index file not found: {}", nowhere.display()));
    index(desk.folder.path()).refused(1, "is no regular file");
    Ended::of(desk.command().arg(&nowhere)).refused(
        3,
        &format!("Pack directory not found: {}", nowhere.display()),
    );
    let empty = desk.folder.path().join("empty");
    fs_err::create_dir(&empty).unwrap();
    Ended::of(desk.command().arg(&empty)).refused(
        1,
        &format!("pack.yaml not found in directory: {}", empty.display()),
    );
    desk.publish(&nowhere, &[])
        .refused(3, &format!("Entry file not found: {}", nowhere.display()));
    Ended::of(&mut desk.command()).refused(2, "required");
    Ended::of(desk.command().arg(&empty).arg("--entry").arg(&entry))
        .refused(2, "cannot be used with");
}

#[test]
fn what_is_no_index_stays_as_it_is() {
    let desk = Desk::new();
    let entry = desk.entry("slack", "1.0.0");
    for (text, said) in [
        (
            "{ not json",
            "Invalid index format\n  caused by: the index is not JSON (line 1, column 3)",
        ),
        ("", "Invalid index format"),
        (
            "{\"version\": \"1.0\"}",
            "Invalid index format: missing 'packs' array",
        ),
        ("{\"packs\": {\"slack\": {}}}", "StackStorm's form"),
        ("{\"packs\": [], \"packs\": []}", "the key 'packs' twice"),
    ] {
        fs_err::write(desk.index(), text).unwrap();
        desk.publish(&entry, &[]).refused(1, said);
        assert_eq!(desk.text(), text, "the file is as it was");
    }
    assert_eq!(
        desk.names(),
        ["index.json", "slack-1.0.0.json"],
        "nothing is left lying about"
    );
}

#[test]
fn packs_that_are_there_twice_are_reported() {
    let desk = Desk::new();
    let packs = "{\"packs\": [{\"ref\": \"a\"},\n {\"ref\": \"b\", \"version\": \"1.0.0\"},\n {\"ref\": \"a\"}]}";
    fs_err::write(desk.index(), packs).unwrap();
    let ended = desk.publish(&desk.entry("b", "1.1.0"), &["-u"]).done();
    assert!(
        ended
            .stderr
            .contains("pack 'a' is in the index 2 times, in lines 1, 3"),
        "{ended:?}"
    );
    desk.publish(&desk.entry("a", "1.1.0"), &["-u"])
        .refused(1, "pack 'a' is in the index 2 times, in lines 1, ");
}
