#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::report::CaseStatus;

mod properties;

type Parse = fn(&str) -> Result<Tally, ResultError>;

/// Total, passed, failed and skipped.
fn counts(tally: &Tally) -> [u64; 4] {
    let Counts {
        total,
        passed,
        failed,
        skipped,
    } = tally.counts;
    [total, passed, failed, skipped]
}

fn refused(parse: Parse, text: &str) -> String {
    match parse(text) {
        Ok(tally) => panic!("this must be refused, but gives {tally:?}:\n{text}"),
        Err(error) => error.to_string(),
    }
}

fn seen(text: &str) -> Seen {
    let mut seen = Seen::default();
    // what is not found is not looked at
    text.lines()
        .filter(|line| Seen::default().find(line.as_bytes()).is_some())
        .for_each(|line| seen.line(line));
    seen
}

#[test]
fn labels_are_found_anywhere_in_a_line() {
    for (text, expected) in [
        ("Total Tests: 3\nPassed: 2\nFailed: 1", Some([3, 2, 1, 0])),
        (
            "  Total Tests:   3  \n✓ Passed:\t2\n✗ Failed: 1\n○ Skipped: 0",
            Some([3, 2, 1, 0]),
        ),
        ("Total Tests: 3 Passed: 3", Some([3, 3, 0, 0])),
        ("Total Tests: 3/3\nPassed: 3,", Some([3, 3, 0, 0])),
        ("Passed: 1\nTotal Tests: 1\nPassed: 9", Some([1, 1, 0, 0])),
        (
            "Passed: none\nTotal Tests: 2\nPassed: 2",
            Some([2, 2, 0, 0]),
        ),
        ("Total Tests: 3", None),
        ("Passed: 3", None),
        ("Total Tests: -3\nPassed: -3", None),
        ("Total Tests: 99999999999999999999999\nPassed: 1", None),
        ("total tests: 3\npassed: 3", None),
    ] {
        let found = seen(text).labels.counts();
        let found = found.map(|c| [c.total, c.passed, c.failed, c.skipped]);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn the_summaries_of_test_programs_are_known() {
    use RunnerKind::{Jest, Pytest, Script, Unittest};
    for (kind, text, expected) in [
        (Unittest, "Ran 3 tests in 0.001s\n\nOK", Some([3, 3, 0, 0])),
        (
            Unittest,
            "Ran 1 test in 0.001s\n\nOK (skipped=1)",
            Some([1, 0, 0, 1]),
        ),
        (
            Unittest,
            "Ran 9 tests in 1.2s\n\nFAILED (failures=1, errors=2, skipped=1, expected failures=1)",
            Some([9, 5, 3, 1]),
        ),
        (
            Unittest,
            "Ran 2 tests in 1s\nFAILED (unexpected successes=1)",
            Some([2, 1, 1, 0]),
        ),
        (Unittest, "Ran 0 tests in 0.000s\n\nOK", Some([0; 4])),
        (
            Unittest,
            "Ran 0 tests in 0.000s\n\nNO TESTS RAN",
            Some([0; 4]),
        ),
        (
            Unittest,
            "Ran 0 tests in 0.0s\n\nFAILED (errors=1)",
            Some([1, 0, 1, 0]),
        ),
        (Unittest, "OK", None),
        (Unittest, "Ran 3 tests in 0.001s", None),
        (Pytest, "===== 2 passed in 0.01s =====", Some([2, 2, 0, 0])),
        (
            Pytest,
            "= 1 failed, 2 passed, 1 skipped, 1 xfailed, 1 xpassed, 3 warnings in 62.1s (0:01:02) =",
            Some([6, 4, 1, 1]),
        ),
        (
            Pytest,
            "== 1 passed, 1 error in 0.1s ==",
            Some([2, 1, 1, 0]),
        ),
        (Pytest, "== no tests ran in 0.00s ==", Some([0; 4])),
        (Pytest, "3 deselected in 0.01s", Some([0; 4])),
        (Pytest, "found 3 files in 4s", None),
        (
            Jest,
            "Tests:       1 failed, 1 skipped, 1 todo, 2 passed, 5 total",
            Some([5, 2, 1, 2]),
        ),
        (Jest, "Tests:       0 total", Some([0; 4])),
        (Jest, "Tests: many", None),
        (
            Script,
            "== 2 passed in 0.01s ==\nRan 3 tests in 1s\nOK",
            None,
        ),
    ] {
        let found = seen(text).summary.counts(&kind);
        let found = found.map(|c| [c.total, c.passed, c.failed, c.skipped]);
        assert_eq!(found, expected, "{kind}: {text}");
    }
}

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

#[test]
fn junit_counts_the_test_cases() {
    let tally = junit::parse(
        r#"<?xml version="1.0" encoding="utf-8"?>
        <testsuites name="all" tests="5" failures="1" errors="1" time="1.5">
          <testsuite name="inner" tests="5" failures="1" errors="1" skipped="1">
            <properties><property name="a" value="b"/></properties>
            <testcase classname="pkg.T" name="a" time="0.25"/>
            <testcase classname="pkg.T" name="b &amp; c"><failure message="1 &lt; 2">trace
line</failure><system-out><![CDATA[out <b>]]></system-out></testcase>
            <testcase name="d"><error>broke &#33;</error><system-err>err</system-err></testcase>
            <testcase name="e"><skipped message="not here"/></testcase>
            <testcase name="f"><rerunFailure message="x"/></testcase>
            <system-out>noise</system-out>
          </testsuite>
        </testsuites>"#,
    )
    .unwrap();
    assert_eq!(counts(&tally), [5, 2, 2, 1]);
    let cases: Vec<_> = tally
        .cases
        .iter()
        .map(|case| {
            (
                case.name.as_str(),
                case.status,
                case.error_message.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        cases,
        [
            ("pkg.T.a", CaseStatus::Passed, None),
            (
                "pkg.T.b & c",
                CaseStatus::Failed,
                Some("1 < 2\ntrace\nline")
            ),
            ("d", CaseStatus::Error, Some("broke !")),
            ("e", CaseStatus::Skipped, Some("not here")),
            ("f", CaseStatus::Passed, None),
        ]
    );
    assert_eq!(tally.cases[0].duration_ms, 250);
    assert_eq!(tally.cases[1].stdout.as_deref(), Some("out <b>"));
    assert_eq!(tally.cases[2].stderr.as_deref(), Some("err"));
}

#[test]
fn junit_is_read_in_the_encoding_that_it_declares() {
    let name = |document: &[u8]| {
        let tally = junit::parse(&junit::decoded(document).unwrap()).unwrap();
        tally.cases[0].name.clone()
    };
    assert_eq!(
        name(b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='caf\xe9'/></testsuite>"),
        "caf\u{e9}"
    );
    let plain = "<testsuite><testcase name='caf\u{e9}'/></testsuite>";
    assert_eq!(name(plain.as_bytes()), "caf\u{e9}");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(plain.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(name(&wide), "caf\u{e9}", "a byte order mark tells it too");
    let unknown = junit::decoded(b"<?xml version=\"1.0\" encoding=\"klingon\"?><testsuite/>");
    let said = unknown.unwrap_err().to_string();
    assert!(said.contains("encoding `klingon` is not known"), "{said}");
}

#[test]
fn junit_has_other_shapes_too() {
    for (text, expected) in [
        ("<testsuite/>", [0; 4]),
        ("<testsuites></testsuites>", [0; 4]),
        ("<testsuite><testcase name='a'/></testsuite>", [1, 1, 0, 0]),
        (
            "<x:testsuite xmlns:x='u'><x:testcase name='a'/></x:testsuite>",
            [1, 1, 0, 0],
        ),
        (
            "<testsuite tests='3'><testcase name='a'/></testsuite>",
            [3, 1, 0, 0],
        ),
        (
            "<testsuites><testsuite tests='2'><testcase name='a'/><testcase name='b'/></testsuite>\
             <testsuite tests='1'><testcase name='c'/></testsuite></testsuites>",
            [3, 3, 0, 0],
        ),
        (
            "<testsuite tests='1'><testsuite tests='1'><testcase name='a'/></testsuite></testsuite>",
            [1, 1, 0, 0],
        ),
        (
            "<testsuites tests='1'><testsuite tests='3'><testcase name='a'/></testsuite></testsuites>",
            [3, 1, 0, 0],
        ),
        (
            "<testsuite tests='1' failures='1' errors='1'><testcase name='a'><failure/><error/></testcase></testsuite>",
            [1, 0, 1, 0],
        ),
        (
            "<testsuite><testcase name='a'><skipped/><failure/></testcase></testsuite>",
            [1, 0, 1, 0],
        ),
    ] {
        assert_eq!(counts(&junit::parse(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn junit_that_is_broken_or_dangerous_is_refused() {
    let bomb = "<!DOCTYPE t [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><testsuite><testcase name='&b;'/></testsuite>";
    let deep = format!("<testsuite>{}", "<a>".repeat(100));
    for (text, why) in [
        ("", "ends too early"),
        ("hello", "ends too early"),
        ("<html></html>", "root"),
        ("<testsuite>", "ends too early"),
        ("<testsuite><testcase name='a'></testsuite>", "JUnit"),
        ("<testsuite/><testsuite/>", "root"),
        ("<testsuite><testcase/></testsuite>", "no name"),
        (
            "<testsuite><testcase name='a' name='b'/></testsuite>",
            "JUnit",
        ),
        ("<testsuite><testcase name='&x;'/></testsuite>", "JUnit"),
        ("<testsuite>&x;</testsuite>", "entity"),
        (
            "<testsuite failures='1' tests='1'><testcase name='a'/></testsuite>",
            "contradict",
        ),
        (
            "<testsuite errors='2'><testcase name='b'/></testsuite>",
            "2 failed by the attributes, and 0",
        ),
        (
            "<testsuite errors='2'><testcase name='b'><error/></testcase></testsuite>",
            "2 failed by the attributes, and 1",
        ),
        (
            "<testsuites errors='3'><testsuite><testcase name='a'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<testsuites failures='1'><testsuite tests='1'><testcase name='a'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<testsuites><testsuite><testcase name='a'><failure/></testcase></testsuite>\
             <testsuite failures='1'><testcase name='b'/></testsuite></testsuites>",
            "contradict",
        ),
        (
            "<!DOCTYPE testsuite SYSTEM 'file:///etc/passwd'><testsuite/>",
            "document type",
        ),
        (bomb, "document type"),
        (&deep, "levels"),
    ] {
        let said = refused(junit::parse, text);
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn tap_of_all_versions_is_read() {
    for (text, expected) in [
        ("1..2\nok 1 - a\nok 2 - b", [2, 2, 0, 0]),
        ("TAP version 13\nok 1 a\nnot ok 2 b\n1..2", [2, 1, 1, 0]),
        ("TAP version 14\n1..1\nok", [1, 1, 0, 0]),
        ("1..2\r\nok 1\r\nok 2\r\n", [2, 2, 0, 0]),
        ("1..3\nok 2\nok 1\nok 3", [3, 3, 0, 0]),
        (
            "1..2\nok 1 # SKIP no db\nnot ok 2 a # TODO later",
            [2, 0, 0, 2],
        ),
        ("1..2\nok 1 # skipped\nok 2 # todo works", [2, 1, 0, 1]),
        ("1..1\nok 1 - issue #12 # fixed", [1, 1, 0, 0]),
        ("1..1\nnot ok 1 - a \\# TODO b", [1, 0, 1, 0]),
        ("1..0 # SKIP nothing for this host", [1, 0, 0, 1]),
        ("1..0", [0; 4]),
        ("1..3\nok 1\nok 2", [3, 2, 1, 0]),
        (
            "TAP version 14\n1..2\n# Subtest: x\n    not ok 1 - inner # TODO\n    1..1\nok 1 - x\nok 2 - y",
            [2, 2, 0, 0],
        ),
        (
            "noise\npragma +strict\n1..1\n# comment\nokay\nok 1\nnot okay",
            [1, 1, 0, 0],
        ),
    ] {
        assert_eq!(counts(&tap::parse(text).unwrap()), expected, "{text}");
    }
    let tally = tap::parse(
        "1..2\nnot ok 1 - writes\n  ---\n  message: no space\n  at: x.sh\n  ...\nok 2 - sings # SKIP no voice",
    )
    .unwrap();
    let cases: Vec<_> = tally
        .cases
        .iter()
        .map(|case| (case.name.as_str(), case.error_message.as_deref()))
        .collect();
    assert_eq!(
        cases,
        [
            ("writes", Some("message: no space\nat: x.sh")),
            ("sings", Some("no voice"))
        ]
    );
}

#[test]
fn tap_that_is_not_whole_is_refused() {
    for (text, why) in [
        ("", "no plan"),
        ("ok 1\nok 2", "no plan"),
        ("1..2\nok 1\nBail out! disk full", "bailed out: disk full"),
        ("bail out!", "bailed out"),
        ("1..1\n1..1\nok 1", "second plan"),
        ("1..1\nok 1\nok 2", "others came"),
        ("1..2\nok 1\nok 3", "others came"),
        ("1..1\nok 0", "others came"),
        ("1..2\nok 1\nok 1", "second time"),
        ("ok 1\n1..2\nok 2", "after the plan"),
        ("1..x", "no number"),
        ("1..-1", "no number"),
        ("1..99999999999", "no number"),
        ("TAP version 99\n1..0", "not known"),
        ("1..1\nok 99999999999999999999999", "no number"),
    ] {
        let said = refused(tap::parse, text);
        assert!(said.contains(why), "{text}: {said}");
    }
}
