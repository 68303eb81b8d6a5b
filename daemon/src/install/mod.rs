//! The pipeline of a job, one file per step, in this order:
//!
//! | step | file | writes |
//! |---|---|---|
//! | resolve | `crate::resolve` | nothing |
//! | fetch, unpack | [`bring`], [`fetch`], [`unpack`] | `staging/<job>/` |
//! | inspect | [`inspect`] | a new immutable tree in the store |
//! | check | [`check`] | nothing |
//! | test | [`mod@test`] | results of tests |
//! | activate | [`activate`] | a generation |
//!
//! Beside it, [`verify`] looks at trees and brings them again, [`scrub`] looks at them all the time, and [`kept`] keeps what
//! somebody changed in those that are replaced.
//!
//! Everything before `activate` only adds what nobody looks at, and finds what
//! an earlier attempt added. So there is no undo: a job that fails or is killed
//! leaves the host as it was, and runs again from the start.

pub(crate) mod activate;
mod automatic;
mod bring;
mod check;
mod earlier;
mod error;
mod fetch;
mod inspect;
mod inspected;
mod kept;
mod progress;
mod runtime;
pub(crate) mod scrub;
pub(crate) mod test;
mod together;
mod unpack;
mod verify;

use std::path::Path;
use std::sync::Arc;

use packd_format::Manifest;
use packd_format::archive::Limits;
use packd_wire::{ChangeAction, ErrorKind, PlanView, StepName};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Layout, Shared};
use crate::event::Hub;
use crate::net::Http;
use crate::queue::{Claimed, Flags, JobRequest, Outcome};
use crate::registry::Registries;
use crate::resolve::{self, Active, Brought, Plan, ResolveError, Wanted};
use crate::source::{Cache, git};
use crate::store::lease::{Lease, Leases};
use crate::store::{self, Database, StoreError};

pub(crate) use error::StepError;
pub(crate) use fetch::bytes_in_words;
use inspected::{Inspected, plan_view, without_same_trees};
pub(crate) use runtime::Prober;

/// What the steps work with; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The settings.
    pub config: Shared,
    /// Where everything lies.
    pub layout: Arc<Layout>,
    /// What is remembered.
    pub database: Database,
    /// Where events are told.
    pub hub: Hub,
    /// The way out.
    pub http: Http,
    /// What was brought before.
    pub cache: Cache,
    /// What can be had.
    pub registries: Registries,
    /// The repositories that packs were fetched from.
    pub repositories: git::Cache,
    /// Asks this host for its runtimes.
    pub prober: Prober,
    /// Which trees jobs count on.
    pub leases: Leases,
    /// Held while a generation is made and switched to: one at a time.
    pub activation: Arc<tokio::sync::Mutex<()>>,
}

/// How often a plan is made anew with what was learned from the packs that were brought for it.
const ROUNDS: usize = 16;

/// How many changes of a plan are named in a line.
const NAMED: usize = 5;

/// Runs a job from its first step.
///
/// # Errors
/// [`StepError`]: nothing of the host has changed.
pub(crate) async fn run(context: &Context, job: &Claimed) -> Result<Outcome, StepError> {
    if let JobRequest::Test(asked) = job.request() {
        return test::active(context, job, asked).await;
    }
    if let JobRequest::Verify(asked) = job.request() {
        return Box::pin(verify::run(context, job, asked)).await;
    }
    let (active, generation) = context.active_generation().await?;
    let Flags { force, dry_run, .. } = job.request().flags();
    let mut inspected: Vec<Inspected> = Vec::new();
    let mut rounds = 0;
    let mut again: Vec<Lease>;
    let plan = loop {
        // the largest of its futures, and done with before the others begin
        let plan = Box::pin(plan(context, job, &active, generation, &inspected)).await?;
        let counted_on = plan.again.iter();
        again = counted_on
            .map(|pack| context.leases.take(&pack.dir))
            .collect();
        if plan.is_empty() {
            return Ok(without_packs(&plan, dry_run));
        }
        let missing: Vec<Wanted> = plan
            .wanted
            .iter()
            .filter(|wanted| !inspected.iter().any(|pack| pack.wanted.is_same(wanted)))
            // who only wants to see the plan waits for no more bytes than it takes to make it
            .filter(|wanted| !(dry_run && wanted.needs.is_some()))
            .cloned()
            .collect();
        if missing.is_empty() {
            break plan;
        }
        rounds += 1;
        if rounds > ROUNDS {
            return Err(StepError::incomplete(ROUNDS));
        }
        let brought = bring::run(context, job, &active, &missing).await?;
        let is_as_planned = brought.iter().all(Inspected::is_as_planned);
        inspected.extend(brought);
        if (is_as_planned && !plan.unfinished) || job.request().settled().is_some() {
            break plan;
        }
    };
    // a pack that was brought for a plan which then became another one is nobody's
    inspected.retain(|pack| plan.wanted.iter().any(|wanted| pack.wanted.is_same(wanted)));
    if let Some(earlier) = job.touch(refs(&plan, &inspected)).await? {
        return Err(StepError::After(earlier));
    }
    let mut view = plan_view(&plan, &inspected, &active, force);
    view.generation = generation;
    job.plan(view).await?;
    let news = without_same_trees(inspected, &active, force);

    let coming = coming(context, &plan, &news).await?;
    check::run(context, job, &plan, &news, &coming, &active).await?;
    if dry_run || (news.is_empty() && plan.removed.is_empty() && plan.again.is_empty()) {
        return Ok(without_packs(&plan, dry_run));
    }
    test::run(context, job, &news, &active).await?;
    kept::run(context, job, &plan, &news, &active).await?;
    let outcome = activate::run(context, job, &plan, news, &coming, &active).await;
    // what comes again is named by the generation now, or not needed
    drop(again);
    outcome
}

