//! The first thing a newcomer runs.

use std::process::Command;

use fs_err::os::unix::fs::symlink;

use packd_tests::{Ran, support::programs};

#[test]
fn packaging_try_shows_the_main_job_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let programs_dir = folder.path().join("bin");
    let temporary = folder.path().join("tmp");
    fs_err::create_dir(&programs_dir).unwrap();
    fs_err::create_dir(&temporary).unwrap();
    symlink(programs::packd(), programs_dir.join("packd")).unwrap();
    symlink(programs::packctl(), programs_dir.join("packctl")).unwrap();

    let mut command = Command::new(programs::source().join("packaging/try"));
    command
        .current_dir(folder.path())
        .env("PACKD_BIN_DIR", &programs_dir)
        .env("TMPDIR", &temporary);
    Ran::of(&mut command)
        .success()
        .says("installed")
        .says("current");

    let left: Vec<_> = fs_err::read_dir(&temporary)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}
