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
        let mut sum = below.unwrap_or_default();
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

/// The counts of an object; what it does not say is taken from what is below it.
///
/// One case may stand for a whole suite, so less may be listed than is counted, but never more of any kind.
fn settled(
    object: &Map<String, Value>,
    below: Option<Counts>,
) -> Result<Option<Counts>, ResultError> {
    let total = number(object, &["totalTests", "total_tests", "total", "tests"])?;
    let passed = number(object, &["passed"])?;
    let listed = below.unwrap_or_default();
    if below.is_none() && (total.is_none() || passed.is_none()) {
        return Ok(None);
    }
    let counts = checked(Counts {
        total: total.unwrap_or(listed.total),
        passed: passed.unwrap_or(listed.passed),
        failed: number(object, &["failed"])?.unwrap_or(listed.failed),
        skipped: number(object, &["skipped"])?.unwrap_or(listed.skipped),
    })?;
    for (what, counted, listed) in [
        ("there are", counts.total, listed.total),
        ("passed", counts.passed, listed.passed),
        ("failed", counts.failed, listed.failed),
        ("were skipped", counts.skipped, listed.skipped),
    ] {
        if listed > counted {
            let why = format!("{counted} {what} by the counts, and {listed} by what they count");
            return Err(ResultError::Contradiction { why });
        }
    }
    agrees(object, counts)?;
    Ok(Some(counts))
}

/// Whether the status of an object, if it has one, is that of its counts.
fn agrees(object: &Map<String, Value>, counts: Counts) -> Result<(), ResultError> {
    let Some(status) = get(object, &["status"]) else {
        return Ok(());
    };
    let text = status.as_str();
    let says_failed = match text.and_then(case_status) {
        Some(CaseStatus::Failed | CaseStatus::Error) => true,
        Some(CaseStatus::Passed | CaseStatus::Skipped) => false,
        // some were left out, or nothing is said about them
        None if text == Some("partial") => false,
        None => {
            let status = status.to_string();
            return Err(malformed(&format!("the status {status} is not known")));
        }
    };
    if says_failed == (counts.failed > 0) {
        return Ok(());
    }
    let why = format!(
        "the status is `{}`, and {} failed",
        text.unwrap_or_default(),
        counts.failed
    );
    Err(ResultError::Contradiction { why })
}

/// What the words for a status mean.
fn case_status(word: &str) -> Option<CaseStatus> {
    match word {
        "passed" | "pass" | "ok" | "success" => Some(CaseStatus::Passed),
        "failed" | "fail" | "failure" => Some(CaseStatus::Failed),
        "skipped" | "skip" => Some(CaseStatus::Skipped),
        "error" => Some(CaseStatus::Error),
        _ => None,
    }
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
    let status = text_of(case, &["status"])
        .and_then(case_status)
        .ok_or_else(|| {
            let name = name.escape_default();
            malformed(&format!("case `{name}` has no status that is known"))
        })?;
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
