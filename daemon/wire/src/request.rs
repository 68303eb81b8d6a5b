//! What can be asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{RegistryUpdates, Trust};

/// `POST /v1/packs/install`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is sent"
)]
pub struct InstallRequest {
    /// A registry reference (`slack`, `slack@^2`, `slack@latest`), the URL of an archive, or a git repository
    /// (`https://host/x.git`, `ssh://user@host/x`, `user@host:x`, `github:org/repo@ref`).
    pub source: String,
    /// A requirement, instead of the one after `@`. Of a repository it is the newest tag that satisfies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Branch, tag or commit of a repository. Without one, and without `version`, it is the newest tag that is a
    /// version, or else the default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The folder inside the archive or repository that is the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the archive's bytes must digest to: `sha256:<hex>` or `sha512:<hex>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Ask only this registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Refuse a registry reference.
    #[serde(default)]
    pub no_registry: bool,
    /// Activate in spite of unmet dependencies or dependents, and install again what is installed.
    #[serde(default)]
    pub force: bool,
    /// Do not check dependencies.
    #[serde(default)]
    pub skip_deps: bool,
    /// Do not run the pack's own tests before it becomes active.
    #[serde(default)]
    pub skip_tests: bool,
    /// Take it from another registry than it came from. For admins.
    #[serde(default)]
    pub change_origin: bool,
    /// Consider pre-releases.
    #[serde(default)]
    pub pre: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Query of `POST /v1/packs/upload`; the body is the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is sent"
)]
pub struct UploadQuery {
    /// What the client calls it, for the record: a path on the client's side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder inside the archive that is the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the body must digest to: `sha256:<hex>` or `sha512:<hex>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Activate in spite of unmet dependencies or dependents, and install again what is installed.
    #[serde(default)]
    pub force: bool,
    /// Do not check dependencies.
    #[serde(default)]
    pub skip_deps: bool,
    /// Do not run the pack's own tests before it becomes active.
    #[serde(default)]
    pub skip_tests: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Seconds to hold the answer until the job ends; at most 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(maximum = 600)]
    pub wait: Option<u64>,
}

/// `POST /v1/packs/verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Only these active packs; empty: every one.
    #[serde(default)]
    pub refs: Vec<String>,
    /// Bring again what is not as it was installed.
    #[serde(default)]
    pub repair: bool,
}

/// `POST /v1/packs/{ref}/hold`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// When it is over by itself; RFC 3339. Without it, it lasts until it is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What for; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Query of `DELETE /v1/packs/{ref}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemoveQuery {
    /// Remove the packs that need it too.
    #[serde(default)]
    pub cascade: bool,
    /// Remove it in spite of the packs that need it, or although it is a system pack.
    #[serde(default)]
    pub force: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Seconds to hold the answer until the job ends; at most 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(maximum = 600)]
    pub wait: Option<u64>,
}

/// `POST /v1/registries/refresh`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// Only these; empty: every enabled one.
    #[serde(default)]
    pub registries: Vec<String>,
}

/// `POST /v1/registries`, with `name` and `url`; `PUT /v1/registries/{name}`, with what shall be different.
///
/// The keys are those of a registry in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryRequest {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where its index is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Lower is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Whether it is asked at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Patterns of refs that may come from it; empty: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refs: Option<Vec<String>>,
    /// Whether those come from nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<bool>,
    /// Headers of each request to it; values may refer to secrets, as `${cred:NAME}`. Never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    /// What makes its bytes believable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// For `signed`: the file of its root, in the folder of keys of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// For `signed`, in place of `root`: the fingerprint of the root, which is then fetched from the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_fingerprint: Option<String>,
    /// For `signed`: how long past its end what was signed still counts: `14d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stale: Option<String>,
    /// How old its index may become: `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// Whether plain http is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_http: Option<bool>,
    /// What the tests of its packs are kept in by: `strict`, `standard`, `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// What becomes of newer versions of its packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<RegistryUpdates>,
}
