//! Bytes of zip archives that belong to no entry or to two, and ends that lie.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind;

use super::zip::{Member, Wide, Zip, signature};
use super::{Bytes, MANIFEST, Table, gzip};

pub(super) fn add(table: &mut Table) {
    hidden(table);
    ends(table);
}

fn two() -> Zip {
    Zip::pack().file("f", "x")
}

fn evil() -> Vec<u8> {
    Zip::new()
        .file("pack.yaml", "ref: evil\nversion: 6.6.6\n")
        .bytes()
}

/// What one program shows and another does not.
fn hidden(table: &mut Table) {
    let elsewhere = "its directory is not where its end says";
    let rows = [
        (
            "z20",
            "another archive in the comment",
            two().with(|zip| zip.end.comment = evil()),
            "comment",
        ),
        (
            "z20-signature",
            "an end in the comment",
            two().with(|zip| zip.end.comment = b"PK\x05\x06".to_vec()),
            "comment",
        ),
        (
            "z21a",
            "something before the archive",
            two().with(|zip| zip.prefix = b"PK\x03\x04stub".to_vec()),
            "before its first entry",
        ),
        (
            "z21a-archive",
            "an archive before the archive",
            two().with(|zip| zip.prefix = evil()),
            "before its first entry",
        ),
        (
            "z21a-shifted",
            "a program before an archive that does not count it",
            two().with(|zip| {
                zip.prefix = b"PK\x03\x04stub".to_vec();
                zip.end.start = Some(0);
            }),
            elsewhere,
        ),
        (
            "z21b",
            "something behind the archive",
            two().with(|zip| zip.suffix = b"tail".to_vec()),
            "does not end",
        ),
        (
            "z21b-newline",
            "a newline behind the archive",
            two().with(|zip| zip.suffix = b"\n".to_vec()),
            "does not end",
        ),
        (
            "z21c",
            "an archive behind the archive",
            two().with(|zip| zip.suffix = evil()),
            elsewhere,
        ),
        (
            "z20-short",
            "a comment that is longer than it says",
            two().with(|zip| {
                zip.end.comment = b"comment".to_vec();
                zip.end.comment_length = Some(3);
            }),
            "does not end",
        ),
        (
            "z20-long",
            "a comment that is shorter than it says",
            two().with(|zip| zip.end.comment_length = Some(9)),
            "does not end",
        ),
        (
            "z34",
            "an entry that the directory does not have",
            two().with(|zip| zip.members[1].is_listed = false),
            "`pack.yaml`",
        ),
        (
            "z34-first",
            "a first entry that the directory does not have",
            two().with(|zip| zip.members[0].is_listed = false),
            "before its first entry",
        ),
        (
            "z34-gap",
            "something before an entry",
            two().with(|zip| zip.members[1].before = b"gap".to_vec()),
            "`pack.yaml`",
        ),
        (
            "z34-last",
            "something before the directory",
            two().with(|zip| zip.gap = b"gap".to_vec()),
            "`f`",
        ),
        (
            "z34-directory",
            "a second directory before the directory",
            {
                let other = Zip::pack().file("f", "x").bytes();
                let from = other
                    .windows(4)
                    .position(|four| four == signature::CENTRAL.to_le_bytes())
                    .unwrap();
                two().with(|zip| zip.gap = other[from..].to_vec())
            },
            "`f`",
        ),
        (
            "z34-signature",
            "a signature in the directory",
            two().with(|zip| {
                zip.members[1].comment = b"PK\x05\x05\x04\0sign".to_vec();
                zip.end.size = Some(0);
            }),
            elsewhere,
        ),
        (
            "z34-record",
            "no record in the directory",
            two().with(|zip| zip.members[1].central.signature ^= 1),
            "fewer entries",
        ),
    ];
    for (id, what, zip, says) in rows {
        table.broken_zip(id, what, zip, says);
    }
    let nested = two().member(Member::stored("inner.zip", evil()));
    let start = nested
        .clone()
        .bytes()
        .windows(4)
        .position(|four| four == signature::CENTRAL.to_le_bytes());
    let into = u32::try_from(start.unwrap()).unwrap();
    let zip = nested.with(|zip| zip.end.start = Some(into));
    table.broken_zip(
        "z21-nested",
        "the directory of an archive within",
        zip,
        elsewhere,
    );
    let stub = two().with(|zip| zip.prefix = b"#!/bin/sh\nexit\n".to_vec());
    let says = "looks like".to_owned();
    let bytes = Bytes::Exact(stub.bytes());
    table.row(
        "z21a-program",
        "a program before the archive",
        bytes,
        ErrorKind::UnsupportedArchive,
        says,
    );
    let tar = super::tar::Tar::new().file("pack.yaml", MANIFEST).end();
    let both = Zip::pack().with(|zip| zip.prefix = gzip(&tar));
    table.broken_zip(
        "z39",
        "a tar archive, and a zip archive behind it",
        both,
        "compressed data",
    );
}

