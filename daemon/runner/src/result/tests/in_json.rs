//! Results as JSON.

use super::*;

#[test]
fn json_has_its_counts_at_any_level() {
    for (text, expected) in [
        (
            r#"{"totalTests": 3, "passed": 2, "failed": 1}"#,
            [3, 2, 1, 0],
        ),
        (
            r#"{"total_tests": 3, "passed": 1, "skipped": 2}"#,
            [3, 1, 0, 2],
        ),
        (
            r#"{"total": 1, "passed": 1, "status": "passed", "more": [{}]}"#,
            [1, 1, 0, 0],
        ),
        (
            "starting\nready\n{\"total\": 1, \"passed\": 1}\n",
            [1, 1, 0, 0],
        ),
        ("\u{feff}{\"total\": 1, \"passed\": 1}", [1, 1, 0, 0]),
        (
            r#"{"test_suites": [{"name": "a", "total": 2, "passed": 2}, {"name": "b", "test_cases":
                [{"name": "x", "status": "error"}, {"name": "y", "status": "skipped"}]}]}"#,
            [4, 2, 1, 1],
        ),
        (
            r#"{"testCases": [{"name": "x", "status": "passed"}]}"#,
            [1, 1, 0, 0],
        ),
        // one case may stand for a whole suite
        (
            r#"{"totalTests": 76, "passed": 76, "testSuites": [{"name": "a", "total": 76, "passed": 76,
                "testCases": [{"name": "a_suite", "status": "passed"}]}]}"#,
            [76, 76, 0, 0],
        ),
        (r#"{"total": 0, "passed": 0}"#, [0; 4]),
        // what is not said is what is listed
        (
            r#"{"total": 3, "passed": 2, "testCases": [{"name": "x", "status": "skipped"}]}"#,
            [3, 2, 0, 1],
        ),
        (
            r#"{"total": 3, "testCases": [{"name": "x", "status": "passed"}]}"#,
            [3, 1, 0, 0],
        ),
        // cases beside suites are no part of them
        (
            r#"{"testCases": [{"name": "x", "status": "failed"}], "testSuites": [{"total": 1, "passed": 1}]}"#,
            [2, 1, 1, 0],
        ),
    ] {
        assert_eq!(counts(&json::parse(text).unwrap()), expected, "{text}");
    }
    let tally = json::parse(
        r#"{"testSuites": [{"name": "a", "testCases": [{"name": "x", "status": "passed"}]},
            {"name": "b", "testCases": [{"name": "x", "status": "failed", "error_message": "\u001b[31mno\u001b[0m",
            "duration_ms": 3, "stderr": " "}]}]}"#,
    )
    .unwrap();
    let names: Vec<_> = tally.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["a.x", "b.x"]);
    let case = &tally.cases[1];
    assert_eq!(case.error_message.as_deref(), Some("no"));
    assert_eq!((case.duration_ms, &case.stderr), (3, &None));
}

#[test]
fn json_that_says_too_little_or_lies_is_refused() {
    for (text, why) in [
        ("", "no JSON document"),
        ("[]", "not an object"),
        ("{}", "no counts"),
        ("{\"total\": 1, \"passed\": 1", "no JSON document"),
        ("{\"total\": 1, \"passed\": 1} x", "no JSON document"),
        (r#"{"total": -1, "passed": 1}"#, "whole number"),
        (r#"{"total": 1.5, "passed": 1}"#, "whole number"),
        (r#"{"total": "1", "passed": 1}"#, "whole number"),
        (r#"{"total": 1, "passed": 2}"#, "contradict"),
        (
            r#"{"total": 18446744073709551615, "passed": 1}"#,
            "more than",
        ),
        (
            r#"{"total": 2, "passed": 2, "status": "failed"}"#,
            "contradict",
        ),
        (
            r#"{"total": 2, "passed": 2, "testCases": [{"name": "x", "status": "failed"}]}"#,
            "contradict",
        ),
        (
            r#"{"total": 2, "passed": 2, "testSuites": [{"total": 2, "passed": 1, "failed": 1}]}"#,
            "contradict",
        ),
        (
            r#"{"totalTests": 3, "passed": 3, "failed": 0, "testCases": [{"name": "a", "status": "skipped"},
                {"name": "b", "status": "skipped"}, {"name": "c", "status": "skipped"}]}"#,
            "3 passed, 0 failed and 3 skipped are more than 3",
        ),
        (
            r#"{"totalTests": 1, "passed": 1, "testCases": [{"name": "a", "status": "passed"},
                {"name": "b", "status": "passed"}]}"#,
            "1 there are by the counts, and 2",
        ),
        (
            r#"{"failed": 1, "testCases": [{"name": "a", "status": "passed"}]}"#,
            "contradict",
        ),
        (
            r#"{"testSuites": [{"name": "a", "status": "failed", "total": 1, "passed": 1}]}"#,
            "the status is `failed`, and 0 failed",
        ),
        (
            r#"{"total": 1, "passed": 1, "status": "error"}"#,
            "the status is `error`, and 0 failed",
        ),
        (
            r#"{"total": 2, "passed": 1, "failed": 1, "status": "passed"}"#,
            "the status is `passed`, and 1 failed",
        ),
        (
            r#"{"total": 1, "passed": 1, "status": "crashed"}"#,
            "the status \"crashed\" is not known",
        ),
        (
            r#"{"total": 1, "passed": 1, "status": 1}"#,
            "the status 1 is not known",
        ),
        (r#"{"testSuites": [{}]}"#, "neither counts nor cases"),
        (r#"{"testSuites": {}}"#, "not a list"),
        (
            r#"{"testCases": [{"name": "x", "status": "maybe"}]}"#,
            "no status",
        ),
        (r#"{"testCases": [{"status": "passed"}]}"#, "no name"),
        (r#"{"testCases": [1]}"#, "not an object"),
    ] {
        let said = refused(json::parse, text);
        assert!(said.contains(why), "{text}: {said}");
    }
    let deep = format!("{}{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    refused(json::parse, &deep);
}
