//! Archives that no host should trust, made byte by byte, and what packd is to say of each.
//!
//! One row is one archive. `t` and `z` are tar and zip archives, `s` compressed streams, `b` bombs, `p` what is in a
//! well-made archive and is no pack, `m` manifests, `x` odd spellings. Ids are never given to another case. The same rows are judged
//! in this process ([`judge`]), sent to a daemon, and offered to it by a web server.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use packd_format::archive::Limits;
use packd_wire::ErrorKind;

mod bombs;
mod compression;
pub mod good;
pub mod judge;
mod manifests;
#[cfg(test)]
mod mutate;
pub mod others;
mod packs;
mod streams;
pub mod tar;
mod tar_extensions;
mod tar_headers;
mod tar_links;
mod tar_names;
#[cfg(test)]
mod tests;
mod tricks;
pub mod zip;
mod zip_headers;
mod zip_names;
mod zip_structure;

/// The `pack.yaml` of all packs here whose own it is not that matters.
pub const MANIFEST: &str = "ref: hostile\nversion: 1.0.0\n";

/// An archive that must be refused.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its id, and that of its variant.
    pub id: String,
    /// What it tries.
    pub what: String,
    /// The archive.
    pub bytes: Bytes,
    /// What it must be refused with.
    pub kind: ErrorKind,
    /// What the refusal must contain: the entry as it is shown, in its quotes; or what else is wrong.
    pub names: String,
}

/// The bytes of an archive.
#[derive(Debug, Clone)]
pub enum Bytes {
    /// Just these.
    Exact(Vec<u8>),
    /// A tar archive that is to be tried as it is, and compressed in each way.
    Tar(Vec<u8>),
}

impl Bytes {
    /// Every form that it is to be tried in.
    #[must_use]
    pub fn forms(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Exact(bytes) => vec![bytes.clone()],
            Self::Tar(bytes) => vec![bytes.clone(), gzip(bytes), zstandard(bytes)],
        }
    }

    /// One of them, another for each number.
    #[must_use]
    pub fn form(&self, number: usize) -> Vec<u8> {
        match self {
            Self::Exact(bytes) => bytes.clone(),
            Self::Tar(bytes) => match number % 3 {
                0 => gzip(bytes),
                1 => zstandard(bytes),
                _ => bytes.clone(),
            },
        }
    }
}

/// Makes rows of one table.
#[derive(Debug, Default)]
struct Table(Vec<Case>);

impl Table {
    fn row(&mut self, id: &str, what: &str, bytes: Bytes, kind: ErrorKind, names: String) {
        self.0.push(Case {
            id: id.to_owned(),
            what: what.to_owned(),
            bytes,
            kind,
            names,
        });
    }

    /// A tar archive with an entry that may be in no pack.
    fn unsafe_tar(&mut self, id: &str, what: &str, tar: tar::Tar, entry: &str) {
        let bytes = Bytes::Tar(tar.end());
        self.row(id, what, bytes, ErrorKind::UnsafeArchive, quoted(entry));
    }

    /// A tar archive that breaks the rules of its format, at this entry or behind it.
    fn bad_tar(&mut self, id: &str, what: &str, tar: tar::Tar, entry: &str) {
        let bytes = Bytes::Tar(tar.end());
        self.row(id, what, bytes, ErrorKind::InvalidArchive, quoted(entry));
    }

    /// A zip archive with an entry that may be in no pack.
    fn unsafe_zip(&mut self, id: &str, what: &str, zip: zip::Zip, entry: &str) {
        let bytes = Bytes::Exact(zip.bytes());
        self.row(id, what, bytes, ErrorKind::UnsafeArchive, quoted(entry));
    }

    /// A zip archive that breaks the rules of its format, at this entry.
    fn bad_zip(&mut self, id: &str, what: &str, zip: zip::Zip, entry: &str) {
        self.broken_zip(id, what, zip, &quoted(entry));
    }

    /// A zip archive that breaks the rules of its format as a whole; the refusal says this.
    fn broken_zip(&mut self, id: &str, what: &str, zip: zip::Zip, says: &str) {
        let bytes = Bytes::Exact(zip.bytes());
        self.row(id, what, bytes, ErrorKind::InvalidArchive, says.to_owned());
    }
}

fn quoted(entry: &str) -> String {
    format!("`{entry}`")
}

/// What the bombs are judged with: the defaults, and fewer entries.
#[must_use]
pub fn limits_of_bombs() -> Limits {
    Limits {
        entries: bombs::ENTRIES,
        ..Limits::default()
    }
}

/// Every case that is a bomb: small archives that want to become large.
#[must_use]
pub fn bombs() -> Vec<Case> {
    let mut table = Table::default();
    bombs::add(&mut table);
    table.0
}

/// Every case that is no bomb.
#[must_use]
pub fn small_cases() -> Vec<Case> {
    let mut table = Table::default();
    tar_names::add(&mut table);
    tar_links::add(&mut table);
    tar_headers::add(&mut table);
    tar_extensions::add(&mut table);
    streams::add(&mut table);
    compression::add(&mut table);
    zip_names::add(&mut table);
    zip_headers::add(&mut table);
    zip_structure::add(&mut table);
    tricks::add(&mut table);
    packs::add(&mut table);
    manifests::add(&mut table);
    table.0
}

/// One gzip member.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One zstd frame, with its checksum.
#[must_use]
pub fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
