//! `install`: from registries and URLs by request, from this machine by upload.

mod local;
mod order;
mod source;

use std::path::{Path, PathBuf};

use packd_wire::{ApplyRequest, Exit, InstallRequest, JobView, UploadQuery};

use super::asked::Asked;
use super::changes::{self, Waiting};
use super::folder;
use super::interrupt::Interrupt;
use super::plan_file;
use crate::Ending;
use crate::client::Client;
use crate::output::{Failure, Output};
use local::Local;
use source::Source;

/// Install packs, or bring them to another version
///
/// A bare word is always a registry reference. A path has a slash or the ending of an archive, and
/// is sent to packd by packctl. Installing what is installed already changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl install slack                      the newest version that a registry offers
  packctl install slack@^2 http@1.4.0        several, each at a version that will do
  packctl install https://example.org/slack-2.1.0.tar.gz --checksum sha256:…
  packctl install ./slack                    a folder with a pack.yaml
  packctl install github:acme/slack@v2.1.0   a tag, branch or commit of a git repository
  packctl install git@git.example.org:packs.git --ref main --path slack
  packctl install slack --dry-run            what would change, without changing it
  packctl install slack --plan-file FILE     the same, saved for packctl apply --plan-file FILE")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is typed"
)]
pub(crate) struct Install {
    /// What to install: REF, REF@REQUIREMENT, a URL, a git repository, a folder or an archive
    #[arg(required = true, value_name = "SOURCE", add = crate::complete::sources())]
    sources: Vec<String>,

    /// The version that will do, such as 2.1.0 or ^2, instead of the one after @
    #[arg(long, value_name = "REQUIREMENT")]
    version: Option<String>,

    /// Branch, tag or commit of a git repository
    #[arg(long = "ref", value_name = "GIT_REF")]
    git_ref: Option<String>,

    /// Folder inside the archive or repository that is the pack
    #[arg(long, value_name = "FOLDER")]
    path: Option<String>,

    /// What the archive must digest to: sha256:HEX or sha512:HEX
    #[arg(long, value_name = "DIGEST")]
    checksum: Option<String>,

    /// Ask only this registry
    #[arg(long, value_name = "NAME", conflicts_with = "no_registry")]
    #[arg(add = crate::complete::registries())]
    registry: Option<String>,

    /// Ask no registry
    #[arg(long)]
    no_registry: bool,

    /// Install again what is installed, in spite of dependents and unmet dependencies
    #[arg(long, short)]
    force: bool,

    /// Do not check what the pack depends on
    #[arg(long)]
    skip_deps: bool,

    /// Do not run the pack's own tests
    #[arg(long)]
    skip_tests: bool,

    /// Take an installed pack from another registry than it came from, with --registry
    #[arg(long)]
    change_origin: bool,

    /// Consider pre-releases
    #[arg(long)]
    pre: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Save what would change, and change nothing; `packctl apply` runs it
    #[arg(long, value_name = "FILE", conflicts_with = "no_wait")]
    plan_file: Option<PathBuf>,

    #[command(flatten)]
    waiting: Waiting,
}

impl Install {
    /// The same as Attune's client means it: `--ref-spec` is the git reference, and whoever skips the tests skips
    /// the dependencies too.
    pub(crate) fn meant_by_attune(mut self, ref_spec: Option<String>) -> Self {
        self.git_ref = self.git_ref.or(ref_spec);
        self.skip_deps |= self.skip_tests;
        self
    }

    /// The install of something on this machine, as Attune's client means it. A mere name is a path too.
    pub(crate) fn of_path(path: &Path, force: bool, skip_tests: bool, waiting: Waiting) -> Self {
        let here = if path.has_root() { "" } else { "./" };
        Self {
            sources: vec![format!("{here}{}", path.display())],
            version: None,
            git_ref: None,
            path: None,
            checksum: None,
            registry: None,
            no_registry: false,
            force,
            skip_deps: skip_tests,
            skip_tests,
            change_origin: false,
            pre: false,
            dry_run: false,
            plan_file: None,
            waiting,
        }
    }

    #[cfg(test)]
    pub(crate) fn skips_dependencies(&self) -> bool {
        self.skip_deps
    }

    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        // everything is looked at before anything is sent
        let mut sources = self.sources()?;
        for source in &sources {
            if let Some(name) = source.shadowing_folder(Path::new(".")) {
                out.hint(&format!(
                    "a folder `{name}` exists here; to install it, say ./{name}"
                ));
            }
        }
        let mut locals = sources
            .iter()
            .map(|source| self.inspected(source))
            .collect::<Result<Vec<_>, Failure>>()?;
        if locals.iter().flatten().count() > 1 {
            (sources, locals) = self.in_order(sources, locals).await?;
        }

