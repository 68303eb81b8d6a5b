//! An archive as the source of an entry: its own digest and size, and the pack that is really in it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use packd_format::archive::{self, ArchiveError, Format, Limits, Observer};
use packd_format::digest::Reader;
use packd_format::error::without_path;
use packd_format::index::Source;
use packd_format::tree::find_pack_root;
use packd_format::{Algorithm, Digest, Manifest, manifest};
use rustix::fs::OFlags;

use super::error::DraftError;
use super::{Pack, SourceArgs, same_pack, small_file};
use crate::command::interrupt::Interrupt;
use crate::fetch;
use crate::output::{Failure, Output};

/// How much of a file tells what it is.
const HEAD_BYTES: u64 = 512;

/// An archive that can be read here.
struct Artifact {
    file: File,
    /// What it is called in messages.
    place: String,
    digest: Digest,
    bytes: u64,
}

/// The source for an archive at `url`. Its bytes come from the file that is named, else from the URL, unless
/// their digest is given.
pub(super) async fn source(
    pack: &Pack,
    url: &str,
    args: &SourceArgs,
    out: &mut Output,
) -> Result<Source, Failure> {
    let stated = args.archive_checksum;
    let algorithm = stated.map_or(Algorithm::Sha256, |digest| digest.algorithm());
    let artifact = match (&args.archive, stated) {
        (Some(path), _) => read(path, algorithm)?,
        (None, Some(checksum)) => {
            return Ok(Source::Archive {
                url: url.to_owned(),
                checksum: Some(checksum),
                size: args.archive_size,
                tree: None,
            });
        }
        (None, None) => download(url, algorithm, pack, out).await?,
    };
    if let Some(stated) = stated.filter(|stated| *stated != artifact.digest) {
        return Err(DraftError::digest_differs(&artifact.place, artifact.digest, stated).into());
    }
    if let Some(stated) = args.archive_size.filter(|size| *size != artifact.bytes) {
        return Err(DraftError::Differs {
            what: "the length",
            place: artifact.place,
            actual: artifact.bytes.to_string(),
            stated: stated.to_string(),
        }
        .into());
    }
    let (checksum, size) = (artifact.digest, artifact.bytes);
    Ok(Source::Archive {
        url: url.to_owned(),
        checksum: Some(checksum),
        size: Some(size),
        tree: Some(look_inside(artifact, pack.manifest.clone()).await?),
    })
}

/// Opens a file that is really one; a pipe is not waited for. A link is followed unless the flags forbid it.
pub(super) fn open_regular(path: &Path, flags: OFlags) -> io::Result<File> {
    let flags = (flags | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).expect("open flags are ints");
    let file = fs_err::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file.into_parts().0)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

fn read(path: &Path, algorithm: Algorithm) -> Result<Artifact, DraftError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => DraftError::NoArchive {
            path: path.to_owned(),
        },
        _ => DraftError::Read {
            path: path.to_owned(),
            source: without_path(&error),
        },
    };
    let mut file = open_regular(path, OFlags::empty()).map_err(failed)?;
    let mut reader = Reader::new(&mut file, &[algorithm]);
    let bytes = io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    let digest = reader.finish().remove(0);
    Ok(Artifact {
        file,
        place: format!("`{}`", path.display()),
        digest,
        bytes,
    })
}

/// Downloads into a file without a name, which is gone when the program is.
async fn download(
    url: &str,
    algorithm: Algorithm,
    pack: &Pack,
    out: &mut Output,
) -> Result<Artifact, Failure> {
    if let Err(fetch::FetchError::NoUrl { text: url }) = fetch::parse(url) {
        return Err(DraftError::NoDigest { url }.into());
    }
    let mut file = tempfile::tempfile().map_err(DraftError::Scratch)?;
    let mut progress = out.progress();
    let label = pack.manifest.pack_ref.as_str();
    let mut watch = |done, total| progress.transfer(label, done, total);
    let algorithms = [algorithm];
    let fetched = fetch::digest_watched(
        url,
        &algorithms,
        fetch::MAX_BYTES,
        Some(&mut file),
        &mut watch,
    )
    .await;
    progress.clear();
    let mut fetched = fetched?;
    Ok(Artifact {
        file,
        place: format!("`{}`", fetch::shown(&fetched.final_url)),
        digest: fetched.digests.remove(0),
        bytes: fetched.bytes,
    })
}

/// Unpacks the archive into a folder that is removed again, and makes sure that the pack in it is this one.
/// Gives the digest of its tree.
async fn look_inside(artifact: Artifact, pack: Manifest) -> Result<Digest, Failure> {
    let mut interrupt = Interrupt::new()?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let observer = Cancel(Arc::clone(&cancelled));
    let mut work = tokio::task::spawn_blocking(move || unpack(artifact, &pack, observer));
    let done = tokio::select! {
        done = &mut work => done,
        () = interrupt.comes() => {
            cancelled.store(true, Ordering::Relaxed);
            // it removes what it has unpacked
            work.await
        }
    };
    match done {
        Ok(result) => Ok(result?),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// Stops unpacking when somebody says so.
struct Cancel(Arc<AtomicBool>);

impl Observer for Cancel {
    fn entry(&mut self, _path: &str, _files: u64, _bytes: u64) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn unpack(artifact: Artifact, pack: &Manifest, mut observer: Cancel) -> Result<Digest, DraftError> {
    let Artifact {
        mut file, place, ..
    } = artifact;
    let refused = |source| match source {
        ArchiveError::Cancelled => DraftError::Interrupted,
        source => DraftError::Archive {
            place: place.clone(),
            source,
        },
    };
    let format = sniff(&mut file).map_err(refused)?;
    let scratch = tempfile::Builder::new()
        .prefix("packctl-")
        .tempdir()
        .map_err(DraftError::Scratch)?;
    let limits = Limits::default();
    let unpacked = match format {
        Format::Zip => {
            let source = archive::Source::Zip(&file);
            archive::unpack(source, scratch.path(), &limits, &mut observer)
        }
        format => {
            let source = archive::Source::Stream(format, &mut file);
            archive::unpack(source, scratch.path(), &limits, &mut observer)
        }
    };
    let files = unpacked.map_err(refused)?;
    let no_pack = |source| DraftError::Root {
        place: place.clone(),
        source,
    };
    let root = find_pack_root(&files, None).map_err(no_pack)?;
    let tree = files.strip_root(&root).map_err(no_pack)?.digest();
    let path = scratch.path().join(root).join(manifest::FILE_NAME);
    let bytes = small_file(&path, manifest::MAX_BYTES).map_err(DraftError::Scratch)?;
    same_pack(pack, &bytes, &place)?;
    Ok(tree)
}

/// What kind of archive it is; afterwards the file is at its beginning.
fn sniff(file: &mut File) -> Result<Format, ArchiveError> {
    let failed = |source| ArchiveError::Read { source };
    let mut head = Vec::new();
    file.rewind().map_err(failed)?;
    file.by_ref()
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(failed)?;
    file.rewind().map_err(failed)?;
    Format::sniff(&head)
}
