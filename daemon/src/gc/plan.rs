//! Everything that nothing needs, and how much of the disk it takes. Reads only.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use packd_wire::{GcKind, GcLeft};

use super::generations::{self, Care};
use super::holders::{Holders, Unseen};
use crate::install::{Context, activate};
use crate::queue;
use crate::store::remains::{self, Freed, Shelves};
use crate::store::{self, StoreError, clock, collect, generation, job, time};

/// An upload becomes a job as soon as it is there; one that is younger than this may be about to.
const UPLOAD_AGE: Duration = Duration::from_hours(1);

/// What goes.
#[derive(Debug)]
pub(super) struct Plan {
    /// In the order in which it goes.
    pub(super) items: Vec<Item>,
    /// What would go if nobody used it.
    pub(super) left: Vec<GcLeft>,
    /// What could not be seen of the processes that may use something.
    pub(super) unseen: Unseen,
    /// What was kept with care.
    pub(super) care: Care,
}

/// One thing that goes.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: GcKind,
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) what: What,
}

/// How it goes.
#[derive(Debug)]
pub(super) enum What {
    /// Its rows, then its folder.
    Generation(i64),
    /// By renames, the tree first.
    Tree(Vec<PathBuf>),
    /// A file of the shelf of this pack, while nobody brings something there.
    Unfinished(String, PathBuf),
    /// As it lies there.
    Path(PathBuf),
    /// A repository of the cache.
    Repository(PathBuf),
}

/// What the database says.
struct Known {
    /// The generations that it knows.
    generations: BTreeSet<i64>,
    doomed: BTreeSet<i64>,
    touched: BTreeSet<String>,
    unfinished: BTreeSet<i64>,
    uploads: BTreeSet<String>,
}

/// What lies there, looked at before the database is asked: what comes to be needed later is not in it.
struct Found {
    generations: Vec<i64>,
    shelves: Shelves,
    workplaces: Vec<PathBuf>,
    uploads: Vec<PathBuf>,
    holders: Holders,
}

/// Finds out what goes.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn make(context: &Context) -> Result<Plan, StoreError> {
    let config = context.config.current().store.clone();
    let now = clock::believed(&context.database).await?;
    let (old, old_upload) = (
        time::earlier(&now, config.keep_for),
        time::earlier(&now, UPLOAD_AGE),
    );
    // while nobody makes a generation: a folder without a row is nobody's then
    let activation = context.activation.lock().await;
    activate::reconcile(&context.layout, &context.database, &context.hub).await?;
    let layout = Arc::clone(&context.layout);
    let (found, current) = store::off_thread(move || {
        let mut workplaces = remains::entries(&layout.staging())?;
        workplaces.extend(remains::entries(&layout.testing())?);
        let found = Found {
            generations: remains::generations(&layout)?,
            shelves: remains::shelves(&layout)?,
            workplaces,
            uploads: remains::older_than(remains::entries(&layout.uploads())?, &old_upload),
            holders: Holders::look(&layout.state_dir),
        };
        Ok((found, generation::current(&layout)?))
    })
    .await?;
    let care = Care {
        now,
        is_blind: found.holders.unseen.is_all(),
    };
    let rule = generations::rule(&config, &care);
    let known = context
        .database
        .read(move |connection| {
            let all = collect::generations(connection)?;
            let requests = job::unfinished_requests(connection)?;
            Ok(Known {
                generations: all.iter().map(|facts| facts.number).collect(),
                doomed: generations::doomed(connection, &rule, current)?,
                touched: collect::touched_packs(connection)?,
                unfinished: collect::unfinished(connection)?,
                uploads: requests
                    .iter()
                    .filter_map(|text| queue::upload_of(text))
                    .collect(),
            })
        })
        .await?;
    drop(activation);
    let mut draft = Draft::new(context, &found.holders);
    let doomed = draft.generations(&known, &found.generations);
    let named = {
        let doomed = doomed.clone();
        let read = move |connection: &_| collect::named_trees(connection, &doomed);
        context.database.read(read).await?
    };
    draft.trees(&known, &named, found.shelves);
    draft.remains(&known, found.workplaces, found.uploads);
    let Draft { left, drafts, .. } = draft;
    let unseen = found.holders.unseen;
    let (layout, repositories, cache) = (
        Arc::clone(&context.layout),
        context.repositories.clone(),
        context.cache.clone(),
    );
    let holders = found.holders;
    store::off_thread(move || {
        let mut left = left;
        let mut drafts = drafts;
        let put_away = remains::older_than(remains::entries(&layout.quarantine())?, &old);
        for path in put_away {
            let name = shown(&path);
            match holders.of(&path) {
                Some(holder) => left.push(stays(GcKind::Quarantine, name, holder)),
                None => drafts.push((GcKind::Quarantine, name, What::Path(path))),
            }
        }
        for path in repositories.unused_since(&old) {
            drafts.push((GcKind::Repository, shown(&path), What::Repository(path)));
        }
        for path in cache.excess(config.cache_size.bytes()) {
            drafts.push((GcKind::Archive, shown(&path), What::Path(path)));
        }
        Ok(Plan {
            items: measured(&layout, drafts),
            left,
            unseen,
            care,
        })
    })
    .await
}

