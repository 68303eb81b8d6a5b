//! Names, links and types in zip archives that leave the folder, mislead, or meet another.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use packd_wire::ErrorKind;

use super::zip::{Member, UTF8, Zip, deflated, extra};
use super::{Bytes, Table, quoted};

pub(super) fn add(table: &mut Table) {
    names(table);
    encodings(table);
    links(table);
    types(table);
}

fn names(table: &mut Table) {
    for (id, name, entry) in [
        ("z01", "../outside", "../outside"),
        ("z01-deep", "a/b/../../../outside", "a/b/../../../outside"),
        ("z01-dot", "./../outside", "./../outside"),
        (
            "z01-far",
            "../../../../../../../../tmp/packd-hostile",
            "../../../../../../../../tmp/packd-hostile",
        ),
        ("z02", "/tmp/packd-hostile", "/tmp/packd-hostile"),
        ("z02-two", "//tmp/packd-hostile", "//tmp/packd-hostile"),
        ("z03", "..\\..\\outside", "..\\\\..\\\\outside"),
        ("z03-mixed", "..\\/../outside", "..\\\\/../outside"),
        ("z03-inner", "a\\b", "a\\\\b"),
        ("z04", "C:\\evil.txt", "C:\\\\evil.txt"),
        ("z04-slash", "c:/evil.txt", "c:/evil.txt"),
        (
            "z04-unc",
            "\\\\server\\share\\evil",
            "\\\\\\\\server\\\\share\\\\evil",
        ),
        ("z26a", "a\0b", "a\\u{0}b"),
        ("z26a-end", "pack.yaml\0.txt", "pack.yaml\\u{0}.txt"),
        ("z26b", "", ""),
        ("z26c", "a\x07b", "a\\u{7}b"),
        ("z26c-newline", "a\nb", "a\\nb"),
        ("z48e", "a\u{202e}lmay", "a\\u{202e}lmay"),
        ("z49", "a//b", "a//b"),
        ("z49-dot", "a/./b", "a/./b"),
        ("z49-here", ".", "."),
        ("z51", ".git/config", ".git/config"),
        (
            "z51-deep",
            "a/.GIT/hooks/pre-commit",
            "a/.GIT/hooks/pre-commit",
        ),
        ("z12", "pack.yaml", "pack.yaml"),
        ("z13", "PACK.yaml", "PACK.yaml"),
    ] {
        table.unsafe_zip(
            id,
            "a name that no pack may have",
            Zip::pack().file(name, "x"),
            entry,
        );
    }
    let zip = Zip::pack().member(Member::folder("../outside/"));
    table.unsafe_zip("z01-folder", "a folder that leads out", zip, "../outside");
    let zip = Zip::pack().member(Member::folder("/"));
    table.unsafe_zip("z02-root", "the root of the file system", zip, "/");
    let zip = Zip::pack().file("caf\u{e9}", "1").file("cafe\u{301}", "2");
    table.unsafe_zip("z13-form", "two spellings of one name", zip, "cafe\u{301}");
    let zip = Zip::pack().file("a", "x").member(Member::folder("a/"));
    table.unsafe_zip("z36", "a file and a folder of one name", zip, "a");
    let zip = Zip::pack().file("a", "x").file("a/b", "x");
    table.unsafe_zip("z36-child", "a file, and something in it", zip, "a/b");
    let name = "n".repeat(256);
    let bytes = Bytes::Exact(Zip::pack().file(&name, "x").bytes());
    let shown = quoted(&format!("{}…", &name[..200]));
    table.row(
        "z40",
        "a name of 256 bytes",
        bytes,
        ErrorKind::LimitExceeded,
        shown,
    );
    let bytes = Bytes::Exact(Zip::pack().file("d/".repeat(2100), "x").bytes());
    table.row(
        "z40-path",
        "a path of 4200 bytes",
        bytes,
        ErrorKind::LimitExceeded,
        "`d/d/".to_owned(),
    );
    let bytes = Bytes::Exact(Zip::pack().file("d/".repeat(2000) + "f", "x").bytes());
    table.row(
        "z43",
        "2000 folders in each other",
        bytes,
        ErrorKind::LimitExceeded,
        "`d/d/".to_owned(),
    );
}

fn encodings(table: &mut Table) {
    let named = |name: &[u8], flags: u16| {
        Zip::pack().member(Member::new(name, "x").both(|record| record.flags = flags))
    };
    table.unsafe_zip(
        "z25a",
        "a name in an old code page",
        named(b"caf\x82", 0),
        "caf\u{fffd}",
    );
    table.unsafe_zip(
        "z25a-text",
        "a name that is not marked",
        named("caf\u{e9}".as_bytes(), 0),
        "caf\u{e9}",
    );
    table.unsafe_zip(
        "z25b",
        "a name marked as text that is none",
        named(b"caf\xff", UTF8),
        "caf\u{fffd}",
    );
    table.unsafe_zip(
        "z25b-overlong",
        "a slash in two bytes",
        named(b"..\xc0\xafx", UTF8),
        "..\u{fffd}\u{fffd}x",
    );
    let second = |name: &str| extra(0x7075, [&[1, 0, 0, 0, 0], name.as_bytes()].concat());
    for (id, what, field) in [
        ("z25c", "another name as Unicode", second("../evil")),
        ("z25c-empty", "no name as Unicode", second("")),
        (
            "z25c-short",
            "half a field with a name",
            extra(0x7075, [1, 0]),
        ),
    ] {
        let zip = Zip::pack()
            .member(Member::new("good", "x").both(|record| record.extra.clone_from(&field)));
        table.bad_zip(id, what, zip, "good");
        let member = Member::new("good", "x").with(|member| member.local.extra = field);
        table.bad_zip(
            &format!("{id}-local"),
            what,
            Zip::pack().member(member),
            "good",
        );
    }
}

