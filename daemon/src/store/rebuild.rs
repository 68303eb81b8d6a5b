//! A database that is lost, made again from what lies in the state folder.
//!
//! From `store/`: the trees, their lists, and their records. From `generations/` and `current`: which packs were active
//! when. What only the database knew is gone: jobs, events, the audit, holds, results of tests. Numbers go on far above those
//! that were seen, so that none means two things.
//!
//! The new database is made beside the old one and becomes it by one rename; killed at any point, it is begun again.

mod folder;
mod rows;

use std::path::{Path, PathBuf};

use packd_wire::{DegradedView, ErrorKind};
use rusqlite::{Connection, OpenFlags};

use self::folder::{found, numbers, trees};
pub(crate) use self::folder::{newest_whole, of_folder};
pub(crate) use self::rows::adopt;
use self::rows::{RETOLD, insert_generation, insert_tree};
use super::database::{Database, Threads};
use super::degraded::{Mark, Marker};
use super::integrity::Depth;
use super::numbers::{self, Numbers};
use super::{StoreError, audit, generation, quarantine, record, reserve, schema, time};
use crate::config::Layout;
use crate::logging::chain;

/// Opens the database; one that is missing while there are packs, or that is damaged, goes to `quarantine/` and is made
/// again. Blocks.
///
/// # Errors
/// [`StoreError::Newer`] and what has nothing to do with the file: then nothing was touched.
pub(crate) fn open(layout: &Layout) -> Result<(Database, Threads), StoreError> {
    let path = layout.db();
    let marker = Marker::load(&layout.state_dir);
    quarantine::clear_for_file(layout, &marker.path())?;
    quarantine::clear_for_file(layout, &numbers::path(&layout.state_dir))?;
    let was_suspect = marker.get().is_some_and(|mark| mark.is_suspect);
    let depth = if was_suspect {
        Depth::Full
    } else {
        Depth::Quick
    };
    let reason = match unusable(layout, &path) {
        Some(reason) => reason,
        None => match Database::open_marked(&path, marker.clone(), depth) {
            Ok(opened) => {
                settle(&marker, was_suspect)?;
                return Ok(opened);
            }
            Err(error) if error.is_damage() => format!("`packd.db` is damaged: {}", chain(&error)),
            Err(error) => return Err(error),
        },
    };
    tracing::error!("{reason}; it is rebuilt from the store");
    let rebuilt = match rebuild(layout, &marker, &reason) {
        Err(error) if is_full(&error) && reserve::release(&layout.state_dir) => {
            rebuild(layout, &marker, &reason)
        }
        other => other,
    };
    let opened = rebuilt.and_then(|()| Database::open_marked(&path, marker.clone(), Depth::Quick));
    match opened {
        Err(error) if is_full(&error) => for_now(layout, marker, &reason, error),
        other => other,
    }
}

fn is_full(error: &StoreError) -> bool {
    error.kind() == ErrorKind::NoSpace
}

/// A database that was suspected is in order.
fn settle(marker: &Marker, was_suspect: bool) -> Result<(), StoreError> {
    match marker.get() {
        Some(mark) if was_suspect => {
            let reason = format!(
                "{}; all of it was read since, and is in order",
                mark.view.reason
            );
            let view = DegradedView {
                reason,
                ..mark.view
            };
            marker.set(Mark {
                view,
                is_suspect: false,
                ..mark
            })
        }
        Some(mark) => {
            tracing::error!("degraded since {}: {}", mark.view.at, mark.view.reason);
            Ok(())
        }
        None => Ok(()),
    }
}

