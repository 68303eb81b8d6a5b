//! Errors for people: the only place that writes one.
//!
//! ```text
//! error: cannot reach packd at `/run/packd/packd.sock`
//!   caused by: No such file or directory (os error 2)
//! hint: see whether packd runs: systemctl status packd
//! ```

use std::error::Error;
use std::fmt::Write as _;

use packd_wire::{ErrorKind, Exit, JobStatus, JobView, Problem};
use serde_json::Value;

use super::text::clean;
use super::{BAD, GOOD, styled};
use crate::client::ClientError;

/// Why the program did not do what was typed, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    /// The job that has all of it.
    job: Option<i64>,
    exit: Exit,
}

impl Failure {
    /// A failure that is explained in one line.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            causes: Vec::new(),
            hint: None,
            job: None,
            exit,
        }
    }

    /// What was being done, and the error that ended it with everything that led to it.
    pub(crate) fn of(exit: Exit, doing: impl Into<String>, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, doing);
        let mut next = Some(error);
        while let Some(error) = next {
            failure.cause(&error.to_string());
            next = error.source();
        }
        failure
    }

    /// An error whose own words say what was being done.
    pub(crate) fn of_error(exit: Exit, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, error.to_string());
        let mut next = error.source();
        while let Some(error) = next {
            failure.cause(&error.to_string());
            next = error.source();
        }
        failure
    }

    /// The same with one thing to try.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with one thing to try, where there is one.
    pub(crate) fn with_hint_of(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// The same as it happened to one of several things.
    pub(crate) fn about(mut self, subject: &str) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Why a job that has ended did not succeed; nothing when it did.
    pub(crate) fn of_job(job: &JobView) -> Option<Self> {
        let failure = match (job.status, &job.error) {
            (JobStatus::Queued | JobStatus::Running | JobStatus::Succeeded, _) => return None,
            (JobStatus::Failed | JobStatus::Cancelled, Some(problem)) => Self::from(problem),
            (JobStatus::Failed, None) => Self::new(
                Exit::Failed,
                format!("job {} failed without a reason", job.id),
            ),
            (JobStatus::Cancelled, None) => Self::new(
                ErrorKind::Cancelled.exit(),
                format!("job {} was cancelled; nothing has changed", job.id),
            ),
        };
        Some(Self {
            job: Some(job.id),
            ..failure.about(&job.summary)
        })
    }

    /// What the program exits with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The lines of it, each ended.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, body: &str| {
            let written = writeln!(text, "{label}{}", clean(body));
            debug_assert!(written.is_ok(), "a String takes every write");
        };
        line(&format!("{} ", styled(BAD, "error:")), &self.message);
        for cause in &self.causes {
            line("  caused by: ", cause);
        }
        if let Some(hint) = &self.hint {
            line(&format!("{} ", styled(GOOD, "hint:")), hint);
        }
        if let Some(job) = self.job {
            line("job: ", &format!("{job}, see packctl job show {job}"));
        }
        text
    }

    /// Adds a cause, unless the text before it already ends with it: wrapped errors repeat themselves.
    fn cause(&mut self, text: &str) {
        let before = self.causes.last().unwrap_or(&self.message);
        if !before.ends_with(text) {
            self.causes.push(text.to_owned());
        }
    }
}

impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        Self {
            message: problem.detail.clone(),
            causes: problem.causes.clone(),
            hint: problem.hint.clone(),
            job: None,
            exit: problem.kind.exit(),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let ClientError::Refused(problem) = &error {
            return Self::from(problem.as_ref());
        }
        Self::of_error(error.exit(), &error).with_hint_of(error.hint())
    }
}

/// A problem as it is on the wire in one line: what happened, and what led to it.
pub(crate) fn in_a_line(problem: &Value) -> Option<String> {
    let detail = problem["detail"].as_str()?;
    let mut failure = Failure::new(Exit::Failed, detail);
    let causes = problem["causes"].as_array().into_iter().flatten();
    for cause in causes.filter_map(Value::as_str) {
        failure.cause(cause);
    }
    let mut line = failure.message;
    for cause in failure.causes {
        line.push_str(": ");
        line.push_str(&cause);
    }
    Some(line)
}

#[cfg(test)]
mod tests;
