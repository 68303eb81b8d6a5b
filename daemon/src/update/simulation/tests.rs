//! What the year must have shown.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a failed unwrap is a failed test; shares are reckoned in floating point"
)]

use std::sync::LazyLock;

use super::*;

static YEAR: LazyLock<Fleet> = LazyLock::new(|| {
    let mut fleet = Fleet::new(20_260_101);
    fleet.run();
    fleet
});

/// What a clock on the wall shows, in minutes of the week, and whether a window has that.
fn shows_a_time_of(windows: &Windows, moment: Timestamp) -> bool {
    windows.0.is_empty()
        || windows.0.iter().any(|window| {
            let shown = window.zone.resolve().to_datetime(moment);
            let minutes =
                |time: jiff::civil::Time| i32::from(time.hour()) * 60 + i32::from(time.minute());
            let day = i32::from(shown.date().weekday().to_monday_zero_offset());
            let now = day * 1440 + minutes(shown.time());
            let length = (minutes(window.to) - minutes(window.from)).rem_euclid(1440);
            window.days.iter().any(|day| {
                let opens = i32::from(day.to_monday_zero_offset()) * 1440 + minutes(window.from);
                (now - opens).rem_euclid(7 * 1440) < length
            })
        })
}

#[test]
fn no_host_updates_outside_of_its_windows_or_while_it_is_held_frozen_or_off() {
    let mut installs = 0;
    for member in &YEAR.members {
        for (at, pack, version) in &member.installs {
            installs += 1;
            let told = format!("{:?}: {pack} {version} at {at}", member.host);
            assert!(
                shows_a_time_of(&member.windows, *at),
                "{told}: {:?}",
                member.windows
            );
            assert!(
                !member
                    .holds
                    .iter()
                    .any(|(held, span)| held == pack && span.has(*at)),
                "{told}"
            );
            assert!(!YEAR.frozen.iter().any(|span| span.has(*at)), "{told}");
            assert!(!member.off.iter().any(|span| span.has(*at)), "{told}");
        }
    }
    assert!(installs > 200 * 5 * 10, "the year was not idle: {installs}");
}

#[test]
fn nobody_gets_a_version_before_it_is_meant_for_it() {
    for member in &YEAR.members {
        for (at, pack, version) in &member.installs {
            let mut published = YEAR.published.iter();
            let one = published
                .find(|one| one.pack == *pack && one.version == *version)
                .unwrap();
            let share = one.share(*at).unwrap();
            assert!(
                member.host.takes_part(pack, &version.to_string(), share),
                "{at} {pack} {version}"
            );
        }
    }
}

/// A share of hosts is a draw: of n hosts and a share of p, its standard deviation is √(p(1-p)/n), which is 3 points for
/// 200 hosts and a quarter. So a single rollout is held to four of these, and all of them together, some 10,000 draws
/// and more, to 3 points.
#[test]
fn rollouts_reach_as_many_hosts_as_they_are_meant_for() {
    let rollouts: Vec<&Published> = YEAR
        .published
        .iter()
        .filter(|one| one.version.minor > 0)
        .collect();
    for (share, _) in PHASES {
        let expected = f64::from(share) / 100.0;
        let mut all = 0;
        for one in &rollouts {
            let version = one.version.to_string();
            let members = YEAR.members.iter();
            let reached = members
                .filter(|member| member.host.takes_part(one.pack, &version, share))
                .count();
            let deviation = (expected * (1.0 - expected) / HOSTS as f64).sqrt();
            let off = (reached as f64 / HOSTS as f64 - expected).abs();
            assert!(
                off <= 4.0 * deviation,
                "{} {version}: {reached} of {HOSTS} for {share} %",
                one.pack
            );
            all += reached;
        }
        let off = (all as f64 / (rollouts.len() * HOSTS) as f64 - expected).abs();
        assert!(off <= 0.03, "{share} %: off by {off}");
    }
}

