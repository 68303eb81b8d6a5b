//! Archives in and out: recognising, unpacking and packing.
//!
//! Unpacking is one component for every source. Strict readers ([`tar`], [`zip`]) refuse what they do not understand,
//! because two programs that read one archive differently are how things are hidden in it; one [`Writer`] judges
//! and writes what they read. Both formats are parsed here and not by the `tar` and `zip` crates: the rules are about bytes
//! that a friendly parser smooths over, and a second parser of the same bytes is a second opinion. Inflating is
//! flate2's, and zstd's.
//!
//! On a pack's way this is the step from a stream of bytes to a folder in staging. Which digest the bytes should have
//! had, syncing and renaming are the caller's.

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use crate::tree::FileList;

mod base;
mod content;
mod error;
mod folder;
mod frames;
mod ledger;
mod limits;
mod listing;
mod members;
mod pack;
mod sniff;
mod stream;
mod survey;
mod tar;
#[cfg(test)]
mod tests;
mod writer;
mod zip;

pub use self::base::Base;
pub use self::error::ArchiveError;
pub(crate) use self::ledger::Kind;
pub use self::limits::{LimitKind, Limits};
pub use self::listing::Listing;
pub use self::pack::{
    FileId, IgnoreError, IgnoreFiles, LeftOut, PackError, PackOptions, PackSummary, Packing,
    Tracked, WorkTree, pack,
};
pub use self::sniff::Format;
pub(crate) use self::survey::{Survey, survey};
pub use self::writer::{OpenFile, Writer};

/// Hears of the progress of unpacking, and can stop it.
pub trait Observer: Send {
    /// Called at every entry, and for each further piece of a large file, before it is written.
    ///
    /// `files` and `bytes` are what was written until then. `Break` ends it with [`ArchiveError::Cancelled`].
    /// It is called often: what it does with that, how often it tells others, is its own business.
    fn entry(&mut self, path: &str, files: u64, bytes: u64) -> ControlFlow<()>;
}

/// An observer that does not care.
impl Observer for () {
    fn entry(&mut self, _path: &str, _files: u64, _bytes: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Where an archive comes from.
pub enum Source<'a> {
    /// Bytes as they come, for instance from the network: a tar archive, compressed or not. On success it was
    /// read to its end, so digests taken on the way are of all of it.
    ///
    /// The reader must not wait for ever: a cancelled unpacking ends when a read that is under way does.
    Stream(Format, &'a mut (dyn Read + Send)),
    /// A zip archive, which is read from its end, so it must lie in a file.
    Zip(&'a File),
}

impl std::fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stream(format, _) => f
                .debug_tuple("Stream")
                .field(format)
                .finish_non_exhaustive(),
            Self::Zip(file) => f.debug_tuple("Zip").field(file).finish(),
        }
    }
}

/// Unpacks an archive into `dest`, an existing, empty folder that no one else can write to.
///
/// Gives the list of what was written, hashed while writing. Nothing is written outside `dest`, and no link is made
/// before all files are written and all links are judged.
///
/// # Errors
/// [`ArchiveError`]. `dest` may then hold part of the archive, and is the caller's to remove ([`crate::tree::remove`]).
pub fn unpack(
    source: Source<'_>,
    dest: &Path,
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<FileList, ArchiveError> {
    unpack_with(source, Writer::new(dest, limits, observer)?, limits)
}

/// The same with a writer into that folder, which may share files with another tree ([`Writer::sharing`]).
///
/// # Errors
/// [`ArchiveError`], as [`unpack`].
pub fn unpack_with(
    source: Source<'_>,
    mut writer: Writer<'_>,
    limits: &Limits,
) -> Result<FileList, ArchiveError> {
    match source {
        Source::Stream(Format::Zip, _) => Err(ArchiveError::UnsupportedFormat {
            looks_like: "a zip archive, which cannot be read as a stream".into(),
        }),
        Source::Stream(format, input) => {
            stream::through(format, input, limits, |chunks| {
                tar::unpack(chunks, &mut writer)
            })?;
            writer.finish()
        }
        Source::Zip(file) => zip::unpack(file, writer),
    }
}
