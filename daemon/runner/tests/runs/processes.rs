//! What is started, in which environment, and that nothing of it is left.

use std::path::Path;
use std::time::{Duration, Instant};

use packd_runner::{Cancel, CaseStatus, Outcome, RunError, Status};

use crate::pack::{Pack, counts, problem};

/// Whether a process with this number runs; a zombie does not.
fn runs(pid: &str) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{}/stat", pid.trim()));
    stat.is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z"))
    })
}

/// Waits until a file has something in it.
fn await_text(path: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match fs_err::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ if Instant::now() > deadline => panic!("{} stays empty", path.display()),
            _ => std::thread::yield_now(),
        }
    }
}

/// A script that starts sleepers which cut every tie to it, writes down their numbers, and goes on.
const ORPHANS: &str = "sleep 600 & echo $! >>pids\n\
    (setsid sleep 600 & echo $! >>pids)\n\
    (setsid sh -c '(sleep 600 & echo $! >>pids; trap \"\" TERM; wait)' &)\n\
    while [ \"$(wc -l <pids)\" -lt 3 ]; do :; done\n";

#[test]
fn what_the_caller_left_open_is_not_open_in_tests() {
    let file = fs_err::File::open("/etc/hostname").unwrap();
    let left = rustix::io::fcntl_dupfd_cloexec(&file, 40).unwrap();
    rustix::io::fcntl_setfd(&left, rustix::io::FdFlags::empty()).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&left);
    let suite = Pack::script(&format!("[ ! -e /proc/$$/fd/{number} ]")).suite();
    assert_eq!(suite.status, Status::Passed, "{suite:?}");
}

#[test]
fn a_suite_that_is_not_done_in_time_is_ended_with_all_it_started() {
    let pack = Pack::new("runners: {shell: {type: script, entry_point: tests/run.sh, timeout: 1}}")
        .file(
            "tests/run.sh",
            &format!("{ORPHANS} echo Total Tests: 1; echo Passed: 1; sleep 600"),
        );
    let started = Instant::now();
    let report = pack.run();
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    let suite = &report.test_suites[0];
    assert_eq!(
        counts(suite),
        [1, 0, 1, 0],
        "what it says so far does not count"
    );
    assert_eq!(suite.status, Status::Failed);
    assert_eq!(suite.exit_code, None);
    let case = &suite.test_cases[0];
    assert_eq!(
        (case.name.as_str(), case.status),
        ("shell_execution", CaseStatus::Error)
    );
    assert_eq!(problem(suite), "it was not done in 1 s, and was ended");
    assert_eq!(report.outcome(), Outcome::Failed);
    let pids = fs_err::read_to_string(pack.root().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 3, "the sleepers were started");
    for pid in pids.lines() {
        assert!(!runs(pid), "process {pid} outlives its suite");
    }
}

#[test]
fn nothing_is_left_of_a_suite_that_ends_by_itself_either() {
    let pack = Pack::script(&format!("{ORPHANS} exit 0"));
    assert_eq!(pack.suite().status, Status::Passed);
    for pid in fs_err::read_to_string(pack.root().join("pids"))
        .unwrap()
        .lines()
    {
        assert!(!runs(pid), "process {pid} outlives its suite");
    }
}

#[test]
fn a_suite_is_asked_to_end_before_it_is_made_to() {
    let mut pack = Pack::script(
        "trap 'echo cleaned >cleaned; exit 0' TERM; echo ready >ready\nwhile :; do sleep 0.05; done",
    );
    pack.options.longest = Some(Duration::from_secs(1));
    pack.options.grace = Duration::from_secs(20);
    let started = Instant::now();
    let suite = pack.suite();
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "it is not waited for longer than needed"
    );
    assert!(pack.root().join("cleaned").exists(), "it could clean up");
    assert!(
        problem(&suite).contains("not done in 1 s"),
        "that makes it no success: {suite:?}"
    );
}

