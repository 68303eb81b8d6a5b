//! Removes what was planned, one thing after the other; before each one the job may be cancelled.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use packd_wire::GcView;

use super::generations::{self, Care};
use super::holders::Holders;
use super::plan::{Item, What, stays};
use super::tell;
use crate::config::Layout;
use crate::fault;
use crate::install::{Context, StepError, activate};
use crate::logging::chain;
use crate::queue::Claimed;
use crate::store::lease::Leases;
use crate::store::tree::Staging;
use crate::store::{self, StoreError, collect, generation, job, remains, tree};

/// For so long what processes use is taken for what it was.
const FRESH: Duration = Duration::from_secs(1);

/// So many generations are forgotten together: each time means to look at all of them.
const TOGETHER: usize = 50;

/// What became of one thing.
enum Done {
    Gone,
    /// Somebody needs it by now.
    Needed,
    /// A process uses it by now.
    Used(super::holders::Holder),
}

/// Removes these things, and notes each that is gone.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    items: Vec<Item>,
    care: Care,
    told: &mut GcView,
) -> Result<(), StepError> {
    let mut remover = Remover {
        context,
        trash: None,
        holders: None,
        job: job.id(),
        care,
    };
    let mut result = Ok(());
    // generations whose rows are gone, and whose folders go whatever comes
    let mut begun = 0;
    for place in 0..items.len() {
        if begun == 0 {
            if job.stop().is_cancelled() {
                result = Err(StepError::Stopped);
                break;
            }
            begun = remover.forget(&items[place..]).await?;
        }
        begun = begun.saturating_sub(1);
        let item = &items[place];
        match remover.one(item).await {
            Ok(Done::Gone) => tell(told, item),
            Ok(Done::Needed) => {}
            Ok(Done::Used(holder)) => {
                let left = stays(item.kind, item.name.clone(), &holder);
                job.warn(None, super::stays(&left)).await?;
                told.left.push(left);
            }
            Err(error) => {
                let kind = item.kind.as_str();
                let message = format!("{kind} {} stays: {}", item.name, chain(&error));
                job.warn(None, message).await?;
            }
        }
    }
    let trash = remover.trash.take();
    store::off_thread(move || {
        drop(trash);
        Ok(())
    })
    .await?;
    result?;
    Ok(context.forget_lost_trees().await?)
}

struct Remover<'a> {
    context: &'a Context,
    /// What is deleted lies here first, and after a crash it is swept.
    trash: Option<Staging>,
    holders: Option<(Instant, Arc<Holders>)>,
    job: i64,
    care: Care,
}

