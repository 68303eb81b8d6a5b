//! The search for the versions of an update: all packs at once, and where that fails one after the other.

use std::collections::{BTreeMap, BTreeSet};

use packd_format::{PackRef, PreReleases, Requirement};
use packd_wire::LeftOut;

use super::super::market::{Searched, Terms};
use super::super::order::{self, Order};
use super::super::solver::{Limit, Present, Question, Solution, Standing, Want};
use super::super::wish::Wish;
use super::super::{Host, ResolveError, hold, origin};
use super::{Targets, left};
use crate::queue::{Flags, Origin, UpdateJob};

/// The most packs that are tried one after the other when not all can go together.
const TRIED: usize = 64;

/// Searches for the newest versions that go together.
pub(super) struct Search<'a> {
    pub(super) host: &'a Host<'a>,
    pub(super) job: &'a UpdateJob,
    pub(super) installed: BTreeMap<PackRef, Present>,
    pub(super) terms: Terms,
    pub(super) targets: &'a Targets,
}

impl Search<'_> {
    /// A solution in which all are newer, or why there is none.
    pub(super) async fn all_at_once(&self) -> Result<Result<Searched, ResolveError>, ResolveError> {
        let names: Vec<&PackRef> = self.targets.keys().collect();
        self.of(&names).await
    }

    /// Each pack with those before it that can go.
    pub(super) async fn one_after_the_other(
        &self,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<Option<Searched>, ResolveError> {
        let mut found = None;
        let mut going: Vec<&PackRef> = Vec::new();
        for (number, name) in self.targets.keys().enumerate() {
            if number >= TRIED {
                left_out.push(LeftOut {
                    pack_ref: name.to_string(),
                    reason: format!(
                        "not all packs can go together, and {TRIED} were tried before it"
                    ),
                });
                continue;
            }
            going.push(name);
            match self.of(&going).await? {
                Ok(searched) => found = Some(searched),
                Err(why) => {
                    going.pop();
                    left_out.push(left(name, &why));
                }
            }
        }
        Ok(found)
    }

    /// A solution in which these are newer, if there is one.
    async fn of(&self, names: &[&PackRef]) -> Result<Result<Searched, ResolveError>, ResolveError> {
        if names.is_empty() {
            let outcome = Ok(Solution::default());
            return Ok(Ok(Searched {
                outcome,
                answers: std::collections::HashMap::new(),
                warnings: Vec::new(),
            }));
        }
        let wants = names.iter().map(|name| self.want(name)).collect();
        let is_preview = |name: &&PackRef| {
            self.installed
                .get(*name)
                .is_some_and(|pack| !pack.version.pre.is_empty())
        };
        let question = Question {
            wants,
            installed: self.installed.clone(),
            limits: self.limits(names),
            leaving: BTreeSet::new(),
            pre: if self.job.pre || names.iter().any(is_preview) {
                PreReleases::Include
            } else {
                PreReleases::Exclude
            },
        };
        let mut searched = order::search(self.host, question, self.terms.clone()).await?;
        match searched.outcome {
            Ok(solution) => {
                let elsewhere = solution.picks.iter().find_map(|pick| {
                    let answer = searched.answers.get(&pick.pack_ref)?;
                    let installed = self.host.active.get(pick.pack_ref.as_str());
                    let is_offered = pick.standing == Standing::Offered;
                    let installed = installed.filter(|_| is_offered);
                    origin::check(installed, answer, origin::Origin::Stays).err()
                });
                searched.outcome = Ok(solution);
                Ok(elsewhere.map_or(Ok(searched), Err))
            }
            Err(unsolved) => {
                let last = names[names.len() - 1].clone();
                let wish = Wish::new(last, Requirement::any());
                let order = Order::of(wish, self.job.pre, Flags::default());
                match order.refused(unsolved, self.host).await {
                    error @ (ResolveError::Stopped | ResolveError::Store(_)) => Err(error),
                    error => Ok(Err(error)),
                }
            }
        }
    }

    /// That a pack is in one of its newer versions: nothing else of it is on offer.
    fn want(&self, name: &PackRef) -> Want {
        let present = self.installed.get(name);
        Want {
            registry: present.and_then(|pack| pack.registry.clone()),
            // so that the installed version does not count
            again: true,
            ..Want::new(name.clone(), Requirement::any())
        }
    }

    /// What must stay as it is.
    fn limits(&self, names: &[&PackRef]) -> Vec<Limit> {
        if self.job.origin == Origin::Requested {
            return hold::limits(self.host, |name| names.contains(&name));
        }
        let moves = |name: &PackRef| self.terms.only.contains_key(name);
        let stays = self.installed.iter().filter(|(name, _)| !moves(name));
        let limits = stays.map(|(name, pack)| {
            let version = &pack.version;
            let why = match self.host.holds.get(name.as_str()) {
                Some(hold) => format!("is held at {version}{}", hold::shown(hold)),
                None => format!("stays at {version}: it is not to be updated by itself now"),
            };
            Limit {
                pack_ref: name.clone(),
                requirement: Requirement::exactly(version.clone()),
                why,
                hint: format!("`packctl update {name}` updates it"),
            }
        });
        limits.collect()
    }
}
