//! Where in an unpacked archive the pack is: at its root, in its single folder, or in `pack/`.
//!
//! Never "the first that is found": two candidates are an error that names both.

use super::path::{self, BadPath};
use super::{FileEntry, FileKind, FileList};

/// The file that makes a folder a pack.
const MANIFEST: &str = "pack.yaml";

/// Why a tree has no pack, or no single one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// No `pack.yaml` where one may be.
    #[error("no `pack.yaml` at the root, in the single top folder or in `pack/`")]
    None {
        /// Folders deeper down, or beside others, that do have one.
        elsewhere: Vec<String>,
    },
    /// No `pack.yaml` in the folder that was asked for.
    #[error("no `pack.yaml` in `{wanted}`")]
    NotThere {
        /// The folder as asked for.
        wanted: String,
        /// Folders that do have one.
        elsewhere: Vec<String>,
    },
    /// More than one folder may be meant.
    #[error("more than one `pack.yaml`: in {}", list(roots))]
    Several {
        /// The folders; `.` is the root.
        roots: Vec<String>,
    },
    /// `pack.yaml` is a folder or a link. A manifest is read as what it is, or not at all.
    #[error("`{path}` is not a regular file")]
    NotRegular {
        /// Its path in the tree.
        path: String,
    },
    /// The folder asked for cannot be the path of a folder.
    #[error("`{wanted}` cannot be the folder of a pack: {reason}")]
    BadPath {
        /// The folder as asked for.
        wanted: String,
        /// Which rule it breaks.
        reason: BadPath,
    },
    /// A link in the pack's folder points to something beside that folder, which will not be installed.
    #[error("`{path}` is a link to `{target}`, which is outside the pack's folder")]
    LinkLeaves {
        /// The link, in the tree.
        path: String,
        /// Its target as written.
        target: String,
    },
}

impl RootError {
    /// What to try, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::None { elsewhere } | Self::NotThere { elsewhere, .. }
                if !elsewhere.is_empty() =>
            {
                Some(format!(
                    "name the folder of the pack as its path; there is a `pack.yaml` in {}",
                    list(elsewhere)
                ))
            }
            Self::Several { .. } => Some("name the folder of the pack as its path".to_owned()),
            Self::None { .. } | Self::NotThere { .. } => {
                Some("a pack is a folder with a `pack.yaml`, and there is none in it".to_owned())
            }
            Self::NotRegular { .. } => {
                Some("whoever makes the pack has to put the file itself there".to_owned())
            }
            Self::BadPath { .. } => {
                Some("write the folder as it lies in the source, as `packs/slack`".to_owned())
            }
            Self::LinkLeaves { .. } => Some(
                "whoever makes the pack has to put into its folder what the link points to"
                    .to_owned(),
            ),
        }
    }
}

