//! A pack of objects, from the stream of a server into the cache, with its index.
//!
//! To index a pack, the library makes every object of it, and keeps those in memory that others are made of. A small
//! pack can be made so that these are many and large; how large is seen here, in the pack alone, before any of it is
//! made.

use std::io::{self, BufRead, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use fs_err::File;
use gix::error::{ErrorExt as _, ResultExt as _, message};
use gix::hash::Kind;
use gix_pack::bundle::write::Options;
use gix_pack::data::input::{
    BytesToEntriesIter, EntriesToBytesIter, Entry, EntryDataMode, LookupRefDeltaObjectsIter, Mode,
};
use gix_pack::data::{self, Version};
use tempfile::NamedTempFile;

use super::chain::Chains;
use super::error::GitError;
use super::guard::Guard;

/// How many threads make objects of a pack.
const THREADS: usize = 2;
/// What may be kept in memory at the least while objects are made of others.
const LEAST: u64 = 64 << 20;

/// What a pack may take.
pub(super) struct Limits<'a> {
    pub(super) guard: &'a Guard,
    /// The repository, as people see it.
    pub(super) from: &'a str,
    /// The bytes of one object.
    pub(super) object: u64,
}

/// Writes a pack and its index into `folder`. `bases` has the objects that the server left out because they are here;
/// where nothing is, nothing is left out.
///
/// # Errors
/// Those of the library; the guard knows better if the pack takes too much.
pub(super) fn write<F: gix::objs::Find>(
    pack: &mut dyn BufRead,
    folder: &Path,
    bases: Option<F>,
    limits: &Limits<'_>,
    interrupt: &AtomicBool,
) -> gix::error::Result<()> {
    let file = temporary(folder, ".pack")?;
    let entries = BytesToEntriesIter::new_from_header(
        pack,
        Mode::Verify,
        EntryDataMode::KeepAndCrc32,
        Kind::Sha1,
    )?;
    let version = entries.version();
    match bases {
        Some(bases) => {
            let compression = Options::default().compression;
            let entries = LookupRefDeltaObjectsIter::new(entries, bases, compression);
            index(entries, version, file, folder, limits, interrupt)
        }
        None => index(entries, version, file, folder, limits, interrupt),
    }
}

fn index(
    entries: impl Iterator<Item = gix::error::Result<Entry>>,
    version: Version,
    file: NamedTempFile,
    folder: &Path,
    limits: &Limits<'_>,
    interrupt: &AtomicBool,
) -> gix::error::Result<()> {
    let written = Written::open(file.path())?;
    let mut entries = Looked {
        entries: EntriesToBytesIter::new(entries, written, version, Kind::Sha1),
        chains: Chains::default(),
        limits,
    };
    let mut index = temporary(folder, ".idx")?;
    let place = file.path().to_owned();
    let outcome = gix_pack::index::write_data_iter_to_stream(
        gix_pack::index::Version::default(),
        move || {
            let pack = data::File::at(&place, Kind::Sha1).map_err(io::Error::other)?;
            Ok((slice, pack))
        },
        &mut entries,
        Some(THREADS),
        &mut gix::progress::Discard,
        &mut index,
        interrupt,
        Kind::Sha1,
        Some(usize::try_from(limits.object).unwrap_or(usize::MAX)),
        version,
    )?;
    let name = folder.join(format!("pack-{}", outcome.data_hash));
    for (file, ending) in [(file, "pack"), (index, "idx")] {
        let kept = file.persist(name.with_extension(ending));
        kept.map_err(|error| error.error)
            .or_raise(|| message("Could not keep the pack"))?;
    }
    Ok(())
}

fn slice(range: data::EntryRange, pack: &data::File) -> Option<&[u8]> {
    pack.entry_slice(range)
}

fn temporary(folder: &Path, ending: &str) -> gix::error::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix("incoming-")
        .suffix(ending)
        .tempfile_in(folder)
        .or_raise(|| message("Could not create a file for the pack"))
}

/// The entries of a pack; after the last one it is known what it takes to make objects of them.
struct Looked<'a, I> {
    entries: I,
    chains: Chains,
    limits: &'a Limits<'a>,
}

impl<I: Iterator<Item = gix::error::Result<Entry>>> Iterator for Looked<'_, I> {
    type Item = gix::error::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut entry = match self.entries.next()? {
            Ok(entry) => entry,
            error => return Some(error),
        };
        self.chains.push(&entry);
        entry.compressed = None;
        let limit = LEAST.max(self.limits.object / 2 * 3);
        if entry.trailer.is_some() && self.chains.needed() > limit {
            let error = self.limits.guard.fail(GitError::Chains {
                from: self.limits.from.to_owned(),
                needed: self.chains.needed(),
                limit,
            });
            return Some(Err(error.and_raise(message("The pack was given up"))));
        }
        Some(Ok(entry))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

/// A file that is written in large pieces, and read again.
struct Written(BufWriter<File>);

impl Written {
    fn open(path: &Path) -> gix::error::Result<Self> {
        let file = fs_err::OpenOptions::new().read(true).write(true).open(path);
        let file = file.or_raise(|| message("Could not open the file of the pack"))?;
        Ok(Self(BufWriter::with_capacity(128 << 10, file)))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Read for Written {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.flush()?;
        self.0.get_mut().read(buffer)
    }
}

impl Seek for Written {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[cfg(test)]
mod tests;
