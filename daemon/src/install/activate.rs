//! Step 7 of 7: the new generation becomes the current one, by one rename.
//!
//! The generation's row is written before the rename (`pending`) and confirmed
//! after it, together with the job's success and all events. Killed at any
//! point, [`reconcile`] finds out which side of the rename it was: the link
//! `current` is the truth, and the database follows it.

use std::sync::Arc;

use packd_format::Manifest;
use packd_wire::{
    ChangeAction, EventKind, JobKind, JobStatus, SourceType, SourceView, StepName, StepStatus,
    Verification, VerifiedView,
};
use serde_json::json;

use crate::config::Layout;
use crate::event::{Hub, NewEvent};
use crate::queue::{self, Claimed, Outcome};
use crate::resolve::{Active, Plan};
use crate::source::Place;
use crate::store::pack::{self, GenerationStatus, NewInstall, Record};
use crate::store::record::{self, InstallRecord};
use crate::store::{
    self, Database, SqlResult, StoreError, Tx, blocked, generation, history, job, patience,
    quality, rebuild, time, watch,
};

use super::inspected::Inspected;
use super::{Context, StepError, automatic, check};

/// Switches to a generation with the packs of the plan.
pub(super) async fn run(
    context: &Context,
    claimed: &Claimed,
    plan: &Plan,
    news: Vec<Inspected>,
    coming: &[Manifest],
    planned_on: &Active,
) -> Result<Outcome, StepError> {
    let _one_at_a_time = super::stoppable(claimed, context.activation.lock()).await?;
    reconcile(&context.layout, &context.database, &context.hub).await?;
    let active = context.active().await?;
    if !still_holds(plan, &news, coming, planned_on, &active)
        || !are_there(context, plan, &news).await?
        || automatic::is_forbidden(context, claimed, &news).await?
    {
        return Err(StepError::Outdated);
    }
    if !claimed.begin_activation() {
        return Err(StepError::Stopped);
    }
    claimed.begin(StepName::Activate, None).await?;

    // until the generation names them, or is not made
    let _counted_on: Vec<_> = news.iter().map(|pack| pack.lease.clone()).collect();
    let removed = plan.removed.iter().map(|pack| pack.pack_ref.clone());
    let news = news.into_iter().map(|pack| new_install(claimed, pack));
    let changed = pack::Changed {
        without: removed.collect(),
        with: news.collect(),
        again: plan.again.clone(),
    };
    let id = claimed.id();
    let pending = context
        .database
        .write(move |tx| {
            let again: Vec<i64> = changed.again.iter().map(|pack| pack.install).collect();
            if !history::are_known(tx, &again)? {
                return Ok(None);
            }
            let base = pack::active_generation(tx)?;
            let number = pack::insert_pending(tx, id, base, &changed)?;
            let new: Vec<_> = changed.with.into_iter().map(|pack| pack.pack_ref).collect();
            let trees = pack::dirs_of_generation(tx, number)?;
            let event = store::event::last(tx)?;
            let all = pack::of_generation(tx, number)?;
            let records = new.iter().filter_map(|name| all.get(name));
            let records: Vec<_> = records.map(|pack| InstallRecord::of(pack, event)).collect();
            let again = changed.again.into_iter().map(|pack| pack.pack_ref);
            let linked: Vec<_> = new.into_iter().chain(again).collect();
            Ok(Some((number, trees, linked, records)))
        })
        .await?;
    let Some((number, trees, new, records)) = pending else {
        // the generation that it goes back to was collected meanwhile: planning again says so
        return Err(StepError::Outdated);
    };

    let layout = Arc::clone(&context.layout);
    let switched = store::off_thread(move || {
        record::write(&layout, &records)?;
        generation::prepare(&layout, number, &trees, &new)?;
        generation::switch(&layout, number)
    })
    .await;
    // a failed sync says nothing about the rename: the link says which side of it we are on
    let confirm = || confirmed(context);
    match patience::insist("confirm the generation", claimed.stop(), confirm).await {
        Ok(active) if active == Some(number) => Ok(Outcome::Activated),
        Ok(_) => {
            switched?;
            Err(StepError::panicked())
        }
        Err(error) => {
            // unconfirmed, the job stays as it is: the next activation or start confirms it
            tracing::error!(error = %crate::logging::chain(&error), "the generation is active and not confirmed");
            Ok(Outcome::Activated)
        }
    }
}

