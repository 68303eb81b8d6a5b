//! The rows that are made of what the state folder says.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::folder::Found;
use crate::config::Layout;
use crate::store::job::encoded;
use crate::store::numbers::Numbers;
use crate::store::record::InstallRecord;
use crate::store::tree::manifest_path;
use crate::store::{generation, time};

/// What each generation changed, found by comparing it with the one before; and that the active one was switched to last.
pub(super) const RETOLD: &str = "
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

/// The row of a tree, if its list is as its name says.
pub(super) fn insert_tree(
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

/// The rows of a generation and of its packs.
pub(super) fn insert_generation(
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
    let seen = packs.iter().map(|one| &one.install);
    let seen = Numbers {
        job: seen.clone().map(|install| install.job).max().unwrap_or(0),
        event: seen.map(|install| install.event).max().unwrap_or(0),
        audit: 0,
    };
    Numbers::of(connection)?.or(seen).beyond().set(connection)
}
