//! The chain of the audit: what the hash of a row is made of, and whether the rows still agree with theirs.
//!
//! A row's hash is SHA-256 over the hash of the row before and every column, each framed by its kind and length, so that no
//! two rows share an encoding. Whoever can write the database can make a new chain; the hash that was noted elsewhere, or
//! is in the journal with each row, is what tells.

use packd_format::digest::{Algorithm, Hasher};
use packd_wire::{AuditBreak, AuditBroken, AuditHead, AuditNoted, AuditVerifyView};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, Statement};

/// Rows that are checked in one go, so that other readers get their turn.
const BATCH: usize = 2000;
/// Broken places that are named; there may be more.
const NAMED: usize = 100;
/// What every hash begins with: another kind of thing never has the same.
const DOMAIN: &[u8] = b"packd audit 1";

/// The columns that are hashed, in this order, and the hash itself as the last one.
const COLUMNS: &str =
    "seq, at, uid, user, pid, agent, role, request, allowed, status, error, job, hash";
const HASHED: usize = 12;

/// The hash that the next row follows.
///
/// # Errors
/// Those of SQLite.
pub(super) fn last_hash(connection: &Connection) -> rusqlite::Result<String> {
    connection
        .prepare_cached(
            "SELECT coalesce(
                 (SELECT coalesce(audit.hash, '') FROM audit
                  WHERE audit.seq > (SELECT seq FROM audit_anchor) ORDER BY audit.seq DESC LIMIT 1),
                 (SELECT hash FROM audit_anchor))",
        )?
        .query_row([], |row| row.get(0))
}

/// Gives a row that was just appended its hash.
///
/// # Errors
/// Those of SQLite.
pub(super) fn seal(connection: &Connection, seq: i64, previous: &str) -> rusqlite::Result<String> {
    let hash = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM audit WHERE seq = ?1"))?
        .query_row([seq], |row| hash_of(previous, row))?;
    connection
        .prepare_cached("UPDATE audit SET hash = ?2 WHERE seq = ?1")?
        .execute(rusqlite::params![seq, hash])?;
    Ok(hash)
}

/// Lets the chain of a new database begin behind this row, which is lost with all before it.
///
/// # Errors
/// Those of SQLite.
pub(in crate::store) fn begin_behind(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection
        .execute("UPDATE audit_anchor SET seq = ?1", [seq])
        .map(drop)
}

/// The hash of a row of [`COLUMNS`].
fn hash_of(previous: &str, row: &Row<'_>) -> rusqlite::Result<String> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut frame = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]);
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(bytes);
    };
    frame(b'd', DOMAIN);
    frame(b'p', previous.as_bytes());
    for column in 0..HASHED {
        match row.get_ref(column)? {
            ValueRef::Null => frame(b'n', &[]),
            ValueRef::Integer(number) => frame(b'i', number.to_string().as_bytes()),
            ValueRef::Real(number) => frame(b'r', &number.to_be_bytes()),
            ValueRef::Text(text) => frame(b't', text),
            ValueRef::Blob(bytes) => frame(b'b', bytes),
        }
    }
    Ok(hasher.finish().hex())
}

/// A check of the chain on its way: it goes on in batches, so that it holds up nobody.
#[derive(Debug)]
pub(crate) struct Check {
    /// What the first row follows.
    start: AuditHead,
    /// The last row that was looked at, and its hash as it is stored.
    at: AuditHead,
    checked: i64,
    breaks: Vec<AuditBreak>,
    noted: Option<(AuditHead, AuditNoted)>,
    begun: bool,
}

impl Check {
    /// A check that begins with the oldest row, and looks for what was noted of the chain once.
    pub(crate) fn new(noted: Option<AuditHead>) -> Self {
        let nothing = AuditHead {
            seq: 0,
            hash: String::new(),
        };
        Self {
            start: nothing.clone(),
            at: nothing,
            checked: 0,
            breaks: Vec::new(),
            noted: noted.map(|head| (head, AuditNoted::Missing)),
            begun: false,
        }
    }

