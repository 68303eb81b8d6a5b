//! The file `numbers`: the highest numbers of jobs, events and the audit that were given out.
//!
//! SQLite takes of its write-ahead log what it can read. What is cut off its end, or damaged there, never happened, and
//! nothing says so. This file does: it is written after each commit that gave out a number, before anybody is told of
//! it. It is not synced, so it costs no commit anything: the kernel has it when packd is killed, and after a power cut it may be
//! behind the database, never ahead of it. A database that is behind it has lost something.
//!
//! It is one line, always of the same length, so that it is replaced by one write:
//!
//! ```text
//! job 0000000000000000042 event 0000000000000001234 audit 0000000000000000077 2b4c…
//! ```
//!
//! The last word is the beginning of the SHA-256 of what is before it.

use std::io::ErrorKind;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use packd_format::Digest;
use rusqlite::{Connection, params};

use crate::logging::chain;

/// What it is called, beside the database, and not like it: whoever removes `packd.db*` leaves it.
const NAME: &str = "numbers";

/// How far above the highest number that is known jobs and events go on after a loss: more than a daemon can have given
/// since that was noted.
const JOBS_BETWEEN: i64 = 10_000;
const EVENTS_BETWEEN: i64 = 1_000_000;

/// The highest numbers that were given out; 0: none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Of jobs.
    pub job: i64,
    /// Of events.
    pub event: i64,
    /// Of rows of the audit.
    pub audit: i64,
}

impl Numbers {
    /// What a database has given out.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached("SELECT name, seq FROM sqlite_sequence")?;
        let mut rows = statement.query([])?;
        let mut numbers = Self::default();
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(1)?;
            match row.get_ref(0)?.as_str()? {
                "job" => numbers.job = number,
                "event" => numbers.event = number,
                "audit" => numbers.audit = number,
                _ => {}
            }
        }
        Ok(numbers)
    }

    /// What the file of this state folder says. Nothing when there is none, or when it is damaged, which is told. Blocks.
    pub(super) fn noted(folder: &Path) -> Option<Self> {
        let path = path(folder);
        match fs_err::read(&path) {
            Ok(bytes) => {
                let numbers = Self::parse(&bytes);
                if numbers.is_none() {
                    tracing::warn!(
                        path = %path.display(),
                        "it is damaged, so nobody can tell whether `packd.db` lost what was written last; it is made again. \
                         Compare `packctl job list` and `packctl list` with what you expect"
                    );
                }
                numbers
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(
                    error = %chain(&error),
                    "nobody can tell whether `packd.db` lost what was written last"
                );
                None
            }
        }
    }

    /// The highest of both, of each kind.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            job: self.job.max(other.job),
            event: self.event.max(other.event),
            audit: self.audit.max(other.audit),
        }
    }

    /// Where numbers go on when it is not known whether these were the last: none means two things then. The audit goes on
    /// without a gap of its own, so that what it lacks is what was lost.
    #[must_use]
    pub(super) fn beyond(self) -> Self {
        Self {
            job: self.job.saturating_add(JOBS_BETWEEN),
            event: self.event.saturating_add(EVENTS_BETWEEN),
            audit: self.audit,
        }
    }

    /// Lets a database go on above these.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        for (name, number) in [
            ("job", self.job),
            ("event", self.event),
            ("audit", self.audit),
        ] {
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [name])?;
            connection.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
                params![name, number],
            )?;
        }
        Ok(())
    }

    /// What a database that has given out `found` has lost of these, in words; nothing when it has all.
    #[must_use]
    pub(super) fn lost(self, found: Self) -> Option<String> {
        let of = |what: &str, found: i64, noted: i64| {
            (found < noted).then(|| match noted - found {
                1 => format!("{what} {noted}"),
                _ => format!("{what}s {} to {noted}", found + 1),
            })
        };
        let parts = [
            of("job", found.job, self.job),
            of("event", found.event, self.event),
            of("audit row", found.audit, self.audit),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    fn line(self) -> String {
        let Self { job, event, audit } = self;
        let said = format!("job {job:019} event {event:019} audit {audit:019}");
        let digest = Digest::sha256_of(said.as_bytes()).short();
        format!("{said} {digest}\n")
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut words = text.split_whitespace().skip(1).step_by(2);
        let mut number = || words.next()?.parse().ok().filter(|number| *number >= 0);
        let numbers = Self {
            job: number()?,
            event: number()?,
            audit: number()?,
        };
        (numbers.line() == text).then_some(numbers)
    }
}

/// Where the file of a state folder lies.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// The file as the writer thread has it.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    file: Option<fs_err::File>,
    written: Numbers,
    /// Whether it was told that it cannot be written.
    is_told: bool,
}

impl Ledger {
    /// Opens the file, and notes these. Blocks.
    pub(super) fn open(folder: &Path, numbers: Numbers) -> Self {
        let path = path(folder);
        let opened = fs_err::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path);
        let mut ledger = Self {
            path,
            file: None,
            written: Numbers::default(),
            is_told: false,
        };
        match opened {
            Ok(file) => {
                ledger.file = Some(file);
                ledger.put(numbers);
                ledger.cut();
            }
            Err(error) => ledger.failed(&error),
        }
        ledger
    }

    /// Notes what a transaction that is on disk now has given out. That it cannot be written is told once, and keeps
    /// nothing from going on.
    pub(super) fn note(&mut self, numbers: Numbers) {
        if numbers != self.written {
            self.put(numbers);
        }
    }

    fn put(&mut self, numbers: Numbers) {
        let Some(file) = &self.file else {
            return;
        };
        match file.file().write_all_at(numbers.line().as_bytes(), 0) {
            Ok(()) => {
                self.written = numbers;
                self.is_told = false;
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Takes away what is behind the line: somebody else wrote it.
    fn cut(&mut self) {
        let length = self.written.line().len() as u64;
        let cut = self
            .file
            .as_ref()
            .map_or(Ok(()), |file| file.set_len(length));
        if let Err(error) = cut {
            self.failed(&error);
        }
    }

    fn failed(&mut self, error: &std::io::Error) {
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!(
                path = %self.path.display(),
                error = %chain(error),
                "cannot note which numbers were given out: a loss at the end of `packd.db-wal` would not be seen"
            );
        }
    }
}

/// What a database that was opened has lost of what was noted beside it, in words, and where its numbers go on. Blocks.
///
/// # Errors
/// Those of SQLite.
pub(super) fn compare(
    connection: &Connection,
    folder: &Path,
) -> rusqlite::Result<(Numbers, Option<String>)> {
    let found = Numbers::of(connection)?;
    let noted = Numbers::noted(folder).unwrap_or_default();
    Ok(match noted.lost(found) {
        None => (found, None),
        lost => (noted.or(found).beyond(), lost),
    })
}

#[cfg(test)]
mod tests;
