//! What the solver found, as a plan is made of it: what changes, in which order, and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;

use packd_format::{Dependency, PackRef, PreReleases, Requirement, Version};

use super::attempt::Chosen;
use super::cycle;
use super::universe::{Candidate, Offered, Offers, Pack, Standing, Universe};

/// The most packs that a reason names.
const NAMED: usize = 3;

/// The releases that go together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Solution {
    /// What changes, and what is asked for and is there; each after the packs that it needs.
    pub picks: Vec<Pick>,
    /// Packs that need each other, each as a way from a pack back to it.
    pub circles: Vec<Vec<PackRef>>,
    /// What was odd but not in the way.
    pub warnings: Vec<String>,
}

/// One release of a solution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pick {
    /// The pack.
    pub pack_ref: PackRef,
    /// Its version.
    pub version: Version,
    /// Where it comes from; [`Standing::Installed`] when nothing changes.
    pub standing: Standing,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
    /// Why it is there.
    pub reason: Reason,
}

/// Why a pack is part of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reason {
    /// It is asked for.
    Requested,
    /// Other packs need it.
    NeededBy(Vec<Needer>),
    /// It is installed, and the installed version does not go with another pack of the plan.
    GoesWith {
        /// The other pack.
        pack_ref: PackRef,
        /// Its version in the plan.
        version: Version,
        /// What the installed version asks of it.
        requirement: Requirement,
    },
}

/// Who needs a pack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Needer {
    /// The pack that needs it.
    pub pack_ref: PackRef,
    /// The version of that.
    pub version: Version,
    /// In which versions it needs it.
    pub requirement: Requirement,
}

impl fmt::Display for Needer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({})",
            self.pack_ref, self.version, self.requirement
        )
    }
}

/// `requested`, `needed by aws 2.0.1 (^1.4)`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("requested"),
            Self::NeededBy(needers) => {
                let named: Vec<String> = needers
                    .iter()
                    .take(NAMED)
                    .map(ToString::to_string)
                    .collect();
                write!(f, "needed by {}", named.join(", "))?;
                match needers.len().saturating_sub(NAMED) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Self::GoesWith {
                pack_ref,
                version,
                requirement,
            } => write!(
                f,
                "to go with {pack_ref} {version} (needed {requirement} before)"
            ),
        }
    }
}

/// Makes a solution of what was chosen.
pub(super) fn of<O: Offers>(universe: &Universe<'_, O>, chosen: &Chosen) -> Solution {
    let draft = Draft::new(universe, chosen);
    let reached = draft.reached();
    let mut solution = Solution::default();
    for group in cycle::groups(&draft.graph) {
        let mut group: Vec<usize> = group
            .into_iter()
            .filter(|node| reached.contains(node))
            .collect();
        group.sort_unstable_by_key(|node| &draft.packs[*node].0.name);
        let is_plan = |node: &usize| draft.changes(*node) || draft.is_wanted(*node);
        if group.len() > 1
            && group.iter().any(is_plan)
            && let Some(circle) = cycle::circle(&draft.graph, &group)
        {
            let names = circle
                .into_iter()
                .map(|node| draft.packs[node].0.name.clone());
            solution.circles.push(names.collect());
        }
        let picks = group
            .into_iter()
            .filter(is_plan)
            .map(|node| draft.pick(node));
        solution.picks.extend(picks);
    }
    solution.warnings = draft.as_before();
    solution
}

/// What was chosen, numbered anew in the order of the names.
struct Draft<'a, 'q, O> {
    universe: &'a Universe<'q, O>,
    packs: Vec<(Rc<Pack>, Candidate)>,
    nodes: HashMap<PackRef, usize>,
    /// For each pack those that it needs.
    graph: Vec<Vec<usize>>,
    /// For each pack those that need it.
    needed_by: Vec<Vec<usize>>,
}

impl<'a, 'q, O: Offers> Draft<'a, 'q, O> {
    fn new(universe: &'a Universe<'q, O>, chosen: &Chosen) -> Self {
        let mut packs: Vec<(Rc<Pack>, Candidate)> = chosen
            .values()
            .filter_map(|(pack, place)| Some((Rc::clone(pack), pack.at(*place)?.clone())))
            .collect();
        packs.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let nodes: HashMap<PackRef, usize> = packs
            .iter()
            .enumerate()
            .map(|(node, (pack, _))| (pack.name.clone(), node))
            .collect();
        let graph: Vec<Vec<usize>> = packs
            .iter()
            .enumerate()
            .map(|(node, (_, release))| {
                let needed: BTreeSet<usize> = release
                    .dependencies
                    .iter()
                    .filter_map(|need| nodes.get(&need.pack_ref).copied())
                    .filter(|needed| *needed != node)
                    .collect();
                needed.into_iter().collect()
            })
            .collect();
        let mut needed_by = vec![Vec::new(); packs.len()];
        for (node, needed) in graph.iter().enumerate() {
            for needed in needed {
                needed_by[*needed].push(node);
            }
        }
        Self {
            universe,
            packs,
            nodes,
            graph,
            needed_by,
        }
    }

