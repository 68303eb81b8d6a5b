//! The strict zip reader: from a file to the writer.
//!
//! A zip archive says everything twice, before each entry and in the directory at its end, and programs differ in which
//! they believe. So all of it is compared before anything is written: the directory, every local header and
//! descriptor, and that together they cover each byte of the file once ([`directory`], [`local`]). Then names, links and
//! limits are judged for all entries, and only then are files inflated, by two threads ([`extract`]).

mod directory;
mod end;
mod extract;
mod field;
mod local;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use self::directory::{Entry, Type};
use self::extract::Inflater;
use super::error::ArchiveError;
use super::ledger::Kind;
use super::limits::LimitKind;
use super::writer::Writer;
use crate::tree::FileList;
use crate::tree::path;

/// Unpacks a zip archive.
pub(super) fn unpack(file: &File, mut writer: Writer<'_>) -> Result<FileList, ArchiveError> {
    let limits = writer.ledger.limits().clone();
    let length = file
        .metadata()
        .map_err(|source| ArchiveError::Read { source })?
        .len();
    let directory = directory::read(file, length, &limits)?;
    let mut entries = directory.entries;
    if entries.is_empty() {
        return Err(ArchiveError::damaged("it has no members"));
    }
    local::check(file, &mut entries, directory.start)?;

    let files = admit(file, &mut writer, &entries)?;
    let unpacked = entries
        .iter()
        .fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    if unpacked > limits.ratio_after && unpacked > length.saturating_mul(limits.ratio) {
        return Err(ArchiveError::Limit {
            what: LimitKind::Ratio,
            limit: limits.ratio,
            entry: None,
        });
    }
    writer.ledger.check_links()?;

    for item in writer.ledger.items() {
        if item.kind == Kind::Dir {
            writer.progress.at(&item.path)?;
            writer.dest.folder.create_folder(&item.path)?;
        }
    }
    extract::files(file, &entries, &files, &mut writer)?;
    writer.finish()
}

/// A file to be inflated: its place among the entries, and in the ledger.
struct Wanted {
    entry: usize,
    item: usize,
}

/// Has every entry judged, in the order in which their bytes lie in the archive.
fn admit(
    file: &File,
    writer: &mut Writer<'_>,
    entries: &[Entry],
) -> Result<Vec<Wanted>, ArchiveError> {
    let mut files = Vec::new();
    let mut inflater = Inflater::new();
    for (at, entry) in entries.iter().enumerate() {
        let name = entry.name.as_str();
        if name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic() {
            return Err(ArchiveError::refused(name, "its name begins with a drive"));
        }
        match entry.kind {
            Type::Dir => {
                inflater.check_empty(file, entry)?;
                // a lone `/` stays one, and is refused as an absolute name
                let path = name
                    .strip_suffix('/')
                    .filter(|path| !path.is_empty())
                    .unwrap_or(name);
                writer.ledger.admit(path, Kind::Dir)?;
            }
            Type::File { executable } => {
                writer.ledger.admit(
                    name,
                    Kind::File {
                        executable,
                        size: entry.size,
                    },
                )?;
                files.push(Wanted {
                    entry: at,
                    item: writer.ledger.items().len() - 1,
                });
            }
            Type::Symlink => {
                // the name first: its target is only worth reading if that is allowed
                path::check(name).map_err(|reason| ArchiveError::bad_path(name, reason))?;
                let target = inflater.link_target(file, entry, writer.ledger.limits())?;
                writer.ledger.admit(name, Kind::Symlink { target })?;
            }
        }
    }
    Ok(files)
}

/// Reads just these bytes of the file; that they are there has been checked, so a file that is too short is cut off.
fn read_at(file: &File, into: &mut [u8], at: u64) -> Result<(), ArchiveError> {
    file.read_exact_at(into, at).map_err(|source| {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            ArchiveError::damaged("it is cut off")
        } else {
            ArchiveError::Read { source }
        }
    })
}
