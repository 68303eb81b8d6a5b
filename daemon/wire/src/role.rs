//! Who may do what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a peer may do, decided from the kernel's credentials of its connection.
///
/// Ordered: each role may do what the ones before it may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing at all.
    Denied,
    /// Look.
    Reader,
    /// Install, update, test, hold, roll back, cancel own jobs.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// The name used on the wire and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
