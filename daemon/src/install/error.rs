//! How a step ends other than well.

use std::time::Duration;

use packd_wire::{ErrorKind, Problem};

use crate::resolve::ResolveError;
use crate::source::SourceError;
use crate::store::StoreError;

use super::check::CheckError;
use super::inspect::InspectError;
use super::test::TestError;

/// Why an attempt did not go through.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The job failed.
    Failed {
        /// What people are told.
        problem: Box<Problem>,
        /// Whether the same job should be tried again.
        transient: bool,
        /// How long the other side asked to wait.
        retry_after: Option<Duration>,
    },
    /// Another job changed what the plan was made on: plan again, now.
    Outdated,
    /// An earlier job that touches the same packs, or may do so, goes first.
    After(i64),
    /// The job was cancelled, or the daemon stops.
    Stopped,
}

impl StepError {
    /// A defect in packd stopped the step.
    #[must_use]
    pub(crate) fn panicked() -> Self {
        let problem = Problem::new(
            ErrorKind::Internal,
            "a step panicked: this is a defect in packd",
        )
        .with_hint("`journalctl -u packd` has the details; please report them");
        Self::final_one(problem)
    }

    /// None of several ways worked. What the first one said matters most; whether and when to try again is
    /// decided by all of them.
    #[must_use]
    pub(super) fn of_several(failures: Vec<Self>) -> Self {
        let mut passing = false;
        let mut wait: Option<Duration> = None;
        let mut first = None;
        for failure in failures {
            let Self::Failed {
                problem,
                transient,
                retry_after,
            } = failure
            else {
                return failure;
            };
            if transient {
                passing = true;
                let this = retry_after.unwrap_or_default();
                // the one that may be asked soonest
                wait = Some(wait.map_or(this, |wait| wait.min(this)));
            }
            first.get_or_insert(problem);
        }
        let Some(mut problem) = first else {
            return Self::panicked();
        };
        problem.retryable |= passing;
        Self::Failed {
            problem,
            transient: passing,
            retry_after: wait.filter(|wait| !wait.is_zero()),
        }
    }

    /// The packs of a plan led to others again and again.
    #[must_use]
    pub(super) fn incomplete(rounds: usize) -> Self {
        let text = format!(
            "the plan is not complete after {rounds} rounds: what was brought needs ever more packs"
        );
        let problem = Problem::new(ErrorKind::PlanIncomplete, text).with_hint(
            "the index of a registry does not say what its packs need; tell whoever keeps it",
        );
        Self::final_one(problem)
    }

    pub(super) fn final_one(problem: Problem) -> Self {
        Self::Failed {
            problem: Box::new(problem),
            transient: false,
            retry_after: None,
        }
    }

    /// The same with lines below the problem's own.
    fn with_causes(mut self, causes: &[String]) -> Self {
        if let Self::Failed { problem, .. } = &mut self {
            problem.causes.extend_from_slice(causes);
        }
        self
    }

    fn of(
        kind: ErrorKind,
        error: &dyn std::error::Error,
        hint: Option<String>,
        transient: bool,
    ) -> Self {
        let mut problem = Problem::of_error(kind, error);
        problem.hint = hint;
        problem.retryable = transient || kind == ErrorKind::NoSpace;
        Self::Failed {
            problem: Box::new(problem),
            transient,
            retry_after: None,
        }
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::of(error.kind(), &error, error.hint(), false)
    }
}

impl From<ResolveError> for StepError {
    fn from(error: ResolveError) -> Self {
        if matches!(error, ResolveError::Stopped) {
            return Self::Stopped;
        }
        let mut step = Self::of(error.kind(), &error, error.hint(), error.is_transient());
        if let Self::Failed { problem, .. } = &mut step {
            problem.causes.extend_from_slice(error.sentences());
        }
        step
    }
}

impl From<SourceError> for StepError {
    fn from(error: SourceError) -> Self {
        if error.is_cancelled() {
            return Self::Stopped;
        }
        match Self::of(error.kind(), &error, error.hint(), error.is_transient()) {
            Self::Failed {
                mut problem,
                transient,
                ..
            } => {
                // fetch and unpack are under way together: which of them it was is known here alone
                problem.step = Some(error.step());
                Self::Failed {
                    problem,
                    transient,
                    retry_after: error.retry_after(),
                }
            }
            other => other,
        }
    }
}

impl From<InspectError> for StepError {
    fn from(error: InspectError) -> Self {
        Self::of(error.kind(), &error, error.hint(), false)
    }
}

impl From<TestError> for StepError {
    fn from(error: TestError) -> Self {
        Self::of(error.kind(), &error, error.hint(), false).with_causes(error.examples())
    }
}

impl From<CheckError> for StepError {
    fn from(error: CheckError) -> Self {
        Self::of(error.kind(), &error, Some(error.hint()), false).with_causes(error.causes())
    }
}