#[test]
fn a_run_is_cancelled_from_elsewhere() {
    let mut pack = Pack::new(
        "runners:\n  a: {type: script, entry_point: a.sh}\n  b: {type: script, entry_point: b.sh}",
    )
    .file("a.sh", "echo $$ >pid; sleep 600")
    .file("b.sh", "touch b");
    let cancel = Cancel::new().unwrap();
    pack.options.cancel = Some(cancel.clone());
    let result = std::thread::scope(|scope| {
        let run = scope.spawn(|| pack.try_run());
        await_text(&pack.root().join("pid"));
        cancel.cancel();
        run.join().unwrap()
    });
    assert!(matches!(result, Err(RunError::Cancelled)), "{result:?}");
    assert!(
        !runs(&await_text(&pack.root().join("pid"))),
        "nothing runs any more"
    );
    assert!(!pack.root().join("b").exists(), "nothing more was started");
    assert_eq!(pack.left_behind(), 0, "the suites' own folders are gone");
}

#[test]
fn output_larger_than_a_pipe_blocks_nothing() {
    let suite = Pack::script(
        "i=0; while [ $i -lt 40 ]; do head -c 100000 /dev/zero | tr '\\0' x; echo; \
         head -c 60000 /dev/zero | tr '\\0' y >&2; i=$((i+1)); [ $i = 20 ] && echo Total Tests: 5; done; \
         echo Passed: 5",
    )
    .suite();
    assert_eq!(counts(&suite), [5, 5, 0, 0], "every line is looked at");
    let case = &suite.test_cases[0];
    let (out, err) = (
        case.stdout.as_deref().unwrap(),
        case.stderr.as_deref().unwrap(),
    );
    assert!(
        out.len() < 1_100_000 && err.len() < 1_100_000,
        "only so much is kept"
    );
    assert!(
        out.contains("bytes are left out here"),
        "and it is said that something is missing"
    );
    assert!(out.ends_with("Passed: 5\n"), "the end is kept");
}

#[test]
fn what_goes_on_writing_for_a_moment_is_heard() {
    let pack = Pack::new("runners: {b: {type: script, entry_point: run}}").file(
        "run",
        "#!/usr/bin/env bash\nexec > >(sleep 0.2; cat)\necho Total Tests: 2\necho Passed: 2\n",
    );
    assert_eq!(counts(&pack.suite()), [2, 2, 0, 0]);
}

#[test]
fn the_environment_is_made_for_the_tests() {
    let mut pack = Pack::script("env | sort; pwd; tty || true; cat; ls -a \"$HOME\" \"$TMPDIR\"");
    pack.options
        .environment
        .extra
        .push(("TOKEN".into(), "a b".into()));
    let suite = pack.suite();
    let out = suite.test_cases[0].stdout.clone().unwrap();
    let root = pack.root().canonicalize().unwrap();
    for line in [
        "PACK_REF=demo".to_owned(),
        "PACK_VERSION=1.2.3".to_owned(),
        format!("PACK_PATH={}", root.display()),
        "LANG=C.UTF-8".to_owned(),
        "TOKEN=a b".to_owned(),
        root.display().to_string(),
        "not a tty".to_owned(),
    ] {
        assert!(
            out.lines().any(|have| have == line),
            "`{line}` is missing in\n{out}"
        );
    }
    for line in out.lines().filter(|line| line.contains('=')) {
        let name = line.split('=').next().unwrap_or_default();
        let known = [
            "HOME",
            "LANG",
            "OLDPWD",
            "PACK_PATH",
            "PACK_REF",
            "PACK_VERSION",
            "PATH",
            "PWD",
            "PYTEST_ADDOPTS",
            "PYTHONDONTWRITEBYTECODE",
            "SHLVL",
            "TERM",
            "TMPDIR",
            "TOKEN",
            "_",
        ];
        assert!(known.contains(&name), "`{name}` got in from outside");
    }
}

#[test]
fn a_suite_has_no_terminal_and_no_session_of_ours() {
    let suite =
        Pack::script("[ \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ ] && ! (: </dev/tty) 2>/dev/null")
            .suite();
    assert_eq!(suite.status, Status::Passed, "{suite:?}");
}

#[test]
fn a_suite_that_dies_is_no_success() {
    let suite = Pack::script("echo Total Tests: 1; echo Passed: 1; kill -9 $$").suite();
    assert_eq!(suite.status, Status::Failed);
    assert_eq!(problem(&suite), "it was ended by signal 9");
}

#[test]
fn folders_that_a_test_locks_are_removed_all_the_same() {
    let suite = Pack::script("mkdir -p $TMPDIR/a/b && chmod 0 $TMPDIR/a/b $TMPDIR/a").suite();
    assert_eq!(suite.status, Status::Passed);
}
