//! What there is of each pack: what the registries offer, what is installed, and what the request brings.
//!
//! Read when the solver first looks at a pack, and never again. Of an installed pack that may stay as it is
//! nothing else is considered, so its registry need not be there.

use std::cell::RefCell;
use std::collections::HashMap;
use std::error::Error;
use std::rc::Rc;

use packd_format::{Dependency, PackRef, PreReleases, Requirement, Version};

use super::question::{Question, Want};
use super::set::Set;

/// Where a release comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is active now.
    Installed,
    /// The request brings it.
    Given,
    /// A registry offers it.
    Offered,
}

/// One release of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its version.
    pub version: Version,
    /// Where it comes from.
    pub standing: Standing,
    /// Whether its registry has withdrawn it.
    pub yanked: bool,
    /// The packs it needs.
    pub dependencies: Vec<Dependency>,
}

/// Which pack is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The pack.
    pub pack_ref: PackRef,
    /// The only registry that may answer.
    pub only: Option<String>,
}

/// What registries say about one pack.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// One of them offers it.
    Offer {
        /// Which.
        registry: String,
        /// In which releases.
        candidates: Vec<Candidate>,
    },
    /// None of these does.
    Nowhere(Vec<String>),
}

/// A registry that offers a pack in vain, because another one comes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shadowed {
    /// Its name.
    pub registry: String,
    /// What it offers.
    pub versions: Vec<Version>,
}

/// Whoever knows what registries offer.
pub(crate) trait Offers {
    /// Why one cannot say.
    type Error: Error + 'static;

    /// What there is of these packs, in their order. A registry that cannot be asked is an error: the next one
    /// must not answer for it.
    fn ask(&self, packs: &[Asked]) -> Vec<Result<Answer, Self::Error>>;

    /// The registries that offer a pack in vain, because this one comes before them.
    fn shadowed(&self, pack_ref: &PackRef, registry: &str) -> Vec<Shadowed>;

    /// Refs on offer that are nearly this one, the nearest first.
    fn nearest(&self, pack_ref: &PackRef) -> Vec<String>;
}

/// What is known of one pack.
#[derive(Debug)]
pub(super) struct Pack {
    /// Its name.
    pub name: PackRef,
    /// Its releases, the oldest first.
    pub candidates: Vec<Candidate>,
    /// The release that is taken when it will do, even if there is a newer one.
    pub preferred: Option<u32>,
    /// Who offers it.
    pub offered: Offered,
    /// The number of the [`Limit`](super::question::Limit) that each release breaks.
    pub barred: Vec<Option<usize>>,
    /// Whether a release counts like any other though it is withdrawn or a pre-release, because the request names it.
    unlocked: Vec<bool>,
    sets: RefCell<HashMap<Requirement, Set>>,
}

/// Who offers a pack.
#[derive(Debug, Clone)]
pub(super) enum Offered {
    /// A registry.
    By {
        /// Its name.
        registry: String,
    },
    /// None of these.
    Nowhere(Vec<String>),
    /// It is installed, and nothing else was considered.
    Pinned,
    /// It is installed from no registry, and was not asked for: no registry takes its place.
    Local,
    /// It is installed, and the registry that it came from cannot be asked; the error's words.
    Unasked(String),
    /// The request brings it.
    Given,
}

impl Pack {
    fn new(
        question: &Question,
        name: PackRef,
        mut candidates: Vec<Candidate>,
        offered: Offered,
    ) -> Self {
        // of one version the installed release is the one that is known to be good
        candidates.sort_by(|a, b| {
            let rank = |candidate: &Candidate| candidate.standing == Standing::Offered;
            a.version.cmp(&b.version).then(rank(a).cmp(&rank(b)))
        });
        candidates.dedup_by(|later, first| later.version == first.version);
        let want = question.want(&name);
        let limits = || {
            let of_this = question.limits.iter().enumerate();
            of_this.filter(|(_, limit)| limit.pack_ref == name)
        };
        let barred = |candidate: &Candidate| {
            limits()
                .find(|(_, limit)| {
                    !limit
                        .requirement
                        .matches(&candidate.version, PreReleases::Include)
                })
                .map(|(number, _)| number)
        };
        let preferred = match (want, question.installed.get(&name)) {
            (Some(want), Some(installed)) if want.again => candidates
                .iter()
                .position(|candidate| candidate.version == installed.version),
            _ => candidates
                .iter()
                .position(|candidate| candidate.standing == Standing::Installed),
        };
        Self {
            preferred: preferred.and_then(|place| u32::try_from(place).ok()),
            barred: candidates.iter().map(barred).collect(),
            unlocked: candidates
                .iter()
                .map(|candidate| want.is_some_and(|want| names(want, candidate)))
                .collect(),
            name,
            candidates,
            offered,
            sets: RefCell::default(),
        }
    }

