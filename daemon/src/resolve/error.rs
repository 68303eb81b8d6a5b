//! Why there is no plan.

mod request;
mod rollback;

use std::sync::Arc;

use packd_format::VersionError;
use packd_wire::{ErrorKind, HoldView};

pub(crate) use self::request::RequestError;
pub(crate) use self::rollback::RollbackError;
use super::desired::DesiredError;
use super::hold;
use super::solver::{Explanation, Spent};
use crate::registry::RegistryError;
use crate::source::git::GitError;
use crate::store::StoreError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// What the request says is wrong on its face; its own words say it best.
    #[error(transparent)]
    Request(#[from] RequestError),

    /// There is nothing to go back to; its own words say it best.
    #[error(transparent)]
    Rollback(#[from] RollbackError),

    /// No commit of a repository could be chosen; its own words say it best.
    #[error(transparent)]
    Git {
        /// Why.
        source: GitError,
    },

    /// A tag leads to another commit than when the same version was installed before.
    #[error(transparent)]
    Moved(Box<Moved>),

    /// A tag names another commit than when it brought a pack.
    #[error("tag `{tag}` of {url} was commit {known} when it was installed, and is {actual} now")]
    MovedTag {
        /// The tag.
        tag: String,
        /// The repository.
        url: String,
        /// The commit of before.
        known: String,
        /// The commit of now.
        actual: String,
    },

    /// An archive has another checksum than when the same version was installed before.
    #[error(transparent)]
    Changed(Box<Changed>),

    /// The registries do not offer it, or cannot be asked; their own words say it best.
    #[error(transparent)]
    Registry(Arc<RegistryError>),

    /// The requirements of packs exclude each other.
    #[error("{}", .0.summary)]
    Conflict(Box<Explanation>),

    /// The host, or what a registry offers, is not any more what a plan was made on.
    #[error("the plan is outdated: {}", changes.join("; "))]
    Outdated {
        /// What is different, each in a sentence.
        changes: Vec<String>,
    },

    /// A plan that cannot be one.
    #[error("the plan cannot be run: {why}")]
    NoPlan {
        /// What is wrong with it.
        why: String,
    },

    /// What shall be cannot be so; its own words say it best.
    #[error(transparent)]
    Desired(Box<DesiredError>),

    /// The search for a plan was given up.
    #[error(transparent)]
    Spent(Spent),

    /// Nobody waits for the plan any more.
    #[error("nobody waits for the plan")]
    Stopped,

    /// The registry that an installed pack came from is not asked any more.
    #[error("`{pack}` came from registry `{registry}`, which is not configured any more")]
    Orphan {
        /// The pack.
        pack: String,
        /// The registry.
        registry: String,
    },

    /// An installed pack is to come from another registry than it came from.
    #[error("`{pack}` came from registry `{registry}`, and would come from `{other}`")]
    OtherRegistry {
        /// The pack.
        pack: String,
        /// Where it came from.
        registry: String,
        /// Where it would come from.
        other: String,
    },

    /// The name of the registry that an installed pack came from means another one now.
    #[error(
        "`{pack}` came from registry `{registry}` when its root called it {known}, and its root calls it {other} now"
    )]
    OtherRoot {
        /// The pack.
        pack: String,
        /// The name of both.
        registry: String,
        /// What the root of before called the registry.
        known: String,
        /// What the root of now calls it.
        other: String,
    },

    /// The store cannot be looked into.
    #[error("cannot see what is installed")]
    Store(#[source] StoreError),

    /// It is to stay as it is.
    #[error("`{pack}` {version} is held{}", hold::shown(hold))]
    Held {
        /// The pack.
        pack: String,
        /// The version that it is held in.
        version: String,
        /// Until when, and what for.
        hold: Box<HoldView>,
    },

    /// It is to be updated, and is not there.
    #[error("`{pack}` is not installed")]
    NotInstalled {
        /// The pack.
        pack: String,
    },

    /// It is to be updated, and nobody knows newer versions of it.
    #[error("`{pack}` came from no registry")]
    Homeless {
        /// The pack.
        pack: String,
    },

    /// Other packs need it.
    #[error("`{pack}` is needed by {}", listed(dependents))]
    RequiredBy {
        /// The pack.
        pack: String,
        /// Who needs it.
        dependents: Vec<String>,
    },

    /// It is part of the system.
    #[error("`{pack}` is a system pack")]
    SystemPack {
        /// The pack.
        pack: String,
    },

    /// The database holds a version that is none.
    #[error("the record of `{pack}` cannot be read")]
    Record {
        /// The pack.
        pack: String,
        /// Why.
        source: Box<VersionError>,
    },
}

/// What helps where a pack came from another registry.
const OTHER_REGISTRY: &str =
    "`--change-origin` takes it from there all the same, from now on; that is for admins";

