#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fs_err::os::unix::fs::symlink;
use insta::assert_snapshot;
use packd_format::Digest;
use packd_format::tree::scan;

use super::super::tests::{Ran, pack, ran, write};
use super::*;

fn of(path: &Path, more: &[&str]) -> Ran {
    ran(&[&["checksum", path.to_str().unwrap()], more].concat())
}

/// Only the digest, as `jq -r .checksum` prints it.
fn digest(path: &Path) -> String {
    of(path, &["--json"]).json()["checksum"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_folder_is_told_in_the_lines_that_scripts_know() {
    let folder = pack();
    let told = of(folder.path(), &[]);
    let place = folder.path().to_str().unwrap();
    assert_snapshot!(told.data.replace(place, "PATH"), @r"
    Checksum for: PATH
    Algorithm: SHA256
    Hash: 7bb1dd4cb6bd3e7d1f8c344274446df2582a36436242950fb1528e2109bebf69
    Formatted: sha256:7bb1dd4cb6bd3e7d1f8c344274446df2582a36436242950fb1528e2109bebf69
    Of: the tree (2 files, 35 B)
    ✓ Checksum calculated successfully
    ");
    assert_eq!(
        told.talk.replace(place, "PATH"),
        "Calculating checksum for 'PATH'...\n",
        "what is on the way to the result is no data"
    );
}

#[test]
fn json_is_nothing_but_the_document_wherever_the_option_stands() {
    let folder = pack();
    let place = folder.path().to_str().unwrap();
    let tree = scan(folder.path()).unwrap().digest().to_string();
    for line in [
        ["checksum", place, "--json"].as_slice(),
        &["--output", "json", "checksum", place],
        &["pack", "checksum", place, "--output", "json"],
        &["-j", "pack", "checksum", place],
    ] {
        let told = ran(line);
        let document = told.json();
        assert_eq!(document["checksum"], tree, "{line:?}");
        assert_eq!(document["path"], place);
        assert_eq!(document["algorithm"], "tree");
        assert_eq!(
            (&document["files"], &document["bytes"]),
            (&2.into(), &35.into())
        );
        assert_eq!(told.talk, "", "{line:?}");
    }
    let yaml = of(folder.path(), &["-o", "yaml"]).data;
    assert!(yaml.contains(&format!("checksum: {tree}\n")), "{yaml}");
}

#[test]
fn what_is_not_there_is_not_found() {
    for path in ["/nowhere/at/all", "/etc/passwd/below"] {
        ran(&["checksum", path]).failed(Exit::NotFound, &format!("Path does not exist: {path}"));
    }
}

#[test]
fn a_file_is_digested_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.tar.gz");
    fs_err::write(&file, "Hello, world!").unwrap();
    let sha256 = "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";
    let document = of(&file, &["-j"]).json();
    assert_eq!(document["checksum"], sha256);
    assert_eq!(document["algorithm"], "sha256");
    assert_eq!(document["bytes"], 13);
    assert_eq!(document.get("files"), None, "a file has no files");
    for (algorithm, start) in [
        ("sha256", sha256),
        ("attune", sha256),
        ("sha512", "sha512:"),
    ] {
        let document = of(&file, &["-j", "--algorithm", algorithm]).json();
        let checksum = document["checksum"].as_str().unwrap();
        assert!(checksum.starts_with(start), "{algorithm}: {checksum}");
    }
    of(&file, &["--algorithm", "tree"]).failed(Exit::Failed, "it looks like text");
}

#[test]
fn trees_differ_when_their_content_names_bits_or_links_do() {
    let folder = pack();
    let root = folder.path();
    let first = digest(root);
    let mut seen = vec![first.clone()];
    let mut changed = |what: &str| {
        let now = digest(root);
        assert!(!seen.contains(&now), "{what} makes another tree");
        seen.push(now);
    };
    write(root, "actions/run.sh", "#!/bin/sh\n:\n", 0o755);
    changed("other content");
    fs_err::rename(root.join("actions/run.sh"), root.join("actions/go.sh")).unwrap();
    changed("another name");
    fs_err::set_permissions(
        root.join("actions/go.sh"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    changed("the executable bit");
    symlink("go.sh", root.join("actions/link")).unwrap();
    changed("a link");
    fs_err::create_dir(root.join("empty")).unwrap();
    changed("an empty folder");

    for name in ["link", "go.sh"] {
        fs_err::remove_file(root.join("actions").join(name)).unwrap();
    }
    fs_err::remove_dir(root.join("empty")).unwrap();
    write(root, "actions/run.sh", "#!/bin/sh\n", 0o700);
    assert_eq!(
        digest(root),
        first,
        "times, order and other bits do not count"
    );
}

#[test]
fn a_boundary_that_moves_makes_another_tree_and_the_same_legacy_checksum() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(one.path(), "ab", "c", 0o644);
    write(two.path(), "a", "bc", 0o644);
    assert_ne!(digest(one.path()), digest(two.path()));
    for folder in [one.path(), two.path()] {
        let document = of(folder, &["-j", "--algorithm", "attune"]).json();
        assert_eq!(
            document["checksum"],
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(document["algorithm"], "attune");
    }
    let told = of(one.path(), &["--algorithm", "attune"]).data;
    assert!(
        told.contains("good to compare with, and not to be trusted"),
        "{told}"
    );
}

#[test]
fn what_is_no_part_of_a_pack_does_not_count() {
    let folder = pack();
    let root = folder.path();
    let before = digest(root);
    for path in [
        ".git/HEAD",
        "actions/__pycache__/run.pyc",
        "lib.pyc",
        ".venv/pyvenv.cfg",
        "demo-1.0.0.tar.gz",
    ] {
        write(root, path, "x", 0o644);
    }
    fs_err::remove_file(root.join("lib.pyc")).unwrap();
    assert_eq!(digest(root), before);
    let legacy = of(root, &["-j", "--algorithm", "attune"]).json();
    assert_eq!(legacy["files"], 6, "Attune leaves nothing out");

    write(root, ".gitignore", "*.log\n", 0o644);
    let with_rules = digest(root);
    write(root, "a.log", "x", 0o644);
    assert_eq!(digest(root), with_rules, "nor does what is ignored");
}

#[test]
fn pipes_and_sockets_are_refused_and_not_waited_for() {
    let folder = pack();
    let root = folder.path();
    let pipe = root.join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    of(root, &[]).failed(Exit::Failed, "is a named pipe, which cannot be packed");
    of(&pipe, &[]).failed(Exit::Failed, "Invalid path type: ");
    fs_err::remove_file(&pipe).unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap());
    of(root, &[]).failed(Exit::Failed, "is a socket, which cannot be packed");
    ran(&["checksum", "/dev/null"]).failed(Exit::Failed, "Invalid path type: /dev/null");
}

#[test]
fn a_root_that_is_a_link_is_followed() {
    let folder = pack();
    write(folder.path(), ".packignore", "left-out\n", 0o644);
    write(folder.path(), "left-out", "x", 0o644);
    let outer = tempfile::tempdir().unwrap();
    let link = outer.path().join("link");
    symlink(folder.path(), &link).unwrap();
    assert_eq!(digest(&link), digest(folder.path()));
}

#[test]
fn a_folder_has_no_bytes_of_its_own() {
    let folder = pack();
    for algorithm in ["sha256", "sha512"] {
        of(folder.path(), &["--algorithm", algorithm]).failed(Exit::Usage, "is a folder");
    }
}

#[test]
fn an_archive_has_the_tree_of_the_folder_it_was_built_from() {
    let folder = pack();
    let outer = tempfile::tempdir().unwrap();
    let tree = digest(folder.path());
    for ending in ["tar.gz", "zip", "tar.zst"] {
        let file = outer.path().join(format!("demo.{ending}"));
        let file = file.to_str().unwrap();
        let built = ran(&[
            "build",
            folder.path().to_str().unwrap(),
            "--file",
            file,
            "-j",
        ])
        .json();
        assert_eq!(built["tree"], tree, "{ending}");
        let bytes = of(Path::new(file), &["-j"]).json();
        assert_eq!(bytes["checksum"], built["checksum"], "{ending}");
        assert_eq!(bytes["bytes"], built["size"], "{ending}");
        assert_eq!(
            built["checksum"],
            Digest::sha256_of(&fs_err::read(file).unwrap()).to_string()
        );
        let inside = of(Path::new(file), &["-j", "--algorithm", "tree"]).json();
        assert_eq!(inside["checksum"], tree, "{ending}");
        assert_eq!(inside["files"], 2, "{ending}");
    }
}

#[test]
fn help_says_how_it_is_used() {
    use clap::Parser as _;
    let help = crate::args::Args::try_parse_from(["packctl", "checksum", "--help"]).unwrap_err();
    assert_eq!(help.exit_code(), 0);
    assert!(
        help.to_string().contains("Usage: packctl checksum"),
        "{help}"
    );
}

#[test]
fn a_repository_in_the_folder_is_named_and_does_not_count() {
    let (one, two) = (pack(), pack());
    write(one.path(), "vendor/lib.py", "x", 0o644);
    write(two.path(), "vendor/lib.py", "x", 0o644);
    write(two.path(), "vendor/x/lib.py", "x", 0o644);
    write(two.path(), "vendor/x/.git/HEAD", "x", 0o644);
    assert_eq!(digest(one.path()), digest(two.path()));
    let told = of(two.path(), &[]);
    assert!(
        told.talk
            .contains("warning: `vendor/x` is a git repository of its own"),
        "{told:?}"
    );
    for name in ["a", "b", "c", "d"] {
        write(
            two.path(),
            &format!("vendor/{name}/.git"),
            "gitdir: x",
            0o644,
        );
    }
    let told = of(two.path(), &[]);
    assert_eq!(
        told.talk.matches("is a git repository").count(),
        3,
        "{told:?}"
    );
    assert!(
        told.talk.contains("so it is with 2 more folders"),
        "{told:?}"
    );
}

#[test]
fn an_empty_folder_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), ".git/HEAD", "x", 0o644);
    let told = of(folder.path(), &[]);
    told.failed(Exit::Failed, "has nothing in it that could be packed");
    assert!(!told.talk.contains("archive"), "{told:?}");
}
