//! `apply`: a plan that was made before, run as it is.

use std::path::PathBuf;

use super::changes::{self, Asked, Waiting};
use super::interrupt::Interrupt;
use super::plan_file;
use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};

/// Run a plan that was saved before
///
/// Exactly the plan is run, or nothing: when the packs of this host, or what a registry offers, are not any more
/// what it was made on, it is refused, and says what has changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl install slack --plan-file plan.json    what would change, saved
  packctl apply --plan-file plan.json            just that")]
pub(crate) struct Apply {
    /// The plan, as `packctl install --plan-file` wrote it
    #[arg(long, value_name = "FILE")]
    plan_file: PathBuf,

    /// Show whether the plan could still be run, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Apply {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut request = plan_file::read(&self.plan_file)?;
        request.dry_run = self.dry_run;
        let mut interrupt = Interrupt::new()?;
        let job = client.apply(&request).await?;
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
