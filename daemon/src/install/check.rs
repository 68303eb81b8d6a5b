//! Step 5 of 7: what the packs of the plan need is there, and nobody is left without what they need.
//!
//! Reads only. Every failing of a plan is found before one is reported.

use std::collections::BTreeMap;

use packd_format::{Dependency, Manifest, PreReleases, Version};
use packd_wire::{ErrorKind, StepName};

use crate::queue::{Claimed, Flags};
use crate::resolve::{Active, Plan, Wanted, dependents};

use super::inspected::Inspected;
use super::{Context, StepError, runtime};

/// Why the plan may not become active.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// Packs that are needed are not there.
    #[error("Pack dependency validation failed")]
    Unmet {
        /// Each in one sentence: one line each, below the error's own.
        unmet: Vec<String>,
        /// The packs that would do, as `packctl install` takes them.
        missing: Vec<String>,
        /// What helps against those that are runtimes.
        fixes: Vec<String>,
        /// What does it all the same, behind `or say`.
        way_out: &'static str,
    },

    /// Active packs need something else than the new version, or what a rollback removes.
    #[error("other packs need what changes as it is: {}", broken.join("; "))]
    Breaks {
        /// Each in one sentence.
        broken: Vec<String>,
    },
}

impl CheckError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Unmet { .. } => ErrorKind::DependencyUnmet,
            Self::Breaks { .. } => ErrorKind::RequiredBy,
        }
    }

    /// What is wrong, one line each, where it is more than the error itself says.
    #[must_use]
    pub(crate) fn causes(&self) -> &[String] {
        match self {
            Self::Unmet { unmet, .. } => unmet,
            Self::Breaks { .. } => &[],
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unmet {
                missing,
                fixes,
                way_out,
                ..
            } => {
                let mut ways = fixes.clone();
                if !missing.is_empty() {
                    let missing: Vec<_> = missing.iter().map(|need| quoted(need)).collect();
                    ways.insert(
                        0,
                        format!("run `packctl install {}` first", missing.join(" ")),
                    );
                }
                ways.push(format!("or say {way_out}"));
                ways.join(", ")
            }
            Self::Breaks { .. } => "`--force` does it all the same".into(),
        }
    }
}

/// Checks the packs that are to become active.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    plan: &Plan,
    news: &[Inspected],
    coming: &[Manifest],
    active: &Active,
) -> Result<(), StepError> {
    job.begin(StepName::Check, None).await?;
    let Flags {
        force,
        skip_deps,
        dry_run,
        ..
    } = job.request().flags();
    let mut said = Vec::new();

    let is_rollback = plan.target.is_some();
    let done = if is_rollback {
        "is rolled back"
    } else {
        "is installed"
    };
    let after = After::new(plan, coming, active);
    let mut unmet = after.unmet(coming);
    if !unmet.is_empty() {
        super::earlier_first(context, job, needs(coming), active).await?;
    }
    let runtime::Lacking {
        unmet: runtimes_unmet,
        fixes,
        unknown,
    } = runtimes(context, coming.to_vec()).await?;
    unmet.extend(runtimes_unmet);
    for sentence in unknown {
        job.warn(None, sentence).await?;
    }
    if skip_deps {
        said.push("dependencies skipped".to_owned());
        for sentence in unmet {
            job.warn(
                None,
                format!("{sentence}, and dependencies were to be skipped"),
            )
            .await?;
        }
    } else if force {
        for sentence in unmet {
            job.warn(None, format!("{sentence}, and {done} by force"))
                .await?;
        }
    } else if !unmet.is_empty() {
        let missing = after
            .lacking(coming)
            .map(|(_, need)| installable(need))
            .collect::<std::collections::BTreeSet<_>>();
        let missing = missing.into_iter().collect();
        return Err(CheckError::Unmet {
            unmet,
            missing,
            fixes,
            way_out: if is_rollback {
                "`--force` to roll back all the same"
            } else {
                "`--skip-deps` to install without"
            },
        }
        .into());
    }

    let mut broken = after.broken();
    if is_rollback {
        broken.extend(after.left_behind(plan));
    }
    if !force && !broken.is_empty() {
        return Err(CheckError::Breaks { broken }.into());
    }
    for sentence in broken {
        job.warn(None, format!("{sentence}, and {done} by force"))
            .await?;
    }
    let is_here = |wanted: &Wanted| news.iter().any(|pack| pack.wanted.is_same(wanted));
    let planned = (plan.wanted.iter()).filter(|wanted| dry_run && !is_here(wanted));
    let planned: Vec<usize> = planned
        .map(|wanted| wanted.needs.as_ref().map_or(0, Vec::len))
        .collect();
    let count = coming
        .iter()
        .map(|pack| pack.dependencies.len())
        .chain(planned.iter().copied())
        .sum::<usize>();
    said.push(match count {
        0 => "no dependencies".to_owned(),
        1 => "1 dependency".to_owned(),
        count => format!("{count} dependencies"),
    });
    if !planned.is_empty() {
        said.push("what is needed of this host is seen at the install".to_owned());
    }
    job.complete(StepName::Check, said.join(", ")).await?;
    Ok(())
}

