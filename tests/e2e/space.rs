//! A full disk. Needs root, to mount a small one.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use packd_tests::{
    PackTree, Packd, Ran, Settings, Site,
    support::{packs::noise, programs, strace::Failing},
};
use packd_wire::{ErrorKind, StatusView, path};
use serde_json::json;

/// A file system of a few megabytes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Self {
        let mut command = Command::new("mount");
        command
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=755"),
                "packd-test",
            ])
            .arg(at);
        Ran::of(&mut command).success();
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // the daemon may still hold it when a test fails
        let _ran = Ran::of(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

#[test]
fn an_archive_that_the_disk_has_no_room_for_is_not_built_and_said_so_once() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("slack");
    let noise: String = (0..60_000_u64)
        .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string())
        .collect();
    PackTree::new("slack", "1.0.0")
        .file("data", noise)
        .write_to(&pack);
    let small = folder.path().join("small");
    fs_err::create_dir(&small).unwrap();
    let _disk = SmallDisk::mount(&small, "64k");
    for ending in ["tar.gz", "tar.zst", "zip"] {
        let target = small.join(format!("slack.{ending}"));
        let mut command = Command::new(programs::packctl());
        command.arg("build").arg(&pack).arg("--file").arg(&target);
        let ran = Ran::of(&mut command);
        ran.failure(1);
        assert_eq!(
            ran.stderr(),
            format!(
                "error: cannot pack `{}`\n  caused by: cannot write the archive\n  \
                 caused by: No space left on device (os error 28)\n\
                 hint: free some space, or write the archive to another disk\n",
                pack.display()
            )
        );
        let left = fs_err::read_dir(&small).unwrap().count();
        assert_eq!(left, 0, "nothing is left of {ending}");
    }
}

#[test]
fn a_full_disk_fails_the_job_and_leaves_the_host_as_it_was() {
    let old = PackTree::new("slack", "1.0.0");
    let big = PackTree::new("slack", "2.0.0").with_bulk(500, 24_000);
    let site = Site::serving([&old, &big]);
    let settings = Settings::for_site(&site)
        .set("store.min_free", 0)
        .set("queue.retries", 0);
    let mut packd = Packd::prepare(&settings);
    let _disk = SmallDisk::mount(&packd.state_dir(), "24m");
    packd.begin();
    packd.ctl(["install", "slack@1.0.0"]).success();
    let before = (packd.tree("slack"), packd.current_link(), packd.store());
    // room for the database and half of the pack
    let filler = packd.state_dir().join("filler");
    fs_err::write(&filler, vec![1; 12 << 20]).unwrap();

    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack", "version": "2.0.0"}),
    );

    let error = answer.failure();
    assert_eq!(error.kind, ErrorKind::NoSpace, "{error:#?}");
    assert!(error.retryable);
    packd.staging_is_empty();
    assert_eq!(
        (packd.tree("slack"), packd.current_link(), packd.store()),
        before
    );
    assert_eq!(packd.active(), ["slack 1.0.0"]);

    fs_err::remove_file(filler).unwrap();
    packd.ctl(["install", "slack@2.0.0"]).success();
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    packd.staging_is_empty();
    packd.terminate();
}

#[test]
fn a_job_that_would_leave_too_little_space_fails_before_it_writes() {
    let pack = PackTree::new("slack", "1.0.0").with_bulk(10, 1000);
    let site = Site::serving([&pack]);
    let settings = Settings::for_site(&site)
        .set("store.min_free", "1TiB")
        .set("queue.retries", 0);
    let packd = Packd::start(&settings);
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack"}),
    );
    let problem = answer.failure();
    assert_eq!(problem.kind, ErrorKind::NoSpace, "{problem:#?}");
    let told = "with the 1.0 TiB of `store.min_free` that stay free";
    assert!(problem.detail.contains(told), "{problem:#?}");
    let hint = problem.hint.unwrap();
    assert!(
        hint.contains("`packctl gc` has nothing to remove"),
        "{hint}"
    );
    packd.staging_is_empty();
    assert_eq!(packd.store(), Vec::<String>::new());
}

#[test]
fn a_disk_that_is_full_to_the_last_block_is_made_room_on_by_gc() {
    let packs = ["1.0.0", "2.0.0"]
        .map(|version| PackTree::new("slack", version).file("bulk", noise(7, 3 << 20)));
    let site = Site::serving(&packs);
    let settings = Settings::for_site(&site)
        .set("store.min_free", 0)
        .set("store.keep_generations", 1)
        .set("store.keep_for", "0s")
        .set("store.cache_size", 0)
        .set("queue.retries", 0);
    let mut packd = Packd::prepare(&settings);
    let _disk = SmallDisk::mount(&packd.state_dir(), "24m");
    packd.begin();
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["remove", "slack", "--yes"]).success();
    let reserve = packd.state_dir().join("reserve");
    assert!(reserve.is_file());
    let filler = packd.state_dir().join("filler");
    fill(&filler);

    packd.ctl(["gc"]).success().says("freed");

    assert_eq!(packd.store(), Vec::<String>::new());
    assert!(reserve.is_file(), "for the next time");
    // a start needs some room too
    fill(&filler.with_extension("more"));
    packd.kill();
    packd.begin();
    assert!(!reserve.is_file());
    let log = packd.log();
    assert!(log.contains("starts with what it kept in reserve"), "{log}");
    let refused = packd.ctl(["install", "slack@2.0.0"]);
    refused
        .failure(6)
        .says("`packctl gc` has nothing to remove");
    fs_err::remove_file(filler.with_extension("more")).unwrap();
    fs_err::remove_file(filler).unwrap();
    packd.ctl(["install", "slack@2.0.0"]).success();
    assert!(reserve.is_file(), "as soon as there is room");
    packd.terminate();
}

