//! A git repository as the source of an entry, pinned to a commit where the checkout knows it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use packd_format::index::make::default_git_ref;
use packd_format::index::{Source, is_git_ref};
use packd_format::tree::{FileKind, FileList};
use packd_format::{Version, error::chain, manifest};

use super::error::DraftError;
use super::{Pack, same_pack};
use crate::checkout::{Checkout, Snapshot};
use crate::output::Output;

/// How much of a commit's number people read.
const SHORT: usize = 12;

/// The source for a repository at `url`. What was published, and not what lies in the folder, decides; where the
/// checkout does not know what was published, the entry names no commit, and a warning says so.
pub(super) fn source(
    pack: &Pack,
    url: &str,
    git_ref: Option<&str>,
    out: &mut Output,
) -> Result<Source, DraftError> {
    let version = &pack.manifest.version;
    let git_ref = git_ref.map_or_else(|| default_git_ref(version), str::to_owned);
    if !is_git_ref(&git_ref) {
        return Err(DraftError::GitRef { git_ref });
    }
    if let Some(other) = version_of(&git_ref).filter(|other| other != version) {
        out.warn(&format!(
            "`{git_ref}` looks like version {other}, but the pack.yaml is of version {version}"
        ));
    }
    let Some((checkout, commit)) = find(pack, &git_ref, out) else {
        return Ok(Source::Git {
            url: url.to_owned(),
            git_ref: Some(git_ref),
            checksum: Some(pack.files.digest()),
            commit: None,
            tree: None,
        });
    };

    let failed = |source| DraftError::Checkout {
        git_ref: git_ref.clone(),
        source,
    };
    let missing = || DraftError::NotInCommit {
        path: Path::new(checkout.folder()).join(manifest::FILE_NAME),
        git_ref: git_ref.clone(),
        commit: commit.to_string(),
    };
    let snapshot = checkout.snapshot(commit).map_err(failed)?;
    let Snapshot {
        files,
        manifest,
        submodules,
    } = snapshot.ok_or_else(missing)?;
    let manifest = manifest.ok_or_else(missing)?;
    same_pack(&pack.manifest, &manifest, &format!("`{git_ref}`"))?;

    for path in submodules {
        out.warn(&format!(
            "`{path}` is a submodule, which is not part of the pack"
        ));
    }
    if !matches!(checkout.folder(), "" | "pack") {
        out.warn(&format!(
            "those who install from the repository look for a pack at its top and in `pack`, not in `{}`; \
             publish an archive as well",
            checkout.folder()
        ));
    }
    let short = |id: &str| id[..SHORT.min(id.len())].to_owned();
    let commit = commit.to_string();
    if let Some(head) = checkout.head().map(|head| head.to_string())
        && head != commit
    {
        out.warn(&format!(
            "commit {} is checked out, but `{git_ref}` is commit {}",
            short(&head),
            short(&commit)
        ));
    }
    if let Some(differences) = differences(pack, &files) {
        out.warn(&format!(
            "the folder is not as it is at `{git_ref}`: {differences}"
        ));
    }
    let tree = files.digest();
    Ok(Source::Git {
        url: url.to_owned(),
        git_ref: Some(git_ref),
        checksum: Some(tree),
        commit: Some(commit),
        tree: Some(tree),
    })
}

/// The checkout and the commit that `git_ref` is in it; says what to do where there is none.
fn find(pack: &Pack, git_ref: &str, out: &mut Output) -> Option<(Checkout, gix::ObjectId)> {
    let place = pack.folder.display();
    match Checkout::of(&pack.folder) {
        Ok(Some(checkout)) => {
            if let Some(commit) = checkout.commit(git_ref) {
                if checkout.moves(git_ref) {
                    out.warn(&format!(
                        "`{git_ref}` moves, so that it is another commit tomorrow; publish a tag"
                    ));
                }
                return Some((checkout, commit));
            }
            out.warn(&format!(
                "`{git_ref}` is not in the git checkout of `{place}`; the source names no commit, and its \
                 checksum is that of the folder as it is"
            ));
            out.hint(&format!(
                "tag first (git tag {git_ref}), or fetch the tag (git fetch --tags), and run this again"
            ));
        }
        Ok(None) => {
            out.warn(&format!(
                "`{place}` is in no git checkout; the source names no commit, and its checksum is that of the \
                 folder as it is"
            ));
            out.hint(&format!("run this in a checkout of `{git_ref}`"));
        }
        Err(error) => {
            out.warn(&format!(
                "{}; the source names no commit, and its checksum is that of the folder as it is",
                chain(&error)
            ));
            if let Some(hint) = error.hint() {
                out.hint(hint);
            }
        }
    }
    None
}

/// The version that a tag names, if it is named as tags of versions are.
fn version_of(git_ref: &str) -> Option<Version> {
    git_ref.strip_prefix('v')?.parse().ok()
}

/// How a folder differs from a commit, in words; nothing when it does not. Files that are left out of the folder's
/// list, because an ignore file says so, count as unchanged while they are there.
fn differences(pack: &Pack, commit: &FileList) -> Option<String> {
    let is_file = |kind: &FileKind| !matches!(kind, FileKind::Dir);
    let changed = commit.entries().iter().filter(|entry| {
        is_file(&entry.kind)
            && match pack.files.get(&entry.path) {
                Some(here) => here != *entry,
                None => is_gone(&pack.folder.join(&entry.path)),
            }
    });
    let added = pack
        .files
        .entries()
        .iter()
        .filter(|entry| is_file(&entry.kind) && commit.get(&entry.path).is_none());
    let mut paths = changed.chain(added).map(|entry| entry.path.as_str());
    let mut text = format!("`{}`", paths.next()?);
    match paths.count() {
        0 => text.push_str(" differs"),
        more => write!(text, " and {more} more differ").expect("a String takes every write"),
    }
    Some(text)
}

fn is_gone(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
