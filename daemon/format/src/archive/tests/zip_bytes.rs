//! Writes zip archives that may be wrong.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// An archive under construction. Fields are open for what a test wants to get wrong.
#[derive(Clone, Default)]
pub(super) struct Zip {
    pub entries: Vec<Entry>,
    pub comment: Vec<u8>,
    /// Before the first entry; offsets count it.
    pub prefix: Vec<u8>,
    pub suffix: Vec<u8>,
    pub end: EndChange,
}

#[derive(Clone, Default)]
pub(super) struct EndChange {
    pub count: Option<u16>,
    pub disk: u16,
    pub size_off: i32,
    pub start_off: i32,
    pub zip64: bool,
    /// With zip64: the end record states the values too.
    pub stated_twice: bool,
    /// What the zip64 end says of the count.
    pub count64: Option<u64>,
}

/// One entry, as it is written before its bytes and in the directory.
#[derive(Clone)]
pub(super) struct Entry {
    pub local: Header,
    pub central: Header,
    pub body: Vec<u8>,
    pub descriptor: Vec<u8>,
    pub made_by: u16,
    pub external: u32,
    /// Instead of where it really lies.
    pub offset: Option<u32>,
    pub listed: bool,
    pub disk: u16,
}

#[derive(Clone)]
pub(super) struct Header {
    pub name: Vec<u8>,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub packed: u32,
    pub size: u32,
    pub extra: Vec<u8>,
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Version 2.0 of the format, on Unix.
const UNIX: u16 = 0x0314;

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

impl Entry {
    pub(super) fn new(name: impl AsRef<[u8]>, content: &[u8], mode: u32) -> Self {
        let body = deflate(content);
        let header = Header {
            name: name.as_ref().to_vec(),
            flags: if name.as_ref().is_ascii() { 0 } else { 1 << 11 },
            method: 8,
            crc: crc(content),
            packed: length(&body),
            size: length(content),
            extra: Vec::new(),
        };
        Self {
            local: header.clone(),
            central: header,
            body,
            descriptor: Vec::new(),
            made_by: UNIX,
            external: mode << 16,
            offset: None,
            listed: true,
            disk: 0,
        }
    }

    /// The same in both headers.
    pub(super) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    /// Stored as it is.
    pub(super) fn stored(name: &str, content: &[u8], mode: u32) -> Self {
        let mut entry = Self::new(name, content, mode).both(|header| {
            header.method = 0;
            header.packed = header.size;
        });
        entry.body = content.to_vec();
        entry
    }

    /// Sizes and checksum after the data.
    pub(super) fn later(mut self) -> Self {
        self = self.both(|header| header.flags |= 1 << 3);
        let Header {
            crc, packed, size, ..
        } = self.central;
        self.descriptor = [0x0807_4b50, crc, packed, size]
            .map(u32::to_le_bytes)
            .concat();
        (self.local.crc, self.local.packed, self.local.size) = (0, 0, 0);
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

pub(super) fn extra(id: u16, body: &[u8]) -> Vec<u8> {
    let mut extra = id.to_le_bytes().to_vec();
    extra.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    extra.extend(body);
    extra
}

impl Zip {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    pub(super) fn file(self, name: &str, content: &str) -> Self {
        self.entry(Entry::new(name, content.as_bytes(), 0o100_644))
    }

    pub(super) fn dir(self, name: &str) -> Self {
        self.entry(Entry::stored(name, b"", 0o40_755).with(|entry| entry.external |= 0x10))
    }

    pub(super) fn link(self, name: &str, target: &str) -> Self {
        self.entry(Entry::stored(name, target.as_bytes(), 0o120_777))
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn end(self) -> Vec<u8> {
        let mut out = self.prefix;
        let mut offsets = Vec::new();
        for entry in &self.entries {
            offsets.push(entry.offset.unwrap_or(length(&out)));
            out.extend(0x0403_4b50_u32.to_le_bytes());
            out.extend(20_u16.to_le_bytes());
            header(&mut out, &entry.local);
            out.extend(&entry.local.name);
            out.extend(&entry.local.extra);
            out.extend(&entry.body);
            out.extend(&entry.descriptor);
        }
        let start = length(&out);
        for (entry, offset) in self
            .entries
            .iter()
            .zip(offsets)
            .filter(|(entry, _)| entry.listed)
        {
            out.extend(0x0201_4b50_u32.to_le_bytes());
            out.extend(entry.made_by.to_le_bytes());
            out.extend(20_u16.to_le_bytes());
            header(&mut out, &entry.central);
            out.extend(0_u16.to_le_bytes());
            out.extend(entry.disk.to_le_bytes());
            out.extend(0_u16.to_le_bytes());
            out.extend(entry.external.to_le_bytes());
            out.extend(offset.to_le_bytes());
            out.extend(&entry.central.name);
            out.extend(&entry.central.extra);
        }
        let size = length(&out) - start;
        let count =
            u16::try_from(self.entries.iter().filter(|entry| entry.listed).count()).unwrap();
        let change = self.end;
        if change.zip64 {
            let at = out.len() as u64;
            let count = change.count64.unwrap_or(count.into());
            out.extend(0x0606_4b50_u32.to_le_bytes());
            out.extend(44_u64.to_le_bytes());
            out.extend([45, 0, 45, 0]);
            out.extend([0; 8]);
            for number in [count, count, size.into(), start.into()] {
                out.extend(number.to_le_bytes());
            }
            out.extend(0x0706_4b50_u32.to_le_bytes());
            out.extend(0_u32.to_le_bytes());
            out.extend(at.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
        }
        out.extend(0x0605_4b50_u32.to_le_bytes());
        out.extend(change.disk.to_le_bytes());
        out.extend(change.disk.to_le_bytes());
        let count = change.count.unwrap_or(count);
        out.extend([count, count].map(u16::to_le_bytes).concat());
        let (size, start) = if change.zip64 && !change.stated_twice {
            (u32::MAX, u32::MAX)
        } else {
            (
                size.wrapping_add_signed(change.size_off),
                start.wrapping_add_signed(change.start_off),
            )
        };
        out.extend([size, start].map(u32::to_le_bytes).concat());
        out.extend(u16::try_from(self.comment.len()).unwrap().to_le_bytes());
        out.extend(self.comment);
        out.extend(self.suffix);
        out
    }
}

/// What both headers have in common: flags to the lengths of the variable parts.
fn header(out: &mut Vec<u8>, header: &Header) {
    out.extend(header.flags.to_le_bytes());
    out.extend(header.method.to_le_bytes());
    out.extend([0; 4]);
    out.extend(
        [header.crc, header.packed, header.size]
            .map(u32::to_le_bytes)
            .concat(),
    );
    out.extend(u16::try_from(header.name.len()).unwrap().to_le_bytes());
    out.extend(u16::try_from(header.extra.len()).unwrap().to_le_bytes());
}

/// A small file.
pub(super) fn entry(name: impl AsRef<[u8]>) -> Entry {
    Entry::new(name, b"content", 0o100_644)
}

/// An archive of one entry.
pub(super) fn one(entry: Entry) -> Zip {
    Zip::new().entry(entry)
}
