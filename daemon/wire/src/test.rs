//! Tests of packs: what came of them on this host.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Why tests were run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestTrigger {
    /// The pack was installed.
    Install,
    /// Another version of it was installed.
    Update,
    /// Somebody wanted to know.
    #[default]
    Manual,
    /// A program wanted to know.
    Validation,
    /// packd had updated the pack by itself, and looks whether it still works.
    Health,
}

impl TestTrigger {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Update => "update",
            Self::Manual => "manual",
            Self::Validation => "validation",
            Self::Health => "health",
        }
    }
}

/// What came of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    /// All that were run passed.
    Passed,
    /// Some failed, or they could not be brought to their end.
    Failed,
    /// None was run: they left themselves out, or somebody wanted it so.
    Skipped,
    /// Fewer passed than there are, and none failed.
    Partial,
    /// The pack brings none, or none were run.
    #[default]
    Untested,
}

impl TestStatus {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Partial => "partial",
            Self::Untested => "untested",
        }
    }
}

/// `POST /v1/packs/{ref}/test`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// Why: `manual` or `validation`.
    #[serde(default)]
    pub trigger: TestTrigger,
}

/// Query of `GET /v1/packs/{ref}/tests`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TestsQuery {
    /// Only results older than this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// At most this many; 20 by default, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// With the whole report of each.
    #[serde(default)]
    pub report: bool,
}

/// One result of a pack's tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestView {
    /// Counts up from 1 on this host.
    pub id: i64,
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Digest of the tree that was tested: `sha256:<hex>`.
    pub tree: String,
    /// Why they were run.
    pub trigger: TestTrigger,
    /// The job that ran them.
    pub job: i64,
    /// When; RFC 3339, UTC.
    pub at: String,
    /// What came of them.
    pub status: TestStatus,
    /// What that means for an install: `pass`, `warn`, `block` or `ignore`.
    pub gate: String,
    /// How many tests there are.
    pub total: u64,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were left out on purpose.
    pub skipped: u64,
    /// `passed` of `total`, 0 to 1.
    pub pass_rate: f64,
    /// Milliseconds for all of them.
    pub duration_ms: u64,
    /// Why they were not brought to their end.
    pub error: Option<String>,
    /// What kept them in: the level that was demanded, and what was enforced.
    #[schema(value_type = Object)]
    pub sandbox: serde_json::Value,
    /// Attune's result document, where it was asked for. What tests wrote is left out of one that is very long, then
    /// the tests themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub report: Option<serde_json::Value>,
}

/// Results of a pack's tests, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestList {
    /// The results.
    pub tests: Vec<TestView>,
    /// `?before=` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// What is known of the tests of an active pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestSummary {
    /// What came of them last; `skipped` if the pack was installed without.
    pub status: TestStatus,
    /// The result it is from.
    pub id: Option<i64>,
    /// When; RFC 3339, UTC.
    pub at: Option<String>,
    /// Why they were run.
    pub trigger: Option<TestTrigger>,
    /// How many tests there are.
    pub total: u64,
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
}

/// How a version of a pack fared on this host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QualityView {
    /// How often it became active.
    pub installs: u64,
    /// How often a job that was to make it active failed.
    pub failures: u64,
    /// How often its tests were good enough.
    pub tests_passed: u64,
    /// How often they were not.
    pub tests_failed: u64,
}
