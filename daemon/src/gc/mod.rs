//! Collects what no kept generation and no unfinished job needs: the job of the kind `gc`.
//!
//! | file | what it does |
//! |---|---|
//! | [`generations`] | which generations go |
//! | [`plan`] | everything that goes, and what it takes; writes nothing |
//! | [`holders`] | which processes use what of the state folder |
//! | [`remove`] | removes it, one thing after the other |
//! | [`mod@daily`] | asks for such a job by itself |
//!
//! Killed at any point, what is left is either as it was, or not counted as there any more and removed by the next run
//! or the next start: the rows of a generation go before its folder, and a tree leaves the store by a rename before
//! anything of it is deleted. Jobs that run meanwhile hold leases on the trees that they count on, and none of them can
//! activate anything while one tree leaves.

mod daily;
mod generations;
mod holders;
mod plan;
mod remove;

use std::sync::Arc;
use std::time::Duration;

use packd_wire::{EventKind, GcItem, GcKind, GcLeft, GcView, StepName};
use serde_json::json;

use self::holders::Unseen;
use crate::install::{Context, StepError, bytes_in_words};
use crate::queue::{Claimed, Outcome};
use crate::store::{self, reserve};

pub(crate) use daily::{if_low, run as daily};

/// What is said when the processes of other users are hidden.
const HIDDEN: &str = "processes of other users are hidden from packd, by `ProtectProc=` of its unit or `hidepid=` of /proc: \
                      trees that they use may go, but for those of the last two generations and of the last hour; the \
                      drop-in `see-processes.conf` lets packd see them";

/// How long to find out what could go, for somebody who waits for another answer.
const FIND_WITHIN: Duration = Duration::from_secs(5);

/// At most so many things are told of one by one.
const TOLD: usize = 1_000;

/// Runs a job of the kind `gc`. What cannot be removed keeps nothing else from being removed.
///
/// # Errors
/// [`StepError`]; what was removed until then is gone.
pub(crate) async fn run(context: &Context, job: &Claimed) -> Result<Outcome, StepError> {
    let dry_run = job.request().flags().dry_run;
    job.begin(StepName::Collect, None).await?;
    let plan::Plan {
        items,
        left,
        unseen,
        care,
    } = plan::make(context).await?;
    let mut told = GcView {
        dry_run,
        left,
        ..GcView::default()
    };
    for left in &told.left {
        job.warn(None, stays(left)).await?;
    }
    match unseen {
        Unseen::Some(0) => {}
        Unseen::Some(count) => {
            let message = format!(
                "what processes of other users have open ({count} of them) cannot be seen from here; trees that they use may go"
            );
            job.tell(EventKind::Info, None, json!({"message": message}))
                .await?;
        }
        Unseen::All if items.iter().any(|item| item.kind == GcKind::Tree) => {
            job.warn(None, HIDDEN.to_owned()).await?;
        }
        Unseen::All => {}
    }
    let result = if dry_run {
        for item in &items {
            tell(&mut told, item);
        }
        Ok(())
    } else {
        let result = remove::run(context, job, items, care, &mut told).await;
        // what a full disk took of it comes back
        let layout = Arc::clone(&context.layout);
        let leases = context.leases.clone();
        let tidy = move || {
            reserve::make(&layout.state_dir);
            remove::empty_shelves(&layout, &leases)
        };
        store::off_thread(tidy).await?;
        result
    };
    let message = in_words(&told);
    job.collected(told).await?;
    result?;
    job.complete(StepName::Collect, message).await?;
    Ok(Outcome::Unchanged)
}

/// How many bytes a run would free now, if that is found out soon.
pub(crate) async fn could_free(context: &Context) -> Option<u64> {
    let plan = tokio::time::timeout(FIND_WITHIN, plan::make(context)).await;
    let plan = plan.ok()?.ok()?;
    Some(plan.items.iter().map(|item| item.bytes).sum())
}

/// Notes that something went, or would.
fn tell(told: &mut GcView, item: &plan::Item) {
    told.count += 1;
    told.bytes = told.bytes.saturating_add(item.bytes);
    if told.items.len() < TOLD {
        told.items.push(GcItem {
            kind: item.kind,
            name: item.name.clone(),
            bytes: item.bytes,
        });
    }
}

fn stays(left: &GcLeft) -> String {
    format!(
        "{} {} stays: process {} (`{}`) uses it ({})",
        left.kind.as_str(),
        left.name,
        left.pid,
        left.command,
        left.by
    )
}

/// What a run came to, in a line.
fn in_words(told: &GcView) -> String {
    let things = match told.count {
        0 => "nothing to remove".to_owned(),
        1 => "1 thing".to_owned(),
        count => format!("{count} things"),
    };
    let verb = if told.dry_run { "would free" } else { "freed" };
    match told.count {
        0 => things,
        _ => format!("{things}, {verb} {}", bytes_in_words(told.bytes)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
