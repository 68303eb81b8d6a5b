//! Good and hostile archives, built byte by byte: most of them cannot be made with a library.
//!
//! The ids in the tables are those of the cases in the project's threat catalogue, so that a table can be read beside it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{Read, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::tree::{FileKind, scan};

mod building;
mod observer;
mod packing;
mod sharing;
mod sniffing;
mod tar_bytes;
mod tar_good;
mod tar_headers;
mod tar_names;
mod tar_streams;
mod tar_zstd;
mod zip_bytes;
mod zip_good;
mod zip_headers;
mod zip_names;
mod zip_structure;

/// A folder to unpack into, inside one that must stay as it is.
struct Stage {
    outer: TempDir,
}

impl Stage {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        fs_err::create_dir(outer.path().join("dest")).unwrap();
        fs_err::write(outer.path().join("outside"), "untouched").unwrap();
        Self { outer }
    }

    fn dest(&self) -> std::path::PathBuf {
        self.outer.path().join("dest")
    }

    /// Nothing but `dest` changed, and in it are only plain files and folders of known modes.
    fn check_refused(&self, case: &str) {
        let mut names: Vec<_> = fs_err::read_dir(self.outer.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["dest", "outside"],
            "{case}: something was written beside the folder"
        );
        assert_eq!(
            fs_err::read(self.outer.path().join("outside")).unwrap(),
            b"untouched",
            "{case}"
        );
        let left = scan(&self.dest()).unwrap();
        for entry in left.entries() {
            assert!(
                !matches!(entry.kind, FileKind::Symlink { .. }),
                "{case}: the link `{}` was made although the archive is refused",
                entry.path
            );
        }
        check_modes(&self.dest(), case);
    }
}

/// Every file has mode 0644 or 0755 and every folder 0755, whatever the archive and the umask say.
fn check_modes(folder: &Path, case: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs_err::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_dir() {
            assert_eq!(mode, 0o755, "{case}: {}", path.display());
            check_modes(&path, case);
        } else if metadata.is_file() {
            assert!(
                matches!(mode, 0o644 | 0o755),
                "{case}: {} has {mode:o}",
                path.display()
            );
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpack_tar(format: Format, mut bytes: &[u8], stage: &Stage) -> Result<FileList, ArchiveError> {
    unpack(
        Source::Stream(format, &mut bytes),
        &stage.dest(),
        &Limits::default(),
        &mut (),
    )
}

fn unpack_zip(bytes: &[u8], stage: &Stage) -> Result<FileList, ArchiveError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    unpack(
        Source::Zip(&file),
        &stage.dest(),
        &Limits::default(),
        &mut (),
    )
}

/// The archive is unpacked, the list is that of the folder, and the modes are right.
fn accepted(case: &str, result: Result<FileList, ArchiveError>, stage: &Stage) -> FileList {
    let list = result.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(
        list,
        scan(&stage.dest()).unwrap(),
        "{case}: the list is not that of the folder"
    );
    check_modes(&stage.dest(), case);
    list
}

/// The archive is refused with just this message, which names the kind of error, the entry and the reason.
fn refused(case: &str, result: Result<FileList, ArchiveError>, stage: &Stage, message: &str) {
    match result {
        Ok(list) => panic!("{case} was accepted:\n{list:#?}"),
        Err(error) => assert_eq!(error.to_string(), message, "{case}"),
    }
    stage.check_refused(case);
}

/// Paths of a list, for short comparisons: folders end with a slash, links show their target, programs a star.
fn shown(list: &FileList) -> Vec<String> {
    list.entries()
        .iter()
        .map(|entry| match &entry.kind {
            FileKind::Dir => format!("{}/", entry.path),
            FileKind::Symlink { target } => format!("{} -> {target}", entry.path),
            FileKind::File {
                executable: true, ..
            } => format!("{}*", entry.path),
            FileKind::File {
                executable: false, ..
            } => entry.path.clone(),
        })
        .collect()
}

/// An input that fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            return Err(std::io::Error::new(
                std::io::ErrorKind::ConnectionReset,
                "reset by peer",
            ));
        }
        self.0.read(into)
    }
}

/// The messages of refusals, by kind: an entry that no pack may have, ...
fn not(entry: &str, reason: &str) -> String {
    format!("`{entry}` may not be in a pack: {reason}")
}

/// ... a rule broken at an entry, ...
fn damaged(entry: &str, reason: &str) -> String {
    format!("the archive is damaged, at `{entry}`: {reason}")
}

/// ... a rule broken by the archive as a whole.
fn whole(reason: &str) -> String {
    format!("the archive is damaged: {reason}")
}

/// Each tar archive, plain and compressed in both ways, is refused with its message.
fn tars_refused(table: Vec<(&str, tar_bytes::Tar, String)>) {
    for (case, tar, message) in table {
        tar_refused(case, &tar.end(), &message);
    }
}

/// This tar archive, plain and compressed in both ways, is refused with this message.
fn tar_refused(case: &str, tar: &[u8], message: &str) {
    let stage = Stage::new();
    refused(case, unpack_tar(Format::Tar, tar, &stage), &stage, message);
    let stage = Stage::new();
    refused(
        case,
        unpack_tar(Format::TarGz, &gzip(tar), &stage),
        &stage,
        message,
    );
    let stage = Stage::new();
    refused(
        case,
        unpack_tar(Format::TarZst, &zstd(tar), &stage),
        &stage,
        message,
    );
}

/// Each zip archive is refused with its message.
fn zips_refused(table: Vec<(&str, zip_bytes::Zip, String)>) {
    for (case, zip, message) in table {
        zip_refused(case, &zip.end(), &message);
    }
}

/// This zip archive is refused with this message.
fn zip_refused(case: &str, bytes: &[u8], message: &str) {
    let stage = Stage::new();
    refused(case, unpack_zip(bytes, &stage), &stage, message);
}
