//! Odd spellings of what is refused elsewhere, found by trying to get it past the readers.

use packd_wire::ErrorKind::{InvalidArchive, UnsupportedArchive};

use super::tar::{GNU, Header, Tar, field};
use super::zip::{Member, Zip, signature};
use super::{Bytes, MANIFEST, Table};

pub(super) fn add(table: &mut Table) {
    roots(table);
    tars(table);
    zips(table);
}

/// What is no entry of a folder but the folder itself.
fn roots(table: &mut Table) {
    let tar = Tar::pack().folder("./.");
    table.unsafe_tar("x01", "the root in two dots", tar, ".");
    let tar = Tar::pack().folder(".//");
    table.unsafe_tar("x01-slashes", "the root with two slashes", tar, "/");
    let tar = Tar::pack().link(".", "/etc");
    table.unsafe_tar("x02", "a link in place of the root", tar, ".");
    let tar = Tar::pack().link("./", "/etc");
    table.bad_tar("x02-slash", "a link in place of the root", tar, "./");
    let tar = Tar::pack().file("./", "x");
    table.bad_tar("x02-file", "a file in place of the root", tar, "./");
    let tar = Tar::pack().link("l", "./pack.yaml/.");
    table.unsafe_tar("x03", "a link into a file", tar, "l");
    let tar = Tar::pack().folder("d/").link("d/l", "../d");
    table.unsafe_tar("x03-own", "a link to its own folder", tar, "d/l");
}

fn tars(table: &mut Table) {
    let long = |kind: u8, body: &'static str| {
        let header = Header::new("././@LongLink", kind).set(field::MAGIC, GNU);
        Tar::pack().entry(header.size(body.len() as u64), body)
    };
    let tar = long(b'L', "").file("x", "");
    table.unsafe_tar("x10", "a long name of no bytes", tar, "");
    let tar = long(b'K', "pack.yaml\0").hard_link("h", "x");
    table.bad_tar("x11", "a long target of a hard link", tar, "h");
    let tar = long(b'L', "abc\0")
        .global(&[("comment", "x")])
        .file("x", "");
    table.bad_tar("x12", "a long name before a global header", tar, "abc");
    let tar = long(b'L', "abc\0").pax(&[("size", "0")]).file("x", "");
    table.bad_tar("x12-pax", "a long name before PAX records", tar, "x");
    let tar = Tar::pack()
        .pax(&[("path", "./pack.yaml")])
        .file("x", MANIFEST);
    table.unsafe_tar(
        "x13",
        "a second manifest behind a dot by PAX",
        tar,
        "pack.yaml",
    );
    let tar = Tar::pack().pax(&[("linkpath", "")]).link("l", "pack.yaml");
    table.unsafe_tar("x14", "a target by PAX that is empty", tar, "l");
    for (id, prefix, entry) in [("x15", "/", "//f"), ("x15-end", "a/", "a//f")] {
        let tar = Tar::pack().entry(Header::new("f", b'0').set(field::PREFIX, prefix), "");
        table.unsafe_tar(id, "a prefix with a slash at its end", tar, entry);
    }
    let tar = Tar::pack().file("a\u{e0041}", "1").file("a", "2");
    table.unsafe_tar("x16", "a name with a tag that is not shown", tar, "a");
    // the sum of the bytes as signed ones, which old programs wrote
    let tar = Tar::pack().entry(Header::new("caf\u{e9}", b'0').signed(), "");
    table.bad_tar("x17", "a checksum of signed bytes", tar, "pack.yaml");
}

fn zips(table: &mut Table) {
    let le = |number: u32| number.to_le_bytes();
    let record = [&le(0x0806_4b50)[..], &le(4), b"abcd"].concat();
    let zip = Zip::pack().with(|zip| zip.gap = record);
    table.bad_zip(
        "x20",
        "a record of extra data before the directory",
        zip,
        "pack.yaml",
    );
    let zip = Zip::pack().with(|zip| zip.prefix = b"PK00".to_vec());
    let bytes = Bytes::Exact(zip.bytes());
    let says = "looks like".to_owned();
    table.row(
        "x21",
        "a mark of a split archive",
        bytes,
        UnsupportedArchive,
        says,
    );
    let zip = Zip::pack().member(Member::link("l", "pack.yaml").with(|l| l.made_by = 0x0700));
    table.unsafe_zip("x22", "a link made on an old Macintosh", zip, "l");
    let zip = Zip::pack().member(Member::new("l", "").unix(0o120_777));
    table.unsafe_zip("x23", "a link to nothing, deflated", zip, "l");
    table.unsafe_zip(
        "x24",
        "a stream of a file",
        Zip::pack().file("f:stream", "x"),
        "f:stream",
    );
    let record = [&le(0x0505_4b50)[..], &[4, 0], b"sign"].concat();
    let mut signed = Zip::pack().bytes();
    let end = signed.len() - 22;
    signed.splice(end..end, record);
    table.row(
        "x25",
        "a signature behind the directory, which its end does not count",
        Bytes::Exact(signed),
        InvalidArchive,
        "not where its end says".to_owned(),
    );
    // in the 20 bytes before the end, where the place of a wide end would stand
    let comment = [&le(signature::LOCATOR64)[..], &[0; 16]].concat();
    let zip = Zip::pack().with(|zip| zip.members[0].comment = comment);
    table.broken_zip(
        "x26",
        "the place of a wide end, in a comment",
        zip,
        "zip64 end",
    );
}
