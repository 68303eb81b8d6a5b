//! One pack of a folder of packs: what an index says of it. Blocks.

use std::io::{self, Read as _, Seek as _, Write};
use std::ops::ControlFlow;
use std::path::Path;

use packd_format::archive::{self, ArchiveError, Format, Limits, Observer, PackError, Packing};
use packd_format::components::Inventory;
use packd_format::digest::{Hasher, Reader};
use packd_format::error::without_path;
use packd_format::index::{self, EntryDraft};
use packd_format::manifest::{FILE_NAME, MAX_BYTES};
use packd_format::tree::{FileKind, FileList, RootError, find_pack_root};
use packd_format::{Algorithm, Digest, Manifest, ManifestError, Source};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::source::packing;

/// What a format is recognised by.
const HEAD: usize = 512;

/// What in a name of a file would not be part of a path in a URL.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Why something in a folder of packs is not offered.
#[derive(Debug, thiserror::Error)]
pub(super) enum ItemError {
    /// It could not be read.
    #[error("cannot read it")]
    Read(#[source] io::Error),
    /// It could not be unpacked for a look.
    #[error("cannot unpack it")]
    Archive(#[source] ArchiveError),
    /// It could not be read as a folder.
    #[error("cannot take it for a pack")]
    Folder(#[source] PackError),
    /// There is no pack in it.
    #[error("there is no pack in it")]
    Root(#[source] RootError),
    /// Its `pack.yaml` cannot be used.
    #[error("its `pack.yaml` cannot be used")]
    Manifest(#[source] Box<ManifestError>),
    /// It is larger than a pack may be.
    #[error("it has {bytes} bytes, and a pack may have {limit}")]
    TooLarge {
        /// How many.
        bytes: u64,
        /// `limits.pack_bytes`.
        limit: u64,
    },
    /// It is another one than a moment ago.
    #[error("it changed while it was read")]
    Changed,
    /// Nobody waits for it any more.
    #[error("nobody waits for it any more")]
    Stopped,
}

/// What one needs to look at packs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// What a pack may at most be.
    pub limits: &'a Limits,
    /// Where archives are unpacked for a moment.
    pub scratch: &'a Path,
    /// Ends the look.
    pub stop: &'a CancellationToken,
}

impl Observer for Look<'_> {
    fn entry(&mut self, _path: &str, _files: u64, _bytes: u64) -> ControlFlow<()> {
        if self.stop.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// The name of something in the folder as an entry names it; a folder ends in a slash.
pub(super) fn url_of(name: &str, is_folder: bool) -> String {
    let slash = if is_folder { "/" } else { "" };
    // a name with a colon would be taken for one with a scheme
    format!("./{}{slash}", utf8_percent_encode(name, NOT_IN_PATHS))
}

/// What an index says of the pack in a folder.
pub(super) fn of_folder(look: Look<'_>, path: &Path, name: &str) -> Result<EntryDraft, ItemError> {
    let packing = Packing::select(path, &packing(look.limits)).map_err(ItemError::Folder)?;
    let mut counted = Counted {
        hasher: Hasher::new(Algorithm::Sha256),
        stop: look.stop,
    };
    let packed = packing.tar(&mut counted).map_err(|error| {
        if look.stop.is_cancelled() {
            ItemError::Stopped
        } else {
            ItemError::Folder(error)
        }
    })?;
    let root = find_pack_root(&packed.files, None).map_err(ItemError::Root)?;
    let source = Source::Archive {
        url: url_of(name, true),
        checksum: Some(counted.hasher.finish()),
        size: Some(packed.bytes),
        tree: None,
    };
    draft(path, &root, &packed.files, Some(name), source)
}

/// What an index says of the pack in an archive.
pub(super) fn of_archive(look: Look<'_>, path: &Path, name: &str) -> Result<EntryDraft, ItemError> {
    let read = |error: io::Error| ItemError::Read(without_path(&error));
    let file = config::open_regular(path).map_err(read)?;
    let bytes = file.metadata().map_err(read)?.len();
    let limit = look.limits.pack_bytes;
    if bytes > limit {
        return Err(ItemError::TooLarge { bytes, limit });
    }
    let mut whole = Reader::new(&file, &[Algorithm::Sha256]);
    io::copy(&mut whole, &mut io::sink()).map_err(read)?;
    let (size, checksum) = (whole.bytes_read(), whole.finish().first().copied());
    let mut file = file.into_file();
    file.rewind().map_err(read)?;
    let mut head = Vec::with_capacity(HEAD);
    (&file)
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(read)?;
    file.rewind().map_err(read)?;
    let format = Format::sniff(&head).map_err(ItemError::Archive)?;

    let scratch = tempfile::Builder::new()
        .prefix("index-")
        .tempdir_in(look.scratch)
        .map_err(|error| ItemError::Read(without_path(&error)))?;
    let mut observer = look;
    let source = match format {
        Format::Zip => archive::Source::Zip(&file),
        format => archive::Source::Stream(format, &mut file),
    };
    let files = archive::unpack(source, scratch.path(), look.limits, &mut observer);
    let files = files.map_err(|error| match error {
        ArchiveError::Cancelled => ItemError::Stopped,
        error => ItemError::Archive(error),
    })?;
    let root = find_pack_root(&files, None).map_err(ItemError::Root)?;
    let source = Source::Archive {
        url: url_of(name, false),
        checksum,
        size: Some(size),
        tree: None,
    };
    draft(scratch.path(), &root, &files, None, source)
}

/// What an index says of a pack whose files lie here.
fn draft(
    folder: &Path,
    root: &str,
    files: &FileList,
    called: Option<&str>,
    mut source: Source,
) -> Result<EntryDraft, ItemError> {
    let files = files.strip_root(root).map_err(ItemError::Root)?;
    let folder = match root {
        "" => folder.to_owned(),
        root => folder.join(root),
    };
    let text = manifest(&folder.join(FILE_NAME), &files)?;
    let manifest = match called {
        // as packs of StackStorm do, it may leave its name to the folder
        Some(called) => Manifest::parse_in_folder(&text, called),
        None => Manifest::parse(&text),
    };
    let manifest = manifest.map_err(|source| ItemError::Manifest(Box::new(source)))?;
    if let Source::Archive { tree, .. } = &mut source {
        *tree = Some(files.digest());
    }
    let components = Inventory::read(&folder, &manifest, &files);
    Ok(index::make(&manifest, &components, vec![source]))
}

/// The `pack.yaml` that is part of these files, whatever lies in its place by now.
fn manifest(path: &Path, files: &FileList) -> Result<Vec<u8>, ItemError> {
    let read = |error: io::Error| ItemError::Read(without_path(&error));
    let listed = files.get(FILE_NAME).map(|entry| &entry.kind);
    let Some(FileKind::File { digest, size, .. }) = listed else {
        let path = FILE_NAME.to_owned();
        return Err(ItemError::Root(RootError::NotRegular { path }));
    };
    let mut text = Vec::new();
    let file = config::open_regular(path).map_err(read)?;
    // a byte more than it may have, so that one which is longer is refused as that
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(read)?;
    let is_whole = *size <= MAX_BYTES as u64;
    if is_whole && Digest::sha256_of(&text) != *digest {
        return Err(ItemError::Changed);
    }
    Ok(text)
}

/// Takes the bytes of an archive that nobody keeps.
struct Counted<'a> {
    hasher: Hasher,
    stop: &'a CancellationToken,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