/// What is judged of a plan on a set of active packs, each failing in one sentence, whoever accepted it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What the new packs lack.
    unmet: Vec<String>,
    /// Who needs another version than the new one.
    broken: Vec<String>,
    /// Who needs what is removed.
    left_behind: Vec<String>,
}

/// Judges a plan on these active packs.
pub(super) fn verdict(plan: &Plan, coming: &[Manifest], active: &Active) -> Verdict {
    let after = After::new(plan, coming, active);
    Verdict {
        unmet: after.unmet(coming),
        broken: after.broken(),
        left_behind: after.left_behind(plan),
    }
}

/// Adds to a failure what this host lacks of the runtimes that the packs need: all that is missing is told at once.
///
/// # Errors
/// [`StepError`], when the runtimes cannot be asked for.
pub(super) async fn add_runtimes(
    context: &Context,
    packs: &[Inspected],
    failure: &mut StepError,
) -> Result<(), StepError> {
    let manifests = packs.iter().map(|pack| pack.manifest.clone()).collect();
    let runtime::Lacking { unmet, fixes, .. } = runtimes(context, manifests).await?;
    if let StepError::Failed { problem, .. } = failure {
        problem.causes.extend(unmet);
        let ways: Vec<String> = problem.hint.take().into_iter().chain(fixes).collect();
        problem.hint = (!ways.is_empty()).then(|| ways.join(", "));
    }
    Ok(())
}

/// What this host lacks of the runtimes that the new packs need.
async fn runtimes(
    context: &Context,
    manifests: Vec<Manifest>,
) -> Result<runtime::Lacking, StepError> {
    let configured = context.config.current().runtimes.clone();
    let prober = context.prober.clone();
    super::blocking(move || runtime::lacking(&manifests, &configured, &prober)).await
}

/// Every pack that the new ones need.
fn needs(coming: &[Manifest]) -> Vec<String> {
    let dependencies = coming.iter().flat_map(|pack| &pack.dependencies);
    dependencies.map(|need| need.pack_ref.to_string()).collect()
}

/// The packs that a plan changes, as they will be.
struct After<'a> {
    active: &'a Active,
    /// The version of each pack that changes; none when it goes.
    changed: BTreeMap<&'a str, Option<Version>>,
}

/// What brings a dependency: its repository, where it is named by one, or else what registries offer.
fn installable(need: &Dependency) -> String {
    match &need.url {
        Some(url) => url.clone(),
        None if need.requirement.is_any() => need.pack_ref.to_string(),
        None => format!("{}@{}", need.pack_ref, need.requirement),
    }
}

/// The same as a word of a shell.
fn quoted(need: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@^._-+".contains(c);
    if need.chars().all(is_plain) {
        need.to_owned()
    } else {
        format!("'{need}'")
    }
}

