//! Asks the programs of this host for their versions, all at once, and remembers what they said until they change.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use packd_format::Version;
use packd_runner::Environment;
use regex::Regex;

use super::table::{Question, Row};

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most answers that are remembered.
const REMEMBERED: usize = 1024;

/// How much of what a program printed is repeated, in characters.
const SHOWN: usize = 80;

/// What is known of a runtime on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It is there, in this version.
    Version(Version),
    /// It is there, and versions are no matter.
    Given,
    /// No program of it is there.
    Absent,
    /// Its program is there, and says no version.
    Silent {
        /// The program.
        program: PathBuf,
        /// What it did instead.
        why: String,
    },
}

/// A program as it was when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let meta = fs_err::metadata(path).ok()?;
        Some(Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        })
    }
}

/// What programs answered, by their path and what they were asked.
type Known = HashMap<(PathBuf, Question), (Identity, Found)>;

/// Asks, and remembers. Clones share what they remember.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prober {
    /// Where programs are looked for.
    path: OsString,
    known: Arc<Mutex<Known>>,
}

impl Prober {
    /// One that looks for programs in this `PATH`.
    pub(crate) fn new(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            known: Arc::default(),
        }
    }

    /// Where programs are looked for.
    pub(crate) fn path(&self) -> &OsString {
        &self.path
    }

    /// What is known of each of these runtimes, in their order. Blocks; those that have to be asked are asked at the
    /// same time.
    pub(super) fn ask(&self, rows: &[Row]) -> Vec<Found> {
        std::thread::scope(|scope| {
            let asked: Vec<_> = rows
                .iter()
                .map(|row| scope.spawn(|| self.one(row)))
                .collect();
            let found = asked.into_iter().map(|asked| {
                // a panic in there is a defect, and no version
                asked.join().unwrap_or(Found::Absent)
            });
            found.collect()
        })
    }

    fn one(&self, row: &Row) -> Found {
        let Row::Ask(questions) = row else {
            return Found::Given;
        };
        let mut last = Found::Absent;
        for question in questions {
            match self.question(question) {
                found @ (Found::Version(_) | Found::Given) => return found,
                // an older one of the same runtime may answer in its place, and is the better reason
                found @ Found::Silent { .. } => last = found,
                Found::Absent => {}
            }
        }
        last
    }

    fn question(&self, question: &Question) -> Found {
        let Some(program) = packd_runner::find(&question.program, &self.path) else {
            return Found::Absent;
        };
        // a link of that name makes packctl behave as Attune's program, and says nothing about Attune
        let real = fs_err::canonicalize(&program);
        if real.is_ok_and(|real| real.file_name().is_some_and(|name| name == "packctl")) {
            return Found::Absent;
        }
        let Some(identity) = Identity::of(&program) else {
            return Found::Absent;
        };
        let key = (program, question.clone());
        if let Some((asked_of, found)) = self.known().get(&key)
            && *asked_of == identity
        {
            return found.clone();
        }
        let found = answer(&key.0, question, &self.path);
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        // what failed may have been a matter of the moment
        if matches!(found, Found::Version(_)) {
            known.insert(key, (identity, found.clone()));
        }
        found
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a program, and reads the version out of what it prints.
fn answer(program: &Path, question: &Question, path: &OsString) -> Found {
    let silent = |why: String| Found::Silent {
        program: program.to_owned(),
        why,
    };
    let environment = Environment::with_path(path);
    let said = match packd_runner::ask(program, &question.arguments, &environment, PATIENCE) {
        Ok(said) => said,
        Err(error) => return silent(format!("it cannot be started: {error}")),
    };
    if said.timed_out {
        return silent(format!("it said nothing in {} s", PATIENCE.as_secs()));
    }
    let version = Regex::new(&question.pattern)
        .ok()
        .and_then(|pattern| version(pattern.captures(&said.text)?.get(1)?.as_str()));
    let otherwise = question.otherwise.and_then(version_of);
    match (said.status, version.or(otherwise)) {
        (Some(_), Some(version)) => Found::Version(version),
        (Some(0), None) => {
            let first = said.text.lines().next().unwrap_or_default().trim();
            let shown: String = first.chars().take(SHOWN).collect();
            silent(format!("there is no version in `{shown}`"))
        }
        (Some(status), None) => silent(format!("it ended with exit status {status}")),
        (None, _) => silent("it was ended by a signal".to_owned()),
    }
}

fn version_of(text: &str) -> Option<Version> {
    Version::parse(text).ok()
}

/// A version as programs write it: one to three numbers count, however many there are, and `09` is 9.
fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    let first = numbers.next()??;
    let mut next = || numbers.next().map_or(Some(0), |number| number);
    Some(Version::new(first, next()?, next()?))
}

#[cfg(test)]
mod tests;
