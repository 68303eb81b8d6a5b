//! The other programs: archives as they write them, and as they read them.

use std::{collections::BTreeMap, path::Path, process::Command};

use fs_err::os::unix::fs::symlink;
use serde_json::Value;

use super::MANIFEST;
use crate::support::{
    packs::{Archive, noise},
    process::Ran,
    programs,
    tree::{Node, Tree},
};

/// Those that git, GNU tar and Python make of a folder.
#[must_use]
pub fn by_programs() -> Vec<Archive> {
    let folder = tempfile::tempdir().unwrap();
    let (source, made) = (folder.path().join("source"), folder.path().join("made"));
    fs_err::create_dir(&made).unwrap();
    write_source(&source);
    let mut python = Command::new("python3");
    python
        .arg(programs::source().join("tests/src/support/hostile/write.py"))
        .args([&source, &made]);
    Ran::of(&mut python).success();
    for format in ["v7", "oldgnu", "gnu", "ustar", "posix"] {
        // names that are too long for the older forms are left out of them
        let is_old = matches!(format, "v7" | "ustar");
        let exclude = if is_old {
            "--exclude=long*"
        } else {
            "--exclude=none"
        };
        let mut tar = Command::new("tar");
        tar.arg(format!("--format={format}"))
            .args(["--owner=0", exclude, "-cf"]);
        tar.arg(made.join(format!("tar-{format}.tar")))
            .arg("-C")
            .arg(&source)
            .arg(".");
        Ran::of(&mut tar).success();
    }
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&source).args([
            "-c",
            "user.name=Tests",
            "-c",
            "user.email=tests@example.org",
        ]);
        Ran::of(git.args(arguments)).success();
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--no-gpg-sign", "-m", "a pack"]);
    for format in ["tar", "tar.gz", "zip"] {
        let out = made.join(format!("git.{format}"));
        git(&[
            "archive",
            "--prefix=hostile-1.0.0/",
            "-o",
            out.to_str().unwrap(),
            "HEAD",
        ]);
    }
    let mut archives: Vec<Archive> = fs_err::read_dir(&made)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            Archive {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                bytes: fs_err::read(&path).unwrap(),
            }
        })
        .collect();
    archives.sort_by(|left, right| left.name.cmp(&right.name));
    archives
}

/// A pack with something of everything that a folder can have.
fn write_source(source: &Path) {
    let long = format!("long-{}/{}", "d".repeat(100), "f".repeat(150));
    for folder in ["actions", "empty/folder", "sub", &long] {
        fs_err::create_dir_all(source.join(folder)).unwrap();
    }
    for (path, content) in [
        ("pack.yaml", MANIFEST),
        ("actions/run.sh", "#!/bin/sh\n"),
        ("caf\u{e9} \u{65e5}\u{672c}.txt", "x"),
        ("sub/nothing", ""),
        (&format!("{long}/file"), "deep"),
    ] {
        fs_err::write(source.join(path), content).unwrap();
    }
    fs_err::write(source.join("sub/data.bin"), noise(3, 70_000)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(source.join("actions/run.sh"), mode).unwrap();
    symlink("../actions/run.sh", source.join("sub/link")).unwrap();
    symlink(format!("../{long}/file"), source.join("sub/long-link")).unwrap();
}

/// What `tarfile` and `zipfile` read in each archive.
#[must_use]
pub fn read_by_python(archives: &[Archive]) -> BTreeMap<String, Tree> {
    let folder = tempfile::tempdir().unwrap();
    for archive in archives {
        archive.write_to(folder.path());
    }
    let mut python = Command::new("python3");
    python
        .arg(programs::source().join("tests/src/support/hostile/read.py"))
        .arg(folder.path());
    let ran = Ran::of(&mut python);
    let read: BTreeMap<String, BTreeMap<String, Value>> = ran.success().json();
    read.into_iter()
        .map(|(name, tree)| {
            (
                name,
                Tree(
                    tree.into_iter()
                        .map(|(path, node)| (path, node_of(&node)))
                        .collect(),
                ),
            )
        })
        .collect()
}

fn node_of(node: &Value) -> Node {
    match node {
        Value::Null => Node::Folder,
        node if node.get("target").is_some() => Node::Link {
            target: node["target"].as_str().unwrap().to_owned(),
        },
        node => Node::File {
            executable: node["executable"].as_bool().unwrap(),
            length: node["length"].as_u64().unwrap(),
            sha256: node["sha256"].as_str().unwrap().to_owned(),
        },
    }
}
