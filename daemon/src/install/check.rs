//! Step 5 of 7: what the packs of the plan need is there, and nobody is left without what they need.
//!
//! Reads only. Every failing of a plan is found before one is reported.

use packd_format::{Dependency, PreReleases, Version};
use packd_wire::{ErrorKind, StepName};

use crate::queue::{Claimed, Flags};
use crate::resolve::{Active, Plan, dependents};

use super::inspect::Inspected;
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
    },

    /// Active packs need something else than the new version.
    #[error("other packs need another version: {}", broken.join("; "))]
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
            Self::Unmet { missing, fixes, .. } => {
                let mut ways = fixes.clone();
                if !missing.is_empty() {
                    let missing: Vec<_> = missing.iter().map(|need| quoted(need)).collect();
                    ways.insert(
                        0,
                        format!("run `packctl install {}` first", missing.join(" ")),
                    );
                }
                ways.push("or say `--skip-deps` to install without".to_owned());
                ways.join(", ")
            }
            Self::Breaks { .. } => "`--force` installs it all the same".into(),
        }
    }
}

/// Checks the packs that are to become active.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    plan: &Plan,
    news: &[Inspected],
    active: &Active,
) -> Result<(), StepError> {
    job.begin(StepName::Check, None).await?;
    let Flags {
        force, skip_deps, ..
    } = job.request().flags();
    let mut said = Vec::new();

    let mut unmet = unmet(plan, news, active);
    if !unmet.is_empty() {
        super::earlier_first(context, job, needs(news), active).await?;
    }
    let runtime::Lacking {
        unmet: runtimes_unmet,
        fixes,
        unknown,
    } = runtimes(context, news).await?;
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
            job.warn(None, format!("{sentence}, and is installed by force"))
                .await?;
        }
    } else if !unmet.is_empty() {
        let missing = lacking(plan, news, active)
            .map(|(_, need)| installable(need))
            .collect::<std::collections::BTreeSet<_>>();
        let missing = missing.into_iter().collect();
        return Err(CheckError::Unmet {
            unmet,
            missing,
            fixes,
        }
        .into());
    }

    let broken = broken(plan, news, active);
    if !force && !broken.is_empty() {
        return Err(CheckError::Breaks { broken }.into());
    }
    for sentence in broken {
        job.warn(None, format!("{sentence}, and is installed by force"))
            .await?;
    }
    let count = news
        .iter()
        .map(|pack| pack.manifest.dependencies.len())
        .sum::<usize>();
    said.push(match count {
        0 => "no dependencies".to_owned(),
        1 => "1 dependency".to_owned(),
        count => format!("{count} dependencies"),
    });
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
pub(super) fn verdict(plan: &Plan, news: &[Inspected], active: &Active) -> Verdict {
    Verdict {
        unmet: unmet(plan, news, active),
        broken: broken(plan, news, active),
        left_behind: left_behind(plan, news, active),
    }
}

/// What this host lacks of the runtimes that the new packs need.
async fn runtimes(context: &Context, news: &[Inspected]) -> Result<runtime::Lacking, StepError> {
    let manifests: Vec<_> = news.iter().map(|pack| pack.manifest.clone()).collect();
    let configured = context.config.current().runtimes.clone();
    let prober = context.prober.clone();
    super::blocking(move || runtime::lacking(&manifests, &configured, &prober)).await
}

/// Every pack that the new ones need.
fn needs(news: &[Inspected]) -> Vec<String> {
    let dependencies = news.iter().flat_map(|pack| &pack.manifest.dependencies);
    dependencies.map(|need| need.pack_ref.to_string()).collect()
}

/// The version of `name` once the plan is active.
fn version_after(name: &str, plan: &Plan, news: &[Inspected], active: &Active) -> Option<Version> {
    if let Some(new) = news
        .iter()
        .find(|pack| pack.manifest.pack_ref.as_str() == name)
    {
        return Some(new.manifest.version.clone());
    }
    if plan.removed.iter().any(|pack| pack.pack_ref == name) {
        return None;
    }
    active
        .get(name)
        .and_then(|pack| crate::resolve::installed_version(pack).ok())
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

/// What the new packs need and will not have, each with who needs it.
fn lacking<'a>(
    plan: &'a Plan,
    news: &'a [Inspected],
    active: &'a Active,
) -> impl Iterator<Item = (&'a Inspected, &'a Dependency)> {
    let needs = news.iter().flat_map(|pack| {
        pack.manifest
            .dependencies
            .iter()
            .map(move |need| (pack, need))
    });
    needs.filter(|(_, need)| {
        version_after(need.pack_ref.as_str(), plan, news, active)
            .is_none_or(|version| !need.requirement.matches(&version, PreReleases::Include))
    })
}

fn unmet(plan: &Plan, news: &[Inspected], active: &Active) -> Vec<String> {
    let sentences = lacking(plan, news, active).map(|(pack, need)| {
        let who = &pack.manifest.pack_ref;
        let what = format!("{}@{}", need.pack_ref, need.requirement);
        match version_after(need.pack_ref.as_str(), plan, news, active) {
            Some(version) => format!("`{who}` needs `{what}`, and {version} is installed"),
            None => format!("`{who}` needs `{what}`, which is not installed"),
        }
    });
    sentences.collect()
}

/// Whether the pack will not be there any more in its present version.
fn is_going(name: &str, plan: &Plan, news: &[Inspected]) -> bool {
    plan.removed.iter().any(|pack| pack.pack_ref == name)
        || news
            .iter()
            .any(|pack| pack.manifest.pack_ref.as_str() == name)
}

fn left_behind(plan: &Plan, news: &[Inspected], active: &Active) -> Vec<String> {
    let mut sentences = Vec::new();
    for gone in &plan.removed {
        for (dependent, requirement) in dependents(active, &gone.pack_ref) {
            if !is_going(&dependent, plan, news) {
                sentences.push(format!(
                    "`{dependent}` needs `{}@{requirement}`",
                    gone.pack_ref
                ));
            }
        }
    }
    sentences
}

fn broken(plan: &Plan, news: &[Inspected], active: &Active) -> Vec<String> {
    let mut sentences = Vec::new();
    for pack in news {
        let (name, version) = (&pack.manifest.pack_ref, &pack.manifest.version);
        for (dependent, requirement) in dependents(active, name.as_str()) {
            if !is_going(&dependent, plan, news)
                && !requirement.matches(version, PreReleases::Include)
            {
                sentences.push(format!(
                    "`{dependent}` needs `{name}@{requirement}`, not {version}"
                ));
            }
        }
    }
    sentences
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
        };
        let command = "`packctl install slack@^2 teams 'vault@>=1.4, <3'`";
        assert!(error.hint().contains(command), "{}", error.hint());
    }
}
