//! A folder on disk held against the list of what should lie there: what is different, path by path.
//!
//! Unlike [`super::scan()`] it takes whatever it finds: a pipe, a name that no pack has or a file that cannot be read is a
//! difference like any other. It follows no link, and looks into no folder that is not listed.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType};

use super::scan::{DEEPEST, TreeError, as_path, names, open_file, open_folder, read_file};
use super::{FileKind, FileList};
use crate::digest::{Algorithm, Digest, Hasher};
use crate::parallel::{self, Push};

/// The modes that packd gives to files.
const PLAIN: u32 = 0o644;
const EXECUTABLE: u32 = 0o755;
/// And to folders.
const FOLDER: u32 = 0o755;

/// How something that lies in a folder is not as it is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is listed and not there.
    Missing,
    /// It is there and not listed.
    Extra,
    /// It is something else: a link in the place of a file.
    Kind,
    /// It has other permissions than packd gave it.
    Mode,
    /// It is a link to something else.
    Target,
    /// It has other bytes.
    Content,
    /// It cannot be read.
    Unreadable,
}

/// One path that is not as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the root; what is not UTF-8 in it is replaced.
    pub path: String,
    /// How.
    pub change: Change,
}

/// What is different in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// The first of them, sorted by path.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub count: usize,
    /// Whether all that is listed is as it is listed.
    pub has_all: bool,
}

impl Comparison {
    /// Whether everything is as it is listed.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.count == 0
    }
}

/// Compares the folder at `path` with its list, reading every file, on all cores if there are many. At most `most`
/// differences are named; all are counted.
///
/// # Errors
/// [`TreeError`] when the folder itself cannot be opened.
pub fn compare(path: &Path, list: &FileList, most: usize) -> Result<Comparison, TreeError> {
    let root = Arc::new(open_folder(rustix::fs::CWD, path, path)?);
    let mut walk = Walk {
        list,
        seen: BTreeSet::new(),
        different: Vec::new(),
    };
    walk.mode(&root, "", FOLDER);
    let read = parallel::each(
        |push| {
            walk.folder(&root, path, "", 0, push);
            Ok::<_, TreeError>(())
        },
        &|file: Unread, buffer| Ok(file.compare(buffer)),
    )?;
    let Walk {
        seen,
        mut different,
        ..
    } = walk;
    different.extend(read.into_iter().flatten());
    let missing = list
        .entries()
        .iter()
        .filter(|entry| !seen.contains(entry.path.as_str()));
    different.extend(missing.map(|entry| Difference {
        path: entry.path.clone(),
        change: Change::Missing,
    }));
    different.sort_by(|a, b| (&a.path, a.change).cmp(&(&b.path, b.change)));
    let has_all = different.iter().all(|one| one.change == Change::Extra);
    let count = different.len();
    different.truncate(most);
    Ok(Comparison {
        differences: different,
        count,
        has_all,
    })
}

struct Walk<'a> {
    list: &'a FileList,
    /// What was found of what is listed.
    seen: BTreeSet<&'a str>,
    different: Vec<Difference>,
}

impl Walk<'_> {
    fn differs(&mut self, path: &str, change: Change) {
        self.different.push(Difference {
            path: path.to_owned(),
            change,
        });
    }

    fn mode(&mut self, folder: &OwnedFd, path: &str, wanted: u32) {
        let mode = rustix::fs::fstat(folder).map(|stat| stat.st_mode & 0o777);
        if mode != Ok(wanted) {
            self.differs(if path.is_empty() { "." } else { path }, Change::Mode);
        }
    }

    fn folder(
        &mut self,
        folder: &Arc<OwnedFd>,
        place: &Path,
        prefix: &str,
        depth: usize,
        push: &mut Push<'_, Unread>,
    ) {
        let shown = if prefix.is_empty() { "." } else { prefix };
        let Some(mut names) = names(folder, place).ok().filter(|_| depth <= DEEPEST) else {
            self.differs(shown, Change::Unreadable);
            return;
        };
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, kind) in names {
            let path = format!("{prefix}{}", name.to_string_lossy());
            let Some(entry) = self.list.get(&path) else {
                self.differs(&path, Change::Extra);
                continue;
            };
            self.seen.insert(&entry.path);
            let place = place.join(as_path(&name));
            match (&entry.kind, kind) {
                (
                    FileKind::File {
                        executable,
                        size,
                        digest,
                    },
                    FileType::RegularFile,
                ) => {
                    let file = Unread {
                        folder: Arc::clone(folder),
                        name,
                        place,
                        path,
                        mode: if *executable { EXECUTABLE } else { PLAIN },
                        size: *size,
                        digest: *digest,
                    };
                    // nothing that is done with files fails, so nobody ever asks to stop
                    let (ControlFlow::Continue(()) | ControlFlow::Break(())) = push(file, *size);
                }
                (FileKind::Symlink { target }, FileType::Symlink) => {
                    let found = rustix::fs::readlinkat(folder, &name, Vec::new());
                    if found.ok().as_deref().map(std::ffi::CStr::to_bytes)
                        != Some(target.as_bytes())
                    {
                        self.differs(&path, Change::Target);
                    }
                }
                (FileKind::Dir, FileType::Directory) => {
                    let Ok(below) = open_folder(folder.as_fd(), &*name, &place) else {
                        self.differs(&path, Change::Unreadable);
                        let inside = format!("{path}/");
                        // said once: what lies in it is not missing but out of sight
                        let hidden = self.list.entries().iter();
                        let hidden = hidden.filter(|entry| entry.path.starts_with(&inside));
                        self.seen.extend(hidden.map(|entry| entry.path.as_str()));
                        continue;
                    };
                    self.mode(&below, &path, FOLDER);
                    let below = Arc::new(below);
                    self.folder(&below, &place, &format!("{path}/"), depth + 1, push);
                }
                _ => self.differs(&path, Change::Kind),
            }
        }
    }
}

/// A file that has the name of a listed one and was not read yet.
struct Unread {
    folder: Arc<OwnedFd>,
    name: CString,
    place: PathBuf,
    path: String,
    mode: u32,
    size: u64,
    digest: Digest,
}

impl Unread {
    fn compare(self, buffer: &mut [u8]) -> Option<Difference> {
        let change = self.change(buffer)?;
        Some(Difference {
            path: self.path,
            change,
        })
    }

    /// Of several changes the worst.
    fn change(&self, buffer: &mut [u8]) -> Option<Change> {
        let looked = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let is_mode = looked.is_ok_and(|stat| stat.st_mode & 0o7777 == self.mode);
        let Ok((file, stat)) = open_file(self.folder.as_fd(), &self.name, &self.place) else {
            return Some(Change::Unreadable);
        };
        // of a file of another length nothing needs to be read
        if u64::try_from(stat.st_size) != Ok(self.size) {
            return Some(Change::Content);
        }
        let mut hasher = Hasher::new(Algorithm::Sha256);
        match read_file(&file, &self.place, buffer, |bytes| hasher.update(bytes)) {
            Err(_) => Some(Change::Unreadable),
            Ok(size) if size != self.size || hasher.finish() != self.digest => {
                Some(Change::Content)
            }
            Ok(_) => (!is_mode).then_some(Change::Mode),
        }
    }
}

#[cfg(test)]
mod tests;
