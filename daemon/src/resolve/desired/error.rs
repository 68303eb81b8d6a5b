//! Why what shall be cannot be so.

use packd_wire::ErrorKind;

use crate::resolve::ResolveError;

/// Why what shall be cannot be so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DesiredError {
    /// What is wrong with one of several packs that are asked for.
    #[error("`{pack}` cannot be as it is asked for")]
    OfPack {
        /// The pack.
        pack: String,
        /// Why not.
        source: Box<ResolveError>,
    },

    /// Both what shall be and a plan.
    #[error("`packs` and `plan` both say what is to be done")]
    PacksAndPlan,

    /// Neither what shall be nor a plan.
    #[error("neither `packs` nor `plan` is there to say what is to be done")]
    NoPacks,

    /// More packs than are looked at in one job.
    #[error("there are more than {limit} packs")]
    TooManyPacks {
        /// The most.
        limit: usize,
    },

    /// Nothing is named, and everything else shall go.
    #[error("no pack is named, so `prune` would remove every pack of this host")]
    PruneAll,

    /// Two fields that say different things of where a pack comes from.
    #[error("`{what}` cannot be used with `{with}`")]
    NotTogether {
        /// One field.
        what: &'static str,
        /// The other one.
        with: &'static str,
    },

    /// `uploaded` without a digest.
    #[error("`uploaded` needs `checksum` or `tree`, to know the pack by")]
    UnknownUpload,

    /// A source that is neither a URL nor a repository.
    #[error("`source: {word}` is neither a URL nor a git repository")]
    NoSource {
        /// The text.
        word: String,
    },

    /// The commit of a registry's version, not in full.
    #[error(
        "without `source`, `git_ref` is the number of a commit in full, and `{git_ref}` is none"
    )]
    NoCommit {
        /// The text.
        git_ref: String,
    },

    /// Packs that clients sent to another host.
    #[error(
        "{} came from a client, and can be brought from nowhere else",
        packs.join(", ")
    )]
    NotHere {
        /// The packs, each with its version.
        packs: Vec<String>,
    },

    /// A registry offers a version whose bytes are not the ones that are asked for.
    #[error("registry `{registry}` offers other bytes as `{pack}` {version} than are asked for")]
    OtherBytes {
        /// The pack.
        pack: String,
        /// The version.
        version: String,
        /// The registry.
        registry: String,
    },

    /// A source holds another version than is asked for.
    #[error("{shown} holds version {version}, and `{requirement}` is asked for")]
    OtherVersion {
        /// Where it came from.
        shown: String,
        /// What it holds.
        version: String,
        /// What was asked for.
        requirement: String,
    },
}

impl DesiredError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::OfPack { source, .. } => source.kind(),
            Self::PacksAndPlan | Self::NoPacks | Self::TooManyPacks { .. } | Self::PruneAll => {
                ErrorKind::BadRequest
            }
            Self::NotTogether { .. }
            | Self::UnknownUpload
            | Self::NoSource { .. }
            | Self::NoCommit { .. } => ErrorKind::InvalidReference,
            Self::NotHere { .. } => ErrorKind::FetchRefused,
            Self::OtherBytes { .. } => ErrorKind::DigestMismatch,
            Self::OtherVersion { .. } => ErrorKind::ContentMismatch,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OfPack { source, .. } => return source.hint(),
            Self::PacksAndPlan | Self::NotTogether { .. } => "give one of the two",
            Self::NoPacks => {
                "`{\"packs\": {\"slack\": \"^2\"}}` asks for a pack; `plan` is that of a dry run"
            }
            Self::TooManyPacks { .. } => "ask for them in several requests, without `prune`",
            Self::PruneAll => "`force` removes them all the same",
            Self::UnknownUpload => "`packctl export` writes both",
            Self::NoSource { .. } => {
                "a pack of a registry needs no `source`: it is known by its name, and by `registry`"
            }
            Self::NoCommit { .. } => "`version` says which version of the registry it is",
            Self::NotHere { .. } => {
                "`packctl install ./ARCHIVE` sends each of them, with the same bytes; then apply again"
            }
            Self::OtherBytes { .. } => {
                "a published version must not change: tell whoever keeps the registry, or ask for another version"
            }
            Self::OtherVersion { .. } => "ask for the version that it holds",
        };
        Some(hint.to_owned())
    }

    /// Whether trying again can help.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::OfPack { source, .. } if source.is_transient())
    }
}

impl From<DesiredError> for ResolveError {
    fn from(error: DesiredError) -> Self {
        Self::Desired(Box::new(error))
    }
}
