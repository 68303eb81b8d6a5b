//! What a sandbox has to be made of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::SandboxLevel;

/// What a sandbox has to be made of, as it stands on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// What is demanded of the host.
    pub level: SandboxLevel,
    /// Whether TCP connections may be opened.
    pub network: bool,
    /// The only folders that may be written to.
    pub writable: Vec<PathBuf>,
    /// What may be read and run beside the system's own folders.
    pub readable: Vec<PathBuf>,
    /// Who runs the tests, if not who runs packd.
    pub user: Option<User>,
    /// How much there is of everything.
    pub limits: Limits,
    /// The namespaces that were made; filled in on the way.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// A user and its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    /// Its number.
    pub uid: u32,
    /// That of its group.
    pub gid: u32,
}

/// How much there is of everything. Limits of the kernel are those of each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of memory that can be addressed.
    pub memory: u64,
    /// Bytes of a file.
    pub file: u64,
    /// Open files.
    pub files: u64,
    /// Processes and threads of the user.
    pub processes: u64,
    /// Seconds of a processor.
    pub cpu: u64,
}

impl Spec {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The folders of namespaces that are nobody else's.
    pub(super) fn private(&self) -> impl Iterator<Item = PathBuf> {
        let mounts = self.namespaces.iter();
        mounts.filter_map(|name| name.strip_prefix("tmpfs:").map(PathBuf::from))
    }
}
