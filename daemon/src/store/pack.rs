//! Rows of `tree`, `install`, `generation` and `generation_pack`: which packs there are.

use std::collections::BTreeMap;

use packd_format::sign::RegistryId;
use packd_wire::{ContentsView, SourceView, VerifiedView};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::{Deserialize, Serialize};

use super::Tx;
use super::history;
use super::job::{decoded, encoded};

/// What is known of a pack from the moment it was installed: the `record` of `install`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its title.
    pub label: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
    /// The registry it came from.
    pub registry: Option<String>,
    /// What the root of that registry called it then, if it was signed: its name may come to mean another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_id: Option<RegistryId>,
    /// Where its bytes came from.
    pub source: SourceView,
    /// sha256 of the archive.
    pub archive: Option<String>,
    /// Digest of the tree.
    pub tree: String,
    /// What was really compared.
    pub verified: VerifiedView,
    /// Login name, or the uid in digits.
    pub installed_by: String,
    /// Requirements on other packs, as `ref` or `ref@requirement`.
    pub dependencies: Vec<String>,
    /// How many components it brings.
    pub contents: ContentsView,
    /// Whether it is part of the system.
    pub system: bool,
    /// Flags of the request that weakened a check, such as `skip_deps`.
    pub skipped: Vec<String>,
}

#[cfg(test)]
impl Record {
    /// A record that says as little as a record can, with these dependencies.
    pub(crate) fn with_dependencies(dependencies: &[&str]) -> Self {
        use packd_wire::{SourceType, Verification};
        Self {
            label: None,
            description: None,
            author: None,
            license: None,
            keywords: Vec::new(),
            registry: None,
            registry_id: None,
            source: SourceView {
                source_type: SourceType::Archive,
                url: None,
                path: None,
                git_ref: None,
                commit: None,
            },
            archive: None,
            tree: String::new(),
            verified: VerifiedView {
                by: Verification::None,
                at: None,
            },
            installed_by: "root".into(),
            dependencies: dependencies.iter().map(ToString::to_string).collect(),
            contents: ContentsView::default(),
            system: false,
            skipped: Vec::new(),
        }
    }
}

/// One pack of a generation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Installed {
    /// The row of `install`.
    pub install: i64,
    /// Its name.
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Its tree, relative to `store/`.
    pub dir: String,
    /// The job that installed it.
    pub job: i64,
    /// The first generation that had it.
    pub generation: i64,
    /// When it was installed.
    pub at: String,
    /// What is known of it.
    pub record: Record,
}

/// A pack to put into a generation.
#[derive(Debug, Clone)]
pub(crate) struct NewInstall {
    /// Its name.
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Its tree, relative to `store/`.
    pub dir: String,
    /// What is known of it.
    pub record: Record,
}

/// One complete tree under `store/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeRow {
    /// Relative to `store/`.
    pub dir: String,
    /// The pack.
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Digest of the tree.
    pub digest: String,
    /// sha256 of the archive that it came from.
    pub archive: Option<String>,
    /// The folder inside the archive that was asked for.
    pub path: Option<String>,
    /// How many files it has.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GenerationStatus {
    /// Written before the link is switched.
    Pending,
    /// The one that `current` names.
    Active,
    /// It was active once.
    Past,
}

impl GenerationStatus {
    /// The status of this word in the database.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "active" => Self::Active,
            _ => Self::Past,
        }
    }
}

/// Notes a complete tree.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn insert_tree(tx: &Tx<'_>, row: &TreeRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO tree (dir, ref, version, digest, archive, path, files, bytes, made_at)
         VALUES (:dir, :ref, :version, :digest, :archive, :path, :files, :bytes, :at)
         ON CONFLICT (dir) DO UPDATE SET archive = excluded.archive, path = excluded.path
         WHERE excluded.archive IS NOT NULL",
    )?
    .execute(named_params! {
        ":dir": row.dir,
        ":ref": row.pack_ref,
        ":version": row.version,
        ":digest": row.digest,
        ":archive": row.archive,
        ":path": row.path,
        ":files": i64::try_from(row.files).unwrap_or(i64::MAX),
        ":bytes": i64::try_from(row.bytes).unwrap_or(i64::MAX),
        ":at": super::time::now(),
    })?;
    Ok(())
}

