//! From how a program ended, and what it says, to the result of a suite.
//!
//! Neither counts alone: a suite that says that nothing failed and exits with 1 has failed, and one that exits with 0 has
//! as many failures as it says.

use packd_format::manifest::ResultFormat;

use crate::plan::Suite;
use crate::process::{End, Ended};
use crate::program::StartError;
use crate::report::{CaseStatus, Counts, TestCase, TestSuite};
use crate::result::{ResultError, Seen, Tally};

/// The result of a suite that could not be started.
pub(crate) fn unstarted(suite: &Suite, error: &StartError) -> TestSuite {
    let message = error.to_string();
    let case = TestCase {
        error_message: Some(message.clone()),
        ..whole(&format!("{}_execution", suite.name), CaseStatus::Error)
    };
    TestSuite {
        error_message: Some(message),
        was_run: false,
        test_cases: vec![case],
        ..of(suite, Counts::one(false))
    }
}

/// The result of a suite that has ended.
pub(crate) fn of_ended(
    suite: &Suite,
    ended: Ended<Seen>,
    read: Result<Option<Tally>, ResultError>,
) -> TestSuite {
    let end = ended.end;
    let duration_ms = u64::try_from(ended.duration.as_millis()).unwrap_or(u64::MAX);
    let (stdout, stderr) = (text(ended.stdout.text), text(ended.stderr.text));
    let interrupted = interruption(end);
    let (counts, mut cases, problem) = match (interrupted, read) {
        // what it says so far is not what it would have said
        (Some(problem), _) => (Counts::one(false), Vec::new(), Some(problem)),
        (None, Err(error)) => (Counts::one(false), Vec::new(), Some(error.to_string())),
        (None, Ok(None)) => (Counts::one(end == End::Exit(0)), Vec::new(), None),
        (None, Ok(Some(tally))) => (tally.counts, tally.cases, problem(end, tally.counts)),
    };
    let mut made = TestSuite {
        duration_ms,
        exit_code: match end {
            End::Exit(status) => Some(status),
            End::Signal(_) | End::Timeout(_) | End::Cancelled => None,
        },
        was_run: true,
        ..of(suite, counts)
    };
    if cases.is_empty() && (counts.total > 0 || suite.result_format == ResultFormat::Simple) {
        let (name, status) = match &problem {
            Some(_) if !matches!(end, End::Exit(_)) => ("execution", CaseStatus::Error),
            Some(_) => ("suite", CaseStatus::Error),
            None if counts.failed > 0 => ("suite", CaseStatus::Failed),
            None if counts.skipped == counts.total => ("suite", CaseStatus::Skipped),
            None => ("suite", CaseStatus::Passed),
        };
        let reason = match (&problem, end) {
            (Some(problem), _) => Some(problem.clone()),
            (None, End::Exit(code)) if code != 0 => Some(format!("Exit code: {code}")),
            (None, _) => (counts.failed > 0).then(|| format!("{} failed", counts.failed)),
        };
        cases.push(TestCase {
            duration_ms,
            error_message: reason,
            stdout,
            stderr,
            ..whole(&format!("{}_{name}", suite.name), status)
        });
    } else {
        (made.stdout, made.stderr) = (stdout, stderr);
    }
    made.test_cases = cases;
    if let Some(problem) = problem {
        made.error_message = Some(problem);
        // the counts are still what it says; the status is not
        made.status = crate::Status::Failed;
    }
    made
}

/// Why a suite did not come to its end.
fn interruption(end: End) -> Option<String> {
    match end {
        End::Exit(_) => None,
        End::Signal(signal) => Some(format!("it was ended by signal {signal}")),
        End::Timeout(timeout) => {
            let seconds = timeout.as_secs_f64();
            Some(format!("it was not done in {seconds} s, and was ended"))
        }
        End::Cancelled => Some("it was cancelled".to_owned()),
    }
}

/// What is wrong with a suite that says what these counts are.
fn problem(end: End, counts: Counts) -> Option<String> {
    if counts.total == 0 {
        return Some("it ran no tests".to_owned());
    }
    match end {
        End::Exit(code) if code != 0 && counts.failed == 0 => Some(format!(
            "it exited with {code}, and says that nothing failed"
        )),
        End::Exit(_) | End::Signal(_) | End::Timeout(_) | End::Cancelled => None,
    }
}

fn of(suite: &Suite, counts: Counts) -> TestSuite {
    TestSuite {
        name: suite.name.clone(),
        runner_type: suite.kind.as_str(),
        status: counts.status(),
        total: counts.total,
        passed: counts.passed,
        failed: counts.failed,
        skipped: counts.skipped,
        duration_ms: 0,
        exit_code: None,
        error_message: None,
        was_run: false,
        stdout_is_results: false,
        test_cases: Vec::new(),
        stdout: None,
        stderr: None,
    }
}

/// A case that stands for a suite.
fn whole(name: &str, status: CaseStatus) -> TestCase {
    TestCase {
        name: name.to_owned(),
        status,
        duration_ms: 0,
        error_message: None,
        stdout: None,
        stderr: None,
    }
}

fn text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
