//! Times as the database and the wire have them.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

/// Now, as RFC 3339 in UTC with milliseconds: `2026-03-01T09:30:00.125Z`.
///
/// The width is fixed, so that times compare as text.
#[must_use]
pub(crate) fn now() -> String {
    text(Timestamp::now())
}

/// So long from now, in the same form.
#[must_use]
pub(crate) fn after(delay: std::time::Duration) -> String {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    text(
        Timestamp::now()
            .saturating_add(delay)
            .unwrap_or(Timestamp::MAX),
    )
}

/// So long ago, in the same form.
#[must_use]
pub(crate) fn before(age: std::time::Duration) -> String {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    text(
        Timestamp::now()
            .saturating_sub(age)
            .unwrap_or(Timestamp::MIN),
    )
}

/// So long before `time`, in the same form; before what is no time at all, the earliest there is.
#[must_use]
pub(crate) fn earlier(time: &str, by: std::time::Duration) -> String {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    let time = time.parse::<Timestamp>().unwrap_or(Timestamp::MIN);
    text(time.saturating_sub(by).unwrap_or(Timestamp::MIN))
}

/// How long until `time`, zero when it is past or no time at all.
#[must_use]
pub(crate) fn until(time: &str) -> std::time::Duration {
    time.parse::<Timestamp>()
        .ok()
        .and_then(|time| time.duration_since(Timestamp::now()).try_into().ok())
        .unwrap_or_default()
}

/// How long since `time`, zero when it is to come or no time at all.
#[must_use]
pub(crate) fn since(time: &str) -> std::time::Duration {
    time.parse::<Timestamp>()
        .ok()
        .and_then(|time| Timestamp::now().duration_since(time).try_into().ok())
        .unwrap_or_default()
}

/// Whether `time` was within the last `span`. A time to come was not: the clock has been set back since. Nor was what is
/// no time at all.
#[must_use]
pub(crate) fn was_within(time: &str, span: std::time::Duration) -> bool {
    utc(time).is_some() && until(time).is_zero() && since(time) < span
}

/// How much of its day, in UTC, was over at `time`; none of what is no time at all.
#[must_use]
pub(crate) fn of_day(time: &str) -> std::time::Duration {
    const DAY: i64 = 86_400;
    let second = time.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    std::time::Duration::from_secs(second.rem_euclid(DAY).unsigned_abs())
}

/// Whether the time of a file is before `time`. Nothing is before what is no time at all.
#[must_use]
pub(crate) fn is_before(file: SystemTime, time: &str) -> bool {
    let since_1970 = time.parse::<Timestamp>().map(Timestamp::as_millisecond);
    let millis = since_1970.map_or(0, |millis| u64::try_from(millis).unwrap_or_default());
    file < SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(millis)
}

/// A time that somebody wrote, in the same form; `None` for what is no RFC 3339 time.
#[must_use]
pub(crate) fn utc(time: &str) -> Option<String> {
    time.parse().ok().map(text)
}

/// A moment in the same form.
#[must_use]
pub(crate) fn of(moment: Timestamp) -> String {
    text(moment)
}

fn text(time: Timestamp) -> String {
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_to_come_was_not_lately() {
        let hour = Duration::from_hours(1);
        assert!(was_within(&before(Duration::from_mins(1)), hour));
        assert!(!was_within(&before(Duration::from_hours(2)), hour));
        assert!(!was_within(&after(Duration::from_mins(1)), hour));
        assert!(!was_within("lately", hour));
    }

    #[test]
    fn a_day_begins_at_midnight_before_1970_too() {
        let of = |time| of_day(time).as_secs();
        assert_eq!(of("2026-03-01T01:00:07.125Z"), 3607);
        assert_eq!(of("1969-12-31T23:00:00.000Z"), 23 * 3600);
    }

    #[test]
    fn a_file_is_before_a_time_or_not() {
        let millis = Timestamp::now().as_millisecond().unsigned_abs();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        assert!(is_before(now, &after(Duration::from_mins(1))));
        assert!(!is_before(now, &before(Duration::from_mins(1))));
        assert!(!is_before(now, "lately"));
        let hour = Duration::from_hours(1);
        assert_eq!(
            earlier("2026-03-01T00:30:00.125Z", hour),
            "2026-02-28T23:30:00.125Z"
        );
        assert!(earlier("lately", hour) < before(hour));
    }

    #[test]
    fn what_somebody_wrote_is_brought_into_this_form() {
        assert_eq!(
            utc("2026-12-31T19:00:00+01:00").as_deref(),
            Some("2026-12-31T18:00:00.000Z")
        );
        assert_eq!(utc("tomorrow"), None);
    }

    #[test]
    fn times_have_one_width_so_that_they_sort_as_text() {
        assert_eq!(now().len(), "2026-03-01T09:30:00.125Z".len());
        assert!(before(Duration::from_secs(1)) < now() && now() < after(Duration::from_secs(1)));
    }
}
