//! `update`: packs to newer versions, now; or why they are, or are not, updated by themselves.

use jiff::Timestamp;
use packd_wire::{Exit, UpdateDecision, UpdateList, UpdateRequest, UpdateView};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::interrupt::Interrupt;
use super::versions::did_you_mean;
use crate::Ending;
use crate::client::Client;
use crate::output::text::{clean, moment};
use crate::output::{BOLD, Failure, Output, styled};

/// Bring packs to newer versions, or say why they are or are not updated by themselves
///
/// Each pack comes in the newest version of its registry that goes with all others; those that cannot go are left out,
/// with the reason. Windows, phases and `allow` of the configuration are for updates that nobody asks for: they do not
/// count here. Held packs stay.
///
/// With `--explain` nothing changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl update slack jira
  packctl update --all --dry-run
  packctl update --explain            why each pack is or is not updated by itself
  packctl update --explain slack      the same of one")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is typed"
)]
pub(crate) struct Update {
    /// The packs
    #[arg(value_name = "REF", required_unless_present_any = ["all", "explain"], conflicts_with = "all")]
    #[arg(add = crate::complete::packs())]
    refs: Vec<String>,

    /// All packs that came from a registry
    #[arg(long)]
    all: bool,

    /// Say why packs are or are not updated by themselves now, and change nothing
    #[arg(long, conflicts_with_all = ["all", "pre", "dry_run", "no_wait", "timeout"])]
    explain: bool,

    /// Consider pre-releases
    #[arg(long)]
    pre: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Update {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        if self.explain {
            return explain(&self.refs, client, out).await;
        }
        let mut interrupt = Interrupt::new()?;
        let request = UpdateRequest {
            refs: self.refs,
            all: self.all,
            pre: self.pre,
            dry_run: self.dry_run,
        };
        let job = client.update(&request).await?;
        let jobs = vec![job];
        changes::follow(client, out, jobs, Asked::One, &self.waiting, &mut interrupt).await
    }
}

async fn explain(refs: &[String], client: &Client, out: &mut Output) -> Result<Ending, Failure> {
    let UpdateList { updates, freeze } = client.updates().await?;
    for name in refs {
        if updates.iter().all(|update| update.pack_ref != *name) {
            let known: Vec<String> = updates.iter().map(|one| one.pack_ref.clone()).collect();
            let message = format!("`{name}` is not installed");
            let near = nearest(name, &known);
            let hint = did_you_mean(&near).unwrap_or_else(|| format!("`packctl install {name}`"));
            return Err(Failure::new(Exit::NotFound, message).with_hint(hint));
        }
    }
    let list = UpdateList {
        updates: updates
            .into_iter()
            .filter(|update| refs.is_empty() || refs.contains(&update.pack_ref))
            .collect(),
        freeze,
    };
    if list.updates.is_empty() {
        out.say("no pack is installed");
    }
    let now = Timestamp::now();
    out.show_list(&list, &list.updates, || {
        let blocks: Vec<String> = list
            .updates
            .iter()
            .map(|update| block(update, now))
            .collect();
        blocks.concat()
    });
    Ok(Ending::Exit(Exit::Done))
}

fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let near = packd_format::nearest(name, known.iter().map(String::as_str));
    near.map(ToString::to_string).into_iter().collect()
}

/// A pack in a few lines: what becomes of it, why, and when.
pub(super) fn block(update: &UpdateView, now: Timestamp) -> String {
    let name = clean(&update.pack_ref);
    let head = format!("{name} {}", clean(&update.installed));
    let mut lines = vec![
        format!("{}  {}", styled(BOLD, &head), verdict(update.decision)),
        format!("  {}", clean(&update.reason)),
    ];
    if let Some(next) = &update.next {
        let what = match update.decision {
            UpdateDecision::Due | UpdateDecision::Window => "begins",
            UpdateDecision::Failed => "tried again",
            _ => "over",
        };
        lines.push(format!("  {what}: {}", moment(next, now)));
    }
    let is_by_rule = update.registry.is_some() && update.available.is_some();
    if is_by_rule {
        lines.push(format!(
            "  rules: mode {}, allow {}; from registry {}",
            update.mode.as_str(),
            update.allow.as_str(),
            clean(update.registry.as_deref().unwrap_or_default())
        ));
    }
    lines.join("\n") + "\n"
}

fn verdict(decision: UpdateDecision) -> &'static str {
    match decision {
        UpdateDecision::UpToDate => "is up to date",
        UpdateDecision::Due => "will be updated",
        UpdateDecision::Window => "waits for a window",
        UpdateDecision::Failed => "could not be updated",
        UpdateDecision::Notify | UpdateDecision::Off => "is left to you",
        UpdateDecision::Held => "is held",
        UpdateDecision::Frozen => "is frozen",
        UpdateDecision::Blocked => "is kept from a version that was rolled back from",
        UpdateDecision::Phase => "waits for its phase",
        UpdateDecision::Requirement => "is kept in its requirement",
        UpdateDecision::Policy => "has nothing newer that may come",
        UpdateDecision::NoRegistry
        | UpdateDecision::UnknownRegistry
        | UpdateDecision::NotOffered => "cannot be updated",
    }
}

#[cfg(test)]
mod tests;
