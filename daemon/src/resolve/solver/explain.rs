//! Why no releases go together: the solver's proof as facts about packs.
//!
//! A proof is a tree of what follows from what. People want its leaves: who needs what, in an order that begins
//! with what they asked for. What follows from them is left to the reader.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use packd_format::{Dependency, PackRef, Requirement};
use pubgrub::{DerivationTree, External, VersionSet as _};

use super::attempt::{Proof, Unusable};
use super::set::Set;
use super::universe::{Offers, Pack, REQUEST, Universe};

/// Why a plan is impossible, in plain sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The whole in one line.
    pub summary: String,
    /// The facts that lead to it, one sentence each.
    pub sentences: Vec<String>,
    /// One thing that would help.
    pub hint: Option<String>,
    /// The installed packs that the change would break.
    pub breaks: Vec<PackRef>,
    /// The packs that would have to be there, or in another version.
    pub needed: Vec<PackRef>,
}

/// One leaf of a proof.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    /// A pack is asked for.
    Asked {
        /// The pack.
        pack: Rc<Pack>,
        /// In which versions.
        requirement: Requirement,
    },
    /// A pack is installed and shall stay.
    Stays {
        /// The pack.
        pack: Rc<Pack>,
    },
    /// Releases of a pack need another one.
    Needs {
        /// The pack.
        pack: Rc<Pack>,
        /// The releases.
        places: BTreeSet<u32>,
        /// The other pack.
        needed: Rc<Pack>,
        /// What they ask of it.
        need: Dependency,
    },
    /// Releases of a pack break a limit.
    Barred {
        /// The pack.
        pack: Rc<Pack>,
        /// The limit.
        limit: usize,
    },
    /// Releases of a pack need that very pack.
    Itself {
        /// The pack.
        pack: Rc<Pack>,
        /// The releases.
        places: BTreeSet<u32>,
    },
}

impl Fact {
    /// The pack that it says something about.
    pub(super) fn subject(&self) -> &Pack {
        match self {
            Self::Asked { pack, .. }
            | Self::Stays { pack }
            | Self::Needs { pack, .. }
            | Self::Barred { pack, .. }
            | Self::Itself { pack, .. } => pack,
        }
    }

    /// The pack that has to satisfy a requirement, and the requirement.
    pub(super) fn demand(&self) -> Option<(&Rc<Pack>, &Requirement)> {
        match self {
            Self::Asked { pack, requirement } => Some((pack, requirement)),
            Self::Needs { needed, need, .. } => Some((needed, &need.requirement)),
            Self::Stays { .. } | Self::Barred { .. } | Self::Itself { .. } => None,
        }
    }
}

type Leaf = External<u32, Set, Unusable>;

/// The leaves of a proof. Parts of it are shared, and looked at once.
fn leaves(proof: &Proof) -> Vec<&Leaf> {
    let mut seen: HashSet<*const Proof> = HashSet::new();
    let mut look_at = vec![proof];
    let mut leaves = Vec::new();
    while let Some(part) = look_at.pop() {
        match part {
            DerivationTree::External(leaf) => leaves.push(leaf),
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause2, &derived.cause1] {
                    if seen.insert(Arc::as_ptr(cause)) {
                        look_at.push(cause);
                    }
                }
            }
        }
    }
    leaves
}

/// The packs that a proof speaks of.
pub(super) fn packs(proof: &Proof) -> BTreeSet<u32> {
    let mut packs = BTreeSet::new();
    for leaf in leaves(proof) {
        match leaf {
            External::NotRoot(pack, _)
            | External::NoVersions(pack, _)
            | External::Custom(pack, ..) => {
                packs.insert(*pack);
            }
            External::FromDependencyOf(pack, _, needed, _) => packs.extend([*pack, *needed]),
        }
    }
    packs.remove(&REQUEST);
    packs
}