/// The same of what really was installed: on hosts that nothing kept from it, by the end of each phase.
#[test]
fn rollouts_really_arrive_in_their_phases() {
    for (number, (share, from)) in PHASES.iter().enumerate() {
        let until = PHASES.get(number + 1).map_or(from + 2, |(_, days)| *days);
        let (mut free, mut got) = (0, 0);
        for one in YEAR.published.iter().filter(|one| one.version.minor > 0) {
            let end = one
                .at
                .saturating_add(DAY * i32::try_from(until).unwrap())
                .unwrap();
            let overlaps = |span: &Span| span.0 < end && one.at < span.1;
            if YEAR.frozen.iter().any(overlaps) {
                continue;
            }
            for member in &YEAR.members {
                let is_held = member
                    .holds
                    .iter()
                    .any(|(held, span)| *held == one.pack && overlaps(span));
                if !member.windows.0.is_empty() || is_held || member.off.iter().any(overlaps) {
                    continue;
                }
                free += 1;
                let is_it = |(at, pack, version): &&(Timestamp, &'static str, Version)| {
                    *at < end && *pack == one.pack && *version == one.version
                };
                got += usize::from(member.installs.iter().any(|install| is_it(&install)));
            }
        }
        let off = (got as f64 / f64::from(free) - f64::from(*share) / 100.0).abs();
        assert!(free > 2_000, "{free}");
        assert!(off <= 0.03, "{share} %: {got} of {free}");
    }
}

#[test]
fn a_bad_version_is_left_everywhere_never_returns_and_the_next_one_comes() {
    let bad: Vec<&Published> = YEAR.published.iter().filter(|one| one.is_bad).collect();
    assert!(bad.len() > 10, "{}", bad.len());
    let mut met = 0;
    for member in &YEAR.members {
        for one in &bad {
            let installs = member.installs.iter();
            let times = installs
                .filter(|(_, pack, version)| *pack == one.pack && *version == one.version)
                .count();
            assert!(
                times <= 1,
                "{} {} came {times} times",
                one.pack,
                one.version
            );
            assert_ne!(member.active[one.pack], one.version);
            met += times;
        }
        let end = start()
            .saturating_add(DAY * i32::try_from(DAYS).unwrap())
            .unwrap();
        for pack in PACKS {
            // the longest that anything may keep a host from it: a hold, a time switched off, and a freeze, one after the other
            let old = |one: &&Published| end.duration_since(one.at) > DAY * 60;
            let good = YEAR
                .published
                .iter()
                .filter(|one| one.pack == pack && !one.is_bad)
                .filter(old);
            let newest = good.map(|one| one.version.clone()).max().unwrap();
            assert!(
                member.active[pack] >= newest,
                "{pack} {} instead of {newest}",
                member.active[pack]
            );
        }
    }
    assert!(met > 200 * 5, "{met}");
}

#[test]
fn a_year_is_the_same_each_time() {
    let mut again = Fleet::new(20_260_101);
    again.run();
    for (member, before) in again.members.iter().zip(&YEAR.members) {
        assert_eq!(member.installs, before.installs);
    }
}

/// Whoever comes back has missed its turn, and all come back together.
#[test]
fn a_fleet_that_comes_back_from_an_outage_does_not_come_at_once() {
    const FLEET: usize = 3_000;
    let windows = Windows::default();
    let now = start();
    let missed = Turn {
        at: now.saturating_sub(DAY).unwrap(),
        late: false,
    };
    let mut minutes = [0_usize; 30];
    for number in 0..FLEET {
        let rules = Rules {
            windows: &windows,
            splay: SignedDuration::from_mins(30),
            part: Host::new(format!("host {number}")).part("acme"),
        };
        let Step::Wait(turn) = rules.step(Some(missed), now, true) else {
            panic!("at once");
        };
        let minute = usize::try_from(turn.at.duration_since(now).as_mins()).unwrap();
        minutes[minute] += 1;
    }
    // 100 in each minute, and four standard deviations of that
    assert!(
        minutes.iter().all(|count| (60..=140).contains(count)),
        "{minutes:?}"
    );
}
