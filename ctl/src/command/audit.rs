//! `audit`: who asked for what, and what became of it.

use jiff::Timestamp;
use packd_wire::{AuditList, AuditQuery, Exit};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::ago;
use crate::output::{Failure, Output, Width};

/// Show who asked for what, and what became of it
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// Show at most this many, the newest first
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    /// Only rows older than this one
    #[arg(long, value_name = "SEQ")]
    before: Option<i64>,
}

impl Audit {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = AuditQuery {
            before: self.before,
            limit: Some(self.limit),
        };
        let list = client.audit(&query).await?;
        if list.audit.is_empty() {
            out.say("nobody asked for anything");
        }
        let width = out.width();
        out.show_list(&list, &list.audit, || table(&list, Timestamp::now(), width));
        if let Some(next) = list.next {
            out.hint(&format!(
                "there are older ones: packctl audit --before {next}"
            ));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// A line per request, newest first; no header without requests.
fn table(list: &AuditList, now: Timestamp, width: Width) -> String {
    if list.audit.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["SEQ", "WHEN", "WHO", "ROLE", "REQUEST", "RESULT", "JOB"]);
    for row in &list.audit {
        let result = match (row.allowed, row.error) {
            (false, error) => format!(
                "refused: {}",
                error.map_or("no reason", |kind| kind.as_str())
            ),
            (true, Some(kind)) => kind.as_str().to_owned(),
            (true, None) => row.status.to_string(),
        };
        let peer = &row.peer;
        table.row([
            row.seq.to_string().into(),
            ago(&row.at, now).into(),
            peer.user
                .clone()
                .unwrap_or_else(|| peer.uid.to_string())
                .into(),
            row.role.as_str().into(),
            row.request.as_str().into(),
            result.into(),
            row.job
                .map_or_else(|| "-".into(), |job| job.to_string().into()),
        ]);
    }
    table.render(width)
}

#[cfg(test)]
mod tests;
