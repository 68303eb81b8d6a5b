//! The solver against one that tries everything, in universes that are small enough for that.

use std::collections::{BTreeMap, BTreeSet};

use packd_format::{Dependency, PackRef, PreReleases, Requirement, Version};
use proptest::prelude::*;

use super::super::question::Limit;
use super::super::universe::Universe;
use super::super::*;
use super::shelf::{Shelf, release};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "2.0.0", "3.0.0"];
const REQUIREMENTS: [&str; 7] = ["*", "^1", "^2", ">=1.1", "<2", "1.0.0", ">=2"];

/// Which release each pack is in; a pack that is not there is not.
type State = BTreeMap<PackRef, Candidate>;

fn need() -> impl Strategy<Value = String> {
    let name = prop::sample::select(NAMES.as_slice());
    let requirement = prop::sample::select(REQUIREMENTS.as_slice());
    (name, requirement).prop_map(|(name, requirement)| format!("{name}@{requirement}"))
}

fn needs() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(need(), 0..3)
}

/// What a registry offers, and what is installed of it: for some packs the number of a version.
fn world() -> impl Strategy<Value = (Shelf, Question)> {
    let releases = prop::collection::vec((any::<bool>(), needs()), VERSIONS.len());
    let packs = prop::collection::vec(releases, NAMES.len());
    let installed = prop::collection::vec(
        prop::option::of((0..VERSIONS.len(), needs(), any::<bool>())),
        NAMES.len(),
    );
    let held = prop::option::weighted(0.2, need());
    let wants = prop::collection::btree_map(
        prop::sample::select(NAMES.as_slice()),
        prop::sample::select(REQUIREMENTS.as_slice()),
        1..3,
    );
    (packs, installed, held, wants).prop_map(|(packs, installed, held, wants)| {
        let mut offered: BTreeMap<PackRef, Vec<Candidate>> = BTreeMap::new();
        for (name, releases) in NAMES.iter().zip(packs) {
            let candidates: Vec<Candidate> = VERSIONS
                .iter()
                .zip(releases)
                .filter(|(_, (is_there, _))| *is_there)
                .map(|(version, (_, needs))| release(version, &texts(&needs, name)))
                .collect();
            if !candidates.is_empty() {
                offered.insert(name.parse().unwrap(), candidates);
            }
        }
        let mut question = Question::default();
        for (name, there) in NAMES.iter().zip(installed) {
            if let Some((number, needs, from_registry)) = there {
                let present = Present {
                    version: VERSIONS[number].parse().unwrap(),
                    registry: from_registry.then(|| "acme".to_owned()),
                    dependencies: release("1.0.0", &texts(&needs, name)).dependencies,
                };
                question.installed.insert(name.parse().unwrap(), present);
            }
        }
        for (name, requirement) in wants {
            let want = Want::new(name.parse().unwrap(), requirement.parse().unwrap());
            question.wants.push(want);
        }
        if let Some(Dependency {
            pack_ref,
            requirement,
            ..
        }) = held.map(|held| held.parse().unwrap())
        {
            question.limits.push(Limit {
                pack_ref,
                requirement,
                why: "is held".into(),
                hint: "let it go".into(),
            });
        }
        let shelf = Shelf {
            registries: vec![("acme".into(), offered)],
            ..Shelf::default()
        };
        (shelf, question)
    })
}

/// Needs of a pack, but for those on itself: they have cases of their own.
fn texts<'a>(needs: &'a [String], name: &str) -> Vec<&'a str> {
    let on_others = needs.iter().map(String::as_str);
    on_others
        .filter(|need| !need.starts_with(&format!("{name}@")))
        .collect()
}

