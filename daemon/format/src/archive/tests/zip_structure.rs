//! Zip archives with bytes that belong to nothing or to two entries, that are too large, cut off or changed.
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use super::zip_bytes::{Entry, Zip, extra};
use super::*;

#[test]
fn bytes_that_belong_to_nothing_or_to_two() {
    let good = || Zip::new().file("a", "1").file("b", "2");
    let inner = Zip::new().file("pack.yaml", "ref: evil").end();
    let gap = "there is something between it and the next entry";
    let table = vec![
        (
            "z19",
            good().with(|zip| zip.end.count = Some(1)),
            whole("its directory has more entries than its end says"),
        ),
        (
            "z19 more",
            good().with(|zip| zip.end.count = Some(3)),
            whole("its directory has fewer entries than its end says"),
        ),
        (
            "z20",
            good().with(|zip| zip.comment = inner.clone()),
            whole("its comment could be read as another archive"),
        ),
        (
            "z20 PK",
            good().with(|zip| zip.comment = b"see PK".to_vec()),
            whole("its comment could be read as another archive"),
        ),
        (
            "z21a",
            good().with(|zip| zip.prefix = b"#!/bin/sh\n".to_vec()),
            whole("there is something before its first entry"),
        ),
        (
            "z21b",
            good().with(|zip| zip.suffix = b"tail".to_vec()),
            whole("it does not end as a zip archive does"),
        ),
        (
            "z21c",
            good().with(|zip| zip.suffix = inner.clone()),
            whole("its directory is not where its end says"),
        ),
        ("z31 none", Zip::new(), whole("it has no members")),
        (
            "z33",
            good().with(|zip| zip.end.disk = 1),
            whole("it is one part of a split archive"),
        ),
        (
            "z34",
            good().with(|zip| zip.entries[1].listed = false),
            damaged("a", gap),
        ),
        (
            "z34 first",
            good().with(|zip| zip.entries[0].listed = false),
            whole("there is something before its first entry"),
        ),
        (
            "z34 gap",
            good().with(|zip| zip.entries[0].body.extend([0; 9])),
            damaged("a", gap),
        ),
        (
            "z35",
            good().with(|zip| zip.entries[1].offset = Some(5)),
            damaged("a", "it overlaps the next entry"),
        ),
        (
            "z35 beyond",
            good().with(|zip| zip.entries[1].offset = Some(9999)),
            damaged("a", gap),
        ),
        (
            "z14 same",
            good().with(|zip| zip.entries[1].offset = Some(0)),
            damaged("a", "it overlaps the next entry"),
        ),
        (
            "size",
            good().with(|zip| zip.end.size_off = -1),
            whole("its directory is not where its end says"),
        ),
        (
            "start",
            good().with(|zip| zip.end.start_off = 1),
            whole("its directory is not where its end says"),
        ),
        (
            "zip64 not needed",
            good().with(|zip| {
                zip.end.zip64 = true;
                zip.end.count64 = Some(9);
            }),
            whole("its two ends disagree"),
        ),
        (
            "zip64 twice",
            good().with(|zip| {
                zip.end.zip64 = true;
                zip.end.stated_twice = true;
                zip.end.start_off = 1;
            }),
            whole("its two ends disagree"),
        ),
        (
            "zip64 missing",
            good().with(|zip| zip.end.count = Some(u16::MAX)),
            whole("its directory has fewer entries than its end says"),
        ),
    ];
    zips_refused(table);
    zip_refused("z31", &[], &whole("it does not end as a zip archive does"));
    zip_refused(
        "z39",
        &gzip(b"a tar.gz named .zip"),
        &whole("it does not end as a zip archive does"),
    );
}

/// One kernel of compressed zeros, and many entries that all point into it.
#[test]
fn an_overlap_bomb_is_refused_before_anything_is_written() {
    let kernel = vec![0; 1 << 20];
    let mut zip = Zip::new();
    for number in 0..200 {
        let mut entry = Entry::new(format!("f{number}"), &kernel, 0o100_644);
        if number > 0 {
            entry.body.clear();
        }
        zip = zip.entry(entry);
    }
    let stage = Stage::new();
    let error = unpack_zip(&zip.end(), &stage).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Damaged { reason, .. } if reason.contains("overlaps")),
        "{error}"
    );
    assert_eq!(fs_err::read_dir(stage.dest()).unwrap().count(), 0);
}

