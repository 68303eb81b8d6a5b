//! Writing a zip archive in which everything is fixed that does not come from the content.

use std::io::{self, Seek, SeekFrom, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::original::Original;
use super::{PackError, Packing};
use crate::archive::ledger::Kind;
use crate::digest::Digest;
use crate::error::without_path;

/// How hard to compress: published once, fetched often.
const LEVEL: i64 = 9;

/// Writes everything that was selected, and gives back the digests of the files, each with its place in the ledger.
pub(super) fn write(
    packing: &Packing,
    out: impl Write + Seek,
) -> Result<Vec<(usize, Digest)>, PackError> {
    let mut zip = ZipWriter::new(UntilFailed::new(out));
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
    let out = zip.finish().map_err(failed)?;
    match out.failed {
        Some(source) => Err(PackError::Write { source }),
        None => Ok(digests),
    }
}

/// A writer that takes whatever comes once it has failed: the library finishes an archive that is given up, and
/// prints by itself what comes of that. It still tells positions, which the library relies on.
struct UntilFailed<W> {
    inner: W,
    /// The first failure.
    failed: Option<io::Error>,
    at: u64,
    end: u64,
}

impl<W: Write + Seek> UntilFailed<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            failed: None,
            at: 0,
            end: 0,
        }
    }

    /// Does it, unless something has failed already; then it gives `given_up`.
    fn attempt<T>(
        &mut self,
        given_up: T,
        act: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failed.is_some() {
            return Ok(given_up);
        }
        act(&mut self.inner).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(without_path(error));
            }
        })
    }

    fn move_to(&mut self, at: u64) {
        self.at = at;
        self.end = self.end.max(at);
    }
}

impl<W: Write + Seek> Write for UntilFailed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.attempt(bytes.len(), |inner| inner.write(bytes))?;
        self.move_to(self.at + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), Write::flush)
    }
}

impl<W: Write + Seek> Seek for UntilFailed<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let given_up = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.end.saturating_add_signed(by),
        };
        let at = self.attempt(given_up, |inner| inner.seek(to))?;
        self.move_to(at);
        Ok(at)
    }
}

fn failed(error: ZipError) -> PackError {
    PackError::Write {
        source: match error {
            ZipError::Io(source) => source,
            other => io::Error::other(other),
        },
    }
}
