//! `tests`: what came of the tests of a pack on this host.

use jiff::Timestamp;
use packd_wire::{Exit, TestList, TestStatus, TestView, TestsQuery};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::{ago, clean, duration};
use crate::output::{BAD, BOLD, Failure, GOOD, ODD, Output, Width, styled};

mod cases;

/// Show what came of the tests of a pack on this host, the newest first
///
/// Results are kept of every run: when the pack was installed, when it was updated, and when somebody wanted to know
/// (`packctl test NAME`); also of versions that were not activated because of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Tests {
    /// The pack
    #[arg(value_name = "REF", add = crate::complete::packs())]
    pack_ref: String,

    /// Show at most this many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,

    /// Only results older than this one
    #[arg(long, value_name = "RESULT")]
    before: Option<i64>,

    /// Show each test of the latest result, and what failed ones wrote
    #[arg(long, short)]
    detailed: bool,

    /// Show what differs between the latest result and the one before it, test by test
    #[arg(long, conflicts_with = "detailed")]
    diff: bool,
}

impl Tests {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let reports = self.detailed || self.diff;
        let query = TestsQuery {
            before: self.before,
            limit: Some(match (self.detailed, self.diff) {
                (true, _) => 1,
                (_, true) => 2,
                _ => self.limit,
            }),
            report: reports,
        };
        let list = client.tests(&self.pack_ref, &query).await?;
        let Some(latest) = list.tests.first() else {
            let message = format!("there is no test result of `{}`", self.pack_ref);
            return Err(Failure::new(Exit::NotFound, message).with_hint(format!(
                "`packctl test {}` runs the tests of an installed pack",
                self.pack_ref
            )));
        };
        if self.diff {
            let Some(before) = list.tests.get(1) else {
                let message = format!(
                    "there is only one test result of `{}`: nothing to compare it with",
                    self.pack_ref
                );
                return Err(Failure::new(Exit::NotFound, message));
            };
            let differences = cases::differences(before, latest);
            let data = serde_json::json!({
                "from": before.id,
                "to": latest.id,
                "changes": differences,
            });
            out.show(&data, || diff_page(before, latest, &differences));
        } else if self.detailed {
            out.show(latest, || page(latest));
        } else {
            let width = out.width();
            out.show_list(&list, &list.tests, || table(&list, Timestamp::now(), width));
            if let Some(next) = list.next {
                out.hint(&format!(
                    "there are older ones: packctl tests {} --before {next}",
                    self.pack_ref
                ));
            }
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// A line per result.
fn table(list: &TestList, now: Timestamp, width: Width) -> String {
    let mut table = Table::new([
        "RESULT", "VERSION", "STATUS", "PASSED", "TIME", "WHY", "JOB", "WHEN", "ERROR",
    ]);
    for test in &list.tests {
        table.row([
            test.id.to_string().into(),
            test.version.as_str().into(),
            test.status.as_str().into(),
            format!("{}/{}", test.passed, test.total).into(),
            duration(test.duration_ms).into(),
            test.trigger.as_str().into(),
            test.job.to_string().into(),
            ago(&test.at, now).into(),
            clean(test.error.as_deref().unwrap_or_default())
                .into_owned()
                .into(),
        ]);
    }
    table.keep(8, list.tests.iter().any(|test| test.error.is_some()));
    table.render(width)
}

/// One result with its tests.
pub(super) fn page(test: &TestView) -> String {
    let mut lines = vec![heading(test)];
    if let Some(error) = &test.error {
        lines.push(format!("  {}", clean(error)));
    }
    for case in cases::of(test) {
        lines.push(format!("  {} {}", mark(&case.status), clean(&case.name)));
        if case.has_failed() {
            for line in case.told() {
                lines.push(format!("      {}", clean(line)));
            }
        }
    }
    lines.join("\n") + "\n"
}

fn diff_page(before: &TestView, after: &TestView, differences: &[cases::Difference]) -> String {
    let mut lines = vec![heading(before), heading(after)];
    if differences.is_empty() {
        lines.push("  every test has the same result".to_owned());
    }
    for difference in differences {
        let word =
            |status: &Option<String>| status.clone().unwrap_or_else(|| "not there".to_owned());
        lines.push(format!(
            "  {}: {} -> {}",
            clean(&difference.name),
            clean(&word(&difference.from)),
            clean(&word(&difference.to))
        ));
    }
    lines.join("\n") + "\n"
}

fn heading(test: &TestView) -> String {
    let style = match test.status {
        TestStatus::Passed => GOOD,
        TestStatus::Failed => BAD,
        TestStatus::Skipped | TestStatus::Partial | TestStatus::Untested => ODD,
    };
    format!(
        "{} {}: {} of {} passed, result {} of job {} ({})",
        styled(BOLD, &clean(&format!("{} {}", test.pack_ref, test.version))),
        styled(style, test.status.as_str()),
        test.passed,
        test.total,
        test.id,
        test.job,
        test.trigger.as_str()
    )
}

fn mark(status: &str) -> String {
    match status {
        "passed" => styled(GOOD, "✓"),
        "skipped" => styled(ODD, "○"),
        _ => styled(BAD, "✗"),
    }
}
