//! Packs as they are on this host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BlockedView, QualityView, TestSummary};

/// One active pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackView {
    /// Its name.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its title.
    pub label: Option<String>,
    /// The active version.
    pub version: String,
    /// What it does.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    /// Search words.
    pub keywords: Vec<String>,
    /// The registry it came from.
    pub registry: Option<String>,
    /// Where its bytes came from.
    pub source: SourceView,
    /// What they digest to.
    pub digest: DigestsView,
    /// What was really compared.
    pub verified: VerifiedView,
    /// Where it lies: `<state>/current/<ref>`.
    pub path: String,
    /// The generation that made this version active.
    pub generation: i64,
    /// RFC 3339, UTC.
    pub installed_at: String,
    /// Login name, or the uid in digits.
    pub installed_by: String,
    /// The job that installed it.
    pub job: i64,
    /// Whether its tree is as installed.
    pub state: PackState,
    /// That it stays in this version, if it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
    /// Newer versions that were rolled back from: updates pass them over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<BlockedView>,
    /// The newest version its registry offers, when newer than `version`.
    pub available: Option<String>,
    /// Requirements on other packs, as `ref` or `ref@requirement`.
    pub dependencies: Vec<String>,
    /// Active packs that need this one.
    pub required_by: Vec<String>,
    /// How many components it brings.
    pub contents: ContentsView,
    /// What is known of its own tests.
    #[serde(default)]
    #[schema(required = true)]
    pub tests: TestSummary,
    /// How this version fared on this host.
    #[serde(default)]
    #[schema(required = true)]
    pub quality: QualityView,
    /// Whether it is part of the system.
    pub system: bool,
}

/// That a pack stays in the version that it has, whoever asks for another one, unless by force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// When it is over by itself; RFC 3339, UTC.
    pub until: Option<String>,
    /// What for.
    pub reason: Option<String>,
    /// Login name, or the uid in digits.
    pub by: String,
    /// Since when; RFC 3339, UTC.
    pub at: String,
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceType {
    /// An archive by URL.
    Archive,
    /// An archive that a client sent.
    Upload,
    /// A commit of a git repository.
    Git,
}

impl SourceType {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Upload => "upload",
            Self::Git => "git",
        }
    }
}

/// Where a pack's bytes came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// The transport.
    #[serde(rename = "type")]
    pub source_type: SourceType,
    /// The URL without credentials; of an upload, the path the client named.
    pub url: Option<String>,
    /// The folder inside the archive or repository that is the pack, as it was asked for.
    pub path: Option<String>,
    /// The branch or tag of the repository that named the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The commit of the repository, in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// What a pack's bytes digest to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DigestsView {
    /// Of the archive as downloaded or sent: `sha256:<hex>`.
    pub archive: Option<String>,
    /// Of the tree (`docs/pack-format.md`): `sha256:<hex>`.
    pub tree: String,
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The archive's bytes, or the commit, with what the registry has signed.
    RegistrySignature,
    /// The archive's bytes with the checksum of the registry's entry.
    RegistryChecksum,
    /// The archive's bytes with the checksum in the request.
    RequestChecksum,
    /// The commit with that of the registry's entry.
    RegistryCommit,
    /// The commit with the one in the request, in full.
    RequestCommit,
    /// Nothing.
    None,
}

/// What was really compared with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedView {
    /// By what.
    pub by: Verification,
    /// When; RFC 3339, UTC.
    pub at: Option<String>,
}

/// Whether a pack's tree is as installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PackState {
    /// The tree is there, and the latest look at it found nothing wrong.
    Ok,
    /// Something of the tree is not as it was installed.
    Modified,
    /// Everything is as it was installed, and there is more.
    Extra,
    /// The tree is gone from the store.
    Missing,
}

/// How one path of a tree is not as it was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TreeChange {
    /// It is gone.
    Missing,
    /// It was not part of the pack.
    Extra,
    /// It is something else: a link in the place of a file.
    Kind,
    /// It has other permissions.
    Mode,
    /// It is a link to something else.
    Target,
    /// It has other bytes.
    Content,
    /// It cannot be read.
    Unreadable,
}

impl TreeChange {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Kind => "kind",
            Self::Mode => "mode",
            Self::Target => "target",
            Self::Content => "content",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One path of a tree that is not as it was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeDifference {
    /// Relative to the tree; of the files beside it, `.manifest` and `.record.json`.
    pub path: String,
    /// How.
    pub change: TreeChange,
}

/// What a look at a pack's tree found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeView {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its active version.
    pub version: String,
    /// What was found, before a repair.
    pub state: PackState,
    /// The first 50 paths that are different, sorted.
    pub differences: Vec<TreeDifference>,
    /// How many paths are different.
    pub count: u64,
    /// Whether it is as it was installed now.
    pub repaired: bool,
    /// The folder in which what was replaced lies now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<String>,
    /// Why it could not be repaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl PackState {
    /// Every state, the best first.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Modified, Self::Extra, Self::Missing];

    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Modified => "modified",
            Self::Extra => "extra",
            Self::Missing => "missing",
        }
    }
}

/// How many components of each kind a pack brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ContentsView {
    /// Actions.
    pub actions: u32,
    /// Sensors.
    pub sensors: u32,
    /// Triggers.
    pub triggers: u32,
    /// Rules.
    pub rules: u32,
    /// Workflows.
    pub workflows: u32,
}

/// The active packs, by ref.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackList {
    /// The packs.
    pub packs: Vec<PackView>,
}
