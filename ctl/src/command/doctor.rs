//! `doctor`: looks at the installation and says one thing to do about each thing that is wrong.
//!
//! What only the daemon sees it is asked for, when it runs; the rest is read from the host's files, by the rights of the
//! person. A check that could not be done is named, and is no finding.
//!
//! | file | what it looks at |
//! |---|---|
//! | [`host`] | what the checks read the host through |
//! | [`daemon`] | what the running daemon says of itself, and whether it is the program that is installed |
//! | [`files`] | owners and permissions, secrets, certificates, space |
//! | [`system`] | kernel, sandbox, watches, clock, units, users |

mod daemon;
mod files;
mod host;
mod system;

use packd_wire::Exit;
use serde::Serialize;

use crate::Ending;
use crate::client::Client;
use crate::output::text::{clean, count};
use crate::output::{BAD, DIM, Failure, GOOD, ODD, Output, styled};
use host::Host;

/// Check the installation, and say what to do about each thing that is wrong
///
/// Works with and without a running packd. Run as root it can look at everything. Exits with 1 when something was found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo packctl doctor
  packctl doctor -j | jq -r '.findings[].fix'")]
pub(crate) struct Doctor {}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    /// It does not work, or is not safe.
    Error,
    /// It works less well than it could.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// How bad it is.
    severity: Severity,
    /// The check that found it.
    check: &'static str,
    /// What is wrong.
    what: String,
    /// The one thing to do about it.
    fix: String,
}

/// A check that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Skipped {
    /// The check.
    check: &'static str,
    /// Why not.
    why: String,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Report {
    /// Whether a daemon answered.
    daemon: bool,
    /// What is wrong, the worst first.
    findings: Vec<Finding>,
    /// The checks that were done, whatever they found.
    checked: Vec<&'static str>,
    /// The checks that could not be done.
    skipped: Vec<Skipped>,
}

impl Report {
    fn error(&mut self, check: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.find(Severity::Error, check, what.into(), fix.into());
    }

    fn warning(&mut self, check: &'static str, what: impl Into<String>, fix: impl Into<String>) {
        self.find(Severity::Warning, check, what.into(), fix.into());
    }

    fn find(&mut self, severity: Severity, check: &'static str, what: String, fix: String) {
        self.findings.push(Finding {
            severity,
            check,
            what,
            fix,
        });
    }

    fn checked(&mut self, check: &'static str) {
        self.checked.push(check);
    }

    fn skip(&mut self, check: &'static str, why: impl Into<String>) {
        let why = why.into();
        self.skipped.push(Skipped { check, why });
    }
}

impl Doctor {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let Self {} = self;
        let mut report = Report::default();
        let status = daemon::ask(client, &mut report).await;
        let host = Host::this(client.socket(), status.as_ref());
        let examined = tokio::task::spawn_blocking(move || {
            daemon::examine(&host, status.as_ref(), &mut report);
            files::examine(&host, &mut report);
            system::examine(&host, &mut report);
            report.findings.sort_by_key(|finding| finding.severity);
            report
        });
        let report = examined
            .await
            .map_err(|error| Failure::of(Exit::Failed, "cannot examine this host", &error))?;
        out.show(&report, || page(&report));
        Ok(Ending::Exit(if report.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }))
    }
}

/// The verdict, each finding with what to do, and what was not looked at.
fn page(report: &Report) -> String {
    let mut lines = Vec::new();
    let number = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    lines.push(if report.findings.is_empty() {
        styled(GOOD, "nothing is wrong")
    } else {
        styled(BAD, &count(number, "thing is wrong", "things are wrong"))
    });
    for finding in &report.findings {
        let mark = match finding.severity {
            Severity::Error => styled(BAD, "error"),
            Severity::Warning => styled(ODD, "warning"),
        };
        lines.push(format!(
            "{mark} [{}] {}",
            finding.check,
            clean(&finding.what)
        ));
        lines.push(format!(
            "  {} {}",
            styled(GOOD, "fix:"),
            clean(&finding.fix)
        ));
    }
    if !report.daemon {
        lines.push(styled(
            DIM,
            "no packd answered: what only it can see was not looked at",
        ));
    }
    for skipped in &report.skipped {
        lines.push(styled(
            DIM,
            &format!("not looked at: {}: {}", skipped.check, clean(&skipped.why)),
        ));
    }
    lines.push(styled(
        DIM,
        &format!("looked at: {}", report.checked.join(", ")),
    ));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
