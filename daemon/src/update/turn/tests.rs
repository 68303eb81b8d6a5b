#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;

use super::*;
use crate::config::{Window, Zone};
use crate::host::Host;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// From 02:00 to 05:00 UTC on Saturdays; 2026-03-07 is one.
fn saturday() -> Windows {
    Windows(vec![Window {
        days: vec![Weekday::Saturday],
        from: time(2, 0, 0, 0),
        to: time(5, 0, 0, 0),
        zone: Zone::Named(TimeZone::UTC),
    }])
}

/// A host that waits for at least a third of the splay, and for less than two.
fn host() -> Share {
    let mut hosts = (0..).map(|number| Host::new(format!("{number}")).part("acme"));
    hosts
        .find(|part| (20..40).contains(&part.of(HOUR).as_mins()))
        .unwrap()
}

fn rules(windows: &Windows, splay: SignedDuration) -> Rules<'_> {
    Rules {
        windows,
        splay,
        part: host(),
    }
}

fn at(step: Step) -> Timestamp {
    match step {
        Step::Wait(turn) => turn.at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_window_each_host_waits_for_its_part_from_when_it_knows() {
    let windows = Windows::default();
    let rules = rules(&windows, HOUR);
    let now = moment("2026-03-01T12:00:00Z");
    let turn = rules.step(None, now, false);
    let wait = at(turn).duration_since(now);
    assert!(wait >= SignedDuration::from_mins(20) && wait < SignedDuration::from_mins(40));
    let Step::Wait(noted) = turn else {
        unreachable!()
    };
    let later = now.saturating_add(SignedDuration::from_mins(10)).unwrap();
    assert_eq!(
        rules.step(Some(noted), later, false),
        turn,
        "another look does not put it off"
    );
    assert_eq!(rules.step(Some(noted), noted.at, false), Step::Go);
    let none = Rules {
        splay: SignedDuration::ZERO,
        ..rules
    };
    assert_eq!(
        none.step(None, now, false),
        Step::Go,
        "without a splay at once"
    );
}

#[test]
fn a_turn_lies_in_a_window_and_a_missed_one_is_caught_up_at_the_next() {
    let windows = saturday();
    let rules = rules(&windows, HOUR);
    let friday = moment("2026-03-06T12:00:00Z");
    let Step::Wait(turn) = rules.step(None, friday, false) else {
        panic!()
    };
    assert!(window::is_open(&windows, turn.at));
    assert!(turn.at < moment("2026-03-07T03:00:00Z"));
    let after = moment("2026-03-07T05:00:00Z");
    let next = at(rules.step(Some(turn), after, true));
    assert!(
        next > moment("2026-03-14T02:00:00Z") && next < moment("2026-03-14T03:00:00Z"),
        "{next}"
    );
}

#[test]
fn a_window_shorter_than_the_splay_has_the_whole_fleet_in_it() {
    let windows = saturday();
    let splay = SignedDuration::from_hours(24);
    for number in 0..500 {
        let rules = Rules {
            windows: &windows,
            splay,
            part: Host::new(format!("host{number}")).part("acme"),
        };
        for now in ["2026-03-06T12:00:00Z", "2026-03-07T04:59:00Z"].map(moment) {
            let turn = at(rules.step(None, now, false));
            assert!(window::is_open(&windows, turn), "{turn}");
        }
    }
}

#[test]
fn what_was_missed_while_packd_was_away_is_spread_anew_once() {
    let windows = Windows::default();
    let rules = rules(&windows, HOUR);
    let missed = Turn {
        at: moment("2026-03-01T12:00:00Z"),
        late: false,
    };
    let now = moment("2026-03-03T08:00:00Z");
    assert_eq!(
        rules.step(Some(missed), now, false),
        Step::Go,
        "packd ran, and the host slept"
    );
    let Step::Wait(turn) = rules.step(Some(missed), now, true) else {
        panic!()
    };
    assert!(turn.late && turn.at > now);
    let again = turn.at.saturating_add(HOUR).unwrap();
    assert_eq!(
        rules.step(Some(turn), again, true),
        Step::Go,
        "it is never put off twice"
    );
}

#[test]
fn a_change_of_windows_or_of_the_clock_counts_at_once() {
    let (windows, any) = (saturday(), Windows::default());
    let friday = moment("2026-03-06T12:00:00Z");
    let Step::Wait(turn) = rules(&windows, HOUR).step(None, friday, false) else {
        panic!()
    };
    let sooner = at(rules(&any, HOUR).step(Some(turn), friday, false));
    assert!(sooner < moment("2026-03-06T13:00:00Z"), "{sooner}");
    let none = rules(&any, SignedDuration::ZERO);
    assert_eq!(none.step(Some(turn), friday, false), Step::Go);
    let Step::Wait(open) = rules(&any, HOUR).step(None, friday, false) else {
        panic!()
    };
    let moved = at(rules(&windows, HOUR).step(Some(open), friday, false));
    assert!(window::is_open(&windows, moved));
    let back = moment("2026-03-01T00:00:00Z");
    assert!(at(rules(&any, HOUR).step(Some(open), back, false)) < moment("2026-03-01T01:00:00Z"));
}
