//! The list of a tree that is in no archive and in no folder: what unpacking it would give.
//!
//! For trees that are read from elsewhere, as from a git commit. Each entry is judged as an archive's is, and
//! nothing is written.

use super::error::ArchiveError;
use super::ledger::{Kind, Ledger};
use super::limits::Limits;
use crate::digest::Digest;
use crate::tree::FileList;

/// Collects the entries of a tree.
#[derive(Debug)]
pub struct Listing {
    ledger: Ledger,
}

impl Listing {
    /// A list without entries.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            ledger: Ledger::new(limits),
        }
    }

    /// Adds a folder. Folders that a path implies need not be added.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`], `Limit`.
    pub fn folder(&mut self, path: &str) -> Result<(), ArchiveError> {
        self.ledger.admit(path, Kind::Dir).map(drop)
    }

    /// Adds a file. `digest` gives that of its content, and is asked only when the file may be there at all.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`] or `Limit`, or what `digest` says.
    pub fn file<E: From<ArchiveError>>(
        &mut self,
        path: &str,
        executable: bool,
        size: u64,
        digest: impl FnOnce() -> Result<Digest, E>,
    ) -> Result<(), E> {
        self.ledger.admit(path, Kind::File { executable, size })?;
        let at = self.ledger.items().len() - 1;
        self.ledger.written(at, digest()?);
        Ok(())
    }

    /// Adds a link.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`], `Limit`.
    pub fn link(&mut self, path: &str, target: &str) -> Result<(), ArchiveError> {
        let target = target.to_owned();
        self.ledger.admit(path, Kind::Symlink { target }).map(drop)
    }

    /// Judges where the links lead, and gives the list.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`] naming a link that leads out, through another link, or to nothing;
    /// [`ArchiveError::Damaged`] if there is no entry at all.
    pub fn finish(self) -> Result<FileList, ArchiveError> {
        self.ledger.check_links()?;
        self.ledger.into_list()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn add(listing: &mut Listing, path: &str) -> Result<(), ArchiveError> {
        let digest = || Ok(Digest::sha256_of(b"x"));
        listing.file(path, false, 1, digest)
    }

    #[test]
    fn the_list_is_that_of_the_same_tree_in_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("a")).unwrap();
        fs_err::write(dir.path().join("a/x"), "x").unwrap();
        fs_err::write(dir.path().join("b"), "x").unwrap();
        fs_err::os::unix::fs::symlink("a/x", dir.path().join("l")).unwrap();
        let mut listing = Listing::new(&Limits::default());
        listing.link("l", "a/x").unwrap();
        add(&mut listing, "b").unwrap();
        add(&mut listing, "a/x").unwrap();
        let list = listing.finish().unwrap();
        assert_eq!(list, crate::tree::scan(dir.path()).unwrap());
    }

    #[test]
    fn what_no_archive_may_have_is_refused() {
        for path in ["../a", "/a", "a/.git/config", "A/b", "a\u{202e}b", "b/c"] {
            let mut listing = Listing::new(&Limits::default());
            add(&mut listing, "a/b").unwrap();
            add(&mut listing, "b").unwrap();
            let error = add(&mut listing, path).unwrap_err();
            assert!(
                matches!(error, ArchiveError::Unsafe { .. }),
                "{path:?} gave {error:?}"
            );
        }
        let mut listing = Listing::new(&Limits::default());
        listing.link("l", "../out").unwrap();
        assert!(listing.finish().is_err(), "a link that leads out");
    }

    #[test]
    fn content_beyond_a_limit_is_not_even_read() {
        let limits = Limits {
            file_bytes: 9,
            ..Limits::default()
        };
        let read = || -> Result<Digest, ArchiveError> { panic!("it was read") };
        let error = Listing::new(&limits).file("a", false, 10, read);
        assert!(matches!(error, Err(ArchiveError::Limit { .. })));
    }
}