/// Whether the trees that become active are in the store, each as a whole. One that somebody took away is brought again,
/// or missed, by who plans again.
async fn are_there(context: &Context, plan: &Plan, news: &[Inspected]) -> Result<bool, StoreError> {
    let news = news.iter().map(|pack| pack.dir.clone());
    let again = plan.again.iter().map(|pack| pack.dir.clone());
    let dirs: Vec<String> = news.chain(again).collect();
    let layout = Arc::clone(&context.layout);
    store::off_thread(move || {
        let mut dirs = dirs.iter();
        Ok(dirs.all(|dir| store::tree::is_complete(&layout, dir)))
    })
    .await
}

/// Lets the database follow the link, and gives the generation that is active then.
async fn confirmed(context: &Context) -> Result<Option<i64>, StoreError> {
    reconcile(&context.layout, &context.database, &context.hub).await?;
    context.database.read(pack::active_generation).await
}

/// Whether the plan would be the same today: the packs that it touches are as they were, and what was
/// judged of those that need them, and of those that they need, is still so.
fn still_holds(
    plan: &Plan,
    news: &[Inspected],
    coming: &[Manifest],
    planned_on: &Active,
    active: &Active,
) -> bool {
    let same = |name: &str| super::is_same(name, planned_on, active);
    // whoever goes back to a whole generation wants nothing that came meanwhile
    let is_whole = plan.target.is_some_and(|target| target.whole);
    let all = || planned_on.keys().chain(active.keys());
    (!is_whole || all().all(|name| same(name)))
        && plan.again.iter().all(|pack| same(&pack.pack_ref))
        && plan.removed.iter().all(|pack| same(&pack.pack_ref))
        && news
            .iter()
            .all(|pack| same(pack.manifest.pack_ref.as_str()))
        && check::verdict(plan, coming, planned_on) == check::verdict(plan, coming, active)
}

fn new_install(claimed: &Claimed, pack: Inspected) -> NewInstall {
    let requester = claimed.requester();
    let by = pack.bytes.verified_by;
    let flags = claimed.request().flags();
    let skipped = [
        (flags.skip_deps, "skip_deps"),
        (flags.force, "force"),
        (flags.skip_tests, "skip_tests"),
    ];
    NewInstall {
        pack_ref: pack.manifest.pack_ref.to_string(),
        version: pack.manifest.version.to_string(),
        dir: pack.dir,
        record: Record {
            label: pack.manifest.label,
            description: pack.manifest.description,
            author: pack.manifest.author,
            license: pack.manifest.license,
            keywords: pack.manifest.keywords,
            registry: pack.registry,
            registry_id: pack.wanted.registry_id,
            source: SourceView {
                source_type: match &pack.bytes.place {
                    Place::Git(_) => SourceType::Git,
                    Place::Archive(_) if pack.bytes.uploaded => SourceType::Upload,
                    Place::Archive(_) => SourceType::Archive,
                },
                git_ref: pack
                    .bytes
                    .commit()
                    .and_then(|chosen| chosen.git_ref.clone()),
                commit: pack.bytes.commit().map(|chosen| chosen.commit.clone()),
                url: Some(pack.bytes.shown),
                path: pack.path,
            },
            archive: pack.archive,
            tree: pack.tree,
            verified: VerifiedView {
                by,
                at: (by != Verification::None).then(time::now),
            },
            installed_by: requester.user.unwrap_or_else(|| requester.uid.to_string()),
            dependencies: pack
                .manifest
                .dependencies
                .iter()
                .map(ToString::to_string)
                .collect(),
            contents: pack.contents,
            system: pack.manifest.system,
            skipped: skipped
                .iter()
                .filter(|(on, _)| *on)
                .map(|(_, name)| (*name).to_owned())
                .collect(),
        },
    }
}