#[test]
fn limits_are_kept_and_named() {
    let unpack_with = |case: &str, zip: Zip, limits: Limits, message: &str| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&zip.end()).unwrap();
        let stage = Stage::new();
        refused(
            case,
            unpack(Source::Zip(&file), &stage.dest(), &limits, &mut ()),
            &stage,
            message,
        );
        assert_eq!(
            fs_err::read_dir(stage.dest()).unwrap().count(),
            0,
            "{case}: nothing is written before limits are known"
        );
    };
    let limits = Limits::default;
    let zeros = |count: usize| Zip::new().entry(Entry::new("zeros", &vec![0; count], 0o100_644));
    unpack_with(
        "z16a",
        zeros(4 << 20),
        Limits {
            ratio: 50,
            ratio_after: 1 << 20,
            ..limits()
        },
        "the archive has more than 50 times the compressed size",
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
    let many = |count: usize| {
        (0..count).fold(Zip::new(), |zip, number| {
            zip.file(&format!("f{number}"), "")
        })
    };
    let three = Limits {
        entries: 3,
        ..limits()
    };
    unpack_with(
        "z30",
        many(4),
        three.clone(),
        "the archive has more than 3 entries",
    );
    unpack_with(
        "implied",
        Zip::new().file("a/b/c/d", ""),
        three,
        "the archive has more than 3 entries, at `a/b/c/d`",
    );
    // 1 MiB and 160 bytes for each of 300 entries
    let named = Limits {
        entries: 300,
        ..limits()
    };
    let path = vec!["n".repeat(200); 19].join("/");
    unpack_with(
        "names",
        (0..300).fold(Zip::new(), |zip, number| {
            zip.file(&format!("{path}/{number:03}"), "")
        }),
        named.clone(),
        &format!(
            "the archive has more than 1096576 bytes in all names, at `{}…`",
            &path[..200]
        ),
    );
    let target = "t".repeat(4000);
    unpack_with(
        "targets",
        (0..300).fold(Zip::new(), |zip, number| {
            zip.link(&format!("l{number:03}"), &target)
        }),
        named,
        "the archive has more than 1096576 bytes in all names, at `l273`",
    );
    unpack_with(
        "z17 wide",
        Zip::new().entry(Entry::new("f", b"x", 0o100_644).with(|entry| {
            let packed = u64::from(entry.central.packed);
            let field = extra(1, &[1 << 62, packed].map(u64::to_le_bytes).concat());
            entry.local.extra = field.clone();
            entry.local.size = u32::MAX;
            entry.local.packed = u32::MAX;
            entry.central.extra = field;
            entry.central.size = u32::MAX;
            entry.central.packed = u32::MAX;
        })),
        limits(),
        "the archive has more than 536870912 bytes in one file, at `f`",
    );
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let bytes = Zip::new()
        .dir("top/")
        .file("top/pack.yaml", "ref: x")
        .link("top/link", "pack.yaml")
        .entry(Entry::new("top/later", &[7; 3000], 0o100_644).later())
        .end();
    for cut in 0..bytes.len() {
        let case = format!("cut at {cut}");
        let stage = Stage::new();
        let error = unpack_zip(&bytes[..cut], &stage).expect_err(&case);
        assert!(
            matches!(error, ArchiveError::Damaged { .. }),
            "{case}: {error}"
        );
        assert_eq!(fs_err::read_dir(stage.dest()).unwrap().count(), 0, "{case}");
    }
    let stage = Stage::new();
    accepted("whole", unpack_zip(&bytes, &stage), &stage);
}

#[test]
fn a_stream_of_zip_is_not_guessed_at() {
    let stage = Stage::new();
    let bytes = Zip::new().file("a", "x").end();
    let error = unpack_tar(Format::Zip, &bytes, &stage).unwrap_err();
    assert!(matches!(error, ArchiveError::UnsupportedFormat { .. }));
}

proptest::proptest! {
    #[test]
    fn no_change_of_bytes_escapes_or_panics(at: usize, byte: u8) {
        let mut bytes = Zip::new()
            .dir("d/")
            .file("d/a", "abc")
            .link("d/l", "a")
            .entry(Entry::new("later", b"content", 0o100_755).later())
            .end();
        let at = at % bytes.len();
        bytes[at] = byte;
        let stage = Stage::new();
        match unpack_zip(&bytes, &stage) {
            Ok(list) => { accepted("mutated", Ok(list), &stage); }
            Err(_) => stage.check_refused("mutated"),
        }
    }
}
