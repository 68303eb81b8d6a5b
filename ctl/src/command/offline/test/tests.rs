#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use clap::Parser as _;
use insta::assert_snapshot;
use packd_runner::{CaseStatus, Gate, Report, Status, TestCase, TestSuite};

use super::page::{Detail, page};
use super::*;
use crate::args::Format;
use crate::output::tests::output;

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    test: Test,
}

fn pack(testing: &str, script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!("ref: demo\nversion: 1.0.0\n{testing}");
    fs_err::write(folder.path().join("pack.yaml"), manifest).unwrap();
    fs_err::write(folder.path().join("run.sh"), script).unwrap();
    folder
}

const SECTION: &str = "testing: {runners: {shell: {type: script, entry_point: run.sh}}}\n";

/// Runs the verb: what it ends with, its data, its talk.
fn test(folder: &Path, format: Format, options: &[&str]) -> (Exit, String, String) {
    let (mut out, data, talk) = output(format, false);
    let mut words = vec!["test".to_owned(), folder.to_str().unwrap().to_owned()];
    words.extend(options.iter().map(|&option| option.to_owned()));
    let line = Line::try_parse_from(words).unwrap();
    let client = Client::new("/nowhere/packd.sock".into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let exit = match runtime.block_on(line.test.run(&client, &mut out)) {
        Ok(Ending::Exit(exit)) => exit,
        Ok(Ending::Detached | Ending::Stopped(_)) => panic!("nobody pressed Ctrl-C"),
        Err(failure) => {
            out.failure(&failure);
            failure.exit()
        }
    };
    (exit, data.text(), talk.text())
}

fn case(name: &str, status: CaseStatus) -> TestCase {
    TestCase {
        name: name.to_owned(),
        status,
        duration_ms: 0,
        error_message: None,
        stdout: None,
        stderr: None,
    }
}

/// A report in which everything occurs.
fn report() -> Report {
    Report {
        pack_ref: "core".to_owned(),
        pack_version: "1.2.0".to_owned(),
        execution_time: "2026-01-31T12:00:00Z".to_owned(),
        status: Status::Failed,
        total_tests: 37,
        passed: 36,
        failed: 1,
        skipped: 0,
        pass_rate: 36.0 / 37.0,
        duration_ms: 812,
        test_suites: vec![
            TestSuite {
                name: "shell".to_owned(),
                runner_type: "script",
                status: Status::Passed,
                total: 35,
                passed: 35,
                failed: 0,
                skipped: 0,
                duration_ms: 210,
                exit_code: Some(0),
                error_message: None,
                was_run: true,
                stdout_is_results: false,
                test_cases: vec![TestCase {
                    stdout: Some("fine\n".to_owned()),
                    ..case("shell_suite", CaseStatus::Passed)
                }],
                stdout: None,
                stderr: None,
            },
            TestSuite {
                name: "unit".to_owned(),
                runner_type: "pytest",
                status: Status::Failed,
                total: 2,
                passed: 1,
                failed: 1,
                skipped: 0,
                duration_ms: 602,
                exit_code: Some(1),
                error_message: None,
                was_run: true,
                stdout_is_results: false,
                test_cases: vec![
                    case("a.reads", CaseStatus::Passed),
                    TestCase {
                        duration_ms: 31,
                        error_message: Some("1 != 2\n\u{1b}]0;evil\u{7}".to_owned()),
                        stdout: Some("one\n  two\n".to_owned()),
                        ..case("a.writes", CaseStatus::Failed)
                    },
                ],
                stdout: Some("collected 2 items\n".to_owned()),
                stderr: None,
            },
        ],
        gate: Gate::Block,
        min_pass_rate: 1.0,
        sandbox: None,
        warnings: Vec::new(),
    }
}

fn shown(report: &Report, detail: Detail) -> String {
    anstream::adapter::strip_str(&page(report, detail)).to_string()
}

#[test]
fn a_result_is_told_in_the_known_words() {
    assert_snapshot!(shown(&report(), Detail::Sum), @"
    Test Results:
    ────────────────────────────────────────
    Total Tests: 37
    ✓ Passed: 36
    ✗ Failed: 1
    ○ Skipped: 0
    Pass Rate: 97.3%
    Duration: 812ms
    ────────────────────────────────────────
    ❌ Tests failed: 1/37
    on_failure: block, so an install of this pack would fail
    ");
    let mut good = report();
    good.gate = Gate::Pass;
    good.min_pass_rate = 0.9;
    let last = |report: &Report| shown(report, Detail::Sum).lines().last().map(str::to_owned);
    assert_eq!(
        last(&good).as_deref(),
        Some("✅ Enough tests passed: 36/37 (the pack wants 90.0%)")
    );
    (good.failed, good.skipped) = (0, 1);
    assert_eq!(
        last(&good).as_deref(),
        Some("✅ All tests passed: 36/37 (1 skipped)")
    );
    good.gate = Gate::Block;
    good.test_suites[0].error_message = Some("it exited with 1".to_owned());
    let verdict = |report: &Report| {
        let text = shown(report, Detail::Sum);
        text.lines().rev().nth(1).map(str::to_owned)
    };
    assert_eq!(
        verdict(&good).as_deref(),
        Some("❌ Tests failed: 1 suite went wrong, though no test failed")
    );
    (good.total_tests, good.passed, good.skipped) = (0, 0, 0);
    assert_eq!(
        verdict(&good).as_deref(),
        Some("❌ Tests failed: there were none")
    );
    good.gate = Gate::Pass;
    good.total_tests = 37;
    (good.passed, good.skipped) = (37, 0);
    assert_eq!(last(&good).as_deref(), Some("✅ All tests passed: 37/37"));
}

#[test]
fn every_test_is_shown_when_asked_for() {
    let text = shown(&report(), Detail::Failures);
    let suites = text.split("Test Results:").next().unwrap_or_default();
    assert_snapshot!(suites, @r"
    ✓ shell (script, 35 tests, 0.21 s)
      ✓ shell_suite

    ✗ unit (pytest, 2 tests, 0.60 s)
      ✓ a.reads
      ✗ a.writes (0.03 s)
          1 != 2
          \u{1b}]0;evil\u{7}
          stdout:
            one
              two
      stdout:
        collected 2 items
    ");
    let mut read = report();
    read.test_suites[1].stdout_is_results = true;
    assert!(
        !shown(&read, Detail::Failures).contains("collected"),
        "the document itself is not shown beside what it says"
    );
    assert!(
        shown(&read, Detail::Everything).contains("collected"),
        "unless everything is asked for"
    );
    assert!(
        shown(&report(), Detail::Everything).contains("fine"),
        "what passed ones wrote is shown too"
    );
}

#[test]
fn exit_codes_say_what_happened_in_every_format() {
    for (script, expected) in [
        ("exit 0", Exit::Done),
        ("exit 1", Exit::Failed),
        (
            "echo Total Tests: 1; echo Passed: 1; echo Failed: 0; exit 2",
            Exit::Failed,
        ),
    ] {
        let pack = pack(SECTION, script);
        for format in [Format::Human, Format::Json, Format::Yaml, Format::Ndjson] {
            let (exit, data, _) = test(pack.path(), format, &[]);
            assert_eq!(exit, expected, "{script} in {format:?}: {data}");
        }
    }
}

#[test]
fn json_is_nothing_but_the_document() {
    let pack = pack(SECTION, "echo out; echo err >&2; exit 1");
    let (_, data, talk) = test(pack.path(), Format::Json, &[]);
    let document: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(document["packRef"], "demo");
    assert_eq!(document["gate"], "block");
    assert_eq!(document["testSuites"][0]["testCases"][0]["stderr"], "err\n");
    assert!(talk.contains("Testing demo 1.0.0"), "{talk}");
    assert!(talk.contains("[1/1] shell"), "{talk}");
    assert!(talk.contains("shell: 0 passed, 1 failed"), "{talk}");
}

#[test]
fn the_time_of_the_run_is_that_of_the_build_if_there_is_one() {
    let pack = pack(SECTION, "exit 0");
    let options = ["--source-date-epoch", "1769860800"];
    let (_, data, _) = test(pack.path(), Format::Json, &options);
    let document: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(document["executionTime"], "2026-01-31T12:00:00Z");
}

#[test]
fn options_reach_the_tests() {
    let pack = pack(
        SECTION,
        "[ \"$A\" = 'b=c' ] || exit 1; [ -z \"$LONG\" ] || sleep 600",
    );
    let (exit, _, _) = test(pack.path(), Format::Human, &["--env", "A=b=c"]);
    assert_eq!(exit, Exit::Done, "the variable is there");
    let options = ["--env", "A=b=c", "--env", "LONG=1", "--timeout", "1"];
    let (exit, data, _) = test(pack.path(), Format::Human, &options);
    assert_eq!(exit, Exit::Failed);
    assert!(data.contains("it was not done in 1 s"), "{data}");
}

#[test]
fn where_nothing_can_be_run_the_reason_is_told() {
    for (testing, exit, why) in [
        (
            "",
            Exit::Usage,
            "no testing configuration found in `pack.yaml`",
        ),
        (
            "testing: {enabled: false}\n",
            Exit::Usage,
            "testing is disabled for this pack",
        ),
        (
            "testing: {enabled: true}\n",
            Exit::Usage,
            "the pack has no tests to run",
        ),
        (
            "testing: {runners: {a: {type: rspec, entry_point: a}}}\n",
            Exit::Usage,
            "line 3, column",
        ),
        (
            "testing: {runners: {a: {type: script, entry_point: gone.sh}}}\n",
            Exit::Usage,
            "there is no `gone.sh` in the pack",
        ),
    ] {
        let pack = pack(testing, "exit 0");
        let (code, data, talk) = test(pack.path(), Format::Human, &[]);
        assert_eq!(code, exit, "{testing}");
        assert!(format!("{data}{talk}").contains(why), "{testing}: {talk}");
    }
}

#[test]
fn what_is_no_pack_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.tar.gz");
    fs_err::write(&file, "").unwrap();
    for (path, exit, why) in [
        (
            Path::new("No such pack"),
            Exit::Usage,
            "`No such pack` is neither a folder here nor the name of a pack",
        ),
        // a name is for packd to look up
        (
            Path::new("no_such_pack"),
            Exit::Unreachable,
            "cannot reach packd",
        ),
        (Path::new("./no_such"), Exit::NotFound, "there is no folder"),
        (file.as_path(), Exit::Usage, "is not a folder"),
        (folder.path(), Exit::NotFound, "there is no `pack.yaml`"),
    ] {
        let (code, data, talk) = test(path, Format::Json, &[]);
        assert_eq!(code, exit, "{}: {talk}", path.display());
        assert!(talk.contains(why), "{talk}");
        assert!(
            !talk.contains("./no_such_pack"),
            "what is not there is no hint: {talk}"
        );
        assert_eq!(data, "", "standard output stays empty");
    }
}

#[test]
fn flags_for_the_tests_of_folders_are_refused_for_installed_packs() {
    for flag in ["--timeout=5", "--env=A=b"] {
        let (code, _, talk) = test(Path::new("no_such_pack"), Format::Human, &[flag]);
        assert_eq!(code, Exit::Usage, "{talk}");
        assert!(talk.contains("is for the tests of a folder"), "{talk}");
    }
}

#[test]
fn variables_have_names() {
    for word in ["A", "=b", ""] {
        assert!(variable(word).is_err(), "`{word}` is no variable");
    }
}
