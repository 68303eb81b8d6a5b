//! Headers of tar archives that are wrong, or that programs read differently: what one takes for content is the next
//! entry to another.

use packd_wire::ErrorKind;

use super::tar::{BLOCK, GNU, Header, Tar, field};
use super::{Bytes, MANIFEST, Table, quoted};

pub(super) fn add(table: &mut Table) {
    sizes(table);
    fields(table);
    payloads(table);
}

/// A member that only some programs see: it lies where others see content.
pub(super) fn smuggled() -> Vec<u8> {
    Tar::new().file("smuggled.sh", "evil").endless()
}

/// Two sizes for one member.
fn sizes(table: &mut Table) {
    let body = smuggled();
    let hidden = body.len();
    for (id, what, stated, pax) in [
        (
            "t21",
            "content by PAX, and none by the header",
            0,
            hidden.to_string(),
        ),
        (
            "t22",
            "content by the header, and none by PAX",
            hidden,
            "0".to_owned(),
        ),
        (
            "t21-less",
            "less by the header than by PAX",
            512,
            hidden.to_string(),
        ),
        (
            "t22-less",
            "less by PAX than by the header",
            hidden,
            "512".to_owned(),
        ),
    ] {
        let header = Header::new("f", b'0').size(stated as u64);
        let tar = Tar::pack().pax(&[("size", &pax)]).entry(header, &body);
        table.bad_tar(id, what, tar, "f");
    }
    let twice = [("size", "0"), ("size", "1024")];
    let tar = Tar::pack().pax(&twice).member("f", b'0', &body);
    table.bad_tar("t22b", "two sizes by PAX", tar, "f");
    for (id, what, size) in [
        ("t22c", "a size with a sign", "+1024"),
        ("t22c-negative", "a negative size", "-1"),
        ("t22c-octal", "a size with a zero in front", "01024"),
        ("t22c-hex", "a size in hexadecimal", "0x400"),
        ("t22c-space", "a size with a space", " 1024"),
        ("t22c-float", "a size with a fraction", "1024.0"),
        ("t22c-empty", "a size that is empty", ""),
        ("t22c-huge", "a size beyond 64 bits", "18446744073709552640"),
        (
            "t22c-digits",
            "a size in other digits",
            "\u{661}\u{660}\u{662}\u{664}",
        ),
    ] {
        let tar = Tar::pack().pax(&[("size", size)]).member("f", b'0', &body);
        table.bad_tar(id, what, tar, "f");
    }
    let tar = Tar::pack().pax(&[("size", "512")]).folder("d/");
    table.bad_tar("t21-folder", "a folder with a size by PAX", tar, "d/");
    let tar = Tar::pack().pax(&[("size", "512")]).link("l", "pack.yaml");
    table.bad_tar("t21-link", "a link with a size by PAX", tar, "l");
    for (id, what, size) in [
        ("t33a", "a file of 4 EiB", b"\x80\0\0\0\x40\0\0\0\0\0\0\0"),
        (
            "t33a-most",
            "a file of 2^64-1 bytes",
            b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        ("t33a-octal", "a file of 64 GiB, in octal", b"777777777777"),
    ] {
        let tar = Tar::pack().entry(Header::new("f", b'0').set(field::SIZE, size), "");
        table.row(
            id,
            what,
            Bytes::Tar(tar.end()),
            ErrorKind::LimitExceeded,
            quoted("f"),
        );
    }
    for (id, what, size) in [
        (
            "t33b",
            "a size below zero",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ),
        (
            "t33b-wide",
            "a size of 96 bits",
            b"\x80\x01\0\0\0\0\0\0\0\0\0\0",
        ),
        ("t33c", "a size that is no number", b"0000000009x\0"),
        ("t33c-eight", "a size with an eight", b"00000000008\0"),
        ("t33c-minus", "a size with a minus", b"-0000000001\0"),
        ("t33c-inner", "a size with a space within", b"000 0000012\0"),
        ("t33c-none", "no size", b"\0\0\0\0\0\0\0\0\0\0\0\0"),
        (
            "t33c-base64",
            "a size in the digits of old cpio",
            b"0o000001000\0",
        ),
    ] {
        let tar = Tar::pack().entry(Header::new("f", b'0').set(field::SIZE, size), "");
        table.bad_tar(id, what, tar, "f");
    }
}

/// Fields that hold what they should not.
fn fields(table: &mut Table) {
    let file = || Header::new("f", b'0');
    let rows: [(&str, &str, Header); 12] = [
        (
            "t34a",
            "a wrong checksum",
            file().set(field::CHECKSUM, "0000001\0").unsealed(),
        ),
        ("t34a-none", "no checksum", file().unsealed()),
        (
            "t34a-text",
            "a checksum that is no number",
            file().set(field::CHECKSUM, "checksum").unsealed(),
        ),
        (
            "t34b",
            "no version",
            file().set(field::MAGIC, b"ustar\0\0\0"),
        ),
        (
            "t34b-other",
            "a version that does not exist",
            file().set(field::MAGIC, b"ustar\x0099"),
        ),
        (
            "t34b-magic",
            "a magic that nobody knows",
            file().set(field::MAGIC, b"USTAR\x0000"),
        ),
        (
            "t34-mode",
            "a mode in letters",
            file().set(field::MODE, b"rw-r--r-"),
        ),
        (
            "t34-mode-eight",
            "a mode with an eight",
            file().set(field::MODE, b"0000888\0"),
        ),
        (
            "t34-old",
            "an old header with a prefix",
            file().set(field::MAGIC, "").set(field::PREFIX, ".."),
        ),
        (
            "t34-gnu",
            "a GNU header with a prefix",
            file().set(field::MAGIC, GNU).set(field::PREFIX, "../.."),
        ),
        (
            "t34-gnu-map",
            "a GNU header of a file with a map of holes",
            file().set(field::MAGIC, GNU).set(386..398, "00000001000\0"),
        ),
        (
            "t34-pax-old",
            "PAX records in an old header",
            Header::new("f", b'x')
                .set(field::MAGIC, "")
                .set(field::PREFIX, "x"),
        ),
    ];
    for (id, what, header) in rows {
        // nothing in a header is its name while its checksum is wrong, nor is that of PAX records a member's
        let is_named = !id.starts_with("t34a") && id != "t34-pax-old";
        let entry = if is_named { "f" } else { "pack.yaml" };
        table.bad_tar(id, what, Tar::pack().entry(header, ""), entry);
    }
    let first = Header::new("f", b'0')
        .set(field::CHECKSUM, "0000001\0")
        .unsealed();
    let bytes = Bytes::Tar(Tar::new().entry(first, "").end());
    table.row(
        "t34a-first",
        "a wrong checksum at the very beginning",
        bytes,
        ErrorKind::InvalidArchive,
        "checksum".to_owned(),
    );
}

/// Content where none may be: programs that skip it see files in it, or do not.
fn payloads(table: &mut Table) {
    let hidden = smuggled();
    let with = |header: Header| Tar::pack().entry(header.size(hidden.len() as u64), &hidden);
    let link = Header::new("l", b'2').set(field::LINK, "pack.yaml");
    for (id, what, tar, entry) in [
        (
            "t56",
            "a file that is called a folder",
            with(Header::new("d/", b'0')),
            "d/",
        ),
        (
            "t56-old",
            "a file of the old kind that is called a folder",
            with(Header::new("d/", 0)),
            "d/",
        ),
        (
            "t56-empty",
            "an empty file that is called a folder",
            Tar::pack().file("d/", ""),
            "d/",
        ),
        (
            "t57",
            "a folder with content",
            with(Header::new("d/", b'5')),
            "d/",
        ),
        (
            "t57-root",
            "the root with content",
            with(Header::new("./", b'5')),
            "./",
        ),
        ("t59", "a link with content", with(link), "l"),
    ] {
        table.bad_tar(id, what, tar, entry);
    }
    let mut half = Tar::pack().endless();
    half.extend([0; BLOCK]);
    half.extend(Tar::new().file("pack.yaml", MANIFEST).end());
    table.row(
        "t36-half",
        "one block of zeros, and more behind it",
        Bytes::Tar(half),
        ErrorKind::InvalidArchive,
        quoted("pack.yaml"),
    );
}
