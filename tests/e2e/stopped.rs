//! What becomes of `packctl test ./FOLDER` when a signal stops it, and of the tests that it runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use packd_tests::{PackTree, support::programs};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

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

#[test]
fn a_signal_ends_the_tests_and_is_what_packctl_exits_with() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let folder = tempfile::tempdir().unwrap();
        hanging().write_to(folder.path());
        let told = folder.path().join("told");
        let made = Command::new("mkfifo").arg(&told).status().unwrap();
        assert!(made.success());
        let child = Command::new(programs::packctl())
            .arg("test")
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
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

        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        for number in numbers {
            let gone = test_kill_process(number);
            assert!(gone.is_err(), "{number:?} outlives {signal:?}");
        }
    }
}
