//! Rows of `registry_index` and `index_entry`: what is cached of the registries.

use std::collections::HashSet;

use packd_wire::ErrorKind;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, named_params, params};

use super::Tx;
use super::job::{decoded, encoded};

/// What is cached of one registry, and how its refreshes fare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IndexRow {
    /// The registry.
    pub name: String,
    /// Where the cached index came from.
    pub url: String,
    /// Validator of the cached index.
    pub etag: Option<String>,
    /// Validator of the cached index.
    pub last_modified: Option<String>,
    /// sha256 of the cached index; none: nothing is cached.
    pub digest: Option<String>,
    /// When it was last confirmed current.
    pub checked_at: Option<String>,
    /// How many packs it has.
    pub packs: u64,
    /// Entries that were left out.
    pub problems: Vec<String>,
    /// Failures since the last success.
    pub failures: u32,
    /// When the last refresh failed.
    pub failed_at: Option<String>,
    /// Kind of the last failure.
    pub error_kind: Option<ErrorKind>,
    /// Its words.
    pub error: Option<String>,
    /// One thing to try about it.
    pub hint: Option<String>,
    /// When it is asked again.
    pub next_refresh: Option<String>,
}

/// One entry of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryRow {
    /// The registry.
    pub registry: String,
    /// The pack.
    pub pack_ref: String,
    /// The newest version that is neither yanked nor a pre-release, or else the newest.
    pub version: String,
    /// Its title.
    pub label: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
    /// The entry as the index has it.
    pub raw: String,
}

/// What is cached of one registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn get(connection: &Connection, name: &str) -> rusqlite::Result<Option<IndexRow>> {
    connection
        .prepare_cached("SELECT * FROM registry_index WHERE name = ?1")?
        .query_row([name], read)
        .optional()
}

/// Writes what is known of one registry, but for its entries.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn put(tx: &Tx<'_>, row: &IndexRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO registry_index (name, url, etag, last_modified, digest, checked_at, packs,
             problems, failures, failed_at, error_kind, error, hint, next_refresh)
         VALUES (:name, :url, :etag, :last_modified, :digest, :checked_at, :packs,
             :problems, :failures, :failed_at, :error_kind, :error, :hint, :next_refresh)",
    )?
    .execute(named_params! {
        ":name": row.name,
        ":url": row.url,
        ":etag": row.etag,
        ":last_modified": row.last_modified,
        ":digest": row.digest,
        ":checked_at": row.checked_at,
        ":packs": i64::try_from(row.packs).unwrap_or(i64::MAX),
        ":problems": encoded(&row.problems)?,
        ":failures": row.failures,
        ":failed_at": row.failed_at,
        ":error_kind": row.error_kind.map(ErrorKind::as_str),
        ":error": row.error,
        ":hint": row.hint,
        ":next_refresh": row.next_refresh,
    })?;
    Ok(())
}

/// The entries of one registry while they are replaced.
pub(crate) struct Replacing<'t> {
    tx: &'t Tx<'t>,
    registry: &'t str,
    upsert: CachedStatement<'t>,
    /// Refs that were there before, and have not been added again.
    gone: HashSet<String>,
}

/// Begins to replace the entries of one registry; what is not added again is removed at the end.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn replace_entries<'t>(
    tx: &'t Tx<'t>,
    registry: &'t str,
) -> rusqlite::Result<Replacing<'t>> {
    let mut gone = HashSet::new();
    each_ref(tx, registry, |pack_ref| {
        gone.insert(pack_ref.to_owned());
    })?;
    // most of a large index is what it was: rows that are the same are not written again
    let upsert = tx.prepare_cached(
        "INSERT INTO index_entry (registry, ref, version, label, description, author, keywords, raw)
         VALUES (:registry, :ref, :version, :label, :description, :author, :keywords, :raw)
         ON CONFLICT (registry, ref) DO UPDATE SET
             version = excluded.version, label = excluded.label, description = excluded.description,
             author = excluded.author, keywords = excluded.keywords, raw = excluded.raw
         WHERE raw IS NOT excluded.raw OR version IS NOT excluded.version",
    )?;
    Ok(Replacing {
        tx,
        registry,
        upsert,
        gone,
    })
}

impl std::fmt::Debug for Replacing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replacing")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl Replacing<'_> {
    /// Adds one entry.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn add(&mut self, entry: &EntryRow) -> rusqlite::Result<()> {
        self.gone.remove(&entry.pack_ref);
        self.upsert.execute(named_params! {
            ":registry": self.registry,
            ":ref": entry.pack_ref,
            ":version": entry.version,
            ":label": entry.label,
            ":description": entry.description,
            ":author": entry.author,
            ":keywords": encoded(&entry.keywords)?,
            ":raw": entry.raw,
        })?;
        Ok(())
    }

    /// Removes what was not added.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn finish(self) -> rusqlite::Result<()> {
        let mut delete = self
            .tx
            .prepare_cached("DELETE FROM index_entry WHERE registry = ?1 AND ref = ?2")?;
        for pack_ref in &self.gone {
            delete.execute(params![self.registry, pack_ref])?;
        }
        self.tx.packs_changed();
        Ok(())
    }
}