/// Why the file cannot be the database of this state folder, as far as that is seen without reading it.
fn unusable(layout: &Layout, path: &Path) -> Option<String> {
    for ending in ["", "-wal", "-shm"] {
        let file = with_ending(path, ending);
        let name = format!("packd.db{ending}");
        match fs_err::symlink_metadata(&file) {
            Ok(found) if !found.is_file() => return Some(format!("`{name}` is not a file")),
            Ok(_) => {
                // whose it is can be set right, and then nothing of it is lost
                if let Err(error) = fs_err::File::open(&file)
                    && error.kind() != std::io::ErrorKind::PermissionDenied
                {
                    return Some(format!("`{name}` cannot be read: {error}"));
                }
            }
            Err(_) => {}
        }
    }
    if !has_packs(layout) {
        return None;
    }
    match fs_err::metadata(path) {
        Err(_) => Some("`packd.db` is missing, and there are packs in the store".to_owned()),
        // SQLite throws the log of an empty one away
        Ok(found) if found.len() == 0 => {
            Some("`packd.db` is empty, and there are packs in the store".to_owned())
        }
        Ok(_) => None,
    }
}

/// Whether something was installed here.
fn has_packs(layout: &Layout) -> bool {
    layout.current().is_symlink() || !trees(layout).is_empty()
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes a new database, puts the old one away, and says so.
fn rebuild(layout: &Layout, marker: &Marker, reason: &str) -> Result<(), StoreError> {
    let path = layout.db();
    let fresh = layout.state_dir.join("packd.db.rebuilt");
    remove(&fresh)?;
    let known = marker.get();
    let sum = match fill(layout, &fresh, seen(layout, known.as_ref())) {
        Ok(sum) => sum,
        Err(error) => {
            // half of it takes the space that is lacking
            remove(&fresh)?;
            return Err(error);
        }
    };
    let reason = format!("{reason}; it was rebuilt from the store, {WITHOUT}");
    let mut mark = mark_of(reason, sum, known);
    // before the old one is out of the way: its numbers are not to be read twice
    marker.set(mark.clone())?;
    let old = ["-wal", "-shm", "-journal", ""].map(|ending| with_ending(&path, ending));
    if let Some(folder) = quarantine::put_files_away(layout, "packd.db", &old)? {
        mark.view.quarantine = Some(folder.display().to_string());
        marker.set(mark)?;
    }
    fs_err::rename(&fresh, &path).map_err(StoreError::at("move into place", &path))?;
    generation::sync_folder(&layout.state_dir)
}

/// What a database that was made of the state folder lacks.
const WITHOUT: &str =
    "without jobs, events, the audit, holds, pins, registries that were added and results of tests";

fn mark_of(reason: String, sum: Sum, known: Option<Mark>) -> Mark {
    Mark {
        view: DegradedView {
            at: time::now(),
            reason,
            quarantine: known.and_then(|mark| mark.view.quarantine),
            packs: sum.packs,
            unrecorded: sum.unrecorded,
        },
        is_suspect: false,
        job: sum.numbers.job,
        event: sum.numbers.event,
    }
}

/// Removes what is left of a database that was to be made.
fn remove(fresh: &Path) -> Result<(), StoreError> {
    for ending in ["", "-journal", "-wal", "-shm"] {
        let left = with_ending(fresh, ending);
        if left.exists() {
            fs_err::remove_file(&left).map_err(StoreError::at("remove", &left))?;
        }
    }
    Ok(())
}

/// Makes the database on another file system, for as long as packd runs: a full disk then keeps nobody from seeing what is
/// installed, nor from making room. What lies in its place stays there for the next start. Where there is no room
/// either, the answer is `full`.
fn for_now(
    layout: &Layout,
    marker: Marker,
    reason: &str,
    full: StoreError,
) -> Result<(Database, Threads), StoreError> {
    let known = marker.get();
    let numbers = seen(layout, known.as_ref());
    let places = [
        layout.socket.parent().map(Path::to_owned),
        Some(std::env::temp_dir()),
    ];
    for place in places.into_iter().flatten() {
        let made = tempfile::Builder::new()
            .prefix("packd-database.")
            .tempdir_in(&place);
        let Ok(folder) = made else { continue };
        let path = folder.path().join("packd.db");
        let Ok(sum) = fill(layout, &path, numbers) else {
            continue;
        };
        let told = format!(
            "{reason}; the file system of `{}` is full, so it is not rebuilt there: packd works with one in `{}`, made from the \
             store {WITHOUT}, which is gone when packd stops. Make room (`packctl gc`, `df -h {0}`), then restart packd",
            layout.state_dir.display(),
            folder.path().display()
        );
        tracing::error!("{told}");
        if let Err(error) = marker.set(mark_of(told, sum, known.clone())) {
            // it is set all the same, and the next start finds out again
            tracing::warn!(error = %chain(&error), "cannot note that packd is degraded");
        }
        let (database, threads) = Database::open_marked(&path, marker, Depth::Quick)?;
        return Ok((database, threads.keeping(folder)));
    }
    Err(full)
}

/// The highest numbers that anything beside the records of trees tells of.
fn seen(layout: &Layout, known: Option<&Mark>) -> Numbers {
    let marked = Numbers {
        job: known.map_or(0, |mark| mark.job),
        event: known.map_or(0, |mark| mark.event),
        audit: 0,
    };
    let noted = Numbers::noted(&layout.state_dir).unwrap_or_default();
    salvaged(&layout.db()).or(noted).or(marked)
}

/// The highest numbers that can still be read in a damaged database.
fn salvaged(path: &Path) -> Numbers {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let name = path.to_string_lossy();
    let name = name
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let Ok(connection) = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
    else {
        return Numbers::default();
    };
    let highest = |table: &str, column: &str| {
        let there = connection
            .query_row(&format!("SELECT max({column}) FROM {table}"), [], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .ok()
            .flatten()
            .unwrap_or(0);
        // what is damaged may say anything
        there.clamp(0, i64::MAX / 4)
    };
    let there = Numbers {
        job: highest("job", "id"),
        event: highest("event", "seq"),
        audit: highest("audit", "seq"),
    };
    let given = Numbers::of(&connection).unwrap_or_default();
    there.or(Numbers {
        job: given.job.clamp(0, i64::MAX / 4),
        event: given.event.clamp(0, i64::MAX / 4),
        audit: given.audit.clamp(0, i64::MAX / 4),
    })
}

/// What a rebuild found.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    packs: u64,
    unrecorded: u64,
    numbers: Numbers,
}

/// Makes the database at `fresh` from the state folder, synced.
fn fill(layout: &Layout, fresh: &Path, seen: Numbers) -> Result<Sum, StoreError> {
    let failed = StoreError::open(fresh);
    let mut connection = Connection::open(fresh).map_err(failed)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(failed)?;
    schema::migrate(&mut connection, fresh)?;
    let mut sum = Sum {
        numbers: seen,
        ..Sum::default()
    };
    let transaction = connection.transaction().map_err(failed)?;
    for dir in trees(layout) {
        let record = record::read(layout, &dir);
        if let Some(record) = &record {
            sum.numbers = sum.numbers.or(Numbers {
                job: record.job,
                event: record.event,
                audit: 0,
            });
        }
        insert_tree(&transaction, layout, &dir, record.as_ref()).map_err(failed)?;
    }
    let numbers = numbers(layout);
    let current = generation::current(layout)
        .ok()
        .flatten()
        .filter(|number| numbers.contains(number))
        // the highest that is whole: one above it was perhaps never switched to
        .or_else(|| newest_whole(layout));
    for number in &numbers {
        let packs = found(layout, *number);
        if Some(*number) == current {
            sum.packs = u64::try_from(packs.len()).unwrap_or(u64::MAX);
            let unrecorded = packs.iter().filter(|one| !one.is_recorded).count();
            sum.unrecorded = u64::try_from(unrecorded).unwrap_or(u64::MAX);
        }
        let status = if Some(*number) == current {
            "active"
        } else {
            "past"
        };
        insert_generation(&transaction, layout, *number, status, &packs).map_err(failed)?;
    }
    transaction.execute_batch(RETOLD).map_err(failed)?;
    sum.numbers = sum.numbers.beyond();
    sum.numbers.set(&transaction).map_err(failed)?;
    audit::chain::begin_behind(&transaction, sum.numbers.audit).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    Ok(sum)
}

#[cfg(test)]
mod tests;
