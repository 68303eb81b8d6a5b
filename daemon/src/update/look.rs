//! A look at all active packs: what the policy says of each, and when the turn of each registry comes. Reads only.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use packd_format::{Version, version};
use packd_wire::{BlockedView, HoldView, UpdateDecision, UpdateList, UpdateView, UpdatesSummary};

use super::policy::{self, Choice, Circumstances, Terms};
use super::turn::{Rules, Step, Turn};
use super::{Updates, window, words};
use crate::config::Config;
use crate::host::Host;
use crate::registry::Offered;
use crate::store::blocked::Blocked;
use crate::store::hold::Holds;
use crate::store::pack::Installed;
use crate::store::update::{AttemptRow, TurnRow};
use crate::store::{self, StoreError};

/// What there is to see.
pub(super) struct Look {
    /// When it was.
    pub now: Timestamp,
    /// The active packs, by ref.
    pub packs: Vec<Judged>,
    /// The registries of which something is due.
    pub registries: BTreeMap<String, Due>,
    /// What was noted of turns before.
    pub noted: BTreeMap<String, TurnRow>,
    /// That nothing is updated by itself.
    pub freeze: Option<HoldView>,
    /// Whether the health of the host is watched after the last automatic update: a failure must have one cause.
    pub is_watched: bool,
    /// Whether a window is open.
    pub is_open: bool,
}

/// One active pack.
pub(super) struct Judged {
    /// The pack.
    pub pack_ref: String,
    /// Its version.
    pub installed: Version,
    /// The registry that it came from.
    pub registry: Option<String>,
    /// The rules that count for it.
    pub terms: Terms,
    /// What is newer, and what of that may come.
    pub choice: Choice,
    /// What comes of that, but for the turn of its registry.
    pub decision: UpdateDecision,
    /// That it is held.
    pub hold: Option<HoldView>,
    /// That what may come was tried in vain.
    pub attempt: Option<AttemptRow>,
    /// How the version that is kept from it was rolled back from.
    pub blocked: Option<BlockedView>,
    /// What is odd about its registry.
    pub offered: Offered,
    /// Whether it was told that what may come is there.
    pub is_told: bool,
}

/// What is due of one registry.
pub(super) struct Due {
    /// When it begins.
    pub step: Step,
    /// The job that makes it.
    pub job: Option<i64>,
}

/// What the database knows.
struct Known {
    active: BTreeMap<String, Installed>,
    holds: Holds,
    freeze: Option<HoldView>,
    blocked: Blocked,
    turns: BTreeMap<String, TurnRow>,
    attempts: BTreeMap<String, AttemptRow>,
    is_watched: bool,
    world: String,
}

impl Updates {
    /// Looks at all active packs. `began` says that packd began just now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn look(&self, now: Timestamp, began: bool) -> Result<Look, StoreError> {
        let config = self.config.current();
        let known = self
            .database
            .read(|connection| {
                let generation = store::pack::active_generation(connection)?;
                Ok(Known {
                    active: store::pack::active(connection)?,
                    holds: store::hold::all(connection)?,
                    freeze: store::freeze::get(connection)?,
                    blocked: store::blocked::all(connection)?,
                    turns: store::update::turns(connection)?,
                    attempts: store::update::attempts(connection)?,
                    is_watched: store::watch::oldest(connection)?.is_some(),
                    world: store::update::world(connection, generation)?,
                })
            })
            .await?;
        let from_registries = known.active.values();
        let asked = from_registries
            .filter_map(|pack| Some((pack.pack_ref.clone(), pack.record.registry.clone()?)))
            .collect();
        let mut offers = self.registries.offered(asked).await?;
        let mut packs = Vec::new();
        for pack in known.active.values() {
            let offered = offers.remove(&pack.pack_ref).unwrap_or(Offered::NoRegistry);
            packs.extend(judge(pack, offered, &config, &self.host, &known, now));
        }
        self.add_told(&mut packs).await?;
        let due = packs
            .iter()
            .filter(|pack| pack.decision == UpdateDecision::Due);
        let names = due.filter_map(|pack| pack.registry.clone());
        let registries = names.map(|name| {
            let noted = known.turns.get(&name);
            let rules = Rules {
                windows: &config.updates.windows,
                splay: SignedDuration::try_from(config.updates.splay).unwrap_or_default(),
                part: self.host.part(&name),
            };
            let due = Due {
                step: rules.step(noted.and_then(turn), now, began),
                job: noted.and_then(|row| row.job),
            };
            (name, due)
        });
        Ok(Look {
            now,
            registries: registries.collect(),
            packs,
            noted: known.turns,
            freeze: known.freeze,
            is_watched: known.is_watched,
            is_open: window::is_open(&config.updates.windows, now),
        })
    }

    /// Adds which of them it was told of.
    async fn add_told(&self, packs: &mut [Judged]) -> Result<(), StoreError> {
        let ask: Vec<(usize, String, String)> = packs
            .iter()
            .enumerate()
            .filter(|(_, pack)| pack.decision == UpdateDecision::Notify)
            .filter_map(|(number, pack)| {
                let version = pack.choice.permitted.first()?;
                Some((number, pack.pack_ref.clone(), version.to_string()))
            })
            .collect();
        if ask.is_empty() {
            return Ok(());
        }
        let told = self
            .database
            .read(move |connection| {
                let mut told = Vec::new();
                for (number, pack_ref, version) in ask {
                    if store::update::is_told(connection, &pack_ref, &version)? {
                        told.push(number);
                    }
                }
                Ok(told)
            })
            .await?;
        for number in told {
            packs[number].is_told = true;
        }
        Ok(())
    }
}

