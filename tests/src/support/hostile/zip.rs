//! Writes zip archives that may lie in every field, twice: before each entry, and in the directory.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};

/// Signatures of the records (APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16).
pub mod signature {
    /// Before the bytes of an entry.
    pub const LOCAL: u32 = 0x0403_4b50;
    /// In the directory.
    pub const CENTRAL: u32 = 0x0201_4b50;
    /// Behind the bytes of an entry.
    pub const DESCRIPTOR: u32 = 0x0807_4b50;
    /// The end.
    pub const END: u32 = 0x0605_4b50;
    /// The end with larger numbers.
    pub const END64: u32 = 0x0606_4b50;
    /// What says where that is.
    pub const LOCATOR64: u32 = 0x0706_4b50;
}

/// Flag: sizes and checksum follow the data.
pub const LATER: u16 = 1 << 3;
/// Flag: the name is UTF-8.
pub const UTF8: u16 = 1 << 11;

/// What is said of an entry at one of the two places.
#[derive(Debug, Clone)]
pub struct Record {
    /// What the record begins with.
    pub signature: u32,
    /// General purpose bits.
    pub flags: u16,
    /// How its bytes are packed: 0 not at all, 8 deflate.
    pub method: u16,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Length of the bytes in the archive.
    pub packed: u32,
    /// Length of the content.
    pub size: u32,
    /// The name.
    pub name: Vec<u8>,
    /// The extra fields.
    pub extra: Vec<u8>,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Member {
    /// What stands before its bytes.
    pub local: Record,
    /// What the directory says.
    pub central: Record,
    /// Its bytes.
    pub data: Vec<u8>,
    /// What follows them: a descriptor.
    pub after: Vec<u8>,
    /// What precedes its local record.
    pub before: Vec<u8>,
    /// Version and system that made it.
    pub made_by: u16,
    /// Attributes: the Unix mode in the upper half.
    pub external: u32,
    /// The part of a split archive that it lies in.
    pub disk: u16,
    /// A comment, in the directory only.
    pub comment: Vec<u8>,
    /// Where the directory says it lies, instead of where it does.
    pub offset: Option<u32>,
    /// Whether the directory has it.
    pub is_listed: bool,
}

impl Member {
    /// A deflated file of mode 0644.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let data = deflated(content.as_ref());
        Self::packed(name, content.as_ref(), 8, data)
    }

    /// A file as it is.
    #[must_use]
    pub fn stored(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let data = content.as_ref().to_vec();
        Self::packed(name, content.as_ref(), 0, data)
    }

    fn packed(name: impl AsRef<[u8]>, content: &[u8], method: u16, data: Vec<u8>) -> Self {
        let name = name.as_ref();
        let local = Record {
            signature: signature::LOCAL,
            flags: if name.is_ascii() { 0 } else { UTF8 },
            method,
            crc: crc(content),
            packed: length(&data),
            size: length(content),
            name: name.to_vec(),
            extra: Vec::new(),
        };
        let central = Record {
            signature: signature::CENTRAL,
            ..local.clone()
        };
        Self {
            local,
            central,
            data,
            after: Vec::new(),
            before: Vec::new(),
            made_by: 0x0314,
            external: 0o100_644 << 16,
            disk: 0,
            comment: Vec::new(),
            offset: None,
            is_listed: true,
        }
    }

    /// A folder.
    #[must_use]
    pub fn folder(name: impl AsRef<[u8]>) -> Self {
        Self::stored(name, "").unix(0o40_755)
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self::stored(name, target).unix(0o120_777)
    }

    /// The type and permissions.
    #[must_use]
    pub fn unix(mut self, mode: u32) -> Self {
        self.external = mode << 16;
        self
    }

    /// Sizes and checksum behind the data, and zeros before it.
    #[must_use]
    pub fn later(mut self) -> Self {
        self = self.both(|record| record.flags |= LATER);
        self.after = self.descriptor();
        self.local.crc = 0;
        self.local.packed = 0;
        self.local.size = 0;
        self
    }

    /// A descriptor that says what the directory says.
    #[must_use]
    pub fn descriptor(&self) -> Vec<u8> {
        let Record {
            crc, packed, size, ..
        } = self.central;
        let numbers = [signature::DESCRIPTOR, crc, packed, size];
        numbers.map(u32::to_le_bytes).concat()
    }

    /// The same with a change.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same change at both places.
    #[must_use]
    pub fn both(mut self, change: impl Fn(&mut Record)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }
}

/// What the end of an archive says, where it is not what is so.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// This part of a split archive.
    pub disk: u16,
    /// The number of entries in this part.
    pub count_here: Option<u16>,
    /// The number of entries.
    pub count: Option<u16>,
    /// The length of the directory.
    pub size: Option<u32>,
    /// Where the directory is.
    pub start: Option<u32>,
    /// A comment.
    pub comment: Vec<u8>,
    /// The length of the comment.
    pub comment_length: Option<u16>,
    /// The records with larger numbers.
    pub wide: Option<Wide>,
}

