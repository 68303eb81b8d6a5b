#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

#[test]
fn a_host_keeps_its_interval_and_others_have_another() {
    let (one, again, two) = (Host::new("one"), Host::new("one"), Host::new("two"));
    let pace = |host, registry| Pace {
        host,
        registry,
        refresh: HOUR,
    };
    let first = pace(&one, "main").after_success();
    assert_eq!(first, pace(&again, "main").after_success());
    assert_ne!(first, pace(&two, "main").after_success());
    assert_ne!(first, pace(&one, "other").after_success());
}

#[test]
fn what_was_missed_is_made_up_for_and_a_clock_that_went_back_does_no_harm() {
    let host = Host::new("one");
    let pace = Pace {
        host: &host,
        registry: "main",
        refresh: HOUR,
    };
    let now = at(0);
    assert_eq!(pace.due(None, now), Due::Now, "nothing is known");
    assert_eq!(pace.due(Some(at(1)), now), Due::At(at(1)));
    assert_eq!(pace.due(Some(at(0)), now), Due::Now, "it is time");
    assert_eq!(pace.due(Some(at(-60)), now), Due::Now, "a little late");
    let Due::CatchUp(then) = pace.due(Some(at(-7 * 86_400)), now) else {
        panic!("after a week there is a moment of its own");
    };
    assert!((at(0)..=at(600)).contains(&then), "{then}");
    assert_eq!(pace.due(Some(then), then), Due::Now, "and then it is time");
    assert_eq!(
        pace.due(Some(at(3 * 86_400)), now),
        Due::Now,
        "a clock was set back"
    );
}

proptest! {
    #[test]
    fn pauses_keep_to_their_bounds(
        id in "[a-z]{1,8}",
        refresh in 60_u64..10_000_000,
        failures in 1_u32..100,
        asked in prop::option::of(0_u64..90_000),
    ) {
        let (host, refresh) = (Host::new(&id), Duration::from_secs(refresh));
        let pace = Pace { host: &host, registry: "main", refresh };
        let success = pace.after_success();
        prop_assert!(success >= refresh && success <= refresh + refresh / 10);
        let asked = asked.map(Duration::from_secs);
        let pause = pace.after_failure(failures, asked);
        let least = FIRST_PAUSE.max(asked.unwrap_or_default());
        prop_assert!(pause >= least, "never sooner than asked for");
        let most = refresh.max(FIRST_PAUSE).max(asked.unwrap_or_default());
        prop_assert!(pause <= most + most / 2);
        if asked.is_none() {
            let next = pace.after_failure(failures + 1, None);
            prop_assert!(next * 3 >= pause * 2, "pauses grow, but for the part of chance");
        }
    }

    /// Who wakes up at what this says finds it is time; who looks before does not.
    #[test]
    fn nothing_is_due_before_its_time(
        id in "[a-z]{1,8}",
        planned in -1_000_000_i64..1_000_000,
        refresh in 60_u64..1_000_000,
    ) {
        let host = Host::new(&id);
        let pace = Pace { host: &host, registry: "main", refresh: Duration::from_secs(refresh) };
        match pace.due(Some(at(planned)), at(0)) {
            Due::Now => prop_assert!((-60..=0).contains(&planned) || planned > 90_000),
            Due::At(then) => prop_assert!(then == at(planned) && then > at(0)),
            Due::CatchUp(then) => {
                prop_assert!(planned < -60);
                prop_assert!(then >= at(0) && then <= later(at(0), CATCH_UP));
            }
        }
    }
}

/// Hosts that ask one registry, as the daemon does it, and how many ask in each minute.
struct Fleet {
    hosts: Vec<Host>,
    /// When somebody has something to do next, whom that is, and what was planned.
    next: BinaryHeap<Reverse<(i64, usize)>>,
    failures: Vec<u32>,
    per_minute: Vec<u32>,
}

impl Fleet {
    fn new(hosts: usize, minutes: i64) -> Self {
        Self {
            hosts: (0..hosts)
                .map(|number| Host::new(format!("host-{number}")))
                .collect(),
            next: BinaryHeap::new(),
            failures: vec![0; hosts],
            per_minute: vec![0; usize::try_from(minutes).unwrap()],
        }
    }

