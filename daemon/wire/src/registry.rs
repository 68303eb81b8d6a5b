//! Registries, and what they offer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{QualityView, RegistryUpdates};

use crate::ErrorKind;

/// What makes a registry's bytes believable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The index, and everything that it names, is signed by keys that a pinned root names.
    Signed,
    /// Every archive needs a checksum in the index.
    Checksum,
    /// Nothing is demanded; shown as a warning everywhere.
    Unverified,
}

impl Trust {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Checksum => "checksum",
            Self::Unverified => "unverified",
        }
    }
}

/// Whether a registry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistryState {
    /// The last refresh succeeded.
    Ok,
    /// The last refresh failed; the cached index is used.
    Stale,
    /// The last refresh failed, and nothing is cached.
    Failed,
    /// Never refreshed.
    Unknown,
    /// Disabled in the configuration.
    Disabled,
}

impl RegistryState {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
        }
    }
}

/// How a registry fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryHealth {
    /// Whether it answers.
    pub state: RegistryState,
    /// When its index was last confirmed current; RFC 3339, UTC.
    pub last_success: Option<String>,
    /// Seconds since then.
    pub age_seconds: Option<u64>,
    /// Kind of the last failure.
    pub error_kind: Option<ErrorKind>,
    /// Its words.
    pub error: Option<String>,
    /// One thing to try about it.
    #[serde(default)]
    pub hint: Option<String>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// When it is asked again; RFC 3339, UTC.
    pub next_refresh: Option<String>,
}

/// One configured registry. Of headers only the names are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryView {
    /// Its name.
    pub name: String,
    /// Where its index is, without credentials.
    pub url: String,
    /// Where the configuration has it: `/etc/packd/packd.yaml:12`. None: it was added while packd ran, and can be
    /// changed and removed in the same way.
    #[serde(default)]
    pub defined_at: Option<String>,
    /// Lower is asked first.
    pub priority: u32,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// What makes its bytes believable.
    pub trust: Trust,
    /// Patterns of refs that may come from it; empty: any.
    pub refs: Vec<String>,
    /// The other keys that it has in the configuration.
    #[serde(default)]
    pub settings: RegistrySettings,
    /// Whether those come from nowhere else.
    #[serde(default)]
    #[schema(required = true)]
    pub exclusive: bool,
    /// How many packs its index has.
    pub packs: u64,
    /// Entries that were left out, each with its position and reason.
    pub problems: Vec<String>,
    /// What its signatures say, once some were accepted.
    #[serde(default)]
    pub signed: Option<SignedView>,
    /// What somebody should know about its trust, each in one line.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How it fares.
    pub health: RegistryHealth,
}

/// How a registry is asked, where that is not as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistrySettings {
    /// The names of the headers of each request to it. What they say is shown nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Of a signed one: the file of its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Of a signed one: the SHA-256 that the root it brings itself must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_fingerprint: Option<String>,
    /// How long past its end what was signed still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<String>,
    /// How old its index may become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// Whether plain http is allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_http: bool,
    /// What the tests of its packs are kept in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// What is different for the updates of its packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<RegistryUpdates>,
}

/// What was accepted last of a signed registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedView {
    /// What its roots call it.
    pub registry_id: String,
    /// The version of its newest root.
    pub root_version: u64,
    /// The version of the description of its index.
    pub version: u64,
    /// Until when that may be believed; RFC 3339, UTC.
    pub expires: String,
}

/// `POST /v1/registries/{name}/trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustRequest {
    /// That the registry, which was signed, may be used without signatures.
    pub accept_unsigned: bool,
}

/// The configured registries, in the order they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryList {
    /// The registries.
    pub registries: Vec<RegistryView>,
}

/// What became of a registry that was to be added, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegistryChange {
    /// Whether something is different now.
    pub changed: bool,
    /// The registry as it is now; none when it is not there.
    pub registry: Option<RegistryView>,
    /// What is allowed but should be known, each in one line.
    pub warnings: Vec<String>,
}

/// One hit of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchView {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its title.
    pub label: Option<String>,
    /// The newest version.
    pub version: String,
    /// What it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
    /// The registry that offers it.
    pub registry: String,
    /// Whether a registry of higher priority offers the same ref.
    pub shadowed: bool,
    /// The active version on this host.
    pub installed: Option<String>,
    /// How the offered version fared on this host, if it was tried.
    pub quality: Option<QualityView>,
}

/// A registry that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedView {
    /// Its name.
    pub name: String,
    /// How it fares.
    pub health: RegistryHealth,
}

/// What was found, best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchList {
    /// The hits.
    pub packs: Vec<SearchView>,
    /// Whether there are more hits than were asked for.
    pub truncated: bool,
    /// Registries whose answer is old, missing or not verified, each in one line.
    pub warnings: Vec<String>,
    /// The registries that were asked, and how they fare.
    #[serde(default)]
    pub registries: Vec<AskedView>,
}

/// One version that a registry offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailableView {
    /// The version.
    pub version: String,
    /// The registry that offers it.
    pub registry: String,
    /// Whether a registry of higher priority offers the same ref.
    pub shadowed: bool,
    /// Whether it was withdrawn.
    pub yanked: bool,
    /// Whether it is the active one here.
    pub installed: bool,
}

/// Every version that registries offer of one pack, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailableList {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// The versions.
    pub versions: Vec<AvailableView>,
    /// Refs of nearly this name that are offered, when this one is not.
    #[serde(default)]
    pub nearest: Vec<String>,
    /// Registries whose answer is old, missing or not verified, each in one line.
    pub warnings: Vec<String>,
    /// The registries that were asked, and how they fare.
    #[serde(default)]
    pub registries: Vec<AskedView>,
}
