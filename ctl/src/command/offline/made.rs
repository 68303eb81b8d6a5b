//! What a run has made so far, to be taken back should it fail.

use std::io;
use std::path::{Path, PathBuf};

use crate::file::FileError;

/// Files and folders that were made, in this order; removed when dropped, unless kept.
#[derive(Debug, Default)]
pub(super) struct Made(Vec<PathBuf>);

impl Made {
    /// Makes a folder, and those it lies in, unless they are there.
    ///
    /// # Errors
    /// [`FileError::Io`]; what was made is removed.
    pub(super) fn folders(path: Option<&Path>) -> Result<Self, FileError> {
        let mut made = Self::default();
        if let Some(path) = path {
            made.folder(path)?;
        }
        Ok(made)
    }

    /// Makes one more folder, and those it lies in, unless they are there.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), FileError> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| *folder != Path::new("") && !folder.exists())
            .collect();
        for folder in missing.into_iter().rev() {
            match fs_err::create_dir(folder) {
                Ok(()) => self.0.push(folder.to_owned()),
                // another run was faster
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(FileError::io("create the folder", folder)(error)),
            }
        }
        Ok(())
    }

    /// Notes a file that was made.
    pub(super) fn file(&mut self, path: PathBuf) {
        self.0.push(path);
    }

    /// It all stays.
    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.0.drain(..).rev() {
            // a folder that something else was put into meanwhile is not empty, and stays
            drop(fs_err::remove_file(&path).or_else(|_| fs_err::remove_dir(&path)));
        }
    }
}
