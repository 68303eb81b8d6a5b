//! A tree: the files of a pack as a list, its text, its digest, and the folder it lies in.
//!
//! The list is made while an archive is unpacked ([`crate::archive`]) or from a folder ([`scan()`]); the
//! text is the `.manifest` beside a tree in the store; its digest is the tree digest.
//!
//! # The list
//!
//! Every file, symlink and directory below the root is one entry, directories too when they are empty;
//! the root itself is none, and nothing named `.git` is part of a tree. Owners, times and modes are not
//! part of it, except for one bit: whether a file is executable.
//!
//! One line per entry, sorted by the bytes of the path, each ended by a newline, fields parted by one space:
//!
//! ```text
//! <kind> <executable> <content> <length> <path>
//! file   x or -       digest    bytes    framed
//! link   -            framed target  bytes of the target  framed
//! dir    -            -         0        framed
//! ```
//!
//! A framed text is its length in bytes, a colon, and its bytes (`9:run me.sh`), so no name, however odd,
//! can be read as another field and no two trees share a list. Numbers are decimal without leading zeros,
//! digests `sha256:` and small letters: each list has exactly one spelling.

use crate::digest::Digest;

mod attune;
mod compare;
pub mod path;
mod remove;
mod root;
mod scan;
mod sync;
#[cfg(test)]
mod tests;
mod text;

pub use self::attune::{AttuneChecksum, attune_checksum};
pub use self::compare::{Change, Comparison, Difference, compare};
pub use self::path::BadPath;
pub use self::remove::remove;
pub use self::root::{RootError, find_pack_root};
pub(crate) use self::scan::name_of;
pub use self::scan::{TreeError, scan};
pub use self::sync::sync;
pub use self::text::ListError;

/// The files of a tree, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileList {
    entries: Vec<FileEntry>,
}

/// One file, symlink or directory of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Relative to the root, parted by `/`, as [`path::check`] allows.
    pub path: String,
    /// What lies there.
    pub kind: FileKind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File {
        /// Whether it may be executed (mode 0755, else 0644).
        executable: bool,
        /// Its length in bytes.
        size: u64,
        /// SHA-256 of its content.
        digest: Digest,
    },
    /// A symbolic link.
    Symlink {
        /// The target as it is written in the link.
        target: String,
    },
    /// A directory.
    Dir,
}

impl FileList {
    /// A list of these entries; it sorts them. The caller vouches for the paths, and that each comes once.
    pub(crate) fn new(mut entries: Vec<FileEntry>) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        debug_assert!(
            entries.windows(2).all(|pair| pair[0].path != pair[1].path),
            "each path comes once"
        );
        Self { entries }
    }

    /// The entries, sorted by the bytes of their paths.
    #[must_use]
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// The entry at this path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&FileEntry> {
        self.entries
            .binary_search_by(|entry| entry.path.as_str().cmp(path))
            .ok()
            .map(|at| &self.entries[at])
    }

    /// How many regular files there are.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.kind, FileKind::File { .. }))
            .count() as u64
    }

    /// The bytes of all regular files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries
            .iter()
            .map(|entry| match entry.kind {
                FileKind::File { size, .. } => size,
                FileKind::Symlink { .. } | FileKind::Dir => 0,
            })
            .fold(0, u64::saturating_add)
    }

    /// The tree digest: SHA-256 over the text of the list, so `sha256sum` of a `.manifest` prints it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256_of(&self.to_bytes())
    }
}
