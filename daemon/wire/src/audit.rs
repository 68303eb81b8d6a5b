//! Who asked for what, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ErrorKind, Requester, Role};

/// One request for a change, or one refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Counts up from 1.
    pub seq: i64,
    /// RFC 3339, UTC.
    pub at: String,
    /// Who asked.
    pub peer: Requester,
    /// What the peer was taken for.
    pub role: Role,
    /// Method and path.
    pub request: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The error's kind, when there was one.
    pub error: Option<ErrorKind>,
    /// The job that it made.
    pub job: Option<i64>,
}

/// A page of the audit, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    /// The rows.
    pub audit: Vec<AuditView>,
    /// `?before=` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}