fn list(roots: &[String]) -> String {
    roots
        .iter()
        .map(|root| format!("`{root}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Finds the folder of the pack; `""` is the root of the tree.
///
/// Without `wanted` it is the one that has a `pack.yaml` among: the root, `pack/`, and, when there is no
/// `pack.yaml` at the root and just one folder, that folder and the `pack/` in it. With `wanted` it is that
/// folder, counted from the root or from the single top folder (archives of a forge add one); `.` is the root, also where
/// there is a `pack/` too.
///
/// # Errors
/// [`RootError`]; all but `LinkLeaves` can occur.
pub fn find_pack_root(files: &FileList, wanted: Option<&str>) -> Result<String, RootError> {
    let top = single_folder(files);
    let wanted = wanted
        .map(|wanted| wanted.trim_end_matches('/').trim_start_matches("./"))
        .unwrap_or_default();
    let mut candidates: Vec<String> = if wanted == "." {
        // said, and not left open: the root, or what stands for it
        match top {
            Some(top) if files.get(MANIFEST).is_none() => vec![top.to_owned()],
            _ => vec![String::new()],
        }
    } else if wanted.is_empty() {
        let mut candidates = vec![String::new(), "pack".to_owned()];
        if let Some(top) = top.filter(|_| files.get(MANIFEST).is_none()) {
            candidates.extend([top.to_owned(), format!("{top}/pack")]);
        }
        candidates
    } else {
        path::check(wanted).map_err(|reason| RootError::BadPath {
            wanted: wanted.to_owned(),
            reason,
        })?;
        let mut candidates = vec![wanted.to_owned()];
        candidates.extend(top.map(|top| format!("{top}/{wanted}")));
        candidates
    };
    candidates.sort_unstable();
    candidates.dedup();
    candidates.retain(|folder| files.get(&manifest_in(folder)).is_some());

    match candidates.as_slice() {
        [root] => {
            let path = manifest_in(root);
            match files.get(&path).map(|entry| &entry.kind) {
                Some(FileKind::File { .. }) => Ok(root.clone()),
                _ => Err(RootError::NotRegular { path }),
            }
        }
        [] => {
            let elsewhere = everywhere(files);
            if wanted.is_empty() || wanted == "." {
                Err(RootError::None { elsewhere })
            } else {
                Err(RootError::NotThere {
                    wanted: wanted.to_owned(),
                    elsewhere,
                })
            }
        }
        several => Err(RootError::Several {
            roots: several
                .iter()
                .map(|root| {
                    if root.is_empty() {
                        ".".to_owned()
                    } else {
                        root.clone()
                    }
                })
                .collect(),
        }),
    }
}

fn manifest_in(folder: &str) -> String {
    if folder.is_empty() {
        MANIFEST.to_owned()
    } else {
        format!("{folder}/{MANIFEST}")
    }
}

/// The folder that macOS puts beside what it compresses: the attributes of those files, never a pack.
const MACOS_ATTRIBUTES: &str = "__MACOSX";

/// The only folder at the root, if there is just one. Files beside it do not matter, nor macOS's attributes.
fn single_folder(files: &FileList) -> Option<&str> {
    let mut folders = files
        .entries()
        .iter()
        .filter(|entry| matches!(entry.kind, FileKind::Dir) && !entry.path.contains('/'))
        .filter(|entry| entry.path.as_str() != MACOS_ATTRIBUTES);
    let first = folders.next()?;
    folders.next().is_none().then_some(first.path.as_str())
}

/// The first few folders with a `pack.yaml`, for the hint.
fn everywhere(files: &FileList) -> Vec<String> {
    const ENOUGH: usize = 8;
    files
        .entries()
        .iter()
        .filter(|entry| matches!(entry.kind, FileKind::File { .. }))
        .filter_map(|entry| entry.path.strip_suffix(MANIFEST)?.strip_suffix('/'))
        .take(ENOUGH)
        .map(str::to_owned)
        .collect()
}

impl FileList {
    /// The tree below `root` (as [`find_pack_root`] gives it), as a list of its own.
    ///
    /// # Errors
    /// [`RootError::LinkLeaves`]: a link pointed to something of the archive that is not below `root`. It was
    /// safe there, and would point to something else once `root` lies in the store.
    pub fn strip_root(&self, root: &str) -> Result<Self, RootError> {
        if root.is_empty() {
            return Ok(self.clone());
        }
        let prefix = format!("{root}/");
        let start = self.entries.partition_point(|entry| entry.path < prefix);
        let entries = self.entries[start..]
            .iter()
            .map_while(|entry| Some((entry, entry.path.strip_prefix(&prefix)?)))
            .map(|(entry, path)| {
                if let FileKind::Symlink { target } = &entry.kind
                    && leaves(path, target)
                {
                    return Err(RootError::LinkLeaves {
                        path: entry.path.clone(),
                        target: target.clone(),
                    });
                }
                Ok(FileEntry {
                    path: path.to_owned(),
                    kind: entry.kind.clone(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

/// Whether a link at `path` with this target leads out of the tree, going by the names alone.
pub(crate) fn leaves(path: &str, target: &str) -> bool {
    if target.starts_with('/') {
        return true;
    }
    let mut depth = path.split('/').count() - 1;
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}
