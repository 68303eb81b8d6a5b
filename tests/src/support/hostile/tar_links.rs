//! Links in tar archives that lead out, that are written through, and what is no file at all.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::tar::{Header, Tar, field};
use super::{Table, quoted};
use packd_wire::ErrorKind;

pub(super) fn add(table: &mut Table) {
    symbolic(table);
    hard(table);
    special(table);
}

fn symbolic(table: &mut Table) {
    for (id, what, tar, entry) in [
        (
            "t05",
            "an absolute link",
            Tar::pack().link("out", "/tmp"),
            "out",
        ),
        (
            "t05-write",
            "an absolute link, and a write through it",
            Tar::pack()
                .link("out", "/tmp")
                .file("out/packd-hostile", "x"),
            "out",
        ),
        (
            "t06",
            "a link to the folder above, and a write through it",
            Tar::pack().link("out", "..").file("out/outside", "x"),
            "out/outside",
        ),
        (
            "t06-alone",
            "a link that leads out",
            Tar::pack().link("out", "../outside"),
            "out",
        ),
        (
            "t06-deep",
            "a link that leads out from a folder",
            Tar::pack().folder("a/").link("a/out", "../../outside"),
            "a/out",
        ),
        (
            "t06-round",
            "a link that leads out and back in",
            Tar::pack().folder("a/").link("a/out", "../../dest/a"),
            "a/out",
        ),
        (
            "t06-down",
            "a link that goes down to go up further",
            Tar::pack().folder("a/").link("out", "a/../../outside"),
            "out",
        ),
        (
            "t06-slash",
            "a link to `..` with a slash",
            Tar::pack().link("out", "../"),
            "out",
        ),
        (
            "t07",
            "a chain of links of which each stays inside",
            Tar::pack()
                .folder("a/")
                .folder("b/")
                .link("a/one", "../b")
                .link("two", "a/one/../../outside"),
            "two",
        ),
        (
            "t07-write",
            "a write through a link that stays inside",
            Tar::pack().folder("d/").link("l", "d").file("l/x", "x"),
            "l/x",
        ),
        (
            "t07-late",
            "a link to what becomes a link later",
            Tar::pack().link("b", "a").link("a", "pack.yaml"),
            "b",
        ),
        (
            "t17b",
            "a folder, and a link in its place",
            Tar::pack()
                .file("a/x", "")
                .link("a", "/tmp")
                .file("a/y", "x"),
            "a",
        ),
        (
            "t17b-safe",
            "a folder, and a harmless link in its place",
            Tar::pack().folder("a/").link("a", "pack.yaml"),
            "a",
        ),
        (
            "t17c",
            "a link, and a folder in its place",
            Tar::pack().folder("d/").link("a", "d").folder("a/"),
            "a",
        ),
        (
            "t17-write",
            "a link, and a file in its place",
            Tar::pack().link("a", "pack.yaml").file("a", "x"),
            "a",
        ),
        (
            "t20",
            "a target by PAX that leads out",
            Tar::pack()
                .pax(&[("linkpath", "/etc/passwd")])
                .link("a", "pack.yaml"),
            "a",
        ),
        (
            "t26",
            "a long target that leads out",
            Tar::pack()
                .long(b'K', "../../outside")
                .link("a", "pack.yaml"),
            "a",
        ),
        (
            "t46a",
            "a manifest that is a link to a secret",
            Tar::new().link("pack.yaml", "../../secret"),
            "pack.yaml",
        ),
        ("t60", "a link to nothing", Tar::pack().link("a", ""), "a"),
        (
            "t61",
            "a link to what is not there",
            Tar::pack().link("a", "gone"),
            "a",
        ),
        (
            "t61-case",
            "a link to what is there in other letters",
            Tar::pack().link("a", "Pack.yaml"),
            "a",
        ),
        (
            "t62",
            "two links in a circle",
            Tar::pack().link("a", "b").link("b", "a"),
            "a",
        ),
        (
            "t62-itself",
            "a link to itself",
            Tar::pack().link("a", "a"),
            "a",
        ),
        (
            "t62-root",
            "a folder that contains itself",
            Tar::pack().link("loop", "."),
            "loop",
        ),
        (
            "t62-two",
            "two folders that contain each other",
            Tar::pack()
                .folder("a/")
                .folder("b/")
                .link("a/l", "../b")
                .link("b/l", "../a"),
            "b/l",
        ),
        (
            "t62-deep",
            "a folder that contains itself further down",
            Tar::pack()
                .folder("a/b/c/")
                .link("a/b/c/loop", "../../../a/b"),
            "a/b/c/loop",
        ),
        (
            "t62-through-file",
            "a link that leads through a file",
            Tar::pack().link("a", "pack.yaml/../pack.yaml"),
            "a",
        ),
        (
            "t62-file-slash",
            "a link to a file as if it were a folder",
            Tar::pack().link("a", "pack.yaml/"),
            "a",
        ),
        (
            "t48-target",
            "a target with an escape sequence",
            Tar::pack().link("a", "b\x1b]0;x\x07"),
            "a",
        ),
        (
            "t48-backslash",
            "a target with a backslash",
            Tar::pack().link("a", "..\\b"),
            "a",
        ),
        (
            "t48-direction",
            "a target that turns the direction of writing",
            Tar::pack().link("a", "\u{202e}lmay"),
            "a",
        ),
        (
            "t48-bytes",
            "a target that is no text",
            Tar::pack().link("a", b"\xff\xfe"),
            "a",
        ),
        (
            "t61-slashes",
            "a target with an empty part",
            Tar::pack().file("d/f", "").link("a", "d//f"),
            "a",
        ),
    ] {
        table.unsafe_tar(id, what, tar, entry);
    }
    let tar = Tar::pack().entry(
        Header::new("a", b'2').set(field::LINK, b"pack.yaml\0/etc"),
        "",
    );
    table.bad_tar("t25-link", "more of a target behind its NUL", tar, "a");
    let tar = Tar::pack().link("a/", "pack.yaml");
    table.bad_tar("t59-name", "a link that is called a folder", tar, "a/");
    let tar = Tar::pack().long(b'K', "pack.yaml").file("a", "");
    table.bad_tar("t26-file", "a long target for a file", tar, "a");
    let tar = Tar::pack().pax(&[("linkpath", "pack.yaml")]).folder("a/");
    table.bad_tar("t20-folder", "a target by PAX for a folder", tar, "a/");
    let tar = Tar::pack()
        .folder("a/")
        .long(b'K', "a/../".repeat(100))
        .link("x", "");
    let bytes = super::Bytes::Tar(tar.end());
    table.row(
        "t26-levels",
        "a target of 200 levels",
        bytes,
        ErrorKind::LimitExceeded,
        quoted("x"),
    );
    let tar = Tar::pack().long(b'K', "t".repeat(5000)).link("x", "");
    let bytes = super::Bytes::Tar(tar.end());
    table.row(
        "t26-length",
        "a target of 5000 bytes",
        bytes,
        ErrorKind::LimitExceeded,
        quoted("x"),
    );
}

