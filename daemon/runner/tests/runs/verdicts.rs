//! What holds: exit status and counts together, the share that must pass, and what a failure means.

use packd_runner::{CaseStatus, Gate, Outcome, Status};

use crate::pack::{Pack, counts, problem};

const TEN: &str = "echo Total Tests: 10; echo Failed: 0; echo Skipped: 0;";

#[test]
fn counts_are_read_exactly() {
    let pack = Pack::script(
        "echo 'Total Tests: 36'; echo 'Passed: 33'; echo 'Failed: 2'; echo 'Skipped: 1'; exit 1",
    );
    let report = pack.run();
    let suite = &report.test_suites[0];
    assert_eq!(counts(suite), [36, 33, 2, 1]);
    assert_eq!(suite.status, Status::Failed);
    assert_eq!(suite.runner_type, "script");
    assert_eq!(suite.exit_code, Some(1));
    assert_eq!(suite.error_message, None, "the failures are reason enough");
    let case = &suite.test_cases[0];
    assert_eq!(
        (case.name.as_str(), case.status),
        ("shell_suite", CaseStatus::Failed)
    );
    assert_eq!(case.error_message.as_deref(), Some("Exit code: 1"));
    assert!(
        case.stdout
            .as_ref()
            .is_some_and(|out| out.contains("Failed: 2")),
        "{case:?}"
    );
    assert_eq!(report.total_tests, 36);
    assert!(
        (report.pass_rate - 33.0 / 36.0).abs() < 1e-9,
        "{}",
        report.pass_rate
    );
    assert_eq!(
        (report.gate, report.outcome()),
        (Gate::Block, Outcome::Failed)
    );
}

#[test]
fn the_document_has_the_keys_that_are_known() {
    let report = Pack::script("echo hello; exit 0").run();
    let value = serde_json::to_value(&report).unwrap();
    assert_eq!(value["packRef"], "demo");
    assert_eq!(value["packVersion"], "1.2.3");
    assert_eq!(value["executionTime"], "1970-01-01T00:00:00Z");
    assert_eq!(value["status"], "passed");
    for key in ["totalTests", "passed", "failed", "skipped", "durationMs"] {
        assert!(value[key].is_u64(), "`{key}` is a whole number");
    }
    assert!(value["passRate"].is_f64(), "the rate is a number");
    assert_eq!(value["gate"], "pass");
    let suite = &value["testSuites"][0];
    assert_eq!(
        (&suite["name"], &suite["runnerType"]),
        (&"shell".into(), &"script".into())
    );
    assert_eq!(suite["total"], 1);
    let case = &suite["testCases"][0];
    assert_eq!(
        (&case["status"], &case["stdout"]),
        (&"passed".into(), &"hello\n".into())
    );
    assert!(
        case.get("errorMessage").is_none(),
        "nothing is written as null"
    );
}

#[test]
fn an_exit_status_that_nothing_explains_is_a_failure() {
    let report = Pack::script(&format!("{TEN} echo Passed: 10; exit 3")).run();
    let suite = &report.test_suites[0];
    assert_eq!(counts(suite), [10, 10, 0, 0], "the counts are what it says");
    assert_eq!(suite.status, Status::Failed);
    assert_eq!(report.status, Status::Failed);
    assert_eq!(
        problem(suite),
        "it exited with 3, and says that nothing failed"
    );
    assert_eq!(report.outcome(), Outcome::Failed);

    let mut pack = Pack::script(&format!("{TEN} echo Passed: 10; exit 3"));
    pack = pack
        .testing("min_pass_rate: 0.1\nrunners: {shell: {type: script, entry_point: tests/run.sh}}");
    assert_eq!(pack.run().gate, Gate::Block, "no share makes up for it");

    let pack = Pack::script(&format!("{TEN} echo Passed: 9; exit 1"))
        .testing("min_pass_rate: 0.9\nrunners: {shell: {type: script, entry_point: tests/run.sh}}");
    let report = pack.run();
    assert_eq!(
        problem(&report.test_suites[0]),
        "it exited with 1, and says that nothing failed"
    );
    assert_eq!(
        (report.gate, report.outcome()),
        (Gate::Block, Outcome::Failed),
        "of the tenth nothing is known, so it does not explain the status"
    );
}

#[test]
fn tests_that_nothing_is_said_about_have_not_passed() {
    let report = Pack::script(&format!("{TEN} echo Passed: 3")).run();
    assert_eq!(report.status, Status::Partial);
    assert_eq!(
        (report.gate, report.outcome()),
        (Gate::Block, Outcome::Failed)
    );
}