/// The commit of a repository that a version of a pack came from when it was last installed from there.
///
/// `url` is the repository as people see it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn commit_of(
    connection: &Connection,
    pack_ref: &str,
    version: &str,
    url: &str,
) -> rusqlite::Result<Option<String>> {
    let mut rows = connection.prepare_cached(
        "SELECT json_extract(record, '$.source.commit') FROM install
         WHERE ref = ?1 AND version = ?2 AND json_extract(record, '$.source.url') = ?3
           AND json_extract(record, '$.source.commit') IS NOT NULL
         ORDER BY id DESC LIMIT 1",
    )?;
    rows.query_row(params![pack_ref, version, url], |row| row.get(0))
        .optional()
}

/// The commit that a tag of a repository named when a pack was last installed by it.
///
/// `url` is the repository as people see it. What was asked for by the number of its commit says nothing of the tag.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn commit_of_tag(
    connection: &Connection,
    url: &str,
    tag: &str,
) -> rusqlite::Result<Option<String>> {
    let mut rows = connection.prepare_cached(
        "SELECT json_extract(record, '$.source.commit') FROM install
         WHERE json_extract(record, '$.source.url') = ?1
           AND json_extract(record, '$.source.git_ref') = ?2
           AND json_extract(record, '$.source.commit') IS NOT NULL
         ORDER BY id DESC LIMIT 1",
    )?;
    rows.query_row(params![url, tag], |row| row.get(0))
        .optional()
}

/// The sha256 of the archive that a version came in from this place, when it was installed last.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn archive_of(
    connection: &Connection,
    pack_ref: &str,
    version: &str,
    url: &str,
) -> rusqlite::Result<Option<String>> {
    let mut rows = connection.prepare_cached(
        "SELECT json_extract(record, '$.archive') FROM install
         WHERE ref = ?1 AND version = ?2 AND json_extract(record, '$.source.url') = ?3
           AND json_extract(record, '$.archive') IS NOT NULL
         ORDER BY id DESC LIMIT 1",
    )?;
    rows.query_row(params![pack_ref, version, url], |row| row.get(0))
        .optional()
}

/// How many trees the store has, active or not, and how many bytes their files have.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn trees_and_bytes(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    connection
        .prepare_cached("SELECT count(*), coalesce(sum(bytes), 0) FROM tree")?
        .query_row([], |row| Ok((whole(row.get(0)?), whole(row.get(1)?))))
}

/// A tree that was made from the archive with this sha256.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn tree_of_archive(
    connection: &Connection,
    archive: &str,
    path: Option<&str>,
) -> rusqlite::Result<Option<TreeRow>> {
    connection
        .prepare_cached(
            "SELECT dir, ref, version, digest, archive, path, files, bytes FROM tree
             WHERE archive = ?1 AND path IS ?2",
        )?
        .query_row(params![archive, path], |row| {
            Ok(TreeRow {
                dir: row.get("dir")?,
                pack_ref: row.get("ref")?,
                version: row.get("version")?,
                digest: row.get("digest")?,
                archive: row.get("archive")?,
                path: row.get("path")?,
                files: row.get::<_, i64>("files")?.try_into().unwrap_or_default(),
                bytes: row.get::<_, i64>("bytes")?.try_into().unwrap_or_default(),
            })
        })
        .optional()
}

/// The generation that the database takes for active, if any.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn active_generation(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT number FROM generation WHERE status = 'active'")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// How many generations are known.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn generations(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM generation")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|count| count.try_into().unwrap_or_default())
}

/// Where a generation stands, and the job that made it.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn generation(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<Option<(GenerationStatus, i64)>> {
    connection
        .prepare_cached("SELECT status, job FROM generation WHERE number = ?1")?
        .query_row([number], |row| {
            let status = GenerationStatus::of(&row.get::<_, String>("status")?);
            Ok((status, row.get("job")?))
        })
        .optional()
}

/// The packs of the active generation, by ref.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn active(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Installed>> {
    match active_generation(connection)? {
        Some(number) => of_generation(connection, number),
        None => Ok(BTreeMap::new()),
    }
}

/// The packs of one generation, by ref.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn of_generation(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<BTreeMap<String, Installed>> {
    connection
        .prepare_cached(
            "SELECT install.* FROM generation_pack
             JOIN install ON install.id = generation_pack.install
             WHERE generation_pack.generation = ?1",
        )?
        .query_map([number], |row| {
            read(row).map(|pack| (pack.pack_ref.clone(), pack))
        })?
        .collect()
}

