//! The pipeline of a job, one file per step, in this order:
//!
//! | step | file | writes |
//! |---|---|---|
//! | resolve | `crate::resolve` | nothing |
//! | fetch, unpack | [`fetch`], [`unpack`] | `staging/<job>/` |
//! | inspect | [`inspect`] | a new immutable tree in the store |
//! | check | [`check`] | nothing |
//! | test | [`mod@test`] | results of tests |
//! | activate | [`activate`] | a generation |
//!
//! Everything before `activate` only adds what nobody looks at, and finds what
//! an earlier attempt added. So there is no undo: a job that fails or is killed
//! leaves the host as it was, and runs again from the start.

pub(crate) mod activate;
mod check;
mod earlier;
mod error;
mod fetch;
mod inspect;
mod progress;
mod runtime;
mod test;
mod unpack;

use std::path::Path;
use std::sync::Arc;

use packd_format::archive::Limits;
use packd_wire::{ChangeAction, PlanView, StepName};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Layout, Shared};
use crate::event::Hub;
use crate::net::Http;
use crate::queue::{Claimed, Flags, JobRequest, Outcome};
use crate::registry::Registries;
use crate::resolve::{self, Active, Plan, ResolveError};
use crate::source::{Cache, git};
use crate::store::tree::Staging;
use crate::store::{self, Database, StoreError};

pub(crate) use error::StepError;
use inspect::Inspected;
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
    /// Held while a generation is made and switched to: one at a time.
    pub activation: Arc<tokio::sync::Mutex<()>>,
}

/// Runs a job from its first step.
///
/// # Errors
/// [`StepError`]: nothing of the host has changed.
pub(crate) async fn run(context: &Context, job: &Claimed) -> Result<Outcome, StepError> {
    if let JobRequest::Test(asked) = job.request() {
        return test::active(context, job, asked).await;
    }
    let active = context.active().await?;
    job.begin(StepName::Resolve, None).await?;
    let config = context.config.current();
    let limits = unpack::limits(&config.limits);
    let host = resolve::Host {
        layout: &context.layout,
        policy: resolve::Policy {
            allow_http: config.net.allow_http,
            allow_git_protocol: config.git.allow_git_protocol,
            // who may not was refused before this became a job
            reads_files: true,
        },
        reach: context.reach(&config, &limits, job.stop()),
        pinned: job.pinned(),
        database: &context.database,
        registries: &context.registries,
        active: &active,
    };
    let plan = match stoppable(job, resolve::run(job.request(), &host)).await? {
        Err(ResolveError::RequiredBy { pack, dependents }) => {
            // an earlier job may be about to remove them
            earlier_first(context, job, dependents.clone(), &active).await?;
            return Err(ResolveError::RequiredBy { pack, dependents }.into());
        }
        plan => plan?,
    };
    if let Some(absent) = &plan.absent {
        earlier_first(context, job, vec![absent.clone()], &active).await?;
    }
    for warning in &plan.warnings {
        job.warn(None, warning.clone()).await?;
    }
    let view = plan.view(&active);
    let message = match &plan.absent {
        Some(absent) => format!("`{absent}` is not installed"),
        None => in_words(&view),
    };
    job.complete(StepName::Resolve, message).await?;
    job.plan(view).await?;
    if plan.wanted.is_empty() && plan.removed.is_empty() {
        return Ok(Outcome::Unchanged);
    }

    let inspected = bring(context, job, &plan, &active).await?;
    if let Some(earlier) = job.touch(refs(&plan, &inspected)).await? {
        return Err(StepError::After(earlier));
    }
    let Flags { force, dry_run, .. } = job.request().flags();
    let view = inspect::plan_view(&plan, &inspected, &active, force);
    job.plan(view).await?;
    let news = inspect::without_same_trees(inspected, &active, force);

    check::run(context, job, &plan, &news, &active).await?;
    if dry_run || (news.is_empty() && plan.removed.is_empty()) {
        return Ok(Outcome::Unchanged);
    }
    test::run(context, job, &news, &active).await?;
    activate::run(context, job, &plan, news, &active).await
}

/// The steps that bring the bytes of a plan and make trees of them.
async fn bring(
    context: &Context,
    job: &Claimed,
    plan: &Plan,
    active: &Active,
) -> Result<Vec<Inspected>, StepError> {
    if plan.wanted.is_empty() {
        return Ok(Vec::new());
    }
    let staging = {
        let layout = Arc::clone(&context.layout);
        let id = job.id();
        store::off_thread(move || Staging::create(&layout, id)).await?
    };
    let mut inspected = Vec::with_capacity(plan.wanted.len());
    let mut result = Ok(());
    for (number, wanted) in plan.wanted.iter().enumerate() {
        let folder = staging.folder(&number.to_string());
        match bring_one(context, job, active, wanted, &folder).await {
            Ok(one) => inspected.push(one),
            Err(error) => {
                result = Err(error);
                break;
            }
        }
    }
    // its drop deletes files
    blocking(move || drop(staging)).await?;
    result.map(|()| inspected)
}

async fn bring_one(
    context: &Context,
    job: &Claimed,
    active: &Active,
    wanted: &resolve::Wanted,
    folder: &Path,
) -> Result<Inspected, StepError> {
    if let Some(known) = inspect::known_tree(context, job, wanted).await? {
        job.begin(StepName::Fetch, None).await?;
        job.complete(StepName::Fetch, "already in the store")
            .await?;
        return inspect::from_store(context, job, wanted, known).await;
    }
    empty(folder).await?;
    let fetched = fetch::run(context, job, active, wanted, folder).await?;
    inspect::run(context, job, wanted, folder, fetched).await
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

    /// What is active now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn active(&self) -> Result<Active, StoreError> {
        self.database.read(store::pack::active).await
    }
}

fn refs(plan: &Plan, inspected: &[Inspected]) -> Vec<String> {
    let news = inspected
        .iter()
        .map(|pack| pack.manifest.pack_ref.to_string());
    news.chain(plan.removed.iter().map(|pack| pack.pack_ref.clone()))
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
    let text = lines.collect::<Vec<_>>().join(", ");
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
