//! Writes tar archives that may lie in every field.

use std::ops::Range;

/// Bytes of a header, and what bodies are filled up to.
pub const BLOCK: usize = 512;

/// Where the fields of a header lie (POSIX.1-2001, pax, "ustar Interchange Format").
pub mod field {
    use std::ops::Range;

    /// The name.
    pub const NAME: Range<usize> = 0..100;
    /// The permissions.
    pub const MODE: Range<usize> = 100..108;
    /// The length of the body.
    pub const SIZE: Range<usize> = 124..136;
    /// The time of the last change.
    pub const MTIME: Range<usize> = 136..148;
    /// The sum of all bytes.
    pub const CHECKSUM: Range<usize> = 148..156;
    /// What it is.
    pub const KIND: Range<usize> = 156..157;
    /// Where a link leads.
    pub const LINK: Range<usize> = 157..257;
    /// Magic and version.
    pub const MAGIC: Range<usize> = 257..265;
    /// The folder that the name is in; times and more in GNU's dialect.
    pub const PREFIX: Range<usize> = 345..500;
    /// Belongs to no field.
    pub const REST: Range<usize> = 500..512;
}

/// Magic and version as POSIX has them.
pub const USTAR: [u8; 8] = *b"ustar\x0000";
/// Magic and version as GNU tar has them.
pub const GNU: [u8; 8] = *b"ustar  \0";

/// A header of which each field can be set to anything.
#[derive(Debug, Clone)]
pub struct Header {
    block: [u8; BLOCK],
    is_sealed: bool,
}

impl Header {
    /// A header as everybody writes it, of an empty body.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>, kind: u8) -> Self {
        let header = Self {
            block: [0; BLOCK],
            is_sealed: true,
        };
        header
            .set(field::NAME, name)
            .set(field::MODE, "0000644\0")
            .set(108..116, "0000000\0")
            .set(116..124, "0000000\0")
            .set(field::MTIME, "00000000000\0")
            .set(field::KIND, [kind])
            .set(field::MAGIC, USTAR)
            .size(0)
    }

    /// One field, filled up with NULs.
    #[must_use]
    pub fn set(mut self, field: Range<usize>, value: impl AsRef<[u8]>) -> Self {
        let (value, field) = (value.as_ref(), &mut self.block[field]);
        field.fill(0);
        field[..value.len()].copy_from_slice(value);
        self
    }

    /// The size that is stated.
    #[must_use]
    pub fn size(self, size: u64) -> Self {
        self.set(field::SIZE, format!("{size:011o}\0"))
    }

    /// The permissions, with all their bits.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        self.set(field::MODE, format!("{mode:07o}\0"))
    }

    /// Leaves the checksum as it was set.
    #[must_use]
    pub fn unsealed(mut self) -> Self {
        self.is_sealed = false;
        self
    }

    /// Makes the checksum that of bytes with a sign, as some old programs did.
    #[must_use]
    pub fn signed(mut self) -> Self {
        seal(&mut self.block);
        let unsigned = self.block[field::CHECKSUM].to_vec();
        let large = self.block.iter().filter(|byte| **byte > 127).count();
        let sum = u64::from_str_radix(std::str::from_utf8(&unsigned[..6]).unwrap(), 8).unwrap();
        let sum = sum - 256 * large as u64;
        self.set(field::CHECKSUM, format!("{sum:06o}\0 "))
            .unsealed()
    }

    fn bytes(mut self) -> [u8; BLOCK] {
        if self.is_sealed {
            seal(&mut self.block);
        }
        self.block
    }
}

/// Makes the checksum of a header right.
pub fn seal(header: &mut [u8]) {
    header[field::CHECKSUM].fill(b' ');
    let sum: u64 = header[..BLOCK].iter().map(|byte| u64::from(*byte)).sum();
    header[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// An archive under construction.
#[derive(Debug, Clone, Default)]
pub struct Tar {
    bytes: Vec<u8>,
    /// Where the header of each member ends, and the member's name.
    members: Vec<(usize, String)>,
}

impl Tar {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An archive that begins with a good `pack.yaml`.
    #[must_use]
    pub fn pack() -> Self {
        Self::new().file("pack.yaml", super::MANIFEST)
    }

    /// Any header before any body, which is filled up to a block.
    #[must_use]
    pub fn entry(mut self, header: Header, body: impl AsRef<[u8]>) -> Self {
        let name = header.block[field::NAME].split(|byte| *byte == 0).next();
        let name = String::from_utf8_lossy(name.unwrap()).into_owned();
        self.bytes.extend(header.bytes());
        self.members.push((self.bytes.len(), name));
        self.bytes.extend(body.as_ref());
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// A member that states the size of its body.
    #[must_use]
    pub fn member(self, name: impl AsRef<[u8]>, kind: u8, body: impl AsRef<[u8]>) -> Self {
        let size = body.as_ref().len() as u64;
        self.entry(Header::new(name, kind).size(size), body)
    }

    /// A regular file.
    #[must_use]
    pub fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.member(name, b'0', content)
    }

    /// A folder.
    #[must_use]
    pub fn folder(self, name: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(name, b'5').mode(0o755), "")
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(name, b'2').set(field::LINK, target), "")
    }

    /// A hard link.
    #[must_use]
    pub fn hard_link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(name, b'1').set(field::LINK, target), "")
    }

    /// PAX records for the next member.
    #[must_use]
    pub fn pax(self, records: &[(&str, &str)]) -> Self {
        self.pax_bytes(pax_records(records))
    }

    /// What stands where PAX records for the next member should.
    #[must_use]
    pub fn pax_bytes(self, body: impl AsRef<[u8]>) -> Self {
        self.extension("PaxHeaders/0", b'x', USTAR, body)
    }

    /// PAX records for all members.
    #[must_use]
    pub fn global(self, records: &[(&str, &str)]) -> Self {
        self.extension("pax_global_header", b'g', USTAR, pax_records(records))
    }

    /// A GNU header for the name (`L`) or the target (`K`) of the next member.
    #[must_use]
    pub fn long(self, kind: u8, text: impl AsRef<[u8]>) -> Self {
        let body = [text.as_ref(), &[0]].concat();
        self.extension("././@LongLink", kind, GNU, body)
    }

    fn extension(mut self, name: &str, kind: u8, magic: [u8; 8], body: impl AsRef<[u8]>) -> Self {
        let size = body.as_ref().len() as u64;
        let header = Header::new(name, kind).set(field::MAGIC, magic).size(size);
        self = self.entry(header, body);
        // no member: errors never name it
        self.members.pop();
        self
    }

    /// The archive as it is so far, without its end.
    #[must_use]
    pub fn endless(self) -> Vec<u8> {
        self.bytes
    }

    /// The archive, ended by two blocks of zeros.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.extend([0; 2 * BLOCK]);
        self.bytes
    }

    /// The member that a reader had begun when the archive ends after this many bytes.
    #[must_use]
    pub fn member_before(&self, end: usize) -> Option<&str> {
        let begun = self.members.iter().rfind(|(header, _)| *header <= end);
        begun.map(|(_, name)| name.as_str())
    }
}

/// PAX records of the form `<length> <key>=<value>\n`, whose length counts itself.
#[must_use]
pub fn pax_records(records: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let digits = (1..9).find(|digits| (rest.len() + digits).to_string().len() == *digits);
        let length = rest.len() + digits.expect("records are no longer than that");
        body.extend(format!("{length}{rest}").bytes());
    }
    body
}
