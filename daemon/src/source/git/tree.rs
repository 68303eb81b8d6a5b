//! The tree of a commit, written by the writer that every source has.
//!
//! Never a checkout: no filter, no attribute, no hook and no submodule has a say. What is written is what the commit
//! holds, byte for byte, `.gitattributes` and its `export-ignore` included. Each object is digested when it is
//! read, so a cache that was damaged is found out.

use gix::bstr::ByteSlice as _;
use gix::object::tree::EntryKind;
use gix::objs::{Kind, TreeRefIter};
use gix::{ObjectId, Repository};
use packd_format::archive::{ArchiveError, Limits, Writer};
use packd_format::lfs;
use packd_format::tree::{FileList, RootError};

use super::error::GitError;
use super::guard::Guard;

/// The largest object that lists a folder: a quarter of a million names.
const LARGEST_TREE: u64 = 16 << 20;
/// How large those may be together that lie in each other, because they are in memory at once.
const LARGEST_NEST: u64 = 2 * LARGEST_TREE;
/// How much of them is read to find folders with a pack for a hint.
const LOOKED_THROUGH: u64 = 4 * LARGEST_TREE;
/// The longest target of a link.
const LONGEST_TARGET: u64 = 64 * 1024;
/// The file that makes a folder a pack.
const MANIFEST: &str = "pack.yaml";
/// The folder that a pack may lie in.
const PACK: &str = "pack";
/// How many folders with a pack are looked for, and in how many folders, before the hint is good enough.
const ENOUGH: usize = 8;
const LOOKED_AT: usize = 10_000;

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    /// The files.
    pub(super) files: FileList,
    /// Submodules, of which only the folder was made.
    pub(super) submodules: Vec<String>,
}

/// Why it was not.
pub(super) enum Failure {
    /// An object is missing or is not what its number says: the cache has to be made anew.
    Damaged {
        /// What was wanted.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The commit holds what no pack may, or it cannot be written.
    Final(GitError),
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        Self::Final(error)
    }
}

/// Writes the tree of a commit with a writer into an empty folder.
///
/// With `path` it is only what lies below that folder, and without it only `pack/` where that alone has a
/// `pack.yaml`; each under its full path.
pub(super) fn write(
    repository: &Repository,
    from: &str,
    commit: ObjectId,
    path: Option<&str>,
    (limits, guard): (&Limits, &Guard),
    writer: Writer<'_>,
) -> Result<Written, Failure> {
    let unpack = |source| unpack(from, commit, source);
    let reader = Reader {
        repository,
        commit,
        limits,
        guard,
    };
    let top = reader.top()?;
    let below = match path.map(tidy) {
        Some("") => None,
        Some(path) => Some(reader.find(top, from, path)?),
        None => reader.only_pack(top)?.map(|tree| (PACK.to_owned(), tree)),
    };
    let mut walk = Walk {
        reader,
        from,
        writer,
        submodules: Vec::new(),
        open: 0,
    };
    match below {
        Some((path, tree)) => walk.folder(tree, &format!("{path}/"))?,
        None => walk.folder(top, "")?,
    }
    let Walk {
        writer, submodules, ..
    } = walk;
    Ok(Written {
        files: writer.finish().map_err(unpack)?,
        submodules,
    })
}

fn tidy(path: &str) -> &str {
    let path = path.trim_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    if path == "." { "" } else { path }
}

pub(super) fn unpack(from: &str, commit: ObjectId, source: ArchiveError) -> Failure {
    Failure::Final(match source {
        ArchiveError::Cancelled => GitError::Cancelled,
        source => GitError::Unpack {
            from: from.to_owned(),
            commit: commit.to_string(),
            source,
        },
    })
}

/// Reads objects, and believes none.
struct Reader<'a> {
    repository: &'a Repository,
    commit: ObjectId,
    limits: &'a Limits,
    guard: &'a Guard,
}