/// The latest install of each tree that a generation has.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn of_all_generations(connection: &Connection) -> rusqlite::Result<Vec<Installed>> {
    connection
        .prepare_cached(
            "SELECT * FROM install WHERE id IN
                 (SELECT max(install.id) FROM install
                  JOIN generation_pack ON generation_pack.install = install.id
                  GROUP BY install.dir)
             ORDER BY dir",
        )?
        .query_map([], read)?
        .collect()
}

/// Where the trees of one generation lie, relative to `store/`, by ref.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn dirs_of_generation(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare_cached(
            "SELECT install.ref, install.dir FROM generation_pack
             JOIN install ON install.id = generation_pack.install
             WHERE generation_pack.generation = ?1",
        )?
        .query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// What a new generation has otherwise than the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changed {
    /// The refs of packs that go.
    pub without: Vec<String>,
    /// Packs that are installed.
    pub with: Vec<NewInstall>,
    /// Packs that were installed before, and are active again as they were.
    pub again: Vec<Installed>,
}

/// Writes a pending generation: the packs of `base`, changed. Returns its number.
///
/// Pending generations that were never switched to are forgotten on the way: their number
/// is free again, and so is their folder.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn insert_pending(
    tx: &Tx<'_>,
    job: i64,
    base: Option<i64>,
    changed: &Changed,
) -> rusqlite::Result<i64> {
    let now = super::time::now();
    forget_pending(tx)?;
    let number = history::next_number(tx)?;
    tx.execute(
        "INSERT INTO generation (number, status, job, created_at) VALUES (?1, 'pending', ?2, ?3)",
        params![number, job, now],
    )?;
    if let Some(base) = base {
        tx.execute(
            "INSERT INTO generation_pack (generation, ref, install)
             SELECT ?1, ref, install FROM generation_pack WHERE generation = ?2",
            [number, base],
        )?;
    }
    for pack_ref in &changed.without {
        tx.execute(
            "DELETE FROM generation_pack WHERE generation = ?1 AND ref = ?2",
            params![number, pack_ref],
        )?;
    }
    for pack in &changed.with {
        tx.execute(
            "INSERT INTO install (ref, version, dir, record, job, generation, installed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                pack.pack_ref,
                pack.version,
                pack.dir,
                encoded(&pack.record)?,
                job,
                number,
                now
            ],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO generation_pack (generation, ref, install) VALUES (?1, ?2, ?3)",
            params![number, pack.pack_ref, tx.last_insert_rowid()],
        )?;
    }
    for pack in &changed.again {
        tx.execute(
            "INSERT OR REPLACE INTO generation_pack (generation, ref, install) VALUES (?1, ?2, ?3)",
            params![number, pack.pack_ref, pack.install],
        )?;
    }
    history::describe(tx, number, base, job)?;
    Ok(number)
}

/// Forgets generations that were written but never switched to.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn forget_pending(tx: &Tx<'_>) -> rusqlite::Result<()> {
    tx.execute_batch(
        "DELETE FROM generation_pack WHERE generation IN
             (SELECT number FROM generation WHERE status = 'pending');
         DELETE FROM install WHERE generation IN
             (SELECT number FROM generation WHERE status = 'pending');
         DELETE FROM generation WHERE status = 'pending';",
    )
}

/// Takes the generation for the active one, as `current` says.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn set_active(tx: &Tx<'_>, number: i64) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE generation SET status = 'past' WHERE status = 'active'",
        [],
    )?;
    tx.execute(
        "UPDATE generation SET status = 'active', activated_at = ?2 WHERE number = ?1",
        params![number, super::time::now()],
    )?;
    history::switched(tx, number)?;
    tx.packs_changed();
    Ok(())
}

/// A row of `install`.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Installed> {
    Ok(Installed {
        install: row.get("id")?,
        pack_ref: row.get("ref")?,
        version: row.get("version")?,
        dir: row.get("dir")?,
        job: row.get("job")?,
        generation: row.get("generation")?,
        at: row.get("installed_at")?,
        record: decoded(&row.get::<_, String>("record")?)?,
    })
}
