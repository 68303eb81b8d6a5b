//! Where a job can go from where it stands.
//!
//! ```text
//!   enqueue ──▶ queued ──claim──▶ running ──succeed──▶ succeeded
//!                │ ▲                │ │ └──fail──────▶ failed
//!                │ └─────requeue────┘ └────cancel────▶ cancelled
//!                └──────cancel───────────────────────▶ cancelled
//! ```
//!
//! `requeue` is a retry, a job that must let an earlier one go first, or a stop
//! of the daemon: a job is repeatable, and runs again from its first step.

use packd_wire::JobStatus;

/// What happens to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// A worker takes it.
    Claim,
    /// It is done.
    Succeed,
    /// It ends with an error.
    Fail,
    /// It goes back to the queue.
    Requeue,
    /// It ends on request.
    Cancel,
}

/// Where `step` leads from `status`; `None` when it is not a way.
#[must_use]
pub(crate) fn next(status: JobStatus, step: Move) -> Option<JobStatus> {
    use JobStatus::{Cancelled, Failed, Queued, Running, Succeeded};
    match (status, step) {
        (Queued, Move::Claim) => Some(Running),
        (Running, Move::Succeed) => Some(Succeeded),
        (Running, Move::Fail) => Some(Failed),
        (Running, Move::Requeue) => Some(Queued),
        (Queued | Running, Move::Cancel) => Some(Cancelled),
        (Queued, Move::Succeed | Move::Fail | Move::Requeue)
        | (Running, Move::Claim)
        | (Succeeded | Failed | Cancelled, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_job_goes_nowhere_and_the_rest_is_as_drawn() {
        use JobStatus::{Cancelled, Failed, Queued, Running, Succeeded};
        let moves = [
            Move::Claim,
            Move::Succeed,
            Move::Fail,
            Move::Requeue,
            Move::Cancel,
        ];
        let table = [
            (Queued, [Some(Running), None, None, None, Some(Cancelled)]),
            (
                Running,
                [
                    None,
                    Some(Succeeded),
                    Some(Failed),
                    Some(Queued),
                    Some(Cancelled),
                ],
            ),
            (Succeeded, [None; 5]),
            (Failed, [None; 5]),
            (Cancelled, [None; 5]),
        ];
        for (from, expected) in table {
            for (step, to) in moves.into_iter().zip(expected) {
                assert_eq!(next(from, step), to, "{from:?} on {step:?}");
            }
        }
    }
}
