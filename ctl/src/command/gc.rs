//! `gc`: frees the disk of what nothing needs any more.

use packd_wire::{GcKind, GcRequest, GcView, JobView};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::interrupt::Interrupt;
use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::{bytes, clean, count};
use crate::output::{Failure, Output, Width};

/// Free the disk of what nothing needs any more
///
/// Generations beyond `store.keep_generations` and `store.keep_for` go, but for the current one and pinned ones; so do the
/// trees that only they had, what failed jobs left, and what lies in `quarantine/` and the caches for too long. What a
/// process uses stays, and is named. packd does the same by itself once a day, and when space is short.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl gc --dry-run                 what would go, with sizes
  packctl gc                           remove it
  packctl generations pin 41           keep a generation for ever")]
pub(crate) struct Gc {
    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Gc {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut interrupt = Interrupt::new()?;
        let request = GcRequest {
            dry_run: self.dry_run,
        };
        let job = client.gc(&request).await?;
        changes::follow(
            client,
            out,
            vec![job],
            Asked::One,
            &self.waiting,
            &mut interrupt,
        )
        .await
    }
}

/// What a run removed, or would: a line each, and the sum.
pub(super) fn told(job: &JobView, width: Width) -> String {
    let Some(view) = &job.gc else {
        return format!(
            "{}: nothing is known of what it removed",
            clean(&job.summary)
        );
    };
    if view.count == 0 {
        return "nothing to remove".to_owned();
    }
    let mut table = Table::new(["KIND", "NAME", "SIZE"]);
    for item in &view.items {
        let kind = item.kind.as_str();
        table.row([
            kind.into(),
            item.name.as_str().into(),
            bytes(item.bytes).into(),
        ]);
    }
    let more = view.count.saturating_sub(view.items.len() as u64);
    let mut text = table.render(width);
    if more > 0 {
        text = format!("{text}and {more} more\n");
    }
    text.push_str(&sum(view));
    text
}

/// All of it in a line: `9 things (5 generations, 4 trees), 12.4 MiB freed`.
fn sum(view: &GcView) -> String {
    let mut kinds: Vec<(GcKind, u64)> = Vec::new();
    for item in &view.items {
        match kinds.last_mut() {
            Some((kind, count)) if *kind == item.kind => *count += 1,
            _ => kinds.push((item.kind, 1)),
        }
    }
    let words = kinds.iter().map(|(kind, number)| {
        let (one, several) = words(*kind);
        count(*number, one, several)
    });
    let mut words: Vec<String> = words.collect();
    // only so many are told one by one
    let told = u64::try_from(view.items.len()).unwrap_or(u64::MAX);
    if let more @ 1.. = view.count.saturating_sub(told) {
        words.push(format!("{more} more"));
    }
    let verb = if view.dry_run {
        "would be freed"
    } else {
        "freed"
    };
    format!("{}: {} {verb}", words.join(", "), bytes(view.bytes))
}

fn words(kind: GcKind) -> (&'static str, &'static str) {
    match kind {
        GcKind::Generation => ("generation", "generations"),
        GcKind::Tree => ("tree", "trees"),
        GcKind::Leftover => ("leftover", "leftovers"),
        GcKind::Upload => ("upload", "uploads"),
        GcKind::Quarantine => ("thing in quarantine", "things in quarantine"),
        GcKind::Repository => ("repository", "repositories"),
        GcKind::Archive => ("archive", "archives"),
    }
}

#[cfg(test)]
mod tests {
    use packd_wire::{GcItem, JobStatus};

    use super::*;

    #[test]
    fn a_run_is_told_line_by_line_and_summed_up() {
        let item = |kind, name: &str, bytes| GcItem {
            kind,
            name: name.to_owned(),
            bytes,
        };
        let mut job = super::super::changes::tests::job(7, "gc", JobStatus::Succeeded);
        job.gc = Some(GcView {
            dry_run: true,
            count: 3,
            bytes: 3 * 1024 * 1024,
            items: vec![
                item(GcKind::Generation, "1", 0),
                item(GcKind::Generation, "2", 0),
                item(GcKind::Tree, "slack/1.0.0-0123456789ab", 3 * 1024 * 1024),
            ],
            left: Vec::new(),
        });
        insta::assert_snapshot!(anstream::adapter::strip_str(&told(&job, Width::Unlimited)), @r"
        KIND        NAME                      SIZE
        generation  1                         0 B
        generation  2                         0 B
        tree        slack/1.0.0-0123456789ab  3.00 MiB
        2 generations, 1 tree: 3.00 MiB would be freed
        ");
        job.gc = Some(GcView::default());
        assert_eq!(told(&job, Width::Unlimited), "nothing to remove");
    }
}
