//! Results in a file, or in the files of a folder: those that this run wrote.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{MAX_DOCUMENT, ResultError};

/// The most files of a folder that are looked at.
const MAX_FILES: usize = 10_000;

/// Where a suite writes its results, and what was there before it did.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// It must not be elsewhere, by links.
    within: PathBuf,
    extension: &'static str,
    before: HashMap<PathBuf, Mark>,
}

/// What changes with each writing of a file.
type Mark = (u64, u64, i64, i64, u64);

impl Place {
    /// Looks at what is there before the suite is started. In a folder, only files with this ending count.
    pub(crate) fn new(path: PathBuf, within: &Path, extension: &'static str) -> Self {
        let mut place = Self {
            path,
            within: within.to_owned(),
            extension,
            before: HashMap::new(),
        };
        place.before = place
            .files()
            .into_iter()
            .filter_map(|file| mark(&file).map(|mark| (file, mark)))
            .collect();
        place
    }

    /// The documents that were written since.
    pub(super) fn read(&self) -> Result<Vec<Vec<u8>>, ResultError> {
        let mut documents = Vec::new();
        let mut room = MAX_DOCUMENT;
        for file in self.files() {
            let now = mark(&file);
            if now.is_none() || now == self.before.get(&file).copied() {
                continue;
            }
            let bytes = self.bytes(&file, room)?;
            room -= bytes.len();
            documents.push(bytes);
        }
        if documents.is_empty() {
            return Err(ResultError::NotWritten {
                path: self.path.clone(),
            });
        }
        Ok(documents)
    }

    /// The file, or those of the folder that have the ending of the format, in the order of their names.
    fn files(&self) -> Vec<PathBuf> {
        if !self.path.is_dir() {
            return vec![self.path.clone()];
        }
        let Ok(entries) = fs_err::read_dir(&self.path) else {
            return Vec::new();
        };
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end == self.extension))
            .take(MAX_FILES)
            .collect();
        files.sort_unstable();
        files
    }

    fn bytes(&self, path: &Path, room: usize) -> Result<Vec<u8>, ResultError> {
        let fail = |source| ResultError::Read {
            path: path.to_owned(),
            source,
        };
        let real = fs_err::canonicalize(path).map_err(fail)?;
        // a pipe would be waited for, and what is elsewhere was not written for this
        if !real.starts_with(&self.within) || !real.is_file() {
            return Err(ResultError::NotAFile {
                path: path.to_owned(),
            });
        }
        let file = fs_err::File::open(&real).map_err(fail)?;
        let mut bytes = Vec::new();
        file.take(room as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        if bytes.len() > room {
            return Err(ResultError::TooLong {
                limit: MAX_DOCUMENT,
            });
        }
        Ok(bytes)
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let meta = fs_err::metadata(path).ok()?;
    Some((
        meta.dev(),
        meta.ino(),
        meta.ctime(),
        meta.ctime_nsec(),
        meta.size(),
    ))
}
