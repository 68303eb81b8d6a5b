//! Format `tap`: the test anything protocol, versions 12 to 14.
//!
//! ```text
//! TAP version 14
//! 1..3
//! ok 1 - reads
//! not ok 2 - writes
//!   ---
//!   message: no space
//!   ...
//! ok 3 - sings # SKIP no voice
//! ```
//!
//! Indented lines are diagnostics of the test before them, or subtests, whose outcome the line behind them repeats. Right
//! behind a test that failed, comments are diagnostics, too. A stream without a plan ended too early.

use std::collections::HashSet;

use super::{MAX_CASES, MAX_COUNT, MAX_TEXT, ResultError, Tally, bounded};
use crate::report::{CaseStatus, Counts, TestCase};

/// Reads a stream.
pub(super) fn parse(text: &str) -> Result<Tally, ResultError> {
    let mut stream = Stream::default();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        stream
            .line(line.trim_end())
            .map_err(|why| malformed(number + 1, &why))?;
        if stream.cases.len() > MAX_CASES {
            return Err(ResultError::TooMany { limit: MAX_CASES });
        }
    }
    stream.finish()
}

fn malformed(line: usize, why: &str) -> ResultError {
    ResultError::Malformed {
        format: "TAP stream",
        why: format!("line {line}: {why}"),
    }
}

#[derive(Debug, Default)]
struct Stream {
    /// How many tests there are to be, and why none, if none.
    plan: Option<(u64, Option<String>)>,
    /// Tests came before the plan, so nothing but diagnostics may come after it.
    trailing: bool,
    cases: Vec<TestCase>,
    numbers: HashSet<u64>,
    bailed: Option<String>,
    /// What the next lines that are no tests would be about.
    talk: Talk,
    /// What subtests say, for the test whose line comes behind them.
    subtests: String,
}

/// What lines that are no tests are about.
#[derive(Debug, Clone, Copy, Default)]
enum Talk {
    /// Nothing that counts, or a subtest.
    #[default]
    Other,
    /// The test whose line was the last one, or nothing but its diagnostics came since.
    Test,
    /// The test whose block of diagnostics is open, which is indented by so much.
    Block(usize),
}

impl Stream {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if self.bailed.is_some() {
            return Ok(());
        }
        if line.starts_with([' ', '\t']) {
            self.indented(line);
            return Ok(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            self.comment(comment);
            return Ok(());
        }
        if !line.is_empty() {
            self.talk = Talk::Other;
        }
        if let Some(reason) = strip_word(line, "Bail out!") {
            self.bailed = Some(bounded(reason.trim()));
        } else if let Some(version) = strip_word(line, "TAP version") {
            let version = version.trim();
            if !matches!(version, "12" | "13" | "14") {
                return Err(format!(
                    "version `{}` is not known",
                    version.escape_default()
                ));
            }
        } else if let Some(plan) = line.strip_prefix("1..") {
            self.plan(plan)?;
        } else if let Some(rest) = test_line(line, "not ok") {
            self.test(rest, CaseStatus::Failed)?;
        } else if let Some(rest) = test_line(line, "ok") {
            self.test(rest, CaseStatus::Passed)?;
        }
        // comments, pragmas, and what programs print in between
        Ok(())
    }

    fn plan(&mut self, text: &str) -> Result<(), String> {
        let (count, directive) = text.split_once('#').unwrap_or((text, ""));
        let count: u64 = count
            .trim()
            .parse()
            .ok()
            .filter(|count| *count <= MAX_COUNT)
            .ok_or_else(|| "the plan has no number that it could have".to_owned())?;
        if self.plan.is_some() {
            return Err("there is a second plan".to_owned());
        }
        let reason = skip_reason(directive).map(str::to_owned);
        self.trailing = !self.cases.is_empty();
        self.plan = Some((count, reason));
        Ok(())
    }

    fn test(&mut self, rest: &str, status: CaseStatus) -> Result<(), String> {
        if self.trailing {
            return Err("a test comes after the plan at the end".to_owned());
        }
        let rest = rest.trim_start();
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let expected = self.cases.len() as u64 + 1;
        let (number, rest) = if digits > 0 {
            let number = rest[..digits]
                .parse()
                .map_err(|_| "the test has no number that it could have".to_owned())?;
            (number, &rest[digits..])
        } else {
            (expected, rest)
        };
        if !self.numbers.insert(number) {
            return Err(format!("test {number} comes a second time"));
        }
        let (description, directive) = directive_of(rest);
        let lower = directive.to_ascii_lowercase();
        let (status, note) = if lower.starts_with("skip") {
            (CaseStatus::Skipped, skip_reason(directive))
        } else if lower.starts_with("todo") && status == CaseStatus::Failed {
            // it is known to fail
            (CaseStatus::Skipped, Some(directive))
        } else {
            (status, None)
        };
        let description = description.trim().trim_start_matches("- ").trim();
        let inner = std::mem::take(&mut self.subtests);
        let inner = Some(inner).filter(|inner| status == CaseStatus::Failed && !inner.is_empty());
        self.talk = Talk::Test;
        self.cases.push(TestCase {
            name: if description.is_empty() {
                format!("test {number}")
            } else {
                bounded(description)
            },
            status,
            duration_ms: 0,
            error_message: note.filter(|note| !note.is_empty()).map(bounded).or(inner),
            stdout: None,
            stderr: None,
        });
        Ok(())
    }

