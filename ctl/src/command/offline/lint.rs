//! `lint`: a pack folder against its own manifest, and the findings as a table for each file.

use std::path::PathBuf;

use packd_format::lint::{Finding, LintError, Report, Severity, lint};
use packd_wire::{ErrorKind, Exit};
use serde::Serialize;

use crate::Ending;
use crate::command::folder;
use crate::output::table::Table;
use crate::output::text::{clean, count};
use crate::output::{BAD, BOLD, DIM, Failure, GOOD, ODD, Output, Width, styled};

/// Check a pack folder against its own manifest
///
/// Reads only; nothing of the pack is run. The exit code is 1 if there are errors. Every finding names its
/// rule; the rules are explained in docs/pack-format.md, section 11.
#[derive(Debug, clap::Args)]
pub(crate) struct Lint {
    /// Folder of the pack
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Take warnings for errors
    #[arg(long)]
    strict: bool,
}

/// What a program reads of it.
#[derive(Debug, Serialize)]
struct Document<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<&'a str>,
    findings: &'a [Finding],
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl Lint {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let report = lint(&self.path, &folder::options(&self.path))?;
        let width = out.width();
        let document = Document {
            path: self.path.display().to_string(),
            pack: report.pack.as_deref(),
            findings: &report.findings,
            errors: report.errors,
            warnings: report.warnings,
            notes: report.notes,
        };
        out.show_list(&document, &report.findings, || {
            format!("{}{}\n", tables(&report.findings, width), summary(&report))
        });
        let bad = report.errors > 0 || (self.strict && report.warnings > 0);
        Ok(Ending::Exit(if bad { Exit::Failed } else { Exit::Done }))
    }
}

impl From<LintError> for Failure {
    fn from(error: LintError) -> Self {
        let exit = match &error {
            LintError::NotFound { .. } => Exit::NotFound,
            LintError::NoManifest { .. } => ErrorKind::ManifestMissing.exit(),
            LintError::NotAFolder { .. }
            | LintError::NotRegular { .. }
            | LintError::Read { .. } => Exit::Failed,
        };
        let failure = Self::of_error(exit, &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// A table for each file, its name above it.
fn tables(findings: &[Finding], width: Width) -> String {
    let mut text = String::new();
    for of_file in findings.chunk_by(|a, b| a.file == b.file) {
        let Some(first) = of_file.first() else {
            continue;
        };
        text.push_str(&styled(BOLD, &clean(&first.file)));
        text.push('\n');
        text.push_str(&table(of_file, width));
        text.push('\n');
    }
    text
}

fn table(findings: &[Finding], width: Width) -> String {
    let mut table = Table::new(["PLACE", "SEVERITY", "RULE", "FINDING"]);
    for finding in findings {
        let place = match (finding.line, finding.column) {
            (Some(line), Some(column)) => format!("{line}:{column}"),
            (Some(line), None) => line.to_string(),
            (None, _) => "-".to_owned(),
        };
        let said = match &finding.hint {
            Some(hint) => format!("{}; {hint}", finding.message),
            None => finding.message.clone(),
        };
        table.row([
            place.into(),
            finding.severity.to_string().into(),
            finding.rule.id().into(),
            said.into(),
        ]);
    }
    table.render(width)
}

/// One line about all of it.
fn summary(report: &Report) -> String {
    let pack =
        (report.pack.as_deref()).map_or_else(String::new, |pack| format!("{}: ", clean(pack)));
    let shown = report.findings.len();
    let all = report.errors + report.warnings + report.notes;
    if all == 0 {
        return format!("{} {pack}no findings", styled(GOOD, "✓"));
    }
    let counts = [
        (report.errors, Severity::Error, BAD),
        (report.warnings, Severity::Warning, ODD),
        (report.notes, Severity::Note, DIM),
    ];
    let words: Vec<String> = (counts.into_iter())
        .filter(|(number, ..)| *number > 0)
        .map(|(number, severity, style)| {
            styled(
                style,
                &count(
                    number as u64,
                    &severity.to_string(),
                    &format!("{severity}s"),
                ),
            )
        })
        .collect();
    let rest = if shown < all {
        format!(" ({shown} of them shown)")
    } else {
        String::new()
    };
    format!("{pack}{}{rest}", words.join(", "))
}

#[cfg(test)]
mod tests;
