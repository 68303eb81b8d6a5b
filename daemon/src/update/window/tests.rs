#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use jiff::civil::{Time, Weekday, time};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::config::Zone;

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

fn window(days: &[Weekday], from: Time, to: Time, zone: &str) -> Windows {
    Windows(vec![Window {
        days: days.to_vec(),
        from,
        to,
        zone: Zone::Named(TimeZone::get(zone).unwrap()),
    }])
}

fn clock(hour: i8, minute: i8) -> Time {
    time(hour, minute, 0, 0)
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What is told of a moment: `until T`, or `T to T`.
fn told(windows: &Windows, now: &str) -> String {
    let text =
        |moment: Option<Timestamp>| moment.map_or_else(|| "ever".to_owned(), |at| at.to_string());
    match at(windows, moment(now)) {
        Opening::Open { until } => format!("until {}", text(until)),
        Opening::Closed { next: None } => "never".to_owned(),
        Opening::Closed {
            next: Some((from, until)),
        } => format!("{from} to {}", text(until)),
    }
}

#[test]
fn without_windows_it_is_any_time() {
    assert_eq!(
        told(&Windows::default(), "2026-03-01T00:00:00Z"),
        "until ever"
    );
}

#[test]
fn days_are_those_on_which_a_window_opens() {
    let weekend = window(
        &[Weekday::Saturday, Weekday::Sunday],
        clock(2, 0),
        clock(5, 0),
        "UTC",
    );
    // 2026-03-06 is a Friday
    assert_eq!(
        told(&weekend, "2026-03-06T12:00:00Z"),
        "2026-03-07T02:00:00Z to 2026-03-07T05:00:00Z"
    );
    assert_eq!(
        told(&weekend, "2026-03-07T02:00:00Z"),
        "until 2026-03-07T05:00:00Z"
    );
    assert_eq!(
        told(&weekend, "2026-03-07T05:00:00Z"),
        "2026-03-08T02:00:00Z to 2026-03-08T05:00:00Z"
    );
    assert_eq!(
        told(&weekend, "2026-03-08T05:00:00Z"),
        "2026-03-14T02:00:00Z to 2026-03-14T05:00:00Z"
    );
}

#[test]
fn a_window_lasts_over_midnight() {
    let night = window(&[Weekday::Friday], clock(22, 0), clock(4, 0), "UTC");
    assert_eq!(
        told(&night, "2026-03-06T21:59:59Z"),
        "2026-03-06T22:00:00Z to 2026-03-07T04:00:00Z"
    );
    assert_eq!(
        told(&night, "2026-03-07T03:59:00Z"),
        "until 2026-03-07T04:00:00Z"
    );
    assert_eq!(
        told(&night, "2026-03-07T22:30:00Z"),
        "2026-03-13T22:00:00Z to 2026-03-14T04:00:00Z"
    );
    let evening = window(&WEEK, clock(22, 0), clock(0, 0), "UTC");
    assert_eq!(
        told(&evening, "2026-03-06T23:00:00Z"),
        "until 2026-03-07T00:00:00Z"
    );
}

#[test]
fn zones_have_their_own_clock() {
    let berlin = window(&WEEK, clock(2, 0), clock(5, 0), "Europe/Berlin");
    assert_eq!(
        told(&berlin, "2026-01-10T00:00:00Z"),
        "2026-01-10T01:00:00Z to 2026-01-10T04:00:00Z"
    );
    assert_eq!(
        told(&berlin, "2026-07-10T00:30:00Z"),
        "until 2026-07-10T03:00:00Z"
    );
}

#[test]
fn what_a_clock_skips_is_missing_from_the_window() {
    // in Berlin 02:00 to 03:00 does not exist on 2026-03-29: 03:00 comes at 01:00 UTC
    let night = window(&WEEK, clock(2, 30), clock(5, 0), "Europe/Berlin");
    assert_eq!(
        told(&night, "2026-03-28T20:00:00Z"),
        "2026-03-29T01:00:00Z to 2026-03-29T03:00:00Z"
    );
    let gone = window(&WEEK, clock(2, 0), clock(3, 0), "Europe/Berlin");
    assert_eq!(
        told(&gone, "2026-03-28T20:00:00Z"),
        "2026-03-30T00:00:00Z to 2026-03-30T01:00:00Z"
    );
    // once a week, and swallowed: a week later
    let sunday = window(
        &[Weekday::Sunday],
        clock(2, 0),
        clock(3, 0),
        "Europe/Berlin",
    );
    assert_eq!(
        told(&sunday, "2026-03-28T20:00:00Z"),
        "2026-04-05T00:00:00Z to 2026-04-05T01:00:00Z"
    );
}

#[test]
fn what_a_clock_shows_twice_is_there_twice() {
    // in Berlin 02:00 to 03:00 comes twice on 2026-10-25: at 00:00 and at 01:00 UTC
    let early = window(&WEEK, clock(2, 15), clock(2, 45), "Europe/Berlin");
    assert_eq!(
        told(&early, "2026-10-24T20:00:00Z"),
        "2026-10-25T00:15:00Z to 2026-10-25T00:45:00Z"
    );
    assert_eq!(
        told(&early, "2026-10-25T00:50:00Z"),
        "2026-10-25T01:15:00Z to 2026-10-25T01:45:00Z"
    );
    // it is over before the clock is set back, and shows a time of it again then
    let until = window(&WEEK, clock(1, 0), clock(2, 30), "Europe/Berlin");
    assert_eq!(
        told(&until, "2026-10-24T23:30:00Z"),
        "until 2026-10-25T00:30:00Z"
    );
    assert_eq!(
        told(&until, "2026-10-25T00:40:00Z"),
        "2026-10-25T01:00:00Z to 2026-10-25T01:30:00Z"
    );
}

#[test]
fn windows_that_touch_are_one() {
    let mut windows = window(&WEEK, clock(0, 0), clock(12, 0), "UTC");
    windows
        .0
        .extend(window(&WEEK, clock(12, 0), clock(18, 0), "UTC").0);
    assert_eq!(
        told(&windows, "2026-03-06T03:00:00Z"),
        "until 2026-03-06T18:00:00Z"
    );
    windows
        .0
        .extend(window(&WEEK, clock(18, 0), clock(0, 0), "UTC").0);
    assert_eq!(told(&windows, "2026-03-06T03:00:00Z"), "until ever");
}

fn any_windows() -> impl Strategy<Value = Windows> {
    let zones = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ];
    let days = proptest::sample::subsequence(WEEK.to_vec(), 1..=7);
    let times = (0..24_i8, 0..4_i8, 0..24_i8, 0..4_i8);
    let one = (days, times, proptest::sample::select(zones.to_vec()));
    proptest::collection::vec(one, 1..4).prop_map(|all| {
        let windows = all.into_iter().filter_map(|(days, (h, m, h2, m2), zone)| {
            let (from, to) = (clock(h, m * 15), clock(h2, m2 * 15));
            (from != to).then(|| window(&days, from, to, zone).0.remove(0))
        });
        Windows(windows.collect())
    })
}

