//! PAX records and long names that are wrong, or that programs read differently.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind;

use super::tar::{GNU, Header, Tar, USTAR, field, pax_records};
use super::tar_headers::smuggled;
use super::{Bytes, Table, quoted};

pub(super) fn add(table: &mut Table) {
    extensions(table);
    records(table);
}

/// Extension headers in an order, a number or a mix that programs take differently.
fn extensions(table: &mut Table) {
    let pax = |tar: Tar| tar.pax(&[("path", "by-pax")]);
    let long = |tar: Tar| tar.long(b'L', "by-gnu");
    let comment = [("comment", "x")];
    let rows: [(&str, &str, Tar, &str); 14] = [
        (
            "t23",
            "PAX, then a long name",
            long(Tar::pack().pax(&comment)).file("f", ""),
            "f",
        ),
        (
            "t24",
            "two names, of PAX and GNU",
            pax(long(Tar::pack())).file("f", ""),
            "f",
        ),
        (
            "t24-other",
            "two names, of GNU and PAX",
            long(pax(Tar::pack())).file("f", ""),
            "f",
        ),
        (
            "t24-target",
            "a target of GNU, and a name of PAX",
            pax(Tar::pack().long(b'K', "pack.yaml")).link("l", "x"),
            "l",
        ),
        (
            "t24-two",
            "two long names",
            long(long(Tar::pack())).file("f", ""),
            "f",
        ),
        (
            "t24-targets",
            "two long targets",
            Tar::pack().long(b'K', "a").long(b'K', "b").link("l", "x"),
            "l",
        ),
        (
            "t28b-two",
            "two PAX headers for one member",
            pax(pax(Tar::pack())).file("f", ""),
            "f",
        ),
        (
            "t29a",
            "one name for all members",
            Tar::pack().global(&[("path", "../outside")]).file("f", ""),
            "pack.yaml",
        ),
        (
            "t29b",
            "one size for all members",
            Tar::pack().global(&[("size", "512")]).file("f", smuggled()),
            "pack.yaml",
        ),
        (
            "t29-target",
            "one target for all links",
            Tar::pack()
                .global(&[("linkpath", "/etc/passwd")])
                .link("l", "pack.yaml"),
            "pack.yaml",
        ),
        (
            "t29-charset",
            "another character set for all names",
            Tar::pack()
                .global(&[("hdrcharset", "BINARY")])
                .file("f", ""),
            "pack.yaml",
        ),
        (
            "t29-two",
            "two global headers",
            Tar::pack().global(&comment).global(&comment).file("f", ""),
            "pack.yaml",
        ),
        (
            "t29-between",
            "a global header between a name and its member",
            pax(Tar::pack()).global(&comment).file("f", ""),
            "by-pax",
        ),
        (
            "t63",
            "a name without a member",
            pax(Tar::pack()),
            "pack.yaml",
        ),
    ];
    for (id, what, tar, entry) in rows {
        table.bad_tar(id, what, tar, entry);
    }
    let tar = Tar::pack().long(b'L', "x");
    table.bad_tar("t63-long", "a long name without a member", tar, "pack.yaml");
    let stacked = (0..20_000).fold(Tar::pack(), |tar, _| tar.pax(&[("comment", "x")]));
    let bytes = Bytes::Tar(stacked.file("f", "").end());
    table.row(
        "t28b",
        "20,000 PAX headers for one member",
        bytes,
        ErrorKind::InvalidArchive,
        quoted("pack.yaml"),
    );
    for (id, what, kind, magic) in [
        ("t27", "a long name of 1 GiB", b'L', GNU),
        ("t27-target", "a long target of 1 GiB", b'K', GNU),
        ("t28", "PAX records of 1 GiB", b'x', USTAR),
        ("t28-global", "global records of 1 GiB", b'g', USTAR),
    ] {
        let header = Header::new("x", kind)
            .set(field::MAGIC, magic)
            .size(1 << 30);
        let bytes = Bytes::Tar(Tar::pack().entry(header, "cut").end());
        table.row(
            id,
            what,
            bytes,
            ErrorKind::LimitExceeded,
            quoted("pack.yaml"),
        );
    }
    let many = (0..40).fold(Tar::pack(), |tar, number| {
        tar.pax(&[("comment", &"c".repeat(60_000))])
            .file(format!("f{number}"), "")
    });
    let bytes = Bytes::Tar(many.end());
    table.row(
        "t28-many",
        "2 MiB of PAX records",
        bytes,
        ErrorKind::LimitExceeded,
        quoted("f17"),
    );
}

