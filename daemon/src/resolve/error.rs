//! Why there is no plan.

use std::sync::Arc;

use packd_format::{DigestError, NameError, RequirementError, VersionError};
use packd_wire::{ErrorKind, HoldView};

use super::desired::DesiredError;
use super::hold;
use super::solver::{Explanation, Spent};
use crate::config::{SafeUrl, UrlError};
use crate::registry::RegistryError;
use crate::source::git::{GitError, GitUrlError};
use crate::store::StoreError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The name is no ref.
    #[error(transparent)]
    Ref {
        /// Why.
        source: NameError,
    },

    /// What follows `@`, or `version`, is no requirement.
    #[error(transparent)]
    Requirement {
        /// Why.
        source: RequirementError,
    },

    /// `slack@^2` and `version` at once.
    #[error("`{word}` has a version already, and `version` gives another")]
    TwoVersions {
        /// The source.
        word: String,
    },

    /// The source is no URL.
    #[error("the source is not a URL")]
    Url {
        /// Why.
        source: UrlError,
    },

    /// The checksum is no digest.
    #[error(transparent)]
    Checksum {
        /// Why.
        source: DigestError,
    },

    /// A field that says nothing about a URL.
    #[error("`{what}` cannot be used with the URL of an archive")]
    NotForUrls {
        /// The field.
        what: &'static str,
    },

    /// A field that says nothing about a registry reference.
    #[error("`{what}` cannot be used with a registry reference")]
    NotForNames {
        /// The field.
        what: &'static str,
    },

    /// `file:` in a request: the daemon does not read files for its clients.
    #[error("`{url}` is a file of the client")]
    FileUrl {
        /// The source.
        url: SafeUrl,
    },

    /// Plain http that the configuration does not allow.
    #[error("`{url}` is plain http")]
    PlainHttp {
        /// The source, without credentials.
        url: String,
    },

    /// `git://` that the configuration does not allow.
    #[error("`{url}` is neither encrypted nor does it show who the server is")]
    GitProtocol {
        /// The source.
        url: String,
    },

    /// A repository of this host, for somebody who may not make the daemon read files.
    #[error("`{url}` is a repository of this host, which only an admin may name")]
    FileRepository {
        /// The source.
        url: String,
    },

    /// The source is not the place of a repository.
    #[error(transparent)]
    Repository {
        /// Why.
        source: GitUrlError,
    },

    /// A field that says nothing about a repository.
    #[error("`{what}` cannot be used with a git repository")]
    NotForRepositories {
        /// The field.
        what: &'static str,
    },

    /// The source and a field say the same in two ways.
    #[error("the source has a `{what}` already, and the request gives another")]
    Twice {
        /// The field.
        what: &'static str,
    },

    /// `git_ref` and `version` at once.
    #[error("`git_ref` and `version` both say which commit of the repository it is")]
    RefAndVersion,

    /// A ref that can be none.
    #[error("`{git_ref}` cannot be the name of a branch, tag or commit")]
    GitRef {
        /// The text.
        git_ref: String,
    },

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

    /// A user or password in the URL, where every log and history would show it.
    #[error("`{url}` contains credentials")]
    Credentials {
        /// The source.
        url: SafeUrl,
    },

    /// A path: the daemon does not read files for its clients.
    #[error("`{word}` is a path, and the daemon reads no files of its clients")]
    Path {
        /// The source.
        word: String,
    },

    /// A scheme that packd does not install from.
    #[error(
        "cannot install from `{url}`: it is neither the URL of an archive nor a registry reference"
    )]
    Scheme {
        /// The source.
        url: SafeUrl,
    },

    /// A bare word with `no_registry`.
    #[error("`{word}` is neither a path nor a URL, and registries are not to be asked")]
    NoRegistry {
        /// The source.
        word: String,
    },

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

    /// No generation was active before the current one.
    #[error("no generation that is kept was active before the current one")]
    NoPrevious,

    /// A generation that is not known, or not kept any more.
    #[error("there is no generation {number}")]
    NoGeneration {
        /// Its number.
        number: i64,
    },

    /// A pack that cannot go back.
    #[error("{}", nothing_earlier(pack, active.as_deref()))]
    NothingEarlier {
        /// The pack.
        pack: String,
        /// The version that is active.
        active: Option<String>,
    },

    /// A rollback that removes packs, for somebody who may not.
    #[error("the rollback removes `{pack}`, which only an admin may do")]
    MayNotRemove {
        /// The pack.
        pack: String,
    },

    /// What is to be active again is not in the store.
    #[error(
        "the tree of `{pack}` {version} in generation {generation} is not complete: `store/{dir}`"
    )]
    TreeMissing {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
        /// Its tree, relative to `store/`.
        dir: String,
        /// The generation that has it.
        generation: i64,
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
            Self::Ref { .. }
            | Self::Requirement { .. }
            | Self::TwoVersions { .. }
            | Self::Url { .. }
            | Self::Checksum { .. }
            | Self::NotForUrls { .. }
            | Self::NotForNames { .. }
            | Self::NotForRepositories { .. }
            | Self::Twice { .. }
            | Self::RefAndVersion
            | Self::GitRef { .. }
            | Self::Path { .. }
            | Self::NoRegistry { .. }
            | Self::NoPlan { .. } => ErrorKind::InvalidReference,
            Self::Desired(error) => error.kind(),
            Self::FileUrl { .. }
            | Self::PlainHttp { .. }
            | Self::GitProtocol { .. }
            | Self::Credentials { .. } => ErrorKind::SourceRefused,
            Self::FileRepository { .. } | Self::MayNotRemove { .. } => ErrorKind::AccessDenied,
            Self::NoPrevious | Self::NoGeneration { .. } => ErrorKind::GenerationNotFound,
            Self::NothingEarlier { .. } => ErrorKind::VersionNotFound,
            Self::TreeMissing { .. } => ErrorKind::TreeMissing,
            Self::Repository { source } => match source {
                GitUrlError::Scheme { .. } => ErrorKind::UnsupportedSource,
                GitUrlError::NotAUrl { .. } => ErrorKind::InvalidReference,
                GitUrlError::Credentials { .. }
                | GitUrlError::Query { .. }
                | GitUrlError::Option { .. } => ErrorKind::SourceRefused,
            },
            Self::Git { source } => source.kind(),
            Self::Moved(_) | Self::MovedTag { .. } | Self::Changed(_) => ErrorKind::DigestMismatch,
            Self::Scheme { .. } => ErrorKind::UnsupportedSource,
            Self::Registry(error) => error.kind(),
            Self::Conflict(explanation) if explanation.breaks.is_empty() => {
                ErrorKind::DependencyUnmet
            }
            Self::Outdated { .. } => ErrorKind::PlanOutdated,
            Self::Spent(_) => ErrorKind::PlanIncomplete,
            Self::Stopped => ErrorKind::Cancelled,
            Self::Orphan { .. } => ErrorKind::RegistryNotFound,
            Self::Store(error) => error.kind(),
            Self::Conflict(_) | Self::RequiredBy { .. } => ErrorKind::RequiredBy,
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
        match self {
            Self::Ref { source } => source.hint(),
            Self::Requirement { .. } => Some(
                "requirements are written `2.1.0`, `2.1`, `^2`, `~2.1`, `>=1.4, <3`, `latest`"
                    .into(),
            ),
            Self::Desired(error) => error.hint(),
            Self::TwoVersions { .. }
            | Self::Twice { .. }
            | Self::RefAndVersion => {
                Some("give one of the two".into())
            }
            Self::Checksum { .. } => {
                Some("write `sha256:` or `sha512:` and the digest in hex".into())
            }
            Self::FileUrl { .. } | Self::Path { .. } => {
                Some("`packctl install ./PATH` sends it; so does `POST /v1/packs/upload`".into())
            }
            Self::Git { source } => source.hint(),
            Self::Repository { source } => source.hint(),
            Self::NotForRepositories { what: "checksum" } => {
                Some("`--ref` with a full commit says as much of a repository".into())
            }
            Self::NotForRepositories { what }
            | Self::NotForUrls { what }
            | Self::NotForNames { what } => Some(format!("leave `{what}` out")),
            Self::GitRef { .. } => Some("write its name as `git ls-remote` shows it".into()),
            Self::Url { .. } => Some("write it as `https://host/path/pack.tar.gz`".into()),
            Self::Stopped => None,
            Self::GitProtocol { .. } => Some(
                "use https or ssh; `git.allow_git_protocol: true` in packd.yaml allows it all the same"
                    .into(),
            ),
            Self::FileRepository { .. } => Some(
                "`packctl install ./FOLDER` sends a folder of yours; so does `POST /v1/packs/upload`".into(),
            ),
            Self::Moved(_) => Some(
                "a published version must not change: tell whoever keeps the registry, or name the commit in its entry"
                    .into(),
            ),
            Self::MovedTag { actual, .. } => Some(format!(
                "a tag must not move: ask whoever keeps the repository; `--ref {actual}` takes what it names now"
            )),
            Self::Changed(_) => Some(
                "a published version must not change: tell whoever keeps the registry. What they meant to change comes as \
                 another version"
                    .into(),
            ),
            Self::PlainHttp { .. } => Some(
                "use https; `net.allow_http: true` in packd.yaml allows it all the same".into(),
            ),
            Self::Credentials { .. } => {
                Some("credentials belong into the `headers` of a registry in packd.yaml".into())
            }
            Self::Scheme { .. } => Some(
                "archives are installed from https:// URLs, repositories from https:// and ssh:// ones".into(),
            ),
            Self::NoRegistry { .. } => Some("write `./` before the name of a folder".into()),
            Self::Registry(error) => error.hint(),
            Self::Conflict(explanation) => explanation.hint.clone(),
            Self::Spent(_) => {
                Some("name exact versions of some of the packs; `--skip-deps` installs without looking at what is needed".into())
            }
            Self::Outdated { .. } => Some("make the plan again, with `--dry-run --plan-file`".into()),
            Self::NoPlan { .. } => Some("a plan is what `packctl install … --plan-file FILE` writes".into()),
            Self::Orphan { .. } => {
                Some("`--registry NAME` takes it from another one".into())
            }
            Self::Store(error) => error.hint(),
            Self::RequiredBy { .. } => {
                Some("`--cascade` removes them too, `--force` removes only this one".into())
            }
            Self::NoPrevious | Self::NoGeneration { .. } => {
                Some("`packctl generations` lists those that are kept".into())
            }
            Self::NothingEarlier { active: Some(_), pack } => Some(format!(
                "`packctl remove {pack}` removes it, `packctl versions {pack}` lists what registries offer"
            )),
            Self::NothingEarlier { active: None, pack } => {
                Some(format!("`packctl install {pack}`"))
            }
            Self::MayNotRemove { .. } => {
                Some("`packctl rollback PACK` takes back the change of one pack".into())
            }
            Self::TreeMissing { pack, version, .. } => Some(format!(
                "`packctl install {pack}@{version}` brings that version again, where it is still offered; of an active pack `packctl verify --repair` does"
            )),
            Self::SystemPack { .. } => Some("`--force` removes it all the same".into()),
            Self::NotInstalled { pack } => Some(format!("`packctl install {pack}`")),
            Self::Homeless { pack } => Some(format!("`packctl install {pack} --registry NAME` takes it from one")),
            Self::Held { pack, .. } => {
                Some(format!("`packctl unhold {pack}` lets it change, `--force` changes it once"))
            }
            Self::Record { .. } => Some("`packd.db` may be damaged: restore a backup of it".into()),
        }
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

fn nothing_earlier(pack: &str, active: Option<&str>) -> String {
    match active {
        Some(version) => {
            format!("no generation that is kept has another version of `{pack}` than {version}")
        }
        None => format!("`{pack}` is not installed, and no generation that is kept has it"),
    }
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
