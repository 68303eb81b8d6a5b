//! The plan of an update: several packs to newer versions at once, and what cannot go with the others stays.
//!
//! What packd wants itself moves nothing else: every other pack stays as it is, unless it is due as well. What somebody
//! asks for may move others, as an install may.

mod search;

use std::collections::{BTreeMap, BTreeSet};

use packd_format::{PackRef, Version, version};
use packd_wire::LeftOut;

use super::market::{Searched, Terms};
use super::order;
use super::solver::{Reason, Standing};
use super::{Brought, Host, Plan, ResolveError, hold, installed_version};
use crate::queue::{Origin, UpdateJob, UpdateTarget};
use crate::registry::{Known, Look, Sought};
use crate::store;
use crate::store::blocked::Blocked;
use crate::store::pack::Installed;
use search::Search;

/// The longest reason, in characters.
const LONGEST: usize = 1_000;

/// The packs with the versions that will do, each newer than the installed one.
type Targets = BTreeMap<PackRef, BTreeSet<Version>>;

/// What is to be done, after a look at what is forbidden by now.
#[derive(Default)]
struct Task {
    /// The packs to update.
    targets: Targets,
    /// Those that may change with them.
    besides: Targets,
    /// Those of which there is nothing newer.
    kept: Vec<Installed>,
    /// What was left out already.
    left_out: Vec<LeftOut>,
    /// What was odd.
    warnings: Vec<String>,
}

/// The plan.
///
/// # Errors
/// [`ResolveError`]: of one pack that was asked for, why it cannot be updated. Of several, that is said in the plan.
pub(super) async fn plan(
    job: &UpdateJob,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let Task {
        targets,
        besides,
        kept,
        mut left_out,
        warnings,
    } = match job.origin {
        Origin::Automatic => automatic(job, host).await?,
        Origin::Requested => requested(job, host).await?,
    };
    let mut terms = Terms::default();
    terms.learn(brought);
    let movable = targets.iter().chain(&besides);
    terms.only = movable
        .map(|(name, versions)| (name.clone(), versions.clone()))
        .collect();
    let search = Search {
        host,
        job,
        installed: order::installed(host)?,
        terms,
        targets: &targets,
    };
    let found = match search.all_at_once().await? {
        Ok(found) => Some(found),
        Err(why) if targets.len() == 1 => {
            if is_one(job) {
                return Err(why);
            }
            left_out.extend(targets.keys().map(|name| left(name, &why)));
            None
        }
        Err(_) => search.one_after_the_other(&mut left_out).await?,
    };
    let mut plan = match found {
        Some(found) => planned(found, host, brought, &targets).await?,
        None => Plan::default(),
    };
    plan.kept = kept;
    plan.warnings.splice(0..0, warnings);
    let stays = |left: &LeftOut| format!("`{}` stays as it is: {}", left.pack_ref, left.reason);
    plan.warnings.extend(left_out.iter().map(stays));
    plan.left_out = left_out;
    Ok(plan)
}

/// What packd may still do of what its policy wanted when it queued the job.
async fn automatic(job: &UpdateJob, host: &Host<'_>) -> Result<Task, ResolveError> {
    let (freeze, blocked) = forbidden(host).await?;
    let mut task = Task::default();
    if freeze.is_some() {
        task.warnings
            .push("updates were frozen meanwhile: nothing changes".to_owned());
        return Ok(task);
    }
    let still = |packs: &[UpdateTarget]| -> Targets {
        let packs = packs.iter().filter_map(|target| {
            let name: PackRef = target.pack_ref.parse().ok()?;
            let active = host.active.get(name.as_str())?;
            let installed = installed_version(active).ok()?;
            let versions: BTreeSet<Version> = target
                .versions
                .iter()
                .filter_map(|text| Some(version::parse(text).ok()?.0))
                .filter(|version| *version > installed)
                .filter(|version| {
                    blocked
                        .is_blocked(name.as_str(), &version.to_string())
                        .is_none()
                })
                .collect();
            (!versions.is_empty() && !host.holds.contains_key(name.as_str()))
                .then_some((name, versions))
        });
        packs.collect()
    };
    task.targets = still(&job.packs);
    task.besides = still(&job.besides);
    let meanwhile = job.packs.iter().filter(|target| {
        let is_target = |name: &PackRef| *name == *target.pack_ref.as_str();
        !task.targets.keys().any(is_target)
    });
    task.warnings = meanwhile
        .map(|target| format!("`{}` is not to be updated any more", target.pack_ref))
        .collect();
    Ok(task)
}

