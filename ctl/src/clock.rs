//! The time that offline tools write into files: now, or what `SOURCE_DATE_EPOCH` says.
//!
//! A build that must give the same bytes again sets that variable (<https://reproducible-builds.org/specs/source-date-epoch/>);
//! whatever a tool dates is then dated by it. Verbs flatten [`Clock`] into their arguments and read no clock
//! and no environment themselves.

use jiff::Timestamp;

/// Where a tool takes the time from.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Clock {
    /// Seconds since 1970 that stand for now
    #[arg(
        long = "source-date-epoch",
        env = "SOURCE_DATE_EPOCH",
        value_name = "SECONDS"
    )]
    #[arg(value_parser = seconds, allow_hyphen_values = true, hide = true)]
    fixed: Option<Fixed>,
}

/// A value of the variable; an empty one is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fixed(Option<Timestamp>);

impl Clock {
    /// The time itself.
    pub(crate) fn time(self) -> Timestamp {
        self.known().unwrap_or_else(Timestamp::now)
    }

    /// The time to write: RFC 3339 in UTC, whole seconds.
    pub(crate) fn now(self) -> String {
        written(self.time())
    }

    /// The time that stands for now, if there is one, written in the same way.
    pub(crate) fn fixed(self) -> Option<String> {
        self.known().map(written)
    }

    fn known(self) -> Option<Timestamp> {
        self.fixed.and_then(|Fixed(time)| time)
    }
}

fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The option is for the variable's sake, so the message names that.
fn seconds(text: &str) -> Result<Fixed, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Fixed(None));
    }
    let seconds = text.parse().ok().filter(|seconds| *seconds >= 0);
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(|time| Fixed(Some(time))).ok_or_else(|| {
        format!(
            "the variable SOURCE_DATE_EPOCH must be a number of seconds since 1970, at most {}",
            Timestamp::MAX.as_second()
        )
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_fixed_time_is_written_in_utc_with_seconds() {
        let clock = |text| Clock {
            fixed: Some(seconds(text).unwrap()),
        };
        assert_eq!(clock("1769860800").now(), "2026-01-31T12:00:00Z");
        assert_eq!(clock("0").now(), "1970-01-01T00:00:00Z");
        assert_eq!(clock("0").fixed().unwrap(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn an_empty_variable_is_none() {
        let clock = Clock {
            fixed: Some(seconds("").unwrap()),
        };
        assert_eq!(clock.fixed(), None, "it says no time");
        assert_ne!(clock.now(), "1970-01-01T00:00:00Z", "it is now");
    }

    #[test]
    fn the_time_of_the_machine_is_written_the_same_way() {
        let now = Clock { fixed: None }.now();
        assert_eq!(now.len(), "2026-01-31T12:00:00Z".len(), "{now}");
        let read: Timestamp = now.parse().unwrap();
        let off = Timestamp::now().duration_since(read).as_secs();
        assert!((0..60).contains(&off), "{now} is {off} s off");
    }

    #[test]
    fn what_is_no_number_of_seconds_is_refused() {
        for text in ["-1", "now", "1.5", "2026-01-31", "99999999999999999"] {
            let error = seconds(text).unwrap_err();
            assert!(error.contains("SOURCE_DATE_EPOCH"), "`{text}`: {error}");
        }
    }
}