#[test]
fn without_counts_the_exit_status_decides() {
    for (code, expected) in [(0, [1, 1, 0, 0]), (1, [1, 0, 1, 0]), (77, [1, 0, 1, 0])] {
        let suite = Pack::script(&format!("echo nothing to count; exit {code}")).suite();
        assert_eq!(counts(&suite), expected, "exit {code}");
    }
    let suite = Pack::script("echo Passed: 3; exit 1").suite();
    assert_eq!(
        counts(&suite),
        [1, 0, 1, 0],
        "a total is missing, so they are no counts"
    );
}

#[test]
fn counts_that_cannot_be_true_are_no_success() {
    let suite = Pack::script("echo Total Tests: 2; echo Passed: 12").suite();
    assert_eq!(suite.status, Status::Failed);
    assert!(problem(&suite).contains("contradict"), "{suite:?}");
}

#[test]
fn colours_do_not_hide_a_number() {
    let suite = Pack::script(
        r"printf '\033[1mTotal Tests:\033[0m  \033[36m76\033[0m\n\033[32mPassed:\033[0m \033[32m76\033[0m\n'",
    )
    .suite();
    assert_eq!(counts(&suite), [76, 76, 0, 0]);
    let out = suite.test_cases[0].stdout.as_deref();
    assert_eq!(
        out,
        Some("Total Tests:  76\nPassed: 76\n"),
        "nor are they kept"
    );
}

#[test]
fn a_suite_whose_tests_are_all_left_out_is_skipped() {
    let report =
        Pack::script("echo Total Tests: 4; echo Passed: 0; echo Failed: 0; echo Skipped: 4").run();
    assert_eq!(report.status, Status::Skipped);
    assert_eq!(report.gate, Gate::Pass, "nothing went wrong");
    let report =
        Pack::script("echo Total Tests: 4; echo Passed: 3; echo Failed: 0; echo Skipped: 1").run();
    assert_eq!(report.status, Status::Partial);
    assert_eq!(report.gate, Gate::Pass, "what is left out need not pass");
}

#[test]
fn no_tests_are_no_success() {
    let report = Pack::script("echo Total Tests: 0; echo Passed: 0; echo Failed: 0").run();
    assert_eq!((report.total_tests, report.status), (0, Status::Failed));
    assert_eq!(problem(&report.test_suites[0]), "it ran no tests");
    assert_eq!(report.outcome(), Outcome::Failed);
}

#[test]
fn a_share_and_its_consequence_are_what_the_pack_says() {
    let nine = "echo Total Tests: 10; echo Passed: 9; echo Failed: 1; exit 1";
    for (rate, on_failure, gate, outcome) in [
        ("1.0", "block", Gate::Block, Outcome::Failed),
        ("1.0", "warn", Gate::Warn, Outcome::Failed),
        ("1.0", "ignore", Gate::Ignore, Outcome::Failed),
        ("0.9", "block", Gate::Pass, Outcome::Passed),
        ("0.8", "warn", Gate::Pass, Outcome::Passed),
        ("0.91", "block", Gate::Block, Outcome::Failed),
    ] {
        let pack = Pack::new(&format!(
            "min_pass_rate: {rate}\non_failure: {on_failure}\n\
             runners: {{shell: {{type: script, entry_point: tests/run.sh}}}}"
        ))
        .file("tests/run.sh", nine);
        let report = pack.run();
        assert_eq!(
            (report.gate, report.outcome()),
            (gate, outcome),
            "{rate}, {on_failure}"
        );
        assert_eq!(report.status, Status::Failed, "a test did fail");
    }
}

#[test]
fn several_runners_are_run_in_the_declared_order_and_added_up() {
    let pack = Pack::new(
        "runners:\n\
         \x20 z: {type: script, entry_point: tests/z.sh}\n\
         \x20 a: {type: script, entry_point: tests/a.sh}\n\
         \x20 m: {type: script, entry_point: tests/m.sh}",
    )
    .file(
        "tests/z.sh",
        "echo z >>order; echo Total Tests: 3; echo Passed: 3",
    )
    .file("tests/a.sh", "echo a >>order; exit 1")
    .file(
        "tests/m.sh",
        "echo m >>order; echo Total Tests: 2; echo Passed: 1; echo Skipped: 1",
    );
    let report = pack.run();
    let names: Vec<_> = report.test_suites.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "m"]);
    assert_eq!(
        fs_err::read_to_string(pack.root().join("order")).unwrap(),
        "z\na\nm\n",
        "a failure does not keep the next from being run"
    );
    let totals = [
        report.total_tests,
        report.passed,
        report.failed,
        report.skipped,
    ];
    assert_eq!(totals, [6, 4, 1, 1]);
}
