//! Whoever keeps a signed registry: their site, their keys, and what they do with packctl.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::packs::PackTree;
use super::process::Ran;
use super::programs;
use super::settings::Settings;
use super::site::Site;

/// A site with a registry, and the keys that sign it.
#[derive(Debug)]
pub struct Publisher {
    /// Where it is published.
    pub site: Site,
    keys: TempDir,
    signed: AtomicU64,
}

impl Publisher {
    /// A registry with these packs, a root key, an index key, and a first signature.
    #[must_use]
    pub fn of<'a>(packs: impl IntoIterator<Item = &'a PackTree>) -> Self {
        Self::with(packs, &[])
    }

    /// The same with more words for `key init`.
    #[must_use]
    pub fn with<'a>(packs: impl IntoIterator<Item = &'a PackTree>, words: &[&str]) -> Self {
        let keys = tempfile::Builder::new()
            .prefix("packd-keys-")
            .tempdir()
            .unwrap();
        let publisher = Self {
            site: Site::serving(packs),
            keys,
            signed: AtomicU64::new(0),
        };
        let root = publisher.site.root();
        let keys = publisher.keys.path();
        let init = ["key", "init", &text(&root), "--keys", &text(keys)].map(ToOwned::to_owned);
        let words = words.iter().map(ToString::to_string);
        let line: Vec<String> = init.into_iter().chain(words).collect();
        publisher
            .ctl(
                &[
                    &line.iter().map(String::as_str).collect::<Vec<_>>()[..],
                    &["--unencrypted"],
                ]
                .concat(),
            )
            .success();
        fs_err::copy(root.join("packd/root/1.json"), publisher.pin()).unwrap();
        publisher
    }

    /// Runs packctl, without a daemon.
    pub fn ctl(&self, words: &[&str]) -> Ran {
        Ran::of(Command::new(programs::packctl()).args(words))
    }

    /// The root that hosts pin: the first one.
    #[must_use]
    pub fn pin(&self) -> PathBuf {
        self.keys.path().join("pin.json")
    }

    /// A secret key.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        text(&self.keys.path().join(format!("{name}.key")))
    }

    /// Makes one more pair of keys, and returns where its public half is.
    #[must_use]
    pub fn new_key(&self, name: &str) -> String {
        self.ctl(&["key", "generate", &self.key(name), "--unencrypted"])
            .success();
        text(&self.keys.path().join(format!("{name}.pub")))
    }

    /// Signs the index as it is now with this key, with more words.
    pub fn sign_as(&self, key: &str, words: &[&str]) -> Ran {
        let index = text(&self.site.root().join("index.json"));
        let base = self.site.url("");
        let key = self.key(key);
        let line = ["index-sign", &index, "--key", &key, "--base", &base];
        let ran = self.ctl(&[&line, words].concat());
        self.age();
        ran
    }

    /// Gives the description a time of its own: to nginx, files of one second and one length are the same.
    fn age(&self) {
        let number = self.signed.fetch_add(1, Ordering::Relaxed);
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number);
        if let Ok(file) = fs_err::File::open(self.file("packd/index.meta.json")) {
            file.file().set_modified(time).unwrap();
        }
    }

    /// Signs the index as it is now.
    pub fn sign(&self) {
        self.sign_as("index", &[]).success();
    }

    /// A file of the registry.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.site.root().join(name)
    }

    /// The files beside this one that are its signatures.
    #[must_use]
    pub fn signatures(&self, name: &str) -> Vec<PathBuf> {
        let path = self.file(name);
        let prefix = format!("{}.minisig.", path.file_name().unwrap().to_str().unwrap());
        fs_err::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .starts_with(&prefix)
            })
            .collect()
    }

    /// Changes the description by hand, and signs that.
    pub fn rewrite_meta(&self, change: impl FnOnce(&mut Value)) {
        let path = self.file("packd/index.meta.json");
        let mut meta: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        change(&mut meta);
        fs_err::write(&path, serde_json::to_vec(&meta).unwrap()).unwrap();
        self.ctl(&["key", "sign", &text(&path), "--key", &self.key("index")])
            .success();
        self.age();
    }

    /// A copy of everything that is published.
    #[must_use]
    pub fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        Ran::of(
            Command::new("cp")
                .arg("-a")
                .arg(self.site.root())
                .arg(folder.path()),
        )
        .success();
        folder
    }

    /// Publishes a copy in place of what there is, as a stale mirror does.
    pub fn publish(&self, copy: &TempDir) {
        let root = self.site.root();
        fs_err::remove_dir_all(&root).unwrap();
        let from = copy.path().join("root");
        Ran::of(Command::new("cp").arg("-a").arg(from).arg(&root)).success();
    }

    /// A host that trusts this registry, called `demo`, by its first root.
    #[must_use]
    pub fn settings(&self, more: &Value) -> Settings {
        let mut registry = json!({"trust": "signed", "root": self.pin()});
        for (key, value) in more.as_object().unwrap() {
            registry[key] = value.clone();
        }
        Settings::new()
            .registry("demo", &self.site.url("index.json"), &registry)
            .set("net.ca_file", self.site.authority().to_str())
            .set("queue.retries", 0)
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