    /// The release at a place.
    pub(super) fn at(&self, place: u32) -> Option<&Candidate> {
        self.candidates.get(usize::try_from(place).ok()?)
    }

    /// The releases that satisfy a requirement: exactly those that [`Requirement::matches`].
    ///
    /// A withdrawn release satisfies only who asks for exactly that one, and a pre-release follows the policy,
    /// unless it is installed, or the request asks for it by name.
    pub(super) fn admitted(&self, requirement: &Requirement, pre: PreReleases) -> Set {
        if let Some(set) = self.sets.borrow().get(requirement) {
            return set.clone();
        }
        let set: Set = (0_u32..)
            .zip(&self.candidates)
            .zip(&self.unlocked)
            .filter(|((_, candidate), unlocked)| {
                if **unlocked || candidate.standing != Standing::Offered {
                    return requirement.matches(&candidate.version, PreReleases::Include);
                }
                if candidate.yanked && requirement.exact() != Some(&candidate.version) {
                    return false;
                }
                requirement.matches(&candidate.version, pre)
            })
            .map(|((place, _), _)| place)
            .collect();
        self.sets
            .borrow_mut()
            .insert(requirement.clone(), set.clone());
        set
    }

    /// The releases that satisfy a request: as [`Self::admitted`], but only the newest for `latest`.
    pub(super) fn wanted(&self, requirement: &Requirement, pre: PreReleases) -> Set {
        let admitted = self.admitted(requirement, pre);
        if !requirement.is_latest() {
            return admitted;
        }
        admitted
            .below(self.candidates.len())
            .next_back()
            .into_iter()
            .collect()
    }
}

/// Whether a request asks for a release in a way that it counts though it is withdrawn, or a pre-release.
fn names(want: &Want, candidate: &Candidate) -> bool {
    if candidate.yanked {
        want.requirement.exact() == Some(&candidate.version)
    } else {
        !candidate.version.pre.is_empty()
            && want
                .requirement
                .matches(&candidate.version, PreReleases::Exclude)
    }
}

/// Every pack that was looked at. Packs have numbers, from 1; 0 is the request.
pub(super) struct Universe<'a, O> {
    /// What is asked.
    pub question: &'a Question,
    /// Whoever knows what registries offer.
    pub offers: &'a O,
    names: RefCell<Vec<PackRef>>,
    numbers: RefCell<HashMap<PackRef, u32>>,
    whole: RefCell<HashMap<u32, Rc<Pack>>>,
    pinned: RefCell<HashMap<u32, Rc<Pack>>>,
}

/// The number of the request.
pub(super) const REQUEST: u32 = 0;

impl<'a, O: Offers> Universe<'a, O> {
    /// Nothing looked at yet.
    pub(super) fn new(question: &'a Question, offers: &'a O) -> Self {
        Self {
            question,
            offers,
            names: RefCell::default(),
            numbers: RefCell::default(),
            whole: RefCell::default(),
            pinned: RefCell::default(),
        }
    }

    /// The number of a pack.
    pub(super) fn number(&self, name: &PackRef) -> u32 {
        if let Some(number) = self.numbers.borrow().get(name) {
            return *number;
        }
        let mut names = self.names.borrow_mut();
        names.push(name.clone());
        let number = u32::try_from(names.len()).unwrap_or(u32::MAX);
        self.numbers.borrow_mut().insert(name.clone(), number);
        number
    }

    /// The name of a number other than [`REQUEST`].
    pub(super) fn name(&self, number: u32) -> PackRef {
        self.names.borrow()[number as usize - 1].clone()
    }

    /// Whether a pack is active now.
    pub(super) fn is_installed(&self, number: u32) -> bool {
        self.question.installed.contains_key(&self.name(number))
    }