    /// Checks one more batch; answers what was found when that was the last one.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn go_on(
        &mut self,
        connection: &Connection,
    ) -> rusqlite::Result<Option<AuditVerifyView>> {
        let anchor = connection.query_row("SELECT seq, hash FROM audit_anchor", [], |row| {
            Ok(AuditHead {
                seq: row.get(0)?,
                hash: row.get(1)?,
            })
        })?;
        if !self.begun || self.at.seq < anchor.seq {
            // the first time, or the history was cut beyond where this was
            self.begin(anchor);
        }
        let mut rows = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM audit WHERE seq > ?1 ORDER BY seq LIMIT {BATCH}"
        ))?;
        let seen = self.batch(&mut rows)?;
        if seen == BATCH {
            return Ok(None);
        }
        let last: i64 = connection.query_row(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0)",
            [],
            |row| row.get(0),
        )?;
        if last > self.at.seq {
            self.broken(self.at.seq + 1, last, AuditBroken::Missing);
        }
        let unchained = connection.query_row(
            "SELECT count(*) FROM audit WHERE seq <= (SELECT seq FROM audit_anchor)",
            [],
            |row| row.get(0),
        )?;
        Ok(Some(self.found(unchained)))
    }

    fn begin(&mut self, anchor: AuditHead) {
        self.begun = true;
        self.checked = 0;
        self.breaks.clear();
        if let Some((head, found)) = &mut self.noted {
            *found = match head.seq.cmp(&anchor.seq) {
                std::cmp::Ordering::Less => AuditNoted::Forgotten,
                std::cmp::Ordering::Equal => told(head, &anchor.hash),
                std::cmp::Ordering::Greater => AuditNoted::Missing,
            };
        }
        self.start = anchor.clone();
        self.at = anchor;
    }

    /// Checks the rows of a batch; answers how many there were.
    fn batch(&mut self, statement: &mut Statement<'_>) -> rusqlite::Result<usize> {
        let mut seen = 0;
        let mut rows = statement.query([self.at.seq])?;
        while let Some(row) = rows.next()? {
            seen += 1;
            let seq: i64 = row.get(0)?;
            let stored: Option<String> = row.get(HASHED)?;
            let is_next = seq == self.at.seq + 1;
            if !is_next {
                self.broken(self.at.seq + 1, seq - 1, AuditBroken::Missing);
            }
            // what follows a gap cannot be right, and is not what is wrong
            if is_next && stored.as_deref() != Some(&hash_of(&self.at.hash, row)?) {
                self.broken(seq, seq, AuditBroken::Changed);
            }
            let hash = stored.unwrap_or_default();
            if let Some((head, found)) = &mut self.noted
                && head.seq == seq
            {
                *found = told(head, &hash);
            }
            self.at = AuditHead { seq, hash };
            self.checked += 1;
        }
        Ok(seen)
    }

    fn broken(&mut self, from: i64, to: i64, what: AuditBroken) {
        if self.breaks.len() < NAMED {
            self.breaks.push(AuditBreak { from, to, what });
        }
    }

    fn found(&self, unchained: i64) -> AuditVerifyView {
        let noted = self.noted.as_ref().map(|(_, found)| *found);
        AuditVerifyView {
            intact: self.breaks.is_empty()
                && !matches!(noted, Some(AuditNoted::Differs | AuditNoted::Missing)),
            checked: self.checked,
            start: self.start.clone(),
            head: self.at.clone(),
            unchained,
            breaks: self.breaks.clone(),
            noted,
        }
    }
}

/// Whether a hash is the one that was noted.
fn told(noted: &AuditHead, hash: &str) -> AuditNoted {
    if noted.hash == hash {
        AuditNoted::Agrees
    } else {
        AuditNoted::Differs
    }
}
