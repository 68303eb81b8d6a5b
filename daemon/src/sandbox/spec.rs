//! What a sandbox has to be made of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::limits::processes_of;
use crate::config::{SandboxLevel, Tests};

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
    /// A file that is the standard input of what runs; nothing to read without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<PathBuf>,
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

/// Processes and threads beside those that the user has already.
const PROCESSES: u64 = 128;

/// Open files of each process.
const FILES: u64 = 256;

/// Seconds of a processor for each process.
const CPU: u64 = 120;

/// The largest file, in bytes.
const FILE: u64 = 256 * 1024 * 1024;

impl Spec {
    /// What keeps in the tests of packs, and programs of the configuration, without a network. Blocks.
    pub(crate) fn of_tests(
        tests: &Tests,
        writable: Vec<PathBuf>,
        readable: Vec<PathBuf>,
        user: Option<User>,
    ) -> Self {
        let own = || rustix::process::geteuid().as_raw();
        let uid = user.map_or_else(own, |user| user.uid);
        Self {
            level: tests.sandbox,
            network: false,
            writable,
            readable,
            user,
            limits: Limits {
                memory: tests.memory.bytes(),
                file: FILE.min(tests.disk.bytes()),
                files: FILES,
                processes: PROCESSES + processes_of(uid),
                cpu: CPU,
            },
            input: None,
            namespaces: Vec::new(),
        }
    }

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
