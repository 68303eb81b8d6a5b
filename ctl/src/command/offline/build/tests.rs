#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use fs_err::os::unix::fs::symlink;
use insta::assert_snapshot;

use super::super::tests::{Ran, names_in, pack, ran, write};
use super::*;

fn build(pack: &Path, more: &[&str]) -> Ran {
    ran(&[&["build", pack.to_str().unwrap()], more].concat())
}

fn into(pack: &Path, folder: &Path, more: &[&str]) -> Ran {
    build(
        pack,
        &[&["--output-dir", folder.to_str().unwrap()], more].concat(),
    )
}

#[test]
fn the_archive_is_called_like_the_pack_and_told() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    let told = into(folder.path(), out.path(), &[]);
    assert_eq!(told.exit, Exit::Done, "{told:?}");
    assert_eq!(names_in(out.path()), ["demo-1.0.0.tar.gz"]);
    let place = out.path().to_str().unwrap();
    let lines: Vec<String> = told
        .data
        .replace(place, "OUT")
        .lines()
        .map(|line| match line.split_once("sha256:") {
            Some((label, digest)) => {
                let tail = digest.get(64..).unwrap_or_default();
                format!("{label}sha256:HEX{tail}")
            }
            None if line.starts_with("Size: ") => "Size: N bytes".to_owned(),
            None => line.to_owned(),
        })
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    Pack: demo v1.0.0
    Archive: OUT/demo-1.0.0.tar.gz
    Checksum: sha256:HEX
    Size: N bytes
    Tree: sha256:HEX (2 files)
    ✓ Built OUT/demo-1.0.0.tar.gz
    ");
}

#[test]
fn the_same_pack_is_the_same_archive() {
    let (one, two, out) = (pack(), pack(), tempfile::tempdir().unwrap());
    write(two.path(), "actions/run.sh", "#!/bin/sh\n", 0o711);
    write(two.path(), ".git/HEAD", "x", 0o644);
    for format in ["tar.gz", "zip", "tar.zst"] {
        let bytes = |pack: &Path, name: &str| {
            let file = out.path().join(name);
            let told = build(
                pack,
                &["--format", format, "--file", file.to_str().unwrap()],
            );
            assert_eq!(told.exit, Exit::Done, "{told:?}");
            fs_err::read(file).unwrap()
        };
        assert_eq!(
            bytes(one.path(), &format!("one {format}")),
            bytes(two.path(), &format!("two {format}")),
            "{format}"
        );
    }
}

#[test]
fn building_in_the_pack_itself_does_not_change_it() {
    let folder = pack();
    let root = folder.path();
    let first = into(root, root, &["-j"]).json();
    into(root, root, &[]).failed(Exit::Failed, "Output file already exists: ");
    let again = into(root, root, &["-j", "--force"]);
    assert_eq!(again.talk, "", "there is nothing to warn of");
    assert_eq!(again.json()["checksum"], first["checksum"]);
    assert_eq!(
        names_in(root),
        ["actions", "demo-1.0.0.tar.gz", "pack.yaml"]
    );

    let odd = root.join("release.zip");
    let told = build(root, &["--file", odd.to_str().unwrap()]);
    assert_eq!(told.exit, Exit::Done, "{told:?}");
    assert!(
        told.talk.contains("`release.zip` lies in the pack") && told.talk.contains(".packignore"),
        "{told:?}"
    );
    let before = fs_err::read(&odd).unwrap();
    build(root, &["--file", odd.to_str().unwrap(), "--force"]);
    assert_eq!(
        fs_err::read(&odd).unwrap(),
        before,
        "the old one is not in the new one"
    );
}

#[test]
fn names_and_formats_agree() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    for (name, format) in [
        ("a.zip", "zip"),
        ("a.tgz", "tar.gz"),
        ("a.TAR.ZST", "tar.zst"),
        ("a", "tar.gz"),
    ] {
        let file = out.path().join(name);
        let told = build(folder.path(), &["-j", "--file", file.to_str().unwrap()]).json();
        assert_eq!(told["format"], format, "{name}");
    }
    let file = out.path().join("b.zip");
    let file = file.to_str().unwrap();
    build(folder.path(), &["--file", file, "--format", "tar.gz"])
        .failed(Exit::Usage, "b.zip` is not called as a .tar.gz is");
    write(
        folder.path(),
        "pack.yaml",
        "ref: demo\nversion: 1.0.0+linux.7\n",
        0o644,
    );
    let told = into(folder.path(), out.path(), &["-j", "--format", "zip"]).json();
    assert_eq!(told["version"], "1.0.0+linux.7");
    assert!(
        told["path"]
            .as_str()
            .unwrap()
            .ends_with("/demo-1.0.0_linux.7.zip"),
        "{told}"
    );
}