/// The zip64 records, where they do not say what is so.
#[derive(Debug, Clone, Default)]
pub struct Wide {
    /// The number of entries.
    pub count: Option<u64>,
    /// The length of the directory.
    pub size: Option<u64>,
    /// Where the directory is.
    pub start: Option<u64>,
    /// Where the record is.
    pub at: Option<u64>,
    /// How many parts there are.
    pub disks: Option<u32>,
    /// How long the record says it is.
    pub length: Option<u64>,
}

/// An archive under construction.
#[derive(Debug, Clone, Default)]
pub struct Zip {
    /// What precedes everything.
    pub prefix: Vec<u8>,
    /// The entries.
    pub members: Vec<Member>,
    /// What lies between the entries and the directory.
    pub gap: Vec<u8>,
    /// The end.
    pub end: End,
    /// What follows everything.
    pub suffix: Vec<u8>,
}

impl Zip {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An archive that begins with a good `pack.yaml`.
    #[must_use]
    pub fn pack() -> Self {
        Self::new().member(Member::new("pack.yaml", super::MANIFEST))
    }

    /// One more entry.
    #[must_use]
    pub fn member(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    /// One more file.
    #[must_use]
    pub fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.member(Member::new(name, content))
    }

    /// The same with a change.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let mut out = self.prefix;
        let mut directory = Vec::new();
        let mut listed = 0_u16;
        for member in &self.members {
            out.extend(&member.before);
            let offset = member.offset.unwrap_or(length(&out));
            out.extend(member.local.signature.to_le_bytes());
            out.extend(20_u16.to_le_bytes());
            put_record(&mut out, &member.local);
            out.extend(&member.local.name);
            out.extend(&member.local.extra);
            out.extend(&member.data);
            out.extend(&member.after);
            if member.is_listed {
                listed += 1;
                put_central(&mut directory, member, offset);
            }
        }
        out.extend(self.gap);
        let start = length(&out);
        out.extend(&directory);
        put_end(&mut out, &self.end, listed, length(&directory), start);
        out.extend(self.suffix);
        out
    }
}

fn put_record(out: &mut Vec<u8>, record: &Record) {
    out.extend([record.flags, record.method].map(u16::to_le_bytes).concat());
    // 1 January 1980
    out.extend([0, 0, 0x21, 0]);
    out.extend(
        [record.crc, record.packed, record.size]
            .map(u32::to_le_bytes)
            .concat(),
    );
    out.extend(short(&record.name).to_le_bytes());
    out.extend(short(&record.extra).to_le_bytes());
}

fn put_central(out: &mut Vec<u8>, member: &Member, offset: u32) {
    out.extend(member.central.signature.to_le_bytes());
    out.extend([member.made_by, 20].map(u16::to_le_bytes).concat());
    put_record(out, &member.central);
    let numbers = [short(&member.comment), member.disk, 0];
    out.extend(numbers.map(u16::to_le_bytes).concat());
    out.extend([member.external, offset].map(u32::to_le_bytes).concat());
    out.extend(&member.central.name);
    out.extend(&member.central.extra);
    out.extend(&member.comment);
}

fn put_end(out: &mut Vec<u8>, end: &End, count: u16, size: u32, start: u32) {
    if let Some(wide) = &end.wide {
        let at = wide.at.unwrap_or(out.len() as u64);
        let count = wide.count.unwrap_or(count.into());
        out.extend(signature::END64.to_le_bytes());
        out.extend(wide.length.unwrap_or(44).to_le_bytes());
        out.extend([45, 3, 45, 0]);
        out.extend([0; 8]);
        let (size, start) = (
            wide.size.unwrap_or(size.into()),
            wide.start.unwrap_or(start.into()),
        );
        out.extend([count, count, size, start].map(u64::to_le_bytes).concat());
        out.extend(signature::LOCATOR64.to_le_bytes());
        out.extend(0_u32.to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend(wide.disks.unwrap_or(1).to_le_bytes());
    }
    let count = end.count.unwrap_or(count);
    let counts = [end.disk, end.disk, end.count_here.unwrap_or(count), count];
    out.extend(signature::END.to_le_bytes());
    out.extend(counts.map(u16::to_le_bytes).concat());
    out.extend(end.size.unwrap_or(size).to_le_bytes());
    out.extend(end.start.unwrap_or(start).to_le_bytes());
    out.extend(
        end.comment_length
            .unwrap_or(short(&end.comment))
            .to_le_bytes(),
    );
    out.extend(&end.comment);
}

/// One extra field.
#[must_use]
pub fn extra(id: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [&id.to_le_bytes(), &short(body).to_le_bytes(), body].concat()
}

/// Raw deflate.
#[must_use]
pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// CRC-32.
#[must_use]
pub fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn length(bytes: &[u8]) -> u32 {
    bytes.len().try_into().unwrap()
}

fn short(bytes: &[u8]) -> u16 {
    bytes.len().try_into().unwrap()
}
