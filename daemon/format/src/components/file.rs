//! Reads one small file of a folder that others may have written.

use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

/// The content of `path` below `folder`, through no link, if it is a regular file; one byte more than `limit`
/// at most, so that the reader sees that it is too large.
pub(super) fn read(folder: &Path, path: &str, limit: usize) -> io::Result<Vec<u8>> {
    let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(rustix::fs::CWD, folder, handle, Mode::empty())?;
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    for component in folders.split('/').filter(|component| !component.is_empty()) {
        at = rustix::fs::openat(&at, component, handle | OFlags::NOFOLLOW, Mode::empty())?;
    }
    // NONBLOCK: should the file have become a pipe meanwhile, opening must not wait for a writer
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&at, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(io::Error::other(format!(
            "it is a {}",
            crate::tree::name_of(kind)
        )));
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file)
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
