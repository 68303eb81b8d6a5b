//! A year of a fleet of 200 hosts, by the policy alone: no process, no disk, no clock.
//!
//! Each host reads the index once an hour, at its own minute, and looks when something is different then, as the driver
//! does, and at the moment for which it was told to wait. The seed is fixed, so a run is the same as the one before, and a
//! bound that holds holds always.
//!
//! Releases are published now and then and rolled out in four phases. Some are bad: the host that gets one notices, goes
//! back and blocks it, as the gate of the health of a host does. Hosts are held, and the fleet is frozen, for days at a
//! time; some are switched off for weeks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use packd_format::{Release, Version};
use packd_wire::{UpdateAllow, UpdateDecision, UpdateMode};

use super::policy::{self, Circumstances, Terms, tests::releases};
use super::turn::{Rules, Step, Turn};
use crate::config::{Window, Windows, Zone};
use crate::host::Host;

const HOSTS: usize = 200;
const DAYS: i64 = 365;
const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MOMENT: SignedDuration = SignedDuration::from_millis(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const PACKS: [&str; 5] = ["core", "slack", "jira", "mail", "disk"];

/// The percentages of a rollout, and after how many days each is reached.
const PHASES: [(u8, i64); 4] = [(5, 0), (25, 2), (60, 4), (100, 6)];

/// Numbers without order, the same in each run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn moment(&mut self) -> Timestamp {
        let minutes = DAYS.unsigned_abs() * 24 * 60;
        start()
            .saturating_add(SignedDuration::from_mins(self.below(minutes).cast_signed()))
            .unwrap_or_default()
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or_default()
}

/// From one moment to another.
#[derive(Clone, Copy)]
struct Span(Timestamp, Timestamp);

impl Span {
    fn new(dice: &mut Dice, length: SignedDuration) -> Self {
        let from = dice.moment();
        Self(from, from.saturating_add(length).unwrap_or_default())
    }

    fn has(self, moment: Timestamp) -> bool {
        self.0 <= moment && moment < self.1
    }
}

/// One version of one pack, and what becomes of it.
struct Published {
    pack: &'static str,
    version: Version,
    at: Timestamp,
    is_bad: bool,
}

impl Published {
    /// The share of hosts it is for at a moment; none before it is published.
    fn share(&self, now: Timestamp) -> Option<u8> {
        let age = now.duration_since(self.at);
        let reached = PHASES
            .iter()
            .rev()
            .find(|(_, days)| age >= DAY * i32::try_from(*days).unwrap_or(0));
        reached.map(|(share, _)| *share)
    }
}

/// A host, and what it has done.
struct Member {
    host: Host,
    windows: Windows,
    splay: SignedDuration,
    minute: i64,
    holds: Vec<(&'static str, Span)>,
    off: Vec<Span>,
    active: BTreeMap<&'static str, Version>,
    blocked: BTreeSet<(&'static str, Version)>,
    turn: Option<Turn>,
    began: bool,
    /// What was so at the latest look.
    seen: Option<Seen>,
    installs: Vec<(Timestamp, &'static str, Version)>,
}

/// What makes a host look again: the index, what is held, that all is frozen, that it was switched off.
type Seen = (usize, Vec<bool>, bool, bool);

struct Fleet {
    members: Vec<Member>,
    published: Vec<Published>,
    frozen: Vec<Span>,
}

fn windows(dice: &mut Dice) -> Windows {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Sydney",
    ];
    let name = zones[usize::try_from(dice.below(4)).unwrap_or(0)];
    let zone = TimeZone::get(name).map_or(Zone::Local, Zone::Named);
    let week = [
        Weekday::Monday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    let (days, from, to) = match dice.below(4) {
        0 => return Windows::default(),
        1 => (week.to_vec(), time(2, 0, 0, 0), time(5, 0, 0, 0)),
        2 => (
            vec![Weekday::Saturday, Weekday::Sunday],
            time(22, 0, 0, 0),
            time(3, 30, 0, 0),
        ),
        _ => (week.to_vec(), time(2, 15, 0, 0), time(2, 45, 0, 0)),
    };
    Windows(vec![Window {
        days,
        from,
        to,
        zone,
    }])
}

impl Fleet {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut published = Vec::new();
        for pack in PACKS {
            let mut at = start();
            for minor in 0..20 {
                let days = SignedDuration::from_hours(24 * (12 + dice.below(10).cast_signed()));
                let is_bad = minor > 0 && dice.below(4) == 0;
                published.push(Published {
                    pack,
                    version: Version::new(1, minor, 0),
                    at,
                    is_bad,
                });
                at = at
                    .saturating_add(if minor == 0 { DAY } else { days })
                    .unwrap_or_default();
            }
        }
        let members = (0..HOSTS).map(|number| {
            let first = Version::new(1, 0, 0);
            let holds = (0..2).map(|_| {
                (
                    PACKS[usize::try_from(dice.below(5)).unwrap_or(0)],
                    Span::new(&mut dice, DAY * 14),
                )
            });
            let holds = holds.collect();
            Member {
                host: Host::new(format!("{seed} {number}")),
                windows: windows(&mut dice),
                splay: SignedDuration::from_mins(30),
                minute: dice.below(60).cast_signed(),
                holds,
                off: vec![
                    Span::new(&mut dice, DAY * 10),
                    Span::new(&mut dice, DAY * 2),
                ],
                active: PACKS.iter().map(|pack| (*pack, first.clone())).collect(),
                blocked: BTreeSet::new(),
                turn: None,
                began: true,
                seen: None,
                installs: Vec::new(),
            }
        });
        Self {
            members: members.collect(),
            published,
            frozen: vec![Span::new(&mut dice, DAY * 5), Span::new(&mut dice, DAY * 9)],
        }
    }

    /// What the index has of each pack at a moment.
    fn index(&self, now: Timestamp) -> BTreeMap<&'static str, Vec<Release>> {
        let of = |pack: &&'static str| {
            let written: Vec<String> = self
                .published
                .iter()
                .filter(|one| one.pack == *pack)
                .filter_map(|one| Some(format!("{} phased {}", one.version, one.share(now)?)))
                .collect();
            // as an index that forgets what nobody needs any more
            let written: Vec<&String> = written.iter().rev().take(6).collect();
            let written: Vec<&str> = written.iter().map(|text| text.as_str()).collect();
            (*pack, releases(&written))
        };
        PACKS.iter().map(of).collect()
    }

