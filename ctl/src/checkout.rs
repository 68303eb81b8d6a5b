//! What a git checkout knows of the pack in it: the commit behind a tag, and the pack's files in that commit.
//!
//! Reads the repository's objects, references and index and nothing else: no configuration of the user or the system, no
//! hooks, no filters, no attributes, no network, not the git program. The tree is that of the commit, and so what
//! everybody gets who fetches it, whatever lies in the folder.

use std::io;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::discover::upwards;
use gix::object::tree::EntryKind;
use gix::{ObjectId, Repository, ThreadSafeRepository};
use packd_format::archive::{ArchiveError, Limits, Listing, Tracked, WorkTree};
use packd_format::lfs;
use packd_format::manifest;
use packd_format::tree::FileList;
use packd_format::{Digest, error::without_path};

mod unsupported;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use unsupported::Unsupported;

/// A pack's folder in a git checkout.
pub(crate) struct Checkout {
    repository: Repository,
    /// The folder from the top of the checkout; empty at the top itself.
    folder: String,
}

/// The pack's folder as a commit has it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Its files.
    pub(crate) files: FileList,
    /// Its `pack.yaml`, unless that is missing or larger than any.
    pub(crate) manifest: Option<Vec<u8>>,
    /// Submodules in it, of which only the empty folder is taken.
    pub(crate) submodules: Vec<String>,
}

/// Why a checkout cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckoutError {
    /// The folder cannot be looked at.
    #[error("cannot look at `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is a repository, but it cannot be opened.
    #[error("cannot open the git repository of `{}`", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: Reason,
    },
    /// It is kept in a way that packctl cannot read.
    #[error("the git repository of `{}` {}, which packctl cannot read", path.display(), how.said())]
    Unsupported {
        /// The folder.
        path: PathBuf,
        /// In which.
        how: Unsupported,
    },
    /// What is tracked cannot be read.
    #[error("cannot read what git tracks of `{folder}`")]
    Index {
        /// The folder, from the top of the checkout.
        folder: String,
        /// Why not.
        source: Reason,
    },
    /// An object of the commit is missing or damaged.
    #[error("cannot read {what} of commit {commit}")]
    Object {
        /// What was wanted.
        what: String,
        /// The commit.
        commit: ObjectId,
        /// Why not.
        source: Reason,
    },
    /// A name or a link's target is not UTF-8.
    #[error("`{path}` in commit {commit} is not UTF-8")]
    Encoding {
        /// The path, as far as it can be shown.
        path: String,
        /// The commit.
        commit: ObjectId,
    },
    /// A file is in Git LFS: what the commit has is only a pointer to it.
    #[error("`{path}` in commit {commit} is a Git LFS pointer, not the file itself")]
    Lfs {
        /// The file.
        path: String,
        /// The commit.
        commit: ObjectId,
    },
    /// The commit has something that cannot be installed.
    #[error("the pack in commit {commit} cannot be installed")]
    Refused {
        /// The commit.
        commit: ObjectId,
        /// What no pack may have.
        source: ArchiveError,
    },
}

impl CheckoutError {
    /// One thing to try.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Lfs { .. } => {
                Some("publish an archive, which has the file, and name it with --archive-url")
            }
            Self::Object { .. } => {
                Some("fetch the whole commit: git fetch --refetch, without --filter")
            }
            Self::Unsupported { how, .. } => Some(how.hint()),
            Self::Folder { .. }
            | Self::Open { .. }
            | Self::Index { .. }
            | Self::Encoding { .. }
            | Self::Refused { .. } => None,
        }
    }
}

/// What the library says, in one line: its errors keep their causes in a tree of their own.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Reason(String);

impl Reason {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl Checkout {
    /// The checkout that a folder lies in, if it lies in one.
    ///
    /// # Errors
    /// [`CheckoutError::Folder`], `Open`.
    pub(crate) fn of(folder: &Path) -> Result<Option<Self>, CheckoutError> {
        let unreadable = |error: io::Error| CheckoutError::Folder {
            path: folder.to_owned(),
            source: without_path(&error),
        };
        let unopened = |reason: Reason| CheckoutError::Open {
            path: folder.to_owned(),
            source: reason,
        };
        let real = fs_err::canonicalize(folder).map_err(unreadable)?;
        if gix::discover::upwards(&real).is_err() {
            return Ok(None);
        }
        if let Some(how) = Unsupported::of(&real) {
            return Err(CheckoutError::Unsupported {
                path: folder.to_owned(),
                how,
            });
        }
        let options = gix::open::Options::isolated();
        let trust = gix::sec::trust::Mapping {
            full: options.clone(),
            reduced: options,
        };
        let repository =
            ThreadSafeRepository::discover_opts(&real, upwards::Options::default(), trust)
                .map_err(|error| unopened(Reason::of(error)))?
                .to_thread_local();
        let Some(top) = repository.workdir() else {
            return Ok(None);
        };
        let top = fs_err::canonicalize(top).map_err(unreadable)?;
        let Ok(inside) = real.strip_prefix(&top) else {
            return Ok(None);
        };
        let folder = inside.to_str().map(str::to_owned);
        let folder =
            folder.ok_or_else(|| unopened(Reason::of("the name of the folder is not UTF-8")))?;
        Ok(Some(Self { repository, folder }))
    }

