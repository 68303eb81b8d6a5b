//! A look at a tree: whether it is as it was installed, and rows of `look`, which keep what the latest one found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use packd_format::tree::{self, Change, Comparison, FileList};
use packd_wire::{PackState, TreeChange, TreeDifference};
use rusqlite::{Connection, params};

use super::job::{decoded, encoded};
use super::pack::Installed;
use super::tree::{manifest_path, written};
use super::{StoreError, Tx, quarantine, record, time};
use crate::config::Layout;

/// At most so many differences of a tree are named.
const NAMED: usize = 50;

/// Trees that are looked at at once; each may have more threads of its own.
const MOST_AT_ONCE: usize = 4;

/// How the files beside a tree are called among its differences.
const LIST: &str = ".manifest";
const RECORD: &str = ".record.json";

/// What a look at a tree found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// In one word.
    pub state: PackState,
    /// The first differences, sorted by path.
    pub differences: Vec<TreeDifference>,
    /// How many there are.
    pub count: u64,
    /// Whether the tree itself is good, whatever lies beside it.
    pub is_tree_good: bool,
}

/// Compares the tree of an installed pack with its list, its list with the digest that the database has, and its record
/// with what the database knows. Blocks, and reads all of it.
#[must_use]
pub(crate) fn look(layout: &Layout, pack: &Installed) -> Look {
    let place = layout.store().join(&pack.dir);
    if !fs_err::symlink_metadata(&place).is_ok_and(|found| found.is_dir()) {
        return Look {
            state: PackState::Missing,
            differences: Vec::new(),
            count: 0,
            is_tree_good: false,
        };
    }
    let mut beside = Vec::new();
    let bytes = fs_err::read(manifest_path(layout, &pack.dir)).ok();
    let is_there = bytes.is_some();
    let list = bytes
        .and_then(|bytes| FileList::parse(&bytes).ok())
        .filter(|list| list.digest().to_string() == pack.record.tree);
    let found = if let Some(list) = list {
        tree::compare(&place, &list, NAMED).unwrap_or_else(|_| lost())
    } else {
        let change = if is_there {
            TreeChange::Content
        } else {
            TreeChange::Missing
        };
        beside.push(difference(LIST, change));
        // without a list the digest still says whether the tree is good, but not what is wrong with it
        match tree::scan(&place) {
            Ok(list) if list.digest().to_string() == pack.record.tree => {
                tree::compare(&place, &list, NAMED).unwrap_or_else(|_| lost())
            }
            _ => lost(),
        }
    };
    match record::read(layout, &pack.dir) {
        Some(record) if record.record.tree == pack.record.tree => {}
        Some(_) => beside.push(difference(RECORD, TreeChange::Content)),
        None if record::path(layout, &pack.dir).exists() => {
            beside.push(difference(RECORD, TreeChange::Content));
        }
        None => beside.push(difference(RECORD, TreeChange::Missing)),
    }
    of(beside, found)
}

/// Looks at many trees, several at a time; what was found is in the order of the packs. Blocks, and reads all of them.
#[must_use]
pub(crate) fn look_at_all(layout: &Layout, packs: &[Installed]) -> Vec<Look> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MOST_AT_ONCE).min(packs.len());
    if threads < 2 {
        return packs.iter().map(|pack| look(layout, pack)).collect();
    }
    let next = AtomicUsize::new(0);
    let some = || {
        let mut found = Vec::new();
        // one after the other, whoever is free: some trees are large
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(pack) = packs.get(at) else {
                return found;
            };
            found.push((at, look(layout, pack)));
        }
    };
    let mut found: Vec<(usize, Look)> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut found = some();
        for handle in handles {
            match handle.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    });
    found.sort_unstable_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, look)| look).collect()
}

fn of(mut differences: Vec<TreeDifference>, found: Comparison) -> Look {
    let is_tree_good = found.is_same();
    let count = differences.len() + found.count;
    let state = match (differences.is_empty(), is_tree_good) {
        (true, true) => PackState::Ok,
        (true, false) if found.has_all => PackState::Extra,
        _ => PackState::Modified,
    };
    let named = found.differences.into_iter();
    differences.extend(named.map(|one| difference(&one.path, change(one.change))));
    differences.truncate(NAMED);
    Look {
        state,
        differences,
        count: u64::try_from(count).unwrap_or(u64::MAX),
        is_tree_good,
    }
}

/// What is known of a tree that cannot be compared with anything.
fn lost() -> Comparison {
    Comparison {
        differences: vec![tree::Difference {
            path: ".".to_owned(),
            change: Change::Content,
        }],
        count: 1,
        has_all: false,
    }
}

fn difference(path: &str, change: TreeChange) -> TreeDifference {
    TreeDifference {
        path: path.to_owned(),
        change,
    }
}

fn change(change: Change) -> TreeChange {
    match change {
        Change::Missing => TreeChange::Missing,
        Change::Extra => TreeChange::Extra,
        Change::Kind => TreeChange::Kind,
        Change::Mode => TreeChange::Mode,
        Change::Target => TreeChange::Target,
        Change::Content => TreeChange::Content,
        Change::Unreadable => TreeChange::Unreadable,
    }
}

/// Writes the list and the record of a good tree anew. Blocks.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Tree`].
pub(crate) fn mend_beside(layout: &Layout, pack: &Installed, event: i64) -> Result<(), StoreError> {
    let place = layout.store().join(&pack.dir);
    let list = tree::scan(&place).map_err(|source| StoreError::Tree {
        doing: format!("list the tree of `{}`", pack.pack_ref),
        source,
    })?;
    let path = manifest_path(layout, &pack.dir);
    quarantine::clear_for_file(layout, &path)?;
    written(&layout.store().join(&pack.pack_ref), &list.to_bytes())?
        .persist(&path)
        .map_err(|error| StoreError::at("write", &path)(error.error))?;
    record::write(layout, &[record::InstallRecord::of(pack, event)])
}

/// Notes what a look found.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn note(tx: &Tx<'_>, dir: &str, look: &Look) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO look (dir, state, differences, count, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            dir,
            look.state.as_str(),
            encoded(&look.differences)?,
            i64::try_from(look.count).unwrap_or(i64::MAX),
            time::now()
        ],
    )?;
    tx.packs_changed();
    Ok(())
}

/// Forgets what was found of a tree: another one lies in its place.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget(tx: &Tx<'_>, dir: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM look WHERE dir = ?1", [dir])?;
    tx.packs_changed();
    Ok(())
}

/// The trees that the latest look found something wrong with, and in which state they are.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn bad(connection: &Connection) -> rusqlite::Result<BTreeMap<String, PackState>> {
    connection
        .prepare_cached("SELECT dir, state FROM look WHERE state <> 'ok'")?
        .query_map([], |row| {
            let state: String = row.get(1)?;
            Ok((row.get(0)?, decoded(&format!("\"{state}\""))?))
        })?
        .collect()
}

/// When each tree was looked at last, of those that were.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn times(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare_cached("SELECT dir, at FROM look")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
