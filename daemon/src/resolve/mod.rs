//! From a request, the registries and what is installed to a plan, or the reason why not.
//!
//! Reads only. A plan may be incomplete: what an archive is, and what it needs,
//! is known once it was inspected. `docs/architecture.md` has the rules.

mod desired;
mod error;
mod given;
mod hold;
mod market;
mod name;
mod offer;
mod order;
mod origin;
mod pin;
mod plan;
mod remove;
mod repository;
mod rollback;
mod saved;
mod solver;
#[cfg(test)]
mod tests;
mod update;
mod uploaded;
mod view;
mod wish;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use packd_format::{Dependency, Requirement, Version, version};
use packd_wire::{InstallRequest, PlanView};

use crate::config::Layout;
use crate::queue::JobRequest;
use crate::registry::Registries;
use crate::source::git;
use crate::store::hold::Holds;
use crate::store::pack::Installed;
use crate::store::{self, Database};

use given::{archive, by_upload, by_url, is_url, unnamed};
use name::{parse_name, parse_ref};
use offer::from_offer;
use order::Order;
use wish::Wish;

use desired::DesiredError;
pub(crate) use error::ResolveError;
use error::{RequestError, RollbackError};
pub(crate) use hold::shown as held_in_words;
pub(crate) use plan::{Brought, Bytes, Plan, Wanted};
pub(crate) use rollback::Target;
pub(crate) use view::action;

/// What is active, by ref.
pub(crate) type Active = BTreeMap<String, Installed>;

/// What a request may name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Plain http: `net.allow_http`.
    pub allow_http: bool,
    /// `git://`: `git.allow_git_protocol`.
    pub allow_git_protocol: bool,
    /// A repository of this host: who asks is an admin.
    pub reads_files: bool,
}

/// What a plan is made from.
pub(crate) struct Host<'a> {
    /// Where uploads and trees lie.
    pub layout: &'a Arc<Layout>,
    /// What a request may name.
    pub policy: Policy,
    /// The way to repositories.
    pub reach: git::Reach<'a>,
    /// What an earlier attempt of the same job settled on.
    pub pinned: Option<&'a PlanView>,
    /// What is remembered of earlier installs.
    pub database: &'a Database,
    /// What can be had.
    pub registries: &'a Registries,
    /// What is active.
    pub active: &'a Active,
    /// The packs that stay in their version.
    pub holds: &'a Holds,
    /// The generation that is.
    pub generation: Option<i64>,
}

/// Makes the plan of a request, with what was learned from the packs that were brought for it already.
///
/// # Errors
/// [`ResolveError`]; whether a retry can help is its `is_transient`.
pub(crate) async fn run(
    request: &JobRequest,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let mut plan = without_holds(request, host, brought).await?;
    if !request.flags().force {
        hold::check(&plan, host)?;
    }
    plan.warnings.extend(rolled_back(&plan, host).await?);
    Ok(plan)
}

/// That versions to bring were rolled back from.
async fn rolled_back(plan: &Plan, host: &Host<'_>) -> Result<Vec<String>, ResolveError> {
    if plan.wanted.is_empty() {
        return Ok(Vec::new());
    }
    let blocked = host
        .database
        .read(store::blocked::all)
        .await
        .map_err(ResolveError::Store)?;
    let sentences = plan.wanted.iter().filter_map(|wanted| {
        let (name, version) = (wanted.pack_ref.as_ref()?, wanted.version.as_ref()?);
        let known = blocked.is_blocked(name.as_str(), &version.to_string())?;
        Some(format!(
            "`{name}` {version} was rolled back from by job {} at {}",
            known.job, known.since
        ))
    });
    Ok(sentences.collect())
}

