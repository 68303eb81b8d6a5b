#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

mod in_json;
mod in_junit;
mod in_tap;
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
