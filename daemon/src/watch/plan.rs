//! Which folders have to be watched to hear of a change, and whom an event concerns.
//!
//! inotify watches what a name stands for at that moment. So beside the folder itself, those are watched in which
//! a name on the way to it could come to stand for something else: a link that is replaced, a folder that is removed and
//! made again, or one that is not there yet. All paths here are without links, since one folder must not be watched by
//! two names.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::stamp;
use super::{Subject, What};

/// As many links as the kernel follows, see `path_resolution(7)`.
const LINKS: usize = 40;

/// What has to be watched for all subjects, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan(pub(super) Vec<Part>);

/// What has to be watched for one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Names that could come to stand for something else.
    steps: Vec<PathBuf>,
    /// The folders to watch.
    pub(super) folders: Vec<Folder>,
    /// Where its content is, if that is there.
    inside: Option<PathBuf>,
    what: What,
    /// Whether the kernel hears of every change there.
    pub(super) has_news: bool,
}

/// A folder to watch, and which one it is, whatever it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) recursive: bool,
    device: u64,
    inode: u64,
}

/// Where the names of a path lead.
struct Way {
    /// Links on it.
    links: Vec<PathBuf>,
    /// What it ends at, without links: the thing itself, or the first name that is not there.
    end: PathBuf,
    is_there: bool,
}

impl Plan {
    /// As the file system is now. Blocks.
    pub(super) fn of(subjects: &[Subject], has_news: fn(&Path) -> bool) -> Self {
        Self(
            subjects
                .iter()
                .map(|subject| Part::of(subject, has_news))
                .collect(),
        )
    }

    /// Every folder once; one that lies in another, of which all is watched, is watched with it.
    pub(super) fn folders(&self) -> BTreeMap<&Path, bool> {
        let all = || self.0.iter().flat_map(|part| &part.folders);
        let deep: Vec<&Path> = all()
            .filter(|folder| folder.recursive)
            .map(|folder| folder.path.as_path())
            .collect();
        let mut folders = BTreeMap::new();
        for folder in all() {
            let is_below = |deep: &&Path| folder.path.starts_with(deep) && folder.path != **deep;
            if !deep.iter().any(is_below) {
                *folders.entry(folder.path.as_path()).or_default() |= folder.recursive;
            }
        }
        folders
    }

    /// The subjects that an event at this path concerns, by number.
    pub(super) fn concerned(&self, path: &Path) -> impl Iterator<Item = usize> {
        let parts = self.0.iter().enumerate();
        parts
            .filter(|(_, part)| part.is_concerned(path))
            .map(|(number, _)| number)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl Part {
    fn of(subject: &Subject, has_news: fn(&Path) -> bool) -> Self {
        let way = walk(&subject.path);
        let mut steps = way.links;
        let inside = way.is_there.then(|| way.end.clone());
        let mut watched: Vec<(PathBuf, bool)> = Vec::new();
        let home = match (subject.what, way.is_there) {
            (What::File, _) | (_, false) => way.end.parent().map(Path::to_owned),
            (What::Entries { .. } | What::Tree, true) => Some(way.end.clone()),
        };
        if let Some(home) = home {
            let recursive = way.is_there && subject.what == What::Tree;
            steps.push(home.clone());
            watched.push((home, recursive));
        }
        steps.push(way.end);
        for step in &steps {
            if let Some(parent) = step.parent() {
                watched.push((parent.to_owned(), false));
            }
        }
        watched.sort();
        // of one folder the entry that watches more comes last
        watched.reverse();
        watched.dedup_by(|after, before| after.0 == before.0);
        steps.sort();
        steps.dedup();
        let has_news = watched.iter().all(|(folder, _)| has_news(folder));
        let folders = watched.into_iter().filter_map(|(path, recursive)| {
            let found = fs_err::metadata(&path).ok()?;
            Some(Folder {
                path,
                recursive,
                device: found.dev(),
                inode: found.ino(),
            })
        });
        Self {
            steps,
            folders: folders.collect(),
            inside,
            what: subject.what,
            has_news,
        }
    }

    fn is_concerned(&self, path: &Path) -> bool {
        if self.steps.iter().any(|step| step == path) {
            return true;
        }
        let Some(inside) = &self.inside else {
            return false;
        };
        match self.what {
            What::File => path == inside,
            What::Entries { .. } => {
                path.parent() == Some(inside.as_path()) && stamp::is_entry(path, self.what)
            }
            What::Tree => path.starts_with(inside),
        }
    }
}

/// Follows a path name by name, as the kernel does.
fn walk(path: &Path) -> Way {
    let names = |path: &Path| -> VecDeque<OsString> {
        let parts = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        });
        parts.collect()
    };
    let mut rest = names(path);
    let mut links = Vec::new();
    let mut end = PathBuf::from("/");
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            end.pop();
            continue;
        }
        let next = end.join(&name);
        let Ok(found) = fs_err::symlink_metadata(&next) else {
            return Way {
                links,
                end: next,
                is_there: false,
            };
        };
        if !found.is_symlink() {
            end = next;
            continue;
        }
        let target = fs_err::read_link(&next).unwrap_or_default();
        links.push(next);
        if links.len() > LINKS {
            // a circle: nothing is there until one of its links is another
            return Way {
                end: links.last().cloned().unwrap_or_default(),
                links,
                is_there: false,
            };
        }
        if target.is_absolute() {
            end = PathBuf::from("/");
        }
        for name in names(&target).into_iter().rev() {
            rest.push_front(name);
        }
    }
    Way {
        links,
        end,
        is_there: true,
    }
}
