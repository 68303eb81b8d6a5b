//! A database that is lost, made again from what lies in the state folder.
//!
//! From `store/`: the trees, their lists, and their records. From `generations/` and `current`: which packs were active
//! when. What only the database knew is gone: jobs, events, the audit, holds, results of tests. Numbers go on far above those
//! that were seen, so that none means two things.
//!
//! The new database is made beside the old one and becomes it by one rename; killed at any point, it is begun again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use packd_format::{Digest, Manifest, PackRef};
use packd_wire::{ContentsView, DegradedView, SourceType, SourceView, Verification, VerifiedView};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::database::{Database, Threads};
use super::degraded::{Mark, Marker};
use super::integrity::Depth;
use super::job::encoded;
use super::pack::Record;
use super::record::{self, InstallRecord};
use super::tree::manifest_path;
use super::{StoreError, generation, quarantine, schema, time};
use crate::config::Layout;
use crate::logging::chain;

/// How far above the highest number that was seen jobs and events go on: more than a daemon can have given
/// between its last install and the loss.
const JOBS_BETWEEN: i64 = 10_000;
const EVENTS_BETWEEN: i64 = 1_000_000;

/// Opens the database; one that is missing while there are packs, or that is damaged, goes to `quarantine/` and is made
/// again. Blocks.
///
/// # Errors
/// [`StoreError::Newer`] and what has nothing to do with the file: then nothing was touched.
pub(crate) fn open(layout: &Layout) -> Result<(Database, Threads), StoreError> {
    let path = layout.db();
    let marker = Marker::load(&layout.state_dir);
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
    rebuild(layout, &marker, &reason)?;
    Database::open_marked(&path, marker, Depth::Quick)
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
        Ok(found) if found.len() == 0 && !with_ending(path, "-wal").exists() => {
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
    for ending in ["", "-journal", "-wal", "-shm"] {
        let left = with_ending(&fresh, ending);
        if left.exists() {
            fs_err::remove_file(&left).map_err(StoreError::at("remove", &left))?;
        }
    }
    let known = marker.get();
    let (job, event) = salvaged(&path);
    let job = job.max(known.as_ref().map_or(0, |mark| mark.job));
    let event = event.max(known.as_ref().map_or(0, |mark| mark.event));
    let sum = fill(layout, &fresh, job, event)?;
    let mut mark = Mark {
        view: DegradedView {
            at: time::now(),
            reason: format!(
                "{reason}; it was rebuilt from the store, without jobs, events, audit and holds"
            ),
            quarantine: known.and_then(|mark| mark.view.quarantine),
            packs: sum.packs,
            unrecorded: sum.unrecorded,
        },
        is_suspect: false,
        job: sum.job,
        event: sum.event,
    };
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

/// The highest numbers of jobs and events that can still be read in a damaged database.
fn salvaged(path: &Path) -> (i64, i64) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let name = path.to_string_lossy();
    let name = name
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let Ok(connection) = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
    else {
        return (0, 0);
    };
    let highest = |table: &str, column: &str| {
        let given = connection
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = ?1",
                [table],
                |row| row.get(0),
            )
            .unwrap_or(0_i64);
        let there = connection
            .query_row(&format!("SELECT max({column}) FROM {table}"), [], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .ok()
            .flatten()
            .unwrap_or(0);
        // what is damaged may say anything
        given.max(there).clamp(0, i64::MAX / 4)
    };
    (highest("job", "id"), highest("event", "seq"))
}

/// What a rebuild found.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    packs: u64,
    unrecorded: u64,
    job: i64,
    event: i64,
}

/// Makes the database at `fresh` from the state folder, synced.
fn fill(layout: &Layout, fresh: &Path, job: i64, event: i64) -> Result<Sum, StoreError> {
    let failed = StoreError::open(fresh);
    let mut connection = Connection::open(fresh).map_err(failed)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(failed)?;
    schema::migrate(&mut connection, fresh)?;
    let mut sum = Sum {
        job,
        event,
        ..Sum::default()
    };
    let transaction = connection.transaction().map_err(failed)?;
    for dir in trees(layout) {
        let record = record::read(layout, &dir);
        if let Some(record) = &record {
            sum.job = sum.job.max(record.job);
            sum.event = sum.event.max(record.event);
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
    sum.job = sum.job.saturating_add(JOBS_BETWEEN);
    sum.event = sum.event.saturating_add(EVENTS_BETWEEN);
    set_numbers(&transaction, sum.job, sum.event).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    Ok(sum)
}

/// What each generation changed, found by comparing it with the one before; and that the active one was switched to last.
const RETOLD: &str = "
    UPDATE generation SET activation = (SELECT max(number) FROM generation) + 1
    WHERE status = 'active' AND number < (SELECT max(number) FROM generation WHERE status <> 'pending');
    UPDATE generation SET changes = (
        SELECT json_group_array(json_object('ref', name, 'from', was, 'to', becomes)) FROM (
            SELECT named.ref AS name, older.version AS was, newer.version AS becomes
            FROM (SELECT DISTINCT ref FROM generation_pack
                  WHERE generation IN (generation.base, generation.number)) AS named
            LEFT JOIN generation_pack AS before ON before.generation = generation.base AND before.ref = named.ref
            LEFT JOIN generation_pack AS after ON after.generation = generation.number AND after.ref = named.ref
            LEFT JOIN install AS older ON older.id = before.install
            LEFT JOIN install AS newer ON newer.id = after.install
            WHERE before.install IS NOT after.install
            ORDER BY named.ref));
";

/// Lets jobs and events go on above these numbers.
fn set_numbers(connection: &Connection, job: i64, event: i64) -> rusqlite::Result<()> {
    for (name, number) in [("job", job), ("event", event)] {
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [name])?;
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
            params![name, number],
        )?;
    }
    Ok(())
}

