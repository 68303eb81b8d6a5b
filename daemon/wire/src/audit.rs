//! Who asked for what, and what became of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ErrorKind, Requester, Role};

/// One request for a change, or one refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Counts up from 1, without a gap.
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
    /// SHA-256 over this row and the hash of the row before, in hexadecimal; none in rows of before there was a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
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

/// A row of the audit and its hash: what the chain was like up to there. Written as `SEQ:HASH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditHead {
    /// The row.
    pub seq: i64,
    /// Its hash: SHA-256 in hexadecimal.
    pub hash: String,
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let (seq, hash) = text.trim().split_once(':').ok_or(NotAHead)?;
        let seq = seq.parse().map_err(|_| NotAHead)?;
        if seq < 0 || hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotAHead);
        }
        Ok(Self {
            seq,
            hash: hash.to_ascii_lowercase(),
        })
    }
}

/// That a text is no head of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHead;

impl fmt::Display for NotAHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the number of a row and its hash, like `1250:9f86d0…`")
    }
}

impl std::error::Error for NotAHead {}

/// What is wrong with rows of the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditBroken {
    /// The row is not as it was written.
    Changed,
    /// The rows are gone.
    Missing,
}

/// A place where the chain of the audit is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditBreak {
    /// The first row of it.
    pub from: i64,
    /// The last row of it.
    pub to: i64,
    /// What is wrong with them.
    pub what: AuditBroken,
}

/// What became of a row whose hash was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditNoted {
    /// The row has that hash.
    Agrees,
    /// The row has another hash: the audit was written anew.
    Differs,
    /// There is no such row.
    Missing,
    /// The row is older than the history that is kept.
    Forgotten,
}

/// What a check of the audit's chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditVerifyView {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// How many rows were checked: those after `start`, up to `head`.
    pub checked: i64,
    /// What the first row follows: the last one that was forgotten, or is of before there was a chain; row 0 when there
    /// was none.
    pub start: AuditHead,
    /// The last row. Noted on another host, it tells later whether this part of the audit was written anew.
    pub head: AuditHead,
    /// Rows of before there was a chain: nothing tells whether they were changed.
    pub unchained: i64,
    /// Where the chain is broken; at most 100 places.
    pub breaks: Vec<AuditBreak>,
    /// What became of the row that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noted: Option<AuditNoted>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = AuditHead {
            seq: 12,
            hash: "ab".repeat(32),
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in ["", "12", "12:ab", "x:y", ":", "-1:00", "12:zz"] {
            assert_eq!(text.parse::<AuditHead>(), Err(NotAHead), "{text}");
        }
        let long: AuditHead = format!(" 0:{} ", "AB".repeat(32)).parse().unwrap();
        assert_eq!(long.hash, "ab".repeat(32));
    }
}
