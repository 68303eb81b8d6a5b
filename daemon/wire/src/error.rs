//! Errors on the wire: a closed list of kinds, and the problem document.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::StepName;

macro_rules! kinds {
    ($( $(#[$doc:meta])* $variant:ident => $name:literal, $title:literal; )*) => {
        /// The stable name of what went wrong. The list is closed: a new kind is an API change.
        ///
        /// Status and exit code follow from the kind, in matches without a wildcard.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorKind {
            $( $(#[$doc])* $variant, )*
        }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The name used on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// A short title that is the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $( Self::$variant => $title, )* }
            }
        }
    };
}

kinds! {
    /// The request is not well-formed HTTP or JSON, or a value is out of range.
    BadRequest => "bad_request", "bad request";
    /// The request names a field that does not exist.
    UnknownField => "unknown_field", "unknown field";
    /// The body is larger than the daemon accepts.
    PayloadTooLarge => "payload_too_large", "payload too large";
    /// The body's content type is not one the route accepts.
    UnsupportedMediaType => "unsupported_media_type", "unsupported media type";
    /// No such path in the API.
    RouteNotFound => "route_not_found", "no such path";
    /// The path exists, the method does not.
    MethodNotAllowed => "method_not_allowed", "method not allowed";
    /// The peer's role does not allow this.
    AccessDenied => "access_denied", "access denied";
    /// The same idempotency key came with another request.
    IdempotencyConflict => "idempotency_conflict", "idempotency key used for another request";
    /// Too many requests, connections or queued jobs.
    TooMany => "too_many", "too many requests";
    /// The daemon is stopping.
    ShuttingDown => "shutting_down", "the daemon is stopping";
    /// No installed pack has this ref.
    PackNotInstalled => "pack_not_installed", "pack not installed";
    /// No registry offers this ref.
    PackNotFound => "pack_not_found", "pack not found";
    /// The pack exists, no version satisfies the requirement.
    VersionNotFound => "version_not_found", "version not found";
    /// No generation that is kept has this number, or none was active before.
    GenerationNotFound => "generation_not_found", "generation not found";
    /// The store has not all of a tree that is to become active again.
    TreeMissing => "tree_missing", "tree missing";
    /// No such job.
    JobNotFound => "job_not_found", "job not found";
    /// The job has ended, or its activation has begun.
    JobNotCancellable => "job_not_cancellable", "job cannot be cancelled";
    /// No registry has this name.
    RegistryNotFound => "registry_not_found", "registry not found";
    /// A registry of this name is there already.
    RegistryExists => "registry_exists", "registry exists";
    /// The registry is part of the configuration, and is changed there.
    RegistryReadOnly => "registry_read_only", "registry is part of the configuration";
    /// The ref, version, requirement, checksum or source is not valid.
    InvalidReference => "invalid_reference", "invalid reference";
    /// The source is of a type that cannot be installed from.
    UnsupportedSource => "unsupported_source", "unsupported source";
    /// The source may not be used as configured (plain http, host not allowed).
    SourceRefused => "source_refused", "source refused";
    /// The registry cannot be reached, and nothing of it is cached.
    RegistryUnreachable => "registry_unreachable", "registry unreachable";
    /// The registry's index cannot be read.
    RegistryMalformed => "registry_malformed", "registry index malformed";
    /// What a signed registry shows is signed by nobody who may, or by too few.
    RegistryUnsigned => "registry_unsigned", "registry not signed";
    /// Nobody has vouched for a signed registry lately.
    RegistryExpired => "registry_expired", "registry expired";
    /// A signed registry shows something older than before, or another thing under the same version.
    RegistryStale => "registry_stale", "registry went back";
    /// The registry wants other credentials.
    RegistryUnauthorized => "registry_unauthorized", "registry refused the credentials";
    /// The server refused the bytes for good (404, 403, …).
    FetchRefused => "fetch_refused", "download refused";
    /// The bytes could not be brought; trying again can help.
    FetchFailed => "fetch_failed", "download failed";
    /// The bytes are not the ones that were promised.
    DigestMismatch => "digest_mismatch", "digest mismatch";
    /// The entry has no checksum, and the registry's trust demands one.
    ChecksumMissing => "checksum_missing", "checksum missing";
    /// The file is no archive of a known format.
    UnsupportedArchive => "unsupported_archive", "unsupported archive";
    /// The archive is damaged or breaks the rules of its format.
    InvalidArchive => "invalid_archive", "invalid archive";
    /// The archive wants to do what no pack may (leave its folder, devices, …).
    UnsafeArchive => "unsafe_archive", "unsafe archive";
    /// The pack is larger than the limits allow.
    LimitExceeded => "limit_exceeded", "limit exceeded";
    /// No `pack.yaml`, or more than one.
    ManifestMissing => "manifest_missing", "pack.yaml missing";
    /// `pack.yaml` cannot be read as one.
    InvalidManifest => "invalid_manifest", "invalid pack.yaml";
    /// The content is not the pack or the version that was asked for.
    ContentMismatch => "content_mismatch", "content mismatch";
    /// The tree of a pack is not as it was installed.
    PackDamaged => "pack_damaged", "pack damaged";
    /// A pack that is needed is not installed in a version that will do.
    DependencyUnmet => "dependency_unmet", "dependency not met";
    /// Other packs need what is to be changed.
    RequiredBy => "required_by", "required by other packs";
    /// The pack is part of the system, and may only be removed by force.
    SystemPack => "system_pack", "system pack";
    /// The pack is held in its version.
    PackHeld => "pack_held", "pack held";
    /// Tests of a pack failed, or it has none where it must.
    TestsFailed => "tests_failed", "tests failed";
    /// This host cannot keep tests in as the configuration demands.
    SandboxUnavailable => "sandbox_unavailable", "sandbox not available";
    /// No test results of this pack are stored.
    TestsNotFound => "tests_not_found", "no test results";
    /// The plan did not become complete within its bound.
    PlanIncomplete => "plan_incomplete", "plan not complete";
    /// The host, or what a registry offers, is not any more what the plan was made on.
    PlanOutdated => "plan_outdated", "plan outdated";
    /// Not enough space on the file system.
    NoSpace => "no_space", "no space left";
    /// A file operation failed.
    Io => "io", "input/output error";
    /// The database failed.
    Database => "database", "database error";
    /// The configuration is wrong.
    InvalidConfig => "invalid_config", "invalid configuration";
    /// It took longer than allowed.
    Timeout => "timeout", "timeout";
    /// The job was cancelled.
    Cancelled => "cancelled", "cancelled";
    /// A defect in packd.
    Internal => "internal", "internal error";
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorKind {
    /// The HTTP status that a refusal of this kind is answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::UnknownField => 400,
            Self::AccessDenied => 403,
            Self::RouteNotFound
            | Self::PackNotInstalled
            | Self::PackNotFound
            | Self::VersionNotFound
            | Self::JobNotFound
            | Self::GenerationNotFound
            | Self::TestsNotFound
            | Self::RegistryNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::IdempotencyConflict
            | Self::RegistryExists
            | Self::RegistryReadOnly
            | Self::JobNotCancellable
            | Self::RequiredBy
            | Self::SystemPack
            | Self::PackHeld
            | Self::PlanOutdated
            | Self::TreeMissing
            | Self::Cancelled => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidReference
            | Self::UnsupportedSource
            | Self::SourceRefused
            | Self::DigestMismatch
            | Self::ChecksumMissing
            | Self::UnsupportedArchive
            | Self::InvalidArchive
            | Self::UnsafeArchive
            | Self::LimitExceeded
            | Self::ManifestMissing
            | Self::InvalidManifest
            | Self::ContentMismatch
            | Self::PackDamaged
            | Self::DependencyUnmet
            | Self::TestsFailed
            | Self::PlanIncomplete
            | Self::InvalidConfig => 422,
            Self::TooMany => 429,
            Self::Io | Self::Database | Self::Internal => 500,
            Self::RegistryMalformed
            | Self::RegistryUnsigned
            | Self::RegistryExpired
            | Self::RegistryStale
            | Self::RegistryUnauthorized
            | Self::FetchRefused
            | Self::FetchFailed => 502,
            Self::ShuttingDown | Self::RegistryUnreachable | Self::SandboxUnavailable => 503,
            Self::Timeout => 504,
            Self::NoSpace => 507,
        }
    }

    /// Whether it is about what goes wrong inside the daemon, as opposed to with a request.
    #[must_use]
    pub fn is_inner(self) -> bool {
        matches!(
            self,
            Self::Io | Self::Database | Self::Internal | Self::NoSpace | Self::InvalidConfig
        )
    }

    /// What `packctl` exits with after an error of this kind.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::BadRequest | Self::UnknownField | Self::InvalidReference => Exit::Usage,
            Self::RouteNotFound
            | Self::PackNotInstalled
            | Self::PackNotFound
            | Self::VersionNotFound
            | Self::JobNotFound
            | Self::GenerationNotFound
            | Self::TestsNotFound
            | Self::RegistryNotFound => Exit::NotFound,
            Self::AccessDenied => Exit::NotPermitted,
            Self::TooMany
            | Self::ShuttingDown
            | Self::RegistryUnreachable
            | Self::FetchFailed
            | Self::NoSpace
            | Self::Timeout => Exit::Transient,
            Self::PayloadTooLarge
            | Self::UnsupportedMediaType
            | Self::MethodNotAllowed
            | Self::IdempotencyConflict
            | Self::RegistryExists
            | Self::RegistryReadOnly
            | Self::JobNotCancellable
            | Self::UnsupportedSource
            | Self::SourceRefused
            | Self::RegistryMalformed
            | Self::RegistryUnsigned
            | Self::RegistryExpired
            | Self::RegistryStale
            | Self::RegistryUnauthorized
            | Self::FetchRefused
            | Self::DigestMismatch
            | Self::ChecksumMissing
            | Self::UnsupportedArchive
            | Self::InvalidArchive
            | Self::UnsafeArchive
            | Self::LimitExceeded
            | Self::ManifestMissing
            | Self::InvalidManifest
            | Self::ContentMismatch
            | Self::PackDamaged
            | Self::DependencyUnmet
            | Self::RequiredBy
            | Self::SystemPack
            | Self::PackHeld
            | Self::TestsFailed
            | Self::SandboxUnavailable
            | Self::PlanIncomplete
            | Self::PlanOutdated
            | Self::TreeMissing
            | Self::Io
            | Self::Database
            | Self::InvalidConfig
            | Self::Cancelled
            | Self::Internal => Exit::Failed,
        }
    }
}

