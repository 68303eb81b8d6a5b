//! Bare repositories of this daemon's own, one for each place, so that the next fetch brings only what is new.
//!
//! ```text
//! cache/git/<sha256 of the URL>.git/     objects, `shallow`, refs/packd/<commit>
//! ```
//!
//! A ref is written when everything of its commit is there, so what a crash leaves is never taken for whole.
//! What looks damaged is thrown away and fetched again: nothing here is the only copy of anything.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use gix::refs::transaction::PreviousValue;
use gix::{ObjectId, Repository};
use packd_format::Digest;
use packd_format::error::without_path;

use super::error::GitError;
use super::url::GitUrl;
use crate::store::time;

/// Where the commits are named that are here as a whole.
const WHOLE: &str = "refs/packd/";
/// So many packs in a repository make it slow, and are worth one fetch of everything.
const MOST_PACKS: usize = 40;
/// So many commits are told to a server as being here.
const MOST_HAVES: usize = 32;

/// The cached repositories. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    /// Held by whoever uses the repository of a key.
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// Held while a repository is used.
pub(super) type Lock = tokio::sync::OwnedMutexGuard<()>;

impl Cache {
    /// The cache in this folder, which need not exist yet; the one two above it does.
    #[must_use]
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Inner {
            folder,
            locks: Mutex::default(),
        }))
    }

    /// The folder that the cache lies in, which is there before it.
    pub(super) fn state_folder(&self) -> &Path {
        self.0.folder.ancestors().nth(2).unwrap_or(&self.0.folder)
    }

    /// The repository of a URL, for one user at a time.
    pub(super) async fn lock(&self, url: &GitUrl) -> (PathBuf, Lock) {
        let name = format!(
            "{}.git",
            Digest::sha256_of(url.to_string().as_bytes()).hex()
        );
        let lock = {
            let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(name.clone()).or_default())
        };
        (self.0.folder.join(name), lock.lock_owned().await)
    }

    /// The repositories that nobody used since `time`. One that was never used counts from when it was made. Blocks.
    pub(crate) fn unused_since(&self, time: &str) -> Vec<PathBuf> {
        let entries = fs_err::read_dir(&self.0.folder).into_iter().flatten();
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| {
            let about = fs_err::metadata(path.join(USED)).or_else(|_| fs_err::metadata(path));
            let used = about.and_then(|about| about.modified());
            used.is_ok_and(|used| time::is_before(used, time))
        });
        paths.sort();
        paths
    }

    /// Removes a repository, unless somebody uses it; whether it is gone. Blocks.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn discard(&self, path: &Path) -> io::Result<bool> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let lock = {
            let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(name.unwrap_or_default()).or_default())
        };
        let Ok(_held) = lock.try_lock() else {
            return Ok(false);
        };
        remove(path).map(|()| true)
    }

    /// Removes the repositories that were not used for longest, until they have no more than `size` bytes
    /// together. Those in use stay. Blocks.
    pub(super) fn prune(&self, size: u64) {
        let mut all = Vec::new();
        let Ok(entries) = fs_err::read_dir(&self.0.folder) else {
            return;
        };
        for entry in entries.flatten() {
            let used = fs_err::metadata(entry.path().join(USED)).and_then(|about| about.modified());
            all.push((
                used.unwrap_or(SystemTime::UNIX_EPOCH),
                bytes_below(&entry.path()),
                entry.path(),
            ));
        }
        all.sort();
        let mut together: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in all {
            if together <= size {
                return;
            }
            match self.discard(&path) {
                Ok(false) => {}
                Ok(true) => {
                    tracing::info!(path = %path.display(), bytes, "a cached repository was removed");
                    together = together.saturating_sub(bytes);
                }
                Err(error) => tracing::warn!(%error, "a cached repository cannot be removed"),
            }
        }
    }
}

/// Touched at each use.
const USED: &str = "packd-used";

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => bytes_below(&entry.path()),
            Ok(_) => entry.metadata().map_or(0, |about| about.len()),
            Err(_) => 0,
        })
        .sum()
}

/// One cached repository, opened. The lock is the caller's to hold.
pub(super) struct Bare {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// The library's view of it.
    pub(super) repository: Repository,
}

impl Bare {
    /// Opens the repository, or makes one where there is none that can be used. Removes what a crash left.
    ///
    /// # Errors
    /// [`GitError::Cache`].
    pub(super) fn open(path: &Path, alloc_limit: u64) -> Result<Self, GitError> {
        let usable = path.join("objects").is_dir() && packs(path) <= MOST_PACKS;
        if usable {
            sweep(path).map_err(|error| failed(path, &error))?;
            match Self::existing(path, alloc_limit) {
                Ok(bare) => return Ok(bare),
                Err(error) => {
                    tracing::warn!(%error, "a cached repository is thrown away");
                }
            }
        }
        Self::create(path, alloc_limit)
    }

