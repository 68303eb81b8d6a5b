//! What an archive has brought so far, and whether the next entry may join it.
//!
//! Every reader asks here before anything is written, so names, collisions, limits and links are judged in one
//! place; it touches no file.

use std::collections::HashMap;

mod circles;

use super::error::ArchiveError;
use super::limits::{LimitKind, Limits};
use crate::digest::Digest;
use crate::tree::path::{self, BadPath};
use crate::tree::{FileEntry, FileKind, FileList};

/// What an entry is when it is asked for; digests come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Dir,
    File { executable: bool, size: u64 },
    Symlink { target: String },
}

#[derive(Debug)]
pub(super) struct Item {
    pub path: String,
    pub kind: Kind,
    /// Only implied by the path of another entry. It may still come itself, once.
    implied: bool,
    /// Of a file, once it is written.
    digest: Option<Digest>,
}

/// A link that leads to a folder of the archive.
#[derive(Debug)]
struct FolderLink<'a> {
    path: &'a str,
    target: &'a str,
    /// The place of that folder in `items`.
    folder: usize,
}

#[derive(Debug)]
pub(super) struct Ledger {
    limits: Limits,
    items: Vec<Item>,
    /// From the folded path to its place in `items`: whatever could be confused has one key.
    index: HashMap<String, usize>,
    bytes: u64,
    /// Bytes of all paths and targets.
    names: u64,
}

impl Ledger {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            items: Vec::new(),
            index: HashMap::new(),
            bytes: 0,
            names: 0,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Takes an entry, and the folders its path implies. Gives the place of the first new item: from there on,
    /// `items` has the new folders, parents first, and then the entry itself unless it is a folder known already.
    pub(super) fn admit(&mut self, path: &str, kind: Kind) -> Result<usize, ArchiveError> {
        self.check_path(path)?;
        match &kind {
            Kind::Dir => {}
            Kind::File { size, .. } => self.check_size(path, *size)?,
            Kind::Symlink { target } => self.check_target(path, target)?,
        }
        let first_new = self.items.len();
        self.admit_parents(path)?;

        let key = path::folded(path);
        if let Some(&at) = self.index.get(&key) {
            let known = &mut self.items[at];
            if known.path != path {
                let reason = format!(
                    "its name and `{}` differ only in letter case or Unicode form",
                    known.path
                );
                return Err(ArchiveError::refused(path, reason));
            }
            if !known.implied || kind != Kind::Dir {
                return Err(ArchiveError::refused(path, "it comes twice"));
            }
            known.implied = false;
            return Ok(first_new);
        }
        if let Kind::File { size, .. } = kind {
            self.bytes += size;
        }
        self.push(path, key, kind, false)?;
        Ok(first_new)
    }