    fn pace(&self, host: usize) -> Pace<'_> {
        Pace {
            host: &self.hosts[host],
            registry: "main",
            refresh: HOUR,
        }
    }

    /// Runs until `end`; hosts ask nothing while they are `off`, and get no answer while the registry is `down`.
    fn run(
        &mut self,
        end: i64,
        down: &std::ops::Range<i64>,
        off: &std::ops::Range<i64>,
        boot: impl Fn(usize) -> i64,
    ) {
        while let Some(Reverse((now, host))) = self.next.pop() {
            if now >= end {
                self.next.push(Reverse((now, host)));
                return;
            }
            if off.contains(&now) {
                // what was planned is found when it is switched on
                let on = off.end + boot(host);
                let then = match self.pace(host).due(Some(at(now)), at(on)) {
                    Due::Now => on,
                    Due::At(then) | Due::CatchUp(then) => then.as_second() - at(0).as_second(),
                };
                self.next.push(Reverse((then, host)));
                continue;
            }
            self.per_minute[usize::try_from(now / 60).unwrap()] += 1;
            let pause = if down.contains(&now) {
                self.failures[host] += 1;
                self.pace(host).after_failure(self.failures[host], None)
            } else {
                self.failures[host] = 0;
                self.pace(host).after_success()
            };
            let pause = i64::try_from(pause.as_secs()).unwrap();
            assert!(pause >= 30, "nobody asks again at once");
            self.next.push(Reverse((now + pause, host)));
        }
    }

    fn busiest(&self, minutes: std::ops::Range<i64>) -> u32 {
        let place = |minute: i64| usize::try_from(minute).unwrap();
        *self.per_minute[place(minutes.start)..place(minutes.end)]
            .iter()
            .max()
            .unwrap()
    }
}

/// 200 hosts, set up within ten minutes, for four weeks, with an outage of nine hours, and one morning on which all of them are
/// switched on within a minute.
///
/// The bounds, for a `refresh` of an hour. Hosts are independent, so the requests of a minute scatter about their mean `m` as
/// Poisson's do, and `m + 6·√m` is exceeded in less than one of ten million minutes:
/// - all is well: 200 / 60 = 3.3 a minute; at so small a mean the tail is longer, and 20 is what 6σ is elsewhere.
/// - the outage begins: 8 requests of each host in an hour are 27 a minute, so 58. So also what the server sees when it comes
///   back: no more than before it went.
/// - all wake up at once: 200 within 10 minutes are 20 a minute, so 47; and for some hours after they still ask close together.
#[test]
fn a_fleet_never_asks_as_a_herd() {
    const DAY: i64 = 1_440;
    let minutes = 28 * DAY;
    let mut fleet = Fleet::new(200, minutes);
    for host in 0..200 {
        // the way they are set up: one after the other
        fleet
            .next
            .push(Reverse((3 * i64::try_from(host).unwrap(), host)));
    }
    let outage = 10 * DAY * 60..10 * DAY * 60 + 9 * 3_600;
    let night = 20 * DAY * 60..20 * DAY * 60 + 3 * 3_600;
    let boot = |host: usize| i64::try_from(host % 60).unwrap();
    fleet.run(minutes * 60, &outage, &night, boot);

    let (down, back) = (outage.start / 60, outage.end / 60);
    let on = night.end / 60;
    for (what, bound, minutes) in [
        ("they were just set up", 47, 0..DAY),
        ("all is well", 20, DAY..down),
        ("the outage begins", 58, down..down + 120),
        ("the outage goes on", 20, down + 120..back),
        ("the registry is back", 20, back..night.start / 60),
        ("they are switched on together", 47, on..on + DAY),
        ("all is well again", 20, on + DAY..28 * DAY),
    ] {
        let busiest = fleet.busiest(minutes);
        assert!(
            busiest <= bound,
            "{what}: {busiest} a minute, and {bound} were promised"
        );
    }
    assert_eq!(
        fleet.busiest(night.start / 60..on),
        0,
        "who is off asks nothing"
    );
    // an hour after the registry is back, nearly everybody has been there: the longest pause is an hour and a half
    let last = back + 90;
    let asked: u32 = fleet.per_minute
        [usize::try_from(back).unwrap()..usize::try_from(last).unwrap()]
        .iter()
        .sum();
    assert!(
        asked >= 200,
        "everybody is back after the longest pause: {asked}"
    );
    assert!(fleet.failures.iter().all(|failures| *failures == 0));
    let weeks = u32::try_from(minutes / 60).unwrap() * 200;
    let all: u32 = fleet.per_minute.iter().sum();
    assert!(
        all <= weeks + weeks / 20,
        "no more than one in an hour of each: {all}"
    );
    assert_eq!(MINUTE * 60, HOUR);
}
