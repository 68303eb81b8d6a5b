#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::process::Command;

use insta::assert_snapshot;

use super::super::tests::{Ran, names_in, ran};
use super::*;

fn create(name: &str, folder: &Path, more: &[&str]) -> Ran {
    ran(&[&["create", name, "--path", folder.to_str().unwrap()], more].concat())
}

fn manifest(folder: &Path) -> Manifest {
    Manifest::parse(&fs_err::read(folder.join("pack.yaml")).unwrap()).unwrap()
}

#[test]
fn a_new_pack_is_complete() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("packs/disk_report");
    let told = create("disk_report", &folder, &[]);
    assert_eq!(told.exit, Exit::Done, "{told:?}");
    let place = outer.path().to_str().unwrap();
    assert_snapshot!(told.data.replace(place, "OUTER"), @r"
    OUTER/packs/disk_report/pack.yaml
    OUTER/packs/disk_report/README.md
    OUTER/packs/disk_report/actions/hello.yaml
    OUTER/packs/disk_report/actions/hello.sh
    OUTER/packs/disk_report/tests/run.sh
    OUTER/packs/disk_report/.gitignore
    OUTER/packs/disk_report/.packignore
    ✓ Created pack 'disk_report' in OUTER/packs/disk_report
    ");
    let manifest = manifest(&folder);
    assert_eq!(manifest.warnings, [""; 0]);
    assert_eq!(manifest.pack_ref, "disk_report");
    assert_eq!(manifest.label.as_deref(), Some("Disk report"));
    assert_eq!(manifest.license.as_deref(), Some("Apache-2.0"));
    let testing = manifest.testing.unwrap();
    assert!(testing.enabled);
    assert_eq!(testing.runners[0].entry_points, ["tests/run.sh"]);

    // as it is, it builds; and what is built has the tree that `checksum` says
    let (path, out) = (folder.to_str().unwrap(), outer.path().to_str().unwrap());
    let built = ran(&["build", path, "--output-dir", out, "-j"]).json();
    assert_eq!(
        ran(&["checksum", path, "-j"]).json()["checksum"],
        built["tree"]
    );
}

#[test]
fn the_test_of_a_new_pack_passes_and_can_fail() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("slack");
    create("slack", &folder, &[]).done();
    let run = || {
        let output = Command::new(folder.join("tests/run.sh"))
            .current_dir("/")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = run();
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("Total Tests: 2\nPassed: 2\nFailed: 0\nSkipped: 0\n"),
        "{text}"
    );
    fs_err::write(folder.join("actions/hello.sh"), "#!/bin/sh\necho no\n").unwrap();
    let (code, text) = run();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Passed: 0\nFailed: 2\n"), "{text}");
}

#[test]
fn what_is_said_of_it_is_in_it_whatever_is_in_that() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("x");
    let odd = "a: \"b\" #c {{ref}}\n- é";
    let told = create(
        "x",
        &folder,
        &[
            "--label",
            odd,
            "--description",
            odd,
            "--author",
            odd,
            "--email",
            "a@example.org",
            "--license",
            "MIT",
            "--version",
            "2.0",
            "-j",
        ],
    )
    .json();
    assert_eq!(told["version"], "2.0.0");
    assert_eq!(told["files"][0], "pack.yaml");
    let manifest = manifest(&folder);
    for text in [&manifest.label, &manifest.description, &manifest.author] {
        assert_eq!(text.as_deref(), Some(odd), "a text stays as it was typed");
    }
    assert_eq!(manifest.email.as_deref(), Some("a@example.org"));
    assert_eq!(manifest.license.as_deref(), Some("MIT"));
    assert_eq!(manifest.version.to_string(), "2.0.0");
}

#[test]
fn nothing_is_overwritten_and_an_empty_folder_will_do() {
    let outer = tempfile::tempdir().unwrap();
    create("slack", outer.path(), &[]).done();
    create("slack", outer.path(), &[]).failed(Exit::Failed, "is not empty");
    let file = outer.path().join("README.md");
    create("slack", &file, &[]).failed(Exit::Failed, "exists and is no folder");
    let below = file.join("below");
    create("slack", &below, &[]).failed(Exit::Failed, "");
}

#[test]
fn a_name_that_is_none_is_refused_with_the_nearest_that_is() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("x");
    create("aws.EC2", &folder, &[]).failed(Exit::Usage, "hint: use `aws_ec2`");
    create("../x", &folder, &[]).failed(Exit::Usage, "hint: use `x`");
    create("", &folder, &[]).failed(Exit::Usage, "it is empty");
    create("x", &folder, &["--version", "one"]).failed(Exit::Usage, "not a semantic version");
    assert_eq!(names_in(outer.path()), [""; 0], "nothing is left behind");
}

#[test]
fn what_was_made_is_taken_back_when_it_fails() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("a/b");
    let files = |path: &'static str| {
        ["one", "two/three", path].map(|path| Scaffold {
            path,
            mode: FILE,
            content: "x".to_owned(),
        })
    };
    // a file where a folder is needed
    write_all(&folder, &files("one/four")).unwrap_err();
    assert_eq!(names_in(outer.path()), [""; 0]);
    write_all(&folder, &files("four")).unwrap();
    assert_eq!(names_in(&folder), ["four", "one", "two"]);
}

/// What is made lints clean, so what would not is not made.
#[test]
fn what_lint_has_a_word_about_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("slack");
    for (flag, value, message, hint) in [
        (
            "--license",
            "Apache 2.0",
            "`--license` is `Apache 2.0`, which is no SPDX expression",
            "did you mean `Apache-2.0`?",
        ),
        (
            "--license",
            "Foo",
            "`--license` is `Foo`, which is no SPDX expression",
            "for terms of your own write `LicenseRef-…`",
        ),
        ("--license", "", "`--license` is empty", "leave it out"),
        (
            "--description",
            " ",
            "`--description` is empty",
            "leave it out",
        ),
        ("--label", "", "`--label` is empty", "leave it out"),
        ("--author", "", "`--author` is empty", "leave it out"),
        ("--email", "", "`--email` is empty", "leave it out"),
    ] {
        let told = create("slack", &folder, &[flag, value]);
        assert_eq!(told.exit, Exit::Usage, "{flag} {value:?}: {told:?}");
        assert!(told.talk.contains(message), "{told:?}");
        assert!(told.talk.contains(hint), "{told:?}");
        assert_eq!(names_in(outer.path()), [""; 0], "{flag} {value:?}");
    }
    create("slack", &folder, &["--license", "MIT OR Apache-2.0"]).done();
    let path = folder.to_str().unwrap();
    assert_eq!(ran(&["lint", path, "--strict"]).exit, Exit::Done);
}
