//! A plan that was made before: it is run exactly as it is, or not at all.
//!
//! It holds when the active packs are those it was made on, and the registries still offer the very bytes. Nothing is
//! solved anew, and nothing is chosen.

use std::sync::Arc;

use packd_format::{Digest, PackRef, Version, version};
use packd_wire::{ChangeAction, InstallRequest, PlanChange, PlanView};

use super::origin::{self, Origin};
use super::pin::Pin;
use super::{
    Active, Host, Plan, Policy, ResolveError, Wanted, by_url, from_offer, parse_ref, uploaded,
};
use crate::registry::{Known, Look, RegistryError, Sought};
use crate::store;

/// The most packs of a plan.
const MAX_CHANGES: usize = 10_000;

/// How many differences are listed.
const LISTED: usize = 8;

/// What is wrong with a plan on its face.
///
/// # Errors
/// [`ResolveError::NoPlan`], and those of requests that name the same places.
pub(super) fn check(plan: &PlanView, policy: Policy) -> Result<(), ResolveError> {
    let changes = &plan.changes;
    if changes.len() > MAX_CHANGES {
        return Err(no_plan(format!("it has more than {MAX_CHANGES} changes")));
    }
    let mut names: Vec<&str> = Vec::with_capacity(changes.len());
    for change in changes {
        let name = named(change)?;
        parse_ref(name)?;
        names.push(name);
        if !matches!(change.action, ChangeAction::Keep | ChangeAction::Remove) {
            target(change)?;
            if change.registry.is_none()
                && let Some(again) = again(change)
            {
                let request = crate::queue::JobRequest::Install(again);
                super::check(&request, policy)?;
            }
        }
    }
    names.sort_unstable();
    let twice = names.windows(2).find_map(|pair| match pair {
        [one, other] if one == other => Some(one),
        _ => None,
    });
    if let Some(twice) = twice {
        return Err(no_plan(format!("it has `{twice}` twice")));
    }
    Ok(())
}

/// The plan, as it was made.
///
/// # Errors
/// [`ResolveError::Outdated`], and those of finding what it names.
pub(super) async fn plan(
    saved: &PlanView,
    origin: Origin,
    host: &Host<'_>,
) -> Result<Plan, ResolveError> {
    let mut differences = since(saved.generation, host).await?;
    differences.extend(
        saved
            .changes
            .iter()
            .filter_map(|change| unlike(change, host.active)),
    );
    if !differences.is_empty() {
        return Err(outdated(differences));
    }
    let mut plan = Plan {
        circles: saved.circles.clone(),
        holds: saved.holds.clone(),
        ..Plan::default()
    };
    let mut from_registries = Vec::new();
    for change in &saved.changes {
        let name = named(change)?;
        let installed = host.active.get(name).cloned();
        match change.action {
            ChangeAction::Keep => plan.kept.extend(installed),
            ChangeAction::Remove => plan.removed.extend(installed),
            _ if change.registry.is_some() => from_registries.push(change),
            _ => plan.wanted.push(elsewhere(change, host).await?),
        }
    }
    let offered = offered(&from_registries, origin, host, &mut plan.warnings).await?;
    plan.wanted.extend(offered);
    Ok(plan)
}

/// What is different on the host since a generation.
async fn since(generation: Option<i64>, host: &Host<'_>) -> Result<Vec<String>, ResolveError> {
    if generation == host.generation {
        return Ok(Vec::new());
    }
    let Some(number) = generation else {
        return Ok(vec!["packs were installed since it was made".to_owned()]);
    };
    let then = host
        .database
        .read(move |connection| {
            let is_known = store::pack::generation(connection, number)?.is_some();
            let packs = store::pack::of_generation(connection, number)?;
            Ok(is_known.then_some(packs))
        })
        .await
        .map_err(ResolveError::Store)?;
    let Some(then) = then else {
        return Ok(vec![format!(
            "generation {number}, which it was made on, is not known here"
        )]);
    };
    let mut differences = Vec::new();
    for (name, before) in &then {
        match host.active.get(name) {
            None => differences.push(format!("`{name}` {} was removed since", before.version)),
            Some(now) if now.version != before.version => {
                differences.push(format!(
                    "`{name}` was {} and is {} now",
                    before.version, now.version
                ));
            }
            Some(now) if now.install != before.install => {
                differences.push(format!(
                    "`{name}` {} was installed again since",
                    now.version
                ));
            }
            Some(_) => {}
        }
    }
    let new = host
        .active
        .iter()
        .filter(|(name, _)| !then.contains_key(*name));
    differences
        .extend(new.map(|(name, now)| format!("`{name}` {} was installed since", now.version)));
    Ok(differences)
}

/// That a pack is not in the version that a change begins with.
fn unlike(change: &PlanChange, active: &Active) -> Option<String> {
    let name = change.pack_ref.as_deref()?;
    let installed = active.get(name).map(|pack| pack.version.as_str());
    match (change.from.as_deref(), installed) {
        (from, installed) if from == installed => None,
        (Some(from), Some(installed)) => Some(format!("`{name}` is {installed}, not {from}")),
        (Some(from), None) => Some(format!("`{name}` {from} is not installed")),
        (None, Some(installed)) => Some(format!("`{name}` {installed} is installed")),
        (None, None) => None,
    }
}

