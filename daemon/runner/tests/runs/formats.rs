//! Results as documents: from the output and from files.

use packd_runner::{CaseStatus, Status};

use crate::pack::{Pack, counts, problem};

#[test]
fn attunes_document_is_read_from_the_output() {
    let suite = Pack::printing(
        "json",
        r#"{"totalTests": 3, "passed": 2, "failed": 1, "skipped": 0, "testSuites": [{"name": "unit", "total": 3,
            "passed": 2, "failed": 1, "skipped": 0, "testCases": [{"name": "a", "status": "failed", "durationMs": 7,
            "errorMessage": "boom"}, {"name": "b", "status": "passed"}, {"name": "c", "status": "passed"}]}]}"#,
    )
    .suite();
    assert_eq!(counts(&suite), [3, 2, 1, 0]);
    let case = &suite.test_cases[0];
    assert_eq!((case.name.as_str(), case.duration_ms), ("a", 7));
    assert_eq!(case.error_message.as_deref(), Some("boom"));
    assert!(
        suite.stdout.is_some_and(|out| out.contains("totalTests")),
        "the output is kept"
    );
}

#[test]
fn junit_documents_are_read_from_a_folder() {
    let pack = Pack::new(
        "result_format: junit-xml\nresult_path: results/\n\
         runners: {shell: {type: script, entry_point: run.sh}}",
    )
    .file("run.sh", "printf '<testsuite tests=\"1\"><testcase name=\"a\" classname=\"c\"/></testsuite>' >results/a.xml\n\
        printf '<testsuites><testsuite><testcase name=\"b\"><failure message=\"no\"/></testcase></testsuite></testsuites>' >results/b.xml; exit 1")
    .file("results/old.xml", "<testsuite><testcase name=\"old\"/></testsuite>");
    let suite = pack.suite();
    assert_eq!(
        counts(&suite),
        [2, 1, 1, 0],
        "what an earlier run wrote does not count"
    );
    let names: Vec<_> = suite
        .test_cases
        .iter()
        .map(|case| case.name.as_str())
        .collect();
    assert_eq!(names, ["c.a", "b"]);
    assert_eq!(suite.test_cases[1].status, CaseStatus::Failed);
}

#[test]
fn tap_is_read_from_a_file() {
    let pack = Pack::new(
        "runners: {t: {type: script, entry_point: run.sh, result_format: tap, result_path: out.tap}}",
    )
    .file("run.sh", "printf '1..2\\nok 1 - a\\nok 2 # SKIP no\\n' >out.tap");
    assert_eq!(counts(&pack.suite()), [2, 1, 0, 1]);
}

#[test]
fn results_that_are_not_there_or_not_new_are_no_success() {
    let old = r#"{"totalTests": 1, "passed": 1}"#;
    for (body, why) in [
        ("exit 0", "was not written by this run"),
        ("rm out.json", "was not written by this run"),
        ("rm out.json; mkfifo out.json", "it is no file of the pack"),
        (
            "rm out.json; ln -s /etc/passwd out.json",
            "it is no file of the pack",
        ),
        (
            "rm out.json; echo nonsense >out.json",
            "are no JSON document",
        ),
        ("head -c 20000000 /dev/zero >out.json", "longer than"),
        ("cp out.json x; cat x >out.json; exit 9", "it exited with 9"),
    ] {
        let suite = Pack::new(
            "runners: {j: {type: script, entry_point: run.sh, result_format: json, result_path: out.json}}",
        )
        .file("run.sh", body)
        .file("out.json", old)
        .suite();
        assert_eq!(suite.status, Status::Failed, "{body}");
        assert!(problem(&suite).contains(why), "{body}: {suite:?}");
    }
}

#[test]
fn a_document_that_is_cut_is_not_read() {
    let mut pack = Pack::printing(
        "json",
        &format!(
            r#"{{"totalTests": 1, "passed": 1, "note": "{}"}}"#,
            "x".repeat(5000)
        ),
    );
    pack.options.output_limit = 4096;
    let suite = pack.suite();
    assert!(
        problem(&suite).contains("longer than the 4096 bytes"),
        "{suite:?}"
    );
}

#[test]
fn pytest_writes_its_document_where_we_ask_it_to() {
    let mut pack = Pack::new(
        "runners: {p: {type: pytest, entry_point: tests, result_format: junit-xml}}",
    )
    .executable(
        "bin/pytest",
        "#!/bin/sh\nfor a; do case $a in --junit-xml=*)\n\
         echo '<testsuites><testsuite tests=\"1\"><testcase name=\"t\"/></testsuite></testsuites>' >${a#*=};; esac; done\n",
    )
    .file("tests/test_a.py", "");
    let mut path = pack.root().join("bin").into_os_string();
    path.push(":");
    path.push(&pack.options.environment.path);
    pack.options.environment.path = path;
    assert_eq!(counts(&pack.suite()), [1, 1, 0, 0]);
}

#[test]
fn a_junit_document_in_the_output_is_read_in_its_encoding() {
    let latin = r#"printf '<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase name="caf\351"/></testsuite>'"#;
    // a byte order mark says what it is
    let utf16 = r#"printf '\376\377'; printf '<testsuite><testcase name="caf\351"/></testsuite>' | sed 's/./\x00&/g'"#;
    for run in [latin, utf16] {
        let suite = Pack::new(
            "runners: {t: {type: script, entry_point: run.sh, result_format: junit-xml}}",
        )
        .file("run.sh", &format!("export LC_ALL=C\n{run}\n"))
        .suite();
        assert_eq!(problem(&suite), "", "{run}");
        assert_eq!(suite.test_cases[0].name, "caf\u{e9}", "{run}");
    }
}
