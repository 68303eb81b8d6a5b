//! Real git repositories for tests, made with the git program.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A repository in a folder of its own, without anything of the person who runs the tests.
#[derive(Debug)]
pub(crate) struct Git {
    folder: tempfile::TempDir,
}

impl Git {
    /// An empty repository.
    pub(crate) fn new() -> Self {
        let git = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        git.run(&["init", "--quiet", "--initial-branch=main"]);
        git
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git here, and gives what it prints.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        git(self.path(), args)
    }

    /// Writes a file, with the folders it needs.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        path
    }

    /// Commits everything; the commit's number.
    pub(crate) fn commit(&self) -> String {
        self.run(&["add", "--all"]);
        self.run(&["commit", "--quiet", "--allow-empty", "--message=change"]);
        self.run(&["rev-parse", "HEAD"])
    }
}

/// Runs git in a folder, and gives what it prints.
pub(crate) fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Ada")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "ada@a.example")))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?} failed: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