/// What helps where the name of its registry means another one.
const OTHER_ROOT: &str = "if it was made anew on purpose, an admin says so with `--change-origin`; else somebody serves \
    another registry in its place";

/// The commit of a version that was another one before.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{pack}` {version} of registry `{registry}` was commit {known} before, and {named} leads to {actual} now"
)]
pub(crate) struct Moved {
    /// The pack.
    pub pack: String,
    /// The version.
    pub version: String,
    /// The registry.
    pub registry: String,
    /// The tag or branch.
    pub named: String,
    /// The commit of before.
    pub known: String,
    /// The commit of now.
    pub actual: String,
}

/// What a version's archive was, and what it is said to be now.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{pack}` {version} of registry `{registry}` was {known} before, and its entry says {actual} now of `{place}`"
)]
pub(crate) struct Changed {
    /// The pack.
    pub pack: String,
    /// The version.
    pub version: String,
    /// The registry.
    pub registry: String,
    /// Where the archive is.
    pub place: String,
    /// The digest of before.
    pub known: String,
    /// The checksum of now.
    pub actual: String,
}

impl ResolveError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Request(error) => error.kind(),
            Self::Rollback(error) => error.kind(),
            Self::Desired(error) => error.kind(),
            Self::OtherRegistry { .. } | Self::OtherRoot { .. } => ErrorKind::SourceRefused,
            Self::Git { source } => source.kind(),
            Self::Registry(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::NoPlan { .. } => ErrorKind::InvalidReference,
            Self::Moved(_) | Self::MovedTag { .. } | Self::Changed(_) => ErrorKind::DigestMismatch,
            Self::Conflict(explanation) if explanation.breaks.is_empty() => {
                ErrorKind::DependencyUnmet
            }
            Self::Conflict(_) | Self::RequiredBy { .. } => ErrorKind::RequiredBy,
            Self::Outdated { .. } => ErrorKind::PlanOutdated,
            Self::Spent(_) => ErrorKind::PlanIncomplete,
            Self::Stopped => ErrorKind::Cancelled,
            Self::Orphan { .. } => ErrorKind::RegistryNotFound,
            Self::SystemPack { .. } => ErrorKind::SystemPack,
            Self::Held { .. } => ErrorKind::PackHeld,
            Self::NotInstalled { .. } => ErrorKind::PackNotInstalled,
            Self::Homeless { .. } => ErrorKind::PackNotFound,
            Self::Record { .. } => ErrorKind::Internal,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Request(error) => return error.hint(),
            Self::Rollback(error) => return Some(error.hint()),
            Self::Desired(error) => return error.hint(),
            Self::Git { source } => return source.hint(),
            Self::Registry(error) => return error.hint(),
            Self::Store(error) => return error.hint(),
            Self::Conflict(explanation) => return explanation.hint.clone(),
            Self::Stopped => return None,
            Self::Moved(_) => {
                "a published version must not change: tell whoever keeps the registry, or name the commit in its entry"
            }
            Self::MovedTag { actual, .. } => {
                return Some(format!(
                    "a tag must not move: ask whoever keeps the repository; `--ref {actual}` takes what it names now"
                ));
            }
            Self::Changed(_) => {
                "a published version must not change: tell whoever keeps the registry. What they meant to change comes as \
                 another version"
            }
            Self::Spent(_) => {
                "name exact versions of some of the packs; `--skip-deps` installs without looking at what is needed"
            }
            Self::Outdated { .. } => "make the plan again, with `--dry-run --plan-file`",
            Self::NoPlan { .. } => "a plan is what `packctl install … --plan-file FILE` writes",
            Self::Orphan { .. } => "`--registry NAME --change-origin` takes it from another one",
            Self::OtherRegistry { .. } => OTHER_REGISTRY,
            Self::OtherRoot { .. } => OTHER_ROOT,
            Self::RequiredBy { .. } => {
                "`--cascade` removes them too, `--force` removes only this one"
            }
            Self::SystemPack { .. } => "`--force` removes it all the same",
            Self::NotInstalled { pack } => return Some(format!("`packctl install {pack}`")),
            Self::Homeless { pack } => {
                return Some(format!(
                    "`packctl install {pack} --registry NAME` takes it from one"
                ));
            }
            Self::Held { pack, .. } => {
                return Some(format!(
                    "`packctl unhold {pack}` lets it change, `--force` changes it once"
                ));
            }
            Self::Record { .. } => "`packd.db` may be damaged: restore a backup of it",
        };
        Some(hint.to_owned())
    }

    /// What led to it, one sentence each, where that is no chain of errors.
    #[must_use]
    pub(crate) fn sentences(&self) -> &[String] {
        match self {
            Self::Conflict(explanation) => &explanation.sentences,
            _ => &[],
        }
    }

    /// Whether trying again can help.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Registry(error) => error.is_transient(),
            Self::Git { source } => source.is_transient(),
            Self::Desired(error) => error.is_transient(),
            _ => false,
        }
    }
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