/// How a job ends that changes no pack.
fn without_packs(plan: &Plan, dry_run: bool) -> Outcome {
    if dry_run || plan.holds.is_empty() {
        Outcome::Unchanged
    } else {
        Outcome::Changed
    }
}

/// What the packs that are to become active say of themselves: the new ones, and those that come again.
async fn coming(
    context: &Context,
    plan: &Plan,
    news: &[Inspected],
) -> Result<Vec<Manifest>, StepError> {
    let mut coming: Vec<Manifest> = news.iter().map(|pack| pack.manifest.clone()).collect();
    for pack in &plan.again {
        coming.push(inspect::manifest_of(context, pack).await?);
    }
    Ok(coming)
}

/// The first step, and each time that it is done again with what was learned.
async fn plan(
    context: &Context,
    job: &Claimed,
    active: &Active,
    generation: Option<i64>,
    inspected: &[Inspected],
) -> Result<Plan, StepError> {
    let is_first = inspected.is_empty();
    if is_first {
        job.begin(StepName::Resolve, None).await?;
    }
    let config = context.config.current();
    let limits = unpack::limits(&config.limits);
    let holds = context.database.read(store::hold::all).await?;
    let host = host(context, job, &config, &limits, active, generation, &holds);
    let brought: Vec<Brought> = inspected.iter().map(Inspected::brought).collect();
    let planned = stoppable(job, resolve::run(job.request(), &host, &brought)).await?;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => {
            if !is_first {
                job.begin(StepName::Resolve, None).await?;
            }
            // an earlier job may be about to bring what is missing, or to remove what is in the way
            match &error {
                ResolveError::Conflict(explanation) => {
                    let all = explanation.needed.iter().chain(&explanation.breaks);
                    let names = all.map(ToString::to_string).collect();
                    earlier_first(context, job, names, active).await?;
                }
                ResolveError::RequiredBy { dependents, .. } => {
                    earlier_first(context, job, dependents.clone(), active).await?;
                }
                _ => {}
            }
            let is_unmet = error.kind() == ErrorKind::DependencyUnmet;
            let mut failure = error.into();
            if is_unmet {
                check::add_runtimes(context, inspected, &mut failure).await?;
            }
            return Err(failure);
        }
    };
    if let Some(absent) = &plan.absent {
        earlier_first(context, job, vec![absent.clone()], active).await?;
    }
    if !plan.additional.is_empty() {
        earlier_first(context, job, plan.additional.clone(), active).await?;
    }
    for warning in &plan.warnings {
        job.warn(None, warning.clone()).await?;
    }
    let mut view = plan.view(active);
    view.generation = generation;
    let is_more = plan.wanted.len() > inspected.len();
    if is_first || is_more {
        if !is_first {
            job.begin(StepName::Resolve, None).await?;
        }
        let message = match &plan.absent {
            Some(absent) => format!("`{absent}` is not installed"),
            None => in_words(&view),
        };
        job.complete(StepName::Resolve, message).await?;
        job.plan(view).await?;
    }
    Ok(plan)
}