    /// A line of diagnostics or of a subtest.
    fn indented(&mut self, line: &str) {
        let text = line.trim_start();
        match (self.talk, text) {
            (Talk::Block(_), "...") => self.talk = Talk::Other,
            (Talk::Block(indent), _) => {
                let depth = (line.len() - text.len()).min(indent);
                self.diagnostic(&line[depth..]);
            }
            (Talk::Test, "---") => self.talk = Talk::Block(line.len() - text.len()),
            (Talk::Test, text) if !is_subtest(text) => self.diagnostic(text),
            (Talk::Test | Talk::Other, text) => {
                self.talk = Talk::Other;
                let tells = !matches!(text, "---" | "...") && !is_plain(text);
                if tells {
                    add(&mut self.subtests, text);
                }
            }
        }
    }

    /// A comment, which is about the test right before it.
    fn comment(&mut self, text: &str) {
        let text = text.trim();
        if matches!(self.talk, Talk::Test) && strip_word(text, "Subtest").is_none() {
            self.diagnostic(text);
        } else {
            self.talk = Talk::Other;
        }
    }

    /// What is said about the last test.
    fn diagnostic(&mut self, line: &str) {
        if let Some(case) = self.cases.last_mut()
            && case.status == CaseStatus::Failed
            && !line.is_empty()
        {
            add(case.error_message.get_or_insert_default(), line);
        }
    }

    fn finish(mut self) -> Result<Tally, ResultError> {
        if let Some(reason) = self.bailed {
            let why = if reason.is_empty() {
                "it bailed out".to_owned()
            } else {
                format!("it bailed out: {reason}")
            };
            return Err(ResultError::Malformed {
                format: "whole TAP stream",
                why,
            });
        }
        let Some((planned, reason)) = self.plan else {
            return Err(ResultError::Malformed {
                format: "TAP stream",
                why: "it has no plan, so it ended too early".to_owned(),
            });
        };
        if let (0, Some(reason), true) = (planned, reason, self.cases.is_empty()) {
            self.cases.push(TestCase {
                name: "all".to_owned(),
                status: CaseStatus::Skipped,
                duration_ms: 0,
                error_message: Some(reason).filter(|reason| !reason.is_empty()),
                stdout: None,
                stderr: None,
            });
            let counts = Counts::of(&self.cases);
            return Ok(Tally {
                counts,
                cases: self.cases,
            });
        }
        let seen = self.cases.len() as u64;
        if seen > planned
            || self
                .numbers
                .iter()
                .any(|number| *number > planned || *number == 0)
        {
            let why = format!("{planned} tests are planned, and others came");
            return Err(ResultError::Contradiction { why });
        }
        let mut counts = Counts::of(&self.cases);
        // a planned test that did not come is not passed
        counts.total = planned;
        counts.failed += planned - seen;
        if planned > seen {
            self.cases.push(TestCase {
                name: format!("{} of {planned} planned tests", planned - seen),
                status: CaseStatus::Error,
                duration_ms: 0,
                error_message: Some("nothing was said about them".to_owned()),
                stdout: None,
                stderr: None,
            });
        }
        Ok(Tally {
            counts,
            cases: self.cases,
        })
    }
}

/// Adds a line to what is said, as far as there is room.
fn add(message: &mut String, line: &str) {
    if message.len() + line.len() < MAX_TEXT {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(&bounded(line));
    }
}

/// Whether an indented line is one of a subtest rather than of diagnostics.
fn is_subtest(text: &str) -> bool {
    text.starts_with('#') || is_plain(text) || test_line(text, "not ok").is_some()
}

/// Whether a line of a subtest says nothing of why it failed.
fn is_plain(text: &str) -> bool {
    test_line(text, "ok").is_some()
        || text.starts_with("1..")
        || strip_word(text, "TAP version").is_some()
        || strip_word(text, "# Subtest").is_some()
}

/// What follows a phrase, in whatever case.
fn strip_word<'t>(line: &'t str, phrase: &str) -> Option<&'t str> {
    let (begin, rest) = line.split_at_checked(phrase.len())?;
    begin.eq_ignore_ascii_case(phrase).then_some(rest)
}

/// What follows `ok` or `not ok` in a line of a test; `okay` begins none.
fn test_line<'t>(line: &'t str, begin: &str) -> Option<&'t str> {
    let rest = line.strip_prefix(begin)?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

/// Parts a description from its directive: ` # SKIP why`, ` # TODO why`. A `\#` is a character.
fn directive_of(text: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(at) = text[from..].find('#') {
        let at = from + at;
        let directive = text[at + 1..].trim();
        let lower = directive.get(..4).map(str::to_ascii_lowercase);
        let known = matches!(lower.as_deref(), Some("skip" | "todo"));
        if known && !text[..at].ends_with('\\') {
            return (&text[..at], directive);
        }
        from = at + 1;
    }
    (text, "")
}

/// Why something is skipped.
fn skip_reason(directive: &str) -> Option<&str> {
    let rest = strip_word(directive.trim(), "skip")?;
    Some(
        rest.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == ':')
            .trim(),
    )
}
