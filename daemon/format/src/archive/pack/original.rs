//! A file that is packed: hashed while it is read, and watched for changes.

use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;

use super::{PackError, unreadable};
use crate::digest::{self, Algorithm, Digest};

/// An open file of the folder that is packed.
pub(super) struct Original {
    path: PathBuf,
    reader: digest::Reader<io::Take<fs_err::File>>,
    before: Metadata,
    size: u64,
    failed: Option<io::Error>,
}

impl Original {
    pub(super) fn open(path: PathBuf, executable: bool, size: u64) -> Result<Self, PackError> {
        let failed = |error| unreadable(&path, &error);
        let file = open(&path).map_err(failed)?;
        let before = file.metadata().map_err(failed)?;
        if !before.is_file() || before.len() != size || is_executable(&before) != executable {
            return Err(PackError::Changed { path });
        }
        let reader = digest::Reader::new(file.take(size), &[Algorithm::Sha256]);
        Ok(Self {
            path,
            reader,
            before,
            size,
            failed: None,
        })
    }

    /// Judges what became of it: whose error it was, and whether the file stayed as it was.
    pub(super) fn finish(self, appended: io::Result<()>) -> Result<Digest, PackError> {
        if let Some(error) = self.failed {
            return Err(unreadable(&self.path, &error));
        }
        appended.map_err(|source| PackError::Write { source })?;
        let after = self
            .reader
            .get_ref()
            .get_ref()
            .metadata()
            .map_err(|error| unreadable(&self.path, &error))?;
        let state = |metadata: &Metadata| {
            (
                metadata.len(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.ctime(),
                metadata.ctime_nsec(),
            )
        };
        if self.reader.bytes_read() != self.size || state(&self.before) != state(&after) {
            return Err(PackError::Changed { path: self.path });
        }
        Ok(self.reader.finish().remove(0))
    }

    /// Reads it to its end, only to know its digest.
    pub(super) fn digest(mut self, buffer: &mut [u8]) -> Result<Digest, PackError> {
        loop {
            match self.read(buffer) {
                Ok(0) => return self.finish(Ok(())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // kept, and told by what comes next
                Err(error) => return self.finish(Err(error)),
            }
        }
    }
}

impl Read for Original {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(into) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // the writer's errors come the same way, so this one is kept apart
                self.failed = Some(error);
                Err(io::Error::other("the file cannot be read"))
            }
            other => other,
        }
    }
}

/// Opens what was seen to be a regular file. A link that took its place is not followed, a pipe not waited for.
pub(super) fn open(path: &Path) -> io::Result<fs_err::File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).expect("open flags are ints");
    fs_err::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
}

pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}
