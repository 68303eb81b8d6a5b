//! When windows are open: by the clock on the wall of their zone, and by nothing else.
//!
//! A moment is in a window when a clock there shows a time from `from` until before `to`. So where clocks are set forward
//! a window has as much less as was skipped, and does not open at all when all of it was; where they are set back it is
//! open each time that they show one of its times.

use jiff::civil::{Date, DateTime};
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::config::{Window, Windows};

/// How far ahead an opening is looked for. Each week is like the one before but for changes of the clock, and two of
/// these in a row do not swallow the same window twice.
const HORIZON: i64 = 16;

/// Whether windows are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// They are, until then at least; without an end there is no window, or one follows the other.
    Open {
        /// When they close.
        until: Option<Timestamp>,
    },
    /// They are not.
    Closed {
        /// From when until when they are the next time; none within the next weeks.
        next: Option<(Timestamp, Option<Timestamp>)>,
    },
}

/// Whether windows are open at a moment.
#[must_use]
pub(crate) fn at(windows: &Windows, now: Timestamp) -> Opening {
    if windows.0.is_empty() {
        return Opening::Open { until: None };
    }
    let moments = boundaries(windows, now);
    let closes = |after: Timestamp| {
        let mut later = moments.iter().filter(|moment| **moment > after);
        later.find(|moment| !is_open(windows, **moment)).copied()
    };
    if is_open(windows, now) {
        return Opening::Open { until: closes(now) };
    }
    let mut later = moments.iter().filter(|moment| **moment > now);
    let opens = later.find(|moment| is_open(windows, **moment)).copied();
    Opening::Closed {
        next: opens.map(|opens| (opens, closes(opens))),
    }
}

/// Whether one of them is open.
#[must_use]
pub(crate) fn is_open(windows: &Windows, now: Timestamp) -> bool {
    windows.0.is_empty() || windows.0.iter().any(|window| has(window, now))
}

fn has(window: &Window, now: Timestamp) -> bool {
    let local = window.zone.resolve().to_datetime(now);
    let (day, time) = (local.date(), local.time());
    let opens_on = |day: Date| window.days.contains(&day.weekday());
    if window.from < window.to {
        return opens_on(day) && window.from <= time && time < window.to;
    }
    let began_today = opens_on(day) && window.from <= time;
    let began_yesterday = day.yesterday().is_ok_and(opens_on) && time < window.to;
    began_today || began_yesterday
}

/// Every moment soon after `now` at which one of them may open or close, in order.
fn boundaries(windows: &Windows, now: Timestamp) -> Vec<Timestamp> {
    let mut moments = Vec::new();
    let end = now
        .saturating_add(SignedDuration::from_hours(24 * HORIZON))
        .unwrap_or(Timestamp::MAX);
    for window in &windows.0 {
        let zone = window.zone.resolve();
        let first = zone.to_datetime(now).date();
        for ahead in -1..=HORIZON {
            let Ok(day) = first.checked_add(ahead.days()) else {
                continue;
            };
            for time in [window.from, window.to] {
                let shown = DateTime::from_parts(day, time);
                moments.extend(moments_of(
                    zone.to_ambiguous_timestamp(shown).offset(),
                    shown,
                ));
            }
        }
        // where a clock is changed, it may show another window from then on
        let changes = zone.following(now).map(|change| change.timestamp());
        moments.extend(changes.take_while(|change| *change <= end));
    }
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// The moments at which a clock shows a time, or would if it were not changed.
fn moments_of(offset: AmbiguousOffset, shown: DateTime) -> impl Iterator<Item = Timestamp> {
    let offsets = match offset {
        AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            [Some(before), Some(after)]
        }
    };
    let offsets = offsets.into_iter().flatten();
    offsets.filter_map(move |offset| offset.to_timestamp(shown).ok())
}

#[cfg(test)]
mod tests;
