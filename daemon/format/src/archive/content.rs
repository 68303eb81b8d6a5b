//! The content of one file on its way to the disk: into a new file, or nowhere as long as an old one has the same.

use std::os::fd::OwnedFd;

use super::base::{Base, Old};
use super::error::ArchiveError;
use super::folder::Folder;

/// Where a file goes: the new tree, and the old one if there is one. Each thread has its own handles.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) folder: Folder,
    pub(super) base: Option<Base>,
}

impl Destination {
    /// The same, with handles of its own, for another thread.
    pub(super) fn again(&self) -> Result<Self, ArchiveError> {
        Ok(Self {
            folder: self.folder.again()?,
            base: self.base.as_ref().map(Base::again).transpose()?,
        })
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Content<'p> {
    path: &'p str,
    executable: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    New(OwnedFd),
    /// So far all bytes are those of an old file, and nothing is at the path.
    Same {
        old: Old,
        length: u64,
    },
}

impl<'p> Content<'p> {
    /// Begins a file of this size.
    pub(super) fn begin(
        dest: &mut Destination,
        path: &'p str,
        executable: bool,
        size: u64,
    ) -> Result<Self, ArchiveError> {
        let base = dest.base.as_mut();
        let state = match base.and_then(|base| base.find(path, executable, size)) {
            Some(old) => State::Same { old, length: 0 },
            None => State::New(dest.folder.create_file(path, executable)?),
        };
        Ok(Self {
            path,
            executable,
            state,
        })
    }

    /// Takes the next bytes.
    pub(super) fn write(
        &mut self,
        dest: &mut Destination,
        bytes: &[u8],
    ) -> Result<(), ArchiveError> {
        if let (State::Same { old, length }, Some(base)) = (&mut self.state, &mut dest.base) {
            if base.has(old, *length, bytes) {
                *length += bytes.len() as u64;
                return Ok(());
            }
            let file = copied(dest, self.path, self.executable, old, *length)?;
            self.state = State::New(file);
        }
        if let State::New(file) = &self.state {
            dest.folder.write(self.path, file, bytes)?;
        }
        Ok(())
    }

    /// Ends a file that has all its bytes.
    pub(super) fn finish(self, dest: &mut Destination) -> Result<(), ArchiveError> {
        if let (State::Same { old, length }, Some(base)) = (&self.state, &mut dest.base)
            && !base.share(old, &mut dest.folder, self.path, self.executable)?
        {
            copied(dest, self.path, self.executable, old, *length)?;
        }
        Ok(())
    }
}

/// A new file with the first bytes of an old one.
fn copied(
    dest: &mut Destination,
    path: &str,
    executable: bool,
    old: &Old,
    length: u64,
) -> Result<OwnedFd, ArchiveError> {
    let Destination { folder, base } = dest;
    let file = folder.create_file(path, executable)?;
    if let Some(base) = base {
        base.copy(old, length, |bytes| folder.write(path, &file, bytes))?;
    }
    Ok(file)
}
