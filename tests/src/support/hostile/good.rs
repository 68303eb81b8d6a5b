//! Archives that look odd and are good: as other programs write them, and as those read them.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::tar::{GNU, Header, Tar, field};
use super::zip::{Member, UTF8, Wide, Zip, extra};
use super::{MANIFEST, gzip};
use crate::support::packs::Archive;

/// Those that are made here, byte by byte.
#[must_use]
pub fn raw() -> Vec<Archive> {
    let mut archives = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        archives.push(Archive {
            name: name.to_owned(),
            bytes,
        });
    };
    for (name, tar) in tars() {
        add(name, tar.end());
    }
    let tar = Tar::pack().file("a", vec![b'a'; 3000]).end();
    let (first, second) = tar.split_at(700);
    add(
        "members.tar.gz",
        [gzip(first), gzip(b""), gzip(second), gzip(b"")].concat(),
    );
    let header = [0x1f, 0x8b, 8, 0b1_1100, 0, 0, 0, 0, 0, 3];
    let fields = b"\x04\0Ap\0\0pack.tar\0a comment\0";
    add(
        "header.tar.gz",
        [&header[..], fields, &gzip(&tar)[10..]].concat(),
    );
    let mut blocked = tar.clone();
    blocked.resize(blocked.len().next_multiple_of(10_240), 0);
    add("blocked.tar", blocked);
    // a hundred thousand blocks and members of nothing
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(100_000);
    add(
        "blocks.tar.gz",
        [&header, &nothing[..], &gzip(&tar)[10..]].concat(),
    );
    add(
        "nothing.tar.gz",
        [gzip(b"").repeat(10_000), gzip(&tar)].concat(),
    );
    for (name, zip) in zips() {
        add(name, zip.bytes());
    }
    archives
}

fn tars() -> Vec<(&'static str, Tar)> {
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(120));
    let target = "f".repeat(120);
    let comment = [("comment", "f2d5b3a4c1e00000000000000000000000000000")];
    let sized = Header::new("sized", b'0').set(field::MAGIC, GNU);
    vec![
        (
            "forge.tar",
            Tar::new()
                .global(&comment)
                .folder("slack-2.1.0/")
                .file("slack-2.1.0/pack.yaml", MANIFEST)
                .entry(Header::new("slack-2.1.0/run", b'0').mode(0o775), "")
                .link("slack-2.1.0/latest", "run"),
        ),
        (
            "pax.tar",
            Tar::pack()
                .pax(&[
                    ("path", &long),
                    ("mtime", "1700000000.5"),
                    ("SCHILY.dev", "7"),
                    ("LIBARCHIVE.creationtime", "1"),
                ])
                .file("cut", "x")
                .pax(&[
                    ("linkpath", &target),
                    ("path", &format!("{}/l", "d".repeat(90))),
                ])
                .link("cut", "cut")
                .pax(&[("size", "3"), ("uid", "4294967296"), ("uname", "\u{fc}mit")])
                .file("sized", "abc"),
        ),
        (
            "gnu.tar",
            Tar::pack()
                .long(b'L', &long)
                .file("cut", "x")
                .long(b'K', &target)
                .long(b'L', format!("{}/l", "d".repeat(90)))
                .link("cut", "cut"),
        ),
        (
            "prefix.tar",
            Tar::pack().entry(Header::new("file", b'0').set(field::PREFIX, "a/b"), ""),
        ),
        (
            "old.tar",
            Tar::pack().entry(Header::new("old", b'0').set(field::MAGIC, "").size(1), "x"),
        ),
        (
            "binary.tar",
            Tar::pack().entry(sized.set(field::SIZE, b"\x80\0\0\0\0\0\0\0\0\0\0\x01"), "x"),
        ),
        ("zero-type.tar", Tar::pack().member("regular", 0, "x")),
        (
            "dot.tar",
            Tar::new()
                .folder("./")
                .file("./pack.yaml", MANIFEST)
                .folder("./actions/")
                .file("./actions/a", ""),
        ),
        (
            "implied.tar",
            Tar::pack()
                .file("a/b/c", "x")
                .folder("a/b/")
                .folder("a")
                .file("a/d", "y"),
        ),
        (
            "modes.tar",
            Tar::pack()
                .entry(Header::new("setuid", b'0').mode(0o6755), "")
                .entry(Header::new("open", b'0').mode(0o666), "")
                .entry(Header::new("others", b'0').mode(0o001), "")
                .entry(Header::new("sticky/", b'5').mode(0o1777), "")
                .entry(Header::new("closed/", b'5').mode(0), "")
                .file("closed/file", "x"),
        ),
        (
            "attributes.tar",
            Tar::pack()
                .pax(&[
                    ("SCHILY.xattr.security.capability", "\u{1}\0\0\u{2}"),
                    ("SCHILY.acl.access", "user::rwx"),
                ])
                .file("capability", "x")
                .pax(&[("mtime", "99999999999999999999"), ("atime", "-1")])
                .file("late", "x"),
        ),
        (
            "names.tar",
            [
                "-rf",
                "trailing. ",
                "a:b",
                "...",
                "..a",
                "%2e%2e%2foutside",
                "..;x",
                "\u{ff0e}\u{ff0e}",
                "~",
                "$HOME",
                "a b",
                "\u{2620}\u{fe0f}",
                "\u{65e5}\u{672c}",
                "con",
                "*",
                "'",
                "\"",
                ".gitignore",
                ".git-x/f",
            ]
            .iter()
            .fold(Tar::pack(), |tar, name| tar.file(name, "x")),
        ),
        (
            "links.tar",
            Tar::pack()
                .link("before", "a/file")
                .file("a/file", "x")
                .link("a/up", "../b/other")
                .file("b/other", "y")
                .link("folder", "a")
                .link("slashed", "./b/")
                .link("round", "a/../b/other"),
        ),
        ("folders.tar", Tar::pack().folder("rules/").folder("a/b/c/")),
        (
            "fields.tar",
            Tar::pack()
                .entry(
                    Header::new("a", b'0').set(field::SIZE, "         1 \0"),
                    "x",
                )
                .entry(
                    Header::new("b", b'0').set(field::MODE, b"\x80\0\0\0\0\0\x01\xed"),
                    "",
                )
                .entry(
                    Header::new("c", b'0').set(field::REST, b"\0\0\0\0\0\0\0\0tar\0"),
                    "",
                )
                .entry(Header::new("d", b'0').set(field::PREFIX, "p\0../../.."), "")
                .entry(Header::new("e", b'0').set(field::LINK, "/etc/passwd"), "")
                .entry(Header::new("f", b'0').set(265..297, "\x1b[2J"), "")
                .entry(Header::new("g/", b'5').set(field::LINK, "/etc"), ""),
        ),
        (
            "padding.tar",
            // what fills up the last block is skipped, whatever it is
            Tar::pack().entry(
                Header::new("f", b'0').size(1),
                [&b"x"[..], &Tar::new().file("evil", "").endless()[..511]].concat(),
            ),
        ),
        (
            "records.tar",
            Tar::pack()
                .global(&[])
                .pax(&[])
                .file("a", "")
                .pax(&[("path=b", "c")])
                .file("x", "")
                .pax(&[("path", "d/")])
                .folder("x"),
        ),
        (
            "own-names.tar",
            Tar::pack()
                .file("hostile/1.0.0.manifest", "x")
                .file("staging/.complete", "x"),
        ),
    ]
}