/// What somebody asked for: each pack in whichever newer version its registry has.
async fn requested(job: &UpdateJob, host: &Host<'_>) -> Result<Task, ResolveError> {
    let (_, blocked) = forbidden(host).await?;
    let is_one = is_one(job);
    let mut task = Task::default();
    let mut sought = Vec::new();
    for target in &job.packs {
        let name: PackRef = super::parse_ref(&target.pack_ref)?;
        let Some(active) = host.active.get(name.as_str()) else {
            return Err(ResolveError::NotInstalled {
                pack: name.to_string(),
            });
        };
        let Some(registry) = &active.record.registry else {
            return Err(ResolveError::Homeless {
                pack: name.to_string(),
            });
        };
        if let (Some(held), false) = (host.holds.get(name.as_str()), is_one) {
            task.left_out.push(LeftOut {
                pack_ref: name.to_string(),
                reason: format!("it is held{}", hold::shown(held)),
            });
            continue;
        }
        sought.push(Sought {
            only: Some(registry.clone()),
            pack_ref: name,
        });
    }
    let mut look = Look::new(host.registries);
    let found = look.find(&sought).await;
    for (Sought { pack_ref, .. }, known) in sought.into_iter().zip(found) {
        let answer = match known {
            Ok(Known::Offered(answer)) => answer,
            Ok(Known::Nowhere(registries)) => {
                task.left_out.push(LeftOut {
                    reason: format!(
                        "registry `{}` does not offer it any more",
                        registries.join(", ")
                    ),
                    pack_ref: pack_ref.to_string(),
                });
                continue;
            }
            Err(error) if is_one => return Err(ResolveError::Registry(error)),
            Err(error) => {
                let error = ResolveError::Registry(error);
                task.left_out.push(left(&pack_ref, &error));
                continue;
            }
        };
        let active = host.active.get(pack_ref.as_str());
        let installed = active.map(installed_version).transpose()?;
        let Some(installed) = installed else { continue };
        let pre = job.pre || !installed.pre.is_empty();
        let newer = answer.entry.releases.iter().filter(|release| {
            release.version > installed
                && !release.yanked
                && (pre || release.version.pre.is_empty())
        });
        let (passed_over, versions): (Vec<_>, BTreeSet<_>) = newer.fold(
            (Vec::new(), BTreeSet::new()),
            |(mut passed_over, mut versions), release| {
                let text = release.version.to_string();
                match blocked.is_blocked(pack_ref.as_str(), &text) {
                    Some(_) => passed_over.push(text),
                    None => drop(versions.insert(release.version.clone())),
                }
                (passed_over, versions)
            },
        );
        if !passed_over.is_empty() {
            task.warnings.push(format!(
                "`{pack_ref}` {} was rolled back from, and is passed over; `packctl install {pack_ref}@{}` brings it all the same",
                passed_over.join(", "),
                passed_over[0],
            ));
        }
        if versions.is_empty() {
            task.kept
                .extend(host.active.get(pack_ref.as_str()).cloned());
        } else {
            task.targets.insert(pack_ref, versions);
        }
    }
    task.warnings.extend(look.warnings);
    Ok(task)
}

/// Whether somebody asked for one pack by its name: why it cannot be updated is an error then.
fn is_one(job: &UpdateJob) -> bool {
    job.origin == Origin::Requested && !job.all && job.packs.len() == 1
}

/// What keeps versions from being taken.
async fn forbidden(
    host: &Host<'_>,
) -> Result<(Option<packd_wire::HoldView>, Blocked), ResolveError> {
    host.database
        .read(|connection| {
            Ok((
                store::freeze::get(connection)?,
                store::blocked::all(connection)?,
            ))
        })
        .await
        .map_err(ResolveError::Store)
}

fn left(name: &PackRef, why: &ResolveError) -> LeftOut {
    let sentences = why.sentences();
    let text = if sentences.is_empty() {
        packd_format::error::chain(why)
    } else {
        sentences.join("; ")
    };
    LeftOut {
        pack_ref: name.to_string(),
        reason: text.chars().take(LONGEST).collect(),
    }
}

/// A solution as a plan.
async fn planned(
    searched: Searched,
    host: &Host<'_>,
    brought: &[Brought],
    targets: &Targets,
) -> Result<Plan, ResolveError> {
    let Searched {
        outcome,
        answers,
        mut warnings,
    } = searched;
    let mut plan = Plan::default();
    let Ok(solution) = outcome else {
        return Ok(plan);
    };
    for pick in &solution.picks {
        if pick.standing != Standing::Offered {
            continue;
        }
        let answer = answers
            .get(&pick.pack_ref)
            .ok_or_else(|| order::vanished(&pick.pack_ref))?;
        let mut wanted = order::offered(pick, None, answer, brought, host, &mut warnings).await?;
        if matches!(pick.reason, Reason::Requested) {
            wanted.reason = wanted.reason.replacen("requested", "update", 1);
        }
        if !targets.contains_key(&pick.pack_ref) {
            plan.additional.push(pick.pack_ref.to_string());
        }
        plan.wanted.push(wanted);
    }
    warnings.extend(solution.warnings);
    plan.warnings = warnings;
    let circles = solution.circles.into_iter();
    plan.circles = circles
        .map(|circle| circle.iter().map(ToString::to_string).collect())
        .collect();
    Ok(plan)
}
