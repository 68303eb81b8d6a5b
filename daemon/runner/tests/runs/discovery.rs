//! What is run: runner types, entry points, and tests that are looked for.

use std::path::Path;

use packd_runner::{CaseStatus, Outcome, RunError, Status};

use crate::pack::{Pack, counts, problem};

const UNITTEST: &str = "import os, unittest\n\
    class T(unittest.TestCase):\n\
    \x20   def test_a(self): self.assertTrue(os.path.exists('pack_file'))\n\
    \x20   def test_b(self): pass\n\
    \x20   @unittest.skip('not now')\n\
    \x20   def test_c(self): pass\n";

#[test]
fn a_script_is_run_by_what_its_first_line_says() {
    for (name, text) in [
        ("run.sh", "[ -z \"$BASH_VERSION\" ]"),
        ("run", "[ -n \"$BASH_VERSION\" ]"),
        ("run.sh", "#!/bin/bash\na=(1 2)\n[ ${#a[@]} = 2 ]"),
        ("run.sh", "#!/usr/bin/env bash\n[[ x = x ]]"),
        ("run.sh", "#!/bin/sh -e\nfalse || exit 0\nexit 1"),
        ("run.py", "#!/usr/bin/env python3\nimport sys\nsys.exit(0)"),
    ] {
        let pack = Pack::new(&format!(
            "runners: {{s: {{type: script, entry_point: t/{name}}}}}"
        ))
        .file(&format!("t/{name}"), text);
        let suite = pack.suite();
        assert_eq!(suite.status, Status::Passed, "{name}: {text}: {suite:?}");
    }
}

#[test]
fn python_tests_are_counted_one_by_one() {
    let files = Pack::new("runners: {py: {type: unittest, entry_point: tests/test_a.py}}")
        .file("tests/test_a.py", UNITTEST)
        .file("pack_file", "");
    assert_eq!(counts(&files.suite()), [3, 2, 0, 1]);
    assert!(
        !files.root().join("tests/__pycache__").exists(),
        "nothing is left behind"
    );

    let folder = files.testing("runners: {py: {type: unittest, entry_point: tests}}");
    assert_eq!(
        counts(&folder.suite()),
        [3, 2, 0, 1],
        "a folder is searched"
    );

    let failing = folder.file(
        "tests/test_b.py",
        "import unittest\nclass B(unittest.TestCase):\n def test_x(self): 1/0\n",
    );
    let suite = failing.suite();
    assert_eq!(counts(&suite), [4, 2, 1, 1]);
    assert_eq!(suite.exit_code, Some(1));
}

#[test]
fn python_without_tests_is_no_success() {
    let suite = Pack::new("runners: {py: {type: unittest, entry_point: tests/test_a.py}}")
        .file("tests/test_a.py", "def test_nothing(): pass\n")
        .suite();
    assert_eq!((suite.status, counts(&suite)), (Status::Failed, [0; 4]));
    assert_eq!(problem(&suite), "it ran no tests");
}

#[test]
fn a_program_that_is_missing_is_named() {
    for (kind, program) in [("pytest", "pytest"), ("jest", "jest")] {
        let mut pack = Pack::new(&format!(
            "runners: {{r: {{type: {kind}, entry_point: tests}}}}"
        ))
        .file("tests/test_a.py", "");
        pack.options.environment.path = "/nonexistent".into();
        let report = pack.run();
        let suite = &report.test_suites[0];
        assert_eq!(
            problem(suite),
            format!("cannot find the program `{program}`, which runs this suite")
        );
        assert_eq!(counts(suite), [1, 0, 1, 0]);
        let case = &suite.test_cases[0];
        assert_eq!(
            (case.name.as_str(), case.status),
            ("r_execution", CaseStatus::Error)
        );
        assert_eq!(report.outcome(), Outcome::NotRun, "no test failed");
    }
}