    /// The folder from the top of the checkout; empty at the top itself.
    pub(crate) fn folder(&self) -> &str {
        &self.folder
    }

    /// Where git looks for what it ignores of the folder.
    pub(crate) fn work_tree(&self) -> Option<WorkTree> {
        Some(WorkTree {
            top: self.repository.workdir()?.to_owned(),
            folder: self.folder.clone(),
            exclude: self.repository.common_dir().join("info/exclude"),
        })
    }

    /// What git tracks of the folder; nothing when it tracks nothing of it, so that the folder is none of the
    /// repository's.
    ///
    /// # Errors
    /// [`CheckoutError::Index`].
    pub(crate) fn tracked(&self) -> Result<Option<Tracked>, CheckoutError> {
        use gix::index::entry::Mode;

        let index = self.repository.index_or_empty();
        let index = index.map_err(|error| CheckoutError::Index {
            folder: self.folder.clone(),
            source: Reason::of(error),
        })?;
        let within = match self.folder.as_str() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut entries = index
            .entries()
            .iter()
            .filter_map(|entry| {
                // what is not UTF-8 is no part of any pack
                let path = entry.path(&index).to_str().ok()?;
                let path = path.strip_prefix(within.as_str())?;
                Some((path.to_owned(), entry.mode == Mode::COMMIT))
            })
            .peekable();
        Ok(entries.peek().is_some().then(|| Tracked::of(entries)))
    }

    /// The commit that is checked out, if there is one yet.
    pub(crate) fn head(&self) -> Option<ObjectId> {
        self.repository.head_id().ok().map(gix::Id::detach)
    }

    /// The commit of a branch, a tag or the beginning of a commit's number; nothing when the checkout has none.
    pub(crate) fn commit(&self, git_ref: &str) -> Option<ObjectId> {
        // what is none could be an expression that leads anywhere
        if !packd_format::index::is_git_ref(git_ref) {
            return None;
        }
        let spec = format!("{git_ref}^{{commit}}");
        let found = self.repository.rev_parse_single(spec.as_str());
        found.ok().map(gix::Id::detach)
    }

    /// Whether a name is that of a branch, or `HEAD`: another commit tomorrow.
    pub(crate) fn moves(&self, git_ref: &str) -> bool {
        use gix::refs::Category;

        let found = self.repository.try_find_reference(git_ref).ok().flatten();
        found.is_some_and(|found| {
            let category = found.name().category();
            matches!(
                category,
                Some(Category::LocalBranch | Category::RemoteBranch | Category::PseudoRef)
            )
        })
    }

    /// The pack's folder as a commit has it; nothing when the commit does not have it.
    ///
    /// # Errors
    /// [`CheckoutError`]: an object is missing, or a pack may not have what is there.
    pub(crate) fn snapshot(&self, commit: ObjectId) -> Result<Option<Snapshot>, CheckoutError> {
        let mut walk = Walk {
            repository: &self.repository,
            commit,
            listing: Listing::new(&Limits::default()),
            manifest: None,
            submodules: Vec::new(),
        };
        let Some(tree) = walk.top(&self.folder)? else {
            return Ok(None);
        };
        walk.folder(tree, "")?;
        let Walk {
            listing,
            manifest,
            submodules,
            ..
        } = walk;
        let refused = |source| CheckoutError::Refused { commit, source };
        Ok(Some(Snapshot {
            files: listing.finish().map_err(refused)?,
            manifest,
            submodules,
        }))
    }
}

/// Reads the tree of a commit from top to bottom.
struct Walk<'a> {
    repository: &'a Repository,
    commit: ObjectId,
    listing: Listing,
    manifest: Option<Vec<u8>>,
    submodules: Vec<String>,
}

