//! The folders `store/<ref>/<version>-<d12>/` and `staging/<job>/`.
//!
//! A tree lies in the store complete and synced, or it does not lie there: it
//! is unpacked into staging on the same file system, synced, and moved by one
//! rename. Its file list is beside it, as `<version>-<d12>.manifest`.

use std::fs::{File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fs_err::os::unix::fs::OpenOptionsExt;
use packd_format::tree::{self, FileList};
use packd_format::{PackRef, Version};
use tempfile::NamedTempFile;

use crate::config::Layout;
use crate::fault;
use crate::logging::chain;

use super::generation::sync_folder;
use super::{StoreError, quarantine};

/// Makes the folders of the state folder that are not there, mode 0755 but for what only the
/// daemon reads.
///
/// # Errors
/// [`StoreError::Io`], naming the folder.
pub(crate) fn make_folders(layout: &Layout) -> Result<(), StoreError> {
    for folder in [&layout.state_dir, &layout.store(), &layout.generations()] {
        make_folder(folder, 0o755)?;
    }
    for folder in [layout.staging(), layout.uploads(), layout.archive_cache()] {
        make_folder(&folder, 0o700)?;
    }
    // tests may be run as another user, who has to get to the folder that is theirs
    make_folder(&layout.testing(), 0o711)?;
    Ok(())
}

/// Makes the folder of the uploads if it is not there, and says where it is. Blocks.
///
/// # Errors
/// [`StoreError::Io`], naming the folder.
pub(crate) fn make_uploads(layout: &Layout) -> Result<PathBuf, StoreError> {
    let folder = layout.uploads();
    make_folder(&folder, 0o700)?;
    Ok(folder)
}

/// Makes a folder that is not there, with exactly this mode, whatever the umask: others read packs.
pub(super) fn make_folder(folder: &Path, mode: u32) -> Result<(), StoreError> {
    let doing = || StoreError::at("make folder", folder);
    match fs_err::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs_err::create_dir_all(folder).map_err(doing())?;
        }
        Err(error) => return Err(doing()(error)),
    }
    fs_err::set_permissions(folder, Permissions::from_mode(mode)).map_err(doing())
}

/// Takes the state folder for this process alone, until the returned file is closed.
///
/// # Errors
/// [`StoreError::InUse`] when another packd has it.
pub(crate) fn lock(layout: &Layout) -> Result<File, StoreError> {
    let path = layout.state_dir.join(".lock");
    let opened = fs_err::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path);
    let (opened, mode) = match opened {
        // a folder can be locked as well, and another packd would lock the same
        Err(error) if error.kind() == ErrorKind::IsADirectory => {
            tracing::warn!(
                path = %path.display(),
                "a folder lies in the place of a file; packd takes it as it is. When packd is stopped, move it away"
            );
            (fs_err::File::open(&path), 0o700)
        }
        opened => (opened, 0o600),
    };
    let file = opened
        .map(|file| file.into_parts().0)
        .map_err(StoreError::at("open", &path))?;
    // whoever can open it can lock it, and keep packd from starting
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(StoreError::at("protect", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: layout.state_dir.clone(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(StoreError::Io {
            doing: format!("lock `{}`", path.display()),
            source,
        }),
    }
}

/// The folder `staging/<job>/`, removed with all in it when dropped.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes the folder, empty; what an earlier attempt left there is removed first. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Tree`].
    pub(crate) fn create(layout: &Layout, job: i64) -> Result<Self, StoreError> {
        let staging = layout.staging();
        make_folder(&staging, 0o700)?;
        let path = staging.join(job.to_string());
        remove(&path)?;
        make_folder(&path, 0o700)?;
        fault::point("staging.made");
        Ok(Self { path })
    }

    /// A folder in it, which [`empty`] makes.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %crate::logging::chain(&error), "staging is left behind until the next start");
        }
    }
}

/// Removes what is in a staging folder, and makes the folder if it is not there. Blocks.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Tree`].
pub(crate) fn empty(folder: &Path) -> Result<(), StoreError> {
    remove(folder)?;
    make_folder(folder, 0o700)
}

