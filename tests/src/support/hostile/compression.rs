//! What tar archives are compressed in, where it is damaged or has more than one archive in it.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind::{InvalidArchive, LimitExceeded, UnsafeArchive, UnsupportedArchive};

use super::tar::{BLOCK, Tar};
use super::zip::Zip;
use super::{Bytes, Table, gzip, zstandard};

pub(super) fn add(table: &mut Table) {
    gzips(table);
    frames(table);
}

/// One gzip member whose header has these flags, and this behind it.
fn gzip_with(flags: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let plain = gzip(content);
    [
        &[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3],
        fields,
        &plain[10..],
    ]
    .concat()
}

fn gzips(table: &mut Table) {
    let tar = Tar::pack().file("f", vec![b'x'; 5000]).end();
    let good = gzip(&tar);
    let last = good.len() - 1;
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let evil = gzip(
        &Tar::new()
            .file("pack.yaml", "ref: evil\nversion: 6.6.6\n")
            .end(),
    );
    let compressed = "its compressed data is damaged";
    let early = "its compressed data ends too early";
    let rows: [(&str, &str, Vec<u8>, &str); 15] = [
        ("s37b", "a wrong checksum", changed(last - 7), compressed),
        ("s37b-length", "a wrong length", changed(last), compressed),
        ("s37-flip", "a changed bit in the data", changed(60), ""),
        (
            "s38b",
            "another archive in a second member",
            [good.clone(), evil].concat(),
            "more after its end",
        ),
        (
            "s38-cut",
            "half a second member",
            [good.clone(), good[..7].to_vec()].concat(),
            early,
        ),
        (
            "s38-crc",
            "a second, empty member with a wrong checksum",
            {
                let mut empty = gzip(b"");
                let at = empty.len() - 5;
                empty[at] ^= 1;
                [good.clone(), empty].concat()
            },
            compressed,
        ),
        (
            "s39a",
            "garbage behind the stream",
            [good.clone(), b"garbage garbage".to_vec()].concat(),
            compressed,
        ),
        (
            "s39a-zeros",
            "a byte behind zeros behind the stream",
            [good.clone(), vec![0; 512], vec![1]].concat(),
            compressed,
        ),
        (
            "s39a-one",
            "one byte behind the stream",
            [good.clone(), vec![0x1f]].concat(),
            early,
        ),
        (
            "s39a-zip",
            "a zip archive behind the stream",
            [good.clone(), Zip::pack().bytes()].concat(),
            compressed,
        ),
        (
            "s39a-zstd",
            "a zstd frame behind the stream",
            [good.clone(), zstandard(&tar)].concat(),
            compressed,
        ),
        (
            "s38-flags",
            "flags that gzip does not have",
            gzip_with(0xe0, b"", &tar),
            compressed,
        ),
        (
            "s38-header-crc",
            "a header with a wrong checksum",
            gzip_with(2, b"\x12\x34", &tar),
            compressed,
        ),
        (
            "s38-name",
            "a name without an end",
            gzip_with(8, &vec![b'n'; 200_000], &tar),
            compressed,
        ),
        (
            "s38-block",
            "a deflate block of an unknown kind",
            [&good[..10], &[7; 40]].concat(),
            compressed,
        ),
    ];
    for (id, what, bytes, names) in rows {
        table.row(
            id,
            what,
            Bytes::Exact(bytes),
            InvalidArchive,
            names.to_owned(),
        );
    }
    let second = Tar::new()
        .file("pack.yaml", "ref: evil\nversion: 6.6.6\n")
        .endless();
    let bytes = [
        gzip(&tar[..2 * BLOCK]),
        gzip(&second),
        gzip(&tar[2 * BLOCK..]),
    ]
    .concat();
    let what = "another manifest in a member before the end";
    table.row(
        "s38a",
        what,
        Bytes::Exact(bytes),
        UnsafeArchive,
        "`pack.yaml`".to_owned(),
    );
}

/// A zstd frame that is not compressed, with this header behind the magic number.
fn frame(header: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0x28, 0xb5, 0x2f, 0xfd], header].concat();
    let mut pieces = content.chunks(1 << 16).peekable();
    while let Some(piece) = pieces.next() {
        let length = u32::try_from(piece.len()).unwrap();
        let block = length << 3 | u32::from(pieces.peek().is_none());
        bytes.extend(&block.to_le_bytes()[..3]);
        bytes.extend(piece);
    }
    bytes
}

fn frames(table: &mut Table) {
    let tar = Tar::pack().file("f", vec![b'x'; 5000]).end();
    let good = zstandard(&tar);
    let skippable = |body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [b"\x5a\x2a\x4d\x18", &length[..], body].concat()
    };
    let mut changed = good.clone();
    *changed.last_mut().unwrap() ^= 1;
    let wide = [&[0xe0][..], &(1_u64 << 30).to_le_bytes()].concat();
    let length = u64::try_from(tar.len()).unwrap();
    let compressed = "its compressed data is damaged";
    let rows: [(&str, &str, Vec<u8>, &str); 11] = [
        ("s50", "a wrong checksum", changed, compressed),
        (
            "s51",
            "a skippable frame behind the archive",
            [good.clone(), skippable(b"hidden")].concat(),
            compressed,
        ),
        (
            "s51-empty",
            "an empty skippable frame",
            [good.clone(), skippable(b"")].concat(),
            compressed,
        ),
        (
            "s51-huge",
            "a skippable frame of 4 GiB",
            [good.clone(), b"\x50\x2a\x4d\x18\xff\xff\xff\xff".to_vec()].concat(),
            compressed,
        ),
        (
            "s52",
            "another archive in a second frame",
            [good.clone(), good.clone()].concat(),
            "more after its end",
        ),
        (
            "s52-cut",
            "half a magic number",
            [good.clone(), vec![0x28, 0xb5]].concat(),
            "ends too early",
        ),
        (
            "s53",
            "garbage behind the frame",
            [good.clone(), b"garbage".to_vec()].concat(),
            compressed,
        ),
        (
            "s53-zero",
            "a zero behind the frame",
            [good.clone(), vec![0]].concat(),
            compressed,
        ),
        (
            "s53-gzip",
            "gzip behind the frame",
            [good.clone(), gzip(&tar)].concat(),
            compressed,
        ),
        (
            "s55",
            "a frame that needs a dictionary",
            frame(&[0x01, 0x50, 0x07], &tar),
            compressed,
        ),
        (
            "s56",
            "a frame with another length of its content",
            frame(&[&[0xe0][..], &(length + 1).to_le_bytes()].concat(), &tar),
            compressed,
        ),
    ];
    for (id, what, bytes, names) in rows {
        table.row(
            id,
            what,
            Bytes::Exact(bytes),
            InvalidArchive,
            names.to_owned(),
        );
    }
    let windows = [
        (
            "s54",
            "a frame with a window of 1 GiB",
            frame(&[0x00, 0xa0], &tar),
        ),
        (
            "s54-single",
            "a frame that is its own window, of 1 GiB",
            frame(&wide, &tar),
        ),
    ];
    for (id, what, bytes) in windows {
        let names = "window in a zstd frame".to_owned();
        table.row(id, what, Bytes::Exact(bytes), LimitExceeded, names);
    }
    let before = [skippable(b"hidden"), good].concat();
    let says = "skippable frame".to_owned();
    table.row(
        "s51-before",
        "a skippable frame before the archive",
        Bytes::Exact(before),
        UnsupportedArchive,
        says,
    );
}
