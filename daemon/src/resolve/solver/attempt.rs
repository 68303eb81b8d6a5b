//! One run of the solver: some installed packs may move, the others stay where they are.
//!
//! The request is a package of its own (number 0) that needs what is asked for, and the installed packs that need
//! something which may move. An installed pack that may not move has one release, and needs only what
//! may move: everything else is as it was before.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use packd_format::Requirement;
use pubgrub::{
    Dependencies, DependencyProvider, DerivationTree, PackageResolutionStatistics, PubGrubError,
    VersionSet as _,
};

use super::budget::{Budget, Spent};
use super::question::Want;
use super::set::Set;
use super::universe::{Candidate, Offers, Pack, REQUEST, Standing, Universe};

/// Why a release cannot be used whatever the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It breaks the limit of this number.
    Barred(usize),
    /// It needs itself.
    Itself,
}

/// For the solver's own texts, which nobody sees.
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barred(number) => write!(f, "limit {number}"),
            Self::Itself => f.write_str("itself"),
        }
    }
}

/// What ends the solver before it has an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop<E: Error + 'static> {
    /// A bound was reached.
    #[error(transparent)]
    Spent(Spent),
    /// It is not known what there is.
    #[error(transparent)]
    Offers(E),
}

impl<E: Error + 'static> From<Spent> for Stop<E> {
    fn from(spent: Spent) -> Self {
        Self::Spent(spent)
    }
}

/// The proof that nothing goes together.
pub(super) type Proof = DerivationTree<u32, Set, Unusable>;

/// The chosen release of each pack that had to be looked at.
pub(super) type Chosen = BTreeMap<u32, (Rc<Pack>, u32)>;

/// How a run ended.
pub(super) enum Ended {
    /// These go together.
    Found(Chosen),
    /// Nothing does.
    Impossible(Proof),
}

/// One run.
pub(super) struct Attempt<'u, 'q, O: Offers> {
    /// What there is.
    pub universe: &'u Universe<'q, O>,
    /// What is left to spend.
    pub budget: &'u Budget<'u>,
    /// The installed packs that may move; those that are asked for always may.
    pub movable: BTreeSet<u32>,
    /// The releases that are settled already of what is asked for.
    pub settled: BTreeMap<u32, u32>,
    /// Installed packs that may not move and were in the way.
    in_the_way: RefCell<BTreeSet<u32>>,
    /// For each installed pack the installed ones that need it.
    needed_by: &'u HashMap<u32, Vec<u32>>,
}

impl<'u, 'q, O: Offers> Attempt<'u, 'q, O> {
    pub(super) fn new(
        universe: &'u Universe<'q, O>,
        budget: &'u Budget<'u>,
        needed_by: &'u HashMap<u32, Vec<u32>>,
        movable: BTreeSet<u32>,
    ) -> Self {
        Self {
            universe,
            budget,
            movable,
            settled: BTreeMap::new(),
            in_the_way: RefCell::default(),
            needed_by,
        }
    }

    /// Runs the solver.
    pub(super) fn run(&self) -> Result<Ended, Stop<O::Error>> {
        match pubgrub::resolve(self, REQUEST, 0_u32) {
            Ok(found) => {
                let packs = found.into_iter().filter(|(number, _)| *number != REQUEST);
                Ok(Ended::Found(
                    packs
                        .map(|(number, place)| Ok((number, (self.pack(number)?, place))))
                        .collect::<Result<_, Stop<O::Error>>>()?,
                ))
            }
            Err(PubGrubError::NoSolution(proof)) => Ok(Ended::Impossible(proof)),
            Err(
                PubGrubError::ErrorRetrievingDependencies { source, .. }
                | PubGrubError::ErrorChoosingVersion { source, .. }
                | PubGrubError::ErrorInShouldCancel(source),
            ) => Err(source),
        }
    }

    /// The installed packs that would have to move for more to be possible: those that were not what somebody needs,
    /// and those that need what may move.
    pub(super) fn in_the_way(&self) -> BTreeSet<u32> {
        let mut all = self.in_the_way.borrow().clone();
        all.extend(self.staying());
        all.retain(|number| !self.movable.contains(number));
        all
    }

    /// What is known of a pack in this run.
    pub(super) fn pack(&self, number: u32) -> Result<Rc<Pack>, Stop<O::Error>> {
        if self.is_pinned(number) {
            return Ok(self.universe.pinned(number));
        }
        if let Some(pack) = self.universe.whole(number) {
            return Ok(pack);
        }
        self.look(&[number])?;
        Ok(self
            .universe
            .whole(number)
            .unwrap_or_else(|| self.universe.pinned(number)))
    }

    fn is_pinned(&self, number: u32) -> bool {
        !self.movable.contains(&number)
            && self.universe.is_installed(number)
            && self
                .universe
                .question
                .want(&self.universe.name(number))
                .is_none()
    }

    /// Looks at the packs among these that may move.
    fn look(&self, numbers: &[u32]) -> Result<(), Stop<O::Error>> {
        let numbers: Vec<u32> = numbers
            .iter()
            .copied()
            .filter(|number| !self.is_pinned(*number))
            .collect();
        self.budget.packs(self.universe.unknown(&numbers))?;
        self.universe.look(&numbers).map_err(Stop::Offers)
    }

    /// The installed packs that need what may move, and are not asked for themselves.
    fn staying(&self) -> BTreeSet<u32> {
        let wants = &self.universe.question.wants;
        let wanted = wants
            .iter()
            .map(|want| self.universe.number(&want.pack_ref));
        let may_move: BTreeSet<u32> = self.movable.iter().copied().chain(wanted).collect();
        may_move
            .iter()
            .filter_map(|number| self.needed_by.get(number))
            .flatten()
            .copied()
            .filter(|number| {
                self.universe
                    .question
                    .want(&self.universe.name(*number))
                    .is_none()
            })
            .collect()
    }