    /// How many of these have not been looked at in whole.
    pub(super) fn unknown(&self, numbers: &[u32]) -> usize {
        let whole = self.whole.borrow();
        numbers
            .iter()
            .filter(|number| !whole.contains_key(number))
            .count()
    }

    /// The active release of a pack, and nothing else of it.
    pub(super) fn pinned(&self, number: u32) -> Rc<Pack> {
        if let Some(pack) = self.pinned.borrow().get(&number) {
            return Rc::clone(pack);
        }
        let name = self.name(number);
        let candidates = self.present(&name).into_iter().collect();
        let pack = Rc::new(Pack::new(self.question, name, candidates, Offered::Pinned));
        self.pinned.borrow_mut().insert(number, Rc::clone(&pack));
        pack
    }

    /// Everything there is of a pack that was looked at in [`Self::look`].
    pub(super) fn whole(&self, number: u32) -> Option<Rc<Pack>> {
        self.whole.borrow().get(&number).cloned()
    }

    /// Looks at packs in whole.
    ///
    /// # Errors
    /// Of a pack that is not installed: those of [`Offers::ask`]. An installed one is then what it is.
    pub(super) fn look(&self, numbers: &[u32]) -> Result<(), O::Error> {
        let mut ask = Vec::new();
        for number in numbers {
            if self.whole.borrow().contains_key(number) {
                continue;
            }
            let name = self.name(*number);
            match self.without_asking(&name) {
                Some(pack) => drop(self.whole.borrow_mut().insert(*number, Rc::new(pack))),
                None => ask.push((*number, self.asked(name))),
            }
        }
        if ask.is_empty() {
            return Ok(());
        }
        let (numbers, asked): (Vec<u32>, Vec<Asked>) = ask.into_iter().unzip();
        let answers = self.offers.ask(&asked);
        for ((number, Asked { pack_ref, .. }), answer) in
            numbers.into_iter().zip(asked).zip(answers)
        {
            let mut candidates: Vec<Candidate> = self.present(&pack_ref).into_iter().collect();
            let offered = match answer {
                Ok(Answer::Offer {
                    registry,
                    candidates: more,
                }) => {
                    candidates.extend(more);
                    Offered::By { registry }
                }
                Ok(Answer::Nowhere(asked)) => Offered::Nowhere(asked),
                Err(error) if candidates.is_empty() => return Err(error),
                Err(error) => Offered::Unasked(error.to_string()),
            };
            let pack = Pack::new(self.question, pack_ref, candidates, offered);
            self.whole.borrow_mut().insert(number, Rc::new(pack));
        }
        Ok(())
    }

    /// A pack that no registry has to be asked about.
    fn without_asking(&self, name: &PackRef) -> Option<Pack> {
        let new =
            |candidates, offered| Some(Pack::new(self.question, name.clone(), candidates, offered));
        match (self.question.want(name), self.question.installed.get(name)) {
            (
                Some(Want {
                    given: Some(given), ..
                }),
                _,
            ) => new(vec![given.clone()], Offered::Given),
            (None, Some(installed)) if installed.registry.is_none() => {
                new(self.present(name).into_iter().collect(), Offered::Local)
            }
            _ => None,
        }
    }

    /// Whom to ask: a pack stays with its registry, unless the request says otherwise.
    fn asked(&self, pack_ref: PackRef) -> Asked {
        let want = self.question.want(&pack_ref);
        let installed = self.question.installed.get(&pack_ref);
        let only = want
            .and_then(|want| want.registry.clone())
            .or_else(|| installed.and_then(|installed| installed.registry.clone()));
        Asked { pack_ref, only }
    }

    /// The active release of a pack, where it may be kept.
    fn present(&self, name: &PackRef) -> Option<Candidate> {
        let installed = self.question.installed.get(name)?;
        if let Some(want) = self.question.want(name) {
            let moves = want.registry.is_some() && want.registry != installed.registry;
            if want.again || want.given.is_some() || moves {
                return None;
            }
        }
        Some(Candidate {
            version: installed.version.clone(),
            standing: Standing::Installed,
            yanked: false,
            dependencies: installed.dependencies.clone(),
        })
    }
}
