//! Tar archives that end wrongly, are compressed wrongly, are too large, or are changed at random.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::tar_bytes::{Tar, header, record, seal};
use super::*;

#[test]
fn ends_that_hide_or_miss_something() {
    let good = || Tar::new().file("f", "x");
    let second = good().end();
    let cases: Vec<(&str, Vec<u8>, String)> = vec![
        (
            "t36",
            good().0,
            whole("it ends without the mark of its end, behind `f`"),
        ),
        (
            "t36 one block",
            [good().0, vec![0; 512]].concat(),
            whole("it ends without the mark of its end, behind `f`"),
        ),
        (
            "t36 half",
            [good().0, vec![0; 512], second.clone()].concat(),
            whole("the mark of its end is only half there, behind `f`"),
        ),
        (
            "t39b",
            [good().end(), second].concat(),
            whole("there is more after its end"),
        ),
        (
            "t39c",
            [good().end(), vec![0; 700], vec![7; 3]].concat(),
            whole("there is more after its end"),
        ),
        ("t44a", Tar::new().end(), whole("it has no members")),
        (
            "t44a root",
            Tar::new().dir("./").end(),
            whole("it has no members"),
        ),
        ("t44b", Vec::new(), whole("it is empty")),
    ];
    for (case, tar, message) in cases {
        tar_refused(case, &tar, &message);
    }
}

#[test]
fn gzip_that_is_wrong() {
    let tar = Tar::new().file("f", vec![b'x'; 5000]).end();
    let good = gzip(&tar);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let last = good.len() - 1;
    let broken = |why: &str| {
        format!("the archive is damaged, at `f`: its compressed data is damaged: {why}")
    };
    let checksum = broken("it does not have the checksum or the length that it says");
    let header = broken("invalid gzip header");
    let early = damaged("f", "its compressed data ends too early");
    let cases = [
        (
            "t37a",
            with(&|bytes| bytes.truncate(last - 7)),
            early.clone(),
        ),
        ("t37a trailer", with(&|bytes| bytes.truncate(last)), early),
        (
            "t37b",
            with(&|bytes| bytes[last - 7] ^= 1),
            checksum.clone(),
        ),
        ("t37b length", with(&|bytes| bytes[last] ^= 1), checksum),
        (
            "t38b",
            with(&|bytes| bytes.extend(gzip(&tar))),
            whole("there is more after its end"),
        ),
        (
            "t39a",
            with(&|bytes| bytes.extend(b"garbage garbage")),
            header,
        ),
    ];
    for (case, bytes, message) in cases {
        let stage = Stage::new();
        let error = unpack_tar(Format::TarGz, &bytes, &stage).unwrap_err();
        // the reading thread may see it before the entry is parsed, since both fit into one buffer
        let without = message.replace(", at `f`", "");
        assert!(
            [&message, &without].contains(&&error.to_string()),
            "{case}: {error}"
        );
        stage.check_refused(case);
    }
}

#[test]
fn gzip_of_something_else() {
    let cases: [(&str, &[u8], &str); 3] = [
        ("t40", b"PK\x03\x04 and so on", "a zip archive"),
        (
            "html",
            b"<!DOCTYPE html><title>Sign in</title>",
            "an HTML page",
        ),
        ("text", b"just some words\n", "text"),
    ];
    for (case, content, looks_like) in cases {
        let mut content = content.to_vec();
        content.resize(2048, b' ');
        let stage = Stage::new();
        let message = format!(
            "this is no tar, tar.gz, tar.zst or zip archive, it looks like gzip of {looks_like}"
        );
        refused(
            case,
            unpack_tar(Format::TarGz, &gzip(&content), &stage),
            &stage,
            &message,
        );
    }
    let stage = Stage::new();
    let message = whole("it is empty");
    refused(
        "t44c",
        unpack_tar(Format::TarGz, &gzip(b""), &stage),
        &stage,
        &message,
    );
}

