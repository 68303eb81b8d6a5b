//! Names in tar archives that leave the folder, hide from who reads them, or meet another.

use packd_wire::ErrorKind;

use super::tar::{Header, Tar, field};
use super::{Bytes, Table, quoted};

pub(super) fn add(table: &mut Table) {
    leave(table);
    mislead(table);
    collide(table);
}

/// Every spelling of "somewhere else".
fn leave(table: &mut Table) {
    for (id, name) in [
        ("t01", "/tmp/packd-hostile"),
        ("t01-two", "//tmp/packd-hostile"),
        ("t02", "../outside"),
        ("t02-far", "../../../../../../../../../../tmp/packd-hostile"),
        ("t03", "a/../../outside"),
        ("t03-inside", "a/../b"),
        ("t03-end", "a/b/.."),
        ("t04-dot", "a/./../../outside"),
        ("t04-slashes", "a//../../outside"),
        ("t04-root", "/../outside"),
        ("t48d", "..\\outside"),
        ("t48d-mixed", "a/..\\..\\outside"),
        ("t48d-drive", "C:\\outside"),
        ("t48d-unc", "\\\\server\\share\\x"),
    ] {
        let entry = name.replace('\\', "\\\\");
        table.unsafe_tar(
            id,
            "a name that leads out",
            Tar::pack().file(name, "x"),
            &entry,
        );
    }
    let tar = Tar::pack().file("./../outside", "x");
    table.unsafe_tar("t04", "out behind a dot", tar, "../outside");
    let tar = Tar::pack().folder("../outside/");
    table.unsafe_tar("t02-folder", "a folder that leads out", tar, "../outside");
    let tar = Tar::pack().link("../outside", "pack.yaml");
    table.unsafe_tar("t02-link", "a link placed outside", tar, "../outside");
    let prefixed = Header::new("outside", b'0').set(field::PREFIX, "..");
    let tar = Tar::pack().entry(prefixed, "");
    table.unsafe_tar("t02-prefix", "out through the prefix", tar, "../outside");
    let prefixed = Header::new("x", b'0').set(field::PREFIX, "/tmp");
    let tar = Tar::pack().entry(prefixed, "");
    table.unsafe_tar("t01-prefix", "absolute through the prefix", tar, "/tmp/x");
    let tar = Tar::pack().long(b'L', "../outside").file("harmless", "x");
    table.unsafe_tar("t19-long", "a long name that leads out", tar, "../outside");
    let tar = Tar::pack()
        .pax(&[("path", "../outside")])
        .file("harmless", "x");
    table.unsafe_tar("t19", "a PAX name that leads out", tar, "../outside");
    let tar = Tar::pack()
        .pax(&[("path", "/tmp/packd-hostile")])
        .file("harmless", "x");
    table.unsafe_tar(
        "t19-absolute",
        "a PAX name from the root",
        tar,
        "/tmp/packd-hostile",
    );
    let tar = Tar::pack().pax(&[("path", "..")]).folder("harmless/");
    table.unsafe_tar(
        "t19-folder",
        "a PAX name that is the folder above",
        tar,
        "..",
    );
    let tar = Tar::pack().entry(Header::new("/", b'5').mode(0o777), "");
    table.unsafe_tar("t49c", "the root of the file system", tar, "/");
}