    /// Lets the year go by.
    fn run(&mut self) {
        let bad: BTreeSet<(&'static str, Version)> = self
            .published
            .iter()
            .filter(|one| one.is_bad)
            .map(|one| (one.pack, one.version.clone()))
            .collect();
        let (mut read, mut index) = (0, BTreeMap::new());
        for hour in 0..DAYS * 24 {
            let from = start()
                .saturating_add(SignedDuration::from_hours(hour))
                .unwrap_or_default();
            let until = from.saturating_add(HOUR).unwrap_or_default();
            // what is published within the hour is read in the next one
            let changes = self.changes(from);
            if changes != read {
                read = changes;
                index = self.index(from);
            }
            for member in &mut self.members {
                let minute = SignedDuration::from_mins(member.minute);
                let mut read_at = from.saturating_add(minute).ok();
                let mut after = from;
                loop {
                    let turn = member.turn.map(|turn| turn.at);
                    let turn = turn.filter(|at| after <= *at && *at < until);
                    let Some(now) = turn.into_iter().chain(read_at).min() else {
                        break;
                    };
                    read_at = read_at.filter(|at| now < *at);
                    after = now.saturating_add(MOMENT).unwrap_or_default();
                    let is_frozen = self.frozen.iter().any(|span| span.has(now));
                    member.wake(&index, read, &bad, is_frozen, now);
                }
            }
        }
    }

    /// How often the index was changed until a moment.
    fn changes(&self, now: Timestamp) -> usize {
        let reached = |one: &Published| {
            let age = now.duration_since(one.at);
            PHASES
                .iter()
                .filter(|(_, days)| age >= DAY * i32::try_from(*days).unwrap_or(0))
                .count()
        };
        self.published.iter().map(reached).sum()
    }
}

impl Member {
    /// Looks, as [`super::drive`] does, when something is different or the turn has come.
    fn wake(
        &mut self,
        index: &BTreeMap<&'static str, Vec<Release>>,
        read: usize,
        bad: &BTreeSet<(&'static str, Version)>,
        is_frozen: bool,
        now: Timestamp,
    ) {
        let is_off = self.off.iter().any(|span| span.has(now));
        let held = self.holds.iter().map(|(_, span)| span.has(now)).collect();
        let seen = Some((read, held, is_frozen, is_off));
        let is_due = self.turn.is_some_and(|turn| turn.at <= now);
        if self.seen == seen && !is_due {
            return;
        }
        self.seen = seen;
        if is_off {
            self.began = true;
            return;
        }
        let terms = Terms {
            mode: UpdateMode::Auto,
            allow: UpdateAllow::Compatible,
            requirement: None,
        };
        let mut due = Vec::new();
        for (pack, installed) in &self.active {
            let is_blocked = |version: &Version| self.blocked.contains(&(*pack, version.clone()));
            let choice = policy::choose(
                (pack, installed),
                &index[pack],
                &terms,
                &self.host,
                is_blocked,
            );
            let is_held = self
                .holds
                .iter()
                .any(|(held, span)| held == pack && span.has(now));
            let circumstances = Circumstances {
                is_held,
                is_frozen,
                tried_until: None,
            };
            if policy::decide(terms.mode, &choice, circumstances, now) == UpdateDecision::Due {
                due.extend(
                    choice
                        .permitted
                        .first()
                        .map(|version| (*pack, version.clone())),
                );
            }
        }
        let began = std::mem::take(&mut self.began);
        if due.is_empty() {
            self.turn = None;
            return;
        }
        let rules = Rules {
            windows: &self.windows,
            splay: self.splay,
            part: self.host.part("acme"),
        };
        match rules.step(self.turn, now, began) {
            Step::Never => {}
            Step::Wait(turn) => self.turn = Some(turn),
            Step::Go => {
                self.turn = None;
                for (pack, version) in due {
                    self.installs.push((now, pack, version.clone()));
                    if bad.contains(&(pack, version.clone())) {
                        self.blocked.insert((pack, version));
                    } else {
                        self.active.insert(pack, version);
                    }
                }
            }
        }
    }
}

mod tests;
