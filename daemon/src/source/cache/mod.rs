//! What was downloaded before, or sent and installed: whole archives by their digest, and the beginnings of others by
//! their URL.
//!
//! | file in `cache/archives/` | what it is |
//! |---|---|
//! | `sha256-<hex>` | an archive; what is in it is believed only after its digest was compared again |
//! | `<key>.part` | the beginning of what a URL has; `key` is the SHA-256 of the URL |
//! | `<key>.json` | what the server said of it, and, once it was whole, which archive it became |
//!
//! Nothing here is needed: whatever is missing, damaged or half written is fetched again. So files are not
//! synced, and a kill at any moment leaves nothing worse than a beginning. A part only ever grows, and becomes
//! an archive by one rename. What was used longest ago goes first when all of it is larger than
//! `store.cache_size`.

mod part;
mod trim;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use packd_format::{Algorithm, Digest};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

pub(super) use self::part::{Keeper, Kept, Record};
use crate::config::{SafeUrl, Shared};

/// What the name of a beginning ends with, behind a dot.
const PART: &str = "part";
/// What the name of a record ends with, behind a dot.
const RECORD: &str = "json";

/// Held by whoever fetches something, so that nobody fetches it beside them.
pub(super) type Turn = tokio::sync::OwnedMutexGuard<()>;

/// A handle to the cache; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    config: Shared,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Cache {
    /// The cache in `folder`, as large as the configuration says.
    #[must_use]
    pub(crate) fn new(folder: PathBuf, config: Shared) -> Self {
        Self {
            inner: Arc::new(Inner {
                folder,
                config,
                turns: Mutex::default(),
            }),
        }
    }

    /// Whether anything is to be kept at all.
    pub(super) fn is_on(&self) -> bool {
        self.limit() > 0
    }

    fn limit(&self) -> u64 {
        self.inner.config.current().store.cache_size.bytes()
    }

    /// Waits until nobody else fetches what has this digest, or lies at this URL. Two that wait for one
    /// another there are not: the digest always goes first.
    pub(super) async fn turn(&self, expected: Option<&Digest>, url: &SafeUrl) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(2);
        let names = expected.map(name_of).into_iter().chain([key_of(url)]);
        for name in names {
            let lock = self.lock(name);
            turns.push(lock.lock_owned().await);
        }
        turns
    }

    fn lock(&self, name: String) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self
            .inner
            .turns
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(&name).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::default();
            turns.insert(name, Arc::downgrade(&lock));
            lock
        })
    }

    /// The archive that was kept under this digest. Whether it still has it is for the reader to find out.
    /// Blocks.
    pub(crate) fn archive(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.inner.folder.join(name_of(digest));
        let file = fs_err::File::open(&path).ok()?;
        // used now: what was used longest ago goes first
        let used = |nanos| Timespec {
            tv_sec: 0,
            tv_nsec: nanos,
        };
        let times = Timestamps {
            last_access: used(UTIME_OMIT),
            last_modification: used(UTIME_NOW),
        };
        if let Err(error) = rustix::fs::futimens(file.file(), &times) {
            tracing::debug!(%error, path = %path.display(), "cannot note that it was used");
        }
        Some(path)
    }

    /// Takes over a file of the same file system that has this digest, as if it had been downloaded, so that it is there
    /// when its pack is repaired; whether it did. Blocks.
    pub(crate) fn adopt(&self, file: &Path, digest: &Digest) -> bool {
        if !self.is_on() {
            return false;
        }
        let place = self.inner.folder.join(name_of(digest));
        match fs_err::rename(file, &place) {
            Ok(()) => {
                // used now, whenever it was written
                let _there = self.archive(digest);
                self.trim(self.limit());
                true
            }
            Err(error) => {
                tracing::warn!(%error, "an archive that was sent is not kept");
                false
            }
        }
    }

    /// Throws away an archive that is not what it was kept as. Blocks.
    pub(super) fn discard(archive: &Path) {
        tracing::warn!(path = %archive.display(), "an archive in the cache is damaged, and thrown away");
        remove(archive);
    }
}

/// What an archive of this digest is called.
fn name_of(digest: &Digest) -> String {
    format!("{}-{}", digest.algorithm(), digest.hex())
}

/// What files about this URL are called. It has the values of the query, which may be secrets, as a digest only.
fn key_of(url: &SafeUrl) -> String {
    Digest::sha256_of(url.as_url().as_str().as_bytes()).hex()
}

/// Whether a file is called as an archive is.
fn is_archive(name: &str) -> bool {
    [Algorithm::Sha256, Algorithm::Sha512]
        .iter()
        .any(|algorithm| {
            name.strip_prefix(algorithm.to_string().as_str())
                .is_some_and(|rest| rest.starts_with('-'))
        })
}

/// Removes a file, if it is there.
fn remove(path: &Path) {
    match fs_err::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, "cannot remove a file of the cache"),
    }
}

#[cfg(test)]
mod tests;
