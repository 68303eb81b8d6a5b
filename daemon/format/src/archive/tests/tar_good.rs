//! Tar archives as they are found: they must unpack, and to just what they say.

use super::tar_bytes::{Tar, header, record};
use super::*;

fn both(case: &str, tar: &[u8]) -> FileList {
    let stage = Stage::new();
    let plain = accepted(case, unpack_tar(Format::Tar, tar, &stage), &stage);
    let stage = Stage::new();
    let packed = accepted(case, unpack_tar(Format::TarGz, &gzip(tar), &stage), &stage);
    assert_eq!(plain, packed, "{case}");
    plain
}

#[test]
fn an_archive_of_git_with_its_global_comment() {
    let comment = record("comment", b"f2d5b3a4c1e00000000000000000000000000000");
    let tar = Tar::new()
        .member("pax_global_header", b'g', comment)
        .dir("slack-2.1.0/")
        .file("slack-2.1.0/pack.yaml", "ref: slack\n")
        .mode("slack-2.1.0/run", b'0', 0o775)
        .link("slack-2.1.0/latest", "run")
        .end();
    let list = both("t00-good-github", &tar);
    assert_eq!(
        shown(&list),
        [
            "slack-2.1.0/",
            "slack-2.1.0/latest -> run",
            "slack-2.1.0/pack.yaml",
            "slack-2.1.0/run*"
        ]
    );
}

#[test]
fn the_content_of_the_current_folder() {
    let tar = Tar::new()
        .dir("./")
        .file("./pack.yaml", "x")
        .dir("./actions/")
        .file("./actions/a", "")
        .end();
    assert_eq!(
        shown(&both("tar of .", &tar)),
        ["actions/", "actions/a", "pack.yaml"]
    );
}

#[test]
fn folders_may_come_again() {
    // as in an archive that was added to
    let tar = Tar::new()
        .dir("./")
        .dir("./a/")
        .file("./a/one", "x")
        .dir("./")
        .dir("./a/")
        .file("./a/two", "y")
        .end();
    assert_eq!(
        shown(&both("folders again", &tar)),
        ["a/", "a/one", "a/two"]
    );
}

#[test]
fn gzip_that_ends_in_zeros() {
    let tar = Tar::new().file("f", "x").end();
    let mut packed = gzip(&tar);
    packed.resize(packed.len().next_multiple_of(10_240), 0);
    let stage = Stage::new();
    let list = accepted("padded", unpack_tar(Format::TarGz, &packed, &stage), &stage);
    assert_eq!(shown(&list), ["f"]);
    packed.push(1);
    let stage = Stage::new();
    let error = unpack_tar(Format::TarGz, &packed, &stage).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("something else follows the last gzip member"),
        "{error}"
    );
}

#[test]
fn folders_may_be_implied_and_come_later() {
    let tar = Tar::new()
        .file("a/b/c", "x")
        .dir("a/b/")
        .dir("a")
        .file("a/d", "y")
        .end();
    assert_eq!(
        shown(&both("implied folders", &tar)),
        ["a/", "a/b/", "a/b/c", "a/d"]
    );
}

#[test]
fn long_names_in_all_three_forms() {
    let folder = "d".repeat(90);
    let long = format!("{folder}/{}", "f".repeat(120));
    let target = "f".repeat(120);
    let by_pax = Tar::new()
        .pax(&[
            ("path", &long),
            ("mtime", "1700000000.5"),
            ("SCHILY.dev", "7"),
        ])
        .file("PaxHeaders", "x")
        .pax(&[("linkpath", &target)])
        .link(format!("{folder}/l"), "cut")
        .end();
    let by_gnu = Tar::new()
        .gnu(b'L', &long)
        .file("cut", "x")
        .gnu(b'K', &target)
        .link(format!("{folder}/l"), "cut")
        .end();
    let by_pax = both("pax names", &by_pax);
    assert_eq!(by_pax, both("gnu names", &by_gnu));
    assert_eq!(
        shown(&by_pax),
        [
            format!("{folder}/"),
            long,
            format!("{folder}/l -> {target}")
        ]
    );

    let both_gnu = Tar::new()
        .gnu(b'L', &target)
        .file("cut", "")
        .gnu(b'K', &target)
        .gnu(b'L', "name")
        .link("cut", "cut")
        .end();
    assert_eq!(
        shown(&both("K and L", &both_gnu)),
        [target.clone(), format!("name -> {target}")]
    );

    let prefixed = Tar::new()
        .odd(&header("file", b'0', 0), "", |block| {
            block[345..345 + 90].copy_from_slice(folder.as_bytes());
        })
        .end();
    assert_eq!(
        shown(&both("ustar prefix", &prefixed)),
        [format!("{folder}/"), format!("{folder}/file")]
    );
}

