//! Whether an index is one that others can read whole: every rule of `docs/index-format.md#7-rules`, in one pass.
//!
//! An error is what readers leave out or misread, a warning what is read and should be otherwise. Each entry is
//! read where it lies into a structure that borrows from the text; only what is wrong is looked for once
//! more, for its line and column.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;

use serde::Serialize;

use super::IndexError;
use super::document::Form;
use super::lines::{Lines, offset_in, position};
use super::walk::{self, Member, WalkError, Walked};
use super::word::Kind;
use crate::digest::Digest;
use crate::name::shown;

mod contents;
mod entry;
mod inspect;
mod release;
mod rule;
mod spot;
#[cfg(test)]
mod tests;
mod url;
mod versions;
mod view;

use inspect::{Findings, Inspector, Seen};
use spot::Spot;

pub use rule::Rule;

/// The most findings that are kept; the rest is counted.
pub const MAX_FINDINGS: usize = 10_000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Readers leave it out, or misread it.
    Error,
    /// It is read, and should be otherwise.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that it breaks.
    pub rule: Rule,
    /// How bad that is.
    pub severity: Severity,
    /// Where it is.
    #[serde(flatten)]
    pub place: Position,
    /// What is wrong.
    pub message: String,
    /// One thing to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A place in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The value: `packs[3].install_sources[0].url`. What is missing is where it should be.
    pub path: String,
}

/// An archive that an index offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Its ref.
    pub pack: String,
    /// The version it holds.
    pub version: String,
    /// Where it is, as written.
    pub url: String,
    /// The digest of its bytes.
    pub checksum: Option<Digest>,
    /// Its length.
    pub size: Option<u64>,
    /// Where the source is in the index.
    pub place: Position,
}

/// What was found in an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// In the order of the index; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many errors there are, also of those that are not kept.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many entries.
    pub packs: usize,
    /// The archives it offers, if they were asked for.
    pub archives: Vec<Offered>,
    /// How many git sources it offers, if archives were asked for.
    pub repositories: usize,
}

/// Whether the sources are wanted too, in order to look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// They are kept in the report.
    Keep,
    /// They are only judged.
    Judge,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.count(finding.severity);
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// Puts the findings in the order of the index, after others were added.
    pub fn sort(&mut self) {
        self.findings
            .sort_by_key(|finding| (finding.place.line, finding.place.column));
    }

    /// How many findings were not kept.
    #[must_use]
    pub fn unsaid(&self) -> usize {
        self.errors + self.warnings - self.findings.len()
    }

    fn count(&mut self, severity: Severity) {
        match severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
    }
}

/// Judges an index.
#[must_use]
pub fn validate(bytes: &[u8], sources: Sources) -> Report {
    match walk::walk(bytes, || Inspector::new(sources)) {
        Ok(walked) => report(walked),
        Err(refused) => refusal(bytes, &refused),
    }
}

/// What keeps readers from using an entry: the errors in an index with this one entry. Their paths begin within
/// it: `install_sources[0].url`.
#[must_use]
pub fn entry_errors(entry: &str) -> Vec<Finding> {
    let report = validate(
        format!("{{\"packs\":[{entry}]}}").as_bytes(),
        Sources::Judge,
    );
    let errors = report.findings.into_iter().filter_map(|mut finding| {
        let path = finding.place.path.strip_prefix("packs[0]")?;
        let within = path.trim_start_matches('.').to_owned();
        finding.place.path = within;
        (finding.severity == Severity::Error).then_some(finding)
    });
    errors.collect()
}

/// The report on what is no index.
fn refusal(bytes: &[u8], refused: &WalkError) -> Report {
    let (rule, hint) = match &refused.error {
        IndexError::Encoding | IndexError::Syntax { .. } => (Rule::Json, None),
        IndexError::Shape { .. } | IndexError::TooMany => (
            Rule::Shape,
            Some("an index is `{\"packs\": [ … ], … }`".to_owned()),
        ),
    };
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (line, column) = position(text, refused.offset);
    let message = match &refused.error {
        IndexError::Syntax { why, .. } => format!("the index is not JSON: {why}"),
        error => error.to_string(),
    };
    let mut report = Report::default();
    report.add(Finding {
        rule,
        severity: rule.severity(),
        place: Position {
            line,
            column,
            path: String::new(),
        },
        message,
        hint,
    });
    report
}