/// What a plan is made from.
fn host<'a>(
    context: &'a Context,
    job: &'a Claimed,
    config: &'a Config,
    limits: &'a Limits,
    active: &'a Active,
    generation: Option<i64>,
    holds: &'a store::hold::Holds,
) -> resolve::Host<'a> {
    resolve::Host {
        layout: &context.layout,
        policy: resolve::Policy {
            allow_http: config.net.allow_http,
            allow_git_protocol: config.git.allow_git_protocol,
            // who may not was refused before this became a job
            reads_files: true,
        },
        reach: context.reach(config, limits, job.stop()),
        pinned: job.pinned().or(job.request().settled()),
        database: &context.database,
        registries: &context.registries,
        active,
        holds,
        generation,
    }
}

/// Lets earlier jobs go first that may bring packs which this one lacks, or take away packs that are in its
/// way, and plans again when one has done so since `planned_on` was looked at. Returns when nobody will:
/// what is missing, or in the way, is so for good.
async fn earlier_first(
    context: &Context,
    job: &Claimed,
    packs: Vec<String>,
    planned_on: &Active,
) -> Result<(), StepError> {
    if let Some(earlier) = job.lacks(packs.clone()).await? {
        return Err(StepError::After(earlier));
    }
    // every earlier job that might have changed them has ended by now, and this sees what it did; or it
    // waits for its next attempt, for which nobody waits
    let active = context.active().await?;
    if packs.iter().all(|name| is_same(name, planned_on, &active)) {
        Ok(())
    } else {
        Err(StepError::Outdated)
    }
}

/// Whether a pack is active in both in the same way, or in neither.
fn is_same(name: &str, left: &Active, right: &Active) -> bool {
    left.get(name).map(|pack| pack.install) == right.get(name).map(|pack| pack.install)
}

impl Context {
    /// The way to repositories, as the configuration has it now.
    fn reach<'a>(
        &'a self,
        config: &'a Config,
        limits: &'a Limits,
        stop: &'a CancellationToken,
    ) -> git::Reach<'a> {
        git::Reach {
            http: &self.http,
            git: &config.git,
            net: &config.net,
            limits,
            min_free: config.store.min_free.bytes(),
            cache: &self.repositories,
            base: None,
            stop,
        }
    }

    /// What is active now, and which generation that is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn active_generation(&self) -> Result<(Active, Option<i64>), StoreError> {
        let read = |connection: &_| {
            let number = store::pack::active_generation(connection)?;
            Ok((store::pack::active(connection)?, number))
        };
        self.database.read(read).await
    }

    /// What is active now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn active(&self) -> Result<Active, StoreError> {
        self.database.read(store::pack::active).await
    }
}

fn refs(plan: &Plan, inspected: &[Inspected]) -> Vec<String> {
    let brought = inspected
        .iter()
        .map(|pack| pack.manifest.pack_ref.to_string());
    let wanted = plan
        .wanted
        .iter()
        .filter_map(|wanted| wanted.pack_ref.as_ref());
    brought
        .chain(wanted.map(ToString::to_string))
        .chain(plan.removed.iter().map(|pack| pack.pack_ref.clone()))
        .chain(plan.again.iter().map(|pack| pack.pack_ref.clone()))
        .collect()
}

/// A plan in one line: `install slack 2.1.0 from registry acme`.
fn in_words(plan: &PlanView) -> String {
    let lines = plan.changes.iter().map(|change| {
        let mut words = vec![change.action.as_str().to_owned()];
        words.extend(change.pack_ref.clone());
        match (&change.from, &change.to) {
            (Some(from), Some(to)) if from != to => words.push(format!("{from} -> {to}")),
            (_, Some(version)) | (Some(version), None) => words.push(version.clone()),
            (None, None) => {}
        }
        let brings = !matches!(change.action, ChangeAction::Keep | ChangeAction::Remove);
        match &change.registry {
            Some(registry) if brings => words.push(format!("from registry {registry}")),
            None if change.pack_ref.is_none() => words.extend(change.source.clone()),
            _ => {}
        }
        words.join(" ")
    });
    let more = plan.changes.len().saturating_sub(NAMED);
    let mut text = lines.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    if text.is_empty() {
        "nothing to do".into()
    } else {
        text
    }
}

/// Makes a staging folder, or removes what a failed source left in it.
async fn empty(folder: &Path) -> Result<(), StoreError> {
    let folder = folder.to_owned();
    store::off_thread(move || store::tree::empty(&folder)).await
}

/// Runs `work` off the runtime's thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| StepError::panicked())
}

/// Lets go of `work` when the job shall stop.
async fn stoppable<T>(job: &Claimed, work: impl Future<Output = T>) -> Result<T, StepError> {
    tokio::select! {
        biased;
        () = job.stop().cancelled() => Err(StepError::Stopped),
        value = work => Ok(value),
    }
}