/// Names that are not what they look like.
fn mislead(table: &mut Table) {
    let rows: [(&str, &[u8], &str); 23] = [
        ("t48a", b"a\nb", "a\\nb"),
        ("t48a-return", b"a\rb", "a\\rb"),
        ("t48b", b"a\x1b[31mb", "a\\u{1b}[31mb"),
        ("t48b-delete", b"a\x7fb", "a\\u{7f}b"),
        ("t48b-c1", "a\u{9b}31mb".as_bytes(), "a\\u{9b}31mb"),
        ("t48b-line", "a\u{2028}b".as_bytes(), "a\\u{2028}b"),
        ("t48c", b"a\xffb", "a\u{fffd}b"),
        ("t48c-latin", b"caf\xe9", "caf\u{fffd}"),
        ("t48c-overlong", b"a\xc0\xafb", "a\u{fffd}\u{fffd}b"),
        (
            "t48c-surrogate",
            b"a\xed\xa0\x80b",
            "a\u{fffd}\u{fffd}\u{fffd}b",
        ),
        (
            "t48e",
            "a\u{202e}lmay.kcap".as_bytes(),
            "a\\u{202e}lmay.kcap",
        ),
        ("t48e-isolate", "a\u{2066}b".as_bytes(), "a\\u{2066}b"),
        ("t49a", b"", ""),
        ("t49b", b".", "."),
        ("t49b-two", b"..", ".."),
        ("t49-empty", b"a//b", "a//b"),
        ("t49-dot", b"a/./b", "a/./b"),
        ("t49-dots", b"././a", "./a"),
        ("t51", b".git/config", ".git/config"),
        (
            "t51-case",
            b"a/.GiT/hooks/post-checkout",
            "a/.GiT/hooks/post-checkout",
        ),
        ("t51-file", b"sub/.git", "sub/.git"),
        (
            "t51-unseen",
            "sub/.g\u{200c}it/config".as_bytes(),
            "sub/.g\u{200c}it/config",
        ),
        (
            "t51-mark",
            "\u{feff}.git/config".as_bytes(),
            "\u{feff}.git/config",
        ),
    ];
    for (id, name, entry) in rows {
        table.unsafe_tar(
            id,
            "a name that misleads",
            Tar::pack().file(name, "x"),
            entry,
        );
    }
    let tar = Tar::pack().file(b"good\0/../../outside", "x");
    table.bad_tar("t25-name", "more of a name behind its NUL", tar, "good");
    let tar = Tar::pack().long(b'L', b"good\0../outside").file("x", "x");
    table.bad_tar("t25", "a NUL in a long name", tar, "x");
    let tar = Tar::pack()
        .pax(&[("path", "good\0../outside")])
        .file("x", "x");
    table.bad_tar("t25-pax", "a NUL in a PAX name", tar, "x");
    let tar = Tar::pack().long(b'L', "").file("x", "x");
    table.unsafe_tar("t49-long", "a long name that is empty", tar, "");
    let tar = Tar::pack().pax(&[("path", "")]).file("x", "x");
    table.unsafe_tar("t49-pax", "a PAX name that is empty", tar, "");

    let name = "n".repeat(256);
    let tar = Tar::pack().long(b'L', &name).file("x", "x");
    let shown = quoted(&format!("{}…", &name[..200]));
    let bytes = Bytes::Tar(tar.end());
    table.row(
        "t43c",
        "a name of 256 bytes",
        bytes,
        ErrorKind::LimitExceeded,
        shown,
    );
    let name = "\u{e9}".repeat(128);
    let tar = Tar::pack()
        .pax(&[("path", &format!("d/{name}"))])
        .file("x", "x");
    let bytes = Bytes::Tar(tar.end());
    let shown = format!("`d/{name}`");
    table.row(
        "t43c-bytes",
        "a name of 128 letters and 256 bytes",
        bytes,
        ErrorKind::LimitExceeded,
        shown,
    );
}

/// Two entries that are one, for some file system or for some person.
fn collide(table: &mut Table) {
    let evil = "ref: evil\nversion: 6.6.6\n";
    let twice = |second: &str| Tar::pack().file(second, evil);
    table.unsafe_tar("t16", "two manifests", twice("pack.yaml"), "pack.yaml");
    table.unsafe_tar(
        "t16-dot",
        "two manifests",
        twice("./pack.yaml"),
        "pack.yaml",
    );
    let tar = Tar::pack().pax(&[("path", "pack.yaml")]).file("x", evil);
    table.unsafe_tar("t16-pax", "two manifests, one by PAX", tar, "pack.yaml");
    let tar = Tar::pack().folder("a/").link("a", "pack.yaml");
    table.unsafe_tar("t16-folder", "a folder, and a link of its name", tar, "a");
    table.unsafe_tar(
        "t18a",
        "a manifest in capitals",
        twice("PACK.YAML"),
        "PACK.YAML",
    );
    for (id, first, second) in [
        ("t18b", "caf\u{e9}", "cafe\u{301}"),
        ("t18b-order", "cafe\u{301}", "caf\u{e9}"),
        ("t18-capital", "\u{e9}", "\u{c9}"),
        ("t18-cyrillic", "\u{44f}", "\u{42f}"),
        ("t18-greek", "\u{3c3}", "\u{3c2}"),
        ("t18-sharp", "stra\u{df}e", "STRASSE"),
        ("t18-long-s", "s", "\u{17f}"),
        ("t18-kelvin", "k", "\u{212a}"),
        ("t18-unseen", "pack.sh", "pack\u{200b}.sh"),
        ("t18-variant", "\u{2620}", "\u{2620}\u{fe0f}"),
        ("t18-hangul", "\u{ac00}", "\u{1100}\u{1161}"),
    ] {
        let tar = Tar::pack().file(first, "1").file(second, "2");
        table.unsafe_tar(id, "two spellings of one name", tar, second);
    }
    let tar = Tar::pack().file("Lib/a", "1").file("lib/b", "2");
    table.unsafe_tar("t18-folder", "two spellings of one folder", tar, "lib/b");
    let tar = Tar::pack().file("a", "1").file("a/b", "2");
    table.unsafe_tar("t17a", "a file, and something in it", tar, "a/b");
    let tar = Tar::pack().file("a/b", "1").file("a", "2");
    table.unsafe_tar("t17-implied", "a folder, and a file in its place", tar, "a");
    let tar = Tar::pack().folder("a/").file("a", "2");
    table.unsafe_tar("t17-folder", "a folder, and a file in its place", tar, "a");
    let tar = Tar::pack().file("a", "2").folder("a/");
    table.unsafe_tar("t17-file", "a file, and a folder in its place", tar, "a");
    let tar = Tar::pack().file("a", "1").hard_link("a", "pack.yaml");
    table.unsafe_tar("t64", "a file, and a hard link in its place", tar, "a");
    let tar = Tar::pack().hard_link("a", "pack.yaml").file("a", evil);
    table.unsafe_tar(
        "t64-overwrite",
        "a hard link, and a write through it",
        tar,
        "a",
    );
}
