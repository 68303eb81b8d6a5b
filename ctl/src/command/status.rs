//! `status`: how the daemon fares, on one screen, what is wrong first.

use std::path::Path;

use jiff::Timestamp;
use packd_wire::{Exit, RegistryState, StatusView, UpdatesSummary};

use super::registry;
use crate::Ending;
use crate::client::Client;
use crate::output::table::Fields;
use crate::output::text::{ago, clean, count, duration, moment};
use crate::output::{BAD, BOLD, Failure, GOOD, Output, Width, styled};

/// Show how packd fares, what is wrong first
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Say that you have seen that the database was lost, so that packd does not call itself degraded any more
    #[arg(long)]
    acknowledge: bool,
}

impl Status {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        if self.acknowledge {
            let view = client.acknowledge().await?;
            match &view.acknowledged {
                Some(seen) => out.done(&format!("acknowledged: {}", clean(&seen.reason))),
                None => out.done("packd is not degraded: there is nothing to acknowledge"),
            }
            out.show(&view, String::new);
            return Ok(Ending::Exit(Exit::Done));
        }
        let status = client.status().await?;
        let width = out.width();
        out.show(&status, || {
            page(&status, client.socket(), Timestamp::now(), width)
        });
        let ours = env!("CARGO_PKG_VERSION");
        if status.version != ours {
            out.warn(&format!("packd is {}, packctl is {ours}", status.version));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// At most so many problems are shown: the worst are first, and the screen has an end.
const PROBLEMS: usize = 8;

/// The lines of a screen, but for the prompt.
const SCREEN: usize = 23;

/// At least so many registries are shown.
const REGISTRIES: usize = 2;

fn page(status: &StatusView, socket: &Path, now: Timestamp, width: Width) -> String {
    let mut text = health(&status.problems);
    text.push('\n');

    let queue = status.queue;
    // the daemon counts whole seconds: a first one that is not over yet has no digits to show
    let up = match status.uptime_seconds {
        0 => "less than a second".to_owned(),
        seconds => duration(seconds.saturating_mul(1000)),
    };
    let mut fields = Fields::default();
    fields
        .add("packs", status.packs.to_string())
        .add(
            "generation",
            status
                .generation
                .map_or_else(|| "none yet".to_owned(), |n| n.to_string()),
        )
        .add(
            "jobs",
            format!(
                "{} queued, {} running; {} succeeded, {} failed, {} cancelled",
                queue.queued, queue.running, queue.succeeded, queue.failed, queue.cancelled
            ),
        )
        .add("updates", updates(&status.updates, now))
        .add(
            "version",
            format!(
                "{} (API {}), up {up}, pid {}",
                status.version, status.api, status.pid
            ),
        )
        .add("state", &status.state_dir)
        .add("socket", socket.to_string_lossy())
        .add("you are", status.role.as_str());
    if status.checks_database {
        fields.add(
            "database",
            "large, and still being looked at since the start",
        );
    }
    text.push_str(&fields.render());

    text.push('\n');
    if status.registries.is_empty() {
        text.push_str(&styled(BOLD, "no registry is configured"));
        text.push('\n');
    } else {
        // its head, and the line about the rest
        let room = SCREEN.saturating_sub(text.lines().count() + 2);
        let room = match status.registries.len() {
            all if all <= room + 1 => all,
            _ => room.max(REGISTRIES),
        };
        // those that do not work come first; the sort leaves the others in the order they are asked
        let mut registries = status.registries.clone();
        registries.sort_by_key(|one| match one.health.state {
            RegistryState::Failed => 0,
            RegistryState::Stale => 1,
            _ => 2,
        });
        let rest = registries.len().saturating_sub(room);
        registries.truncate(room);
        text.push_str(&registry::table(&registries, now, width));
        if rest > 0 {
            text.push_str("… and ");
            text.push_str(&rest.to_string());
            text.push_str(" more: packctl registry list\n");
        }
    }
    text
}

/// What is going to be updated by itself: `2 pending, the next in 3 h; 1 kept back`.
fn updates(updates: &UpdatesSummary, now: Timestamp) -> String {
    let UpdatesSummary {
        looked_at: _,
        pending,
        blocked,
        next,
        freeze,
    } = updates;
    let next = next
        .as_ref()
        .map(|next| format!(", the next {}", ago(next, now)));
    let mut text = format!("{pending} pending{}", next.unwrap_or_default());
    if *blocked > 0 {
        text = format!("{text}; {blocked} kept back");
    }
    if let Some(freeze) = freeze {
        let until = freeze
            .until
            .as_ref()
            .map(|until| format!(" until {}", moment(until, now)));
        let reason = freeze
            .reason
            .as_ref()
            .map(|reason| format!(": {}", clean(reason)));
        text = format!(
            "{text}; frozen{} by {}{}",
            until.unwrap_or_default(),
            clean(&freeze.by),
            reason.unwrap_or_default()
        );
    }
    text
}

/// The first lines: that all is well, or what is not.
fn health(problems: &[String]) -> String {
    if problems.is_empty() {
        return format!("{}\n", styled(GOOD, "packd is well"));
    }
    let number = u64::try_from(problems.len()).unwrap_or(u64::MAX);
    let mut lines = vec![styled(
        BAD,
        &format!("packd has {}", count(number, "problem", "problems")),
    )];
    let mark = styled(BAD, "!");
    lines.extend(
        problems
            .iter()
            .take(PROBLEMS)
            .map(|problem| format!("  {mark} {}", clean(problem))),
    );
    if problems.len() > PROBLEMS {
        lines.push(format!("  … and {} more", problems.len() - PROBLEMS));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests;
