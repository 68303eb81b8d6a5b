//! Results as TAP.

use super::*;

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

#[test]
fn tap_says_of_the_right_test_why_it_failed() {
    let said = |text: &str| -> Vec<String> {
        let cases = tap::parse(text).unwrap().cases;
        cases
            .into_iter()
            .map(|case| case.error_message.unwrap_or_default())
            .collect()
    };
    // as node and tape write it: nested values keep their place, and comments behind a block begin the next test
    assert_eq!(
        said(
            "TAP version 13\n# one\nnot ok 1 a\n  ---\n    stack: |-\n      at x\n\n  ...\n# two\nok 2 b\n1..2\n# fail 1"
        ),
        ["  stack: |-\n    at x", ""]
    );
    // as bats writes it
    assert_eq!(
        said(
            "1..2\nnot ok 1 a\n# (in test file t.bats, line 3)\n#   `false' failed\nok 2 b\n# no fault"
        ),
        ["(in test file t.bats, line 3)\n`false' failed", ""]
    );
    // a subtest comes before the line of its test
    assert_eq!(
        said(
            "1..3\nnot ok 1 - a\n# Subtest: b\n    ok 1 - fine\n    not ok 2 - inner\n      ---\n      message: m\n      ...\n    1..2\nnot ok 2 - b\n    not ok 1 - known # TODO\n    1..1\nok 3 - c"
        ),
        ["", "not ok 2 - inner\nmessage: m", ""]
    );
    assert_eq!(said("1..1\nnot ok 1 - a\n  at x.sh:3"), ["at x.sh:3"]);
}
