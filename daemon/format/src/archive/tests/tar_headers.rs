//! Headers of tar archives that are wrong, or that readers understand differently.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::tar_bytes::{Tar, header, record, seal};
use super::*;

#[test]
fn extension_headers_that_readers_understand_differently() {
    let tar = Tar::new;
    let raw = |body: &[u8]| {
        Tar::new()
            .file("before", "")
            .member("pax", b'x', body)
            .file("f", "x")
    };
    let at_f = |reason: &str| damaged("f", reason);
    let broken = "a record of a PAX header is broken";
    let sizes = "its header and its PAX header state different sizes";
    let mixed = "PAX and GNU headers for one member";
    let unknown = "a key in a PAX header is not known";
    let two_sizes = [record("size", b"1"), record("size", b"2")].concat();
    let global = |key: &str| {
        Tar::new()
            .member("g", b'g', record(key, b"1"))
            .file("f", "x")
    };
    let global_only = "a global PAX header has more than a comment";
    tars_refused(vec![
        (
            "t19",
            tar().pax(&[("path", "../x")]).file("harmless", "x"),
            not("../x", "its name has a component `..`"),
        ),
        (
            "t21",
            tar()
                .pax(&[("size", "512")])
                .raw(&header("f", b'0', 0), [1; 512]),
            damaged("f", sizes),
        ),
        (
            "t22",
            tar().pax(&[("size", "0")]).file("f", [1; 512]),
            damaged("f", sizes),
        ),
        (
            "t22b",
            raw(&two_sizes),
            at_f("a key comes twice in a PAX header"),
        ),
        (
            "t22c",
            raw(&record("size", b"+1")),
            at_f("a size in a PAX header is no number"),
        ),
        (
            "t22c zero",
            raw(&record("size", b"01")),
            at_f("a size in a PAX header is no number"),
        ),
        (
            "t23",
            tar()
                .pax(&[("comment", "x")])
                .gnu(b'L', "long")
                .file("f", "x"),
            damaged("f", mixed),
        ),
        (
            "t24",
            tar()
                .gnu(b'L', "one")
                .pax(&[("path", "two")])
                .file("f", "x"),
            damaged("f", mixed),
        ),
        (
            "t25",
            tar().gnu(b'L', b"one\0two").file("f", "x"),
            damaged("f", "a GNU long name has a NUL in it"),
        ),
        (
            "t25 bytes",
            tar().gnu(b'L', b"\xff").file("f", "x"),
            damaged("f", "a GNU long name is not UTF-8"),
        ),
        (
            "t26 on a file",
            tar().gnu(b'K', "x").file("f", "x"),
            damaged("f", "it has a link target and is no link"),
        ),
        (
            "t28b",
            tar()
                .pax(&[("comment", "1")])
                .pax(&[("comment", "2")])
                .file("f", ""),
            damaged("f", "two PAX headers for one member"),
        ),
        (
            "two L",
            tar().gnu(b'L', "a").gnu(b'L', "b").file("f", ""),
            damaged("f", "two GNU long names for one member"),
        ),
        ("t29a", global("path"), whole(global_only)),
        ("t29b", global("size"), whole(global_only)),
        ("t29 time", global("mtime"), whole(global_only)),
        (
            "two globals",
            tar()
                .member("g", b'g', record("comment", b"1"))
                .member("g", b'g', record("comment", b"1"))
                .file("f", ""),
            whole("it has two global PAX headers"),
        ),
        (
            "global between",
            tar()
                .pax(&[("path", "a")])
                .member("g", b'g', record("comment", b"1"))
                .file("f", ""),
            damaged("a", "an extension header has no member"),
        ),
        ("t30a", raw(b"99 path=x\n"), at_f(broken)),
        ("t30a short", raw(b"6 path=x\n"), at_f(broken)),
        ("t30a zero", raw(b"0 path=x\n"), at_f(broken)),
        ("t30a none", raw(b"path=x\n"), at_f(broken)),
        ("t30b", raw(b"8 path=x"), at_f(broken)),
        ("t30b no equals", raw(b"8 pathx\n"), at_f(broken)),
        ("t30 no key", raw(b"5 =x\n"), at_f(broken)),
        (
            "t30c",
            raw(&record("path", b"\xff")),
            at_f("a record of a PAX header is not UTF-8"),
        ),
        (
            "NUL",
            raw(&record("path", b"a\0b")),
            at_f("a value in a PAX header has a NUL"),
        ),
        (
            "t32a",
            raw(&record("GNU.sparse.major", b"1")),
            at_f(unknown),
        ),
        (
            "t32b",
            raw(&record("GNU.sparse.name", b"../x")),
            at_f(unknown),
        ),
        (
            "star sparse",
            raw(&record("SCHILY.realsize", b"1099511627776")),
            at_f(unknown),
        ),
        (
            "unknown key",
            raw(&record("hdrcharset", b"BINARY")),
            at_f(unknown),
        ),
        (
            "t63",
            tar().file("f", "").pax(&[("path", "x")]),
            whole("an extension header has no member, behind `f`"),
        ),
        (
            "empty path",
            tar().pax(&[("path", "")]).file("f", ""),
            not("", "its name is empty"),
        ),
    ]);
}

