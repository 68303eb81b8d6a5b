//! Why what a registry says of itself is not believed.

use jiff::Timestamp;

use super::{Count, RegistryId};
use crate::digest::Digest;

/// What kind of refusal it is, for those who only count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Signatures are missing, or of nobody who may sign.
    Unsigned,
    /// It is not what it should be: not of the form, or not the bytes that were signed.
    Malformed,
    /// Nobody has vouched for it lately.
    Expired,
    /// It is older than what was seen before, or contradicts it.
    Rollback,
}

/// Why what a registry says of itself is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such file.
    #[error("there is no `{file}`")]
    Missing {
        /// The file.
        file: String,
    },
    /// Not enough keys of the role have signed it.
    #[error("`{file}` needs {threshold} of the {role} keys of root {version}, and has {count}")]
    Threshold {
        /// The file.
        file: String,
        /// The role.
        role: &'static str,
        /// The version of the root that says so.
        version: u64,
        /// How many keys must have signed.
        threshold: usize,
        /// What there is.
        count: Count,
    },
    /// It is not what it should be.
    #[error("`{file}` is not of the right form: {why}")]
    Malformed {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// It has more bytes than any may.
    #[error("`{file}` has more than {limit} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// How many it may have.
        limit: u64,
    },
    /// It was signed as something else, or for a newer packd.
    #[error("`{file}` is a `{found}`, not a `{expected}`")]
    Schema {
        /// The file.
        file: String,
        /// What it says it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// It was made for another registry.
    #[error("`{file}` is of registry {found}, not of {expected}")]
    OtherRegistry {
        /// The file.
        file: String,
        /// The registry that is known.
        expected: RegistryId,
        /// The registry that it names.
        found: RegistryId,
    },
    /// A root is not the one after the last.
    #[error("`{file}` calls itself root {found}")]
    RootVersion {
        /// The file.
        file: String,
        /// The version that it names.
        found: u64,
    },
    /// There are more roots than one look follows.
    #[error("there are more than {limit} roots to follow")]
    TooManyRoots {
        /// How many are followed.
        limit: usize,
    },
    /// It was made under a root that is not known here.
    #[error("`{file}` was made under root {found}, and the registry shows no root after {held}")]
    UnknownRoot {
        /// The file.
        file: String,
        /// The root that it names.
        found: u64,
        /// The newest one that is known.
        held: u64,
    },
    /// It is older than one that was seen.
    #[error("`{file}` is version {found}, and version {seen} was seen before")]
    Rollback {
        /// The file.
        file: String,
        /// Its version.
        found: u64,
        /// The version that was seen.
        seen: u64,
    },
    /// Two different files have one version.
    #[error("`{file}` is version {version} with other bytes than before")]
    Equivocation {
        /// The file.
        file: String,
        /// The version of both.
        version: u64,
    },
    /// Its time is over.
    #[error("`{file}` has expired at {at}")]
    Expired {
        /// The file.
        file: String,
        /// When.
        at: Timestamp,
    },
    /// Its bytes are not those that another signed file names.
    #[error(transparent)]
    Mismatch(Box<Mismatch>),
    /// It has more bytes than another signed file names.
    #[error("`{file}` has more than the {length} bytes that `{by}` names")]
    Longer {
        /// The file.
        file: String,
        /// The file that names it.
        by: String,
        /// How many bytes there should be.
        length: u64,
    },
    /// The description is of another index.
    #[error("`{file}` describes `{found}`, and the index is `{expected}`")]
    OtherIndex {
        /// The description.
        file: String,
        /// The index that is configured.
        expected: String,
        /// The index that is described.
        found: String,
    },
}

/// What a file's bytes should be, and what they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{file}` has {length} bytes with {digest}, and `{by}` names {expected_length} bytes with {expected}"
)]
pub struct Mismatch {
    /// The file.
    pub file: String,
    /// The file that names it.
    pub by: String,
    /// How many bytes there should be.
    pub expected_length: u64,
    /// What they should digest to.
    pub expected: Digest,
    /// How many bytes there are.
    pub length: u64,
    /// What they digest to.
    pub digest: Digest,
}

impl Refused {
    /// What kind of refusal it is.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Missing { .. } | Self::Threshold { .. } => Reason::Unsigned,
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Schema { .. }
            | Self::OtherRegistry { .. }
            | Self::RootVersion { .. }
            | Self::TooManyRoots { .. }
            | Self::UnknownRoot { .. }
            | Self::Mismatch(_)
            | Self::Longer { .. }
            | Self::OtherIndex { .. } => Reason::Malformed,
            Self::Rollback { .. } | Self::Equivocation { .. } => Reason::Rollback,
            Self::Expired { .. } => Reason::Expired,
        }
    }

    /// What to do about it, on a host.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "the registry is configured as `trust: signed`; whoever keeps it signs the index with `packctl \
                 index-sign`"
                    .to_owned()
            }
            Self::Threshold { .. } => {
                "somebody may have changed the registry, or signed with a key that its root does not name; nothing of \
                 it is used. Ask whoever keeps it"
                    .to_owned()
            }
            Self::Expired { .. } => {
                "whoever keeps the registry must sign again; if they have, something keeps the new files from this \
                 host. `max_stale` at the registry allows more time"
                    .to_owned()
            }
            Self::Rollback { .. } | Self::Equivocation { .. } => {
                "an old or a second copy of the registry is being served, by a stale mirror or on purpose; nothing of \
                 it is used. Ask whoever keeps it"
                    .to_owned()
            }
            Self::Mismatch(_) | Self::Longer { .. } => {
                "the files of the registry do not belong together: it is just being published, or somebody changed \
                 some of them; nothing of it is used"
                    .to_owned()
            }
            Self::OtherRegistry { .. } => {
                "the pinned root is of another registry; compare with whoever keeps it: `packctl root fingerprint FILE`"
                    .to_owned()
            }
            Self::OtherIndex { .. } => {
                "`url` of the registry must name the index that was signed".to_owned()
            }
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Schema { .. }
            | Self::RootVersion { .. }
            | Self::TooManyRoots { .. }
            | Self::UnknownRoot { .. } => "tell whoever keeps the registry".to_owned(),
        }
    }
}
