//! Collecting what nothing needs any more.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /v1/gc`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GcRequest {
    /// List what would go, remove nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a collected thing is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GcKind {
    /// An earlier set of packs.
    Generation,
    /// A tree of the store that no kept generation has.
    Tree,
    /// What an ended job left in `staging/`, `testing/` or the store.
    Leftover,
    /// An upload that no job needs.
    Upload,
    /// Something that lay in the store in the place of a tree, and is kept no longer.
    Quarantine,
    /// A cached repository that nobody used for long.
    Repository,
    /// A file of the cache of downloads, beyond its size.
    Archive,
}

impl GcKind {
    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Tree => "tree",
            Self::Leftover => "leftover",
            Self::Upload => "upload",
            Self::Quarantine => "quarantine",
            Self::Repository => "repository",
            Self::Archive => "archive",
        }
    }
}

/// One thing that was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcItem {
    /// What it is.
    pub kind: GcKind,
    /// Its number, or its path in its folder.
    pub name: String,
    /// How much of the disk is free without it. Files that a kept tree shares do not count, nor do those of a file
    /// system that shares blocks.
    pub bytes: u64,
}

/// One thing that nothing of packd needs, and that stays all the same: a process uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcLeft {
    /// What it is.
    pub kind: GcKind,
    /// Its number, or its path in its folder.
    pub name: String,
    /// The process that uses it.
    pub pid: u32,
    /// What that process is called.
    pub command: String,
    /// How it uses it: `cwd`, `root`, `exe`, `fd` or `maps`.
    pub by: String,
}

/// What a job of the kind `gc` removed, or would have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GcView {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// How many things.
    pub count: u64,
    /// How many bytes they take together.
    pub bytes: u64,
    /// The things, at most 1000 of them.
    pub items: Vec<GcItem>,
    /// What stays because a process uses it; the next run looks again.
    pub left: Vec<GcLeft>,
}