/// PAX records that are not as they should be.
fn records(table: &mut Table) {
    let rows: [(&str, &str, &[u8]); 15] = [
        (
            "t30a",
            "a record that is longer than it is",
            b"99 path=../x\n",
        ),
        (
            "t30a-short",
            "a record that is shorter than it is",
            b"6 path=../x\n",
        ),
        ("t30a-zero", "a record of no length", b"0 path=../x\n"),
        ("t30a-none", "a record without a length", b"path=../x\n"),
        ("t30a-sign", "a length with a sign", b"+13 path=../x\n"),
        (
            "t30a-zeros",
            "a length with zeros in front",
            b"0013 path=../x\n",
        ),
        (
            "t30a-huge",
            "a length beyond 64 bits",
            b"99999999999999999999 path=x\n",
        ),
        ("t30b", "a record without an end", b"10 path=x "),
        ("t30b-equals", "a record without a value", b"9 pathxx\n"),
        ("t30b-key", "a record without a key", b"5 =x\n"),
        ("t30c", "a name that is no text", b"10 path=\xff\n"),
        ("t30c-key", "a key that is no text", b"7 p\xff=x\n"),
        ("t30-rest", "zeros behind the records", b"10 path=x\n\0\0\0"),
        ("t30-tab", "a tab for the space", b"10\tpath=x\n"),
        ("t30-two", "two names", b"9 path=a\n9 path=b\n"),
    ];
    for (id, what, body) in rows {
        let tar = Tar::pack().pax_bytes(body).file("f", "");
        table.bad_tar(id, what, tar, "f");
    }
    for (id, what, key, value) in [
        (
            "t32a",
            "a sparse file of 1 EiB",
            "GNU.sparse.realsize",
            "1152921504606846976",
        ),
        (
            "t32a-major",
            "a sparse file by its version",
            "GNU.sparse.major",
            "1",
        ),
        (
            "t32a-map",
            "a map of a sparse file",
            "GNU.sparse.map",
            "0,1,1099511627776,1",
        ),
        (
            "t32b",
            "the name of a sparse file",
            "GNU.sparse.name",
            "../outside",
        ),
        (
            "t32-star",
            "a sparse file of star's",
            "SCHILY.realsize",
            "1099511627776",
        ),
        (
            "t32-type",
            "another type by star",
            "SCHILY.filetype",
            "hardlink",
        ),
        (
            "t30-charset",
            "another character set",
            "hdrcharset",
            "BINARY",
        ),
        (
            "t30-unknown",
            "a key that nobody knows",
            "path2",
            "../outside",
        ),
        ("t30-case", "a key in capitals", "PATH", "../outside"),
        (
            "t30-dump",
            "a folder as GNU dumps it",
            "GNU.dumpdir",
            "Yf\0",
        ),
        ("t30-volume", "a label of a volume", "GNU.volume.label", "x"),
        ("t30-inside", "a key with a space", "path ", "../outside"),
    ] {
        let tar = Tar::pack().pax(&[(key, value)]).file("f", "");
        table.bad_tar(id, what, tar, "f");
    }
    let hidden = [
        pax_records(&[("comment", "x\n13 path=../x")]),
        b"9 path=a\n".to_vec(),
    ]
    .concat();
    let tar = Tar::pack()
        .pax_bytes([&hidden[..], b"9 path=b\n"].concat())
        .file("f", "");
    table.bad_tar(
        "t30-nested",
        "a record in the value of another, then two names",
        tar,
        "f",
    );
}