impl<'a> After<'a> {
    fn new(plan: &'a Plan, coming: &'a [Manifest], active: &'a Active) -> Self {
        let planned = plan.wanted.iter().filter_map(|wanted| {
            let name = wanted.pack_ref.as_ref()?;
            Some((name.as_str(), Some(wanted.version.clone()?)))
        });
        let brought = coming
            .iter()
            .map(|pack| (pack.pack_ref.as_str(), Some(pack.version.clone())));
        let removed = plan
            .removed
            .iter()
            .map(|pack| (pack.pack_ref.as_str(), None));
        Self {
            active,
            changed: removed.chain(planned).chain(brought).collect(),
        }
    }

    fn version_of(&self, name: &str) -> Option<Version> {
        match self.changed.get(name) {
            Some(version) => version.clone(),
            None => self
                .active
                .get(name)
                .and_then(|pack| crate::resolve::installed_version(pack).ok()),
        }
    }

    /// What the new packs need and will not have, each with who needs it.
    fn lacking(
        &self,
        coming: &'a [Manifest],
    ) -> impl Iterator<Item = (&'a Manifest, &'a Dependency)> {
        let needs = coming
            .iter()
            .flat_map(|pack| pack.dependencies.iter().map(move |need| (pack, need)));
        needs.filter(|(_, need)| {
            self.version_of(need.pack_ref.as_str())
                .is_none_or(|version| !need.requirement.matches(&version, PreReleases::Include))
        })
    }

    /// The same, each in a sentence.
    fn unmet(&self, coming: &'a [Manifest]) -> Vec<String> {
        let sentences = self.lacking(coming).map(|(pack, need)| {
            let who = &pack.pack_ref;
            let what = format!("{}@{}", need.pack_ref, need.requirement);
            match self.version_of(need.pack_ref.as_str()) {
                Some(version) => format!("`{who}` needs `{what}`, and {version} is installed"),
                None => format!("`{who}` needs `{what}`, which is not installed"),
            }
        });
        sentences.collect()
    }

    /// What active packs that stay need of those that are removed.
    fn left_behind(&self, plan: &Plan) -> Vec<String> {
        let mut sentences = Vec::new();
        for gone in &plan.removed {
            for (dependent, requirement) in dependents(self.active, &gone.pack_ref) {
                if !self.changed.contains_key(dependent.as_str()) {
                    sentences.push(format!(
                        "`{dependent}` needs `{}@{requirement}`, which is removed",
                        gone.pack_ref
                    ));
                }
            }
        }
        sentences
    }

    /// What active packs that stay as they are need and will not have any more. What they lack already is not made
    /// worse.
    fn broken(&self) -> Vec<String> {
        let active = self.active;
        let mut sentences = Vec::new();
        for (name, version) in &self.changed {
            let Some(version) = version else {
                continue;
            };
            let before = active
                .get(*name)
                .and_then(|pack| crate::resolve::installed_version(pack).ok());
            for (dependent, requirement) in dependents(active, name) {
                let stays = !self.changed.contains_key(dependent.as_str());
                let suits = |version: &Version| requirement.matches(version, PreReleases::Include);
                if stays && !suits(version) && before.as_ref().is_some_and(suits) {
                    sentences.push(format!(
                        "`{dependent}` needs `{name}@{requirement}`, not {version}"
                    ));
                }
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_a_command_that_installs_what_is_missing() {
        let error = CheckError::Unmet {
            unmet: Vec::new(),
            missing: vec!["slack@^2".into(), "teams".into(), "vault@>=1.4, <3".into()],
            fixes: vec!["install python3 3.10".into()],
            way_out: "`--skip-deps` to install without",
        };
        let command = "`packctl install slack@^2 teams 'vault@>=1.4, <3'`";
        assert!(error.hint().contains(command), "{}", error.hint());
    }
}