/// Every release that a pack may be in afterwards.
fn choices(shelf: &Shelf, question: &Question, name: &PackRef) -> Vec<Option<Candidate>> {
    let installed = question.installed.get(name);
    let is_wanted = question.wants.iter().any(|want| want.pack_ref == *name);
    let mut choices: Vec<Option<Candidate>> = Vec::new();
    match installed {
        Some(present) => choices.push(Some(Candidate {
            version: present.version.clone(),
            standing: Standing::Installed,
            yanked: false,
            dependencies: present.dependencies.clone(),
        })),
        None => choices.push(None),
    }
    let stays = !is_wanted && installed.is_some_and(|present| present.registry.is_none());
    let offered = shelf.registries[0].1.get(name).into_iter().flatten();
    let may_be = |candidate: &&Candidate| {
        installed.is_none_or(|present| present.version != candidate.version)
            && question
                .limits
                .iter()
                .all(|limit| limit.pack_ref != *name || matches(&limit.requirement, candidate))
    };
    if !stays {
        choices.extend(offered.filter(may_be).cloned().map(Some));
    }
    choices
}

fn matches(requirement: &Requirement, candidate: &Candidate) -> bool {
    requirement.matches(&candidate.version, PreReleases::Include)
}

/// Whether everything that is asked for is there, nobody lacks what they do not lack already, and nobody is gone.
fn is_valid(question: &Question, state: &State) -> bool {
    let has = |need: &Dependency| {
        state
            .get(&need.pack_ref)
            .is_some_and(|candidate| matches(&need.requirement, candidate))
    };
    let lacked = |need: &Dependency| {
        question
            .installed
            .get(&need.pack_ref)
            .is_none_or(|present| {
                !need
                    .requirement
                    .matches(&present.version, PreReleases::Include)
            })
    };
    question.wants.iter().all(|want| {
        state
            .get(&want.pack_ref)
            .is_some_and(|candidate| matches(&want.requirement, candidate))
    }) && question
        .installed
        .keys()
        .all(|name| state.contains_key(name))
        && state.values().all(|candidate| {
            let is_old = candidate.standing == Standing::Installed;
            candidate
                .dependencies
                .iter()
                .all(|need| has(need) || (is_old && lacked(need)))
        })
}

/// Every valid state.
fn all_states(shelf: &Shelf, question: &Question) -> Vec<State> {
    let mut states = vec![State::new()];
    for name in NAMES {
        let name: PackRef = name.parse().unwrap();
        let choices = choices(shelf, question, &name);
        states = states
            .iter()
            .flat_map(|state| {
                let name = &name;
                choices.iter().map(move |choice| {
                    let mut state = state.clone();
                    state.extend(choice.clone().map(|choice| (name.clone(), choice)));
                    state
                })
            })
            .collect();
    }
    states.retain(|state| is_valid(question, state));
    states
}

/// What is there after a solution.
fn after(shelf: &Shelf, question: &Question, solution: &Solution) -> State {
    let mut state = State::new();
    for name in NAMES {
        let name: PackRef = name.parse().unwrap();
        let pick = solution.picks.iter().find(|pick| pick.pack_ref == name);
        let choices = choices(shelf, question, &name);
        let choice = match pick {
            Some(pick) => choices
                .into_iter()
                .flatten()
                .find(|choice| choice.version == pick.version && choice.standing == pick.standing)
                .unwrap_or_else(|| panic!("{pick:?} is not to be had")),
            None => match choices.into_iter().next().flatten() {
                Some(installed) => installed,
                None => continue,
            },
        };
        state.insert(name, choice);
    }
    state
}

/// The installed packs, other than those asked for, that are not as before.
fn changed(question: &Question, state: &State) -> BTreeSet<PackRef> {
    let is_changed = |(name, candidate): &(&PackRef, &Candidate)| {
        candidate.standing != Standing::Installed
            && question.installed.contains_key(*name)
            && question.wants.iter().all(|want| want.pack_ref != **name)
    };
    state
        .iter()
        .filter(is_changed)
        .map(|(name, _)| name.clone())
        .collect()
}