/// The packs that come from registries.
async fn offered(
    changes: &[&PlanChange],
    origin: Origin,
    host: &Host<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Wanted>, ResolveError> {
    let mut sought = Vec::with_capacity(changes.len());
    for change in changes {
        sought.push(Sought {
            pack_ref: parse_ref(named(change)?)?,
            only: change.registry.clone(),
        });
    }
    let mut look = Look::new(host.registries);
    let found = look.find(&sought).await;
    let mut wanted = Vec::with_capacity(changes.len());
    let mut differences = Vec::new();
    for ((change, Sought { pack_ref, only }), known) in changes.iter().zip(sought).zip(found) {
        let to = target(change)?;
        let registry = only.unwrap_or_default();
        let answer = match known.map_err(ResolveError::Registry)? {
            Known::Offered(answer) => answer,
            Known::Nowhere(_) => {
                differences.push(format!(
                    "registry `{registry}` does not offer `{pack_ref}` any more"
                ));
                continue;
            }
        };
        let installed = host.active.get(pack_ref.as_str());
        warnings.extend(origin::check(installed, &answer, origin)?);
        let offer = match answer.offer(&to) {
            Ok(offer) => offer,
            Err(RegistryError::NoVersion { .. }) => {
                differences.push(format!(
                    "registry `{registry}` does not offer `{pack_ref}` {to} any more"
                ));
                continue;
            }
            Err(error) => return Err(ResolveError::Registry(Arc::new(error))),
        };
        warnings.extend(offer.warnings.iter().cloned());
        let why = change.reason.split("; git, ").next().unwrap_or_default();
        let mut one =
            from_offer(offer, &pack_ref, change.path.clone(), why, host, warnings).await?;
        if pin(change)?.admits(&mut one) {
            wanted.push(one);
        } else {
            differences.push(format!(
                "registry `{registry}` offers other bytes as `{pack_ref}` {to}"
            ));
        }
    }
    if !differences.is_empty() {
        return Err(outdated(differences));
    }
    warnings.extend(look.warnings);
    Ok(wanted)
}

/// What the bytes of a change have to be. A commit says all of it.
fn pin(change: &PlanChange) -> Result<Pin, ResolveError> {
    let commit = change.commit.clone();
    let archive = match &commit {
        Some(_) => None,
        None => digest(change)?,
    };
    Ok(Pin {
        commit,
        archive,
        tree: None,
    })
}

/// A pack that comes from no registry: from the same place again, or from the store.
async fn elsewhere(change: &PlanChange, host: &Host<'_>) -> Result<Wanted, ResolveError> {
    let (pack_ref, to) = (parse_ref(named(change)?)?, target(change)?);
    let wanted = match again(change) {
        Some(request) => {
            let mut wanted = by_url(&request, Some(&pack_ref), host).await?.wanted;
            wanted.pop()
        }
        None => Some(from_store(change, &pack_ref, &to, host).await?),
    };
    let wanted =
        wanted.ok_or_else(|| no_plan(format!("it does not say where `{pack_ref}` comes from")))?;
    Ok(Wanted {
        pack_ref: Some(pack_ref),
        version: Some(to),
        reason: change.reason.clone(),
        ..wanted
    })
}

/// The request that names the same place again, unless a client sent the bytes.
fn again(change: &PlanChange) -> Option<InstallRequest> {
    let source = change.source.clone()?;
    let request = InstallRequest {
        source,
        path: change.path.clone(),
        ..InstallRequest::default()
    };
    if let Some(commit) = &change.commit {
        return Some(InstallRequest {
            git_ref: Some(commit.clone()),
            ..request
        });
    }
    request.source.contains("://").then(|| InstallRequest {
        checksum: change.digest.clone(),
        ..request
    })
}

/// What a client sent when the plan was made, if its tree is still there.
async fn from_store(
    change: &PlanChange,
    pack_ref: &PackRef,
    to: &Version,
    host: &Host<'_>,
) -> Result<Wanted, ResolveError> {
    let gone = || {
        outdated(vec![format!(
            "the uploaded bytes of `{pack_ref}` {to} are not in the store any more"
        )])
    };
    let digest = digest(change)?.ok_or_else(gone)?;
    let found = uploaded::find(digest, change.path.clone(), change.source.clone(), host).await?;
    found.ok_or_else(gone)
}

fn named(change: &PlanChange) -> Result<&str, ResolveError> {
    let name = change.pack_ref.as_deref();
    name.ok_or_else(|| no_plan("one of its changes does not say which pack it is about".to_owned()))
}

fn target(change: &PlanChange) -> Result<Version, ResolveError> {
    let name = named(change)?;
    let to = change.to.as_deref().ok_or_else(|| {
        no_plan(format!(
            "it does not say which version of `{name}` it brings"
        ))
    })?;
    let (version, _) = version::parse(to).map_err(|error| no_plan(error.to_string()))?;
    Ok(version)
}

fn digest(change: &PlanChange) -> Result<Option<Digest>, ResolveError> {
    change
        .digest
        .as_deref()
        .map(super::name::parse_checksum)
        .transpose()
}

fn no_plan(why: String) -> ResolveError {
    ResolveError::NoPlan { why }
}

fn outdated(mut changes: Vec<String>) -> ResolveError {
    if changes.len() > LISTED {
        let more = changes.split_off(LISTED).len();
        changes.push(format!("and {more} more"));
    }
    ResolveError::Outdated { changes }
}
