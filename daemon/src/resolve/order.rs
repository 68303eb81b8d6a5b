//! The plan of what one request asks for, with everything that follows from it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use packd_format::{Dependency, PackRef, PreReleases, Requirement};

use super::market::{self, Searched, Terms, Unanswered};
use super::solver::{
    Candidate, Pick, Present, Question, Reason, Solution, Standing, Unsolved, Want,
};
use super::{
    Active, Brought, Host, Plan, ResolveError, Wanted, from_offer, hold, installed_version,
    is_present,
};
use crate::queue::Flags;
use crate::registry::{Answer, RegistryError};

/// What one request asks for.
pub(super) struct Order {
    /// The pack.
    pub pack_ref: PackRef,
    /// Which versions will do.
    pub requirement: Requirement,
    /// The only registry that may answer for it.
    pub registry: Option<String>,
    /// The folder inside the archive that is the pack.
    pub path: Option<String>,
    /// Whether pre-releases are considered.
    pub pre: bool,
    /// The pack itself, where the request brings it and it was inspected.
    pub given: Option<Brought>,
    /// The switches of the request.
    pub flags: Flags,
}

impl Order {
    /// The plan.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub(super) async fn plan(
        self,
        host: &Host<'_>,
        brought: &[Brought],
    ) -> Result<Plan, ResolveError> {
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
                    let path = self.path.clone().filter(|_| pick.pack_ref == self.pack_ref);
                    let wanted = offered(pick, path, answer, brought, host, &mut warnings).await?;
                    plan.wanted.push(wanted);
                }
            }
            if pick.pack_ref != self.pack_ref && pick.standing == Standing::Offered {
                plan.additional.push(pick.pack_ref.to_string());
            }
        }
        warnings.extend(self.newer_than_offered(&solution, &answers));
        warnings.extend(solution.warnings);
        plan.warnings = warnings;
        plan.circles = solution
            .circles
            .into_iter()
            .map(|circle| circle.iter().map(ToString::to_string).collect())
            .collect();
        Ok(plan)
    }

    async fn question(&self, host: &Host<'_>) -> Result<Question, ResolveError> {
        let installed = installed(host)?;
        let is_damaged = match host.active.get(self.pack_ref.as_str()) {
            Some(installed) => !is_present(host.layout, installed).await?,
            None => false,
        };
        let given = self.given.as_ref().map(|given| Candidate {
            version: given.version.clone(),
            standing: Standing::Given,
            yanked: false,
            dependencies: if self.flags.skip_deps {
                Vec::new()
            } else {
                given.dependencies.clone()
            },
        });
        Ok(Question {
            wants: vec![Want {
                registry: self.registry.clone(),
                again: self.flags.force || is_damaged,
                given,
                ..Want::new(self.pack_ref.clone(), self.requirement.clone())
            }],
            installed,
            // the pack that is named is looked at by itself, in fewer words: see `hold::check`
            limits: hold::limits(host, &self.pack_ref),
            pre: if self.pre {
                PreReleases::Include
            } else {
                PreReleases::Exclude
            },
        })
    }

    /// The pack that the request brings.
    fn given_as(&self, pick: &Pick) -> Option<Wanted> {
        let given = self.given.as_ref()?;
        Some(Wanted {
            pack_ref: Some(pick.pack_ref.clone()),
            version: Some(pick.version.clone()),
            ..given.wanted.clone()
        })
    }

    /// That what is installed is newer than what was to be the newest.
    fn newer_than_offered(
        &self,
        solution: &Solution,
        answers: &HashMap<PackRef, Arc<Answer>>,
    ) -> Option<String> {
        let name = &self.pack_ref;
        let kept = solution
            .picks
            .iter()
            .find(|pick| pick.pack_ref == *name && pick.standing == Standing::Installed)?;
        let answer = answers.get(name)?;
        let newest = &answer.entry.newest().version;
        (self.requirement.is_latest() && kept.version > *newest).then(|| {
            format!(
                "installed `{name}` {} is newer than {newest}, the newest that registry `{}` offers; \
                 say `{name}@{newest}` to go back",
                kept.version,
                answer.registry(),
            )
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
                let only = self.registry.as_deref();
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
                pack: pack_ref,
                requirement: self.requirement.to_string(),
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
        let installed = active.get(self.pack_ref.as_str())?;
        let is_its_own =
            self.registry.is_none() && installed.record.registry.as_ref() == Some(name);
        is_its_own.then(|| ResolveError::Orphan {
            pack: self.pack_ref.to_string(),
            registry: name.clone(),
        })
    }
}

/// A pack that a registry offers, as one to bring; `path` is the folder inside its archive that is the pack.
///
/// # Errors
/// [`ResolveError`].
pub(super) async fn offered(
    pick: &Pick,
    path: Option<String>,
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
    from_offer(
        offer,
        &pick.pack_ref,
        path,
        &pick.reason.to_string(),
        host,
        warnings,
    )
    .await
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
