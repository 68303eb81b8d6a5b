//! When registries are asked. Pure: the time, the host and what happened come in.
//!
//! A fleet must not ask in step. Each host stretches its interval by a part of its own, so that hosts which were set up
//! together drift apart; the pauses after failures are stretched likewise; and who finds on waking up that something was
//! due long ago waits for a moment of its own. All of it is decided by the host's id and the registry's name, so it is the same
//! after a restart.
//!
//! # What a registry sees
//!
//! For `n` hosts and a `refresh` of `r`: a host asks at most once in `r` while all is well, so `n / r` a minute on
//! average. One that fails asks at most 8 times in the hour after its first failure (after 0, 30, 90, 210, 450, 930 and 1890 s,
//! and once by the plan before), and after that no more often than once in `r` again. Hosts that wake up together ask within a
//! quarter of `r`, 10 minutes at most.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::host::Host;

/// The pause after a first failure; it doubles with each, up to the registry's `refresh`.
const FIRST_PAUSE: Duration = Duration::from_secs(30);

/// Who is later than this was not there when it was time.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// In this time those who were away ask again; less where `refresh` is short.
const CATCH_UP: Duration = Duration::from_mins(10);

/// No server can put the next look off for longer than a day.
const FAR: Duration = Duration::from_hours(25);

/// How one host asks one registry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace<'a> {
    /// The host.
    pub host: &'a Host,
    /// The registry.
    pub registry: &'a str,
    /// How old its index may become.
    pub refresh: Duration,
}

/// When a registry is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Now.
    Now,
    /// Then.
    At(Timestamp),
    /// It should have been asked while nobody was there to do it, and is asked then.
    CatchUp(Timestamp),
}

impl Pace<'_> {
    /// The pause after a success: `refresh`, and up to a tenth of it that is always the same for this host.
    pub(super) fn after_success(self) -> Duration {
        self.refresh + self.stretch(self.refresh / 10, &["interval"])
    }

    /// The pause after the `failures`th failure in a row, no shorter than the server `asked` for.
    pub(super) fn after_failure(self, failures: u32, asked: Option<Duration>) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        let pause = FIRST_PAUSE
            .saturating_mul(doubled)
            .min(self.refresh.max(FIRST_PAUSE))
            .max(asked.unwrap_or_default());
        pause.saturating_add(self.stretch(pause / 2, &["failure", &failures.to_string()]))
    }

    /// When it is to be asked, by what was planned.
    pub(super) fn due(self, planned: Option<Timestamp>, now: Timestamp) -> Due {
        let Some(planned) = planned else {
            return Due::Now;
        };
        // further away than it can have been planned: the clock has been set back since
        let far = self.refresh.saturating_mul(2).max(FAR);
        if planned > later(now, far) {
            return Due::Now;
        }
        if planned > now {
            return Due::At(planned);
        }
        if now.duration_since(planned) <= LATE {
            return Due::Now;
        }
        let within = CATCH_UP.min(self.refresh / 4);
        Due::CatchUp(later(now, self.stretch(within, &["catch up"])))
    }

    /// A part of a time, of this host's own.
    fn stretch(self, most: Duration, words: &[&str]) -> Duration {
        let words = [&["pace", self.registry], words].concat();
        let most = SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX);
        self.host.lot(&words).of(most).unsigned_abs()
    }
}

/// So much later; at the end of all times where there is no such time.
fn later(at: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    at.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
