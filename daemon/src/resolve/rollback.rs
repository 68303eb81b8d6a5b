//! The plan of a rollback: what was active comes again as it was, from the store and from nowhere else.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::queue::RollbackJob;
use crate::store::history;
use crate::store::pack::Installed;
use crate::store::{self, StoreError};

use super::{Active, Host, Plan, ResolveError, RollbackError, parse_ref};

/// Where a rollback goes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// The generation.
    pub generation: i64,
    /// Whether all packs go back, as opposed to one.
    pub whole: bool,
}

/// Which packs come again, and which go.
///
/// # Errors
/// [`ResolveError`]; of a tree that is not in the store any more also by force.
pub(super) async fn plan(job: &RollbackJob, host: &Host<'_>) -> Result<Plan, ResolveError> {
    if let Some(from) = job.from.filter(|from| host.generation != Some(*from)) {
        let warning = format!(
            "generation {from} is not active any more, and what is active now is left as it is"
        );
        return Ok(Plan {
            warnings: vec![warning],
            ..Plan::default()
        });
    }
    let (target, now, then) = match &job.asked.pack_ref {
        Some(name) => one(name, job.target, host).await?,
        None => all(job.target, host).await?,
    };
    let mut plan = Plan {
        target: Some(target),
        ..Plan::default()
    };
    for (name, before) in &then {
        match now.get(name) {
            Some(active) if is_same(active, before) && target.whole => {}
            Some(active) if is_same(active, before) => plan.kept.push(active.clone()),
            _ => plan.again.push(before.clone()),
        }
    }
    let gone = now
        .values()
        .filter(|pack| !then.contains_key(&pack.pack_ref));
    plan.removed = gone.cloned().collect();
    if let Some(gone) = plan.removed.first().filter(|_| !job.may_remove) {
        return Err(RollbackError::MayNotRemove {
            pack: gone.pack_ref.clone(),
        }
        .into());
    }
    let system = plan.removed.iter().find(|pack| pack.record.system);
    // of a whole generation that packd goes back from by itself, they came with what it takes back
    if let Some(system) = system.filter(|_| !job.asked.force && job.from.is_none()) {
        return Err(ResolveError::SystemPack {
            pack: system.pack_ref.clone(),
        });
    }
    are_complete(&plan.again, target.generation, host).await?;
    Ok(plan)
}

/// Whether nobody sees a difference between the two: the same tree, from where it belongs.
fn is_same(active: &Installed, before: &Installed) -> bool {
    active.dir == before.dir && active.record.registry == before.record.registry
}

/// All packs, now and in the generation.
async fn all(
    target: Option<i64>,
    host: &Host<'_>,
) -> Result<(Target, Active, Active), ResolveError> {
    let generation = target.ok_or(RollbackError::NoPrevious)?;
    let target = Target {
        generation,
        whole: true,
    };
    Ok((target, host.active.clone(), packs(generation, host).await?))
}

/// One pack, now and in the generation, or else before its last change.
async fn one(
    name: &str,
    target: Option<i64>,
    host: &Host<'_>,
) -> Result<(Target, Active, Active), ResolveError> {
    let pack_ref = parse_ref(name)?.to_string();
    let active = host.active.get(&pack_ref).cloned();
    let (generation, before) = if let Some(number) = target {
        (number, packs(number, host).await?.remove(&pack_ref))
    } else {
        let (number, pack) = last_change(&pack_ref, active.as_ref(), host).await?;
        (number, Some(pack))
    };
    if active.is_none() && before.is_none() {
        return Err(RollbackError::NothingEarlier {
            pack: pack_ref,
            active: None,
        }
        .into());
    }
    let target = Target {
        generation,
        whole: false,
    };
    let set = |pack: Option<Installed>| -> Active {
        pack.into_iter()
            .map(|pack| (pack.pack_ref.clone(), pack))
            .collect()
    };
    Ok((target, set(active), set(before)))
}

/// What a pack was before its last change, and the generation that has it.
async fn last_change(
    pack_ref: &str,
    active: Option<&Installed>,
    host: &Host<'_>,
) -> Result<(i64, Installed), ResolveError> {
    let (name, dir) = (pack_ref.to_owned(), active.map(|pack| pack.dir.clone()));
    host.database
        .read(move |connection| history::earlier(connection, &name, dir.as_deref()))
        .await
        .map_err(ResolveError::Store)?
        .ok_or_else(|| {
            RollbackError::NothingEarlier {
                pack: pack_ref.to_owned(),
                active: active.map(|pack| pack.version.clone()),
            }
            .into()
        })
}

/// The packs of a generation.
async fn packs(number: i64, host: &Host<'_>) -> Result<BTreeMap<String, Installed>, ResolveError> {
    let packs = host
        .database
        .read(move |connection| {
            let is_kept = history::get(connection, number)?.is_some();
            let packs = store::pack::of_generation(connection, number)?;
            Ok(is_kept.then_some(packs))
        })
        .await
        .map_err(ResolveError::Store)?;
    packs.ok_or_else(|| RollbackError::NoGeneration { number }.into())
}

/// That the trees that come again are all in the store.
async fn are_complete(
    again: &[Installed],
    generation: i64,
    host: &Host<'_>,
) -> Result<(), ResolveError> {
    let dirs: Vec<String> = again.iter().map(|pack| pack.dir.clone()).collect();
    let layout = Arc::clone(host.layout);
    let missing = store::off_thread(move || {
        let mut dirs = dirs.iter();
        Ok::<_, StoreError>(dirs.position(|dir| !store::tree::is_complete(&layout, dir)))
    })
    .await
    .map_err(ResolveError::Store)?;
    match missing.and_then(|at| again.get(at)) {
        None => Ok(()),
        Some(pack) => Err(RollbackError::TreeMissing {
            pack: pack.pack_ref.clone(),
            version: pack.version.clone(),
            dir: pack.dir.clone(),
            generation,
        }
        .into()),
    }
}
