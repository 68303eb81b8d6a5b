//! Runtimes that this host can be asked for: how to find out their version.
//!
//! What is known without being told is in `crate::install`'s table; a row here comes before one of the same name there.

use std::collections::BTreeMap;

use regex::Regex;

use super::Origin;
use super::node::{Entry, Value};
use super::problem::Problem;
use super::section::{Findings, Reader, Section, section};

/// The rows, by the name that packs call a runtime by.
pub type Runtimes = BTreeMap<String, VersionProbe>;

section! {
    /// How this host is asked for the version of a runtime that packs need, by the name of the runtime. Known
    /// without being told: `python3`, `nodejs`, `shell`, `bash`, `go`, `java`, `perl`, `ruby`, `r`, `pwsh`,
    /// `native`, `attune` and `stackstorm`; a row of that name replaces what is known.
    keyed struct VersionProbe {
        /// The program and its arguments. It is started without a shell, in an empty environment but for
        /// `PATH` and `LANG`, and has 5 seconds.
        command: Vec<String>, check command;
        /// Where the version stands in what it prints: a regular expression whose first group is the
        /// version.
        pattern: String = VersionProbe::PATTERN.to_owned(), check pattern;
    }
}

impl VersionProbe {
    /// The first that looks like a version.
    pub const PATTERN: &'static str = "([0-9]+(?:\\.[0-9]+)*)";

    /// A row for a program that prints its version.
    #[must_use]
    pub fn new(command: impl Into<Vec<String>>) -> Self {
        Self {
            command: command.into(),
            pattern: Self::PATTERN.to_owned(),
        }
    }
}

#[expect(
    clippy::ptr_arg,
    reason = "a check gets the value as the section has it"
)]
fn command(words: &Vec<String>) -> Result<(), String> {
    let Some(program) = words.first() else {
        return Err("must name a program".to_owned());
    };
    if program.contains('/') && !program.starts_with('/') {
        return Err(format!(
            "must name a program by its name or its absolute path, not `{program}`"
        ));
    }
    Ok(())
}

fn pattern(text: &String) -> Result<(), String> {
    let regex = Regex::new(text)
        .map_err(|_| format!("must be a regular expression, and `{text}` is none"))?;
    if regex.captures_len() < 2 {
        return Err(format!(
            "must have a group around the version, as in `{}`",
            VersionProbe::PATTERN
        ));
    }
    Ok(())
}

/// Reads the rows.
pub(super) fn read(entry: Option<&Entry>, findings: &mut Findings) -> Runtimes {
    let origin = entry.map_or(Origin::Default, |entry| entry.value.origin.clone());
    findings.origins.insert("runtimes".to_owned(), origin);
    let table = match entry.map(|entry| &entry.value.value) {
        None | Some(Value::Null) => return Runtimes::new(),
        Some(Value::Table(table)) => table,
        Some(_) => {
            findings.problems.extend(entry.map(|entry| {
                let message = format!(
                    "`runtimes` must be names with how to ask, not {}",
                    entry.value.describe()
                );
                Problem::new(entry.value.origin.clone(), message)
            }));
            return Runtimes::new();
        }
    };
    let mut rows = Runtimes::new();
    for row in &table.0 {
        if !is_name(&row.key) {
            let message = format!("`runtimes.{}` is no name of a runtime", row.key);
            findings
                .problems
                .push(Problem::new(row.origin.clone(), message));
            continue;
        }
        let path = format!("runtimes.{}", row.key);
        let probe = VersionProbe::read(&mut Reader::new(&path, Some(&row.value), findings));
        rows.extend(probe.map(|probe| (row.key.clone(), probe)));
    }
    rows
}

/// Whether packs can ask for a runtime of this name (`docs/pack-format.md`).
fn is_name(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(legal)
}
