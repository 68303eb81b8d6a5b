//! From a question to the releases that go together, or to the reason why none do.
//!
//! What is asked for comes first: each in the newest version that is possible, unless the installed one will do.
//! Then as few installed packs as possible change: at first none of the others may, and only those that are
//! found in the way are freed; at the end each that was changed is tried without. Then everything else is as new
//! as it can be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::rc::Rc;

use packd_format::{PackRef, Version};

use super::advice;
use super::attempt::{Attempt, Chosen, Ended, Proof, Stop, best, dismantle};
use super::budget::{Budget, Spent};
use super::explain::{self, Explanation, Fact};
use super::question::{Question, Want};
use super::solution::{self, Solution};
use super::universe::{Offered, Offers, Pack, Universe};
use super::words;

/// After so many runs that freed what was in the way, everything that is installed may move.
const PATIENCE: usize = 8;

/// The most changed packs that are tried without.
const TRIED_WITHOUT: usize = 64;

/// The most versions that are listed.
const LISTED: usize = 10;

/// Why there is no solution.
#[derive(Debug)]
pub(crate) enum Unsolved<E> {
    /// What is asked for is offered by nobody.
    Unknown {
        /// The pack.
        pack_ref: PackRef,
        /// The registries that were asked.
        asked: Vec<String>,
        /// Refs on offer that are nearly this one.
        nearest: Vec<String>,
    },
    /// What is asked for is offered, in other versions.
    NoVersion {
        /// The pack.
        pack_ref: PackRef,
        /// The registry that offers it.
        registry: String,
        /// What it offers and has not withdrawn, the newest first; not all of it.
        available: Vec<Version>,
        /// What would help, if anything would.
        hint: Option<String>,
    },
    /// The requirements exclude each other.
    Conflict(Explanation),
    /// A bound was reached.
    Spent(Spent),
    /// It is not known what there is.
    Offers(E),
}

impl<E: Error + 'static> From<Stop<E>> for Unsolved<E> {
    fn from(stop: Stop<E>) -> Self {
        match stop {
            Stop::Spent(spent) => Self::Spent(spent),
            Stop::Offers(error) => Self::Offers(error),
        }
    }
}

/// Finds the releases that go together.
///
/// # Errors
/// [`Unsolved`].
pub(crate) fn solve<O: Offers>(
    question: &Question,
    offers: &O,
    budget: &Budget<'_>,
) -> Result<Solution, Unsolved<O::Error>> {
    let universe = Universe::new(question, offers);
    let solver = Solver::new(&universe, budget);
    solver.look_at_wants()?;
    match solver.search()? {
        Ok((movable, chosen)) => {
            let chosen = solver.with_fewest_changes(&movable, chosen)?;
            Ok(solution::of(&universe, &chosen))
        }
        Err(proof) => {
            let mut facts = explain::facts(&universe, &proof);
            dismantle(proof);
            let makes_room = all_that_breaks(question, offers, budget, &mut facts)?;
            let hint = advice::advice(offers, question, &facts, &makes_room, |changed| {
                is_possible(changed, offers, budget)
            });
            Err(Unsolved::Conflict(words::in_words(question, &facts, hint)))
        }
    }
}

/// A proof names one installed pack that would break. This adds the facts about the others, and gives all of them if
/// the change is possible without them.
fn all_that_breaks<O: Offers>(
    question: &Question,
    offers: &O,
    budget: &Budget<'_>,
    facts: &mut Vec<Fact>,
) -> Result<Vec<PackRef>, Unsolved<O::Error>> {
    let mut without = question.clone();
    let mut breaks = words::breaks(facts);
    for _ in 0..TRIED_WITHOUT {
        if breaks.is_empty() {
            return Ok(Vec::new());
        }
        without.installed.retain(|name, _| !breaks.contains(name));
        let universe = Universe::new(&without, offers);
        match Solver::new(&universe, budget).search()? {
            Ok(_) => break,
            Err(proof) => {
                let more = explain::facts(&universe, &proof);
                dismantle(proof);
                breaks = words::breaks(&more);
                facts.extend(more);
            }
        }
    }
    let all = words::breaks(facts);
    Ok(if breaks.is_empty() { Vec::new() } else { all })
}

/// Whether a question has an answer, and in which versions of what is asked for. Nobody waits for this one.
fn is_possible<O: Offers>(
    question: &Question,
    offers: &O,
    budget: &Budget<'_>,
) -> Option<Vec<(PackRef, Version)>> {
    let universe = Universe::new(question, offers);
    let solver = Solver::new(&universe, budget);
    solver.look_at_wants().ok()?;
    match solver.search().ok()? {
        Ok((_, chosen)) => {
            let version = |want: &Want| {
                let (pack, place) = chosen.get(&universe.number(&want.pack_ref))?;
                Some((want.pack_ref.clone(), pack.at(*place)?.version.clone()))
            };
            question.wants.iter().map(version).collect()
        }
        Err(proof) => {
            dismantle(proof);
            None
        }
    }
}

struct Solver<'a, 'q, O: Offers> {
    universe: &'a Universe<'q, O>,
    budget: &'a Budget<'a>,
    /// For each installed pack the installed ones that need it, and have what they need.
    needed_by: HashMap<u32, Vec<u32>>,
}

type Searched = Result<(BTreeSet<u32>, Chosen), Proof>;