    fn changes(&self, node: usize) -> bool {
        self.packs[node].1.standing != Standing::Installed
    }

    fn is_wanted(&self, node: usize) -> bool {
        self.universe
            .question
            .want(&self.packs[node].0.name)
            .is_some()
    }

    fn is_installed(&self, node: usize) -> bool {
        self.universe
            .question
            .installed
            .contains_key(&self.packs[node].0.name)
    }

    /// What is asked for, what is installed, and what those need: the solver may have kept more in mind.
    fn reached(&self) -> BTreeSet<usize> {
        let mut look_at: Vec<usize> = (0..self.packs.len())
            .filter(|node| self.is_wanted(*node) || self.is_installed(*node))
            .collect();
        let mut reached: BTreeSet<usize> = look_at.iter().copied().collect();
        while let Some(node) = look_at.pop() {
            for needed in &self.graph[node] {
                if reached.insert(*needed) {
                    look_at.push(*needed);
                }
            }
        }
        reached
    }

    fn pick(&self, node: usize) -> Pick {
        let (pack, release) = &self.packs[node];
        let installed = self.universe.question.installed.get(&pack.name);
        let registry = match (&pack.offered, release.standing) {
            (_, Standing::Installed) => installed.and_then(|installed| installed.registry.clone()),
            (Offered::By { registry }, _) => Some(registry.clone()),
            _ => None,
        };
        Pick {
            pack_ref: pack.name.clone(),
            version: release.version.clone(),
            standing: release.standing,
            registry,
            dependencies: release.dependencies.clone(),
            reason: self.reason(node),
        }
    }

    fn reason(&self, node: usize) -> Reason {
        if self.is_wanted(node) {
            return Reason::Requested;
        }
        let name = &self.packs[node].0.name;
        let question = self.universe.question;
        let needers = |counts: &dyn Fn(&Dependency) -> bool| -> Vec<Needer> {
            self.needed_by[node]
                .iter()
                .flat_map(|other| {
                    let (pack, release) = &self.packs[*other];
                    let needs = release.dependencies.iter();
                    needs.map(move |need| (&pack.name, &release.version, need))
                })
                .filter(|(_, _, need)| need.pack_ref == *name && counts(need))
                .map(|(other, version, need)| Needer {
                    pack_ref: other.clone(),
                    version: version.clone(),
                    requirement: need.requirement.clone(),
                })
                .collect()
        };
        let decisive = needers(&|need| !question.is_met(need));
        // an installed pack that changes itself is a consequence more often than a cause
        let is_cause = |needer: &Needer| {
            question.want(&needer.pack_ref).is_some()
                || !question.installed.contains_key(&needer.pack_ref)
        };
        if decisive.iter().any(is_cause) {
            return Reason::NeededBy(decisive);
        }
        self.goes_with(node).unwrap_or_else(|| {
            Reason::NeededBy(if decisive.is_empty() {
                needers(&|_| true)
            } else {
                decisive
            })
        })
    }

    /// The pack of the plan that an installed release does not go with.
    fn goes_with(&self, node: usize) -> Option<Reason> {
        let question = self.universe.question;
        let installed = question.installed.get(&self.packs[node].0.name)?;
        installed
            .dependencies
            .iter()
            .filter(|need| question.is_met(need))
            .find_map(|need| {
                let other = *self.nodes.get(&need.pack_ref)?;
                let release = &self.packs[other].1;
                let goes = need
                    .requirement
                    .matches(&release.version, PreReleases::Include);
                (!goes).then(|| Reason::GoesWith {
                    pack_ref: need.pack_ref.clone(),
                    version: release.version.clone(),
                    requirement: need.requirement.clone(),
                })
            })
    }

    /// What installed packs that were looked at lack already, and lack afterwards.
    fn as_before(&self) -> Vec<String> {
        let question = self.universe.question;
        let mut lacking: BTreeMap<(&PackRef, String), String> = BTreeMap::new();
        for node in 0..self.packs.len() {
            let name = &self.packs[node].0.name;
            let (false, Some(installed)) = (self.changes(node), question.installed.get(name))
            else {
                continue;
            };
            for need in &installed.dependencies {
                let after = self
                    .nodes
                    .get(&need.pack_ref)
                    .map(|node| &self.packs[*node].1);
                let is_met = after.is_some_and(|release| {
                    need.requirement
                        .matches(&release.version, PreReleases::Include)
                });
                if !question.is_met(need) && !is_met && need.pack_ref != *name {
                    let text = format!("`{name}` {} still lacks `{need}`", installed.version);
                    lacking.insert((name, need.to_string()), text);
                }
            }
        }
        lacking.into_values().collect()
    }
}
