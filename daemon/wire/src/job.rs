//! Jobs: one request, one plan, one activation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{GcView, HoldChange, HookView, Problem, TreeView};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Install from a registry reference or a URL.
    Install,
    /// Install an uploaded archive.
    Upload,
    /// Bring packs to newer versions.
    Update,
    /// Remove packs.
    Remove,
    /// Run the tests of an active pack.
    Test,
    /// Make it so: the packs that are named, or a plan that was made before.
    Apply,
    /// Go back to the packs of an earlier generation.
    Rollback,
    /// Compare trees with their lists, and repair them.
    Verify,
    /// Remove what nothing needs any more.
    Gc,
}

impl JobKind {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upload => "upload",
            Self::Update => "update",
            Self::Remove => "remove",
            Self::Test => "test",
            Self::Apply => "apply",
            Self::Rollback => "rollback",
            Self::Verify => "verify",
            Self::Gc => "gc",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for its turn, or for its next attempt.
    Queued,
    /// Being worked on.
    Running,
    /// Done; `changed` says whether anything had to be.
    Succeeded,
    /// Ended with `error`; the host is as it was before.
    Failed,
    /// Ended on request; the host is as it was before.
    Cancelled,
}

impl JobStatus {
    /// Whether the job has ended.
    #[must_use]
    pub fn is_finished(self) -> bool {
        match self {
            Self::Queued | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
        }
    }

    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The steps of a job, in their order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Compare trees with their lists.
    Verify,
    /// Request to plan.
    Resolve,
    /// Bring the bytes.
    Fetch,
    /// Unpack them into staging.
    Unpack,
    /// Read the manifest, compute the digest, move the tree into the store.
    Inspect,
    /// Runtimes, dependencies, dependents, space.
    Check,
    /// Run the packs' own tests.
    Test,
    /// Switch to the new generation.
    Activate,
    /// Remove what nothing needs; the one step of a job of the kind `gc`.
    Collect,
}

impl StepName {
    /// Every step, in order.
    pub const ALL: [Self; 9] = [
        Self::Verify,
        Self::Resolve,
        Self::Fetch,
        Self::Unpack,
        Self::Inspect,
        Self::Check,
        Self::Test,
        Self::Activate,
        Self::Collect,
    ];

    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Resolve => "resolve",
            Self::Fetch => "fetch",
            Self::Unpack => "unpack",
            Self::Inspect => "inspect",
            Self::Check => "check",
            Self::Test => "test",
            Self::Activate => "activate",
            Self::Collect => "collect",
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Ended with the job's error.
    Failed,
    /// Ended before it was done: another step failed, or the job was stopped.
    Stopped,
}

/// One step of a job's latest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// Which step.
    pub name: StepName,
    /// Where it stands.
    pub status: StepStatus,
    /// RFC 3339, UTC.
    pub started_at: String,
    /// RFC 3339, UTC.
    pub finished_at: Option<String>,
    /// What it found, in one line.
    pub message: Option<String>,
}

/// Who asked, as the kernel says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Requester {
    /// User id of the peer.
    pub uid: u32,
    /// Its login name, when it has one.
    pub user: Option<String>,
    /// Process id of the peer at connect time.
    pub pid: Option<i32>,
    /// The `User-Agent` it sent: a claim, not a fact.
    pub agent: Option<String>,
}

/// What happens to one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    /// Not installed before.
    Install,
    /// To a newer version.
    Upgrade,
    /// To an older version.
    Downgrade,
    /// The same version again, with the same or another tree.
    Reinstall,
    /// Gone afterwards.
    Remove,
    /// Already as asked.
    Keep,
}

impl ChangeAction {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Reinstall => "reinstall",
            Self::Remove => "remove",
            Self::Keep => "keep",
        }
    }
}

/// What a job will change, or has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// One line per pack, each after those that it needs.
    pub changes: Vec<PlanChange>,
    /// Packs that need each other, each as a way from one of them back to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub circles: Vec<Vec<String>>,
    /// The generation that it was made on; absent when nothing was installed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// Packs that were to be updated, and cannot be together with the others, or at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Packs that are held, or not held any more, afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HoldChange>,
    /// Whether the host is, or would be, different because of it: what a dry run is for.
    #[serde(default)]
    pub changed: bool,
}

impl PlanView {
    /// Whether something is different afterwards, going by its lines.
    #[must_use]
    pub fn is_change(&self) -> bool {
        let mut changes = self.changes.iter();
        !self.holds.is_empty() || changes.any(|change| change.action != ChangeAction::Keep)
    }
}

/// A pack that stays as it is although it was to be updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Why.
    pub reason: String,
}

/// One line of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanChange {
    /// Which pack; absent while only its source is known.
    #[serde(rename = "ref")]
    pub pack_ref: Option<String>,
    /// What happens to it.
    pub action: ChangeAction,
    /// The active version before.
    pub from: Option<String>,
    /// The active version afterwards.
    pub to: Option<String>,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// Where the bytes come from, without credentials.
    pub source: Option<String>,
    /// The folder inside what comes from there that is the pack, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The branch or tag of a repository that named the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The commit of a repository, in full. A job that runs again brings the same one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the bytes must digest to.
    pub digest: Option<String>,
    /// A newer version that is offered, where the active one is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// Why it is in the plan.
    pub reason: String,
}

/// What `progress` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgressUnit {
    /// Bytes of a download.
    Bytes,
    /// Entries of an archive.
    Files,
}

/// How far the current step is; not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// The step that moves.
    pub step: StepName,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, when known.
    pub total: Option<u64>,
    /// What is counted.
    pub unit: ProgressUnit,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Counts up from 1 on this host.
    pub id: i64,
    /// What it does.
    pub kind: JobKind,
    /// The same in a few words, such as `install slack@^2`.
    pub summary: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Whether the host is different because of it.
    pub changed: bool,
    /// The request as it was made, without credentials.
    #[schema(value_type = Object)]
    pub request: serde_json::Value,
    /// Who asked.
    pub requested_by: Requester,
    /// Whether nobody did: packd asked by itself, as its configuration tells it to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    /// What it will change, once known.
    pub plan: Option<PlanView>,
    /// The steps of the latest attempt, in order.
    pub steps: Vec<StepView>,
    /// How far the current step is.
    pub progress: Option<ProgressView>,
    /// Which attempt this is or was, from 1; 0 before the first.
    pub attempt: u32,
    /// When the next attempt is due, RFC 3339, UTC.
    pub retry_at: Option<String>,
    /// The generation it made.
    pub generation: Option<i64>,
    /// What a job of the kind `gc` removed, or would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gc: Option<GcView>,
    /// What was odd but not in the way.
    pub warnings: Vec<String>,
    /// How the hooks that were run for its events ended, the latest 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "crate::hook::runs")]
    pub hooks: Vec<HookView>,
    /// Why it failed; of a queued job: why its last attempt did.
    pub error: Option<Problem>,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub started_at: Option<String>,
    /// RFC 3339, UTC.
    pub finished_at: Option<String>,
    /// What was found of each tree, once a job that verifies has looked at all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Vec<TreeView>>,
    /// The job that a queued one waits for: the first of those on the same packs, or that may touch them.
    #[serde(default)]
    pub waits_for: Option<i64>,
}

/// A page of jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs.
    pub jobs: Vec<JobView>,
    /// `?before=` of the next page, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}