fn zips() -> Vec<(&'static str, Zip)> {
    // the two fields that the archiver of macOS adds, whose lengths differ at the two places
    let mac = |member: Member| {
        member.later().with(|member| {
            member.local.extra = extra(0x5855, [0; 12]);
            member.central.extra = extra(0x5855, [0; 8]);
            member.made_by = 0x0315;
        })
    };
    let field = |member: &Member| {
        let sizes = [member.central.size, member.central.packed].map(u64::from);
        extra(1, sizes.map(u64::to_le_bytes).concat())
    };
    let long = Member::new("wide", "x");
    let wide_field = field(&long);
    let twice = extra(
        0x7075,
        [&[1, 0, 0, 0, 0][..], "caf\u{e9}".as_bytes()].concat(),
    );
    vec![
        (
            "mac.zip",
            Zip::new()
                .member(Member::folder("hostile/"))
                .member(mac(Member::new("hostile/pack.yaml", MANIFEST)))
                .member(mac(
                    Member::new("hostile/run", "#!/bin/sh\n").unix(0o100_755)
                )),
        ),
        (
            "text.zip",
            Zip::pack()
                .file("caf\u{e9}", "x")
                .member(Member::new("ascii", "x").both(|record| record.flags |= UTF8))
                .member(Member::new("th\u{e9}/caf\u{e9}", "x")),
        ),
        (
            "second-name.zip",
            Zip::pack().member(
                Member::new("caf\u{e9}", "x").both(|record| record.extra.clone_from(&twice)),
            ),
        ),
        (
            "comments.zip",
            Zip::pack()
                .member(Member::new("f", "x").with(|member| member.comment = b"a comment".to_vec()))
                .with(|zip| zip.end.comment = b"made for a test".to_vec()),
        ),
        (
            "dos.zip",
            Zip::pack().member(Member::new("f", "x").with(|member| {
                member.made_by = 20;
                member.external = 0x20;
            })),
        ),
        (
            "stored.zip",
            Zip::pack()
                .member(Member::stored("f", "x"))
                .member(Member::stored("empty", ""))
                .file("nothing", ""),
        ),
        (
            "later.zip",
            Zip::pack().member(Member::new("a", "x").later()).member(
                Member::stored("b", "y").later().with(|member| {
                    // without its signature
                    member.after.drain(..4);
                }),
            ),
        ),
        (
            "wide-local.zip",
            Zip::pack().member(long.with(|member| member.local.extra = wide_field)),
        ),
        (
            "wide-end.zip",
            Zip::pack().with(|zip| zip.end.wide = Some(Wide::default())),
        ),
        (
            "padding.zip",
            Zip::pack().member(
                Member::stored("aligned", "x").with(|member| member.local.extra = vec![0; 3]),
            ),
        ),
        (
            "order.zip",
            Zip::pack()
                .file("z/b", "1")
                .file("a/b", "2")
                .member(Member::folder("z/")),
        ),
        (
            "links.zip",
            Zip::pack()
                .member(Member::link("before", "a/file"))
                .file("a/file", "x")
                .member(Member::link("folder", "./a/"))
                .member(Member::new("packed", "a/file").unix(0o120_777)),
        ),
        (
            "modes.zip",
            Zip::pack()
                .member(Member::new("setuid", "x").unix(0o106_755))
                .member(Member::folder("open/").unix(0o41_777)),
        ),
    ]
}
