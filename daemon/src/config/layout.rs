//! Where everything lies on this host. Every path of the daemon derives from three, so that a test, or
//! a person without root, runs a complete packd in one folder.

use std::path::{Path, PathBuf};

/// The three paths that all others derive from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder of the store and the database; `/var/lib/packd`.
    pub state_dir: PathBuf,
    /// The socket of the API; `/run/packd/packd.sock`.
    pub socket: PathBuf,
    /// The configuration file; `/etc/packd/packd.yaml`.
    pub config_file: PathBuf,
}

impl Layout {
    /// Where `state_dir` is unless something else is said.
    pub const STATE_DIR: &'static str = "/var/lib/packd";
    /// Where `socket` is unless something else is said.
    pub const SOCKET: &'static str = "/run/packd/packd.sock";
    /// Where `config_file` is unless something else is said.
    pub const CONFIG_FILE: &'static str = "/etc/packd/packd.yaml";

    /// Everything below one folder: `state/`, `packd.sock`, `packd.yaml`.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self {
            state_dir: folder.join("state"),
            socket: folder.join("packd.sock"),
            config_file: folder.join("packd.yaml"),
        }
    }

    /// The pinned roots of signed registries: `keys/` beside the configuration.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.config_file.with_file_name("keys")
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> PathBuf {
        self.state_dir.join("packd.db")
    }

    /// The immutable trees: `store/<ref>/<version>-<digest>/`.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.state_dir.join("store")
    }

    /// The folders of symlinks: `generations/<n>/<ref>`.
    #[must_use]
    pub fn generations(&self) -> PathBuf {
        self.state_dir.join("generations")
    }

    /// The link to the active generation.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.state_dir.join("current")
    }

    /// What jobs are working on: `staging/<job>/`.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.state_dir.join("staging")
    }

    /// Where copies of packs are tested: `testing/<job>/`.
    #[must_use]
    pub fn testing(&self) -> PathBuf {
        self.state_dir.join("testing")
    }

    /// Archives that came over the socket and wait for their job.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.state_dir.join("uploads")
    }

    /// Bare repositories, one for each place that packs were fetched from.
    #[must_use]
    pub fn git_cache(&self) -> PathBuf {
        self.state_dir.join("cache/git")
    }

    /// What is known of the packs of registries that are folders, a file for each.
    #[must_use]
    pub fn folders_cache(&self) -> PathBuf {
        self.state_dir.join("cache/folders")
    }

    /// What lay in the store in the place of a tree, and was not that tree.
    #[must_use]
    pub fn quarantine(&self) -> PathBuf {
        self.state_dir.join("quarantine")
    }

    /// What was downloaded, by digest, and what has come of the rest.
    #[must_use]
    pub fn archive_cache(&self) -> PathBuf {
        self.state_dir.join("cache/archives")
    }

    /// The folder of the drop-ins, beside the configuration file.
    #[must_use]
    pub fn drop_ins(&self) -> PathBuf {
        self.config_file.with_file_name("conf.d")
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            state_dir: Self::STATE_DIR.into(),
            socket: Self::SOCKET.into(),
            config_file: Self::CONFIG_FILE.into(),
        }
    }
}
