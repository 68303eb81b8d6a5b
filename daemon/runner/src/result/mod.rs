//! What a suite says about itself, in one of four formats.
//!
//! Each reader takes text of any kind and either understands all of it or says why not; what it cannot make sense of is
//! never a success. Whether a suite holds is decided in `verdict`, where its exit status has a say too.

use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use packd_format::manifest::{ResultFormat, RunnerKind};

use crate::process::{Captured, Ended, Lines};
use crate::report::{Counts, TestCase};

pub(crate) use file::Place;

mod file;
mod json;
mod junit;
mod native;
mod simple;
mod tap;
#[cfg(test)]
mod tests;

/// The longest document of results, in bytes.
pub(crate) const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// The most tests of a suite that are listed one by one.
const MAX_CASES: usize = 100_000;

/// The most tests of a suite.
const MAX_COUNT: u64 = i32::MAX as u64;

/// The longest text of one test, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// What a suite says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    /// The tests, where they are listed.
    pub(crate) cases: Vec<TestCase>,
}

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResultError {
    /// Nothing was written.
    #[error("there are no results: `{}` was not written by this run", path.display())]
    NotWritten {
        /// The file or folder.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the results in `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A pipe, a device, or a link out of the pack.
    #[error("the results in `{}` are not read: it is no file of the pack", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// There is too much of it.
    #[error("the results are longer than the {limit} bytes that are read")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// There are too many.
    #[error("the results list more than {limit} tests")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// It breaks the rules of the format.
    #[error("the results are no {format}: {why}")]
    Malformed {
        /// The format.
        format: &'static str,
        /// What is wrong.
        why: String,
    },
    /// It contradicts itself.
    #[error("the results contradict themselves: {why}")]
    Contradiction {
        /// How.
        why: String,
    },
}

/// The lines of one stream that count.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    labels: simple::Labels,
    summary: native::Summary,
}

/// What a line that counts has in it: a label, or a part of a summary. Colours may lie within those, so what begins a colour
/// stands for all of them.
static TELLING: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let parts = simple::LABELS
        .iter()
        .chain(native::PARTS)
        .chain(&["\u{1b}"]);
    AhoCorasick::new(parts).expect("a few short texts can be searched for")
});

impl Lines for Seen {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        TELLING.find(bytes).map(|found| found.start())
    }

    fn line(&mut self, line: &str) {
        self.labels.line(line);
        self.summary.line(line);
    }
}

/// Reads what a suite says. Nothing, if it is to be judged by its exit status alone.
///
/// # Errors
/// [`ResultError`]: it should have said something, and did not.
pub(crate) fn read(
    format: ResultFormat,
    kind: &RunnerKind,
    ended: &Ended<Seen>,
    place: Option<&Place>,
) -> Result<Option<Tally>, ResultError> {
    let parse = match format {
        ResultFormat::Simple => return counted(kind, ended),
        ResultFormat::Json => json::parse,
        ResultFormat::JunitXml => junit::parse,
        ResultFormat::Tap => tap::parse,
    };
    let Some(place) = place else {
        if ended.stdout.cut {
            // a part of a document says nothing
            return Err(ResultError::TooLong {
                limit: ended.stdout.limit,
            });
        }
        let Captured {
            text, undecoded, ..
        } = &ended.stdout;
        if format == ResultFormat::JunitXml {
            let text = junit::decoded(undecoded.as_deref().unwrap_or(text.as_bytes()))?;
            return parse(&anstream::adapter::strip_str(&text).to_string()).map(Some);
        }
        return parse(text).map(Some);
    };
    let mut sum = Tally {
        counts: Counts::default(),
        cases: Vec::new(),
    };
    for bytes in place.read()? {
        let text = match format {
            ResultFormat::JunitXml => junit::decoded(&bytes)?,
            ResultFormat::Simple | ResultFormat::Json | ResultFormat::Tap => {
                String::from_utf8_lossy(&bytes)
            }
        };
        let tally = parse(&text)?;
        sum.counts += tally.counts;
        sum.cases.extend(tally.cases);
        if sum.cases.len() > MAX_CASES {
            return Err(ResultError::TooMany { limit: MAX_CASES });
        }
    }
    Ok(Some(sum))
}

/// The counts in the output: the documented labels, else those that the runner itself prints.
fn counted(kind: &RunnerKind, ended: &Ended<Seen>) -> Result<Option<Tally>, ResultError> {
    let (out, err) = (&ended.stdout.lines, &ended.stderr.lines);
    let counts = out
        .labels
        .or(err.labels)
        .counts()
        .or_else(|| out.summary.counts(kind))
        .or_else(|| err.summary.counts(kind));
    let Some(counts) = counts else {
        return Ok(None);
    };
    Ok(Some(Tally {
        counts: checked(counts)?,
        cases: Vec::new(),
    }))
}

/// Counts that can be true.
fn checked(counts: Counts) -> Result<Counts, ResultError> {
    let Counts {
        total,
        passed,
        failed,
        skipped,
    } = counts;
    if counts.told() > total {
        let why = format!(
            "{passed} passed, {failed} failed and {skipped} skipped are more than {total} in all"
        );
        return Err(ResultError::Contradiction { why });
    }
    if total > MAX_COUNT {
        let limit = usize::try_from(MAX_COUNT).unwrap_or(usize::MAX);
        return Err(ResultError::TooMany { limit });
    }
    Ok(counts)
}

/// A text of a test, in bounds and without colours.
fn bounded(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    anstream::adapter::strip_str(&text[..end]).to_string()
}

/// The same, where there is something.
fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| bounded(text))
}

/// Seconds with a fraction, as milliseconds; 0 for what is no time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn milliseconds(seconds: f64) -> u64 {
    if seconds.is_finite() {
        (seconds * 1000.0).round().clamp(0.0, 1e12) as u64
    } else {
        0
    }
}
