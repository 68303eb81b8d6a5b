//! How hooks ended.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::EventKind;
use crate::event::of_known_kinds;

/// How a hook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookStatus {
    /// It ended with the status 0.
    Succeeded,
    /// It ended with another status, or by a signal.
    Failed,
    /// It was not done in its time, and was ended with all that it started.
    TimedOut,
    /// It could not be started; `message` says why.
    NotStarted,
}

impl HookStatus {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::NotStarted => "not_started",
        }
    }
}

/// Reads the runs of hooks, without those for kinds of events that a newer daemon has.
pub(crate) fn runs<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<HookView>, D::Error> {
    of_known_kinds(reader, "on")
}

/// One run of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookView {
    /// Its name in the configuration.
    pub name: String,
    /// The kind of the event that it was run for.
    pub on: EventKind,
    /// The number of that event.
    pub event: i64,
    /// How it ended.
    pub status: HookStatus,
    /// With which status; absent when it did not end by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When it was started, RFC 3339, UTC.
    pub at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The end of what it wrote, standard output and then standard error; at most 4 KiB.
    pub output: String,
    /// What went wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The job that goes back to the generation before because of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<i64>,
}
