//! Writing a zip archive in which everything is fixed that does not come from the content.

use std::io::{self, Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::original::Original;
use super::{PackError, Packing};
use crate::archive::ledger::Kind;
use crate::digest::Digest;

/// How hard to compress: published once, fetched often.
const LEVEL: i64 = 9;

/// Writes everything that was selected, and gives back the digests of the files, each with its place in the ledger.
pub(super) fn write(
    packing: &Packing,
    out: impl Write + Seek,
) -> Result<Vec<(usize, Digest)>, PackError> {
    let mut zip = ZipWriter::new(out);
    // the first moment that the format knows
    let fixed = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::default());
    let folder = fixed.unix_permissions(0o755);
    let top = packing.top();
    if !top.is_empty() {
        zip.add_directory(top, folder).map_err(failed)?;
    }
    let mut digests = Vec::new();
    for (at, item) in packing.ledger.items().iter().enumerate() {
        let name = format!("{top}{}", item.path);
        match &item.kind {
            Kind::Dir => zip
                .add_directory(format!("{name}/"), folder)
                .map_err(failed)?,
            Kind::Symlink { target } => zip
                .add_symlink(name, target.as_str(), fixed.unix_permissions(0o777))
                .map_err(failed)?,
            Kind::File { executable, size } => {
                let mut file = Original::open(packing.place(item), *executable, *size)?;
                let mode = if *executable { 0o755 } else { 0o644 };
                zip.start_file(name, fixed.unix_permissions(mode))
                    .map_err(failed)?;
                let copied = io::copy(&mut file, &mut zip).map(|_| ());
                digests.push((at, file.finish(copied)?));
            }
        }
    }
    zip.finish().map_err(failed)?;
    Ok(digests)
}

fn failed(error: ZipError) -> PackError {
    PackError::Write {
        source: match error {
            ZipError::Io(source) => source,
            other => io::Error::other(other),
        },
    }
}
