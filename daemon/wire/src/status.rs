//! How the daemon fares.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{RegistryView, Role, UpdatesSummary};

/// `GET /v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    /// The daemon's version.
    pub version: String,
    /// The API's version; 1.
    pub api: u32,
    /// What this daemon can do, for clients that must know.
    pub features: Vec<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Its process id.
    pub pid: u32,
    /// Its state folder.
    pub state_dir: String,
    /// The generation that `current` names; absent before the first.
    pub generation: Option<i64>,
    /// How many packs are active.
    pub packs: u64,
    /// Jobs by status.
    pub queue: QueueView,
    /// Sequence number of the newest stored event; 0 before the first.
    pub last_event: i64,
    /// The configured registries, in the order they are asked.
    pub registries: Vec<RegistryView>,
    /// What is going to be updated by itself, and what keeps things from it.
    #[serde(default)]
    #[schema(required = true)]
    pub updates: UpdatesSummary,
    /// That the database was lost or is damaged, until an operator acknowledges it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<DegradedView>,
    /// Whether the database, which is large, is still being looked at since the start; damage that is found then is in
    /// `degraded`.
    #[serde(default)]
    pub checks_database: bool,
    /// What an operator should look at, the worst first.
    pub problems: Vec<String>,
    /// What the asking peer may do.
    pub role: Role,
}

/// Jobs by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Waiting.
    pub queued: u64,
    /// Being worked on.
    pub running: u64,
    /// Ended well, within the history that is kept.
    pub succeeded: u64,
    /// Ended with an error, within the history that is kept.
    pub failed: u64,
    /// Cancelled, within the history that is kept.
    pub cancelled: u64,
}

/// That the database was lost or is damaged, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DegradedView {
    /// Since when; RFC 3339, UTC.
    pub at: String,
    /// What was found.
    pub reason: String,
    /// Where the damaged database lies now, if it was put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// How many active packs were found again.
    pub packs: u64,
    /// How many of them without a record, so that nothing is known of where they came from.
    pub unrecorded: u64,
}

/// `POST /v1/status/acknowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgeView {
    /// What was acknowledged; absent when there was nothing.
    pub acknowledged: Option<DegradedView>,
}

/// `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// `ok`, or `degraded` while packd works with a database that was rebuilt or is damaged.
    pub status: String,
}

/// `POST /v1/reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadView {
    /// Keys whose value is different now.
    pub changed: Vec<String>,
    /// What could not be done of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
