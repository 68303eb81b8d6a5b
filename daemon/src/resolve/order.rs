//! The plan of what one request asks for, with everything that follows from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use packd_format::{Dependency, PackRef, PreReleases};

use super::desired::DesiredError;
use super::market::{self, Searched, Terms, Unanswered};
use super::solver::{Candidate, Limit, Pick, Present, Question, Reason, Standing, Unsolved, Want};
use super::wish::Wish;
use super::{
    Active, Brought, Host, Plan, ResolveError, Wanted, from_offer, hold, installed_version,
    is_present, origin,
};
use crate::queue::Flags;
use crate::registry::{Answer, RegistryError};

/// What one request asks for.
pub(super) struct Order {
    /// The packs.
    pub wishes: Vec<Wish>,
    /// What other packs must stay within, beside holds.
    pub limits: Vec<Limit>,
    /// Active packs that may go.
    pub leaving: BTreeSet<PackRef>,
    /// Whether pre-releases are considered.
    pub pre: bool,
    /// The switches of the request.
    pub flags: Flags,
}

/// A plan, and what it was made of.
pub(super) struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What each pack that is asked for, or changes, needs.
    pub needs: BTreeMap<String, Vec<Dependency>>,
}

impl Order {
    /// One pack.
    pub(super) fn of(wish: Wish, pre: bool, flags: Flags) -> Self {
        Self {
            wishes: vec![Wish {
                again: flags.force,
                ..wish
            }],
            limits: Vec::new(),
            leaving: BTreeSet::new(),
            pre,
            flags,
        }
    }