/// Lets the database follow the link `current`, and makes again what is missing of the generation that it names.
///
/// Safe to repeat; run before each activation, after each switch, and at start.
///
/// # Errors
/// [`StoreError::ForeignGeneration`] when the database does not know what the link names: only at start, [`adopt`] makes it
/// known.
pub(crate) async fn reconcile(
    layout: &Layout,
    database: &Database,
    hub: &Hub,
) -> Result<(), StoreError> {
    let link = {
        let layout = layout.clone();
        store::off_thread(move || generation::current(&layout)).await?
    };
    let hub = hub.clone();
    let active = database
        .write(move |tx| {
            let number = match link {
                None => pack::active_generation(tx)?,
                Some(number) => {
                    match pack::generation(tx, number)? {
                        None => return Ok(Err(StoreError::ForeignGeneration { number })),
                        Some((GenerationStatus::Active, _)) => {}
                        Some((GenerationStatus::Pending, job)) => confirm(tx, &hub, number, job)?,
                        Some((GenerationStatus::Past, _)) => {
                            tracing::warn!(
                                generation = number,
                                "`current` was set by hand; following it"
                            );
                            pack::set_active(tx, number)?;
                            activated(tx, &hub, number, None)?;
                        }
                    }
                    Some(number)
                }
            };
            pack::forget_pending(tx)?;
            match number {
                None => Ok(Ok(None)),
                Some(number) => Ok(Ok(Some((number, pack::dirs_of_generation(tx, number)?)))),
            }
        })
        .await??;
    let Some((number, trees)) = active else {
        return Ok(());
    };
    let layout = layout.clone();
    store::off_thread(move || {
        if generation::restore(&layout, number, &trees)? {
            tracing::warn!(
                generation = number,
                "the folder of the active generation lacked packs; it has them again"
            );
        }
        if link.is_none() {
            tracing::warn!(generation = number, "`current` was missing; restoring it");
            generation::switch(&layout, number)?;
        }
        Ok(())
    })
    .await
}

/// Makes good, at start, what [`reconcile`] cannot follow: a `current` that is no link to a generation is put away, and a
/// generation that it names and the database has never heard of is taken over from its folder and the records of its trees.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn adopt(layout: &Layout, database: &Database) -> Result<(), StoreError> {
    let (link, was_odd) = {
        let layout = layout.clone();
        store::off_thread(move || match generation::current(&layout) {
            Err(StoreError::CurrentOdd { .. }) => {
                let folder = generation::put_current_away(&layout)?;
                tracing::error!(
                    folder = ?folder,
                    "`current` was no link to a generation; it was put away, and is made again"
                );
                Ok((None, true))
            }
            other => other.map(|link| (link, false)),
        })
        .await?
    };
    if link.is_none() && !was_odd {
        // before the first switch there is none, and the folder of a generation that was never switched to means nothing
        return Ok(());
    }
    let known = database.read(move |connection| {
        let is_known = match link {
            Some(number) => pack::generation(connection, number)?.is_some(),
            None => pack::active_generation(connection)?.is_some(),
        };
        Ok((is_known, pack::active_generation(connection)?))
    });
    let (is_known, active) = known.await?;
    if is_known {
        return Ok(());
    }
    let found = {
        let layout = layout.clone();
        store::off_thread(move || {
            let named =
                link.and_then(|number| Some((number, rebuild::of_folder(&layout, number)?)));
            if named.is_some() || active.is_some() {
                return Ok(named);
            }
            let newest = rebuild::newest_whole(&layout);
            Ok(newest.and_then(|number| Some((number, rebuild::of_folder(&layout, number)?))))
        })
        .await?
    };
    let Some((number, packs)) = found else {
        // a link to nothing: what the database takes for active is made again
        let layout = layout.clone();
        return store::off_thread(move || generation::put_current_away(&layout).map(drop)).await;
    };
    tracing::error!(
        generation = number,
        "`packd.db` did not know the generation that `current` names; it is taken over from the store"
    );
    let count = u64::try_from(packs.len()).unwrap_or(u64::MAX);
    let of_tx = layout.clone();
    database
        .write(move |tx| {
            pack::forget_pending(tx)?;
            rebuild::adopt(tx, &of_tx, number, &packs)
        })
        .await?;
    database
        .degrade(format!(
            "`packd.db` did not know generation {number}, which `current` names: it is older than the store, or lost what \
             was written last; the generation was taken over from the store"
        ), count)
        .await?;
    if link != Some(number) {
        let layout = layout.clone();
        store::off_thread(move || generation::switch(&layout, number)).await?;
    }
    Ok(())
}

