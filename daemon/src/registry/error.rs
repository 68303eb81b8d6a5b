//! Why a registry gave no answer, or not the wanted one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use packd_format::sign::{Reason, Refused};
use packd_format::{IndexError, PackRef};
use packd_wire::{ErrorKind, Trust};

use crate::config::ConfigError;
use crate::net::NetError;
use crate::store::StoreError;

/// Why a registry gave no answer, or not the wanted one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// No registry is configured or enabled.
    #[error("no registry is {} that may offer `{pack}`", if disabled.is_empty() { "configured" } else { "enabled" })]
    None {
        /// The pack.
        pack: String,
        /// Those that may, and are disabled.
        disabled: Vec<String>,
    },

    /// No registry has this name.
    #[error("there is no registry `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// A registry of nearly this name.
        nearest: Option<String>,
    },

    /// A registry of this name was added before.
    #[error("there is a registry `{name}` already")]
    Exists {
        /// The registry.
        name: String,
    },

    /// The registry is part of the configuration.
    #[error(
        "registry `{name}` is part of the configuration, at {place}, and is changed there only"
    )]
    Configured {
        /// The registry.
        name: String,
        /// The file and line, or the variable.
        place: String,
    },

    /// What a registry shall be like is wrong.
    #[error("registry `{name}` cannot be like this: {}", said(source))]
    Wrong {
        /// The registry.
        name: String,
        /// Everything that is wrong.
        source: ConfigError,
    },

    /// Another registry has the pack to itself.
    #[error("registry `{registry}` may not offer `{pack}`, which comes from `{owner}` alone")]
    Exclusive {
        /// The pack.
        pack: PackRef,
        /// Who was to be asked.
        registry: String,
        /// Whose it is.
        owner: String,
    },

    /// Several registries offer the pack, and none of them comes before the others.
    #[error("`{pack}` is offered by several registries: {}", registries.join(", "))]
    Ambiguous {
        /// The pack.
        pack: PackRef,
        /// Who offers it, in the order of their priority.
        registries: Vec<String>,
    },

    /// No root at the registry has the fingerprint that is pinned.
    #[error("no root of registry `{name}` has the fingerprint {fingerprint}")]
    NoSuchRoot {
        /// The registry.
        name: String,
        /// What is configured.
        fingerprint: String,
    },

    /// The registry is not asked.
    #[error("registry `{name}` is disabled")]
    Disabled {
        /// The registry.
        name: String,
    },

    /// The index could not be brought.
    #[error("cannot fetch the index of registry `{name}`")]
    Fetch {
        /// The registry.
        name: String,
        /// Why not.
        source: NetError,
    },

    /// The index file could not be read.
    #[error("cannot read the index of registry `{name}` at `{}`", path.display())]
    Read {
        /// The registry.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },

    /// The index is larger than allowed.
    #[error("the index of registry `{name}` has more than {limit} bytes")]
    TooLarge {
        /// The registry.
        name: String,
        /// `limits.index_bytes`.
        limit: u64,
    },

    /// The index is none.
    #[error("cannot read the index of registry `{name}`")]
    Malformed {
        /// The registry.
        name: String,
        /// Why not.
        source: IndexError,
    },

    /// The registry cannot be asked, nothing of it is cached, and no other may answer for it.
    #[error("registry `{name}` cannot be asked, and nothing of its index is cached")]
    Unreachable {
        /// The registry.
        name: String,
        /// Why not.
        source: Arc<RegistryError>,
    },

    /// No registry offers the pack.
    #[error("no registry offers `{pack}`{}", in_which(registries))]
    NotFound {
        /// The pack.
        pack: String,
        /// Who was asked.
        registries: Vec<String>,
        /// Refs of nearly this name.
        nearest: Vec<String>,
        /// What is wrong with entries of this name that were left out.
        left_out: Vec<String>,
    },

    /// The registry that answers for the pack has no version that will do.
    #[error("registry `{registry}` has no `{pack}` that satisfies `{requirement}`")]
    NoVersion {
        /// The pack.
        pack: PackRef,
        /// What was asked for.
        requirement: String,
        /// The registry.
        registry: String,
        /// What it has, newest first.
        available: Vec<String>,
        /// What else would help.
        hint: Option<String>,
    },

    /// The entry cannot be read back.
    #[error("the entry of `{pack}` in registry `{registry}` cannot be read")]
    Entry {
        /// The pack.
        pack: String,
        /// The registry.
        registry: String,
        /// Why not.
        source: Box<packd_format::EntryError>,
    },

    /// The entry names no source.
    #[error(
        "the entry of `{pack}` {version} in registry `{registry}` names no place to install it from"
    )]
    NoSource {
        /// The pack.
        pack: String,
        /// The version.
        version: String,
        /// The registry.
        registry: String,
    },

    /// The source of an entry is no URL.
    #[error("`{pack}` in registry `{registry}` has a source that is not a URL")]
    SourceUrl {
        /// The pack.
        pack: String,
        /// The registry.
        registry: String,
        /// Why.
        source: url::ParseError,
    },

    /// The source of an entry may not be used.
    #[error("`{pack}` in registry `{registry}` has a source that may not be used: {reason}")]
    SourceRefused {
        /// The pack.
        pack: String,
        /// The registry.
        registry: String,
        /// Which rule it breaks.
        reason: String,
    },

    /// The registry is trusted by checksums, and the entry has none.
    #[error("the entry of `{pack}` {version} in registry `{registry}` has no checksum")]
    NoChecksum {
        /// The pack.
        pack: String,
        /// The version.
        version: String,
        /// The registry.
        registry: String,
    },

    /// What a signed registry shows is not believed.
    #[error("registry `{name}` is not believed")]
    Refused {
        /// The registry.
        name: String,
        /// Why not.
        source: Box<Refused>,
    },

    /// What is known of a signed registry is too old.
    #[error("what registry `{name}` has signed has expired at {at}")]
    Expired {
        /// The registry.
        name: String,
        /// When.
        at: Timestamp,
    },

    /// Nothing of a signed registry was accepted yet.
    #[error("nothing that registry `{name}` has signed is known here yet")]
    NothingSigned {
        /// The registry.
        name: String,
    },

    /// The root of a signed registry cannot be read.
    #[error("cannot read the root of registry `{name}` at `{}`", path.display())]
    Root {
        /// The registry.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },

    /// A registry was signed, and is not configured as one.
    #[error("registry `{name}` was signed before, and is configured as `trust: {trust}`", trust = trust.as_str())]
    Downgrade {
        /// The registry.
        name: String,
        /// What is configured.
        trust: Trust,
    },

    /// A registry is to be accepted without signatures, and is configured as signed.
    #[error("registry `{name}` is configured as `trust: signed`")]
    StillSigned {
        /// The registry.
        name: String,
    },

    /// A source of an entry is not what was signed.
    #[error("`{pack}` in registry `{registry}` has a source that was not signed: {reason}")]
    NotSigned {
        /// The pack.
        pack: String,
        /// The registry.
        registry: String,
        /// What is missing or different.
        reason: String,
    },

    /// The store failed.
    #[error("cannot use the cached indexes")]
    Store(#[from] StoreError),
}

fn said(error: &ConfigError) -> String {
    let problems = error
        .problems()
        .iter()
        .map(|problem| problem.message.as_str());
    problems.collect::<Vec<_>>().join("; ")
}

impl RegistryError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::None { .. } | Self::NotFound { .. } => ErrorKind::PackNotFound,
            Self::Unknown { .. } | Self::Disabled { .. } => ErrorKind::RegistryNotFound,
            Self::NoSuchRoot { .. } => ErrorKind::RegistryUnsigned,
            Self::Exists { .. } => ErrorKind::RegistryExists,
            Self::Configured { .. } => ErrorKind::RegistryReadOnly,
            Self::Wrong { .. } => ErrorKind::BadRequest,
            Self::Fetch { source, .. } if matches!(source.status(), Some(401 | 403)) => {
                ErrorKind::RegistryUnauthorized
            }
            Self::Fetch { source, .. } if source.is_transient() => ErrorKind::RegistryUnreachable,
            // it stays so until someone changes something: no kind that asks for a retry
            Self::Fetch { source, .. } => source.kind(),
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::InvalidInput => ErrorKind::FetchRefused,
                _ => ErrorKind::Io,
            },
            Self::TooLarge { .. } => ErrorKind::LimitExceeded,
            Self::Malformed { .. } | Self::Entry { .. } | Self::SourceUrl { .. } => {
                ErrorKind::RegistryMalformed
            }
            Self::Unreachable { source, .. } => source.kind(),
            Self::Refused { source, .. } => match source.reason() {
                Reason::Unsigned => ErrorKind::RegistryUnsigned,
                Reason::Malformed => ErrorKind::RegistryMalformed,
                Reason::Expired => ErrorKind::RegistryExpired,
                Reason::Rollback => ErrorKind::RegistryStale,
            },
            Self::Expired { .. } => ErrorKind::RegistryExpired,
            Self::NothingSigned { .. } | Self::Downgrade { .. } | Self::NotSigned { .. } => {
                ErrorKind::RegistryUnsigned
            }
            Self::Root { .. } | Self::StillSigned { .. } => ErrorKind::InvalidConfig,
            Self::NoVersion { .. } => ErrorKind::VersionNotFound,
            Self::NoSource { .. } => ErrorKind::UnsupportedSource,
            Self::SourceRefused { .. } | Self::Exclusive { .. } | Self::Ambiguous { .. } => {
                ErrorKind::SourceRefused
            }
            Self::NoChecksum { .. } => ErrorKind::ChecksumMissing,
            Self::Store(error) => error.kind(),
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::None { disabled, .. } if !disabled.is_empty() => Some(format!(
                "set `enabled: true` for {} in packd.yaml",
                listed(disabled)
            )),
            Self::None { .. } => Some(
                "`packctl registry add NAME URL` adds one, as does a line under `registries:` in packd.yaml".into(),
            ),
            Self::Exclusive { owner, .. } => Some(format!(
                "ask `{owner}`, or no registry by name; `exclusive` and `refs` of `{owner}` say what is its own"
            )),
            Self::Ambiguous { pack, registries } => Some(format!(
                "`packctl install {pack} --registry {}` names one; `refs` and `exclusive` of a registry settle it for good",
                registries.first().map_or("NAME", String::as_str)
            )),
            Self::NoSuchRoot { .. } => Some(
                "ask whoever keeps the registry for what `packctl root fingerprint` prints of its root".into(),
            ),
            Self::Exists { name } => Some(format!(
                "`packctl registry add {name} URL --replace` changes it"
            )),
            Self::Configured { place, .. } => {
                Some(format!("change it at {place}; packd sees that by itself, or after `systemctl reload packd`"))
            }
            Self::Wrong { .. } => {
                Some("the keys are those of a registry in packd.yaml, see docs/configuration.md".into())
            }
            Self::Unknown {
                nearest: Some(name),
                ..
            } => Some(format!("did you mean `{name}`?")),
            Self::Unknown { nearest: None, .. } => {
                Some("`packctl registry list` shows the registries there are".into())
            }
            Self::Disabled { name } => {
                Some(format!("set `enabled: true` for `{name}` in packd.yaml"))
            }
            Self::Fetch { name, source } => source.hint().or_else(|| match source.kind() {
                ErrorKind::FetchRefused => Some(check_url(name)),
                ErrorKind::LimitExceeded => Some(raise_limit()),
                _ => Some(source.any_hint()),
            }),
            Self::Read { name, .. } => Some(check_url(name)),
            Self::Unreachable { source, .. } => source.hint().or_else(|| {
                let later = "no other registry is asked in its place; try again later";
                source.is_transient().then(|| later.into())
            }),
            Self::NotFound { left_out, .. } if !left_out.is_empty() => Some(format!(
                "its entry cannot be used, whoever keeps the registry should know: {}",
                left_out.join("; ")
            )),
            Self::NotFound { nearest, .. } => Some(match nearest.as_slice() {
                [] => "`packctl search WORD` shows what there is".into(),
                names => format!("did you mean {}?", listed(names)),
            }),
            Self::NoVersion {
                hint: Some(hint), ..
            } => Some(hint.clone()),
            Self::NoVersion { available, .. } if available.is_empty() => {
                Some("every version was withdrawn".into())
            }
            Self::NoVersion { available, .. } => {
                Some(format!("available: {}", available.join(", ")))
            }
            Self::NoChecksum { .. } => Some(
                "whoever keeps the registry must add one; `trust: unverified` goes without".into(),
            ),
            Self::TooLarge { .. } => Some(raise_limit()),
            Self::Refused { source, .. } => Some(source.hint()),
            Self::Expired { name, .. } => Some(format!(
                "`packctl registry refresh {name}` looks for something newer; without that, whoever keeps the \
                 registry must sign again. What is installed stays as it is"
            )),
            Self::NothingSigned { name } => {
                Some(format!("`packctl registry refresh {name}` says why"))
            }
            Self::Root { name, .. } => Some(format!(
                "check the `root` of registry `{name}` in packd.yaml"
            )),
            Self::Downgrade { name, .. } => Some(format!(
                "set `trust: signed` again; or accept for good that nobody signs it: `packctl registry trust {name} \
                 --accept-unsigned`"
            )),
            Self::StillSigned { name } => Some(format!(
                "first change the `trust` of registry `{name}` in packd.yaml, and reload"
            )),
            Self::NotSigned { .. } => Some(
                "whoever keeps the registry must sign it again with `packctl index-sign`".into(),
            ),
            Self::Malformed { .. } | Self::Entry { .. } | Self::SourceUrl { .. } => {
                Some("tell whoever keeps the registry".into())
            }
            Self::NoSource { registry, .. } => Some(format!(
                "`packctl registry list --output json` shows under `problems` what of `{registry}` cannot be used"
            )),
            Self::SourceRefused { .. } => None,
            Self::Store(error) => error.hint(),
        }
    }

    /// Whether trying again can help.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Fetch { source, .. } => source.is_transient(),
            Self::Unreachable { source, .. } => source.is_transient(),
            _ => false,
        }
    }

    /// How long the registry asked to wait.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Fetch { source, .. } => source.retry_after(),
            _ => None,
        }
    }
}

fn raise_limit() -> String {
    "`limits.index_bytes` in packd.yaml raises the limit".to_owned()
}

fn check_url(name: &str) -> String {
    format!("check the `url` of registry `{name}` in packd.yaml")
}

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" or ")
}

fn in_which(registries: &[String]) -> String {
    match registries {
        [] => String::new(),
        [one] => format!(" (asked: {one})"),
        several => format!(" (asked: {})", several.join(", ")),
    }
}