/// Forgets what is cached of registries that are not configured, or are with another URL.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn keep_only(tx: &Tx<'_>, configured: &[(String, String)]) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM registry_index WHERE NOT EXISTS (
             SELECT 1 FROM json_each(?1) WHERE value ->> 0 = name AND value ->> 1 = url)",
        [encoded(&configured)?],
    )?;
    tx.execute(
        "DELETE FROM index_entry WHERE registry NOT IN (SELECT name FROM registry_index)",
        [],
    )?;
    Ok(())
}

/// Removes all entries of one registry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn remove_entries(tx: &Tx<'_>, registry: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM index_entry WHERE registry = ?1", [registry])?;
    Ok(())
}

/// One entry.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn entry(
    connection: &Connection,
    registry: &str,
    pack_ref: &str,
) -> rusqlite::Result<Option<EntryRow>> {
    connection
        .prepare_cached("SELECT * FROM index_entry WHERE registry = ?1 AND ref = ?2")?
        .query_row(params![registry, pack_ref], read_entry)
        .optional()
}

/// Hands on each ref that a registry offers.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn each_ref(
    connection: &Connection,
    registry: &str,
    mut each: impl FnMut(&str),
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT ref FROM index_entry WHERE registry = ?1")?;
    let mut rows = statement.query([registry])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str()?);
    }
    Ok(())
}

/// One entry that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HitRow {
    /// How well it fits; 0 is best.
    pub rank: usize,
    /// The pack.
    pub pack_ref: String,
    /// Its newest version, as in [`EntryRow`].
    pub version: String,
    /// Its title.
    pub label: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
}

/// How many ways there are to contain a text.
const RANKS: usize = 6;

/// At most `limit` entries of one registry that contain `text`, whatever its case, the best first:
/// the very ref, refs that begin with it, refs that contain it, the rest. Refs that are not `allowed`
/// are passed over.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn search(
    connection: &Connection,
    registry: &str,
    text: &str,
    limit: usize,
    allowed: impl Fn(&str) -> bool,
) -> rusqlite::Result<Vec<HitRow>> {
    let text = text.to_lowercase();
    let mut statement = connection.prepare_cached(
        "SELECT ref, version, label, description, author, keywords
         FROM index_entry WHERE registry = ?1 ORDER BY ref",
    )?;
    let mut rows = statement.query([registry])?;
    // of each rank no more than can be shown: a short text is in every entry
    let mut ranks = [const { Vec::new() }; RANKS];
    while let Some(row) = rows.next()? {
        let Some(rank) = rank(row, &text)? else {
            continue;
        };
        if ranks[rank].len() < limit && allowed(row.get_ref("ref")?.as_str()?) {
            ranks[rank].push(read_hit(row, rank)?);
        }
    }
    Ok(ranks.into_iter().flatten().take(limit).collect())
}

/// How well an entry fits a text in lower case, below [`RANKS`].
fn rank(row: &Row<'_>, text: &str) -> rusqlite::Result<Option<usize>> {
    let pack_ref = row.get_ref("ref")?.as_str()?;
    if pack_ref == text {
        return Ok(Some(0));
    }
    if pack_ref.starts_with(text) {
        return Ok(Some(1));
    }
    if pack_ref.contains(text) {
        return Ok(Some(2));
    }
    for (rank, column) in [(3, "label"), (4, "keywords"), (5, "description")] {
        let value = row.get_ref(column)?.as_str_or_null()?;
        if value.is_some_and(|value| value.to_lowercase().contains(text)) {
            return Ok(Some(rank));
        }
    }
    Ok(None)
}

fn read_hit(row: &Row<'_>, rank: usize) -> rusqlite::Result<HitRow> {
    Ok(HitRow {
        rank,
        pack_ref: row.get("ref")?,
        version: row.get("version")?,
        label: row.get("label")?,
        description: row.get("description")?,
        author: row.get("author")?,
        keywords: decoded(&row.get::<_, String>("keywords")?)?,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<IndexRow> {
    let kind = row.get::<_, Option<String>>("error_kind")?;
    Ok(IndexRow {
        name: row.get("name")?,
        url: row.get("url")?,
        etag: row.get("etag")?,
        last_modified: row.get("last_modified")?,
        digest: row.get("digest")?,
        checked_at: row.get("checked_at")?,
        packs: row.get::<_, i64>("packs")?.try_into().unwrap_or_default(),
        problems: decoded(&row.get::<_, String>("problems")?)?,
        failures: row.get("failures")?,
        failed_at: row.get("failed_at")?,
        error_kind: kind
            .map(|kind| decoded(&format!("\"{kind}\"")))
            .transpose()?,
        error: row.get("error")?,
        hint: row.get("hint")?,
        next_refresh: row.get("next_refresh")?,
    })
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        registry: row.get("registry")?,
        pack_ref: row.get("ref")?,
        version: row.get("version")?,
        label: row.get("label")?,
        description: row.get("description")?,
        author: row.get("author")?,
        keywords: decoded(&row.get::<_, String>("keywords")?)?,
        raw: row.get("raw")?,
    })
}