#[test]
fn headers_of_other_times() {
    let v7 = Tar::new().odd(&header("old", b'0', 1), "x", |block| {
        block[156] = 0;
        block[257..265].fill(0);
    });
    assert_eq!(shown(&both("v7", &v7.clone().end())), ["old"]);
    let by_gnu = v7.odd(&header("older", b'0', 0), "", |block| {
        block[257..].fill(0);
        block[329..345].copy_from_slice(b"0000000\x000000000\0");
    });
    assert_eq!(
        shown(&both("v7 by GNU tar", &by_gnu.end())),
        ["old", "older"]
    );
    let gnu = Tar::new().odd(&header("new", b'0', 1), "x", |block| {
        block[257..265].copy_from_slice(b"ustar  \0");
        // GNU keeps times where POSIX has a prefix
        block[345..357].copy_from_slice(b"14000000000\0");
        block[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x01");
    });
    assert_eq!(shown(&both("gnu, with a binary size", &gnu.end())), ["new"]);
}

#[test]
fn what_does_not_matter_is_left_out() {
    let tar = Tar::new()
        .mode("t14-setuid", b'0', 0o6755)
        .mode("t14-open", b'0', 0o666)
        .mode("t14-sticky/", b'5', 0o1777)
        .mode("t50-closed/", b'5', 0o000)
        .file("t50-closed/file", "x")
        .pax(&[
            ("mtime", "99999999999999999999"),
            ("uid", "4294967296"),
            ("atime", "x"),
        ])
        .file("t53-time", "")
        .member(
            "PaxHeaders/x",
            b'x',
            record("SCHILY.xattr.security.capability", b"\x01\0\0\x02\xff"),
        )
        .file("t15-capability", "")
        .odd(&header("t53-negative", b'0', 0), "", |block| {
            block[136..148].copy_from_slice(b"\xff\xff\xff\xff\xff\0\0\0\0\0\0\0");
        })
        .file("t48-trailing. ", "")
        .file("-rf", "")
        .end();
    let list = both("modes, times, attributes", &tar);
    assert_eq!(
        shown(&list),
        [
            "-rf",
            "t14-open",
            "t14-setuid*",
            "t14-sticky/",
            "t15-capability",
            "t48-trailing. ",
            "t50-closed/",
            "t50-closed/file",
            "t53-negative",
            "t53-time"
        ]
    );
}

#[test]
fn links_that_stay_inside() {
    let tar = Tar::new()
        .link("before", "a/file")
        .file("a/file", "x")
        .link("a/up", "../b/other")
        .file("b/other", "y")
        .link("folder", "a")
        .link("slashed", "./b/")
        .link("b/beside", "../a")
        .link("round", "a/../b/other")
        .end();
    let list = both("links", &tar);
    assert_eq!(
        shown(&list),
        [
            "a/",
            "a/file",
            "a/up -> ../b/other",
            "b/",
            "b/beside -> ../a",
            "b/other",
            "before -> a/file",
            "folder -> a",
            "round -> a/../b/other",
            "slashed -> ./b/"
        ]
    );
}

#[test]
fn content_is_what_the_archive_has() {
    // larger than the buffers between the threads, and not a multiple of a block
    let big: Vec<u8> = (0..3_000_001_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let tar = Tar::new()
        .file("big", &big)
        .file("small", "abc")
        .file("empty", "")
        .end();
    let stage = Stage::new();
    let list = accepted(
        "big",
        unpack_tar(Format::TarGz, &gzip(&tar), &stage),
        &stage,
    );
    assert_eq!(fs_err::read(stage.dest().join("big")).unwrap(), big);
    assert_eq!(fs_err::read(stage.dest().join("small")).unwrap(), b"abc");
    assert_eq!(list.bytes(), 3_000_004);
}

#[test]
fn gzip_in_several_members_is_one_stream() {
    let tar = Tar::new()
        .file("a", vec![1; 2000])
        .file("b", vec![2; 2000])
        .end();
    let (one, two) = tar.split_at(1300);
    let mut members = gzip(one);
    members.extend(gzip(two));
    members.extend(gzip(&[0; 4096]));
    let stage = Stage::new();
    let list = accepted("t38", unpack_tar(Format::TarGz, &members, &stage), &stage);
    assert_eq!(shown(&list), ["a", "b"]);
}

#[test]
fn every_file_carries_pax_records() {
    // as Python's tarfile writes it: more than a MiB of records in all
    let mut tar = Tar::new();
    for number in 0..2000 {
        tar = tar
            .pax(&[
                ("mtime", "1700000000.123456"),
                ("comment", &"c".repeat(700)),
            ])
            .file(format!("f{number}"), "");
    }
    assert_eq!(both("many records", &tar.end()).files(), 2000);
}