/// What was noted of a turn, unless it is no time at all.
fn turn(row: &TurnRow) -> Option<Turn> {
    Some(Turn {
        at: row.at.parse().ok()?,
        late: row.late,
    })
}

/// One pack; none whose version is no version, which no database should have.
fn judge(
    pack: &Installed,
    offered: Offered,
    config: &Config,
    host: &Host,
    known: &Known,
    now: Timestamp,
) -> Option<Judged> {
    let (installed, _) = version::parse(&pack.version).ok()?;
    let name = pack.pack_ref.as_str();
    let registry = pack.record.registry.clone();
    let configured = registry.as_deref().and_then(|name| config.registry(name));
    let terms = Terms::of(&config.updates, configured, name);
    let rolled_back = |version: &Version| known.blocked.is_blocked(name, &version.to_string());
    let choice = match &offered {
        Offered::Releases(releases) => {
            let is_blocked = |version: &Version| rolled_back(version).is_some();
            policy::choose((name, &installed), releases, &terms, host, is_blocked)
        }
        _ => Choice::default(),
    };
    let candidate = choice.permitted.first().map(ToString::to_string);
    let attempt = known.attempts.get(name).filter(|attempt| {
        let is_same_world = attempt
            .world
            .as_ref()
            .is_none_or(|world| *world == known.world);
        Some(&attempt.version) == candidate.as_ref() && is_same_world
    });
    let hold = known.holds.get(name).cloned();
    let circumstances = Circumstances {
        is_held: hold.is_some(),
        is_frozen: known.freeze.is_some(),
        tried_until: attempt.and_then(|attempt| attempt.next.parse().ok()),
    };
    let decision = match &offered {
        Offered::NoRegistry => UpdateDecision::NoRegistry,
        Offered::Unknown | Offered::Disabled => UpdateDecision::UnknownRegistry,
        Offered::Unread | Offered::Nothing => UpdateDecision::NotOffered,
        Offered::Releases(_) => policy::decide(terms.mode, &choice, circumstances, now),
    };
    let kept = choice.obstacle.as_ref().map(|(version, _)| version);
    Some(Judged {
        pack_ref: pack.pack_ref.clone(),
        blocked: kept.and_then(rolled_back).cloned(),
        attempt: attempt.cloned(),
        installed,
        registry,
        terms,
        choice,
        decision,
        hold,
        offered,
        is_told: false,
    })
}

impl Look {
    /// The same as the API has it.
    pub(super) fn view(&self) -> UpdateList {
        UpdateList {
            updates: self.packs.iter().map(|pack| self.of(pack)).collect(),
            freeze: self.freeze.clone(),
        }
    }

    /// How many stand where.
    pub(super) fn summary(&self) -> UpdatesSummary {
        let count = |is: fn(UpdateDecision) -> bool| {
            let packs = self.packs.iter().filter(|pack| is(pack.decision));
            u64::try_from(packs.count()).unwrap_or(u64::MAX)
        };
        let next = self
            .registries
            .values()
            .filter_map(|due| self.moment(due))
            .min();
        UpdatesSummary {
            looked_at: Some(store::time::of(self.now)),
            pending: count(UpdateDecision::is_pending),
            blocked: count(UpdateDecision::is_blocked),
            next: next.map(store::time::of),
            freeze: self.freeze.clone(),
        }
    }

    fn of(&self, pack: &Judged) -> UpdateView {
        let due = pack
            .registry
            .as_ref()
            .and_then(|name| self.registries.get(name));
        let due = due.filter(|_| pack.decision == UpdateDecision::Due);
        let is_waiting = due.is_some_and(|due| due.job.is_none() && due.step != Step::Go);
        let decision = if is_waiting && !self.is_open {
            UpdateDecision::Window
        } else {
            pack.decision
        };
        let until = |hold: &Option<HoldView>| hold.as_ref().and_then(|hold| hold.until.clone());
        let next = match decision {
            UpdateDecision::Due | UpdateDecision::Window => {
                due.and_then(|due| self.moment(due)).map(store::time::of)
            }
            UpdateDecision::Failed => pack.attempt.as_ref().map(|attempt| attempt.next.clone()),
            UpdateDecision::Held => until(&pack.hold),
            UpdateDecision::Frozen => until(&self.freeze),
            _ => None,
        };
        let job = due.and_then(|due| due.job);
        let reason = if due.is_some_and(|due| self.waits_for_health(due)) {
            words::waits_for_health(pack)
        } else {
            words::reason(pack, decision, job, self.freeze.as_ref())
        };
        UpdateView {
            pack_ref: pack.pack_ref.clone(),
            installed: pack.installed.to_string(),
            registry: pack.registry.clone(),
            available: pack.choice.newest.as_ref().map(ToString::to_string),
            candidate: pack.choice.permitted.first().map(ToString::to_string),
            mode: pack.terms.mode,
            allow: pack.terms.allow,
            decision,
            reason,
            next,
            job: job.or_else(|| pack.attempt.as_ref().map(|attempt| attempt.job)),
        }
    }

    /// Whether what is due could go now, but for the watch after the last update.
    fn waits_for_health(&self, due: &Due) -> bool {
        self.is_watched && due.job.is_none() && due.step == Step::Go
    }

    fn moment(&self, due: &Due) -> Option<Timestamp> {
        match due.step {
            _ if due.job.is_some() || self.waits_for_health(due) => None,
            Step::Go => Some(self.now),
            Step::Wait(turn) => Some(turn.at),
            Step::Never => None,
        }
    }
}