fn links(table: &mut Table) {
    let rows = [
        (
            "z05",
            "an absolute link, and a write through it",
            Zip::pack()
                .member(Member::link("out", "/tmp"))
                .file("out/packd-hostile", "x"),
            "out",
        ),
        (
            "z05-safe",
            "a write through a link that stays inside",
            Zip::pack()
                .member(Member::folder("d/"))
                .member(Member::link("l", "d"))
                .file("l/x", "x"),
            "l/x",
        ),
        (
            "z06a",
            "a link that leads out",
            Zip::pack().member(Member::link("l", "../outside")),
            "l",
        ),
        (
            "z06b",
            "a link to what is not there",
            Zip::pack().member(Member::link("l", "gone")),
            "l",
        ),
        (
            "z60",
            "a link to nothing",
            Zip::pack().member(Member::link("l", "")),
            "l",
        ),
        (
            "z62",
            "two links in a circle",
            Zip::pack()
                .member(Member::link("a", "b"))
                .member(Member::link("b", "a")),
            "a",
        ),
        (
            "z62-root",
            "a folder that contains itself",
            Zip::pack().member(Member::link("l", "./")),
            "l",
        ),
        (
            "z37",
            "a manifest that is a link",
            Zip::new().member(Member::link("pack.yaml", "../secret")),
            "pack.yaml",
        ),
        (
            "z48-nul",
            "a target with a NUL",
            Zip::pack().member(Member::link("l", "pack.yaml\0/etc")),
            "l",
        ),
        (
            "z48-bytes",
            "a target that is no text",
            Zip::pack().member(Member::link("l", b"\xff")),
            "l",
        ),
        (
            "z06-name",
            "a link placed outside",
            Zip::pack().member(Member::link("../outside", "pack.yaml")),
            "../outside",
        ),
        (
            "z27-dos",
            "a link for some programs, and a file for others",
            Zip::pack().member(Member::link("l", "pack.yaml").with(|member| member.made_by = 20)),
            "l",
        ),
    ];
    for (id, what, zip, entry) in rows {
        table.unsafe_zip(id, what, zip, entry);
    }
    let zip = Zip::pack().member(Member::new("l", vec![b'.'; 8 << 20]).unix(0o120_777));
    let bytes = Bytes::Exact(zip.bytes());
    table.row(
        "z06c",
        "a target of 8 MiB",
        bytes,
        ErrorKind::LimitExceeded,
        quoted("l"),
    );
    let liar = Member::new("l", vec![b'.'; 8 << 20])
        .unix(0o120_777)
        .both(|record| record.size = 9);
    table.bad_zip(
        "z06c-lie",
        "a target of 8 MiB that says 9 bytes",
        Zip::pack().member(liar),
        "l",
    );
}

fn types(table: &mut Table) {
    for (id, what, mode) in [
        ("z27", "a character device", 0o020_644),
        ("z27-block", "a block device", 0o060_644),
        ("z27-pipe", "a named pipe", 0o010_644),
        ("z27-socket", "a socket", 0o140_644),
        ("z27-unknown", "a type that nobody knows", 0o070_644),
    ] {
        table.unsafe_zip(
            id,
            what,
            Zip::pack().member(Member::new("odd", "x").unix(mode)),
            "odd",
        );
    }
    for (id, what, member, entry) in [
        (
            "z29",
            "a folder with content",
            Member::stored("d/", "data").unix(0o40_755),
            "d/",
        ),
        (
            "z29-hidden",
            "a folder with content that says it has none",
            Member::folder("d/").with(|member| {
                member.data = deflated(b"data");
                let packed = u32::try_from(member.data.len()).unwrap();
                for record in [&mut member.local, &mut member.central] {
                    (record.method, record.packed) = (8, packed);
                }
            }),
            "d/",
        ),
        (
            "z29-mode",
            "a folder by its mode",
            Member::new("odd", "x").unix(0o40_755),
            "odd",
        ),
        (
            "z29-name",
            "a folder by its name",
            Member::stored("odd/", "").unix(0o100_644),
            "odd/",
        ),
        (
            "z29-link",
            "a link that is called a folder",
            Member::link("odd/", "pack.yaml"),
            "odd/",
        ),
        (
            "z29-dos",
            "a folder by an attribute of DOS",
            Member::new("odd", "x").with(|member| member.external |= 0x10),
            "odd",
        ),
    ] {
        table.bad_zip(id, what, Zip::pack().member(member), entry);
    }
}
