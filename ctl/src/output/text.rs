//! Small texts for people: what came from outside made harmless, times, sizes, lists.

use std::borrow::Cow;

use jiff::Timestamp;
use packd_wire::QualityView;

/// A text from outside on one line of a terminal, without power over it.
///
/// Line breaks and tabs become spaces; other control characters, and those that
/// change the direction of writing, are shown as their escapes.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() && !is_bidi(c);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.trim_end().chars() {
        match c {
            '\n' | '\t' | '\r' => cleaned.push(' '),
            c if harmless(c) => cleaned.push(c),
            c => cleaned.extend(c.escape_default()),
        }
    }
    Cow::Owned(cleaned)
}

fn is_bidi(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// `3 min ago`, `in 2 h`; the date of what is more than a month away; the text itself of what is no time.
pub(crate) fn ago(time: &str, now: Timestamp) -> String {
    let Ok(at) = time.parse::<Timestamp>() else {
        return clean(time).into_owned();
    };
    // what is 1.99 s away is not `in 1 s`
    let seconds = now.duration_since(at).as_millis().div_euclid(1000);
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let span = |seconds: u64| match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    };
    match seconds {
        0..=4 => "just now".to_owned(),
        5..2_678_400 => format!("{} ago", span(seconds.unsigned_abs())),
        -2_678_400..0 => format!("in {}", span(seconds.unsigned_abs())),
        _ => at.strftime("%Y-%m-%d").to_string(),
    }
}

/// `2026-03-01 14:05:06 UTC, 3 min ago`: for where one time is looked at closely.
pub(crate) fn moment(time: &str, now: Timestamp) -> String {
    let Ok(at) = time.parse::<Timestamp>() else {
        return clean(time).into_owned();
    };
    let (date, relative) = (
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        ago(time, now),
    );
    if date.starts_with(&relative) {
        date
    } else {
        format!("{date}, {relative}")
    }
}

/// `0.08 s`, `4.2 s`, `3 min 20 s`, `5 h 3 min`, `2 days 4 h`.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("0.{:02} s", milliseconds / 10),
        1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400..172_800 => format!("1 day {} h", seconds % 86_400 / 3_600),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Milliseconds from one time to another; nothing unless both are times in this order.
pub(crate) fn milliseconds_between(from: &str, to: &str) -> Option<u64> {
    let (from, to) = (
        from.parse::<Timestamp>().ok()?,
        to.parse::<Timestamp>().ok()?,
    );
    u64::try_from(to.duration_since(from).as_millis()).ok()
}

/// `1.20 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// `1 pack`, `2 packs`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// `2 installs, failed 1 ×`: how this version fared.
pub(crate) fn quality(quality: QualityView) -> String {
    let QualityView {
        installs,
        failures,
        tests_passed,
        tests_failed,
    } = quality;
    let mut text = count(installs, "install", "installs");
    for (number, what) in [
        (failures, "failed"),
        (tests_passed, "tests passed"),
        (tests_failed, "tests failed"),
    ] {
        if number > 0 {
            text = format!("{text}, {what} {number} ×");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(clean("plain, ünïcödé ✓"), "plain, ünïcödé ✓");
        assert_eq!(clean("\u{1b}[31mred\u{7}"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(clean("two\nlines\tand tab\n"), "two lines and tab");
        assert_eq!(clean("a\u{202e}b\u{9b}c"), "a\\u{202e}b\\u{9b}c");
    }

    #[test]
    fn times_are_said_from_where_the_reader_is() {
        let now = "2026-03-01T12:00:00Z".parse::<Timestamp>().expect("a time");
        for (time, said) in [
            ("2026-03-01T11:59:58Z", "just now"),
            ("2026-03-01T11:59:30Z", "30 s ago"),
            ("2026-03-01T11:57:00.5Z", "2 min ago"),
            ("2026-03-01T09:00:00Z", "3 h ago"),
            ("2026-02-28T11:00:00Z", "1 day ago"),
            ("2026-02-20T12:00:00Z", "9 days ago"),
            ("2025-12-24T12:00:00Z", "2025-12-24"),
            ("2026-03-01T12:05:00Z", "in 5 min"),
            ("2026-03-01T12:00:02Z", "in 2 s"),
            ("2026-03-01T12:00:01.994Z", "in 2 s"),
            ("2026-03-01T12:00:00.4Z", "in 1 s"),
            ("never\u{1b}", "never\\u{1b}"),
        ] {
            assert_eq!(ago(time, now), said, "{time}");
        }
        assert_eq!(
            moment("2026-03-01T11:57:00Z", now),
            "2026-03-01 11:57:00 UTC, 3 min ago"
        );
        assert_eq!(
            moment("2025-12-24T12:00:00Z", now),
            "2025-12-24 12:00:00 UTC"
        );
    }

    #[test]
    fn durations_have_the_precision_that_matters() {
        for (milliseconds, said) in [
            (0, "0.00 s"),
            (84, "0.08 s"),
            (999, "0.99 s"),
            (4_250, "4.2 s"),
            (200_000, "3 min 20 s"),
            (18_200_000, "5 h 3 min"),
            (90_000_000, "1 day 1 h"),
            (187_200_000, "2 days 4 h"),
        ] {
            assert_eq!(duration(milliseconds), said);
        }
    }
}
