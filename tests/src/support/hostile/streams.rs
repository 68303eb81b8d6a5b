//! Archives that end too early or too late, and what is none.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind::{InvalidArchive, LimitExceeded, UnsupportedArchive};

use super::tar::{BLOCK, Tar, pax_records};
use super::zip::Zip;
use super::{Bytes, MANIFEST, Table, gzip, quoted, zstandard};

pub(super) fn add(table: &mut Table) {
    cut(table);
    ends(table);
    others(table);
}

/// Some of everything that a tar archive may have.
pub(super) fn small() -> Tar {
    let long = format!("top/{}", "n".repeat(120));
    Tar::new()
        .global(&[("comment", "f2d5b3a4c1e00000000000000000000000000000")])
        .folder("top/")
        .file("top/pack.yaml", MANIFEST)
        .pax(&[("path", &long), ("mtime", "1700000000.25")])
        .file("renamed", vec![b'x'; 1300])
        .long(b'L', format!("top/{}", "g".repeat(120)))
        .file("renamed", vec![b'y'; 700])
        .link("top/link", "pack.yaml")
}

/// A small archive that ends after each block.
fn cut(table: &mut Table) {
    let tar = small();
    let whole = tar.clone().end();
    for end in (BLOCK..whole.len()).step_by(BLOCK) {
        let names = match tar.member_before(end) {
            // what it is called stands in the extension before it
            Some("renamed") => "`top/".to_owned(),
            Some(name) => quoted(name),
            None => "damaged".to_owned(),
        };
        let id = format!("t35-{:02}", end / BLOCK);
        let bytes = Bytes::Tar(whole[..end].to_vec());
        table.row(
            &id,
            "an archive that is cut off after a block",
            bytes,
            InvalidArchive,
            names,
        );
    }
    for (id, end) in [
        ("t35-byte", BLOCK + 1),
        ("t35-body", 4 * BLOCK + 7),
        ("t35-last", whole.len() - 1),
    ] {
        let bytes = Bytes::Tar(whole[..end].to_vec());
        table.row(
            id,
            "an archive that is cut off within a block",
            bytes,
            InvalidArchive,
            String::new(),
        );
    }
    for (id, packed) in [("s37-gzip", gzip(&whole)), ("s37-zstd", zstandard(&whole))] {
        for end in [4, 11, packed.len() / 2, packed.len() - 8, packed.len() - 1] {
            let bytes = Bytes::Exact(packed[..end].to_vec());
            let id = format!("{id}-{end}");
            table.row(
                &id,
                "a compressed archive that is cut off",
                bytes,
                InvalidArchive,
                "early".to_owned(),
            );
        }
    }
    let zip = Zip::pack().file("f", vec![b'x'; 300]).bytes();
    for end in [4, 30, 45, zip.len() / 2, zip.len() - 22, zip.len() - 1] {
        let bytes = Bytes::Exact(zip[..end].to_vec());
        let says = "does not end as a zip archive does".to_owned();
        table.row(
            &format!("z32-{end}"),
            "a zip archive that is cut off",
            bytes,
            InvalidArchive,
            says,
        );
    }
}

/// Ends that are missing, or are none.
fn ends(table: &mut Table) {
    let whole = |tar: Tar| tar.end();
    let evil = whole(Tar::new().file("pack.yaml", "ref: evil\nversion: 6.6.6\n"));
    let more = "there is more after its end";
    for (id, what, bytes, names) in [
        ("t36", "no end", Tar::pack().endless(), "`pack.yaml`"),
        (
            "t36-one",
            "half an end",
            [Tar::pack().endless(), vec![0; BLOCK]].concat(),
            "`pack.yaml`",
        ),
        (
            "t39b",
            "a second archive behind the end",
            [whole(Tar::pack()), evil].concat(),
            more,
        ),
        (
            "t39c",
            "noise behind the end",
            [whole(Tar::pack()), vec![7; 100]].concat(),
            more,
        ),
        (
            "t39c-late",
            "one byte, long after the end",
            [whole(Tar::pack()), vec![0; 40_000], vec![7]].concat(),
            more,
        ),
        ("t44a", "no members", Tar::new().end(), "it has no members"),
        (
            "t44a-root",
            "only the root",
            Tar::new().folder("./").end(),
            "it has no members",
        ),
        (
            "t44a-global",
            "only a comment",
            Tar::new().global(&[("comment", "x")]).end(),
            "it has no members",
        ),
    ] {
        table.row(
            id,
            what,
            Bytes::Tar(bytes),
            InvalidArchive,
            names.to_owned(),
        );
    }
}