proptest! {
    /// What is told ahead is what is so when the time has come, a quarter of an hour after the other.
    #[test]
    fn what_is_told_ahead_comes_true(windows in any_windows(), start in 1_767_225_600_i64..1_830_000_000) {
        let now = Timestamp::from_second(start - start % 900).unwrap();
        let quarters = (0..4 * 24 * 10).map(|n| now.saturating_add(SignedDuration::from_mins(15 * n)).unwrap());
        let mut opens = None;
        for moment in quarters {
            if is_open(&windows, moment) {
                opens = Some(moment);
                break;
            }
        }
        match at(&windows, now) {
            Opening::Open { until } => {
                prop_assert_eq!(opens, Some(now));
                if let Some(until) = until {
                    prop_assert!(!is_open(&windows, until));
                    let before = until.saturating_sub(SignedDuration::from_secs(1)).unwrap();
                    prop_assert!(is_open(&windows, before));
                }
            }
            Opening::Closed { next } => {
                if let Some((from, until)) = next {
                    prop_assert!(is_open(&windows, from));
                    let before = from.saturating_sub(SignedDuration::from_secs(1)).unwrap();
                    prop_assert!(!is_open(&windows, before));
                    prop_assert!(until.is_none_or(|until| until > from && !is_open(&windows, until)));
                    prop_assert!(opens.is_none_or(|found| found >= from));
                }
                if let Some(found) = opens {
                    prop_assert!(next.is_some_and(|(from, _)| from <= found), "{:?} {}", next, found);
                }
            }
        }
    }
}