/// What was found to be nobody's so far.
struct Draft<'a> {
    context: &'a Context,
    holders: &'a Holders,
    drafts: Vec<(GcKind, String, What)>,
    left: Vec<GcLeft>,
}

impl<'a> Draft<'a> {
    fn new(context: &'a Context, holders: &'a Holders) -> Self {
        Self {
            context,
            holders,
            drafts: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Adds a thing, unless a process uses one of these paths.
    fn add<'p>(
        &mut self,
        kind: GcKind,
        name: String,
        mut paths: impl Iterator<Item = &'p Path>,
        what: What,
    ) -> bool {
        let holder = paths.find_map(|path| self.holders.of(path));
        if let Some(holder) = holder {
            self.left.push(stays(kind, name, holder));
        } else {
            self.drafts.push((kind, name, what));
        }
        holder.is_none()
    }

    /// The generations that go, also those of which only the folder is left.
    fn generations(&mut self, known: &Known, folders: &[i64]) -> BTreeSet<i64> {
        let lost = folders
            .iter()
            .filter(|number| !known.generations.contains(number));
        let all: BTreeSet<i64> = known.doomed.iter().chain(lost).copied().collect();
        let mut going = BTreeSet::new();
        for number in all {
            let folder = generation::folder(&self.context.layout, number);
            let what = What::Generation(number);
            let paths = std::iter::once(folder.as_path());
            if self.add(GcKind::Generation, number.to_string(), paths, what) {
                going.insert(number);
            }
        }
        going
    }

    /// The trees that no generation has which stays, and no job counts on.
    fn trees(&mut self, known: &Known, named: &BTreeSet<String>, shelves: Shelves) {
        let layout = Arc::clone(&self.context.layout);
        let is_touched = |dir: &str| {
            let pack_ref = dir.split('/').next().unwrap_or(dir);
            known.touched.contains(pack_ref)
        };
        for (dir, paths) in shelves.trees {
            if named.contains(&dir) || is_touched(&dir) || self.context.leases.is_held(&dir) {
                continue;
            }
            let tree = layout.store().join(&dir);
            let what = What::Tree(paths);
            self.add(GcKind::Tree, dir, std::iter::once(tree.as_path()), what);
        }
        for file in shelves.unfinished {
            let pack_ref = file.split('/').next().unwrap_or(&file).to_owned();
            if !is_touched(&file) && !self.context.leases.is_held(&pack_ref) {
                let what = What::Unfinished(pack_ref, layout.store().join(&file));
                self.drafts
                    .push((GcKind::Leftover, format!("store/{file}"), what));
            }
        }
    }

    /// What ended jobs left, and uploads that none came for.
    fn remains(&mut self, known: &Known, workplaces: Vec<PathBuf>, uploads: Vec<PathBuf>) {
        let state_dir = self.context.layout.state_dir.clone();
        for path in workplaces {
            let job = remains::name_of(&path).and_then(|name| name.parse().ok());
            if job.is_some_and(|job| known.unfinished.contains(&job)) {
                continue;
            }
            let name = path.strip_prefix(&state_dir).unwrap_or(&path);
            let name = name.display().to_string();
            let what = What::Path(path.clone());
            self.add(
                GcKind::Leftover,
                name,
                std::iter::once(path.as_path()),
                what,
            );
        }
        for path in uploads {
            let name = shown(&path);
            if !known.uploads.contains(&name) {
                self.drafts.push((GcKind::Upload, name, What::Path(path)));
            }
        }
    }
}

/// The same with how much each takes, in the order of the kinds.
fn measured(layout: &crate::config::Layout, mut drafts: Vec<(GcKind, String, What)>) -> Vec<Item> {
    drafts.sort_by_key(|(kind, ..)| *kind);
    let mut freed = Freed::default();
    let items = drafts.into_iter().map(|(kind, name, what)| {
        let bytes = match &what {
            What::Generation(number) => freed.by(&generation::folder(layout, *number)),
            What::Tree(paths) => paths.iter().map(|path| freed.by(path)).sum(),
            What::Unfinished(_, path) | What::Path(path) | What::Repository(path) => freed.by(path),
        };
        Item {
            kind,
            name,
            bytes,
            what,
        }
    });
    items.collect()
}

/// That something stays because a process uses it.
pub(super) fn stays(kind: GcKind, name: String, holder: &super::holders::Holder) -> GcLeft {
    GcLeft {
        kind,
        name,
        pid: holder.pid,
        command: holder.command.clone(),
        by: holder.by.to_owned(),
    }
}

fn shown(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
