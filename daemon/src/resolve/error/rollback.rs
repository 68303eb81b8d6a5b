//! Why there is nothing to go back to.

use packd_wire::ErrorKind;

/// Why there is nothing to go back to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RollbackError {
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
}

impl RollbackError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPrevious | Self::NoGeneration { .. } => ErrorKind::GenerationNotFound,
            Self::NothingEarlier { .. } => ErrorKind::VersionNotFound,
            Self::MayNotRemove { .. } => ErrorKind::AccessDenied,
            Self::TreeMissing { .. } => ErrorKind::TreeMissing,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoPrevious | Self::NoGeneration { .. } => {
                "`packctl generations` lists those that are kept".into()
            }
            Self::NothingEarlier {
                active: Some(_),
                pack,
            } => format!(
                "`packctl remove {pack}` removes it, `packctl versions {pack}` lists what registries offer"
            ),
            Self::NothingEarlier { active: None, pack } => format!("`packctl install {pack}`"),
            Self::MayNotRemove { .. } => {
                "`packctl rollback PACK` takes back the change of one pack".into()
            }
            Self::TreeMissing { pack, version, .. } => format!(
                "`packctl install {pack}@{version}` brings that version again, where it is still offered; of an active pack `packctl verify --repair` does"
            ),
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