#[test]
fn the_runners_of_others_are_called_as_they_expect() {
    let show = "#!/bin/sh\necho \"$0 $*\" >args; pwd >>args\n";
    let pack = Pack::new(
        "runners:\n\
         \x20 j: {type: jest, entry_point: tests/a.test.js}",
    )
    .executable("node_modules/.bin/jest", show)
    .file("tests/a.test.js", "");
    assert_eq!(pack.suite().status, Status::Passed);
    let args = fs_err::read_to_string(pack.root().join("args")).unwrap();
    let first = args.lines().next().unwrap_or_default();
    assert!(
        first.ends_with("node_modules/.bin/jest --ci --runTestsByPath tests/a.test.js"),
        "{args}"
    );

    let mut pack = Pack::new(
        "test_suites: [{name: p, runner: pytest, working_dir: tests, test_files: ['test_*.py']}]",
    )
    .executable(
        "bin/pytest",
        "#!/bin/sh\necho \"$*\" >args; pwd >>args; echo '== 4 passed, 1 skipped in 0.02s =='\n",
    )
    .file("tests/test_b.py", "")
    .file("tests/test_a.py", "")
    .file("tests/other.py", "");
    let mut path = pack.root().join("bin").into_os_string();
    path.push(":");
    path.push(&pack.options.environment.path);
    pack.options.environment.path = path;
    assert_eq!(
        counts(&pack.suite()),
        [5, 4, 0, 1],
        "pytest's own summary is read"
    );
    let args = fs_err::read_to_string(pack.root().join("tests/args")).unwrap();
    assert!(args.starts_with("test_a.py test_b.py -v\n"), "{args}");
    assert!(args.trim_end().ends_with("/pack/tests"), "{args}");
}

#[test]
fn commands_and_programs_are_run_without_a_shell() {
    let pack = Pack::new("runners: {c: {type: command, command: [bin/check, 'a b', '$HOME']}}")
        .executable(
            "bin/check",
            "#!/bin/sh\n[ $# = 2 ] && [ \"$1\" = 'a b' ] && [ \"$2\" = '$HOME' ]\n",
        );
    let suite = pack.suite();
    assert_eq!(
        (suite.status, suite.runner_type),
        (Status::Passed, "command"),
        "{suite:?}"
    );
    let pack = pack.testing("runners: {e: {type: executable, entry_point: bin/check}}");
    assert_eq!(
        counts(&pack.suite()),
        [1, 0, 1, 0],
        "without arguments it fails"
    );
}

#[test]
fn entry_points_that_cannot_be_run_are_named() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    for (runner, why) in [
        (
            "type: script, entry_point: tests/nothing.sh",
            "there is no `tests/nothing.sh` in the pack",
        ),
        ("type: script, entry_point: tests", "`tests` is not a file"),
        (
            "type: script, entry_point: away",
            "`away` leads out of the pack",
        ),
        (
            "type: executable, entry_point: tests/a",
            "`tests/a` is not executable: chmod +x tests/a",
        ),
        (
            "type: command, command: tests/a x",
            "`tests/a` is not executable: chmod +x tests/a",
        ),
        (
            "type: command, command: no-such-program",
            "cannot find the program `no-such-program`, which runs this suite",
        ),
        (
            "type: script, entry_point: odd",
            "cannot find the program `/no/such/shell`, which runs this suite",
        ),
    ] {
        let pack = Pack::new(&format!("runners: {{r: {{{runner}}}}}"))
            .file("tests/a", "")
            .file("odd", "#!/no/such/shell\n")
            .link("away", outside.path());
        let report = pack.run();
        assert_eq!(problem(&report.test_suites[0]), why);
        assert_eq!(report.outcome(), Outcome::NotRun, "{runner}");
    }
    let pack = Pack::new(
        "runners:\n  a: {type: script, entry_point: nothing}\n  b: {type: script, entry_point: b}",
    )
    .file("b", "exit 1");
    assert_eq!(pack.run().outcome(), Outcome::Failed, "a test did fail too");
}

