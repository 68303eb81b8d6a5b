//! State folders that are not as they should be: read-only, of another owner, apart from the temporary one.
//! Needs root, to mount and to change owners.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use packd_tests::{PackTree, Packd, Person, Ran, Settings, Site, support::strace::Failing};
use packd_wire::{JobView, path};
use serde_json::json;

fn site() -> Site {
    Site::serving(&["1.0.0", "2.0.0"].map(|version| PackTree::new("slack", version)))
}

/// A folder that is mounted; unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    fn new(at: &Path, options: &[&str], what: &Path) -> Self {
        run(Command::new("mount").args(options).arg(what).arg(at));
        Self(at.to_owned())
    }

    fn again(&self, options: &str) {
        run(Command::new("mount").args(["-o", options]).arg(&self.0));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ran = Ran::of(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

fn run(command: &mut Command) {
    Ran::of(command).success();
}

#[test]
fn a_state_folder_that_becomes_read_only_fails_changes_with_a_reason_and_nothing_else() {
    let site = site();
    let mut packd = Packd::prepare(&Settings::for_site(&site));
    let state = packd.state_dir();
    let mount = Mount::new(&state, &["--bind"], &state);
    packd.begin();
    packd.ctl(["install", "slack@1.0.0"]).success();
    let wanted = packd.tree("slack");

    // what is open for writing keeps a file system writable, but not this view of it for new files
    packd.terminate();
    mount.again("remount,bind,ro");
    let status = packd.begin_in_vain();
    assert!(!status.success());
    let log = packd.log();
    assert!(
        log.contains("read-only") || log.contains("Read-only"),
        "{log}"
    );
    assert!(
        log.contains(state.to_str().unwrap()),
        "it names the place: {log}"
    );

    mount.again("remount,bind,rw");
    packd.begin();
    assert_eq!(packd.tree("slack"), wanted);
    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.terminate();
}

#[test]
fn a_disk_that_the_kernel_makes_read_only_is_told_and_packd_goes_on_when_it_is_writable_again() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site).set("queue.retries", 0));
    packd.ctl(["install", "slack@1.0.0"]).success();
    let before = (packd.tree("slack"), packd.current_link());
    // a kernel that has found a fault in a file system lets nobody write to it any more
    let broken = Failing::of(packd.pid(), "pwrite64,ftruncate,fallocate", "EROFS");
    let problem = packd
        .post(path::INSTALL, &json!({"source": "slack@2.0.0"}))
        .problem();
    assert_eq!(problem.status, 500, "{problem:#?}");
    assert!(problem.hint.unwrap().contains("`dmesg`"));
    assert_eq!(packd.active(), ["slack 1.0.0"], "it still answers");
    drop(broken);

    // where only the database has its files already
    let broken = Failing::of(packd.pid(), "?mkdir,mkdirat", "EROFS");
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack@2.0.0"}),
    );
    drop(broken);
    let problem = answer.failure();
    assert!(
        problem.hint.as_ref().unwrap().contains("`dmesg`"),
        "{problem:#?}"
    );
    assert_eq!((packd.tree("slack"), packd.current_link()), before);

    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.ctl(["verify"]).success();
    packd.staging_is_empty();
}

#[test]
fn files_of_another_owner_are_named_when_packd_cannot_have_them() {
    let site = site();
    let person = Person::operator();
    let mut packd = Packd::prepare(&Settings::new());
    packd.begin_as(&person);
    packd.terminate();
    drop(site);
    let words = person.prefix();
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
    for name in ["packd.db", "store", "staging", ".lock"] {
        let path = packd.state_dir().join(name);
        let old = std::os::unix::fs::MetadataExt::uid(&fs_err::metadata(&path).unwrap());
        let mode = fs_err::metadata(&path).unwrap().permissions();
        fs_err::os::unix::fs::chown(&path, Some(0), Some(0)).unwrap();
        run(Command::new("chmod").arg("go-rwx").arg(&path));

        let begins = packd.begins_through(&words);

        if begins {
            // what is only needed by jobs keeps nobody from looking
            assert!(packd.ends().unwrap().success());
        } else {
            let log = packd.log();
            let last: Vec<&str> = log.lines().rev().take(4).collect();
            assert!(last.iter().any(|line| line.contains(name)), "{name}: {log}");
        }
        assert!(!begins || name == "store", "{name} is needed to start");
        fs_err::os::unix::fs::chown(&path, Some(old), Some(old)).unwrap();
        fs_err::set_permissions(&path, mode).unwrap();
        assert!(
            packd.begins_through(&words),
            "{name} is as it was: {}",
            packd.log()
        );
        assert!(packd.ends().unwrap().success());
    }
}

#[test]
fn the_temporary_folder_may_lie_on_another_file_system() {
    let site = site();
    let mut packd = Packd::prepare(&Settings::for_site(&site));
    let folder = tempfile::tempdir().unwrap();
    let _mount = Mount::new(
        folder.path(),
        &["-t", "tmpfs", "-o", "size=16m"],
        Path::new("packd-test"),
    );
    packd.with_environment("TMPDIR", folder.path());
    packd.begin();

    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.ctl(["install", "slack", "--force"]).success();
    let archive = PackTree::new("sent", "1.0.0").archive(packd_tests::Format::TarGz);
    let sent = tempfile::tempdir().unwrap();
    archive.write_to(sent.path());
    packd
        .ctl([
            "install".as_ref(),
            sent.path().join(&archive.name).as_os_str(),
        ])
        .success();

    assert_eq!(packd.active(), ["sent 1.0.0", "slack 2.0.0"]);
    let job: JobView = packd
        .post(
            &format!("{}?wait=20", path::INSTALL),
            &json!({"source": "slack"}),
        )
        .json();
    assert!(!job.changed);
    packd.staging_is_empty();
}