async fn without_holds(
    request: &JobRequest,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let flags = request.flags();
    if let JobRequest::Apply(asked) = request
        && let Some(packs) = &asked.packs
    {
        return desired::plan(asked, packs, host, brought).await;
    }
    let given = brought
        .iter()
        .find(|brought| brought.wanted.registry.is_none());
    if let Some(given) = given {
        let wish = Wish {
            given: Some(given.clone()),
            ..Wish::new(given.pack_ref.clone(), Requirement::any())
        };
        let order = Order::of(wish, pre(request), flags);
        return order.plan(host, brought).await.map(|planned| planned.plan);
    }
    match request {
        JobRequest::Install(request) if is_url(request) => by_url(request, None, host).await,
        JobRequest::Install(request) => {
            let (pack_ref, requirement) = parse_name(request)?;
            let wish = Wish {
                registry: request.registry.clone(),
                path: request.path.clone(),
                ..Wish::new(pack_ref, requirement)
            };
            let order = Order::of(wish, request.pre, flags);
            order.plan(host, brought).await.map(|planned| planned.plan)
        }
        JobRequest::Upload(request) => by_upload(request, &host.layout.uploads()),
        JobRequest::Update(request) => Box::pin(update::plan(request, host, brought)).await,
        JobRequest::Remove(request) => remove::run(request, host.active),
        // nothing changes: packs are looked up by who runs their tests, looks at their trees, or removes these
        JobRequest::Test(_) | JobRequest::Verify(_) | JobRequest::Gc(_) => Ok(Plan::default()),
        JobRequest::Apply(request) => match &request.plan {
            Some(plan) => saved::plan(plan, flags.change_origin.into(), host).await,
            None => Ok(Plan::default()),
        },
        JobRequest::Rollback(request) => rollback::plan(request, host).await,
    }
}

/// Whether a request considers pre-releases.
fn pre(request: &JobRequest) -> bool {
    matches!(
        request,
        JobRequest::Install(InstallRequest { pre: true, .. })
    )
}

/// Says early what is wrong with a request, before it becomes a job.
///
/// # Errors
/// [`ResolveError`], but only those that need neither a registry nor the store.
pub(crate) fn check(request: &JobRequest, policy: Policy) -> Result<(), ResolveError> {
    match request {
        JobRequest::Install(request) if is_url(request) => {
            match repository::kind_of(request, policy)? {
                repository::Kind::Repository(_) | repository::Kind::Either(_) => Ok(()),
                repository::Kind::Archive => archive(request, policy.allow_http).map(drop),
            }
        }
        JobRequest::Install(request) => parse_name(request).map(drop),
        JobRequest::Upload(request) => by_upload(request, Path::new("")).map(drop),
        JobRequest::Update(request) => {
            let mut packs = request.packs.iter();
            packs.try_for_each(|pack| parse_ref(&pack.pack_ref).map(drop))
        }
        JobRequest::Remove(request) => parse_ref(&request.pack_ref).map(drop),
        JobRequest::Test(request) => parse_ref(&request.pack_ref).map(drop),
        JobRequest::Apply(request) => match (&request.packs, &request.plan) {
            (Some(packs), None) => desired::check(request, packs, policy),
            (None, Some(plan)) => saved::check(plan, policy),
            (Some(_), Some(_)) => Err(DesiredError::PacksAndPlan.into()),
            (None, None) => Err(DesiredError::NoPacks.into()),
        },
        JobRequest::Rollback(request) => match &request.asked.pack_ref {
            Some(name) => parse_ref(name).map(drop),
            None => Ok(()),
        },
        JobRequest::Verify(request) => {
            let mut refs = request.refs.iter();
            refs.try_for_each(|name| parse_ref(name).map(drop))
        }
        JobRequest::Gc(_) => Ok(()),
    }
}

/// Whether an active pack's tree is there.
async fn is_present(layout: &Arc<Layout>, pack: &Installed) -> Result<bool, ResolveError> {
    let (layout, dir) = (Arc::clone(layout), pack.dir.clone());
    store::off_thread(move || Ok(store::tree::is_complete(&layout, &dir)))
        .await
        .map_err(ResolveError::Store)
}

/// The version of an installed pack.
///
/// # Errors
/// [`ResolveError::Record`] when the database holds something else: a defect, or a damaged one.
pub(crate) fn installed_version(installed: &Installed) -> Result<Version, ResolveError> {
    version::parse(&installed.version)
        .map(|(version, _)| version)
        .map_err(|source| ResolveError::Record {
            pack: installed.pack_ref.clone(),
            source: Box::new(source),
        })
}

/// The active packs that need `pack_ref`, each with its requirement.
#[must_use]
pub(crate) fn dependents(active: &Active, pack_ref: &str) -> Vec<(String, Requirement)> {
    active
        .values()
        .filter(|pack| pack.pack_ref != pack_ref)
        .flat_map(|pack| {
            pack.record
                .dependencies
                .iter()
                .filter_map(|text| text.parse::<Dependency>().ok())
                .filter(|dependency| dependency.pack_ref.as_str() == pack_ref)
                .map(|dependency| (pack.pack_ref.clone(), dependency.requirement))
        })
        .collect()
}
