//! How the daemon fares.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{RegistryView, Role};

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

/// `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// Always `ok`: no answer is the other answer.
    pub status: String,
}

/// `POST /v1/reload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadView {
    /// Keys whose value is different now.
    pub changed: Vec<String>,
}
