//! Zip archives whose two descriptions disagree, and content that is not as described.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::zip_bytes::{Entry, Header, deflate, entry, extra, one};
use super::*;

#[test]
fn headers_that_disagree() {
    let local =
        |change: &dyn Fn(&mut Header)| one(entry("f").with(|entry| change(&mut entry.local)));
    let differs = damaged("f", "it has another size or checksum in the directory");
    let stray = extra(1, &7_u64.to_le_bytes());
    let full = |zip64: &[u8]| {
        one(entry("f").with(|entry| {
            entry.central.size = u32::MAX;
            entry.central.extra = extra(1, zip64);
        }))
    };
    zips_refused(vec![
        (
            "z07",
            local(&|header| header.name = b"g".to_vec()),
            damaged("f", "it has another name in the directory"),
        ),
        (
            "z07 longer",
            local(&|header| header.name = b"ff".to_vec()),
            damaged("f", "it has another name in the directory"),
        ),
        ("z08", local(&|header| header.size += 1), differs.clone()),
        (
            "z08 packed",
            local(&|header| header.packed += 1),
            differs.clone(),
        ),
        ("z08 crc", local(&|header| header.crc ^= 1), differs.clone()),
        (
            "z08 open",
            local(&|header| (header.crc, header.packed, header.size) = (0, 0, 0)),
            differs.clone(),
        ),
        (
            "method",
            local(&|header| header.method = 0),
            damaged("f", "it has another method in the directory"),
        ),
        (
            "flags",
            local(&|header| header.flags = 2),
            damaged("f", "it has other flags in the directory"),
        ),
        (
            "z09",
            one(entry("f").later().with(|entry| entry.descriptor[5] ^= 1)),
            damaged("f", "its descriptor and the directory disagree"),
        ),
        (
            "z09 signature",
            one(entry("f").later().with(|entry| entry.descriptor[0] ^= 1)),
            damaged("f", "its descriptor has no signature"),
        ),
        (
            "z10",
            one(entry("f").later().with(|entry| entry.descriptor.clear())),
            damaged(
                "f",
                "its descriptor is missing, or there is more than it before the next entry",
            ),
        ),
        (
            "z09 half",
            one(entry("f")
                .later()
                .with(|entry| entry.local.size = entry.central.size + 1)),
            differs.clone(),
        ),
        (
            "wide descriptor",
            one(entry("f").later().with(|entry| {
                let (packed, size) = (
                    u64::from(entry.central.packed),
                    u64::from(entry.central.size),
                );
                entry.descriptor.truncate(8);
                entry
                    .descriptor
                    .extend([packed, size].map(u64::to_le_bytes).concat());
            })),
            damaged("f", "its descriptor and the directory disagree"),
        ),
        ("z17", full(&(1_u64 << 62).to_le_bytes()), differs.clone()),
        (
            "z18",
            one(entry("f").with(|entry| entry.central.extra = stray.clone())),
            damaged("f", "its zip64 field states what is stated already"),
        ),
        (
            "z18 local",
            local(&|header| header.extra = extra(1, &[7; 16])),
            differs.clone(),
        ),
        (
            "z18 local short",
            local(&|header| header.extra = extra(1, &[7; 8])),
            differs,
        ),
        (
            "zip64 short",
            full(&[]),
            damaged("f", "its zip64 field is too short"),
        ),
        (
            "zip64 twice",
            one(entry("f").both(|header| header.extra = [extra(1, &[]), extra(1, &[])].concat())),
            damaged("f", "it has two zip64 fields"),
        ),
        (
            "broken extra",
            one(entry("f").with(|entry| entry.central.extra = vec![1, 0, 9, 0, 0])),
            damaged("f", "its extra fields are broken"),
        ),
        (
            "stored size",
            one(Entry::stored("f", b"content", 0o100_644).both(|header| header.size -= 1)),
            damaged("f", "it is stored as it is, with another size"),
        ),
        (
            "disk",
            one(entry("f").with(|entry| entry.disk = 1)),
            damaged("f", "it lies in another part of a split archive"),
        ),
    ]);
}

#[test]
fn features_that_are_not_read() {
    let flagged = |flags: u16| one(entry("f").both(|header| header.flags |= flags));
    let by = |method: u16| one(entry("f").both(|header| header.method = method));
    zips_refused(vec![
        ("z22", flagged(1), damaged("f", "it is encrypted")),
        (
            "strong",
            flagged(1 << 6 | 1),
            damaged("f", "it is encrypted"),
        ),
        ("masked", flagged(1 << 13), damaged("f", "it is encrypted")),
        (
            "patched",
            flagged(1 << 5),
            damaged("f", "it is a patch of another archive"),
        ),
        (
            "reserved",
            flagged(1 << 4),
            damaged("f", "it has flags that are not known"),
        ),
        ("z23", by(99), damaged("f", "it is encrypted with AES")),
        (
            "z23 extra",
            one(entry("f").both(|header| header.extra = extra(0x9901, &[0; 7]))),
            damaged("f", "it is encrypted with AES"),
        ),
        (
            "z24 bzip2",
            by(12),
            damaged("f", "it is compressed with bzip2; only deflate is read"),
        ),
        (
            "z24 zstd",
            by(93),
            damaged("f", "it is compressed with zstd; only deflate is read"),
        ),
        (
            "z24 unknown",
            by(77),
            damaged("f", "it is compressed with the unknown method 77"),
        ),
    ]);
}

#[test]
fn content_that_is_not_as_stated() {
    let declared = |size: u32| {
        one(Entry::new("f", &vec![0; 100_000], 0o100_644).both(|header| header.size = size))
    };
    let body = |body: Vec<u8>| {
        one(entry("f").with(|entry| {
            let packed = u32::try_from(body.len()).unwrap();
            (entry.local.packed, entry.central.packed) = (packed, packed);
            entry.body = body;
        }))
    };
    zips_refused(vec![
        (
            "z11",
            one(entry("f").both(|header| header.crc ^= 1)),
            damaged("f", "its checksum is wrong"),
        ),
        (
            "z11 stored",
            one(Entry::stored("f", b"x", 0o100_644).both(|header| header.crc ^= 1)),
            damaged("f", "its checksum is wrong"),
        ),
        (
            "z16b",
            declared(10),
            damaged("f", "it is longer than its size says"),
        ),
        (
            "z16b shorter",
            declared(100_001),
            damaged("f", "it is shorter than its size says"),
        ),
        (
            "not deflate",
            body(vec![0xff; 20]),
            damaged("f", "its compressed data is not deflate"),
        ),
        (
            "cut",
            body(deflate(b"content")[..4].to_vec()),
            damaged("f", "its compressed data ends too early"),
        ),
        (
            "empty",
            body(Vec::new()),
            damaged("f", "its compressed data ends too early"),
        ),
        (
            "more",
            body([deflate(b"content"), b"hidden".to_vec()].concat()),
            damaged("f", "there is more after its compressed data"),
        ),
    ]);
}
