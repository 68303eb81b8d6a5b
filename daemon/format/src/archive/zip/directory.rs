//! The directory of a zip archive: what it says of each entry.
//!
//! The layout is in APPNOTE.TXT 6.3.10, section 4.3.12.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use super::end::{self, Ends};
use super::field::{ELSEWHERE, Extra, Numbers};
use crate::archive::error::{ArchiveError, printable};
use crate::archive::limits::{LimitKind, Limits};
use crate::tree::BadPath;

pub(super) struct Directory {
    /// Where its first record lies; up to there, the file is local entries.
    pub start: u64,
    pub entries: Vec<Entry>,
}

/// What the directory says of an entry.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: String,
    pub kind: Type,
    pub flags: u16,
    pub method: Method,
    pub crc: u32,
    /// Bytes in the archive.
    pub packed: u64,
    /// Bytes unpacked.
    pub size: u64,
    /// Where its local header lies.
    pub header: u64,
    /// Where its bytes lie; known once the local header was read.
    pub data: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    File { executable: bool },
    Dir,
    Symlink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

impl Method {
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// Flag 3: sizes and checksum follow the data.
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
/// Flag 11: the name is UTF-8.
const IS_UTF8: u16 = 1 << 11;
/// Flags 1 and 2 tell how hard the compressor tried.
const HARMLESS: u16 = 1 << 1 | 1 << 2 | HAS_DESCRIPTOR | IS_UTF8;

/// Reads the directory of a file of this length. It must end the file, and be where its end says.
pub(super) fn read(file: &File, length: u64, limits: &Limits) -> Result<Directory, ArchiveError> {
    let Ends {
        count,
        size,
        start,
        end,
    } = end::find(file, length)?;
    if start.checked_add(size) != Some(end) {
        return Err(ArchiveError::damaged(
            "its directory is not where its end says",
        ));
    }
    if count > limits.entries {
        return Err(ArchiveError::Limit {
            what: LimitKind::Entries,
            limit: limits.entries,
            entry: None,
        });
    }
    let mut input = BufReader::with_capacity(
        64 * 1024,
        Span {
            file,
            at: start,
            end,
        },
    );
    let mut entries = Vec::new();
    let mut record = Vec::new();
    let mut names = 0;
    for _ in 0..count {
        let entry = entry(&mut input, &mut record, limits)?;
        names += entry.name.len() as u64;
        if names > limits.all_names() {
            let what = LimitKind::AllNames;
            return Err(ArchiveError::Limit {
                what,
                limit: limits.all_names(),
                entry: None,
            }
            .at_entry(&entry.name));
        }
        entries.push(entry);
    }
    if !input.buffer().is_empty() || input.get_ref().at != end {
        return Err(ArchiveError::damaged(
            "its directory has more entries than its end says",
        ));
    }
    Ok(Directory { start, entries })
}

/// Reads one record of the directory.
fn entry(
    input: &mut impl Read,
    record: &mut Vec<u8>,
    limits: &Limits,
) -> Result<Entry, ArchiveError> {
    let mut head = [0; 46];
    read_exact(input, &mut head)?;
    let mut fields = Numbers(&head);
    if fields.u32() != 0x0201_4b50 {
        return Err(ArchiveError::damaged(
            "its directory has fewer entries than its end says",
        ));
    }
    let made_by = fields.u16();
    let _needs = fields.u16();
    let (flags, method) = (fields.u16(), fields.u16());
    let _time = fields.u32();
    let (crc, packed, size) = (fields.u32(), fields.u32(), fields.u32());
    let [name, extra, comment] = [fields.u16(), fields.u16(), fields.u16()].map(usize::from);
    let disk = fields.u16();
    let _internal = fields.u16();
    let (external, header) = (fields.u32(), fields.u32());

    record.resize(name + extra + comment, 0);
    read_exact(input, record)?;
    let (name, rest) = record.split_at(name);
    if name.len() > limits.path_bytes {
        let what = LimitKind::PathBytes;
        return Err(ArchiveError::Limit {
            what,
            limit: limits.path_bytes as u64,
            entry: Some(printable(name)),
        });
    }
    let damaged = |reason| ArchiveError::damaged_at(name, reason);
    let extra = Extra::parse(&rest[..extra], name).map_err(damaged)?;
    let name_text = name_of(name, flags)?;
    check_flags(flags).map_err(damaged)?;
    let method = method_of(method).map_err(|reason| ArchiveError::damaged_at(name, reason))?;

    // each field that is full has its value in the zip64 field, in this order, and no others do
    let mut zip64 = extra.zip64.unwrap_or_default();
    let mut wide = |old: u32| {
        if old != ELSEWHERE {
            return Ok(u64::from(old));
        }
        let (value, rest) = zip64
            .split_first_chunk()
            .ok_or_else(|| damaged("its zip64 field is too short"))?;
        zip64 = rest;
        Ok(u64::from_le_bytes(*value))
    };
    let (size, packed, header) = (wide(size)?, wide(packed)?, wide(header)?);
    if !zip64.is_empty() {
        return Err(damaged("its zip64 field states what is stated already"));
    }
    if disk != 0 {
        return Err(damaged("it lies in another part of a split archive"));
    }
    if method == Method::Stored && packed != size {
        return Err(damaged("it is stored as it is, with another size"));
    }
    let kind = type_of(&name_text, made_by, external)?;
    Ok(Entry {
        name: name_text,
        kind,
        flags,
        method,
        crc,
        packed,
        size,
        header,
        data: 0,
    })
}

fn name_of(name: &[u8], flags: u16) -> Result<String, ArchiveError> {
    if flags & IS_UTF8 == 0 && !name.is_ascii() {
        return Err(ArchiveError::refused(
            name,
            "its name is not marked as UTF-8, as `packctl build` marks it, and programs read it in different ways",
        ));
    }
    String::from_utf8(name.to_vec()).map_err(|_| ArchiveError::bad_path(name, BadPath::NotUtf8))
}

fn check_flags(flags: u16) -> Result<(), &'static str> {
    if flags & (1 << 0 | 1 << 6 | 1 << 13) != 0 {
        Err("it is encrypted")
    } else if flags & 1 << 5 != 0 {
        Err("it is a patch of another archive")
    } else if flags & !HARMLESS != 0 {
        Err("it has flags that are not known")
    } else {
        Ok(())
    }
}