fn ends(table: &mut Table) {
    let rows = [
        (
            "z19",
            "an end with fewer entries",
            two().with(|zip| zip.end.count = Some(1)),
            "more entries",
        ),
        (
            "z19-more",
            "an end with more entries",
            two().with(|zip| zip.end.count = Some(3)),
            "fewer entries",
        ),
        (
            "z19-none",
            "an end without entries",
            two().with(|zip| zip.end.count = Some(0)),
            "more entries",
        ),
        (
            "z19-two",
            "two numbers of entries",
            two().with(|zip| zip.end.count_here = Some(1)),
            "two numbers",
        ),
        ("z31", "no entries", Zip::new(), "no members"),
        (
            "z33",
            "a part of a split archive",
            two().with(|zip| zip.end.disk = 1),
            "split",
        ),
        (
            "z33-most",
            "a part that is elsewhere, and nowhere",
            two().with(|zip| zip.end.disk = u16::MAX),
            "split",
        ),
        (
            "z35-size",
            "a directory of another length",
            two().with(|zip| zip.end.size = Some(46)),
            "not where",
        ),
        (
            "z35-start",
            "a directory at another place",
            two().with(|zip| zip.end.start = Some(0)),
            "not where",
        ),
        (
            "z35-far",
            "a directory behind the end",
            two().with(|zip| zip.end.start = Some(u32::MAX - 1)),
            "not where",
        ),
        (
            "z35-most",
            "a directory that is elsewhere, and nowhere",
            two().with(|zip| zip.end.start = Some(u32::MAX)),
            "not where",
        ),
    ];
    for (id, what, zip, says) in rows {
        table.broken_zip(id, what, zip, says);
    }
    let wide: [(&str, &str, Wide, &str); 8] = [
        (
            "z17-count",
            "a wide end with another number",
            Wide {
                count: Some(1),
                ..Wide::default()
            },
            "ends disagree",
        ),
        (
            "z17-start",
            "a wide end with another place",
            Wide {
                start: Some(0),
                ..Wide::default()
            },
            "ends disagree",
        ),
        (
            "z17-size",
            "a wide end with another length",
            Wide {
                size: Some(46),
                ..Wide::default()
            },
            "ends disagree",
        ),
        (
            "z17-at",
            "a wide end that is elsewhere",
            Wide {
                at: Some(0),
                ..Wide::default()
            },
            "zip64 end",
        ),
        (
            "z17-far",
            "a wide end behind the end",
            Wide {
                at: Some(u64::MAX),
                ..Wide::default()
            },
            "zip64 end",
        ),
        (
            "z17-length",
            "a wide end that is longer",
            Wide {
                length: Some(1 << 40),
                ..Wide::default()
            },
            "zip64 end",
        ),
        (
            "z17-disks",
            "a wide end of many parts",
            Wide {
                disks: Some(2),
                ..Wide::default()
            },
            "split",
        ),
        (
            "z17-huge",
            "a wide end with 2^64-1 entries",
            Wide {
                count: Some(u64::MAX),
                ..Wide::default()
            },
            "ends disagree",
        ),
    ];
    for (id, what, wide, says) in wide {
        table.broken_zip(id, what, two().with(|zip| zip.end.wide = Some(wide)), says);
    }
    let only = |wide: Wide| {
        two().with(|zip| {
            zip.end.size = Some(u32::MAX);
            zip.end.start = Some(u32::MAX);
            zip.end.count = Some(u16::MAX);
            zip.end.wide = Some(wide);
        })
    };
    let far = only(Wide {
        start: Some(u64::MAX - 3),
        size: Some(7),
        ..Wide::default()
    });
    table.broken_zip(
        "z17-wraps",
        "a wide end whose sum is beyond 64 bits",
        far,
        "not where",
    );
    let fewer = only(Wide {
        count: Some(1),
        ..Wide::default()
    });
    table.broken_zip(
        "z17-fewer",
        "a wide end with fewer entries",
        fewer,
        "more entries",
    );
}
