//! Small parts of zip records: little-endian numbers and extra fields.

/// A field of an older record whose value is in the zip64 one.
pub(super) const ELSEWHERE: u32 = u32::MAX;

/// Takes numbers off the front of a record. The caller made sure that it is long enough.
pub(super) struct Numbers<'a>(pub &'a [u8]);

impl Numbers<'_> {
    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (number, rest) = self
            .0
            .split_first_chunk::<N>()
            .expect("the record was read whole");
        self.0 = rest;
        *number
    }
}

/// The extra fields that packd has to understand to be sure that the others do not matter.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    /// 0x0001: sizes and offset as 64-bit numbers.
    pub zip64: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// Reads the extra fields of an entry whose name in the header is `name`.
    pub(super) fn parse(mut bytes: &'a [u8], name: &[u8]) -> Result<Self, &'static str> {
        const BROKEN: &str = "its extra fields are broken";
        let mut extra = Self::default();
        // tools that align data pad with up to three zeros, which are too short to be a field
        while bytes.len() > 3 || bytes.iter().any(|byte| *byte != 0) {
            let (head, rest) = bytes.split_at_checked(4).ok_or(BROKEN)?;
            let mut head = Numbers(head);
            let (id, length) = (head.u16(), head.u16());
            let (body, rest) = rest.split_at_checked(usize::from(length)).ok_or(BROKEN)?;
            match id {
                0x0001 => match extra.zip64 {
                    None => extra.zip64 = Some(body),
                    Some(_) => return Err("it has two zip64 fields"),
                },
                // the name once more, as Unicode, which some readers prefer
                0x7075 if body.get(5..) != Some(name) => {
                    return Err("it has a second name that differs from the first");
                }
                0x9901 => return Err("it is encrypted with AES"),
                0x0017 => return Err("it is encrypted"),
                _ => {}
            }
            bytes = rest;
        }
        Ok(extra)
    }
}