    /// The plan.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub(super) async fn plan(
        self,
        host: &Host<'_>,
        brought: &[Brought],
    ) -> Result<Planned, ResolveError> {
        let mut question = self.question(host).await?;
        let mut terms = Terms {
            without_needs: self.flags.skip_deps,
            ..Terms::default()
        };
        terms.learn(brought);
        let mut searched = search(host, question.clone(), terms.clone()).await?;
        if self.flags.force && matches!(searched.outcome, Err(Unsolved::Conflict(_))) {
            // what then is missing or broken, the check of the plan tells
            terms.without_needs = true;
            for present in question.installed.values_mut() {
                present.dependencies.clear();
            }
            for want in &mut question.wants {
                if let Some(given) = &mut want.given {
                    given.dependencies.clear();
                }
            }
            searched = search(host, question, terms).await?;
        }
        let Searched {
            outcome,
            answers,
            mut warnings,
        } = searched;
        let solution = match outcome {
            Ok(solution) => solution,
            Err(unsolved) => return Err(self.refused(unsolved, host).await),
        };
        let mut plan = Plan::default();
        for pick in &solution.picks {
            match pick.standing {
                Standing::Installed => {
                    if let Some(newer) = newer(pick, &answers) {
                        plan.newer.insert(pick.pack_ref.to_string(), newer);
                    }
                    let kept = host.active.get(pick.pack_ref.as_str());
                    plan.kept.extend(kept.cloned());
                }
                Standing::Given => plan.wanted.extend(self.given_as(pick)),
                Standing::Offered => {
                    let answer = answers.get(&pick.pack_ref);
                    let answer = answer.ok_or_else(|| vanished(&pick.pack_ref))?;
                    let wish = self.wish(&pick.pack_ref);
                    // who may take one pack from elsewhere has said nothing of those that it needs
                    let may_change = wish.is_some() && self.flags.change_origin;
                    let installed = host.active.get(pick.pack_ref.as_str());
                    warnings.extend(origin::check(installed, answer, may_change.into())?);
                    if installed.is_none() && wish.is_none_or(|wish| wish.registry.is_none()) {
                        warnings.extend(Box::pin(tied(answer, host)).await?);
                    }
                    let wanted = offered(pick, wish, answer, brought, host, &mut warnings);
                    let wanted = Box::pin(wanted).await?;
                    plan.wanted.push(wanted);
                }
            }
            if self.wish(&pick.pack_ref).is_none() && pick.standing == Standing::Offered {
                plan.additional.push(pick.pack_ref.to_string());
            }
        }
        let newer = self.wishes.iter();
        warnings.extend(newer.filter_map(|wish| wish.newer_than_offered(&solution, &answers)));
        let picks = solution.picks.iter();
        let needs = picks.map(|pick| (pick.pack_ref.to_string(), pick.dependencies.clone()));
        let needs = needs.collect();
        warnings.extend(solution.warnings);
        plan.warnings = warnings;
        plan.circles = solution
            .circles
            .into_iter()
            .map(|circle| circle.iter().map(ToString::to_string).collect())
            .collect();
        Ok(Planned { plan, needs })
    }

    /// What is asked of a pack, if it is asked for.
    fn wish(&self, pack_ref: &PackRef) -> Option<&Wish> {
        self.wishes.iter().find(|wish| wish.pack_ref == *pack_ref)
    }

    async fn question(&self, host: &Host<'_>) -> Result<Question, ResolveError> {
        let installed = installed(host)?;
        let mut wants = Vec::with_capacity(self.wishes.len());
        for wish in &self.wishes {
            let is_damaged = match host.active.get(wish.pack_ref.as_str()) {
                Some(installed) => !is_present(host.layout, installed).await?,
                None => false,
            };
            wants.push(self.want(wish, is_damaged));
        }
        // packs that are named are looked at by themselves, in fewer words: see `hold::check`
        let mut limits = hold::limits(host, |name| self.wish(name).is_some());
        limits.extend(self.limits.iter().cloned());
        Ok(Question {
            wants,
            installed,
            limits,
            leaving: self.leaving.clone(),
            pre: if self.pre {
                PreReleases::Include
            } else {
                PreReleases::Exclude
            },
        })
    }

    fn want(&self, wish: &Wish, is_damaged: bool) -> Want {
        let given = wish.given.as_ref().map(|given| Candidate {
            version: given.version.clone(),
            standing: Standing::Given,
            yanked: false,
            dependencies: if self.flags.skip_deps {
                Vec::new()
            } else {
                given.dependencies.clone()
            },
        });
        Want {
            registry: wish.registry.clone(),
            again: wish.again || is_damaged,
            given,
            ..Want::new(wish.pack_ref.clone(), wish.requirement.clone())
        }
    }

    /// The pack that the request brings.
    fn given_as(&self, pick: &Pick) -> Option<Wanted> {
        let given = self.wish(&pick.pack_ref)?.given.as_ref()?;
        Some(Wanted {
            pack_ref: Some(pick.pack_ref.clone()),
            version: Some(pick.version.clone()),
            ..given.wanted.clone()
        })
    }

    /// The same in the words of a request.
    pub(super) async fn refused(
        &self,
        unsolved: Unsolved<Unanswered>,
        host: &Host<'_>,
    ) -> ResolveError {
        let registry = |error| ResolveError::Registry(Arc::new(error));
        match unsolved {
            Unsolved::Unknown {
                pack_ref,
                asked,
                nearest,
            } => {
                let only = self
                    .wish(&pack_ref)
                    .and_then(|wish| wish.registry.as_deref());
                if let Some(error) = host.registries.unanswered(&pack_ref, only) {
                    return registry(error);
                }
                match host.registries.left_out(&pack_ref, &asked).await {
                    Ok(left_out) => registry(RegistryError::NotFound {
                        pack: pack_ref.to_string(),
                        left_out,
                        registries: asked,
                        nearest,
                    }),
                    Err(error) => ResolveError::Store(error),
                }
            }
            Unsolved::NoVersion {
                pack_ref,
                registry: name,
                available,
                hint,
            } => registry(RegistryError::NoVersion {
                requirement: self
                    .wish(&pack_ref)
                    .map_or_else(String::new, |wish| wish.requirement.to_string()),
                pack: pack_ref,
                registry: name,
                hint,
                available: available.iter().map(ToString::to_string).collect(),
            }),
            Unsolved::Conflict(explanation) => ResolveError::Conflict(Box::new(explanation)),
            Unsolved::Spent(spent) => ResolveError::Spent(spent),
            Unsolved::Offers(Unanswered::Registry(error)) => self
                .orphaned(&error, host.active)
                .unwrap_or(ResolveError::Registry(error)),
            Unsolved::Offers(Unanswered::Gone) => ResolveError::Stopped,
        }
    }

    /// That the registry of the installed pack is not there any more, where the request names no other.
    fn orphaned(&self, error: &RegistryError, active: &Active) -> Option<ResolveError> {
        let (RegistryError::Unknown { name, .. } | RegistryError::Disabled { name }) = error else {
            return None;
        };
        let is_its_own = |wish: &&Wish| {
            let installed = active.get(wish.pack_ref.as_str());
            wish.registry.is_none()
                && installed.is_some_and(|pack| pack.record.registry.as_ref() == Some(name))
        };
        let wish = self.wishes.iter().find(is_its_own)?;
        Some(ResolveError::Orphan {
            pack: wish.pack_ref.to_string(),
            registry: name.clone(),
        })
    }
}