#[test]
fn headers_that_are_wrong() {
    let tar = Tar::new;
    let size = |field: &'static [u8; 12]| {
        tar()
            .file("before", "")
            .odd(&header("f", b'0', 0), "", |block| {
                block[124..136].copy_from_slice(field);
            })
    };
    let no_number = "the size in a header is no number";
    let not_a_file = "it has content and is not a file";
    let mut bad_checksum = header("f", b'0', 0);
    bad_checksum[0] = b'g';
    let mut folder_with_prefix = header("x", b'5', 0);
    folder_with_prefix[345..347].copy_from_slice(b"..");
    seal(&mut folder_with_prefix);
    tars_refused(vec![
        (
            "t33a",
            size(b"\x80\0\0\0\x40\0\0\0\0\0\0\0"),
            "the archive has more than 536870912 bytes in one file, at `f`".to_owned(),
        ),
        (
            "t33b",
            size(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            damaged("f", no_number),
        ),
        ("t33c", size(b"0000000009x\0"), damaged("f", no_number)),
        (
            "t33 empty",
            size(b"\0\0\0\0\0\0\0\0\0\0\0\0"),
            damaged("f", no_number),
        ),
        (
            "t34a",
            tar().file("before", "").raw(&bad_checksum, ""),
            whole("the checksum of a header is wrong, behind `before`"),
        ),
        (
            "t34a first",
            tar().raw(&bad_checksum, ""),
            whole("the checksum of a header is wrong"),
        ),
        (
            "t34b",
            tar().odd(&header("f", b'0', 0), "", |block| block[263..265].fill(0)),
            damaged("f", "a header is of an unknown dialect"),
        ),
        (
            "v7 with more",
            tar().odd(&header("f", b'0', 0), "", |block| {
                block[257..265].fill(0);
                block[345] = b'x';
            }),
            damaged("f", "an old header has data where none belongs"),
        ),
        (
            "gnu with more",
            tar().odd(&header("f", b'0', 0), "", |block| {
                block[257..265].copy_from_slice(b"ustar  \0");
                block[345..347].copy_from_slice(b"..");
            }),
            damaged("f", "a GNU header has data where none belongs"),
        ),
        (
            "NUL in a name",
            tar().odd(&header("f", b'0', 0), "", |block| block[2] = b'x'),
            damaged("f", "a header has more of a name behind a NUL"),
        ),
        (
            "NUL in a target",
            tar().odd(&header("f", b'2', 0), "", |block| {
                block[157..160].copy_from_slice(b"a\0b");
            }),
            damaged("f", "a header has more of a link's target behind a NUL"),
        ),
        (
            "mode",
            tar().odd(&header("f", b'0', 0), "", |block| {
                block[100..108].copy_from_slice(b"rw-r--r-");
            }),
            damaged("f", "the mode in a header is no number"),
        ),
        (
            "t04 prefix",
            tar().raw(&folder_with_prefix, ""),
            not("../x", "its name has a component `..`"),
        ),
        (
            "t56",
            tar().file("f/", "x"),
            damaged("f/", "it is a file with the name of a folder"),
        ),
        (
            "t56 old",
            tar().member("f/", 0, ""),
            damaged("f/", "it is a file with the name of a folder"),
        ),
        (
            "t57",
            tar().raw(&header("d/", b'5', 512), [b'x'; 512]),
            damaged("d/", not_a_file),
        ),
        (
            "t59",
            tar().raw(&header("l", b'2', 512), [b'x'; 512]),
            damaged("l", not_a_file),
        ),
        (
            "t59 name",
            tar().link("l/", "x"),
            damaged("l/", "it is a link with the name of a folder"),
        ),
    ]);
}