#[test]
fn an_archive_without_a_size_in_the_index_is_refused_by_what_the_server_says() {
    let pack = PackTree::new("slack", "1.0.0").file("noise", noise(7, 9 << 20));
    let site = Site::serving([&pack]);
    let settings = Settings::for_site(&site)
        .set("store.min_free", 0)
        .set("queue.retries", 0);
    let mut packd = Packd::prepare(&settings);
    let _disk = SmallDisk::mount(&packd.state_dir(), "8m");
    packd.begin();
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack"}),
    );
    let problem = answer.failure();
    assert_eq!(problem.kind, ErrorKind::NoSpace, "{problem:#?}");
    assert!(problem.detail.contains("bytes are needed"), "{problem:#?}");
    assert!(problem.detail.contains("`store.min_free`"), "{problem:#?}");
    assert!(problem.hint.unwrap().contains("`packctl gc` "));
    packd.staging_is_empty();
    assert_eq!(packd.store(), Vec::<String>::new());
}

#[test]
fn a_database_that_cannot_grow_refuses_and_goes_on_when_there_is_space() {
    let pack = PackTree::new("slack", "1.0.0");
    let site = Site::serving([&pack]);
    let settings = Settings::for_site(&site)
        .set("store.min_free", 0)
        .set("queue.retries", 0);
    let mut packd = Packd::prepare(&settings);
    let _disk = SmallDisk::mount(&packd.state_dir(), "8m");
    packd.begin();
    packd.ctl(["install", "slack"]).success();
    let before = (packd.tree("slack"), packd.current_link(), packd.store());
    let filler = packd.state_dir().join("filler");
    fill(&filler);

    // what its files have room for still goes through
    let refused = (0..2_000).find_map(|_| {
        let answer = packd.post(path::GC, &json!({"dry_run": true}));
        (answer.status >= 400).then_some(answer)
    });
    let problem = refused.expect("the disk is full").problem();
    assert_eq!(problem.kind, ErrorKind::NoSpace, "{problem:#?}");
    let hint = problem.hint.unwrap();
    assert!(
        hint.contains("free some space") && hint.contains("by hand"),
        "{hint}"
    );
    assert_eq!(packd.active(), ["slack 1.0.0"], "it still answers");
    assert_eq!(
        (packd.tree("slack"), packd.current_link(), packd.store()),
        before
    );

    fs_err::remove_file(filler).unwrap();
    let job: packd_wire::JobView = packd.post(path::GC, &json!({})).expect(202).json();
    assert_eq!(
        packd.finished(job.id).status,
        packd_wire::JobStatus::Succeeded
    );
    packd.ctl(["remove", "slack", "--yes"]).success();
    packd.terminate();
}

#[test]
fn a_quota_that_is_full_for_the_database_is_told_as_no_space() {
    let packd = Packd::start(&Settings::new());
    let quota = Failing::of(packd.pid(), "pwrite64", "EDQUOT");
    let problem = packd.post(path::GC, &json!({})).problem();
    drop(quota);
    assert_eq!(problem.kind, ErrorKind::NoSpace, "{problem:#?}");
    assert!(problem.hint.unwrap().contains("free some space"));
    let job: packd_wire::JobView = packd.post(path::GC, &json!({})).json();
    let ended = packd.finished(job.id);
    assert_eq!(ended.status, packd_wire::JobStatus::Succeeded);
}

#[test]
fn a_database_that_is_lost_on_a_full_disk_is_made_elsewhere_until_there_is_room() {
    let site = Site::serving([&PackTree::new("slack", "1.0.0")]);
    let settings = Settings::for_site(&site).set("store.min_free", 0);
    let mut packd = Packd::prepare(&settings);
    let _disk = SmallDisk::mount(&packd.state_dir(), "16m");
    packd.begin();
    let before = packd.ctl(["-j", "install", "slack"]).success().job();
    packd.terminate();
    let state = packd.state_dir();
    fs_err::write(state.join("packd.db"), vec![7; 9000]).unwrap();
    fs_err::remove_file(state.join("reserve")).unwrap();
    let filler = state.join("filler");
    fill(&filler);

    packd.begin();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    let told = status.degraded.expect("it is told").reason;
    assert!(
        told.contains("is full, so it is not rebuilt there"),
        "{told}"
    );
    assert!(told.contains("Make room"), "{told}");
    let job = packd.ctl(["-j", "gc", "--dry-run"]).success().job();
    assert!(job.id > before.id, "no number comes twice");
    assert_eq!(fs_err::read(state.join("packd.db")).unwrap(), vec![7; 9000]);
    packd.terminate();
    let beside = fs_err::read_dir(packd.socket().parent().unwrap()).unwrap();
    let left = beside.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("packd-database")
    });
    assert_eq!(left.count(), 0, "it is gone with packd");

    fs_err::remove_file(filler).unwrap();
    packd.begin();
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    let told = status.degraded.expect("it is told").reason;
    assert!(told.contains("it was rebuilt from the store"), "{told}");
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let next = packd.ctl(["-j", "gc", "--dry-run"]).success().job();
    assert!(next.id > job.id, "no number comes twice");
    packd.restart();
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    assert_eq!(status.degraded.unwrap().reason, told, "the same as before");
    packd.terminate();
}

/// Writes a file until nothing more has room.
fn fill(path: &Path) {
    let mut file = fs_err::File::create(path).unwrap();
    for size in [64 << 10, 4096, 512, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}