/// Exit codes of `packctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, also when nothing had to change.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line, or the request made of it, is wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// The caller may not do this.
    NotPermitted = 4,
    /// No daemon answers at the socket.
    Unreachable = 5,
    /// Busy or transient: trying again can help.
    Transient = 6,
    /// Still running when `--timeout` ended.
    StillRunning = 7,
}

/// An error as it is sent: `application/problem+json` (RFC 9457) with packd's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `about:blank#` followed by the kind.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The kind's title.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable name.
    pub kind: ErrorKind,
    /// What happened, naming the thing, in one line.
    pub detail: String,
    /// What led to it, outermost first, none of it repeated in `detail`.
    #[serde(default)]
    pub causes: Vec<String>,
    /// One thing to try.
    #[serde(default)]
    pub hint: Option<String>,
    /// Whether the same request can succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// The job that failed, when it is a job's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<i64>,
    /// The step that failed, when it is a job's error and a step's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,
}

impl Problem {
    /// A problem with neither causes nor hint.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("about:blank#{kind}"),
            title: kind.title().to_owned(),
            status: kind.status(),
            kind,
            detail: detail.into(),
            causes: Vec::new(),
            hint: None,
            retryable: false,
            job: None,
            step: None,
        }
    }

    /// The same problem with one thing to try.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The problem of an error and what led to it; each text of the chain appears once.
    #[must_use]
    pub fn of_error(kind: ErrorKind, error: &dyn std::error::Error) -> Self {
        let mut problem = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            problem.causes.push(cause.to_string());
            source = cause.source();
        }
        problem
    }
}
