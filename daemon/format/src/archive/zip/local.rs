//! What stands before and after the bytes of each entry, compared with the directory.
//!
//! Entries must follow each other without gap or overlap, from the first byte of the file to the directory. So
//! there is nothing hidden between them, and no byte is unpacked twice (which is how a small file becomes a huge one).

use std::fs::File;

use super::directory::{Entry, HAS_DESCRIPTOR};
use super::field::{Extra, Numbers};
use super::read_at;
use crate::archive::error::ArchiveError;

const HEADER: u64 = 30;
/// Extra fields are mostly shorter than this, so nearly all headers take one read.
const USUAL_EXTRA: u64 = 64;

/// Checks all of it, and fills in where the bytes of each entry lie. Leaves the entries sorted by their place.
pub(super) fn check(
    file: &File,
    entries: &mut [Entry],
    directory: u64,
) -> Result<(), ArchiveError> {
    entries.sort_unstable_by_key(|entry| entry.header);
    if entries.first().is_some_and(|entry| entry.header != 0) {
        return Err(ArchiveError::damaged(
            "there is something before its first entry",
        ));
    }
    let mut buffer = Vec::new();
    for at in 0..entries.len() {
        let next = entries.get(at + 1).map_or(directory, |next| next.header);
        let entry = &mut entries[at];
        check_entry(file, entry, next, &mut buffer).map_err(|error| error.at_entry(&entry.name))?;
    }
    Ok(())
}

fn check_entry(
    file: &File,
    entry: &mut Entry,
    next: u64,
    buffer: &mut Vec<u8>,
) -> Result<(), ArchiveError> {
    let damaged = |reason| Err(ArchiveError::damaged(reason));
    let name = entry.name.as_bytes();
    let room = next.saturating_sub(entry.header);
    if room < HEADER + name.len() as u64 {
        return damaged("it overlaps the next entry");
    }
    let usual = room.min(HEADER + name.len() as u64 + USUAL_EXTRA);
    read(file, buffer, usual, entry.header)?;

    let mut fields = Numbers(buffer);
    let signature = fields.u32();
    let _needs = fields.u16();
    let (flags, method) = (fields.u16(), fields.u16());
    let _time = fields.u32();
    let (crc, packed, size) = (fields.u32(), fields.u32(), fields.u32());
    let (name_length, extra_length) = (fields.u16(), fields.u16());
    if signature != 0x0403_4b50 {
        return damaged("there is no entry where the directory says");
    }
    if usize::from(name_length) != name.len() || &buffer[30..30 + name.len()] != name {
        return damaged("it has another name in the directory");
    }
    if flags != entry.flags {
        return damaged("it has other flags in the directory");
    }
    if method != entry.method.number() {
        return damaged("it has another method in the directory");
    }
    let head = HEADER + name.len() as u64 + u64::from(extra_length);
    let end = entry
        .header
        .checked_add(head)
        .and_then(|data| data.checked_add(entry.packed));
    let Some(after) = end.and_then(|end| next.checked_sub(end)) else {
        return damaged("it overlaps the next entry");
    };
    if head > usual {
        read(file, buffer, head, entry.header)?;
    }
    let head = usize::try_from(head).expect("three parts of at most 64 KiB");
    let extra =
        Extra::parse(&buffer[30 + name.len()..head], name).map_err(ArchiveError::damaged)?;
    entry.data = entry.header + head as u64;

    let local = Local {
        crc,
        packed,
        size,
        zip64: extra.zip64,
    };
    let later = entry.flags & HAS_DESCRIPTOR != 0;
    let agrees = if later {
        local.leaves_open(entry)
    } else {
        local.agrees(entry)
    };
    if !agrees {
        return damaged("it has another size or checksum in the directory");
    }
    if later {
        check_descriptor(file, entry, after, extra.zip64.is_some(), buffer)
    } else if after == 0 {
        Ok(())
    } else {
        damaged("there is something between it and the next entry")
    }
}

/// Sizes and checksum as a local header has them.
struct Local<'a> {
    crc: u32,
    packed: u32,
    size: u32,
    zip64: Option<&'a [u8]>,
}

impl Local<'_> {
    /// All is as in the directory. Some writers have the zip64 field beside sizes that would fit.
    fn agrees(&self, entry: &Entry) -> bool {
        let is =
            |old: u32, full: bool, new: u64| u64::from(old) == new || (full && old == u32::MAX);
        let Ok(wide) = self.wide() else { return false };
        self.crc == entry.crc
            && is(self.size, wide.is_some(), entry.size)
            && is(self.packed, wide.is_some(), entry.packed)
            && wide.is_none_or(|wide| wide == [entry.size, entry.packed])
    }

    /// Each is as in the directory, or zero because it was not known yet.
    fn leaves_open(&self, entry: &Entry) -> bool {
        let is = |old: u32, full: bool, new: u64| {
            old == 0 || u64::from(old) == new || (full && old == u32::MAX)
        };
        let Ok(wide) = self.wide() else { return false };
        is(self.crc, false, entry.crc.into())
            && is(self.size, wide.is_some(), entry.size)
            && is(self.packed, wide.is_some(), entry.packed)
            && wide.is_none_or(|[size, packed]| {
                (size == 0 || size == entry.size) && (packed == 0 || packed == entry.packed)
            })
    }

    /// The zip64 field: in a local header it has both sizes, or it is wrong.
    fn wide(&self) -> Result<Option<[u64; 2]>, ()> {
        match self.zip64 {
            None => Ok(None),
            Some(field) if field.len() == 16 => {
                let mut numbers = Numbers(field);
                Ok(Some([numbers.u64(), numbers.u64()]))
            }
            Some(_) => Err(()),
        }
    }
}

/// Checks the descriptor after the data: with or without signature, with sizes of 32 or, if there was a zip64 field,
/// 64 bits. The room up to the next entry tells which.
fn check_descriptor(
    file: &File,
    entry: &Entry,
    room: u64,
    zip64: bool,
    buffer: &mut Vec<u8>,
) -> Result<(), ArchiveError> {
    let damaged = |reason| Err(ArchiveError::damaged(reason));
    if !matches!(room, 12 | 16 | 20 | 24) {
        return damaged(
            "its descriptor is missing, or there is more than it before the next entry",
        );
    }
    read(file, buffer, room, entry.data + entry.packed)?;
    let mut fields = Numbers(buffer);
    if matches!(room, 16 | 24) && fields.u32() != 0x0807_4b50 {
        return damaged("its descriptor has no signature");
    }
    let wide = room >= 20;
    let crc = fields.u32();
    let (packed, size) = if wide {
        (fields.u64(), fields.u64())
    } else {
        (u64::from(fields.u32()), u64::from(fields.u32()))
    };
    if wide && !zip64 || (crc, packed, size) != (entry.crc, entry.packed, entry.size) {
        return damaged("its descriptor and the directory disagree");
    }
    Ok(())
}

fn read(file: &File, buffer: &mut Vec<u8>, count: u64, at: u64) -> Result<(), ArchiveError> {
    buffer.resize(usize::try_from(count).expect("headers are small"), 0);
    read_at(file, buffer, at)
}