#[test]
fn files_that_are_named_like_tests_are_found() {
    let pack = Pack::new("discovery: {method: directory, path: tests}")
        .file("tests/test_b.sh", "exit 0")
        .file("tests/deep/a_test.sh", "exit 0")
        .file("tests/test_c.py", UNITTEST)
        .executable("tests/test_d", "#!/bin/sh\nexit 1\n")
        .file("tests/test_data.json", "{}")
        .file("tests/helper.sh", "exit 1")
        .file("tests/node_modules/x/test_x.sh", "exit 1")
        .file("tests/.hidden/test_x.sh", "exit 1")
        .file("test_elsewhere.sh", "exit 1")
        .file("pack_file", "");
    let report = pack.run();
    let found: Vec<_> = report
        .test_suites
        .iter()
        .map(|suite| (suite.name.as_str(), suite.runner_type, suite.status))
        .collect();
    assert_eq!(
        found,
        [
            ("tests/deep/a_test.sh", "script", Status::Passed),
            ("tests/test_b.sh", "script", Status::Passed),
            ("tests/test_c.py", "unittest", Status::Partial),
            ("tests/test_d", "executable", Status::Failed),
        ]
    );
}

#[test]
fn programs_are_found_one_by_one() {
    let pack = Pack::new("discovery: {method: executable, path: checks}")
        .executable("checks/b", "#!/bin/sh\nexit 0\n")
        .executable(
            "checks/a",
            "#!/bin/sh\necho Total Tests: 2; echo Passed: 2\n",
        )
        .executable("checks/lib/c", "#!/bin/sh\nexit 1\n")
        .file("checks/README", "");
    let report = pack.run();
    let names: Vec<_> = report.test_suites.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        (names, report.total_tests),
        (vec!["checks/a", "checks/b"], 3)
    );
}

#[test]
fn listed_tests_are_run_as_listed() {
    let pack = Pack::new(
        "discovery:\n\
         \x20 method: manifest\n\
         \x20 tests:\n\
         \x20 - {name: first, runner: script, command: t/a.sh}\n\
         \x20 - {name: second, command: 'sh t/b.sh x'}",
    )
    .file("t/a.sh", "exit 0")
    .file("t/b.sh", "[ \"$1\" = x ]");
    let report = pack.run();
    let names: Vec<_> = report.test_suites.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        (names, report.status),
        (vec!["first", "second"], Status::Passed)
    );
}

#[test]
fn scripts_of_a_suite_are_run_one_by_one() {
    let pack = Pack::new("test_suites: [{name: s, runner: bash, test_files: ['t/*.sh']}]")
        .file("t/b.sh", "exit 1")
        .file("t/a.sh", "exit 0");
    let report = pack.run();
    let found: Vec<_> = report
        .test_suites
        .iter()
        .map(|s| (s.name.as_str(), s.passed))
        .collect();
    assert_eq!(found, [("s: t/a.sh", 1), ("s: t/b.sh", 0)]);
}

#[test]
fn where_there_is_nothing_to_run_it_is_said() {
    let nothing = |testing: &str| match Pack::new(testing).try_run() {
        Err(error @ RunError::Nothing { .. }) => error.to_string(),
        other => panic!("{testing}: {other:?}"),
    };
    assert_eq!(
        nothing("discovery: {path: tests}"),
        "the pack has no tests to run: none are found in `tests`"
    );
    assert_eq!(
        nothing("enabled: true"),
        "the pack has no tests to run: `testing` names none"
    );
    let disabled =
        Pack::new("enabled: false\nrunners: {a: {type: script, entry_point: a}}").try_run();
    assert!(matches!(disabled, Err(RunError::Disabled)), "{disabled:?}");
    let manifest = packd_format::Manifest::parse(b"ref: a\nversion: 1.0.0\n").unwrap();
    let pack = Pack::new("enabled: true");
    let none = packd_runner::run(&pack.root(), &manifest, &pack.options, &mut |_| ());
    assert!(matches!(none, Err(RunError::NoTesting)), "{none:?}");
    let gone = packd_runner::run(
        Path::new("/nonexistent"),
        &manifest,
        &pack.options,
        &mut |_| (),
    );
    assert!(gone.is_err(), "there is no such folder");
}
