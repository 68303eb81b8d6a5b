//! Format `json`: Attune's result document, with its keys in either spelling (`totalTests`, `total_tests`).
//!
//! Counts stand at the top, or are those of the suites, or those of the cases; at whatever level they are given, they
//! must agree with what is below.

use serde_json::{Map, Value};

use super::{MAX_CASES, ResultError, Tally, bounded, checked, some};
use crate::report::{CaseStatus, Counts, TestCase};

const FORMAT: &str = "JSON document of results";

/// Reads a document. What stands before its first line that begins with `{` is not part of it.
pub(super) fn parse(text: &str) -> Result<Tally, ResultError> {
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(document(text)).map_err(|error| malformed(&error))?;
    let Value::Object(root) = &value else {
        return Err(malformed(&"it is not an object"));
    };
    let mut cases = cases(root, "")?;
    let mut below = (!cases.is_empty()).then(|| Counts::of(&cases));
    if let Some(suites) = list(root, &["testSuites", "test_suites", "suites"])? {
        let mut sum = Counts::default();
        for suite in suites {
            let Value::Object(suite) = suite else {
                return Err(malformed(&"a suite is not an object"));
            };
            let name = text_of(suite, &["name"]).unwrap_or_default();
            let prefix = if suites.len() > 1 { name } else { "" };
            let listed = self::cases(suite, prefix)?;
            sum += settled(suite, Some(Counts::of(&listed)).filter(|c| c.total > 0))?
                .ok_or_else(|| malformed(&"a suite has neither counts nor cases"))?;
            cases.extend(listed);
            if cases.len() > MAX_CASES {
                return Err(ResultError::TooMany { limit: MAX_CASES });
            }
        }
        below = Some(sum);
    }
    let counts = settled(root, below)?.ok_or_else(|| malformed(&"it has no counts"))?;
    if text_of(root, &["status"]) == Some("failed") && counts.failed == 0 {
        return Err(ResultError::Contradiction {
            why: "the status is `failed`, and no test failed".to_owned(),
        });
    }
    Ok(Tally { counts, cases })
}

/// The document in a text that may begin with lines of something else.
fn document(text: &str) -> &str {
    if text.trim_start().starts_with('{') {
        return text;
    }
    text.find("\n{").map_or(text, |at| &text[at + 1..])
}

fn malformed(why: &dyn std::fmt::Display) -> ResultError {
    ResultError::Malformed {
        format: FORMAT,
        why: why.to_string(),
    }
}

/// The counts of an object; those below it where it has none.
fn settled(
    object: &Map<String, Value>,
    below: Option<Counts>,
) -> Result<Option<Counts>, ResultError> {
    let total = number(object, &["totalTests", "total_tests", "total", "tests"])?;
    let passed = number(object, &["passed"])?;
    let (Some(total), Some(passed)) = (total, passed) else {
        return Ok(below);
    };
    let counts = checked(Counts {
        total,
        passed,
        failed: number(object, &["failed"])?.unwrap_or(0),
        skipped: number(object, &["skipped"])?.unwrap_or(0),
    })?;
    if let Some(below) = below
        && below.failed > counts.failed
    {
        let why = format!(
            "{} failed by the counts, and {} by what they count",
            counts.failed, below.failed
        );
        return Err(ResultError::Contradiction { why });
    }
    Ok(Some(counts))
}

/// The cases of an object, their names after a prefix.
fn cases(object: &Map<String, Value>, prefix: &str) -> Result<Vec<TestCase>, ResultError> {
    let items = list(object, &["testCases", "test_cases", "cases"])?.unwrap_or_default();
    if items.len() > MAX_CASES {
        return Err(ResultError::TooMany { limit: MAX_CASES });
    }
    items.iter().map(|item| case(item, prefix)).collect()
}

fn case(item: &Value, prefix: &str) -> Result<TestCase, ResultError> {
    let Value::Object(case) = item else {
        return Err(malformed(&"a case is not an object"));
    };
    let name = text_of(case, &["name"]).ok_or_else(|| malformed(&"a case has no name"))?;
    let status = match text_of(case, &["status"]) {
        Some("passed" | "pass" | "ok") => CaseStatus::Passed,
        Some("failed" | "fail") => CaseStatus::Failed,
        Some("skipped" | "skip") => CaseStatus::Skipped,
        Some("error") => CaseStatus::Error,
        _ => {
            let why = format!(
                "case `{}` has no status that is known",
                name.escape_default()
            );
            return Err(malformed(&why));
        }
    };
    let text = |keys: &[&str]| text_of(case, keys).and_then(some);
    Ok(TestCase {
        name: if prefix.is_empty() {
            bounded(name)
        } else {
            bounded(&format!("{prefix}.{name}"))
        },
        status,
        duration_ms: number(case, &["durationMs", "duration_ms"])?.unwrap_or(0),
        error_message: text(&["errorMessage", "error_message", "message"]),
        stdout: text(&["stdout"]),
        stderr: text(&["stderr"]),
    })
}

fn get<'v>(object: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v Value> {
    keys.iter()
        .find_map(|key| object.get(*key))
        .filter(|value| !value.is_null())
}

fn text_of<'v>(object: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    get(object, keys)?.as_str()
}

fn number(object: &Map<String, Value>, keys: &[&str]) -> Result<Option<u64>, ResultError> {
    let Some(value) = get(object, keys) else {
        return Ok(None);
    };
    let number = value.as_u64().ok_or_else(|| {
        let key = keys.first().copied().unwrap_or_default();
        malformed(&format!("`{key}` is not a whole number from 0 on"))
    })?;
    Ok(Some(number))
}

fn list<'v>(
    object: &'v Map<String, Value>,
    keys: &[&str],
) -> Result<Option<&'v [Value]>, ResultError> {
    match get(object, keys) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => {
            let key = keys.first().copied().unwrap_or_default();
            Err(malformed(&format!("`{key}` is not a list")))
        }
    }
}
