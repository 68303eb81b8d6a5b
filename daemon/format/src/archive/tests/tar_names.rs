//! Names and links in tar archives that leave the folder, or mislead who reads them.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::tar_bytes::{Tar, header};
use super::*;

#[test]
fn names_that_leave_or_mislead() {
    let tar = Tar::new;
    let good = || Tar::new().file("pack.yaml", "ref: x");
    let dotdot = "its name has a component `..`";
    tars_refused(vec![
        (
            "t01",
            tar().file("/etc/abs", "x"),
            not("/etc/abs", "its name is absolute"),
        ),
        ("t02", tar().file("../x", "x"), not("../x", dotdot)),
        (
            "t03",
            tar().file("a/../../x", "x"),
            not("a/../../x", dotdot),
        ),
        ("t04", tar().file("./../x", "x"), not("../x", dotdot)),
        ("t04 folder", tar().dir("../x/"), not("../x", dotdot)),
        ("t04 link", tar().link("../x", "a"), not("../x", dotdot)),
        (
            "t16",
            good().file("pack.yaml", "ref: y"),
            not("pack.yaml", "it comes twice"),
        ),
        (
            "t16 dot",
            good().file("./pack.yaml", "ref: y"),
            not("pack.yaml", "it comes twice"),
        ),
        (
            "t16 link",
            tar().dir("a/").link("a", "b"),
            not("a", "it comes twice"),
        ),
        (
            "t18a",
            good().file("PACK.YAML", "x"),
            not(
                "PACK.YAML",
                "its name and `pack.yaml` differ only in letter case or Unicode form",
            ),
        ),
        (
            "t18b",
            tar().file("caf\u{e9}", "x").file("cafe\u{301}", "x"),
            not(
                "cafe\u{301}",
                "its name and `caf\u{e9}` differ only in letter case or Unicode form",
            ),
        ),
        (
            "t18 folder",
            tar().file("Lib/a", "x").file("lib/b", "x"),
            not(
                "lib/b",
                "its folder and `Lib` differ only in letter case or Unicode form",
            ),
        ),
        (
            "t48a",
            tar().file("a\nb", "x"),
            not("a\\nb", "its name has a control character"),
        ),
        (
            "t48b",
            tar().file("a\x1b[31mb", "x"),
            not("a\\u{1b}[31mb", "its name has a control character"),
        ),
        (
            "t48c",
            tar().file(b"a\xffb", "x"),
            not("a\u{fffd}b", "its name is not UTF-8"),
        ),
        (
            "t48d",
            tar().file("a\\b", "x"),
            not("a\\\\b", "its name has a backslash"),
        ),
        (
            "t48e",
            tar().file("a\u{202e}lmay", "x"),
            not(
                "a\\u{202e}lmay",
                "its name has a character that changes the direction of writing",
            ),
        ),
        ("t49a", tar().file("", "x"), not("", "its name is empty")),
        (
            "t49b dot",
            tar().file(".", "x"),
            not(".", "its name has a component `.`"),
        ),
        ("t49b dots", tar().dir(".."), not("..", dotdot)),
        (
            "t49c",
            tar().mode("/", b'5', 0o777),
            not("/", "its name is absolute"),
        ),
        (
            "t49 empty",
            tar().file("a//b", "x"),
            not("a//b", "its name has an empty component"),
        ),
        (
            "t49 inner dot",
            tar().file("a/./b", "x"),
            not("a/./b", "its name has a component `.`"),
        ),
        (
            "t49 two slashes",
            tar().dir("a//"),
            not("a/", "its name has an empty component"),
        ),
        (
            "t51",
            good().file(".git/config", "x"),
            not(".git/config", "`.git` may not be part of a pack"),
        ),
        (
            "t51 deep",
            good().file("a/.Git/hooks/x", "x"),
            not("a/.Git/hooks/x", "`.git` may not be part of a pack"),
        ),
        (
            "t51 file",
            good().file("sub/.git", "gitdir: .."),
            not("sub/.git", "`.git` may not be part of a pack"),
        ),
    ]);
}