/// The report on an index that could be walked.
fn report(walked: Walked<'_, Inspector<'_>>) -> Report {
    let text = walked.text;
    let mut report = Report::default();
    let mut findings = Findings::default();
    header(&walked.members, walked.form, text, &mut findings);
    let (mut seen, mut offers) = (Vec::new(), Vec::new());
    for (first, mut inspector) in walked.visitors {
        inspector.renumber(first);
        report.packs += inspector.count;
        report.repositories += inspector.repositories;
        findings.extend(inspector.findings);
        offers.extend(inspector.offers);
        seen.extend(inspector.seen);
    }
    if report.packs == 0 {
        let message = "there is not a single entry".to_owned();
        findings.add(Rule::Empty, Spot::top("packs", text, 0), message, None);
    }
    among(&seen, walked.form, &mut findings);

    (report.errors, report.warnings) = findings.counts();
    let mut lines = Lines::new(text);
    report.findings = findings
        .sorted()
        .map(|draft| Finding {
            rule: draft.rule,
            severity: draft.rule.severity(),
            place: draft.spot.position(&mut lines),
            message: draft.message,
            hint: draft.hint,
        })
        .collect();
    report.sort();
    let mut lines = Lines::new(text);
    report.archives = offers
        .into_iter()
        .map(|offer| Offered {
            place: offer.spot.position(&mut lines),
            pack: offer.pack,
            version: offer.version,
            url: offer.url,
            checksum: offer.checksum,
            size: offer.size,
        })
        .collect();
    report
}

/// Judges what is beside the entries.
fn header<'a>(members: &[Member<'a>], form: Form, text: &'a str, findings: &mut Findings<'a>) {
    for key in ["registry_name", "registry_url", "version", "last_updated"] {
        let mut same = members.iter().filter(|member| member.key == key);
        let first = same.next();
        for again in same {
            let spot = Spot::top(key, again.value, offset_in(text, again.value));
            let message =
                format!("`{key}` is there already, and Attune's own client reads neither");
            findings.add(Rule::Header, spot, message, None);
        }
        let Some(member) = first else {
            if form == Form::List {
                let message = format!("`{key}` is missing, and Attune's own client insists on it");
                findings.add(Rule::Header, Spot::top(key, text, 0), message, None);
            }
            continue;
        };
        let spot = Spot::top(key, member.value, offset_in(text, member.value));
        let Ok(value) = serde_json::from_str::<String>(member.value) else {
            let kind = Kind::of(member.value);
            let message = format!("`{key}` is {kind}, not a text");
            findings.add(Rule::Header, spot, message, None);
            continue;
        };
        let shown = shown(&value);
        match key {
            "registry_url" => {
                if let Some(fault) = url::home_fault(&value) {
                    let message = format!("`{key}` {}", fault.why);
                    findings.add(fault.rule, spot, message, None);
                }
            }
            "version" if value != "1" && !value.starts_with("1.") => {
                let message = format!("`{shown}` is no version of the format that is known");
                let hint = Some("write `1.0`".to_owned());
                findings.add(Rule::Format, spot, message, hint);
            }
            "last_updated" if !release::is_time(&value) => {
                let message = format!("`{shown}` is no time of RFC 3339");
                findings.add(Rule::Updated, spot, message, Some(TIME_HINT.to_owned()));
            }
            _ => {}
        }
    }
}

/// What to write for a time.
const TIME_HINT: &str = "write it as `2026-01-31T12:00:00Z`";

/// Judges entries beside one another.
fn among<'a>(seen: &[Seen<'a>], form: Form, findings: &mut Findings<'a>) {
    let mut pairs = seen.windows(2).map(|pair| pair[0].name.cmp(&pair[1].name));
    if pairs.all(Ordering::is_lt) {
        return;
    }
    let unsorted = seen.windows(2).find(|pair| pair[0].name > pair[1].name);
    if let (Form::List, Some([before, after])) = (form, unsorted) {
        let message = format!("`{}` comes after `{}`", after.name, before.name);
        let hint = Some("`packctl index-merge` sorts".to_owned());
        findings.add(Rule::Order, after.spot.clone().key("ref"), message, hint);
    }
    let mut known: HashMap<&str, &Seen<'_>> = HashMap::with_capacity(seen.len());
    for one in seen {
        if let Some(first) = known.get(&*one.name) {
            let message = format!(
                "`{}` is there already, at {}; readers take the first",
                one.name,
                first.spot.path()
            );
            let hint = Some("`packctl index-merge` joins their versions".to_owned());
            findings.add(Rule::RefTwice, one.spot.clone().key("ref"), message, hint);
        } else {
            known.insert(&one.name, one);
        }
    }
}
