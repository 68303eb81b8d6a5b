//! The tests in a result's report, which is Attune's document: read as far as it is understood.

use std::collections::BTreeMap;

use packd_wire::TestView;
use serde::Serialize;
use serde_json::Value;

/// One test of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// Its suite and its own name.
    pub(super) name: String,
    /// `passed`, `failed`, `skipped` or `error`.
    pub(super) status: String,
    /// Why it did not pass, and what it wrote.
    texts: Vec<String>,
}

impl Case {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "error")
    }

    /// The lines of what it says.
    pub(super) fn told(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().flat_map(|text| text.trim_end().lines())
    }
}

/// The tests of a result, in their order.
pub(super) fn of(test: &TestView) -> Vec<Case> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let report = test.report.as_ref().unwrap_or(&Value::Null);
    let word = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
    let mut cases = Vec::new();
    for suite in list(report, "testSuites") {
        let suite_name = word(&suite, "name").unwrap_or_default();
        for case in list(&suite, "testCases") {
            let name = word(&case, "name").unwrap_or_default();
            cases.push(Case {
                name: format!("{suite_name}: {name}"),
                status: word(&case, "status").unwrap_or_default(),
                texts: ["errorMessage", "stdout", "stderr"]
                    .iter()
                    .filter_map(|key| word(&case, key))
                    .collect(),
            });
        }
    }
    cases
}

/// A test whose result is another one than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Its suite and its own name.
    pub(super) name: String,
    /// What came of it before; nothing if it was not there.
    pub(super) from: Option<String>,
    /// What came of it last; nothing if it is not there any more.
    pub(super) to: Option<String>,
}

/// What differs between two results, by the names of the tests.
pub(super) fn differences(before: &TestView, after: &TestView) -> Vec<Difference> {
    let by_name = |test: &TestView| -> BTreeMap<String, String> {
        of(test)
            .into_iter()
            .map(|case| (case.name, case.status))
            .collect()
    };
    let (mut before, after) = (by_name(before), by_name(after));
    let mut differences = Vec::new();
    for (name, to) in after {
        let from = before.remove(&name);
        if from.as_ref() != Some(&to) {
            let to = Some(to);
            differences.push(Difference { name, from, to });
        }
    }
    differences.extend(before.into_iter().map(|(name, from)| Difference {
        name,
        from: Some(from),
        to: None,
    }));
    differences
}

#[cfg(test)]
mod tests {
    use packd_wire::TestTrigger;
    use serde_json::json;

    use super::*;

    fn result(id: i64, cases: &[(&str, &str)]) -> TestView {
        let cases: Vec<_> = cases
            .iter()
            .map(|(name, status)| json!({"name": name, "status": status, "stdout": "a\nb\n"}))
            .collect();
        TestView {
            id,
            pack_ref: "demo".to_owned(),
            version: "1.0.0".to_owned(),
            tree: String::new(),
            trigger: TestTrigger::Manual,
            job: 1,
            at: String::new(),
            status: packd_wire::TestStatus::Passed,
            gate: "pass".to_owned(),
            total: 0,
            passed: 0,
            failed: 0,
            skipped: 0,
            pass_rate: 1.0,
            duration_ms: 0,
            error: None,
            sandbox: Value::Null,
            report: Some(json!({"testSuites": [{"name": "s", "testCases": cases}]})),
        }
    }

    #[test]
    fn differences_are_new_gone_and_changed_tests() {
        let before = result(
            1,
            &[("same", "passed"), ("worse", "passed"), ("gone", "failed")],
        );
        let after = result(
            2,
            &[("same", "passed"), ("worse", "failed"), ("new", "passed")],
        );
        let told: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|one| {
                (
                    one.name,
                    one.from.unwrap_or_default(),
                    one.to.unwrap_or_default(),
                )
            })
            .collect();
        let expected = [
            ("s: new", "", "passed"),
            ("s: worse", "passed", "failed"),
            ("s: gone", "failed", ""),
        ];
        assert_eq!(
            told,
            expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
        );
        assert_eq!(of(&after)[0].told().collect::<Vec<_>>(), ["a", "b"]);
    }
}
