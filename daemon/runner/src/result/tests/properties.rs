//! What holds whatever the text is: an answer, and counts that can be true.

use proptest::prelude::*;

use super::*;

/// Whatever was read can be true.
fn consistent(result: &Result<Tally, ResultError>) -> Result<(), TestCaseError> {
    if let Ok(tally) = result {
        prop_assert!(tally.counts.told() <= tally.counts.total, "{tally:?}");
        prop_assert!(
            tally.cases.len() <= MAX_CASES,
            "{} cases",
            tally.cases.len()
        );
        let listed = Counts::of(&tally.cases);
        prop_assert!(
            listed.failed == 0 || tally.counts.failed > 0,
            "a failure that is listed is counted: {tally:?}"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        for parse in [json::parse as Parse, junit::parse, tap::parse] {
            consistent(&parse(&text))?;
        }
        let seen = seen(&text);
        let _counts = seen.labels.counts().map(checked);
    }

    #[test]
    fn any_text_like_tap_is_answered(
        lines in proptest::collection::vec(
            "(1\\.\\.[0-9]{1,3}|(not )?ok ?[0-9]{0,2}( - [a-z#\\\\]{0,5})?( # (SKIP|TODO|todo)[ a-z]{0,4})?|    ok 1|Bail out!|  ---)",
            0..12,
        )
    ) {
        consistent(&tap::parse(&lines.join("\n")))?;
    }

    #[test]
    fn any_text_like_junit_is_answered(
        parts in proptest::collection::vec(
            "(<testsuites?( (tests|failures|errors)='[0-9]{1,2}'){0,2}>|</testsuites?>|<testcase name='[a-z]'/?>|</testcase>|<(failure|skipped)/>|[a-z&;]{1,3})",
            0..14,
        )
    ) {
        consistent(&junit::parse(&parts.concat()))?;
        consistent(&junit::parse(&format!("<testsuite>{}</testsuite>", parts.concat())))?;
    }

    #[test]
    fn any_document_like_ours_is_answered(
        total in 0_u64..9, passed in 0_u64..9, failed in 0_u64..9, listed in 0_usize..5, status in "(passed|failed)"
    ) {
        let cases = vec![serde_json::json!({"name": "a", "status": status}); listed];
        let text = serde_json::json!({
            "total": total, "passed": passed, "failed": failed, "testSuites": [{"name": "s", "testCases": cases}]
        });
        consistent(&json::parse(&text.to_string()))?;
    }

    #[test]
    fn any_summary_gives_counts_that_can_be_true(
        lines in proptest::collection::vec(
            "(Ran [0-9]{1,20} tests? in 1s|(OK|FAILED) \\(((failures|errors|skipped)=[0-9]{1,20}(, )?){0,3}\\)|= ([0-9]{1,20} (passed|failed|skipped), ){1,3}1 error in 1s =|Tests: [0-9]{1,20} (passed|failed), 9 total|(Total Tests|Passed|Failed|Skipped): [0-9]{1,20})",
            0..8,
        )
    ) {
        let seen = seen(&lines.join("\n"));
        let kinds = [RunnerKind::Unittest, RunnerKind::Pytest, RunnerKind::Jest];
        let found = kinds.iter().filter_map(|kind| seen.summary.counts(kind)).chain(seen.labels.counts());
        for counts in found {
            if let Ok(counts) = checked(counts) {
                prop_assert!(counts.told() <= counts.total, "{counts:?}");
            }
        }
    }
}