/// A pack that a registry offers, as one to bring; `wish` is what is asked of it, if it is asked for.
///
/// # Errors
/// [`ResolveError`].
pub(super) async fn offered(
    pick: &Pick,
    wish: Option<&Wish>,
    answer: &Answer,
    brought: &[Brought],
    host: &Host<'_>,
    warnings: &mut Vec<String>,
) -> Result<Wanted, ResolveError> {
    let known = brought.iter().find(|known| {
        known.pack_ref == pick.pack_ref
            && known.version == pick.version
            && known.wanted.registry == pick.registry
    });
    if let Some(known) = known {
        warnings.extend(disagreement(known, answer));
        return Ok(Wanted {
            reason: with_reason(&known.wanted.reason, &pick.reason),
            ..known.wanted.clone()
        });
    }
    let offer = answer
        .offer(&pick.version)
        .map_err(|error| ResolveError::Registry(Arc::new(error)))?;
    warnings.extend(offer.warnings.iter().cloned());
    let path = wish.and_then(|wish| wish.path.clone());
    let mut wanted = from_offer(
        offer,
        &pick.pack_ref,
        path,
        &pick.reason.to_string(),
        host,
        warnings,
    )
    .await?;
    match wish {
        Some(wish) if !wish.pin.admits(&mut wanted) => Err(DesiredError::OtherBytes {
            pack: pick.pack_ref.to_string(),
            version: pick.version.to_string(),
            registry: answer.registry().to_owned(),
        }
        .into()),
        _ => Ok(wanted),
    }
}

/// The active packs as the solver knows them.
///
/// # Errors
/// [`ResolveError::Record`].
pub(super) fn installed(host: &Host<'_>) -> Result<BTreeMap<PackRef, Present>, ResolveError> {
    let mut installed = BTreeMap::new();
    for (name, pack) in host.active {
        // a ref in the database was one when it was written
        let Ok(pack_ref) = name.parse::<PackRef>() else {
            continue;
        };
        let dependencies = pack.record.dependencies.iter();
        let present = Present {
            version: installed_version(pack)?,
            registry: pack.record.registry.clone(),
            dependencies: dependencies.filter_map(|text| text.parse().ok()).collect(),
        };
        installed.insert(pack_ref, present);
    }
    Ok(installed)
}

/// That nothing but its name put a registry before others that offer a pack too.
///
/// # Errors
/// [`ResolveError::Registry`].
async fn tied(answer: &Answer, host: &Host<'_>) -> Result<Option<String>, ResolveError> {
    let equals = host.registries.equals(answer).await;
    let equals = equals.map_err(|error| ResolveError::Registry(Arc::new(error)))?;
    let others = equals
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>();
    Ok((!others.is_empty()).then(|| {
        format!(
            "`{}` is offered by `{}` and, with the same priority, by {}: the first by name was taken; give them different \
             priorities, or name one with `--registry`",
            answer.entry.pack_ref,
            answer.registry(),
            others.join(" and by "),
        )
    }))
}

/// The newest version that is offered of a pack that is kept, if that is newer.
fn newer(pick: &Pick, answers: &HashMap<PackRef, Arc<Answer>>) -> Option<String> {
    let newest = answers.get(&pick.pack_ref)?.entry.newest();
    let is_newer = !newest.yanked && newest.version > pick.version;
    is_newer.then(|| newest.version.to_string())
}

/// That a registry says nothing of a pack which the solver has from it.
pub(super) fn vanished(pack_ref: &PackRef) -> ResolveError {
    ResolveError::Registry(Arc::new(RegistryError::NotFound {
        pack: pack_ref.to_string(),
        registries: Vec::new(),
        nearest: Vec::new(),
        left_out: Vec::new(),
    }))
}

/// Searches for releases that go together.
///
/// # Errors
/// [`ResolveError::Store`].
pub(super) async fn search(
    host: &Host<'_>,
    question: Question,
    terms: Terms,
) -> Result<Searched, ResolveError> {
    market::search(host.registries, question, terms)
        .await
        .map_err(ResolveError::Store)
}

/// The reason of a pack that was planned before, as it is now; what was said of its commit stays.
fn with_reason(before: &str, reason: &Reason) -> String {
    match before.split_once("; git, ") {
        Some((_, commit)) => format!("{reason}; git, {commit}"),
        None => reason.to_string(),
    }
}

/// That an index says something else than the pack about what it needs. The pack is what was signed.
fn disagreement(known: &Brought, answer: &Answer) -> Option<String> {
    let release = answer.entry.release(&known.version)?;
    let texts = |needs: &[Dependency]| {
        needs
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    let (said, real) = (texts(&release.dependencies), texts(&known.dependencies));
    let listed = |needs: BTreeSet<String>| {
        if needs.is_empty() {
            "nothing".to_owned()
        } else {
            needs
                .into_iter()
                .map(|need| format!("`{need}`"))
                .collect::<Vec<_>>()
                .join(", ")
        }
    };
    (release.needs_known && said != real).then(|| {
        format!(
            "registry `{}` says that `{}` {} needs {}, and its `pack.yaml` says {}, which counts",
            answer.registry(),
            known.pack_ref,
            known.version,
            listed(said),
            listed(real),
        )
    })
}