/// The facts of a proof, those about what is asked for first, then about what that needs, and so on.
pub(super) fn facts<O: Offers>(universe: &Universe<'_, O>, proof: &Proof) -> Vec<Fact> {
    let known = |number: u32| {
        universe
            .whole(number)
            .unwrap_or_else(|| universe.pinned(number))
    };
    let mut asked: BTreeMap<u32, Fact> = BTreeMap::new();
    let mut needs: BTreeMap<(u32, u32, String), Fact> = BTreeMap::new();
    let mut others: BTreeMap<(u32, bool), Fact> = BTreeMap::new();
    for leaf in leaves(proof) {
        match leaf {
            External::NotRoot(..) | External::NoVersions(..) => {}
            External::Custom(number, set, why) => {
                let pack = known(*number);
                let places: BTreeSet<u32> = set.below(pack.candidates.len()).collect();
                let fact = match why {
                    Unusable::Barred(limit) => Fact::Barred {
                        pack,
                        limit: *limit,
                    },
                    Unusable::Itself => Fact::Itself { pack, places },
                };
                others
                    .entry((*number, *why == Unusable::Itself))
                    .or_insert(fact);
            }
            External::FromDependencyOf(REQUEST, _, number, _) => {
                let pack = known(*number);
                let fact = match universe.question.want(&pack.name) {
                    Some(want) => Fact::Asked {
                        pack,
                        requirement: want.requirement.clone(),
                    },
                    None => Fact::Stays { pack },
                };
                asked.insert(*number, fact);
            }
            External::FromDependencyOf(number, set, other, admitted) => {
                let (pack, needed) = (known(*number), known(*other));
                for place in set.below(pack.candidates.len()) {
                    let release = pack.at(place).into_iter();
                    let on_other = release
                        .flat_map(|release| &release.dependencies)
                        .filter(|need| need.pack_ref == needed.name)
                        // of several requirements on one pack each asks for more than all of them admit
                        .filter(|need| {
                            admitted.subset_of(
                                &needed.admitted(&need.requirement, universe.question.pre),
                            )
                        });
                    for need in on_other {
                        let fact = needs
                            .entry((*number, *other, need.to_string()))
                            .or_insert_with(|| Fact::Needs {
                                pack: Rc::clone(&pack),
                                places: BTreeSet::new(),
                                needed: Rc::clone(&needed),
                                need: need.clone(),
                            });
                        if let Fact::Needs { places, .. } = fact {
                            places.insert(place);
                        }
                    }
                }
            }
        }
    }
    let facts = asked
        .into_values()
        .chain(needs.into_values())
        .chain(others.into_values());
    in_order(facts.collect())
}

/// Facts in the order of their distance from what is asked for.
fn in_order(mut facts: Vec<Fact>) -> Vec<Fact> {
    let mut distance: HashMap<PackRef, usize> = HashMap::new();
    let mut look_at: Vec<PackRef> = facts
        .iter()
        .filter(|fact| matches!(fact, Fact::Asked { .. }))
        .chain(
            facts
                .iter()
                .filter(|fact| matches!(fact, Fact::Stays { .. })),
        )
        .map(|fact| fact.subject().name.clone())
        .collect();
    let mut needs: HashMap<&PackRef, Vec<&PackRef>> = HashMap::new();
    for fact in &facts {
        if let Fact::Needs { pack, needed, .. } = fact {
            needs.entry(&pack.name).or_default().push(&needed.name);
        }
    }
    for next in 0.. {
        if look_at.is_empty() {
            break;
        }
        for name in std::mem::take(&mut look_at) {
            if distance.contains_key(&name) {
                continue;
            }
            let needed = needs.get(&name).into_iter().flatten();
            look_at.extend(needed.map(|needed| PackRef::clone(needed)));
            distance.insert(name, next);
        }
    }
    facts.sort_by_key(|fact| {
        let name = &fact.subject().name;
        let is_said_later = !matches!(fact, Fact::Asked { .. });
        (
            is_said_later,
            distance.get(name).copied().unwrap_or(usize::MAX),
            name.clone(),
        )
    });
    facts
}