    /// What the request needs.
    fn of_request(&self) -> Result<Vec<(u32, Set)>, Stop<O::Error>> {
        let question = self.universe.question;
        let wanted: Vec<(u32, &Want)> = question
            .wants
            .iter()
            .map(|want| (self.universe.number(&want.pack_ref), want))
            .collect();
        let staying = self.staying();
        let all: Vec<u32> = wanted
            .iter()
            .map(|(number, _)| *number)
            .chain(staying.iter().copied())
            .collect();
        self.look(&all)?;
        let mut needs = Vec::with_capacity(all.len());
        for (number, want) in wanted {
            let set = match (self.settled.get(&number), &want.given) {
                (Some(place), _) => Set::singleton(*place),
                (None, Some(_)) => Set::full(),
                (None, None) => self.pack(number)?.wanted(&want.requirement, question.pre),
            };
            needs.push((number, set));
        }
        for number in staying {
            let set = self
                .pack(number)?
                .admitted(&Requirement::any(), question.pre);
            needs.push((number, set));
        }
        Ok(needs)
    }

    /// What a release needs.
    fn of_release(
        &self,
        number: u32,
        release: &Candidate,
    ) -> Result<Vec<(u32, Set)>, Stop<O::Error>> {
        let question = self.universe.question;
        let is_pinned = self.is_pinned(number);
        let mut needs = Vec::with_capacity(release.dependencies.len());
        for need in &release.dependencies {
            let needed = self.universe.number(&need.pack_ref);
            // what an installed pack lacks already is not made worse by this plan
            let is_as_before = release.standing == Standing::Installed && !question.is_met(need);
            if is_as_before || needed == number || (is_pinned && self.is_pinned(needed)) {
                continue;
            }
            needs.push((needed, need));
        }
        self.look(&needs.iter().map(|(needed, _)| *needed).collect::<Vec<_>>())?;
        let mut sets: BTreeMap<u32, Set> = BTreeMap::new();
        for (needed, need) in needs {
            let set = self.pack(needed)?.admitted(&need.requirement, question.pre);
            if set.is_empty() && self.is_pinned(needed) {
                self.in_the_way.borrow_mut().insert(needed);
            }
            match sets.get_mut(&needed) {
                Some(known) => *known = known.intersection(&set),
                None => drop(sets.insert(needed, set)),
            }
        }
        Ok(sets.into_iter().collect())
    }
}

impl<O: Offers> DependencyProvider for Attempt<'_, '_, O> {
    type P = u32;
    type V = u32;
    type VS = Set;
    type M = Unusable;
    type Err = Stop<O::Error>;
    /// What is impossible first, then what is asked for, then what is entangled, then what has few releases left.
    type Priority = (bool, bool, u32, Reverse<usize>);

    fn prioritize(
        &self,
        number: &u32,
        set: &Set,
        statistics: &PackageResolutionStatistics,
    ) -> Self::Priority {
        let Some(pack) = (*number != REQUEST)
            .then(|| self.pack(*number).ok())
            .flatten()
        else {
            return (true, true, 0, Reverse(0));
        };
        let count = set.below(pack.candidates.len()).count();
        let is_wanted = self.universe.question.want(&pack.name).is_some();
        (
            count == 0,
            is_wanted,
            statistics.conflict_count(),
            Reverse(count),
        )
    }

    fn choose_version(&self, number: &u32, set: &Set) -> Result<Option<u32>, Self::Err> {
        if *number == REQUEST {
            return Ok(Some(0));
        }
        Ok(best(&*self.pack(*number)?, set))
    }

    fn get_dependencies(
        &self,
        number: &u32,
        place: &u32,
    ) -> Result<Dependencies<u32, Set, Unusable>, Self::Err> {
        if *number == REQUEST {
            return Ok(Dependencies::Available(
                self.of_request()?.into_iter().collect(),
            ));
        }
        let pack = self.pack(*number)?;
        let Some(release) = pack.at(*place) else {
            return Ok(Dependencies::Available([].into_iter().collect()));
        };
        self.budget.step(1 + release.dependencies.len())?;
        let barred = pack.barred.get(*place as usize).copied().flatten();
        if let Some(limit) = barred.filter(|_| release.standing != Standing::Installed) {
            return Ok(Dependencies::Unavailable(Unusable::Barred(limit)));
        }
        let itself = release
            .dependencies
            .iter()
            .any(|need| need.pack_ref == pack.name);
        if itself && release.standing != Standing::Installed {
            return Ok(Dependencies::Unavailable(Unusable::Itself));
        }
        let needs = self.of_release(*number, release)?;
        Ok(Dependencies::Available(needs.into_iter().collect()))
    }

    fn should_cancel(&self) -> Result<(), Self::Err> {
        Ok(self.budget.step(1)?)
    }
}

/// The release of a set that is taken: the installed one, else the newest.
pub(super) fn best(pack: &Pack, set: &Set) -> Option<u32> {
    pack.preferred
        .filter(|place| set.contains(place))
        .or_else(|| set.below(pack.candidates.len()).next_back())
}

/// Takes a proof apart without recursion: one of 10,000 levels would not fit on the stack.
pub(super) fn dismantle(proof: Proof) {
    let mut parts = vec![proof];
    while let Some(part) = parts.pop() {
        if let DerivationTree::Derived(derived) = part {
            parts.extend(Arc::into_inner(derived.cause1));
            parts.extend(Arc::into_inner(derived.cause2));
        }
    }
}