#[test]
fn what_is_no_pack_is_not_built_and_leaves_nothing() {
    let out = tempfile::tempdir().unwrap();
    let refused = |make: &dyn Fn(&Path), exit: Exit, said: &str| {
        let folder = pack();
        make(folder.path());
        let inner = out.path().join("new/folder");
        into(folder.path(), &inner, &[]).failed(exit, said);
        assert_eq!(
            names_in(out.path()),
            [""; 0],
            "{said}: nothing is left behind"
        );
    };
    refused(
        &|root| fs_err::remove_file(root.join("pack.yaml")).unwrap(),
        Exit::Failed,
        "pack.yaml not found in directory: ",
    );
    refused(
        &|root| write(root, "pack.yaml", "ref: De.mo\nversion: 1.0.0\n", 0o644),
        Exit::Failed,
        "hint: use `de_mo`",
    );
    refused(
        &|root| write(root, "pack.yaml", "ref: demo\n", 0o644),
        Exit::Failed,
        "Missing 'version' field in pack.yaml",
    );
    refused(
        &|root| {
            fs_err::rename(root.join("pack.yaml"), root.join("real.yaml")).unwrap();
            symlink("real.yaml", root.join("pack.yaml")).unwrap();
        },
        Exit::Failed,
        "is no regular file",
    );
    refused(
        &|root| write(root, ".gitignore", "*.yaml\n", 0o644),
        Exit::Failed,
        "is left out by `.gitignore` or `.packignore`",
    );
    refused(
        &|root| {
            write(
                root,
                "pack/pack.yaml",
                "ref: other\nversion: 1.0.0\n",
                0o644,
            );
        },
        Exit::Failed,
        "more than one `pack.yaml`",
    );
    refused(
        &|root| symlink("/etc/passwd", root.join("link")).unwrap(),
        Exit::Failed,
        "it is a link to the absolute path `/etc/passwd`",
    );
    refused(
        &|root| {
            write(root, "README", "", 0o644);
            write(root, "readme", "", 0o644);
        },
        Exit::Failed,
        "differ only in letter case",
    );
    ran(&["build", "/nowhere"]).failed(Exit::NotFound, "Path does not exist: /nowhere");
    ran(&["build", "/etc/passwd"]).failed(Exit::Failed, "Path is not a directory: /etc/passwd");
}

#[test]
fn a_failure_leaves_the_old_archive_as_it_was() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    let file = out.path().join("demo-1.0.0.tar.gz");
    fs_err::write(&file, "old").unwrap();
    symlink("/etc/passwd", folder.path().join("link")).unwrap();
    into(folder.path(), out.path(), &["--force"]).failed(Exit::Failed, "may not be in a pack");
    assert_eq!(fs_err::read(&file).unwrap(), b"old");
    assert_eq!(names_in(out.path()), ["demo-1.0.0.tar.gz"]);
}

#[test]
fn odd_things_in_a_manifest_are_said_and_not_in_the_way() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    write(
        folder.path(),
        "pack.yaml",
        "ref: demo\nversion: v1.2\n",
        0o644,
    );
    let told = into(folder.path(), out.path(), &["-j"]);
    assert!(
        told.talk.contains("version `v1.2` is read as `1.2.0`"),
        "{told:?}"
    );
    assert_eq!(told.json()["version"], "1.2.0");
}

#[test]
fn an_ending_that_no_archive_of_a_pack_has_needs_a_format() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    for name in ["x.rar", "x.tar", "demo-1.0.0"] {
        let file = out.path().join(name);
        let file = file.to_str().unwrap();
        let told = build(folder.path(), &["--file", file]);
        told.failed(Exit::Usage, "is none that an archive of a pack has");
        assert!(told.talk.contains(".tar.zst, .tzst and .zip"), "{told:?}");
        assert_eq!(names_in(out.path()), Vec::<String>::new());
    }
    let file = out.path().join("x.rar");
    build(
        folder.path(),
        &["--file", file.to_str().unwrap(), "--format", "zip"],
    )
    .done();
    assert!(fs_err::read(file).unwrap().starts_with(b"PK"));
}

#[test]
fn a_repository_in_the_folder_is_named() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    write(folder.path(), "vendor/x/.git", "gitdir: x", 0o644);
    let told = into(folder.path(), out.path(), &[]);
    told.done();
    assert!(
        told.talk
            .contains("warning: `vendor/x` is a git repository of its own"),
        "{told:?}"
    );
}

#[test]
fn limits_are_explained_to_who_has_no_settings() {
    let (folder, out) = (pack(), tempfile::tempdir().unwrap());
    // it has no bytes on disk, and is refused before any is read
    let large = fs_err::File::create(folder.path().join("large")).unwrap();
    large.set_len(600 * 1024 * 1024).unwrap();
    let told = into(folder.path(), out.path(), &[]);
    told.failed(
        Exit::Failed,
        "more than 536870912 bytes in one file, at `large`",
    );
    assert!(told.talk.contains("hosts refuse such a pack"), "{told:?}");
    assert!(!told.talk.contains("limits."), "{told:?}");
}
