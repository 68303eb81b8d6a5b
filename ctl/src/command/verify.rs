//! `verify`: whether the packs are as they were installed, and making them so again.

use packd_wire::{PackState, TreeView, VerifyRequest};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::interrupt::Interrupt;
use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::clean;
use crate::output::{Failure, Output, Width};

/// At most so many paths of a pack are shown; --output json has more.
const PATHS: usize = 8;

/// Compare packs with what was installed, and repair them
///
/// Every file of the packs is read: content, permissions and links, and what is missing or too much. The exit code is 1
/// when something is not as it was installed and was not repaired.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl verify                    every pack
  packctl verify slack --repair     bring slack again if it is damaged; what lies there is kept in quarantine/")]
pub(crate) struct Verify {
    /// The packs; none: every one
    #[arg(value_name = "REF", add = crate::complete::packs())]
    refs: Vec<String>,

    /// Bring again what is not as it was installed, the same bytes from the cache or from where they came
    #[arg(long)]
    repair: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Verify {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let request = VerifyRequest {
            refs: self.refs,
            repair: self.repair,
        };
        let mut interrupt = Interrupt::new()?;
        let job = client.verify(&request).await?;
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

/// A line per path of the packs that are not as they were installed.
pub(crate) fn table(trees: &[TreeView], width: Width) -> String {
    let bad = || trees.iter().filter(|tree| tree.state != PackState::Ok);
    if bad().next().is_none() {
        return String::new();
    }
    let mut table = Table::new(["REF", "VERSION", "STATE", "CHANGE", "PATH"]);
    for tree in bad() {
        let state = if tree.repaired {
            format!("{}, repaired", tree.state.as_str())
        } else {
            tree.state.as_str().to_owned()
        };
        let mut lines: Vec<(String, String)> = tree
            .differences
            .iter()
            .take(PATHS)
            .map(|one| (one.change.as_str().to_owned(), one.path.clone()))
            .collect();
        let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if tree.count > shown {
            lines.push(("…".to_owned(), format!("and {} more", tree.count - shown)));
        }
        if lines.is_empty() {
            lines.push(("-".to_owned(), "-".to_owned()));
        }
        for (number, (change, path)) in lines.into_iter().enumerate() {
            let first = |text: &str| {
                if number == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            table.row([
                first(&tree.pack_ref).into(),
                first(&tree.version).into(),
                first(&state).into(),
                change.into(),
                path.into(),
            ]);
        }
    }
    let mut text = table.render(width);
    for tree in bad() {
        if let Some(folder) = &tree.quarantine {
            let (name, folder) = (clean(&tree.pack_ref), clean(folder));
            text.push_str("what lay in the place of ");
            text.push_str(&name);
            text.push_str(" is in ");
            text.push_str(&folder);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests;