/// The trees that lie in the store with their lists, relative to it.
fn trees(layout: &Layout) -> Vec<String> {
    let mut trees = Vec::new();
    for shelf in names(&layout.store()) {
        for name in names(&layout.store().join(&shelf)) {
            let dir = format!("{shelf}/{name}");
            if shelf.parse::<PackRef>().is_ok() && layout.store().join(&dir).is_dir() {
                trees.push(dir);
            }
        }
    }
    trees
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The generations that have a folder.
fn numbers(layout: &Layout) -> Vec<i64> {
    let names = names(&layout.generations()).into_iter();
    let mut numbers: Vec<i64> = names.filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// A pack of a generation, as its folder has it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    install: InstallRecord,
    is_recorded: bool,
    is_there: bool,
}

/// The packs that the folder of a generation leads to, or nothing if there is no such folder. Blocks.
#[must_use]
pub(crate) fn of_folder(layout: &Layout, number: i64) -> Option<Vec<Found>> {
    let folder = generation::folder(layout, number);
    folder.is_dir().then(|| found(layout, number))
}

/// The highest generation whose packs are all there. Blocks.
#[must_use]
pub(crate) fn newest_whole(layout: &Layout) -> Option<i64> {
    let whole = |number: &&i64| found(layout, **number).iter().all(|one| one.is_there);
    numbers(layout).iter().rev().find(whole).copied()
}

fn found(layout: &Layout, number: i64) -> Vec<Found> {
    let folder = generation::folder(layout, number);
    let mut packs = Vec::new();
    for name in names(&folder) {
        let Ok(target) = fs_err::read_link(folder.join(&name)) else {
            continue;
        };
        let dir = target
            .strip_prefix("../../store")
            .ok()
            .and_then(Path::to_str);
        let Some(dir) = dir.filter(|dir| dir.starts_with(&format!("{name}/"))) else {
            continue;
        };
        let recorded = record::read(layout, dir);
        let is_recorded = recorded.is_some();
        let install = recorded.or_else(|| guessed(layout, &name, dir, number));
        packs.extend(install.map(|install| Found {
            install,
            is_recorded,
            is_there: layout.store().join(dir).is_dir(),
        }));
    }
    packs
}

/// What a tree without a record says of itself.
fn guessed(layout: &Layout, name: &str, dir: &str, number: i64) -> Option<InstallRecord> {
    let pack_ref: PackRef = name.parse().ok()?;
    let (_, of_name) = dir.split_once('/')?;
    let (version, _) = of_name.rsplit_once('-')?;
    let text = fs_err::read(
        layout
            .store()
            .join(dir)
            .join(packd_format::manifest::FILE_NAME),
    );
    let manifest = text
        .ok()
        .and_then(|text| Manifest::parse_known(&text, &pack_ref).ok());
    let record = Record {
        label: manifest.as_ref().and_then(|one| one.label.clone()),
        description: manifest.as_ref().and_then(|one| one.description.clone()),
        author: manifest.as_ref().and_then(|one| one.author.clone()),
        license: manifest.as_ref().and_then(|one| one.license.clone()),
        keywords: manifest
            .as_ref()
            .map_or_else(Vec::new, |one| one.keywords.clone()),
        registry: None,
        source: SourceView {
            source_type: SourceType::Upload,
            url: None,
            path: None,
            git_ref: None,
            commit: None,
        },
        archive: None,
        tree: listed(layout, dir).unwrap_or_default(),
        verified: VerifiedView {
            by: Verification::None,
            at: None,
        },
        installed_by: "unknown".into(),
        dependencies: manifest.as_ref().map_or_else(Vec::new, |one| {
            one.dependencies.iter().map(ToString::to_string).collect()
        }),
        contents: ContentsView::default(),
        system: manifest.as_ref().is_some_and(|one| one.system),
        skipped: Vec::new(),
    };
    let version = manifest.map_or_else(|| version.to_owned(), |one| one.version.to_string());
    Some(InstallRecord {
        pack_ref: name.to_owned(),
        version,
        dir: dir.to_owned(),
        job: 0,
        generation: number,
        installed_at: time::now(),
        event: 0,
        record,
    })
}

/// The digest of a tree's list, or of the tree where the list is gone, if it is the one that the tree's name begins.
fn listed(layout: &Layout, dir: &str) -> Option<String> {
    let short = dir.rsplit_once('-')?.1;
    let of_list = fs_err::read(manifest_path(layout, dir)).ok();
    let of_list = of_list.map(|bytes| Digest::sha256_of(&bytes));
    let fits = |digest: &Digest| digest.hex().starts_with(short);
    let digest = of_list.filter(fits).or_else(|| {
        let scanned = packd_format::tree::scan(&layout.store().join(dir)).ok();
        scanned.map(|list| list.digest()).filter(fits)
    });
    digest.map(|digest| digest.to_string())
}

fn insert_tree(
    connection: &Connection,
    layout: &Layout,
    dir: &str,
    record: Option<&InstallRecord>,
) -> rusqlite::Result<()> {
    let list = fs_err::read(manifest_path(layout, dir)).ok();
    let list = list.and_then(|bytes| packd_format::tree::FileList::parse(&bytes).ok());
    let (Some(list), Some((shelf, name))) = (list, dir.split_once('/')) else {
        return Ok(());
    };
    let digest = list.digest();
    let Some((version, short)) = name.rsplit_once('-') else {
        return Ok(());
    };
    if !digest.hex().starts_with(short) {
        return Ok(());
    }
    let version = record.map_or(version, |record| record.version.as_str());
    let archive = record.and_then(|record| record.record.archive.as_deref());
    let path = record.and_then(|record| record.record.source.path.as_deref());
    connection.execute(
        "INSERT OR IGNORE INTO tree (dir, ref, version, digest, archive, path, files, bytes, made_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            dir,
            shelf,
            version,
            digest.to_string(),
            archive,
            path,
            i64::try_from(list.files()).unwrap_or(i64::MAX),
            i64::try_from(list.bytes()).unwrap_or(i64::MAX),
            record.map_or_else(time::now, |record| record.installed_at.clone()),
        ],
    )?;
    Ok(())
}