/// The versions of what is asked for.
fn wanted<'s>(question: &Question, state: &'s State) -> Vec<&'s Version> {
    question
        .wants
        .iter()
        .map(|want| &state[&want.pack_ref].version)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_solver_agrees_with_one_that_tries_everything((shelf, question) in world()) {
        let never = || false;
        let found = solve(&question, &shelf, &Budget::new(&never));
        let possible = all_states(&shelf, &question);
        let solution = match found {
            Err(Unsolved::Unknown { .. } | Unsolved::NoVersion { .. } | Unsolved::Conflict(_)) => {
                prop_assert!(possible.is_empty(), "it is possible: {:?}", possible.first());
                return Ok(());
            }
            Err(other) => panic!("{other:?}"),
            Ok(solution) => solution,
        };
        let state = after(&shelf, &question, &solution);
        prop_assert!(is_valid(&question, &state), "{:?}", state);

        let changes = changed(&question, &state);
        let same_wants = possible
            .iter()
            .filter(|other| wanted(&question, other) == wanted(&question, &state));
        for other in same_wants.clone() {
            let fewer = changed(&question, other);
            prop_assert!(
                fewer.is_superset(&changes) || !fewer.is_subset(&changes),
                "{:?} would do, and {:?} change",
                fewer,
                changes
            );
        }
        if let [want] = question.wants.as_slice() {
            let version = &state[&want.pack_ref].version;
            match question.installed.get(&want.pack_ref) {
                Some(present) if possible.iter().any(|other| other[&want.pack_ref].version == present.version) => {
                    prop_assert_eq!(version, &present.version, "what will do is kept");
                }
                _ => {
                    let newest = possible.iter().map(|other| &other[&want.pack_ref].version).max();
                    prop_assert_eq!(Some(version), newest, "the newest that is possible");
                }
            }
        }
        for pick in &solution.picks {
            let is_needed = pick.reason == Reason::Requested
                || question.installed.contains_key(&pick.pack_ref)
                || solution.picks.iter().any(|other| {
                    state[&other.pack_ref].dependencies.iter().any(|need| need.pack_ref == pick.pack_ref)
                });
            prop_assert!(is_needed, "nobody needs {:?}", pick);
        }
    }

    #[test]
    fn a_requirement_admits_exactly_what_it_matches(
        versions in prop::collection::btree_set("[0-3]\\.[0-2]\\.[0-2](-(alpha|beta|rc\\.[0-2]))?(\\+(one|two))?", 0..12),
        requirement in prop_oneof![
            Just("*".to_owned()),
            "(=|>|>=|<|<=|\\^|~)?[0-3](\\.[0-2](\\.[0-2](-(alpha|beta|rc\\.[0-2]))?)?)?",
            "[0-3]\\.[0-2]\\.[0-2](-(alpha|beta))?(\\+(one|two))?",
            "(>|>=)[0-3]\\.[0-2]\\.[0-2](-alpha)?, ?(<|<=)[0-3](\\.[0-2](\\.[0-2](-beta)?)?)?",
        ],
        include in any::<bool>(),
    ) {
        let requirement: Requirement = requirement.parse().unwrap();
        let versions: Vec<Version> = versions.iter().map(|version| version.parse().unwrap()).collect();
        let candidates = versions.iter().map(|version| release(&version.to_string(), &[])).collect();
        let shelf = Shelf {
            registries: vec![("acme".into(), [("a".parse().unwrap(), candidates)].into())],
            ..Shelf::default()
        };
        let question = Question::default();
        let universe = Universe::new(&question, &shelf);
        let number = universe.number(&"a".parse().unwrap());
        universe.look(&[number]).unwrap();
        let pack = universe.whole(number).unwrap();
        let pre = if include { PreReleases::Include } else { PreReleases::Exclude };
        let set = pack.admitted(&requirement, pre);
        let admitted: BTreeSet<&Version> =
            set.below(pack.candidates.len()).map(|place| &pack.at(place).unwrap().version).collect();
        let matching: BTreeSet<&Version> =
            versions.iter().filter(|version| requirement.matches(version, pre)).collect();
        prop_assert_eq!(admitted, matching);
    }
}
