//! What pack makers get: archives and digests that packd agrees with.

use std::process::Command;

use packd_tests::{PackTree, Packd, Ran, Settings, Site, support::programs};
use serde_json::Value;

/// A pack in a folder that people work in: with what git and Python leave behind.
fn worked_on() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    PackTree::new("slack", "2.1.0")
        .file(".gitignore", "*.log\n")
        .file("debug.log", "secret")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file("lib/__pycache__/a.pyc", "x")
        .file("lib/a.py", "pass\n")
        .file(".venv/pyvenv.cfg", "x")
        .link("readme", "actions/say.yaml")
        .folder("empty")
        .write_to(folder.path());
    folder
}

/// Runs packctl without any daemon.
fn offline(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(programs::packctl());
    command
        .args(arguments)
        .env("PACKD_SOCKET", "/nowhere/packd.sock")
        .current_dir(folder);
    Ran::of(&mut command)
}

#[test]
fn folder_archive_and_installed_pack_have_one_tree_digest() {
    let folder = worked_on();
    let site = Site::serving([]);
    let said: Value = offline(folder.path(), &["checksum", ".", "--json"])
        .success()
        .json();
    let digest = said["checksum"].as_str().unwrap();

    let packd = Packd::start(&Settings::new());
    packd
        .ctl(["install", folder.path().to_str().unwrap()])
        .success();
    assert_eq!(packd.packs()[0].digest.tree, digest, "sent as a folder");

    for format in ["tar.gz", "zip", "tar.zst"] {
        // in the folder itself, as a job that publishes does it
        let built: Value = offline(folder.path(), &["build", ".", "--format", format, "-j"])
            .success()
            .json();
        assert_eq!(built["tree"], digest, "{format}");
        let name = built["path"].as_str().unwrap();
        fs_err::copy(
            folder.path().join(name),
            site.root().join("packs").join(name),
        )
        .unwrap();
        let packd = Packd::start(&Settings::for_site(&site));
        let checksum = built["checksum"].as_str().unwrap();
        let url = site.url(&format!("packs/{name}"));
        packd
            .ctl(["install", &url, "--checksum", checksum])
            .success();
        assert_eq!(packd.packs()[0].digest.tree, digest, "{format}");
        let again: Value = offline(folder.path(), &["checksum", ".", "-j"]).json();
        assert_eq!(again["checksum"], digest, "building changes nothing");
    }
}

#[test]
fn a_new_pack_installs_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    offline(folder.path(), &["create", "disk_report"]).success();
    offline(&folder.path().join("disk_report"), &["build", "."]).success();
    let packd = Packd::start(&Settings::new());
    let pack = folder.path().join("disk_report");
    packd.ctl(["install", pack.to_str().unwrap()]).success();
    assert_eq!(packd.current(), ["disk_report"]);
}

#[test]
fn the_documented_line_prints_only_the_digest() {
    let folder = worked_on();
    let line = format!(
        "'{}' checksum . --json | jq -r .checksum",
        programs::packctl().display()
    );
    let mut command = Command::new("bash");
    command
        .args(["-o", "pipefail", "-c", &line])
        .current_dir(folder.path());
    let ran = Ran::of(&mut command);
    ran.success();
    let digest = ran.stdout().trim_end();
    assert!(
        digest.len() == 71 && digest.starts_with("sha256:"),
        "{digest}"
    );
}