#[test]
fn limits_are_kept_and_named() {
    let unpack_with = |case: &str, tar: Tar, limits: Limits, message: &str| {
        let tar = gzip(&tar.end());
        let stage = Stage::new();
        let mut input = &tar[..];
        let result = unpack(
            Source::Stream(Format::TarGz, &mut input),
            &stage.dest(),
            &limits,
            &mut (),
        );
        refused(case, result, &stage, message);
    };
    let limits = Limits::default;
    let zeros = |count: usize| Tar::new().file("zeros", vec![0; count]);
    unpack_with(
        "t41",
        zeros(4 << 20),
        Limits {
            ratio: 50,
            ratio_after: 1 << 20,
            ..limits()
        },
        "the archive has more than 50 times the compressed size, at `zeros`",
    );
    unpack_with(
        "file",
        zeros(11),
        Limits {
            file_bytes: 10,
            ..limits()
        },
        "the archive has more than 10 bytes in one file, at `zeros`",
    );
    unpack_with(
        "pack",
        zeros(6).file("more", "12345"),
        Limits {
            pack_bytes: 10,
            ..limits()
        },
        "the archive has more than 10 bytes unpacked, at `more`",
    );
    let three = Limits {
        entries: 3,
        ..limits()
    };
    unpack_with(
        "t42a",
        (0..4).fold(Tar::new(), |tar, number| tar.file(format!("f{number}"), "")),
        three.clone(),
        "the archive has more than 3 entries, at `f3`",
    );
    unpack_with(
        "t42b",
        (0..4).fold(Tar::new(), |tar, number| tar.dir(format!("d{number}/"))),
        three.clone(),
        "the archive has more than 3 entries, at `d3`",
    );
    unpack_with(
        "implied",
        Tar::new().file("a/b/c/d", ""),
        three,
        "the archive has more than 3 entries, at `a/b/c/d`",
    );

    let deep = vec!["d"; 65].join("/");
    unpack_with(
        "t43a",
        Tar::new().pax(&[("path", &deep)]).file("x", ""),
        limits(),
        &format!("the archive has more than 64 levels of folders, at `{deep}`"),
    );
    let long = vec!["d"; 30_000].join("/");
    unpack_with(
        "t43b",
        Tar::new().pax(&[("path", &long)]).file("x", ""),
        limits(),
        &format!(
            "the archive has more than 4096 bytes in a path, at `{}…`",
            &long[..200]
        ),
    );
    let name = "n".repeat(300);
    unpack_with(
        "t43c",
        Tar::new().gnu(b'L', &name).file("x", ""),
        limits(),
        &format!(
            "the archive has more than 255 bytes in a name, at `{}…`",
            &name[..200]
        ),
    );
    unpack_with(
        "target",
        Tar::new().gnu(b'K', "t/".repeat(2049)).link("x", ""),
        limits(),
        "the archive has more than 4096 bytes in a path, at `x`",
    );
    unpack_with(
        "target levels",
        Tar::new()
            .dir("a")
            .gnu(b'K', "a/../".repeat(100))
            .link("x", ""),
        limits(),
        "the archive has more than 128 levels of folders, at `x`",
    );
    unpack_with(
        "t27",
        Tar::new().raw(&header("L", b'L', 1 << 30), ""),
        limits(),
        "the archive has more than 65536 bytes of extension headers",
    );
    unpack_with(
        "t28",
        Tar::new().raw(&header("x", b'x', 1 << 30), ""),
        limits(),
        "the archive has more than 65536 bytes of extension headers",
    );
    let many = (0..40).fold(Tar::new(), |tar, number| {
        tar.pax(&[("comment", &"c".repeat(60_000))])
            .file(format!("f{number}"), "")
    });
    unpack_with(
        "many records",
        many,
        limits(),
        "the archive has more than 1048576 bytes of extension headers, at `f17`",
    );
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let tar = Tar::new()
        .member("g", b'g', record("comment", b"c"))
        .dir("top/")
        .pax(&[("path", "top/renamed")])
        .file("x", vec![b'x'; 3000])
        .gnu(b'L', "top/long")
        .file("y", vec![b'y'; 700])
        .link("top/link", "long")
        .end();
    for cut in (0..tar.len()).step_by(512).chain([1, 511, 513, 4000]) {
        let case = format!("cut at {cut}");
        let stage = Stage::new();
        let error = unpack_tar(Format::Tar, &tar[..cut], &stage).expect_err(&case);
        assert!(
            matches!(error, ArchiveError::Damaged { .. }),
            "{case}: {error}"
        );
        stage.check_refused(&case);
    }
    let packed = gzip(&tar);
    for cut in (0..packed.len()).step_by(7) {
        let case = format!("gzip cut at {cut}");
        let stage = Stage::new();
        let error = unpack_tar(Format::TarGz, &packed[..cut], &stage).expect_err(&case);
        assert!(
            matches!(error, ArchiveError::Damaged { .. }),
            "{case}: {error}"
        );
        stage.check_refused(&case);
    }
}

#[test]
fn a_failing_input_is_not_a_damaged_archive() {
    let tar = Tar::new().file("f", vec![b'x'; 3000]).end();
    let packed = gzip(&tar);
    for (format, bytes) in [
        (Format::Tar, &tar[..1000]),
        (Format::TarGz, &packed[..5]),
        (Format::TarGz, &packed[..30]),
        (Format::TarZst, &zstd(&tar)[..3]),
        (Format::TarZst, &zstd(&tar)[..30]),
    ] {
        let stage = Stage::new();
        let mut input = Failing(bytes);
        let result = unpack(
            Source::Stream(format, &mut input),
            &stage.dest(),
            &Limits::default(),
            &mut (),
        );
        let error = result.unwrap_err();
        let ArchiveError::Read { source } = &error else {
            panic!("{error}")
        };
        assert_eq!(
            source.kind(),
            std::io::ErrorKind::ConnectionReset,
            "the input's own error is kept"
        );
        assert!(!error.is_no_space());
    }
}

proptest::proptest! {
    #[test]
    fn no_change_of_bytes_escapes_or_panics(at in 0_usize..3072, byte: u8, more: u8) {
        let mut tar = Tar::new().pax(&[("path", "dir/a")]).file("x", "abc").link("dir/l", "a").end();
        let at = at % tar.len();
        tar[at] = byte;
        // with a right checksum the change gets further
        let header = at / 512 * 512;
        if more % 2 == 0 && tar[header + 257..].starts_with(b"ustar") {
            let mut block: [u8; 512] = tar[header..header + 512].try_into().unwrap();
            seal(&mut block);
            tar[header..header + 512].copy_from_slice(&block);
        }
        let stage = Stage::new();
        match unpack_tar(Format::Tar, &tar, &stage) {
            Ok(list) => { accepted("mutated", Ok(list), &stage); }
            Err(_) => stage.check_refused("mutated"),
        }
    }
}