/// Why a file was not taken into the list.
enum FileFailure {
    Refused(ArchiveError),
    Other(CheckoutError),
}

impl From<ArchiveError> for FileFailure {
    fn from(error: ArchiveError) -> Self {
        Self::Refused(error)
    }
}

impl Walk<'_> {
    /// The tree of a folder, from the top of the commit.
    fn top(&self, folder: &str) -> Result<Option<ObjectId>, CheckoutError> {
        let unread = |error| self.unread("the tree", error);
        let tree = self
            .repository
            .find_commit(self.commit)
            .and_then(|commit| commit.tree())
            .map_err(unread)?;
        if folder.is_empty() {
            return Ok(Some(tree.id));
        }
        let entry = tree.lookup_entry(folder.split('/')).map_err(unread)?;
        Ok(entry
            .filter(|entry| entry.mode().is_tree())
            .map(|entry| entry.object_id()))
    }

    /// Reads a folder. How deep they lie in each other is bounded by the list.
    fn folder(&mut self, tree: ObjectId, prefix: &str) -> Result<(), CheckoutError> {
        let tree = self
            .repository
            .find_tree(tree)
            .map_err(|error| self.unread(&format!("the folder `{prefix}`"), error))?;
        for entry in tree.iter() {
            let entry =
                entry.map_err(|error| self.unread(&format!("the folder `{prefix}`"), error))?;
            let path = self.text(entry.filename().as_bytes(), || {
                format!("{prefix}{}", entry.filename())
            })?;
            let path = format!("{prefix}{path}");
            let id = entry.object_id();
            match entry.mode().kind() {
                EntryKind::Tree => {
                    let added = self.listing.folder(&path);
                    added.map_err(|source| self.refused(source))?;
                    self.folder(id, &format!("{path}/"))?;
                }
                EntryKind::Blob => self.file(&path, id, false)?,
                EntryKind::BlobExecutable => self.file(&path, id, true)?,
                EntryKind::Link => self.link(&path, id)?,
                // as `git archive` has it
                EntryKind::Commit => {
                    let added = self.listing.folder(&path);
                    added.map_err(|source| self.refused(source))?;
                    self.submodules.push(path);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, id: ObjectId, executable: bool) -> Result<(), CheckoutError> {
        let size = self
            .repository
            .find_header(id)
            .map_err(|error| self.unread(&format!("`{path}`"), error))?
            .size();
        let (repository, commit) = (self.repository, self.commit);
        let wanted = path == manifest::FILE_NAME && size <= manifest::MAX_BYTES as u64;
        let mut kept = None;
        let added = self.listing.file(path, executable, size, || {
            let blob = repository.find_blob(id).map_err(|error| {
                FileFailure::Other(CheckoutError::Object {
                    what: format!("`{path}`"),
                    commit,
                    source: Reason::of(error),
                })
            })?;
            if lfs::is_pointer(&blob.data) {
                return Err(FileFailure::Other(CheckoutError::Lfs {
                    path: path.to_owned(),
                    commit,
                }));
            }
            if wanted {
                kept = Some(blob.data.clone());
            }
            Ok(Digest::sha256_of(&blob.data))
        });
        match added {
            Ok(()) => {
                self.manifest = self.manifest.take().or(kept);
                Ok(())
            }
            Err(FileFailure::Refused(source)) => Err(self.refused(source)),
            Err(FileFailure::Other(error)) => Err(error),
        }
    }

    fn link(&mut self, path: &str, id: ObjectId) -> Result<(), CheckoutError> {
        let blob = self
            .repository
            .find_blob(id)
            .map_err(|error| self.unread(&format!("`{path}`"), error))?;
        let target = self.text(&blob.data, || format!("the target of {path}"))?;
        let added = self.listing.link(path, &target);
        added.map_err(|source| self.refused(source))
    }

    fn text(&self, bytes: &[u8], path: impl FnOnce() -> String) -> Result<String, CheckoutError> {
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        text.map_err(|_| CheckoutError::Encoding {
            path: path(),
            commit: self.commit,
        })
    }

    fn unread(&self, what: &str, error: impl std::fmt::Display) -> CheckoutError {
        CheckoutError::Object {
            what: what.to_owned(),
            commit: self.commit,
            source: Reason::of(error),
        }
    }

    fn refused(&self, source: ArchiveError) -> CheckoutError {
        CheckoutError::Refused {
            commit: self.commit,
            source,
        }
    }
}
