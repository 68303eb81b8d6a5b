//! Writes tar archives that may be wrong.

/// An archive under construction.
#[derive(Clone, Default)]
pub(super) struct Tar(pub Vec<u8>);

pub(super) type Block = [u8; 512];

/// A POSIX header with a right checksum.
pub(super) fn header(name: impl AsRef<[u8]>, kind: u8, size: u64) -> Block {
    let mut block = [0; 512];
    let name = name.as_ref();
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block
}

/// Makes the checksum right again after a change.
pub(super) fn seal(block: &mut Block) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

impl Tar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Any header, then any body, filled up to a block.
    pub(super) fn raw(mut self, header: &Block, body: impl AsRef<[u8]>) -> Self {
        self.0.extend(header);
        self.0.extend(body.as_ref());
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A header that is changed before its checksum is made.
    pub(super) fn odd(
        self,
        header: &Block,
        body: impl AsRef<[u8]>,
        change: impl FnOnce(&mut Block),
    ) -> Self {
        let mut header = *header;
        change(&mut header);
        seal(&mut header);
        self.raw(&header, body)
    }

    pub(super) fn member(self, name: impl AsRef<[u8]>, kind: u8, body: impl AsRef<[u8]>) -> Self {
        let size = body.as_ref().len() as u64;
        self.raw(&header(name, kind, size), body)
    }

    pub(super) fn file(self, name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Self {
        self.member(name, b'0', body)
    }

    pub(super) fn dir(self, name: impl AsRef<[u8]>) -> Self {
        self.member(name, b'5', "")
    }

    pub(super) fn link(self, name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        self.pointing(name, b'2', target)
    }

    pub(super) fn pointing(
        self,
        name: impl AsRef<[u8]>,
        kind: u8,
        target: impl AsRef<[u8]>,
    ) -> Self {
        let target = target.as_ref();
        self.odd(&header(name, kind, 0), "", |block| {
            block[157..157 + target.len()].copy_from_slice(target);
        })
    }

    pub(super) fn mode(self, name: impl AsRef<[u8]>, kind: u8, mode: u32) -> Self {
        self.odd(&header(name, kind, 0), "", |block| {
            block[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
        })
    }

    /// A PAX header whose records are given as key and value.
    pub(super) fn pax(self, records: &[(&str, &str)]) -> Self {
        let body: Vec<u8> = records
            .iter()
            .flat_map(|(key, value)| record(key, value.as_bytes()))
            .collect();
        self.member("PaxHeaders/x", b'x', body)
    }

    /// A GNU header for the name (`L`) or target (`K`) of the next member.
    pub(super) fn gnu(self, kind: u8, text: impl AsRef<[u8]>) -> Self {
        let mut body = text.as_ref().to_vec();
        body.push(0);
        let mut block = header("././@LongLink", kind, body.len() as u64);
        block[257..265].copy_from_slice(b"ustar  \0");
        seal(&mut block);
        self.raw(&block, body)
    }

    /// The archive with its end mark.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

/// One PAX record, with a length that counts itself.
pub(super) fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend(value);
    record.push(b'\n');
    record
}