impl<'a, 'q, O: Offers> Solver<'a, 'q, O> {
    fn new(universe: &'a Universe<'q, O>, budget: &'a Budget<'a>) -> Self {
        let question = universe.question;
        let mut needed_by: HashMap<u32, Vec<u32>> = HashMap::new();
        let staying = question.installed.iter();
        for (name, pack) in staying.filter(|(name, _)| !question.leaving.contains(*name)) {
            for need in pack
                .dependencies
                .iter()
                .filter(|need| question.is_met(need))
            {
                let needed = universe.number(&need.pack_ref);
                needed_by
                    .entry(needed)
                    .or_default()
                    .push(universe.number(name));
            }
        }
        Self {
            universe,
            budget,
            needed_by,
        }
    }

    fn attempt(&self, movable: BTreeSet<u32>) -> Attempt<'_, 'q, O> {
        Attempt::new(self.universe, self.budget, &self.needed_by, movable)
    }

    /// Sees to it that everything that is asked for is there at all: that has clearer words than a conflict.
    fn look_at_wants(&self) -> Result<(), Unsolved<O::Error>> {
        let question = self.universe.question;
        let numbers: Vec<u32> = question
            .wants
            .iter()
            .map(|want| self.universe.number(&want.pack_ref))
            .collect();
        self.universe.look(&numbers).map_err(Unsolved::Offers)?;
        for (number, want) in numbers.into_iter().zip(&question.wants) {
            let Some(pack) = self.universe.whole(number) else {
                continue;
            };
            if let Offered::Nowhere(asked) = &pack.offered
                && pack.candidates.is_empty()
            {
                return Err(Unsolved::Unknown {
                    pack_ref: want.pack_ref.clone(),
                    asked: asked.clone(),
                    nearest: self.universe.offers.nearest(&want.pack_ref),
                });
            }
            if let Offered::By { registry } = &pack.offered
                && pack.wanted(&want.requirement, question.pre).is_empty()
            {
                return Err(Unsolved::NoVersion {
                    pack_ref: want.pack_ref.clone(),
                    registry: registry.clone(),
                    available: pack
                        .candidates
                        .iter()
                        .rev()
                        .filter(|candidate| !candidate.yanked)
                        .take(LISTED)
                        .map(|candidate| candidate.version.clone())
                        .collect(),
                    hint: advice::instead(self.universe.offers, &pack, &want.requirement),
                });
            }
        }
        Ok(())
    }

    /// Frees what is in the way until something goes together, or nothing is in the way any more.
    fn search(&self) -> Result<Searched, Unsolved<O::Error>> {
        let mut movable = BTreeSet::new();
        let mut round = 0;
        loop {
            let attempt = self.attempt(movable.clone());
            let ended = attempt.run()?;
            let mut more = attempt.in_the_way();
            if let Ended::Found(chosen) = &ended
                && (more.is_empty() || self.is_newest(chosen))
            {
                more.clear();
            }
            if let Ended::Impossible(proof) = &ended {
                let installed = explain::packs(proof)
                    .into_iter()
                    .filter(|number| self.universe.is_installed(*number));
                more.extend(installed.filter(|number| !movable.contains(number)));
            }
            if more.is_subset(&movable) {
                return Ok(match ended {
                    Ended::Found(chosen) => Ok((movable, chosen)),
                    Ended::Impossible(proof) => Err(proof),
                });
            }
            if let Ended::Impossible(proof) = ended {
                dismantle(proof);
            }
            movable.extend(more);
            round += 1;
            if round > PATIENCE {
                let installed = self.universe.question.installed.keys();
                movable.extend(installed.map(|name| self.universe.number(name)));
            }
        }
    }

    /// Whether everything that is asked for is in the version that comes first.
    fn is_newest(&self, chosen: &Chosen) -> bool {
        let question = self.universe.question;
        question.wants.iter().all(|want| {
            chosen
                .get(&self.universe.number(&want.pack_ref))
                .is_some_and(|(pack, place)| {
                    best(pack, &pack.wanted(&want.requirement, question.pre)) == Some(*place)
                        || want.given.is_some()
                })
        })
    }

    /// The same releases of what is asked for with as few changed packs as possible: none of those that change
    /// could stay as it is.
    fn with_fewest_changes(
        &self,
        movable: &BTreeSet<u32>,
        chosen: Chosen,
    ) -> Result<Chosen, Unsolved<O::Error>> {
        let mut best_so_far = chosen;
        let mut movable: BTreeSet<u32> = self
            .changed(&best_so_far)
            .intersection(movable)
            .copied()
            .collect();
        if movable.len() > TRIED_WITHOUT {
            return Ok(best_so_far);
        }
        let settled: BTreeMap<u32, u32> = self
            .universe
            .question
            .wants
            .iter()
            .map(|want| self.universe.number(&want.pack_ref))
            .filter_map(|number| Some((number, best_so_far.get(&number)?.1)))
            .collect();
        for number in movable.clone() {
            let mut without = movable.clone();
            if !without.remove(&number) {
                continue;
            }
            let mut attempt = self.attempt(without.clone());
            attempt.settled.clone_from(&settled);
            match attempt.run()? {
                Ended::Found(chosen) => {
                    movable = self
                        .changed(&chosen)
                        .intersection(&without)
                        .copied()
                        .collect();
                    best_so_far = chosen;
                }
                Ended::Impossible(proof) => dismantle(proof),
            }
        }
        Ok(best_so_far)
    }

    /// The installed packs, other than those that are asked for, whose release is another one.
    fn changed(&self, chosen: &Chosen) -> BTreeSet<u32> {
        let question = self.universe.question;
        let is_other = |(pack, place): &(Rc<Pack>, u32)| {
            question.installed.contains_key(&pack.name)
                && question.want(&pack.name).is_none()
                && pack.preferred != Some(*place)
        };
        chosen
            .iter()
            .filter(|(_, release)| is_other(release))
            .map(|(number, _)| *number)
            .collect()
    }
}