#[test]
fn links_that_leave_or_may_be_written_through() {
    let tar = Tar::new;
    let leads = |name: &str, target: &str, why: &str| {
        not(name, &format!("it is a link to `{target}`, which {why}"))
    };
    let absolute = |name: &str, target: &str| {
        not(
            name,
            &format!("it is a link to the absolute path `{target}`"),
        )
    };
    let round = |name: &str, target: &str| {
        let why = "from where links lead round in a circle";
        not(name, &format!("it is a link to `{target}`, {why}"))
    };
    let another = "is, or leads through, another link";
    tars_refused(vec![
        (
            "t05",
            tar().link("out", "/tmp").file("out/x", "x"),
            absolute("out", "/tmp"),
        ),
        (
            "t06",
            tar().link("out", "..").file("out/x", "x"),
            not("out/x", "`out`, which it lies in, is not a folder"),
        ),
        (
            "t06 alone",
            tar().link("out", "../outside"),
            leads("out", "../outside", "leads out of the archive"),
        ),
        (
            "t06 deep",
            tar().dir("a").link("a/out", "../../outside"),
            leads("a/out", "../../outside", "leads out of the archive"),
        ),
        (
            "t06 back in",
            tar().dir("a").link("a/out", "../../dest/a"),
            leads("a/out", "../../dest/a", "leads out of the archive"),
        ),
        (
            "t07",
            tar()
                .dir("a")
                .dir("b")
                .link("a/one", "../b")
                .link("two", "a/one/../../outside"),
            leads("two", "a/one/../../outside", another),
        ),
        (
            "t07 chain",
            tar().file("f", "").link("b", "a").link("a", "f"),
            leads("b", "a", another),
        ),
        (
            "t62 root",
            tar().link("loop", "."),
            leads("loop", ".", "is a folder that it lies in"),
        ),
        (
            "t62 deep",
            tar().dir("a/b/c").link("a/b/c/loop", "../../../a/b"),
            leads("a/b/c/loop", "../../../a/b", "is a folder that it lies in"),
        ),
        (
            "t62 two",
            tar()
                .dir("a")
                .dir("b")
                .link("a/x", "../b")
                .link("b/y", "../a"),
            round("b/y", "../a"),
        ),
        (
            "t62 two, below",
            tar()
                .dir("a/in")
                .dir("b")
                .link("b/y", "../a")
                .link("a/in/x", "../../b"),
            round("b/y", "../a"),
        ),
        (
            "t62 three",
            tar()
                .dir("a")
                .dir("b")
                .dir("c")
                .link("c/z", "../a")
                .link("a/x", "../b")
                .link("b/y", "../c"),
            round("c/z", "../a"),
        ),
        (
            "t17a",
            tar().file("a", "x").file("a/b", "x"),
            not("a/b", "`a`, which it lies in, is not a folder"),
        ),
        (
            "t17b",
            tar().dir("a").link("a", "b"),
            not("a", "it comes twice"),
        ),
        (
            "t17c",
            tar().link("a", "b").dir("a"),
            not("a", "it comes twice"),
        ),
        (
            "t17 implied",
            tar().file("a/b", "").file("a", "x"),
            not("a", "it comes twice"),
        ),
        (
            "t20",
            tar().pax(&[("linkpath", "/etc/passwd")]).link("a", "b"),
            absolute("a", "/etc/passwd"),
        ),
        (
            "t26",
            tar().gnu(b'K', "/etc/passwd").link("a", "b"),
            absolute("a", "/etc/passwd"),
        ),
        (
            "t46a",
            tar().link("pack.yaml", "../../secret"),
            leads("pack.yaml", "../../secret", "leads out of the archive"),
        ),
        (
            "t60",
            tar().link("a", ""),
            not("a", "it is a link without a target"),
        ),
        (
            "t61",
            tar().link("a", "gone"),
            leads("a", "gone", "is not in the archive"),
        ),
        (
            "t61 case",
            tar().file("here", "").link("a", "HERE"),
            leads("a", "HERE", "is not in the archive"),
        ),
        (
            "t62",
            tar().link("a", "b").link("b", "a"),
            leads("a", "b", another),
        ),
        ("t62 itself", tar().link("a", "a"), leads("a", "a", another)),
        (
            "through a file",
            tar().file("f", "").file("g", "").link("a", "f/../g"),
            leads(
                "a",
                "f/../g",
                "leads through something that is not a folder",
            ),
        ),
        (
            "slash on a file",
            tar().file("f", "").link("a", "f/"),
            leads("a", "f/", "is not a folder"),
        ),
        (
            "empty component",
            tar().file("d/f", "").link("a", "d//f"),
            leads("a", "d//f", "has an empty component"),
        ),
        (
            "newline",
            tar().link("a", "b\nc"),
            not("a", "its target has a control character"),
        ),
        (
            "backslash",
            tar().link("a", "..\\b"),
            not("a", "its target has a backslash"),
        ),
        (
            "not UTF-8",
            tar().link("a", b"\xff"),
            not("a", "its target is not UTF-8"),
        ),
    ]);
}

#[test]
fn types_that_no_pack_has() {
    let tar = Tar::new;
    let hard = "it is a hard link";
    let mut table = vec![
        (
            "t08",
            tar().pointing("a", b'1', "/etc/passwd"),
            not("a", hard),
        ),
        (
            "t09",
            tar().pointing("a", b'1', "../outside"),
            not("a", hard),
        ),
        (
            "t10",
            tar().file("f", "").link("l", "f").pointing("a", b'1', "l"),
            not("a", hard),
        ),
        ("t11", tar().pointing("a", b'1', "a"), not("a", hard)),
        (
            "t58",
            tar().raw(&header("a", b'1', 512), [b'x'; 512]),
            not("a", hard),
        ),
    ];
    for (case, kind, reason) in [
        ("t12 character", b'3', "it is a character device"),
        ("t12 block", b'4', "it is a block device"),
        ("t13", b'6', "it is a named pipe"),
        ("contiguous", b'7', "it is a contiguous file"),
        ("t31", b'S', "it is a sparse file"),
        ("t52a", b'Z', "it is of an unknown type"),
        ("t52b", b'M', "it continues a file of another volume"),
        ("t52c", b'V', "it is a volume label"),
        ("dump", b'D', "it is a dump of a folder"),
        (
            "old names",
            b'N',
            "it is a list of long names in an old form",
        ),
        ("solaris", b'X', "it is of an unknown type"),
    ] {
        table.push((
            case,
            tar().file("good", "x").member("odd", kind, ""),
            not("odd", reason),
        ));
    }
    tars_refused(table);
}