fn hard(table: &mut Table) {
    for (id, what, target) in [
        ("t08", "a hard link to a file of the system", "/etc/passwd"),
        ("t09", "a hard link that leads out", "../../outside"),
        ("t10-missing", "a hard link to what is not there", "gone"),
        ("t10-inside", "a hard link inside", "pack.yaml"),
        ("t11", "a hard link to itself", "a"),
    ] {
        table.unsafe_tar(id, what, Tar::pack().hard_link("a", target), "a");
    }
    let tar = Tar::pack().link("l", "pack.yaml").hard_link("a", "l");
    table.unsafe_tar("t10", "a hard link through a link", tar, "a");
    let tar = Tar::pack().entry(
        Header::new("a", b'1')
            .set(field::LINK, "pack.yaml")
            .size(512),
        [b'x'; 512],
    );
    table.unsafe_tar("t58", "a hard link with content", tar, "a");
}

fn special(table: &mut Table) {
    for (id, what, kind) in [
        ("t12", "a character device", b'3'),
        ("t12-block", "a block device", b'4'),
        ("t13", "a named pipe", b'6'),
        ("t13-contiguous", "a contiguous file", b'7'),
        ("t31-empty", "a sparse file", b'S'),
        ("t52a", "a type that nobody knows", b'Z'),
        ("t52b", "the rest of a file of another volume", b'M'),
        ("t52c", "a label of a volume", b'V'),
        ("t52-dump", "a dump of a folder", b'D'),
        ("t52-names", "long names in an old form", b'N'),
        ("t52-solaris", "Solaris' own extension", b'X'),
        ("t52-inode", "an inode without content", b'I'),
        ("t52-byte", "a type that is no letter", 0xff),
    ] {
        let device = Header::new("odd", kind)
            .set(329..337, "0000001\0")
            .set(337..345, "0000003\0");
        table.unsafe_tar(id, what, Tar::pack().entry(device, ""), "odd");
    }
    let sparse = Header::new("sparse", b'S')
        .set(field::MAGIC, super::tar::GNU)
        .size(512)
        .set(386..398, "00000000000\0")
        .set(398..410, "00000001000\0")
        .set(483..495, b"\x80\0\0\0\0\0\x01\0\0\0\0\0");
    table.unsafe_tar(
        "t31",
        "a sparse file of 1 TiB",
        Tar::pack().entry(sparse, [b'x'; 512]),
        "sparse",
    );
}
