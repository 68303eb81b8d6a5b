//! When the due updates of a registry begin on this host: in a window, and each host of a fleet at its own moment.

use jiff::{SignedDuration, Timestamp};

use super::window::{self, Opening};
use crate::config::Windows;
use crate::host::Share;

/// How long after its moment a turn is missed: packd did not run, or the host slept.
const MISSED: SignedDuration = SignedDuration::from_mins(2);

/// The moment at which due updates begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// When.
    pub at: Timestamp,
    /// Whether the moment before was missed while packd did not run. Such a turn is not put off once more.
    pub late: bool,
}

/// What comes of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It has come.
    Go,
    /// It comes then.
    Wait(Turn),
    /// No window opens within the next weeks.
    Never,
}

/// By what a turn is reckoned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    /// When updates may begin.
    pub windows: &'a Windows,
    /// Over which time those of a fleet are spread.
    pub splay: SignedDuration,
    /// The part of it that this host waits for.
    pub part: Share,
}

impl Rules<'_> {
    /// What comes of a turn that was noted before, if one was. `began` says that packd began just now: what was missed
    /// until then, all hosts that come back together have missed, and they do not make up for it together.
    #[must_use]
    pub(crate) fn step(&self, noted: Option<Turn>, now: Timestamp, began: bool) -> Step {
        let is_open = window::is_open(self.windows, now);
        let Some(fresh) = self.fresh(now) else {
            return Step::Never;
        };
        let Some(noted) = noted else {
            return Self::or_go(
                Turn {
                    at: fresh,
                    late: false,
                },
                now,
                is_open,
            );
        };
        if noted.at > now {
            // windows may have been changed since, or the clock
            let is_good = window::is_open(self.windows, noted.at) && noted.at <= fresh;
            let at = if is_good { noted.at } else { fresh };
            return Self::or_go(Turn { at, ..noted }, now, is_open);
        }
        if !is_open {
            return Step::Wait(Turn {
                at: fresh,
                late: false,
            });
        }
        let is_missed = now.duration_since(noted.at) > MISSED;
        if began && is_missed && !noted.late {
            return Self::or_go(
                Turn {
                    at: fresh,
                    late: true,
                },
                now,
                is_open,
            );
        }
        Step::Go
    }

    fn or_go(turn: Turn, now: Timestamp, is_open: bool) -> Step {
        if turn.at <= now && is_open {
            Step::Go
        } else {
            Step::Wait(turn)
        }
    }

    /// The moment for what becomes known now.
    fn fresh(&self, now: Timestamp) -> Option<Timestamp> {
        let (from, until) = match window::at(self.windows, now) {
            Opening::Open { until } => (now, until),
            Opening::Closed { next } => next?,
        };
        let after = |wait: SignedDuration| from.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let at = after(self.part.of(self.splay));
        Some(match until {
            // a window that is shorter than the splay has all of the fleet in it too
            Some(until) if at >= until => after(self.part.of(until.duration_since(from))),
            _ => at,
        })
    }
}

#[cfg(test)]
mod tests;
