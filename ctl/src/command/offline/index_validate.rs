//! `index-validate`: every rule of `docs/index-format.md#7-rules`, held against one index.

mod fetch;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use packd_format::error::without_path;
use packd_format::index::validate::{Finding, Report, Sources, validate};
use packd_wire::Exit;
use serde::Serialize;
use url::Url;

use super::large;
use crate::Ending;
use crate::fetch as http;
use crate::file;
use crate::output::table::Table;
use crate::output::{BAD, Failure, GOOD, ODD, Output, Width, styled, text};

/// Check an index: its form, versions, checksums, and with --fetch its archives
///
/// What readers would leave out or misread is an error, and makes the exit code 1. The rules are numbered, and
/// explained in docs/index-format.md.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexValidate {
    /// The index: a file, a URL, or - for standard input
    #[arg(value_name = "FILE|URL")]
    index: String,

    /// Download the archives, and compare digests and sizes
    #[arg(long)]
    fetch: bool,

    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

/// Where an index comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Input,
    File(PathBuf),
    Url(Url),
}

/// What was found.
#[derive(Debug, Serialize)]
struct ReportView {
    file: String,
    findings: Vec<Finding>,
    errors: usize,
    warnings: usize,
    packs: usize,
    /// How many archives were fetched and compared, and how many sources were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    fetched: Option<Fetched>,
}

/// What `--fetch` looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Fetched {
    /// Archives that were compared.
    checked: usize,
    /// Archives that could not be fetched.
    failed: usize,
    /// Sources that are not looked at.
    not_checked: usize,
}

impl IndexValidate {
    pub(crate) async fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let origin = Origin::of(&self.index)?;
        let sources = if self.fetch {
            Sources::Keep
        } else {
            Sources::Judge
        };
        let mut report = validate(&origin.read().await?, sources);
        let mut fetched = None;
        if self.fetch {
            fetched = Some(fetch::compare(&mut report, &origin, out).await);
        }
        let fails = report.errors > 0 || (self.strict && report.warnings > 0);
        let unsaid = report.unsaid();
        let view = ReportView::of(origin.shown(), report, fetched);
        let width = out.width();
        out.show_list(&view, &view.findings, || told(&view, width));
        if unsaid > 0 {
            out.warn(&format!("there are {unsaid} more findings"));
        }
        if let Some(Fetched { not_checked, .. }) = fetched.filter(|fetched| fetched.not_checked > 0)
        {
            let sources = text::count(not_checked as u64, "source was", "sources were");
            out.say(&format!("{sources} not checked: only archives are fetched, and files by an index on this machine"));
        }
        Ok(Ending::Exit(if fails { Exit::Failed } else { Exit::Done }))
    }
}

impl Origin {
    fn of(text: &str) -> Result<Self, Failure> {
        if text == "-" {
            return Ok(Self::Input);
        }
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                http::parse(text).map(Self::Url).map_err(Failure::from)
            }
            Ok(url) if url.scheme() == "file" => url.to_file_path().map(Self::File).map_err(|()| {
                let message = format!("`{text}` names no file on this machine");
                Failure::new(Exit::Usage, message)
                    .with_hint("a file URL has three slashes: file:///path/to/index.json")
            }),
            Ok(url) if text.contains("://") => {
                let message = format!("cannot fetch an index from `{}://`", url.scheme());
                Err(Failure::new(Exit::Usage, message)
                    .with_hint("an index is a file, or at https://, http:// or file://"))
            }
            Ok(_) | Err(_) => Ok(Self::File(text.into())),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Input => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => http::shown(url),
        }
    }

    async fn read(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Input => file::standard_input(),
            Self::File(path) => large::read(path).map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    let message = format!("Index file not found: {}", path.display());
                    return Failure::new(Exit::NotFound, message);
                }
                let doing = format!("cannot read `{}`", path.display());
                Failure::of(Exit::Failed, doing, &without_path(&error))
            }),
            Self::Url(url) => Ok(http::to_memory(url.as_str(), http::MAX_BYTES).await?),
        }
    }
}

impl ReportView {
    fn of(file: String, report: Report, fetched: Option<Fetched>) -> Self {
        Self {
            file,
            findings: report.findings,
            errors: report.errors,
            warnings: report.warnings,
            packs: report.packs,
            fetched,
        }
    }
}

/// A line for each finding, and one for all of them.
fn told(view: &ReportView, width: Width) -> String {
    let mut told = String::new();
    if !view.findings.is_empty() {
        let mut table = Table::new(["PLACE", "RULE", "SEVERITY", "VALUE", "WHAT IS WRONG"]);
        for finding in &view.findings {
            let what = match &finding.hint {
                Some(hint) => format!("{}; {hint}", finding.message),
                None => finding.message.clone(),
            };
            let place = &finding.place;
            table.row([
                format!("{}:{}", place.line, place.column).into(),
                finding.rule.id().into(),
                finding.severity.to_string().into(),
                place.path.as_str().into(),
                what.into(),
            ]);
        }
        told = table.render(width);
    }
    let mark = match (view.errors, view.warnings) {
        (0, 0) => styled(GOOD, "✓"),
        (0, _) => styled(ODD, "!"),
        _ => styled(BAD, "✗"),
    };
    let counted = |count: usize, one, many| text::count(count as u64, one, many);
    let compared = view.fetched.map_or_else(String::new, |fetched| {
        let archives = counted(fetched.checked, "archive", "archives");
        let failed = match fetched.failed {
            0 => String::new(),
            failed => format!(", {failed} not fetched"),
        };
        format!(", {archives} compared{failed}")
    });
    let line = format!(
        "{mark} {}: {}, {}, {}{compared}",
        text::clean(&view.file),
        counted(view.packs, "pack", "packs"),
        counted(view.errors, "error", "errors"),
        counted(view.warnings, "warning", "warnings"),
    );
    told + &line + "\n"
}
