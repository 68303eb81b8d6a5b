//! The folder of a pack, on this host, to a folder of files: by way of an archive that is nowhere but between two threads.
//!
//! So it is judged, digested and written as every archive is. The same files give the same bytes, and a digest that was made
//! of them before says whether they are still the same.

use std::io;
use std::path::{Path, PathBuf};

use packd_format::Digest;
use packd_format::archive::{Limits, PackError, PackOptions, Packing};
use packd_format::error::causes;
use tokio_util::sync::CancellationToken;

use super::Fetch;
use super::archive::{Unpacked, Way, watch};
use super::error::SourceError;
use super::unpacking::Unpacking;

/// How the folder of a pack is packed: as `packctl` packs it for its way to the daemon.
#[must_use]
pub(crate) fn packing(limits: &Limits) -> PackOptions {
    PackOptions {
        limits: limits.clone(),
        ..PackOptions::default()
    }
}

/// Brings the folder of a pack. As [`super::archive::fetch`].
pub(super) async fn run(
    context: &Fetch<'_>,
    (path, shown): (PathBuf, String),
    expected: &[Digest],
    folder: &Path,
    stop: CancellationToken,
) -> Result<Unpacked, SourceError> {
    let (unpacking, position) = Unpacking::new(context, shown.clone(), folder, expected, stop);
    let (reader, writer) = io::pipe().map_err(|source| SourceError::Read {
        from: shown.clone(),
        source,
    })?;
    let options = packing(context.limits);
    let packing = tokio::task::spawn_blocking(move || {
        Packing::select(&path, &options)?.tar(writer).map(drop)
    });
    let unpacking = tokio::task::spawn_blocking(move || unpacking.run(reader, Way::Straight));
    let unpacked = watch(unpacking, position, context.progress).await;
    // nobody reads any more, so that it ends
    let packed = packing.await;
    let packed = packed.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
    match (unpacked, packed) {
        // what it was cut off by is why it ended
        (Err(error), Err(packing)) if error.is_cancelled() || is_cut_off(&packing) => Err(error),
        (_, Err(source)) => Err(SourceError::Packing {
            from: shown,
            source,
        }),
        (unpacked, Ok(())) => unpacked,
    }
}

/// Whether nobody wanted the rest.
fn is_cut_off(error: &PackError) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
