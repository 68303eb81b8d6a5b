//! The folders of a suite: a home and a place for temporary files, gone when the suite has ended.

use std::io;
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
use packd_format::tree;

/// Two folders in one; removed when dropped, whatever was done to them.
#[derive(Debug)]
pub(crate) struct Scratch {
    root: PathBuf,
}

impl Scratch {
    /// Makes the folders, for another user and group if the suite is run as them.
    pub(crate) fn new(parent: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let root = tempfile::Builder::new()
            .prefix("pack-test-")
            .tempdir_in(parent)
            // the name that was tried tells nobody anything
            .map_err(|error| {
                let why = without_path(&error);
                io::Error::new(why.kind(), format!("{why} in `{}`", parent.display()))
            })?;
        let scratch = Self { root: root.keep() };
        fs_err::create_dir(scratch.home())?;
        fs_err::create_dir(scratch.temporary())?;
        if let Some((user, group)) = owner {
            for folder in [&scratch.root, &scratch.home(), &scratch.temporary()] {
                fs_err::os::unix::fs::chown(folder, Some(user), Some(group))?;
            }
        }
        Ok(scratch)
    }

    /// For `HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// For `TMPDIR`. The path is unique to this suite, and so tells its processes from others.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// A file that no test finds by accident.
    pub(crate) fn results(&self) -> PathBuf {
        self.root.join("results.xml")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // what cannot be removed lies in the system's folder for temporary files, which is emptied some day
        drop(tree::remove(&self.root));
    }
}
