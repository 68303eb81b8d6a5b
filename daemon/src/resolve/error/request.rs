//! What is wrong with a request on its face: neither a registry nor the store has to be asked for it.

use packd_format::{DigestError, NameError, RequirementError};
use packd_wire::ErrorKind;

use crate::config::{SafeUrl, UrlError};
use crate::source::git::GitUrlError;

/// What is wrong with a request on its face.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
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
}

impl RequestError {
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
            | Self::NoRegistry { .. } => ErrorKind::InvalidReference,
            Self::FileUrl { .. }
            | Self::PlainHttp { .. }
            | Self::GitProtocol { .. }
            | Self::Credentials { .. } => ErrorKind::SourceRefused,
            Self::FileRepository { .. } => ErrorKind::AccessDenied,
            Self::Repository { source } => match source {
                GitUrlError::Scheme { .. } => ErrorKind::UnsupportedSource,
                GitUrlError::NotAUrl { .. } => ErrorKind::InvalidReference,
                GitUrlError::Credentials { .. }
                | GitUrlError::Query { .. }
                | GitUrlError::Option { .. } => ErrorKind::SourceRefused,
            },
            Self::Scheme { .. } => ErrorKind::UnsupportedSource,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Ref { source } => return source.hint(),
            Self::Repository { source } => source.hint(),
            Self::NotForRepositories { what: "checksum" } => {
                "`--ref` with a full commit says as much of a repository"
            }
            Self::NotForRepositories { what }
            | Self::NotForUrls { what }
            | Self::NotForNames { what } => return Some(format!("leave `{what}` out")),
            Self::Requirement { .. } => {
                "requirements are written `2.1.0`, `2.1`, `^2`, `~2.1`, `>=1.4, <3`, `latest`"
            }
            Self::TwoVersions { .. } | Self::Twice { .. } | Self::RefAndVersion => {
                "give one of the two"
            }
            Self::Checksum { .. } => "write `sha256:` or `sha512:` and the digest in hex",
            Self::FileUrl { .. } | Self::Path { .. } => {
                "`packctl install ./PATH` sends it; so does `POST /v1/packs/upload`"
            }
            Self::GitRef { .. } => "write its name as `git ls-remote` shows it",
            Self::Url { .. } => "write it as `https://host/path/pack.tar.gz`",
            Self::GitProtocol { .. } => {
                "use https or ssh; `git.allow_git_protocol: true` in packd.yaml allows it all the same"
            }
            Self::FileRepository { .. } => {
                "`packctl install ./FOLDER` sends a folder of yours; so does `POST /v1/packs/upload`"
            }
            Self::PlainHttp { .. } => {
                "use https; `net.allow_http: true` in packd.yaml allows it all the same"
            }
            Self::Credentials { .. } => {
                "credentials belong into the `headers` of a registry in packd.yaml"
            }
            Self::Scheme { .. } => {
                "archives are installed from https:// URLs, repositories from https:// and ssh:// ones"
            }
            Self::NoRegistry { .. } => "write `./` before the name of a folder",
        };
        Some(hint.to_owned())
    }
}
