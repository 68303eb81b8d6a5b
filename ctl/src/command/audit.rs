//! `audit`: who asked for what, what became of it, and whether the record of that is whole.

use jiff::Timestamp;
use packd_wire::{
    AuditBroken, AuditHead, AuditList, AuditNoted, AuditQuery, AuditVerifyQuery, AuditVerifyView,
    Exit,
};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::{ago, count};
use crate::output::{BAD, Failure, GOOD, Output, Width, styled};

/// Show who asked for what, and what became of it
///
/// Without a command the newest requests are listed. Every change that was asked for has a row, and every request that
/// was refused for who asked.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  packctl audit log --user ada --refused
  packctl audit verify
  packctl audit verify --noted 1250:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    log: Log,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List requests, the newest first
    Log(Log),
    /// Check that the audit is as it was written
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Log {
    /// Show at most this many
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    /// Only rows older than this one
    #[arg(long, value_name = "SEQ")]
    before: Option<i64>,

    /// Only what this user asked for
    #[arg(long, value_name = "NAME|UID")]
    user: Option<String>,

    /// Only what was refused
    #[arg(long)]
    refused: bool,

    /// Only what made this job
    #[arg(long, value_name = "JOB", value_parser = super::job::number)]
    #[arg(add = crate::complete::jobs())]
    job: Option<i64>,
}

/// Each row has a hash over itself and the row before, so a row that was changed or taken away is found. Who can write
/// the database can make all hashes anew: note the last one on another host, and compare with --noted.
#[derive(Debug, clap::Args)]
struct Verify {
    /// What an earlier check ended with: this part must still be the same
    #[arg(long, value_name = "SEQ:HASH")]
    noted: Option<AuditHead>,
}

impl Audit {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        match self.what.unwrap_or(What::Log(self.log)) {
            What::Log(log) => log.run(client, out).await,
            What::Verify(verify) => verify.run(client, out).await,
        }
    }
}

impl Log {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = AuditQuery {
            before: self.before,
            limit: Some(self.limit),
            user: self.user,
            refused: self.refused.then_some(true),
            job: self.job,
        };
        let list = client.audit(&query).await?;
        if list.audit.is_empty() {
            out.say("nobody asked for anything");
        }
        let width = out.width();
        out.show_list(&list, &list.audit, || table(&list, Timestamp::now(), width));
        if let Some(next) = list.next {
            out.hint(&format!(
                "there are older ones: packctl audit log --before {next}"
            ));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Verify {
    async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = AuditVerifyQuery {
            noted: self.noted.as_ref().map(ToString::to_string),
        };
        let found = client.verify_audit(&query).await?;
        out.show(&found, || told(&found, self.noted.as_ref()));
        Ok(Ending::Exit(if found.intact {
            Exit::Done
        } else {
            Exit::Failed
        }))
    }
}

/// What a check found: the verdict, what is wrong, and what to note.
fn told(found: &AuditVerifyView, noted: Option<&AuditHead>) -> String {
    let mut lines = Vec::new();
    let rows = match found.checked {
        0 => "there are no rows yet".to_owned(),
        1 => format!("1 row, {}", found.head.seq),
        more => format!("{more} rows, {} to {}", found.start.seq + 1, found.head.seq),
    };
    lines.push(if found.intact {
        format!("{}: {rows}", styled(GOOD, "the audit is intact"))
    } else {
        format!("{}: {rows}", styled(BAD, "the audit was changed"))
    });
    for one in &found.breaks {
        let rows = if one.from == one.to {
            format!("row {}", one.from)
        } else {
            format!("rows {} to {}", one.from, one.to)
        };
        lines.push(match one.what {
            AuditBroken::Changed => format!("  {rows}: not as it was written"),
            AuditBroken::Missing => format!("  {rows}: missing"),
        });
    }
    if let (Some(became), Some(noted)) = (found.noted, noted) {
        let seq = noted.seq;
        lines.push(match became {
            AuditNoted::Agrees => format!("  row {seq} has the hash that was noted"),
            AuditNoted::Differs => {
                format!("  row {seq} has another hash than was noted: the audit was written anew")
            }
            AuditNoted::Missing => format!("  row {seq}, whose hash was noted, is not there"),
            AuditNoted::Forgotten => format!(
                "  row {seq} is older than the history that is kept, and cannot be compared"
            ),
        });
    }
    if found.unchained > 0 {
        lines.push(format!(
            "  {} of before there were hashes cannot be checked",
            count(found.unchained.unsigned_abs(), "row", "rows")
        ));
    }
    if found.head.seq > 0 {
        lines.push(format!("head: {}", found.head));
    }
    lines.join("\n") + "\n"
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
