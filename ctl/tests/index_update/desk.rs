//! A folder to publish in, and runs of the program there.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

pub(crate) const DIGEST: &str =
    "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";

/// Midday of the last day of January 2026.
const EPOCH: &str = "1769860800";
pub(crate) const NOW: &str = "2026-01-31T12:00:00Z";

/// A folder of one test: an index, packs, entries.
pub(crate) struct Desk {
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One with the index of two packs that the ecosystem's own tools are tested with.
    pub(crate) fn with_index() -> Self {
        let desk = Self::new();
        let pack = |name: &str| json!({"ref": name, "label": name, "version": "1.0.0", "install_sources": [], "custom": {"kept": true}});
        let index =
            json!({"z_extra": [1], "version": "1.0", "packs": [pack("zeta"), pack("alpha")]});
        fs_err::write(desk.index(), format!("{index:#}\n")).unwrap();
        desk
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.folder.path().join("index.json")
    }

    pub(crate) fn text(&self) -> String {
        fs_err::read_to_string(self.index()).unwrap()
    }

    pub(crate) fn read(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The pack of a ref in the index.
    pub(crate) fn pack(&self, name: &str) -> Value {
        let index = self.read();
        let packs = index["packs"].as_array().unwrap();
        packs
            .iter()
            .find(|pack| pack["ref"] == name)
            .unwrap()
            .clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A folder with a pack.
    pub(crate) fn folder_of(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("{name}-{version}"));
        fs_err::create_dir_all(folder.join("actions")).unwrap();
        let manifest = format!(
            "ref: {name}\nlabel: The {name}\ndescription: It does things\nversion: {version}\nlicense: MIT\n"
        );
        fs_err::write(folder.join("pack.yaml"), manifest).unwrap();
        fs_err::write(
            folder.join("actions/run.yaml"),
            "name: run\ndescription: Runs\n",
        )
        .unwrap();
        folder
    }

    /// A file with an entry.
    pub(crate) fn entry(&self, name: &str, version: &str) -> PathBuf {
        let entry = json!({
            "ref": name, "label": name, "description": "", "version": version, "author": "A", "license": "MIT",
            "runtime_deps": [],
            "install_sources": [{
                "type": "archive", "url": format!("https://example.org/{name}-{version}.tar.gz"), "checksum": DIGEST,
            }],
            "contents": {},
        });
        let path = self.folder.path().join(format!("{name}-{version}.json"));
        fs_err::write(&path, entry.to_string()).unwrap();
        path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packctl"));
        command
            .arg("index-update")
            .arg("--index")
            .arg(self.index())
            .env("SOURCE_DATE_EPOCH", EPOCH)
            .env_remove("PACKCTL_OUTPUT")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Publishes an entry.
    pub(crate) fn publish(&self, entry: &Path, options: &[&str]) -> Ended {
        Ended::of(self.command().arg("--entry").arg(entry).args(options))
    }
}

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "it failed: {self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn refused(self, code: i32, said: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(said), "`{said}` is not said: {self:?}");
        assert_eq!(self.stdout, "", "nothing but errors is said");
        self
    }
}
