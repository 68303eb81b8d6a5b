//! `apply`: what shall be, from a file; or a plan that was made before, run as it is.

mod diff;
mod registries;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use packd_wire::{ApplyRequest, Desired, DesiredPack, Exit};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::interrupt::Interrupt;
use super::{packs_file, plan_file};
use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};

use registries::RegistryAction;
pub(crate) use registries::RegistryNote;

/// What is done beside the job.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The registries that are, or would be, added or changed.
    pub(crate) registries: Vec<RegistryNote>,
    /// Packs of which a check can say nothing before these registries are there, in words.
    pub(crate) unplanned: Vec<String>,
}

impl Notes {
    /// The registries that are not there yet.
    fn added(&self) -> impl Iterator<Item = &str> {
        let added = self.registries.iter();
        added
            .filter(|note| note.action == RegistryAction::Add)
            .map(|note| note.name.as_str())
    }
}

/// Make this host have the packs that a file names, or run a plan that was saved
///
/// With --file, each pack is there afterwards in a version that will do, all of them in one step or none. What is as it
/// shall be stays; done again, nothing changes. `packctl export` writes such a file.
///
/// With --plan-file, exactly the plan is run, or nothing: when the packs of this host, or what a registry offers, are not
/// any more what it was made on, it is refused, and says what has changed.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["file", "plan_file"]),
    after_help = "\
Examples:
  packctl apply -f packs.yaml --check --diff     what would change
  packctl apply -f packs.yaml                    just that
  packctl apply -f packs.yaml --prune            and nothing else stays
  echo 'packs: {slack: \"^2\"}' | packctl apply -f -
  packctl apply --plan-file plan.json            what `packctl install slack --plan-file plan.json` planned"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is typed"
)]
pub(crate) struct Apply {
    /// What shall be, as YAML; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,

    /// The plan, as `packctl install --plan-file` wrote it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prune", "pre", "force", "skip_deps", "skip_tests", "change_origin"])]
    plan_file: Option<PathBuf>,

    /// Remove the packs that the file does not name and none of its packs needs
    #[arg(long)]
    prune: bool,

    /// Show what would change, and change nothing
    #[arg(long, visible_alias = "check")]
    dry_run: bool,

    /// Show what changes as a diff
    #[arg(long)]
    diff: bool,

    /// Consider pre-releases
    #[arg(long)]
    pre: bool,

    /// Change packs in spite of holds, unmet dependencies and dependents
    #[arg(long)]
    force: bool,

    /// Do not check dependencies
    #[arg(long)]
    skip_deps: bool,

    /// Do not run the packs' own tests
    #[arg(long)]
    skip_tests: bool,

    /// Take packs from the registries that the file names, also where they came from others
    #[arg(long)]
    change_origin: bool,

    #[command(flatten)]
    waiting: Waiting,
}

impl Apply {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut interrupt = Interrupt::new()?;
        let (mut request, notes) = match (&self.plan_file, &self.file) {
            (Some(plan), _) => (plan_file::read(plan)?, None),
            (None, Some(file)) => {
                let (request, notes) = self.desired(file, client, out).await?;
                (request, Some(notes))
            }
            // one of the two is there, or the command line was refused
            (None, None) => return Ok(Ending::Exit(Exit::Usage)),
        };
        request.dry_run = self.dry_run;
        let job = client.apply(&request).await?;
        let asked = notes.as_ref().map_or(Asked::One, Asked::Desired);
        let id = job.id;
        let ending =
            changes::follow(client, out, vec![job], asked, &self.waiting, &mut interrupt).await?;
        let is_done = ending == Ending::Exit(Exit::Done) && !self.waiting.no_wait;
        if self.diff && is_done && out.is_human() {
            let job = client.job(id).await?;
            let plan = job.plan.unwrap_or_default();
            out.data(&diff::of(&plan, &notes.unwrap_or_default()));
        }
        Ok(ending)
    }

    /// What a file asks for, and what is done about its registries.
    async fn desired(
        &self,
        path: &Path,
        client: &Client,
        out: &mut Output,
    ) -> Result<(ApplyRequest, Notes), Failure> {
        let file = packs_file::read(path)?;
        let mut notes = Notes {
            registries: registries::look(&file, client, out).await?,
            unplanned: Vec::new(),
        };
        if !self.dry_run {
            registries::put(&file, &mut notes.registries, client, out).await?;
        }
        let mut packs = file.packs;
        if self.dry_run {
            Self::set_apart(&mut packs, &mut notes, client).await?;
        }
        let request = ApplyRequest {
            prune: self.prune,
            // what would be left of a check is no slip
            force: self.force || (packs.is_empty() && !notes.unplanned.is_empty()),
            packs: Some(packs),
            pre: self.pre,
            skip_deps: self.skip_deps,
            skip_tests: self.skip_tests,
            change_origin: self.change_origin,
            ..ApplyRequest::default()
        };
        Ok((request, notes))
    }

    /// Takes out of a check what may come from registries that are not there yet: nobody can be asked about that. What is
    /// installed of it stays.
    async fn set_apart(
        packs: &mut BTreeMap<String, Desired>,
        notes: &mut Notes,
        client: &Client,
    ) -> Result<(), Failure> {
        let added: Vec<&str> = notes.added().collect();
        if added.is_empty() {
            return Ok(());
        }
        let installed = client.packs().await?.packs;
        let is_installed = |name: &str| installed.iter().any(|pack| pack.pack_ref == name);
        let mut unplanned = Vec::new();
        for (name, desired) in packs.iter_mut() {
            let pack = desired.pack();
            let may_come = match &pack.registry {
                Some(registry) => added.contains(&registry.as_str()),
                None => pack.source.is_none() && !pack.uploaded && !is_installed(name),
            };
            if may_come {
                *desired = DesiredPack::default().into();
                let version = pack.version.map(|version| format!(" {version}"));
                let from = pack.registry.map(|registry| format!(" ({registry})"));
                unplanned.push((
                    name.clone(),
                    format!(
                        "{name}{}{}",
                        version.unwrap_or_default(),
                        from.unwrap_or_default()
                    ),
                ));
            }
        }
        for (name, _) in &unplanned {
            if !is_installed(name) {
                packs.remove(name);
            }
        }
        notes.unplanned = unplanned.into_iter().map(|(_, words)| words).collect();
        Ok(())
    }
}