        let mut interrupt = Interrupt::new()?;
        let asked = Asked::of(sources.len());
        let (mut jobs, mut refused) = (Vec::new(), None);
        for (source, local) in sources.iter().zip(locals) {
            let submitted = tokio::select! {
                submitted = self.submit(client, out, source, local) => submitted,
                () = interrupt.comes() => {
                    let ids: Vec<i64> = jobs.iter().map(|job: &JobView| job.id).collect();
                    changes::detached(out, &ids);
                    return Ok(Ending::Detached);
                }
            };
            match submitted {
                Ok(job) => jobs.push(job),
                Err(failure) if asked == Asked::One => return Err(failure),
                Err(failure) => {
                    // the others are no worse for it
                    let failure = failure.about(&source.text());
                    out.failure(&failure);
                    refused.get_or_insert(failure.exit());
                }
            }
        }
        let planned = jobs.first().map(|job| job.id);
        let ending =
            changes::follow(client, out, jobs, asked, &self.waiting, &mut interrupt).await?;
        if let (Some(path), Some(job), Ending::Exit(Exit::Done)) =
            (&self.plan_file, planned, &ending)
        {
            self.save(path, &client.job(job).await?, out)?;
        }
        Ok(match (ending, refused) {
            (Ending::Exit(Exit::Done), Some(exit)) => Ending::Exit(exit),
            (ending, _) => ending,
        })
    }

    /// Saves the plan of a job that was a dry run.
    fn save(&self, path: &Path, job: &JobView, out: &mut Output) -> Result<(), Failure> {
        let flags = ApplyRequest {
            force: self.force,
            skip_deps: self.skip_deps,
            skip_tests: self.skip_tests,
            change_origin: self.change_origin,
            ..ApplyRequest::default()
        };
        plan_file::write(path, job, &flags)?;
        out.say(&format!(
            "saved; to run just that: packctl apply --plan-file {}",
            path.display()
        ));
        Ok(())
    }

    /// The same in the order in which they have to go: what another one needs before it.
    async fn in_order(
        &self,
        sources: Vec<Source>,
        mut locals: Vec<Option<Local>>,
    ) -> Result<(Vec<Source>, Vec<Option<Local>>), Failure> {
        let inner = self.path.clone();
        let look = move || {
            let seen = locals
                .iter_mut()
                .map(|local| local.as_mut()?.look(inner.as_deref()))
                .collect::<Vec<_>>();
            (order::order(&seen), locals)
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let (order, locals) =
            looked.map_err(|panic| Failure::of(Exit::Failed, "cannot read the sources", &panic))?;
        let mut pairs: Vec<Option<(Source, Option<Local>)>> =
            sources.into_iter().zip(locals).map(Some).collect();
        let ordered = order.into_iter().filter_map(|place| pairs[place].take());
        Ok(ordered.unzip())
    }

    fn is_dry(&self) -> bool {
        self.dry_run || self.plan_file.is_some()
    }

    fn sources(&self) -> Result<Vec<Source>, Failure> {
        let sources = self
            .sources
            .iter()
            .map(|text| {
                Source::of(text).map(|source| source.or_repository(text, self.git_ref.as_deref()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let one_only = [
            ("--version", self.version.is_some()),
            ("--ref", self.git_ref.is_some()),
            ("--path", self.path.is_some()),
            ("--checksum", self.checksum.is_some()),
            ("--plan-file", self.plan_file.is_some()),
        ];
        if let Some((flag, _)) = one_only.iter().find(|(_, given)| *given)
            && sources.len() > 1
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{flag}` is about one source, not several"),
            )
            .with_hint("say it in an install of its own; REF@REQUIREMENT names a version"));
        }
        let fetched_only = [
            ("--version", self.version.is_some()),
            ("--ref", self.git_ref.is_some()),
            ("--registry", self.registry.is_some()),
            ("--change-origin", self.change_origin),
        ];
        let has_local = sources
            .iter()
            .any(|source| matches!(source, Source::Local(_)));
        if let Some((flag, _)) = fetched_only.iter().find(|(_, given)| *given)
            && has_local
        {
            return Err(Failure::new(
                Exit::Usage,
                format!("`{flag}` has no meaning for a folder or an archive on this machine"),
            )
            .with_hint(format!("leave `{flag}` out")));
        }
        Ok(sources)
    }

    fn inspected(&self, source: &Source) -> Result<Option<Local>, Failure> {
        match source {
            Source::Local(path) => Ok(Some(Local::inspect(path, self.path.as_deref())?)),
            Source::Reference(_) | Source::Url(_) => Ok(None),
        }
    }

    async fn submit(
        &self,
        client: &Client,
        out: &mut Output,
        source: &Source,
        local: Option<Local>,
    ) -> Result<JobView, Failure> {
        if let Some(local) = local {
            let query = UploadQuery {
                name: Some(local.name()),
                path: self.path.clone(),
                checksum: self.checksum.clone(),
                force: self.force,
                skip_deps: self.skip_deps,
                skip_tests: self.skip_tests,
                dry_run: self.is_dry(),
                wait: None,
            };
            let path = local.path().to_owned();
            let (job, left_out) = local.send(client, &mut out.progress(), &query).await?;
            folder::tell(&path, &left_out, out);
            return Ok(job);
        }
        let request = InstallRequest {
            source: source.text().into_owned(),
            version: self.version.clone(),
            git_ref: self.git_ref.clone(),
            path: self.path.clone(),
            checksum: self.checksum.clone(),
            registry: self.registry.clone(),
            no_registry: self.no_registry,
            force: self.force,
            skip_deps: self.skip_deps,
            skip_tests: self.skip_tests,
            change_origin: self.change_origin,
            pre: self.pre,
            dry_run: self.is_dry(),
        };
        Ok(client.install(&request).await?)
    }
}