    fn admit_parents(&mut self, path: &str) -> Result<(), ArchiveError> {
        let Some((parent, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        let key = path::folded(parent);
        let Some(&at) = self.index.get(&key) else {
            self.admit_parents(parent)?;
            return self.push(parent, key, Kind::Dir, true);
        };
        let known = &self.items[at];
        if known.path != parent {
            let reason = format!(
                "its folder and `{}` differ only in letter case or Unicode form",
                known.path
            );
            return Err(ArchiveError::refused(path, reason));
        }
        if known.kind != Kind::Dir {
            return Err(ArchiveError::refused(
                path,
                format!("`{parent}`, which it lies in, is not a folder"),
            ));
        }
        Ok(())
    }

    fn push(
        &mut self,
        path: &str,
        key: String,
        kind: Kind,
        implied: bool,
    ) -> Result<(), ArchiveError> {
        if self.items.len() as u64 >= self.limits.entries {
            return Err(beyond(path, LimitKind::Entries, self.limits.entries));
        }
        let target = match &kind {
            Kind::Symlink { target } => target.len(),
            Kind::Dir | Kind::File { .. } => 0,
        };
        self.names += (path.len() + target) as u64;
        if self.names > self.limits.all_names() {
            return Err(beyond(path, LimitKind::AllNames, self.limits.all_names()));
        }
        self.index.insert(key, self.items.len());
        self.items.push(Item {
            path: path.to_owned(),
            kind,
            implied,
            digest: None,
        });
        Ok(())
    }

    fn check_path(&self, path: &str) -> Result<(), ArchiveError> {
        let Limits {
            depth,
            path_bytes,
            name_bytes,
            ..
        } = self.limits;
        // before anything is done per component: a path can be as long as the archive
        if path.len() > path_bytes {
            return Err(beyond(path, LimitKind::PathBytes, path_bytes as u64));
        }
        path::check(path).map_err(|reason| ArchiveError::bad_path(path, reason))?;
        let mut levels = 0;
        for name in path.split('/') {
            levels += 1;
            if name.len() > name_bytes {
                return Err(beyond(path, LimitKind::NameBytes, name_bytes as u64));
            }
        }
        if levels > depth {
            return Err(beyond(path, LimitKind::Depth, depth as u64));
        }
        Ok(())
    }

    fn check_size(&self, path: &str, size: u64) -> Result<(), ArchiveError> {
        let Limits {
            pack_bytes,
            file_bytes,
            ..
        } = self.limits;
        if size > file_bytes {
            return Err(beyond(path, LimitKind::FileBytes, file_bytes));
        }
        if self.bytes.saturating_add(size) > pack_bytes {
            return Err(beyond(path, LimitKind::PackBytes, pack_bytes));
        }
        Ok(())
    }

    /// What can be said of a link's target alone; where it leads is looked at when all entries are known.
    fn check_target(&self, path: &str, target: &str) -> Result<(), ArchiveError> {
        if target.len() > self.limits.path_bytes {
            return Err(beyond(
                path,
                LimitKind::PathBytes,
                self.limits.path_bytes as u64,
            ));
        }
        // up from the deepest folder and down to the deepest: no link needs more, and resolving costs by the level
        let levels = 2 * self.limits.depth;
        if target.split('/').count() > levels {
            return Err(beyond(path, LimitKind::Depth, levels as u64));
        }
        if target.is_empty() {
            return Err(ArchiveError::refused(path, "it is a link without a target"));
        }
        if target.starts_with('/') {
            return Err(ArchiveError::refused(
                path,
                format!("it is a link to the absolute path `{}`", shown(target)),
            ));
        }
        match path::check_characters(target) {
            Ok(()) => {}
            Err(BadPath::Backslash) => {
                return Err(ArchiveError::refused(path, "its target has a backslash"));
            }
            Err(BadPath::Direction) => {
                return Err(ArchiveError::refused(
                    path,
                    "its target has a character that changes the direction of writing",
                ));
            }
            Err(_) => {
                return Err(ArchiveError::refused(
                    path,
                    "its target has a control character",
                ));
            }
        }
        Ok(())
    }

    /// Checks where every link leads, once all entries are known: inside, through folders only, to a file or a folder
    /// of the archive, and never round in a circle for whoever follows links. So no chain of links can lead out, and no
    /// link can come to lead elsewhere later.
    pub(super) fn check_links(&self) -> Result<(), ArchiveError> {
        self.bad_links()
            .into_iter()
            .next()
            .map_or(Ok(()), |(_, error)| Err(error))
    }

    /// The links that may not be there, each with what is wrong with it.
    pub(super) fn bad_links(&self) -> Vec<(&str, ArchiveError)> {
        let mut bad = Vec::new();
        let mut to_folders = Vec::new();
        let refused = |path, target, why: &str| {
            let reason = format!("it is a link to `{}`, {why}", shown(target));
            (path, ArchiveError::refused(path, reason))
        };
        for (path, target) in self.links() {
            match self.resolve(path, target) {
                Ok(Some(folder)) => to_folders.push(FolderLink {
                    path,
                    target,
                    folder,
                }),
                Ok(None) => {}
                Err(why) => bad.push(refused(path, target, why)),
            }
        }
        for link in circles::closing(&self.items, &self.index, &to_folders) {
            let why = "from where links lead round in a circle";
            bad.push(refused(link.path, link.target, why));
        }
        bad
    }

    /// Where a link leads: to which folder, by its place in `items`, or to a file.
    fn resolve(&self, path: &str, target: &str) -> Result<Option<usize>, &'static str> {
        let mut at = match path.rsplit_once('/') {
            Some((folder, _)) => folder.to_owned(),
            None => String::new(),
        };
        // folders may be written with a slash at their end
        let (names, must_be_folder) = match target.strip_suffix('/') {
            Some(names) => (names, true),
            None => (target, false),
        };
        let mut is_folder = true;
        for name in names.split('/') {
            if !is_folder {
                return Err("which leads through something that is not a folder");
            }
            match name {
                "" => return Err("which has an empty component"),
                "." => {}
                ".." => match at.rfind('/') {
                    _ if at.is_empty() => return Err("which leads out of the archive"),
                    Some(slash) => at.truncate(slash),
                    None => at.clear(),
                },
                name => {
                    if !at.is_empty() {
                        at.push('/');
                    }
                    at.push_str(name);
                    match self.find(&at).map(|item| &item.kind) {
                        Some(Kind::Dir) => {}
                        Some(Kind::File { .. }) => is_folder = false,
                        Some(Kind::Symlink { .. }) => {
                            return Err("which is, or leads through, another link");
                        }
                        None => return Err("which is not in the archive"),
                    }
                }
            }
        }
        if must_be_folder && !is_folder {
            return Err("which is not a folder");
        }
        let below = path.strip_prefix(at.as_str());
        if at.is_empty() || below.is_some_and(|rest| rest.starts_with('/')) {
            return Err("which is a folder that it lies in");
        }
        Ok(is_folder.then(|| self.index[&path::folded(&at)]))
    }

    /// Whether just this folder is there already.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.find(path).is_some_and(|item| item.kind == Kind::Dir)
    }

    fn find(&self, path: &str) -> Option<&Item> {
        let item = &self.items[*self.index.get(&path::folded(path))?];
        (item.path == path).then_some(item)
    }

    /// The links, with their targets.
    pub(super) fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter_map(|item| match &item.kind {
            Kind::Symlink { target } => Some((item.path.as_str(), target.as_str())),
            Kind::Dir | Kind::File { .. } => None,
        })
    }

    /// Notes the digest of a file that is written.
    pub(super) fn written(&mut self, at: usize, digest: Digest) {
        self.items[at].digest = Some(digest);
    }

    /// The list of everything that was admitted.
    pub(super) fn into_list(self) -> Result<FileList, ArchiveError> {
        if self.items.is_empty() {
            return Err(ArchiveError::damaged("it has no members"));
        }
        let entries = self
            .items
            .into_iter()
            .map(|item| FileEntry {
                path: item.path,
                kind: match item.kind {
                    Kind::Dir => FileKind::Dir,
                    Kind::Symlink { target } => FileKind::Symlink { target },
                    Kind::File { executable, size } => FileKind::File {
                        executable,
                        size,
                        digest: item
                            .digest
                            .expect("every file is written before the list is made"),
                    },
                },
            })
            .collect();
        Ok(FileList::new(entries))
    }
}

fn beyond(path: &str, what: LimitKind, limit: u64) -> ArchiveError {
    ArchiveError::Limit {
        what,
        limit,
        entry: None,
    }
    .at_entry(path)
}

fn shown(target: &str) -> String {
    super::error::printable(target.as_bytes())
}
