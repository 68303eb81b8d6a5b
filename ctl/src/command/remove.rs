//! `remove`: one job per pack, followed together.

use packd_wire::{Exit, RemoveQuery};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::interrupt::Interrupt;
use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};

/// Remove packs
///
/// Refused while other packs need what is to be removed. Removing what is not installed changes
/// nothing, and is no error.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is typed"
)]
pub(crate) struct Remove {
    /// What to remove
    #[arg(required = true, value_name = "REF", add = crate::complete::packs())]
    refs: Vec<String>,

    /// Remove the packs that need it too
    #[arg(long)]
    cascade: bool,

    /// Remove it in spite of the packs that need it, and although it is a system pack
    #[arg(long, short)]
    force: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Accepted for scripts that say it: nothing is ever asked
    #[arg(long, short, hide = true)]
    yes: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Remove {
    /// The removal of one pack that nobody needs.
    pub(crate) fn of(pack_ref: String, waiting: Waiting) -> Self {
        Self {
            refs: vec![pack_ref],
            cascade: false,
            force: false,
            dry_run: false,
            yes: false,
            waiting,
        }
    }

    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = RemoveQuery {
            cascade: self.cascade,
            force: self.force,
            dry_run: self.dry_run,
            wait: None,
        };
        let mut interrupt = Interrupt::new()?;
        let asked = Asked::of(self.refs.len());
        let (mut jobs, mut refused) = (Vec::new(), None);
        for pack_ref in &self.refs {
            match client.remove(pack_ref, &query).await.map_err(Failure::from) {
                Ok(job) => jobs.push(job),
                Err(failure) if asked == Asked::One => return Err(failure),
                Err(failure) => {
                    // the others are no worse for it
                    let failure = failure.about(pack_ref);
                    out.failure(&failure);
                    refused.get_or_insert(failure.exit());
                }
            }
        }
        let ending =
            changes::follow(client, out, jobs, asked, &self.waiting, &mut interrupt).await?;
        Ok(match (ending, refused) {
            (Ending::Exit(Exit::Done), Some(exit)) => Ending::Exit(exit),
            (ending, _) => ending,
        })
    }
}
