//! What becomes of `packctl test ./FOLDER` when a signal stops it, and of the tests that it runs.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use packd_tests::{
    PackTree,
    support::{process, programs},
};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, test_kill_process};

/// A pack whose test starts a process of another session, says both numbers in a pipe, and hangs whatever it is told.
fn hanging() -> PackTree {
    PackTree::new("demo", "1.0.0")
        .saying(
            "ref: demo\nversion: 1.0.0\ntesting: {runners: {shell: {type: script, entry_point: run.sh}}}\n",
        )
        .file(
            "run.sh",
            "#!/bin/sh\ntrap '' TERM INT HUP\nsetsid sleep 86400 &\necho $! $$ >told\nwhile :; do sleep 86400; done\n",
        )
}

/// The test that is hanging in a folder: packctl, and the two processes.
fn begin(folder: &Path) -> (Child, Vec<Pid>) {
    hanging().write_to(folder);
    let told = folder.join("told");
    let made = Command::new("mkfifo").arg(&told).status().unwrap();
    assert!(made.success());
    let child = Command::new(programs::packctl())
        .arg("test")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(fs_err::File::open(&told).unwrap())
        .read_line(&mut line)
        .unwrap();
    let numbers: Vec<Pid> = (line.split_whitespace())
        .map(|number| Pid::from_raw(number.parse().unwrap()).unwrap())
        .collect();
    assert_eq!(numbers.len(), 2, "{line:?}");
    (child, numbers)
}

#[test]
fn a_signal_ends_the_tests_and_is_what_packctl_exits_with() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, numbers) = begin(folder.path());
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal:?}");
        for number in numbers {
            let gone = test_kill_process(number);
            assert!(gone.is_err(), "{number:?} outlives {signal:?}");
        }
    }
}

#[test]
fn tests_die_with_a_packctl_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, numbers) = begin(folder.path());
    // what is left of a process is readable from its end on
    let handles: Vec<_> = (numbers.iter())
        .map(|number| pidfd_open(*number, PidfdFlags::empty()).unwrap())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    for handle in &handles {
        let ended = process::readable(&[handle], Duration::from_secs(30));
        assert_eq!(ended, [true], "a test outlives the packctl that ran it");
    }
}
