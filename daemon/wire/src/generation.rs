//! Generations: the whole set of active packs at one moment, and going back to one.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ChangeAction;

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationView {
    /// Counts up on this host; no two that were ever active share one.
    pub number: i64,
    /// Whether it is the one that `current` names.
    pub current: bool,
    /// When it last became active; RFC 3339, UTC.
    pub activated_at: Option<String>,
    /// For whom: login name, or the uid in digits.
    pub by: Option<String>,
    /// The job that made it.
    pub job: i64,
    /// What that job was asked to do, such as `install slack@^2`.
    pub summary: Option<String>,
    /// The generation that was active before it was made; absent of the first.
    pub base: Option<i64>,
    /// What is different from `base`, by ref.
    pub changes: Vec<GenerationChange>,
    /// How many packs it has.
    pub packs: u64,
    /// That it is kept for ever, if it is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinView>,
}

/// What happened to one pack from one generation to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationChange {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// What it is called to go from `from` to `to`.
    pub action: ChangeAction,
    /// Its version in the earlier one; absent: it was not active.
    pub from: Option<String>,
    /// Its version in the later one; absent: it is not active.
    pub to: Option<String>,
}

/// That a generation is kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinView {
    /// What for.
    pub reason: Option<String>,
    /// Login name, or the uid in digits.
    pub by: String,
    /// Since when; RFC 3339, UTC.
    pub at: String,
}

/// A page of generations, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationList {
    /// The generations.
    pub generations: Vec<GenerationView>,
    /// `?before=` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// One generation with its packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationDetail {
    /// The generation.
    pub generation: GenerationView,
    /// Its packs, by ref.
    pub packs: Vec<GenerationPack>,
}

/// A pack of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationPack {
    /// Its name.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// The registry it came from.
    pub registry: Option<String>,
    /// Digest of its tree.
    pub tree: String,
}

/// What is different between two generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GenerationDiff {
    /// The one that is compared.
    pub from: i64,
    /// The one that it is compared with.
    pub to: i64,
    /// What is different in `to`, by ref.
    pub changes: Vec<GenerationChange>,
}

/// A version that was rolled back from: updates pass it over until it is asked for by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockedView {
    /// The version.
    pub version: String,
    /// Digest of the tree that was active.
    pub tree: String,
    /// Since when; RFC 3339, UTC.
    pub since: String,
    /// The rollback.
    pub job: i64,
    /// What it was asked to do.
    pub reason: Option<String>,
}

/// `POST /v1/rollback`. Without fields: to the generation that was active before the current one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// To the packs of this generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Only this pack: to what it was in `generation`, or else before its last change.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub pack_ref: Option<String>,
    /// Roll back in spite of holds, of packs that need what changes, of what is not there, and of system packs that go.
    #[serde(default)]
    pub force: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// `POST /v1/generations/{number}/pin`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinRequest {
    /// What for; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Query of `GET /v1/generations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GenerationsQuery {
    /// Only generations older than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// How many; 50 unless said, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// Query of `GET /v1/generations/{number}/diff`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The generation to compare with; the current one unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
}