impl Remover<'_> {
    /// Forgets the first of these things, where they are generations that go and that are still not kept now, in one
    /// transaction with the look at pins and jobs; of how many the folders can go now.
    async fn forget(&self, items: &[Item]) -> Result<usize, StoreError> {
        let planned: BTreeSet<i64> = (items.iter())
            .map_while(|item| match item.what {
                What::Generation(number) => Some(number),
                _ => None,
            })
            .take(TOGETHER)
            .collect();
        if planned.is_empty() {
            return Ok(0);
        }
        let count = planned.len();
        let context = self.context;
        let _nobody_activates = context.activation.lock().await;
        activate::reconcile(&context.layout, &context.database, &context.hub).await?;
        let layout = Arc::clone(&context.layout);
        let current = store::off_thread(move || generation::current(&layout)).await?;
        let rule = generations::rule(&context.config.current().store, &self.care);
        let (database, id) = (&context.database, self.job);
        database
            .write(move |tx| {
                let doomed = generations::doomed(tx, &rule, current)?;
                let going: BTreeSet<i64> = doomed.intersection(&planned).copied().collect();
                if !going.is_empty() {
                    job::mark_changed(tx, id)?;
                }
                collect::forget_generations(tx, &going)
            })
            .await?;
        fault::point("gc.forgotten");
        Ok(count)
    }

    async fn one(&mut self, item: &Item) -> Result<Done, StoreError> {
        match &item.what {
            What::Generation(number) => self.generation(*number).await,
            What::Tree(paths) => self.tree(&item.name, paths.clone()).await,
            What::Unfinished(pack_ref, path) => {
                let trash = self.trash().await?;
                let (leases, pack_ref) = (self.context.leases.clone(), pack_ref.clone());
                let path = path.clone();
                store::off_thread(move || {
                    tree::empty(&trash)?;
                    if take_out(&leases, &pack_ref, &[path], &trash)?.is_none() {
                        return Ok(Done::Needed);
                    }
                    tree::remove(&trash)?;
                    Ok(Done::Gone)
                })
                .await
            }
            What::Path(path) => {
                let path = path.clone();
                store::off_thread(move || tree::remove(&path)).await?;
                Ok(Done::Gone)
            }
            What::Repository(path) => {
                let (repositories, path) = (self.context.repositories.clone(), path.clone());
                store::off_thread(move || {
                    let removed = repositories
                        .discard(&path)
                        .map_err(StoreError::io("remove a cached repository"))?;
                    Ok(if removed { Done::Gone } else { Done::Needed })
                })
                .await
            }
        }
    }

    /// The folder of a generation that has no row any more.
    async fn generation(&self, number: i64) -> Result<Done, StoreError> {
        let context = self.context;
        let _nobody_activates = context.activation.lock().await;
        let read = move |connection: &_| store::pack::generation(connection, number);
        if context.database.read(read).await?.is_some() {
            return Ok(Done::Needed);
        }
        let layout = Arc::clone(&context.layout);
        store::off_thread(move || {
            if generation::current(&layout)? == Some(number) {
                return Ok(Done::Needed);
            }
            generation::discard(&layout, number)?;
            Ok(Done::Gone)
        })
        .await
    }

    /// A tree: out of the store while nothing can be activated and no job counts on it, then deleted.
    async fn tree(&mut self, dir: &str, paths: Vec<PathBuf>) -> Result<Done, StoreError> {
        let holders = self.holders().await?;
        let context = self.context;
        if let Some(holder) = holders.of(&context.layout.store().join(dir)) {
            return Ok(Done::Used(holder.clone()));
        }
        let trash = self.trash().await?;
        let taken = {
            let _nobody_activates = context.activation.lock().await;
            let name = dir.to_owned();
            let read = move |connection: &_| collect::is_named(connection, &name);
            if context.database.read(read).await? {
                return Ok(Done::Needed);
            }
            let (leases, trash) = (context.leases.clone(), trash.clone());
            let dir = dir.to_owned();
            store::off_thread(move || {
                tree::empty(&trash)?;
                take_out(&leases, &dir, &paths, &trash)
            })
            .await?
        };
        if taken.is_none() {
            return Ok(Done::Needed);
        }
        fault::point("gc.taken");
        let (gone, id) = (BTreeSet::from([dir.to_owned()]), self.job);
        let forget = move |tx: &store::Tx<'_>| {
            job::mark_changed(tx, id)?;
            collect::forget_trees(tx, &gone)
        };
        context.database.write(forget).await?;
        fault::point("gc.untold");
        store::off_thread(move || {
            tree::remove(&trash)?;
            Ok(Done::Gone)
        })
        .await
    }

    async fn trash(&mut self) -> Result<PathBuf, StoreError> {
        if self.trash.is_none() {
            let (layout, job) = (Arc::clone(&self.context.layout), self.job);
            self.trash = Some(store::off_thread(move || Staging::create(&layout, job)).await?);
        }
        let trash = self.trash.as_ref().map(|trash| trash.folder("trash"));
        Ok(trash.unwrap_or_default())
    }

    async fn holders(&mut self) -> Result<Arc<Holders>, StoreError> {
        match &self.holders {
            Some((at, holders)) if at.elapsed() < FRESH => Ok(Arc::clone(holders)),
            _ => {
                let state_dir = self.context.layout.state_dir.clone();
                let look = move || Ok(Arc::new(Holders::look(&state_dir)));
                let holders = store::off_thread(look).await?;
                self.holders = Some((Instant::now(), Arc::clone(&holders)));
                Ok(holders)
            }
        }
    }
}

/// Removes the folders of packs that have no tree any more, also those that a killed run left; one that has some, or
/// that somebody is about to put one into, stays. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(super) fn empty_shelves(layout: &Layout, leases: &Leases) -> Result<(), StoreError> {
    for shelf in remains::entries(&layout.store())? {
        if let Some(pack_ref) = remains::name_of(&shelf) {
            leases.unless_held(pack_ref, || drop(fs_err::remove_dir(&shelf)));
        }
    }
    Ok(())
}

/// Takes what belongs to a tree, or is left of one, out of the store, unless somebody counts on it. Whoever wants to begin
/// to waits for the renames alone: the disk is waited for when they are done. Blocks.
fn take_out(
    leases: &Leases,
    dir: &str,
    paths: &[PathBuf],
    trash: &Path,
) -> Result<Option<()>, StoreError> {
    let taken = leases.unless_held(dir, || remains::take_out(paths, trash));
    let taken = taken.transpose()?;
    if taken.is_some() {
        remains::settle(paths, trash)?;
    }
    Ok(taken)
}

impl Context {
    /// Forgets the rows of trees that are neither in the store nor anybody's.
    async fn forget_lost_trees(&self) -> Result<(), StoreError> {
        let read = |connection: &_| {
            let mut trees = collect::known_trees(connection)?;
            let named = collect::named_trees(connection, &BTreeSet::new())?;
            trees.retain(|dir| !named.contains(dir));
            Ok(trees)
        };
        let mut lost = self.database.read(read).await?;
        let (layout, leases) = (Arc::clone(&self.layout), self.leases.clone());
        let lost = store::off_thread(move || {
            lost.retain(|dir| !leases.is_held(dir) && !tree::is_complete(&layout, dir));
            Ok(lost)
        })
        .await?;
        if lost.is_empty() {
            return Ok(());
        }
        let forget = move |tx: &store::Tx<'_>| collect::forget_trees(tx, &lost);
        self.database.write(forget).await
    }
}