/// Removes everything under `staging/` and `testing/`: at start no job is being worked on.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Tree`].
pub(crate) fn sweep_staging(layout: &Layout) -> Result<(), StoreError> {
    for folder in [layout.staging(), layout.testing()] {
        for entry in fs_err::read_dir(&folder).map_err(StoreError::at("list", &folder))? {
            let entry = entry.map_err(StoreError::at("list", &folder))?;
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes uploads that are not `wanted`, by file name.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn sweep_uploads(layout: &Layout, wanted: &[String]) -> Result<(), StoreError> {
    for entry in fs_err::read_dir(layout.uploads()).map_err(StoreError::io("list `uploads`"))? {
        let entry = entry.map_err(StoreError::io("list `uploads`"))?;
        if !wanted.iter().any(|name| entry.file_name() == name.as_str()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes an upload that no job needs any more. What cannot be removed goes at the next start.
pub(crate) async fn remove_upload(layout: &Layout, file: &str) {
    let path = layout.uploads().join(file);
    let removed = tokio::task::spawn_blocking(move || fs_err::remove_file(path)).await;
    if let Ok(Err(error)) = removed
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(error = %chain(&error), "an upload is left behind until the next start");
    }
}

/// Where a tree lies, relative to `store/`.
///
/// `+` of build metadata becomes `_`, which no version contains: some tools choke on `+` in paths.
#[must_use]
pub(crate) fn dir_name(pack_ref: &PackRef, version: &Version, files: &FileList) -> String {
    let digest = files.digest();
    let short = digest.hex().chars().take(12).collect::<String>();
    format!(
        "{pack_ref}/{}-{short}",
        version.to_string().replace('+', "_")
    )
}

/// What a tree that is in the store already is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    /// What its name says: it came there by rename.
    Trusted,
    /// What it is, compared with its list file by file.
    Compared,
}

/// How a tree comes to lie in the store.
#[derive(Debug)]
pub(crate) struct Published {
    /// Where it lies, relative to `store/`.
    pub dir: String,
    /// Whether it was not there before.
    pub made: bool,
    /// Where what lay in its place is now, if something else did.
    pub put_away: Option<PathBuf>,
}

/// Moves a complete tree from staging into the store. The same tree already there is used as it is; what
/// else lies in its place, be it damaged or foreign, goes to `quarantine/`. Blocks.
///
/// Safe to repeat.
///
/// # Errors
/// [`StoreError::Io`], [`StoreError::Tree`]: no list is in the store without its tree.
pub(crate) fn publish(
    layout: &Layout,
    staged: &Path,
    pack_ref: &PackRef,
    version: &Version,
    files: &FileList,
    present: Present,
) -> Result<Published, StoreError> {
    /// Of two jobs that bring the same tree, the second finds what the first one made.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    let dir = dir_name(pack_ref, version, files);
    let digest = files.digest().to_string();
    let found = |dir: &str| Published {
        dir: dir.to_owned(),
        made: false,
        put_away: None,
    };
    if is_usable(layout, &dir, &digest, present) {
        return Ok(found(&dir));
    }
    let shelf = layout.store().join(pack_ref.as_str());
    make_folder(&shelf, 0o755)?;
    // staging is the daemon's alone; a tree is everybody's to read
    fs_err::set_permissions(staged, Permissions::from_mode(0o755)).map_err(StoreError::io(
        format!("open the tree of `{pack_ref}` to readers"),
    ))?;
    let sync = |source| StoreError::Tree {
        doing: format!("sync the tree of `{pack_ref}`"),
        source,
    };
    fault::point("tree.staged");
    tree::sync(staged).map_err(sync)?;
    let list = manifest_path(layout, &dir);
    // in `staging/`, which is emptied at start: what a crash leaves in the store stays there
    let written = written(&layout.staging(), &files.to_bytes())?;

    fault::point("tree.synced");

    let _mine = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if is_usable(layout, &dir, &digest, present) {
        return Ok(found(&dir));
    }
    let put_away = quarantine::put_away(layout, &dir)?;
    quarantine::clear_for_file(layout, &list)?;
    written
        .persist(&list)
        .map_err(|error| StoreError::at("write", &list)(error.error))?;
    fault::point("tree.listed");
    if let Err(error) = fs_err::rename(staged, layout.store().join(&dir)) {
        // beside it, whatever lies there would be taken for the tree
        drop(fs_err::remove_file(&list));
        let doing = format!("move the tree of `{pack_ref}` into the store");
        return Err(StoreError::io(doing)(error));
    }
    fault::point("tree.moved");
    sync_folder(&shelf)?;
    sync_folder(&layout.store())?;
    Ok(Published {
        dir,
        made: true,
        put_away,
    })
}

/// Whether a tree lies in the store and can be used as the one with this digest. Blocks.
#[must_use]
pub(crate) fn is_usable(layout: &Layout, dir: &str, digest: &str, present: Present) -> bool {
    is_complete(layout, dir)
        && match present {
            Present::Trusted => true,
            Present::Compared => is_as_listed(layout, dir, digest),
        }
}

/// Whether the list of a tree has this digest, and the tree is as its list says.
fn is_as_listed(layout: &Layout, dir: &str, digest: &str) -> bool {
    let list = fs_err::read(manifest_path(layout, dir)).ok();
    let listed = list.and_then(|list| FileList::parse(&list).ok());
    listed.is_some_and(|listed| {
        listed.digest().to_string() == digest
            && tree::compare(&layout.store().join(dir), &listed, 1)
                .is_ok_and(|found| found.is_same())
    })
}

/// Whether a tree and its list lie in the store. Blocks.
#[must_use]
pub(crate) fn is_complete(layout: &Layout, dir: &str) -> bool {
    layout.store().join(dir).is_dir() && manifest_path(layout, dir).is_file()
}

/// The list of a tree, beside it.
#[must_use]
pub(crate) fn manifest_path(layout: &Layout, dir: &str) -> PathBuf {
    layout.store().join(format!("{dir}.manifest"))
}

/// How many bytes the file system of the state folder has free for the daemon. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn free_bytes(layout: &Layout) -> Result<u64, StoreError> {
    free_bytes_at(&layout.state_dir)
}

/// How many bytes the file system of a folder has free for the daemon. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn free_bytes_at(folder: &Path) -> Result<u64, StoreError> {
    let stat = rustix::fs::statvfs(folder)
        .map_err(|errno| StoreError::io("ask for free space")(errno.into()))?;
    // one that counts no blocks is never full
    if stat.f_blocks == 0 {
        return Ok(u64::MAX);
    }
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// A synced file in this folder that has no name of its own yet.
pub(super) fn written(folder: &Path, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
    let doing = || StoreError::at("write in", folder);
    let mut file = NamedTempFile::new_in(folder).map_err(doing())?;
    file.write_all(bytes).map_err(doing())?;
    fs_err::set_permissions(file.path(), Permissions::from_mode(0o644)).map_err(doing())?;
    file.as_file().sync_all().map_err(doing())?;
    Ok(file)
}

/// Removes what lies at a path, whatever it is, if anything does. Blocks.
///
/// # Errors
/// [`StoreError::Tree`].
pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    tree::remove(path).map_err(|source| StoreError::Tree {
        doing: "remove what is left over".to_owned(),
        source,
    })
}
