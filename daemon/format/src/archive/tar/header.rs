//! One tar header block: 512 bytes, of which only what every reader understands alike is accepted.
//!
//! The layout is POSIX.1-2001 `ustar` and GNU's variant of it (`tar.h` of GNU tar); headers from before both (v7), which
//! have no magic, are read too.

pub(super) const BLOCK: usize = 512;

/// One block.
pub(super) type Block = [u8; BLOCK];

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Dir,
    Symlink,
    /// Records for the next member.
    Pax,
    /// Records for all members that follow.
    PaxGlobal,
    /// The name of the next member.
    GnuName,
    /// The link target of the next member.
    GnuLink,
    /// Something that no pack may have, or that is not known.
    Refused(&'static str),
}

#[derive(Debug)]
pub(super) struct Header {
    pub kind: Kind,
    /// The name as bytes, a prefix included.
    pub name: Vec<u8>,
    pub link: Vec<u8>,
    pub size: u64,
    pub executable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    V7,
    Ustar,
    Gnu,
}

impl Header {
    pub(super) fn parse(block: &Block) -> Result<Self, &'static str> {
        if !checksum_is_right(block) {
            return Err("the checksum of a header is wrong");
        }
        let dialect = match &block[257..265] {
            b"ustar\x0000" => Dialect::Ustar,
            b"ustar  \0" => Dialect::Gnu,
            [0, 0, 0, 0, 0, 0, 0, 0] => Dialect::V7,
            _ => return Err("a header is of an unknown dialect"),
        };
        let kind = match block[156] {
            b'0' | 0 => Kind::File,
            b'5' => Kind::Dir,
            b'2' => Kind::Symlink,
            b'x' if dialect == Dialect::Ustar => Kind::Pax,
            b'g' if dialect == Dialect::Ustar => Kind::PaxGlobal,
            b'L' if dialect != Dialect::V7 => Kind::GnuName,
            b'K' if dialect != Dialect::V7 => Kind::GnuLink,
            b'1' => Kind::Refused("it is a hard link"),
            b'3' => Kind::Refused("it is a character device"),
            b'4' => Kind::Refused("it is a block device"),
            b'6' => Kind::Refused("it is a named pipe"),
            b'7' => Kind::Refused("it is a contiguous file"),
            b'S' => Kind::Refused("it is a sparse file"),
            b'M' => Kind::Refused("it continues a file of another volume"),
            b'V' => Kind::Refused("it is a volume label"),
            b'D' => Kind::Refused("it is a dump of a folder"),
            b'N' => Kind::Refused("it is a list of long names in an old form"),
            _ => Kind::Refused("it is of an unknown type"),
        };
        if dialect == Dialect::V7 && !is_old_rest(&block[265..]) {
            return Err("an old header has data where none belongs");
        }
        let is_known = !matches!(kind, Kind::Refused(_));
        if is_known && dialect == Dialect::Gnu && !is_gnu_rest(&block[345..]) {
            return Err("a GNU header has data where none belongs");
        }
        let mut name = whole_text(&block[..100])
            .ok_or("a header has more of a name behind a NUL")?
            .to_vec();
        if dialect == Dialect::Ustar {
            let prefix = text(&block[345..500]);
            if !prefix.is_empty() {
                let mut whole = prefix.to_vec();
                whole.push(b'/');
                whole.append(&mut name);
                name = whole;
            }
        }
        Ok(Self {
            kind,
            name,
            link: whole_text(&block[157..257])
                .ok_or("a header has more of a link's target behind a NUL")?
                .to_vec(),
            size: number(&block[124..136]).ok_or("the size in a header is no number")?,
            executable: number(&block[100..108]).ok_or("the mode in a header is no number")?
                & 0o111
                != 0,
        })
    }
}

/// Whether these bytes could be the beginning of a tar archive, an empty one included.
pub(in crate::archive) fn looks_like_tar(start: &[u8]) -> bool {
    match start.first_chunk::<BLOCK>() {
        Some(block) => {
            is_zero(block) || block[257..].starts_with(b"ustar") || checksum_is_right(block)
        }
        None => false,
    }
}

/// The name of the member that a header is of, as far as it can be read: for errors in it. Those before a member have
/// names of their own that tell nobody anything.
pub(super) fn name_of(block: &Block) -> Option<String> {
    if matches!(block[156], b'x' | b'g' | b'L' | b'K') || !checksum_is_right(block) {
        return None;
    }
    let name = String::from_utf8_lossy(text(&block[..100])).into_owned();
    let name = match (&block[257..265], text(&block[345..500])) {
        (b"ustar\x0000", prefix) if !prefix.is_empty() => {
            format!("{}/{name}", String::from_utf8_lossy(prefix))
        }
        _ => name,
    };
    (!name.is_empty()).then_some(name)
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The sum of all bytes, with the checksum's own field read as spaces.
fn checksum_is_right(block: &Block) -> bool {
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                0x20
            } else {
                u64::from(*byte)
            }
        })
        .sum();
    number(&block[148..156]) == Some(sum)
}

/// A field of text: up to the first NUL, or all of it.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The same, if there is nothing behind the NUL that one could read as more of it.
fn whole_text(field: &[u8]) -> Option<&[u8]> {
    let text = text(field);
    is_zero(&field[text.len()..]).then_some(text)
}

/// Whether the end of an old header has nothing but the two numbers of a device, which GNU tar writes there too.
fn is_old_rest(rest: &[u8]) -> bool {
    let (names, rest) = rest.split_at(64);
    let (device, rest) = rest.split_at(16);
    is_zero(names) && is_zero(rest) && are_numbers(device, 8)
}

/// Whether the end of a GNU header has nothing but two times, which an incremental backup has there. Some readers take it
/// for the prefix that POSIX has in this place, and others for a map of a sparse file.
fn is_gnu_rest(rest: &[u8]) -> bool {
    let (times, rest) = rest.split_at(24);
    is_zero(rest) && are_numbers(times, 12)
}

/// Whether fields of this width have a number each, or nothing.
fn are_numbers(fields: &[u8], width: usize) -> bool {
    fields
        .chunks(width)
        .all(|field| is_zero(field) || number(field).is_some())
}

/// A field with a number: octal digits, spaces before and spaces or NULs after them; or, with the highest bit set, a
/// binary number, as GNU writes large ones.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first() {
        return rest.iter().try_fold(0_u64, |value, byte| {
            Some(value.checked_mul(256)? + u64::from(*byte))
        });
    }
    let field = &field[field.iter().position(|byte| *byte != b' ')?..];
    let digits = field
        .iter()
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count();
    let (digits, rest) = field.split_at(digits);
    if digits.is_empty() || rest.iter().any(|byte| !matches!(byte, b' ' | 0)) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        Some(value.checked_mul(8)? + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let table: [(&[u8], Option<u64>); 12] = [
            (b"00000001750\0", Some(0o1750)),
            (b"0000644 ", Some(0o644)),
            (b"  17 \0", Some(0o17)),
            (b"77777777777\0", Some(0o77_777_777_777)),
            (b"777777777777", Some(0o777_777_777_777)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(1 << 33)),
            (
                b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
                Some(u64::MAX),
            ),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
            (b"0000000001x\0", None),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", None),
            (b"000 0000012\0", None),
        ];
        for (field, value) in table {
            assert_eq!(number(field), value, "for {field:?}");
        }
    }
}
