//! Why the tests of a pack keep it out.

use packd_wire::ErrorKind;

/// Why the tests of a pack stand in the way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    /// They failed, and the pack says that this matters.
    #[error("the tests of `{pack}` {version} failed: {summary}")]
    Failed {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
        /// How many, or why.
        summary: String,
        /// Which, a few of them.
        examples: Vec<String>,
        /// Whether they were run for their own sake.
        manual: bool,
    },

    /// There are none, and there have to be.
    #[error("`{pack}` {version} has no tests to run: {why}")]
    None {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
        /// Why there are none.
        why: String,
        /// Whether they were to be run for their own sake.
        manual: bool,
    },

    /// The host cannot keep them in.
    #[error("the sandbox for the tests of `{pack}` is not available: this host lacks {missing}")]
    Sandbox {
        /// The pack.
        pack: String,
        /// What the host lacks.
        missing: String,
    },

    /// The tree is another one than before the tests.
    #[error("the tree of `{pack}` {version} is not what it was before its tests")]
    Changed {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
    },

    /// A pack that is not there was to be tested.
    #[error("`{pack}` is not installed")]
    NotInstalled {
        /// The pack.
        pack: String,
    },

    /// The copy could not be made, or the run could not be prepared.
    #[error("cannot prepare the tests of `{pack}`")]
    Prepare {
        /// The pack.
        pack: String,
        /// Why.
        source: std::io::Error,
    },

    /// The tree could not be looked at again.
    #[error("cannot look at the tree of `{pack}` again")]
    Tree {
        /// The pack.
        pack: String,
        /// Why.
        source: packd_format::tree::TreeError,
    },
}

impl TestError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed { .. } | Self::None { .. } => ErrorKind::TestsFailed,
            Self::Sandbox { .. } => ErrorKind::SandboxUnavailable,
            Self::Changed { .. } => ErrorKind::DigestMismatch,
            Self::NotInstalled { .. } => ErrorKind::PackNotInstalled,
            Self::Prepare { source, .. } if is_full(source) => ErrorKind::NoSpace,
            Self::Prepare { .. } | Self::Tree { .. } => ErrorKind::Io,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Failed {
                pack,
                manual: false,
                ..
            } => format!(
                "`packctl tests {pack} --detailed` shows what they wrote; `--force` activates it all the same, \
                 `--skip-tests` does not run them"
            ),
            Self::Failed { pack, .. } => format!("`packctl tests {pack} --detailed` shows what they wrote"),
            Self::None { manual: false, .. } => {
                "`--skip-tests` installs it without; `tests.required: false` in packd.yaml asks for none"
                    .to_owned()
            }
            Self::None { .. } => {
                "a `testing` section in its `pack.yaml` says what to run".to_owned()
            }
            Self::Sandbox { .. } => {
                "`--skip-tests` installs it untested; `tests.sandbox` in packd.yaml says what is demanded"
                    .to_owned()
            }
            Self::Changed { .. } => {
                "the store is damaged, or somebody writes to it; `--force` installs the pack again"
                    .to_owned()
            }
            Self::NotInstalled { pack } => format!(
                "`packctl install {pack}`; the tests of a folder are run by `packctl test ./{pack}`"
            ),
            Self::Prepare { source, .. } if is_full(source) => {
                "free some space on the file system of the state folder".to_owned()
            }
            Self::Prepare { .. } | Self::Tree { .. } => return None,
        })
    }

    /// What is wrong, one line each, where it is more than the error itself says.
    #[must_use]
    pub(crate) fn examples(&self) -> &[String] {
        match self {
            Self::Failed { examples, .. } => examples,
            _ => &[],
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}
