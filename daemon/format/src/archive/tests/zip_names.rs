//! Names, links and types in zip archives that no pack may have.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::zip_bytes::{Entry, Zip, deflate, entry, extra, one};
use super::*;

#[test]
fn names_that_leave_or_mislead() {
    let zip = Zip::new;
    let control = "its name has a control character";
    let other_name = "it has a second name that differs from the first";
    let second_name = |text: &str| extra(0x7075, format!("\x01\0\0\0\0{text}").as_bytes());
    zips_refused(vec![
        (
            "z01",
            zip().file("../x", ""),
            not("../x", "its name has a component `..`"),
        ),
        (
            "z02",
            zip().file("/etc/x", ""),
            not("/etc/x", "its name is absolute"),
        ),
        (
            "z03",
            zip().file("..\\..\\x", ""),
            not("..\\\\..\\\\x", "its name has a backslash"),
        ),
        (
            "z04",
            zip().file("C:\\evil.txt", ""),
            not("C:\\\\evil.txt", "its name begins with a drive"),
        ),
        (
            "z04 slash",
            zip().file("c:/evil.txt", ""),
            not("c:/evil.txt", "its name begins with a drive"),
        ),
        (
            "z12",
            zip().file("a", "1").file("a", "2"),
            not("a", "it comes twice"),
        ),
        (
            "z13",
            zip().file("a", "1").file("A", "2"),
            not(
                "A",
                "its name and `a` differ only in letter case or Unicode form",
            ),
        ),
        (
            "z25a",
            one(entry(b"a\x81")),
            not("a\u{fffd}", "its name is not UTF-8"),
        ),
        (
            "z25a no flag",
            one(entry(b"a\x81").both(|header| header.flags = 0)),
            not(
                "a\u{fffd}",
                "its name is not marked as UTF-8, as `packctl build` marks it, and programs read it in different ways",
            ),
        ),
        (
            "z25b",
            one(entry(b"a\xff").both(|header| header.flags = 1 << 11)),
            not("a\u{fffd}", "its name is not UTF-8"),
        ),
        (
            "z25c",
            one(entry("good").both(|header| header.extra = second_name("../evil"))),
            damaged("good", other_name),
        ),
        (
            "z25c local only",
            one(entry("good").with(|entry| entry.local.extra = second_name("evil"))),
            damaged("good", other_name),
        ),
        ("z26a", one(entry("a\0b")), not("a\\u{0}b", control)),
        ("z26b", one(entry("")), not("", "its name is empty")),
        ("z26c", one(entry("a\x07b")), not("a\\u{7}b", control)),
        (
            "z36",
            zip().file("a", "x").dir("a/"),
            not("a", "it comes twice"),
        ),
        (
            "z36 child",
            zip().file("a", "x").file("a/b", "x"),
            not("a/b", "`a`, which it lies in, is not a folder"),
        ),
        (
            "z40",
            zip().file(&"n".repeat(300), ""),
            format!(
                "the archive has more than 255 bytes in a name, at `{}…`",
                "n".repeat(200)
            ),
        ),
        (
            "git",
            zip().file("x/.git/config", ""),
            not("x/.git/config", "`.git` may not be part of a pack"),
        ),
        (
            "slash",
            one(Entry::stored("/", b"", 0o40_755)),
            not("/", "its name is absolute"),
        ),
    ]);
}

#[test]
fn links_and_types() {
    let zip = Zip::new;
    let typed = |mode: u32| one(entry("odd").with(|entry| entry.external = mode << 16));
    let both = "it is a folder by its name or by its mode, not by both";
    zips_refused(vec![
        (
            "z05",
            zip().link("out", "/tmp").file("out/x", ""),
            not("out", "it is a link to the absolute path `/tmp`"),
        ),
        (
            "z06a",
            zip().link("l", "../outside"),
            not(
                "l",
                "it is a link to `../outside`, which leads out of the archive",
            ),
        ),
        (
            "z06b",
            zip().link("l", "gone"),
            not("l", "it is a link to `gone`, which is not in the archive"),
        ),
        (
            "z06c",
            zip().link("l", &"t/".repeat(4 << 20)),
            "the archive has more than 4096 bytes in a path, at `l`".to_owned(),
        ),
        (
            "z37",
            zip().link("pack.yaml", "../secret"),
            not(
                "pack.yaml",
                "it is a link to `../secret`, which leads out of the archive",
            ),
        ),
        (
            "write through",
            zip().link("l", "d").dir("d/").file("l/x", ""),
            not("l/x", "`l`, which it lies in, is not a folder"),
        ),
        (
            "not UTF-8",
            one(Entry::stored("l", b"\xff", 0o120_777)),
            not("l", "its target is not UTF-8"),
        ),
        (
            "from DOS",
            one(Entry::stored("l", b"x", 0o120_777).with(|entry| entry.made_by = 20)),
            not("l", "it is a link for some readers only"),
        ),
        (
            "z27 pipe",
            typed(0o10_644),
            not("odd", "it is a named pipe"),
        ),
        (
            "z27 character",
            typed(0o20_644),
            not("odd", "it is a character device"),
        ),
        (
            "z27 block",
            typed(0o60_644),
            not("odd", "it is a block device"),
        ),
        ("z27 socket", typed(0o140_644), not("odd", "it is a socket")),
        (
            "z27 unknown",
            typed(0o50_644),
            not("odd", "it is of an unknown type"),
        ),
        ("folder by mode", typed(0o40_755), damaged("odd", both)),
        (
            "folder by name",
            one(Entry::stored("odd/", b"", 0o100_644)),
            damaged("odd/", both),
        ),
        (
            "link by name",
            one(Entry::stored("odd/", b"x", 0o120_777)),
            damaged("odd/", both),
        ),
        (
            "folder by DOS",
            one(entry("odd").with(|entry| entry.external |= 0x10)),
            damaged("odd", both),
        ),
        (
            "z29",
            one(Entry::stored("d/", b"data", 0o40_755)),
            damaged("d/", "it is a folder with content"),
        ),
        (
            "z29 hidden",
            one(Entry::stored("d/", b"", 0o40_755)
                .both(|header| header.method = 8)
                .with(|entry| {
                    entry.body = deflate(b"data");
                    let packed = u32::try_from(entry.body.len()).unwrap();
                    (entry.local.packed, entry.central.packed) = (packed, packed);
                })),
            damaged("d/", "it is longer than its size says"),
        ),
    ]);
}