    /// An empty repository in place of whatever is there.
    ///
    /// # Errors
    /// [`GitError::Cache`].
    pub(super) fn create(path: &Path, alloc_limit: u64) -> Result<Self, GitError> {
        remove(path).map_err(|error| failed(path, &error))?;
        fs_err::create_dir_all(path).map_err(|error| failed(path, &without_path(&error)))?;
        // a repository can hold more than the packs that everybody here may read
        fs_err::set_permissions(path, PermissionsExt::from_mode(0o700))
            .map_err(|error| failed(path, &without_path(&error)))?;
        let made = gix::ThreadSafeRepository::init_opts(
            path,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            options(alloc_limit),
        );
        made.map_err(|error| reasoned(path, &error))?;
        // samples of hooks, and words for people: nothing here runs or reads them
        for part in ["hooks", "info", "description"] {
            remove(&path.join(part)).map_err(|error| failed(path, &error))?;
        }
        Self::existing(path, alloc_limit)
    }

    fn existing(path: &Path, alloc_limit: u64) -> Result<Self, GitError> {
        let opened = gix::open_opts(path, options(alloc_limit));
        let repository = opened.map_err(|error| reasoned(path, &error))?;
        let used = path.join(USED);
        fs_err::write(&used, b"").map_err(|error| failed(path, &without_path(&error)))?;
        Ok(Self {
            path: path.to_owned(),
            repository,
        })
    }

    /// Whether everything of a commit is here.
    pub(super) fn has(&self, commit: ObjectId) -> bool {
        let named = self.repository.try_find_reference(&name(commit));
        matches!(named, Ok(Some(_))) && self.repository.has_object(commit)
    }

    /// Notes that everything of a commit is here.
    ///
    /// # Errors
    /// [`GitError::Cache`].
    pub(super) fn keep(&self, commit: ObjectId) -> Result<(), GitError> {
        let named = self
            .repository
            .reference(name(commit), commit, PreviousValue::Any, "");
        named
            .map(drop)
            .map_err(|error| reasoned(&self.path, &error))
    }

    /// The commits of which everything is here, the latest first, but not all of them where they are many.
    pub(super) fn whole(&self) -> Vec<ObjectId> {
        let folder = self.path.join(WHOLE);
        let Ok(entries) = fs_err::read_dir(folder) else {
            return Vec::new();
        };
        let mut all: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                let commit = ObjectId::from_hex(entry.file_name().as_encoded_bytes()).ok()?;
                let made = entry.metadata().and_then(|about| about.modified()).ok()?;
                Some((made, commit))
            })
            .collect();
        all.sort_by(|a, b| b.cmp(a));
        all.into_iter()
            .map(|(_, commit)| commit)
            .filter(|commit| self.repository.has_object(commit))
            .take(MOST_HAVES)
            .collect()
    }

    /// What an object is, if it is here.
    pub(super) fn kind(&self, id: ObjectId) -> Option<gix::objs::Kind> {
        let header = self.repository.find_header(id).ok()?;
        Some(header.kind())
    }

    /// The commits that begin so.
    ///
    /// # Errors
    /// [`GitError::Cache`].
    pub(super) fn commits(&self, beginning: &str) -> Result<Vec<ObjectId>, GitError> {
        let prefix = gix::hash::Prefix::from_hex(beginning);
        let prefix = prefix.map_err(|error| reasoned(&self.path, &error))?;
        let mut candidates = std::collections::HashSet::default();
        let looked = self
            .repository
            .objects
            .lookup_prefix(prefix, Some(&mut candidates));
        looked.map_err(|error| reasoned(&self.path, &error))?;
        let is_commit = |id: &ObjectId| self.kind(*id) == Some(gix::objs::Kind::Commit);
        Ok(candidates.into_iter().filter(is_commit).collect())
    }

    /// Whether history is missing on purpose.
    pub(super) fn is_shallow(&self) -> bool {
        fs_err::metadata(self.path.join("shallow")).is_ok_and(|about| about.len() > 0)
    }
}

fn name(commit: ObjectId) -> String {
    format!("{WHOLE}{commit}")
}

/// Nothing but the repository's own file counts, and that one is ours.
fn options(alloc_limit: u64) -> gix::open::Options {
    gix::open::Options::isolated().config_overrides([
        format!("gitoxide.objects.allocLimit={alloc_limit}"),
        "core.logAllRefUpdates=false".to_owned(),
    ])
}

fn packs(path: &Path) -> usize {
    fs_err::read_dir(path.join("objects/pack")).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|ending| ending == "pack")
            })
            .count()
    })
}

/// Removes what a fetch that was killed left: locks that nobody holds any more, and halves of packs.
fn sweep(path: &Path) -> io::Result<()> {
    for lock in [
        "shallow.lock",
        "HEAD.lock",
        "config.lock",
        "packed-refs.lock",
    ] {
        remove(&path.join(lock))?;
    }
    let pack = path.join("objects/pack");
    for entry in fs_err::read_dir(&pack)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let whole = name.starts_with("pack-")
            && [".pack", ".idx"]
                .iter()
                .any(|ending| name.ends_with(ending));
        if !whole {
            remove(&entry.path())?;
        }
    }
    let refs = path.join(WHOLE);
    if let Ok(entries) = fs_err::read_dir(refs) {
        for entry in entries.flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "lock")
            {
                remove(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// Removes a file or folder, if there is one.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs_err::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn failed(path: &Path, error: &io::Error) -> GitError {
    GitError::Cache {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn reasoned(path: &Path, error: &dyn std::fmt::Display) -> GitError {
    GitError::Cache {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::commit_of;