/// Writes what the switch to generation `number` means, and that its job is done.
fn confirm(tx: &Tx<'_>, hub: &Hub, number: i64, job: i64) -> SqlResult<()> {
    let before = pack::active_generation(tx)?;
    pack::set_active(tx, number)?;
    let row = job::get(tx, job)?;
    let is_rollback = row
        .as_ref()
        .is_some_and(|row| row.view.kind == JobKind::Rollback);
    let changes = row
        .iter()
        .filter_map(|row| row.view.plan.as_ref())
        .flat_map(|plan| &plan.changes);
    for change in changes {
        let kind = match change.action {
            ChangeAction::Install => EventKind::PackInstalled,
            ChangeAction::Upgrade | ChangeAction::Downgrade | ChangeAction::Reinstall => {
                EventKind::PackUpdated
            }
            ChangeAction::Remove => EventKind::PackRemoved,
            ChangeAction::Keep => continue,
        };
        if let (EventKind::PackRemoved, Some(name)) = (kind, &change.pack_ref) {
            // there is nothing left that could stay as it is
            store::hold::lift(tx, name)?;
        }
        if let Some(name) = &change.pack_ref {
            let active = change
                .to
                .as_deref()
                .filter(|_| kind != EventKind::PackRemoved);
            blocked::clear(tx, name, active)?;
            if let Some(before) =
                before.filter(|_| is_rollback && change.action == ChangeAction::Downgrade)
            {
                blocked::block(tx, before, name, job)?;
            }
        }
        let version = change.to.as_ref().or(change.from.as_ref());
        if kind != EventKind::PackRemoved
            && !is_rollback
            && let (Some(name), Some(version)) = (&change.pack_ref, version)
        {
            quality::count(tx, name, version, quality::Fact::Installed)?;
        }
        let mut data =
            json!({"version": version, "from": change.from, "registry": change.registry});
        if let Some(commit) = &change.commit {
            data["commit"] = json!(commit);
        }
        hub.append(
            tx,
            NewEvent {
                kind,
                job: Some(job),
                pack_ref: change.pack_ref.clone(),
                data,
            },
        )?;
    }
    if row.as_ref().is_some_and(|row| row.view.automatic) && !is_rollback {
        watch::begin(tx, number, job)?;
    }
    activated(tx, hub, number, Some(job))?;
    if let Some(mut row) = row
        && row.view.status == JobStatus::Running
    {
        for step in &mut row.view.steps {
            if step.name == StepName::Activate && step.status == StepStatus::Running {
                let took = time::since(&step.started_at).as_millis();
                step.status = StepStatus::Completed;
                step.finished_at = Some(time::now());
                step.message = Some(format!("generation {number}"));
                let millis = u64::try_from(took).unwrap_or(u64::MAX);
                let data =
                    json!({"step": step.name, "message": step.message, "duration_ms": millis});
                let kind = EventKind::StepCompleted;
                hub.append(
                    tx,
                    NewEvent {
                        kind,
                        job: Some(job),
                        pack_ref: None,
                        data,
                    },
                )?;
            }
        }
        queue::succeed(tx, hub, &mut row.view, Some(number))?;
    }
    Ok(())
}

fn activated(tx: &Tx<'_>, hub: &Hub, number: i64, job: Option<i64>) -> SqlResult<()> {
    let kind = EventKind::GenerationActivated;
    hub.append(
        tx,
        NewEvent {
            kind,
            job,
            pack_ref: None,
            data: json!({"generation": number}),
        },
    )
}

#[cfg(test)]
mod tests;