impl Reader<'_> {
    /// An object of this kind and at most this size, as its number says it is.
    fn object(
        &self,
        id: ObjectId,
        kind: Kind,
        largest: u64,
        what: impl Fn() -> String,
    ) -> Result<Vec<u8>, Failure> {
        let damaged = |reason: String| Failure::Damaged {
            what: what(),
            reason,
        };
        // why it was ended is with the guard
        let ended = |_| Failure::Final(GitError::Cancelled);
        self.guard.check().map_err(ended)?;
        let header = self.repository.find_header(id);
        let header = header.map_err(|error| damaged(error.to_string()))?;
        if header.kind() != kind {
            return Err(damaged(format!(
                "it is a {} and not a {kind}",
                header.kind()
            )));
        }
        if header.size() > largest {
            return Err(Failure::Final(GitError::LargeFile {
                path: what(),
                commit: self.commit.to_string(),
                bytes: header.size(),
                limit: largest,
            }));
        }
        let mut object = self
            .repository
            .find_object(id)
            .map_err(|error| damaged(error.to_string()))?;
        let actual = gix::objs::compute_hash(id.kind(), kind, &object.data);
        match actual {
            Ok(actual) if actual == id => Ok(std::mem::take(&mut object.data)),
            Ok(actual) => Err(damaged(format!("its content has the number {actual}"))),
            Err(error) => Err(damaged(error.to_string())),
        }
    }

    fn tree(&self, id: ObjectId, prefix: &str) -> Result<Vec<u8>, Failure> {
        let what = || match prefix {
            "" => "the tree".to_owned(),
            prefix => format!("the folder `{}`", prefix.trim_end_matches('/')),
        };
        // a folder without anything is in nobody's repository, and has a number all the same
        if id.is_empty_tree() {
            return Ok(Vec::new());
        }
        self.object(id, Kind::Tree, LARGEST_TREE, what)
            .map_err(|failure| match failure {
                Failure::Final(GitError::LargeFile { path, commit, .. }) => {
                    Failure::Final(GitError::LargeFolder {
                        path,
                        commit,
                        limit: LARGEST_TREE,
                    })
                }
                failure => failure,
            })
    }

    /// The tree of the commit.
    fn top(&self) -> Result<ObjectId, Failure> {
        let what = || "the commit".to_owned();
        let data = self.object(self.commit, Kind::Commit, LARGEST_TREE, what)?;
        let mut parts = gix::objs::CommitRefIter::from_bytes(&data, self.commit.kind());
        parts.tree_id().map_err(|error| Failure::Damaged {
            what: what(),
            reason: error.to_string(),
        })
    }

    /// What one folder has by this name.
    fn child(
        &self,
        tree: ObjectId,
        prefix: &str,
        name: &str,
    ) -> Result<Option<(EntryKind, ObjectId)>, Failure> {
        let data = self.tree(tree, prefix)?;
        for entry in entries(&data, prefix)? {
            if entry.filename.as_bytes() == name.as_bytes() {
                return Ok(Some((entry.mode.kind(), entry.oid.to_owned())));
            }
        }
        Ok(None)
    }

    /// `pack/`, when the root has no `pack.yaml` and that folder has one.
    fn only_pack(&self, top: ObjectId) -> Result<Option<ObjectId>, Failure> {
        if self.child(top, "", MANIFEST)?.is_some() {
            return Ok(None);
        }
        let Some((EntryKind::Tree, tree)) = self.child(top, "", PACK)? else {
            return Ok(None);
        };
        let has = self.child(tree, "pack/", MANIFEST)?.is_some();
        Ok(has.then_some(tree))
    }

    /// The folder that was asked for.
    fn find(&self, top: ObjectId, from: &str, path: &str) -> Result<(String, ObjectId), Failure> {
        let refused = |source| {
            Failure::Final(GitError::Root {
                from: from.to_owned(),
                commit: self.commit.to_string(),
                source,
            })
        };
        packd_format::tree::path::check(path).map_err(|reason| {
            refused(RootError::BadPath {
                wanted: path.to_owned(),
                reason,
            })
        })?;
        let mut tree = top;
        let mut prefix = String::new();
        for name in path.split('/') {
            let Some((EntryKind::Tree, child)) = self.child(tree, &prefix, name)? else {
                let mut search = Search::default();
                self.packs(top, "", &mut search)?;
                return Err(refused(RootError::NotThere {
                    wanted: path.to_owned(),
                    elsewhere: search.found,
                }));
            };
            tree = child;
            prefix = format!("{prefix}{name}/");
        }
        Ok((path.to_owned(), tree))
    }

    /// The first few folders with a `pack.yaml`.
    fn packs(&self, tree: ObjectId, prefix: &str, search: &mut Search) -> Result<(), Failure> {
        let data = self.tree(tree, prefix)?;
        search.folders += 1;
        search.bytes += data.len() as u64;
        if search.bytes > LOOKED_THROUGH {
            return Ok(());
        }
        for entry in entries(&data, prefix)? {
            if search.is_over() || prefix.split('/').count() > self.limits.depth {
                return Ok(());
            }
            let Ok(name) = entry.filename.to_str() else {
                continue;
            };
            match entry.mode.kind() {
                EntryKind::Blob if name == MANIFEST => {
                    let folder = prefix.trim_end_matches('/');
                    search
                        .found
                        .push(if folder.is_empty() { "." } else { folder }.to_owned());
                }
                EntryKind::Tree => {
                    self.packs(entry.oid.to_owned(), &format!("{prefix}{name}/"), search)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a search for packs found, and what it has cost.
#[derive(Debug, Default)]
struct Search {
    found: Vec<String>,
    folders: usize,
    bytes: u64,
}

impl Search {
    fn is_over(&self) -> bool {
        self.found.len() >= ENOUGH || self.folders >= LOOKED_AT || self.bytes > LOOKED_THROUGH
    }
}

fn entries<'a>(
    data: &'a [u8],
    prefix: &str,
) -> Result<Vec<gix::objs::tree::EntryRef<'a>>, Failure> {
    TreeRefIter::from_bytes(data, gix::hash::Kind::Sha1)
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::Damaged {
            what: format!("the folder `{prefix}`"),
            reason: error.to_string(),
        })
}

/// Writes a tree from top to bottom.
struct Walk<'a, 'w> {
    reader: Reader<'a>,
    from: &'a str,
    writer: Writer<'w>,
    submodules: Vec<String>,
    /// The bytes of the folders that are being written.
    open: u64,
}

impl Walk<'_, '_> {
    /// Writes what is in a folder. How deep they lie in each other is bounded by the writer.
    fn folder(&mut self, tree: ObjectId, prefix: &str) -> Result<(), Failure> {
        let data = self.reader.tree(tree, prefix)?;
        let size = data.len() as u64;
        self.open += size;
        if self.open > LARGEST_NEST {
            return Err(Failure::Final(GitError::LargeFolder {
                path: format!(
                    "the folder `{}` with those around it",
                    prefix.trim_end_matches('/')
                ),
                commit: self.reader.commit.to_string(),
                limit: LARGEST_NEST,
            }));
        }
        for entry in entries(&data, prefix)? {
            let name = self.text(entry.filename.as_bytes(), || {
                format!("{prefix}{}", entry.filename)
            })?;
            let path = format!("{prefix}{name}");
            if name.contains('/') {
                return Err(Failure::Final(GitError::Name {
                    path: super::ssh::printable(&path),
                    commit: self.reader.commit.to_string(),
                }));
            }
            let id = entry.oid.to_owned();
            match entry.mode.kind() {
                EntryKind::Tree => {
                    let made = self.writer.folder(&path);
                    made.map_err(|source| self.unpack(source))?;
                    self.folder(id, &format!("{path}/"))?;
                }
                EntryKind::Blob => self.file(&path, id, false)?,
                EntryKind::BlobExecutable => self.file(&path, id, true)?,
                EntryKind::Link => self.link(&path, id)?,
                EntryKind::Commit => {
                    // an empty folder, as `git archive` and a checkout of this repository alone make it
                    let made = self.writer.folder(&path);
                    made.map_err(|source| self.unpack(source))?;
                    self.submodules.push(path);
                }
            }
        }
        self.open -= size;
        Ok(())
    }

    fn file(&mut self, path: &str, id: ObjectId, executable: bool) -> Result<(), Failure> {
        let what = || path.to_owned();
        let largest = self.reader.limits.file_bytes;
        let data = self.reader.object(id, Kind::Blob, largest, what)?;
        let size = data.len() as u64;
        if lfs::is_pointer(&data) {
            return Err(Failure::Final(GitError::Lfs {
                path: path.to_owned(),
                commit: self.reader.commit.to_string(),
            }));
        }
        let written = self
            .writer
            .file(path, executable, size)
            .and_then(|mut file| {
                file.write(&data)?;
                file.finish()
            });
        written.map_err(|source| self.unpack(source))
    }

    fn link(&mut self, path: &str, id: ObjectId) -> Result<(), Failure> {
        let what = || path.to_owned();
        let data = self.reader.object(id, Kind::Blob, LONGEST_TARGET, what)?;
        let target = self.text(&data, || format!("the target of {path}"))?;
        let noted = self.writer.link(path, &target);
        noted.map_err(|source| self.unpack(source))
    }

    fn text(&self, bytes: &[u8], path: impl FnOnce() -> String) -> Result<String, Failure> {
        let text = std::str::from_utf8(bytes).map(str::to_owned);
        text.map_err(|_| {
            Failure::Final(GitError::Encoding {
                path: super::ssh::printable(&path()),
                commit: self.reader.commit.to_string(),
            })
        })
    }

    fn unpack(&self, source: ArchiveError) -> Failure {
        unpack(self.from, self.reader.commit, source)
    }
}

#[cfg(test)]
mod tests;