fn insert_generation(
    connection: &Connection,
    layout: &Layout,
    number: i64,
    status: &str,
    packs: &[Found],
) -> rusqlite::Result<()> {
    let made = packs.iter().map(|one| &one.install);
    let newest = made.max_by_key(|install| install.generation);
    let job = newest.map_or(0, |install| install.job);
    let at = made_at(layout, number);
    connection.execute(
        "INSERT INTO generation (number, status, job, created_at, activated_at, activation, base)
             VALUES (?1, ?2, ?3, ?4, ?4, ?1,
                     (SELECT max(number) FROM generation WHERE number < ?1 AND status <> 'pending'))",
        params![number, status, job, at],
    )?;
    connection.execute(
        "UPDATE generation_number SET last = max(last, ?1)",
        [number],
    )?;
    for one in packs {
        let install = &one.install;
        let known: Option<i64> = connection
            .query_row(
                "SELECT id FROM install WHERE ref = ?1 AND dir = ?2 ORDER BY id DESC LIMIT 1",
                params![install.pack_ref, install.dir],
                |row| row.get(0),
            )
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            connection.execute(
                "INSERT INTO install (ref, version, dir, record, job, generation, installed_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    install.pack_ref,
                    install.version,
                    install.dir,
                    encoded(&install.record)?,
                    install.job,
                    install.generation,
                    install.installed_at,
                ],
            )?;
            connection.last_insert_rowid()
        };
        connection.execute(
            "INSERT INTO generation_pack (generation, ref, install) VALUES (?1, ?2, ?3)",
            params![number, install.pack_ref, id],
        )?;
    }
    Ok(())
}

/// When the folder of a generation was made, as far as the file system knows.
fn made_at(layout: &Layout, number: i64) -> String {
    let made =
        fs_err::metadata(generation::folder(layout, number)).and_then(|found| found.modified());
    let age = made.ok().and_then(|made| made.elapsed().ok());
    time::before(age.unwrap_or_default())
}

/// Takes over a generation that the database has never heard of: changes that it was told of are lost, and numbers go
/// on above what may have been given for them.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn adopt(
    connection: &Connection,
    layout: &Layout,
    number: i64,
    packs: &[Found],
) -> rusqlite::Result<()> {
    insert_generation(connection, layout, number, "past", packs)?;
    let trees: BTreeMap<&str, &InstallRecord> = packs
        .iter()
        .map(|one| (one.install.dir.as_str(), &one.install))
        .collect();
    for (dir, record) in trees {
        insert_tree(connection, layout, dir, Some(record))?;
    }
    let highest = |name: &str| {
        connection
            .query_row(
                "SELECT seq FROM sqlite_sequence WHERE name = ?1",
                [name],
                |row| row.get::<_, i64>(0),
            )
            .optional()
    };
    let seen = packs.iter().map(|one| &one.install);
    let job = seen.clone().map(|install| install.job).max().unwrap_or(0);
    let event = seen.map(|install| install.event).max().unwrap_or(0);
    let job = job.max(highest("job")?.unwrap_or(0));
    let event = event.max(highest("event")?.unwrap_or(0));
    set_numbers(
        connection,
        job.saturating_add(JOBS_BETWEEN),
        event.saturating_add(EVENTS_BETWEEN),
    )
}

#[cfg(test)]
mod tests;