/// What is no archive, whatever it is called.
fn others(table: &mut Table) {
    let page = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>\n";
    let rows: [(&str, &str, Vec<u8>, &str); 13] = [
        ("t40c", "a page", page.to_vec(), "an HTML page"),
        (
            "t40-json",
            "a JSON document",
            b"{\"message\": \"Not Found\"}".to_vec(),
            "a JSON document",
        ),
        (
            "t40-elf",
            "a program",
            b"\x7fELF\x02\x01\x01".to_vec(),
            "a program",
        ),
        ("t40-xz", "xz", b"\xfd7zXZ\0\0\x04".to_vec(), "xz"),
        ("t40-bzip2", "bzip2", b"BZh91AY&SY".to_vec(), "bzip2"),
        (
            "t40-7z",
            "7z",
            b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
            "a 7z archive",
        ),
        (
            "t40-lfs",
            "a pointer of Git LFS",
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "a Git LFS pointer",
        ),
        ("t44b", "nothing", Vec::new(), "an empty file"),
        ("t44b-zeros", "a few zeros", vec![0; 100], "binary data"),
        (
            "t40-page",
            "a page, compressed",
            gzip(&[&page[..], &[b' '; 1000]].concat()),
            "gzip of an HTML page",
        ),
        (
            "t41-nested",
            "gzip in gzip",
            gzip(&gzip(
                &Tar::pack()
                    .file("f", super::super::packs::noise(1, 2000))
                    .end(),
            )),
            "gzip of gzip",
        ),
        (
            "t41-zip",
            "a zip archive in gzip",
            gzip(
                &Zip::pack()
                    .file("f", super::super::packs::noise(1, 2000))
                    .bytes(),
            ),
            "gzip of a zip archive",
        ),
        (
            "t41-zstd",
            "zstd in zstd",
            zstandard(&zstandard(&super::super::packs::noise(1, 2000))),
            "zstd of zstd",
        ),
    ];
    for (id, what, bytes, names) in rows {
        table.row(
            id,
            what,
            Bytes::Exact(bytes),
            UnsupportedArchive,
            names.to_owned(),
        );
    }
    table.row(
        "t44c",
        "gzip of nothing",
        Bytes::Exact(gzip(b"")),
        InvalidArchive,
        "it is empty".to_owned(),
    );
    table.row(
        "t44c-zstd",
        "zstd of nothing",
        Bytes::Exact(zstandard(b"")),
        InvalidArchive,
        "it is empty".to_owned(),
    );
    let bytes = [
        gzip(b"").repeat(1000),
        gzip(&pax_records(&[("x", &"y".repeat(600))])),
    ]
    .concat();
    table.row(
        "s38-empty",
        "a thousand empty members, then words",
        Bytes::Exact(bytes),
        UnsupportedArchive,
        "gzip of text".to_owned(),
    );
    let tar = Tar::pack()
        .pax(&[("path", &"d/".repeat(30_000))])
        .folder("x");
    table.row(
        "t43b",
        "a path of 60,000 bytes",
        Bytes::Tar(tar.end()),
        LimitExceeded,
        "`d/d/".to_owned(),
    );
    let deep = vec!["d"; 2000].join("/");
    let tar = Tar::pack().pax(&[("path", &deep)]).file("x", "");
    table.row(
        "t43",
        "2000 folders in each other",
        Bytes::Tar(tar.end()),
        LimitExceeded,
        "`d/d/".to_owned(),
    );
    let tar = Tar::pack().pax(&[("path", &"d/".repeat(65))]).folder("x");
    table.row(
        "t43-depth",
        "65 folders in each other",
        Bytes::Tar(tar.end()),
        LimitExceeded,
        "`d/d/".to_owned(),
    );
}
