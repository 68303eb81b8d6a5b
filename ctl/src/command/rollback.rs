//! `rollback`: back to the packs of an earlier generation, all of them or some.

use packd_wire::{Exit, RollbackRequest};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::generations::number;
use super::interrupt::Interrupt;
use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};

/// Go back to the packs of an earlier generation
///
/// Without arguments it is the generation that was active before the current one: it undoes the last change. A rollback
/// is a change too, so the second one undoes the first. `--generation` goes further back. With packs only these go
/// back, each to what it was before its own last change; a pack that was removed comes back.
///
/// What comes of it is a new generation. Nothing is downloaded. Updates pass over versions that were gone back from, until
/// somebody asks for one by its version.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl rollback                    undo the last change
  packctl rollback --dry-run          what that would be
  packctl generations                 what changed when
  packctl rollback --generation 41    the packs as they were then
  packctl rollback slack              only this pack")]
pub(crate) struct Rollback {
    /// Only these packs
    #[arg(value_name = "REF", add = crate::complete::packs())]
    refs: Vec<String>,

    /// The generation to go back to
    #[arg(long, short = 'g', value_name = "NUMBER", value_parser = number)]
    generation: Option<i64>,

    /// Roll back in spite of holds, and of packs that need what changes
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

impl Rollback {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut interrupt = Interrupt::new()?;
        let whole = [None];
        let named: Vec<Option<String>> = self.refs.into_iter().map(Some).collect();
        let wanted: &[Option<String>] = if named.is_empty() { &whole } else { &named };
        let asked = Asked::of(wanted.len());
        let (mut jobs, mut refused) = (Vec::new(), None);
        for pack_ref in wanted {
            let request = RollbackRequest {
                generation: self.generation,
                pack_ref: pack_ref.clone(),
                force: self.force,
                dry_run: self.dry_run,
            };
            match client.rollback(&request).await.map_err(Failure::from) {
                Ok(job) => jobs.push(job),
                Err(failure) if asked == Asked::One => return Err(failure),
                Err(failure) => {
                    // the others are no worse for it
                    let failure = failure.about(pack_ref.as_deref().unwrap_or_default());
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