fn method_of(method: u16) -> Result<Method, String> {
    let name = match method {
        0 => return Ok(Method::Stored),
        8 => return Ok(Method::Deflated),
        1 => "shrink",
        2..=5 => "reduce",
        6 => "implode",
        9 => "deflate64",
        12 => "bzip2",
        14 => "lzma",
        93 | 20 => "zstd",
        95 => "xz",
        98 => "ppmd",
        99 => return Err("it is encrypted with AES".to_owned()),
        _ => return Err(format!("it is compressed with the unknown method {method}")),
    };
    Err(format!(
        "it is compressed with {name}; only deflate is read"
    ))
}

/// What an entry is. Its mode, if it was made on Unix, and the slash at the end of its name must agree.
fn type_of(name: &str, made_by: u16, external: u32) -> Result<Type, ArchiveError> {
    const UNIX: [u16; 2] = [3, 19];
    const DOS_FOLDER: u32 = 0x10;
    let mode = external >> 16;
    let on_unix = UNIX.contains(&(made_by >> 8));
    let named_as_folder = name.ends_with('/');
    let kind = match mode & 0o170_000 {
        0 if named_as_folder => Type::Dir,
        0 | 0o100_000 => Type::File {
            executable: on_unix && mode & 0o111 != 0,
        },
        0o040_000 => Type::Dir,
        0o120_000 if on_unix => Type::Symlink,
        0o120_000 => {
            return Err(ArchiveError::refused(
                name,
                "it is a link for some readers only",
            ));
        }
        0o010_000 => return Err(ArchiveError::refused(name, "it is a named pipe")),
        0o020_000 => return Err(ArchiveError::refused(name, "it is a character device")),
        0o060_000 => return Err(ArchiveError::refused(name, "it is a block device")),
        0o140_000 => return Err(ArchiveError::refused(name, "it is a socket")),
        _ => return Err(ArchiveError::refused(name, "it is of an unknown type")),
    };
    if (kind == Type::Dir) != named_as_folder || (external & DOS_FOLDER != 0 && !named_as_folder) {
        return Err(ArchiveError::damaged_at(
            name,
            "it is a folder by its name or by its mode, not by both",
        ));
    }
    Ok(kind)
}

/// A part of a file, as a reader.
struct Span<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Span<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let count = self.file.read_at(&mut into[..most], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

fn read_exact(input: &mut impl Read, into: &mut [u8]) -> Result<(), ArchiveError> {
    input.read_exact(into).map_err(|source| {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            ArchiveError::damaged("its directory has fewer entries than its end says")
        } else {
            ArchiveError::Read { source }
        }
    })
}
