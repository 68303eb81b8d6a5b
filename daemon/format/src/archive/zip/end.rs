//! The records that end a zip archive and say where its directory is.
//!
//! The layouts are in APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.

use std::fs::File;

use super::field::{ELSEWHERE, Numbers};
use super::read_at;
use crate::archive::error::ArchiveError;

/// Bytes of the end record, of the locator of the zip64 end record, and of that.
const END: usize = 22;
const END64_LOCATOR: usize = 20;
const END64: usize = 56;
const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;

/// What the records at the very end say of the directory.
pub(super) struct Ends {
    pub count: u64,
    pub size: u64,
    pub start: u64,
    /// Where these records begin.
    pub end: u64,
}

/// Reads them, and checks that they agree with each other.
pub(super) fn find(file: &File, length: u64) -> Result<Ends, ArchiveError> {
    let at = find_end(file, length)?;
    let mut record = [0; END];
    read_at(file, &mut record, at)?;
    let mut fields = Numbers(&record[4..]);
    let disks = [fields.u16(), fields.u16()];
    let (on_disk, count) = (fields.u16(), fields.u16());
    let (size, start) = (fields.u32(), fields.u32());
    // a full field means that the zip64 records have its value, if there are any; some writers add them in any case, and
    // readers that prefer them must find the same
    let is_wide = has_locator(file, at)?;
    let found = if is_wide {
        let found = find64(file, at)?;
        let agrees = |old: u64, most: u64, new: u64| old == most || old == new;
        if !(agrees(count.into(), u16::MAX.into(), found.count)
            && agrees(on_disk.into(), u16::MAX.into(), found.count)
            && agrees(size.into(), ELSEWHERE.into(), found.size)
            && agrees(start.into(), ELSEWHERE.into(), found.start))
        {
            return Err(ArchiveError::damaged("its two ends disagree"));
        }
        found
    } else {
        Ends {
            count: count.into(),
            size: size.into(),
            start: start.into(),
            end: at,
        }
    };
    if disks
        .iter()
        .any(|disk| *disk != 0 && !(is_wide && *disk == u16::MAX))
    {
        return Err(ArchiveError::damaged("it is one part of a split archive"));
    }
    if on_disk != count {
        return Err(ArchiveError::damaged(
            "its end states two numbers of entries",
        ));
    }
    Ok(found)
}

/// Where the end record lies: at the very end, or before a comment that reaches just to the end.
///
/// Some readers search from the front, some from the back. A comment in which another end could be found would have them
/// read different archives, so it is refused.
fn find_end(file: &File, length: u64) -> Result<u64, ArchiveError> {
    let reach = length.min(END as u64 + u64::from(u16::MAX));
    let from = length - reach;
    let mut tail =
        vec![0; usize::try_from(reach).expect("the tail is less than 64 KiB and 22 bytes")];
    read_at(file, &mut tail, from)?;
    let is_end = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(b"PK\x05\x06")
            && record.len() - END == usize::from(u16::from_le_bytes([record[20], record[21]]))
    };
    let at = (0..(tail.len() + 1).saturating_sub(END))
        .find(is_end)
        .ok_or_else(|| ArchiveError::damaged("it does not end as a zip archive does"))?;
    if tail[at + END..].windows(2).any(|pair| pair == b"PK") {
        return Err(ArchiveError::damaged(
            "its comment could be read as another archive",
        ));
    }
    Ok(from + at as u64)
}

/// Whether the bytes before the end record are the locator of a zip64 one.
fn has_locator(file: &File, end: u64) -> Result<bool, ArchiveError> {
    let Some(at) = end.checked_sub(END64_LOCATOR as u64) else {
        return Ok(false);
    };
    let mut signature = [0; 4];
    read_at(file, &mut signature, at)?;
    Ok(u32::from_le_bytes(signature) == LOCATOR_SIGNATURE)
}

/// The zip64 records before the end record, whose locator is there.
fn find64(file: &File, end: u64) -> Result<Ends, ArchiveError> {
    let misplaced = || ArchiveError::damaged("its zip64 end is not where it should be");
    let locator_at = end
        .checked_sub(END64_LOCATOR as u64)
        .ok_or_else(misplaced)?;
    let mut locator = [0; END64_LOCATOR];
    read_at(file, &mut locator, locator_at)?;
    let at = locator_at.checked_sub(END64 as u64).ok_or_else(misplaced)?;
    let mut fields = Numbers(&locator);
    let _signature = fields.u32();
    let (disk, points_to, disks) = (fields.u32(), fields.u64(), fields.u32());
    let mut record = [0; END64];
    read_at(file, &mut record, at)?;
    let mut fields = Numbers(&record);
    let (signature, rest) = (fields.u32(), fields.u64());
    let _versions = fields.u32();
    let (this_disk, start_disk) = (fields.u32(), fields.u32());
    let (on_disk, count) = (fields.u64(), fields.u64());
    let (size, start) = (fields.u64(), fields.u64());
    if signature != 0x0606_4b50 || points_to != at || rest != END64 as u64 - 12 {
        return Err(misplaced());
    }
    if disk != 0 || disks > 1 || this_disk != 0 || start_disk != 0 {
        return Err(ArchiveError::damaged("it is one part of a split archive"));
    }
    if on_disk != count {
        return Err(ArchiveError::damaged(
            "its end states two numbers of entries",
        ));
    }
    Ok(Ends {
        count,
        size,
        start,
        end: at,
    })
}
