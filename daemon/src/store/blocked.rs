//! Rows of `blocked`: versions that were rolled back from, which updates do not offer again.
//!
//! One is forgotten when it becomes active again, and with its pack. That a newer one becomes active is not enough: that may
//! be rolled back from as well, and this one would be the newest then.

use std::collections::BTreeMap;

use packd_format::version;
use packd_wire::BlockedView;
use rusqlite::{Connection, params};

use super::{Tx, time};

/// The versions that were rolled back from, by pack, the oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocked(BTreeMap<String, Vec<BlockedView>>);

impl Blocked {
    /// Those of one pack.
    fn of(&self, pack_ref: &str) -> &[BlockedView] {
        self.0.get(pack_ref).map_or(&[], Vec::as_slice)
    }

    /// Those of one pack that are newer than its active version: the others are in nobody's way.
    #[must_use]
    pub(crate) fn newer(&self, pack_ref: &str, active: &str) -> Vec<BlockedView> {
        let parsed = |text: &str| version::parse(text).map(|(version, _)| version).ok();
        let active = parsed(active);
        let all = self.of(pack_ref).iter();
        all.filter(|blocked| parsed(&blocked.version) > active)
            .cloned()
            .collect()
    }

    /// Whether a version was rolled back from, and how that came about.
    #[must_use]
    pub(crate) fn is_blocked(&self, pack_ref: &str, version: &str) -> Option<&BlockedView> {
        let mut versions = self.of(pack_ref).iter();
        versions.find(|blocked| blocked.version == version)
    }
}

/// Remembers that a pack was rolled back from its version in generation `base`.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn block(tx: &Tx<'_>, base: i64, pack_ref: &str, job: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO blocked (ref, version, tree, since, job, reason)
         SELECT install.ref, install.version, json_extract(install.record, '$.tree'), ?3, ?4,
                (SELECT summary FROM job WHERE id = ?4)
         FROM generation_pack JOIN install ON install.id = generation_pack.install
         WHERE generation_pack.generation = ?1 AND generation_pack.ref = ?2",
    )?
    .execute(params![base, pack_ref, time::now(), job])?;
    tx.packs_changed();
    Ok(())
}

/// Forgets the version of a pack that became active; all of them when it is gone.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn clear(tx: &Tx<'_>, pack_ref: &str, active: Option<&str>) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM blocked WHERE ref = ?1 AND (?2 IS NULL OR version = ?2)")?
        .execute(params![pack_ref, active])?;
    tx.packs_changed();
    Ok(())
}

/// Every version that was rolled back from.
///
/// # Errors
/// Those of SQLite.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Blocked> {
    let mut statement = connection.prepare_cached(
        "SELECT ref, version, tree, since, job, reason FROM blocked ORDER BY ref, since",
    )?;
    let rows = statement.query_map([], |row| {
        let view = BlockedView {
            version: row.get("version")?,
            tree: row.get("tree")?,
            since: row.get("since")?,
            job: row.get("job")?,
            reason: row.get("reason")?,
        };
        Ok((row.get::<_, String>("ref")?, view))
    })?;
    let mut blocked = Blocked::default();
    for row in rows {
        let (pack_ref, view) = row?;
        blocked.0.entry(pack_ref).or_default().push(view);
    }
    Ok(blocked)
}
