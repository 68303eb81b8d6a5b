//! The one writer: whatever a source is, its files reach the disk through here.
//!
//! Judges each entry ([`Ledger`]), writes it relative to handles ([`Folder`]), hashes it while writing, and ends with
//! the list of what it wrote. Regular files with mode 0644 or 0755, folders with 0755, and links, which are made
//! last. No owners, times, attributes or other bits.

use std::ops::ControlFlow;
use std::path::Path;

use super::Observer;
use super::base::Base;
use super::content::{Content, Destination};
use super::error::ArchiveError;
use super::folder::Folder;
use super::ledger::{Kind, Ledger};
use super::limits::Limits;
use crate::digest::{Algorithm, Hasher};
use crate::tree::FileList;

/// Writes entries into an existing, empty folder. Dropping it leaves what was written so far; the folder is the
/// caller's to remove.
pub struct Writer<'a> {
    pub(super) dest: Destination,
    pub(super) ledger: Ledger,
    pub(super) progress: Progress<'a>,
}

/// What was written so far, and who wants to know.
pub(super) struct Progress<'a> {
    observer: &'a mut dyn Observer,
    files: u64,
    bytes: u64,
}

impl Progress<'_> {
    /// Tells of the entry that is being written, and finds out whether to go on.
    pub(super) fn at(&mut self, path: &str) -> Result<(), ArchiveError> {
        match self.observer.entry(path, self.files, self.bytes) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ArchiveError::Cancelled),
        }
    }

    pub(super) fn wrote(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn file_done(&mut self) {
        self.files += 1;
    }
}

impl std::fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("dest", &self.dest)
            .finish_non_exhaustive()
    }
}

impl<'a> Writer<'a> {
    /// A writer into `dest`, which exists and is empty.
    ///
    /// # Errors
    /// [`ArchiveError::Write`] if `dest` is no folder that can be opened.
    pub fn new(
        dest: &Path,
        limits: &Limits,
        observer: &'a mut dyn Observer,
    ) -> Result<Self, ArchiveError> {
        Ok(Self {
            dest: Destination {
                folder: Folder::open(dest)?,
                base: None,
            },
            ledger: Ledger::new(limits),
            progress: Progress {
                observer,
                files: 0,
                bytes: 0,
            },
        })
    }

    /// Lets files that are as they were in an earlier tree share its inodes, or its blocks where the file system can
    /// do that, instead of being written.
    #[must_use]
    pub fn sharing(mut self, base: Option<Base>) -> Self {
        self.dest.base = base;
        self
    }

    /// Writes a folder, and those its path implies.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`], `Limit`, `Write`, `Cancelled`.
    pub fn folder(&mut self, path: &str) -> Result<(), ArchiveError> {
        self.progress.at(path)?;
        self.admit(path, Kind::Dir)?;
        Ok(())
    }

    /// The same for a format in which a folder may come more than once, as in tar archives that were added to.
    pub(super) fn folder_again(&mut self, path: &str) -> Result<(), ArchiveError> {
        if self.ledger.has_folder(path) {
            return self.progress.at(path);
        }
        self.folder(path)
    }

    /// Begins a file of just this size. Give its bytes to the [`OpenFile`], then call its `finish`.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`], `Limit`, `Write`, `Cancelled`.
    pub fn file<'w>(
        &'w mut self,
        path: &'w str,
        executable: bool,
        size: u64,
    ) -> Result<OpenFile<'w, 'a>, ArchiveError> {
        self.progress.at(path)?;
        let at = self.admit(path, Kind::File { executable, size })?;
        let content = Content::begin(&mut self.dest, path, executable, size)?;
        Ok(OpenFile {
            path,
            at,
            content,
            left: size,
            hasher: Hasher::new(Algorithm::Sha256),
            told: false,
            writer: self,
        })
    }

    /// Notes a link; it is made, and its target judged, by [`Writer::finish`].
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`], `Limit`, `Write`, `Cancelled`.
    pub fn link(&mut self, path: &str, target: &str) -> Result<(), ArchiveError> {
        self.progress.at(path)?;
        self.admit(
            path,
            Kind::Symlink {
                target: target.to_owned(),
            },
        )?;
        Ok(())
    }

    /// Judges and makes the links, and gives the list of everything that was written.
    ///
    /// # Errors
    /// [`ArchiveError::Unsafe`] naming a link that leads out, through another link, or to nothing;
    /// [`ArchiveError::Damaged`] if there was no entry at all; `Write`.
    pub fn finish(mut self) -> Result<FileList, ArchiveError> {
        self.ledger.check_links()?;
        for (path, target) in self.ledger.links() {
            self.dest.folder.create_link(path, target)?;
        }
        self.ledger.into_list()
    }

    /// Enters it in the ledger and makes the folders that are new. Gives its place in the ledger.
    fn admit(&mut self, path: &str, kind: Kind) -> Result<usize, ArchiveError> {
        let first_new = self.ledger.admit(path, kind)?;
        let items = self.ledger.items();
        for item in &items[first_new..] {
            if item.kind == Kind::Dir {
                self.dest.folder.create_folder(&item.path)?;
            }
        }
        Ok(items.len() - 1)
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct OpenFile<'w, 'a> {
    writer: &'w mut Writer<'a>,
    path: &'w str,
    at: usize,
    content: Content<'w>,
    left: u64,
    hasher: Hasher,
    /// Whether the observer heard of this file; later pieces are told each.
    told: bool,
}

impl OpenFile<'_, '_> {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] if these are more than the size that was given, `Write`, `Cancelled`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            ArchiveError::damaged_at(self.path, "it is longer than its size says")
        })?;
        if std::mem::replace(&mut self.told, true) {
            self.writer.progress.at(self.path)?;
        }
        self.hasher.update(bytes);
        self.content.write(&mut self.writer.dest, bytes)?;
        self.writer.progress.wrote(bytes.len());
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`ArchiveError::Damaged`] if bytes are missing, `Write`.
    pub fn finish(self) -> Result<(), ArchiveError> {
        if self.left > 0 {
            return Err(ArchiveError::damaged_at(
                self.path,
                "it is shorter than its size says",
            ));
        }
        self.content.finish(&mut self.writer.dest)?;
        self.writer.ledger.written(self.at, self.hasher.finish());
        self.writer.progress.file_done();
        Ok(())
    }
}
