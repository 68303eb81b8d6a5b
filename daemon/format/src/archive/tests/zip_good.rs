//! Zip archives as they are found: they must unpack, and to just what they say.

use super::zip_bytes::{Entry, Zip, extra};
use super::*;

fn good(case: &str, zip: Zip) -> FileList {
    let stage = Stage::new();
    accepted(case, unpack_zip(&zip.end(), &stage), &stage)
}

#[test]
fn files_folders_links_and_modes() {
    let zip = Zip::new()
        .dir("top/")
        .file("top/pack.yaml", "ref: x")
        .entry(Entry::new("top/run", b"#!/bin/sh", 0o100_700))
        .entry(Entry::stored("top/stored", b"as it is", 0o100_644))
        .entry(Entry::new("top/empty", b"", 0o100_644))
        .entry(Entry::stored("top/nothing", b"", 0o100_644))
        .entry(Entry::new("top/deflated-folder/", b"", 0o40_755))
        .entry(Entry::new("z28-setuid", b"x", 0o106_755))
        .file("a/b/implied", "x")
        .link("top/link", "run")
        .file("über", "x");
    let list = good("all kinds", zip);
    assert_eq!(
        shown(&list),
        [
            "a/",
            "a/b/",
            "a/b/implied",
            "top/",
            "top/deflated-folder/",
            "top/empty",
            "top/link -> run",
            "top/nothing",
            "top/pack.yaml",
            "top/run*",
            "top/stored",
            "z28-setuid*",
            "über"
        ]
    );
}

#[test]
fn content_is_what_the_archive_has() {
    let big: Vec<u8> = (0..1_500_001_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut zip = Zip::new()
        .entry(Entry::new("big", &big, 0o100_644))
        .entry(Entry::stored("raw", &big, 0o100_644));
    for number in 0..200 {
        zip = zip.file(&format!("d{}/f{number}", number % 7), &number.to_string());
    }
    let stage = Stage::new();
    let list = accepted("many", unpack_zip(&zip.end(), &stage), &stage);
    assert_eq!(list.files(), 202);
    assert_eq!(fs_err::read(stage.dest().join("big")).unwrap(), big);
    assert_eq!(fs_err::read(stage.dest().join("raw")).unwrap(), big);
    assert_eq!(fs_err::read(stage.dest().join("d1/f8")).unwrap(), b"8");
}

#[test]
fn writers_that_do_not_know_sizes_in_advance() {
    let without_signature = Entry::new("b", b"content", 0o100_644)
        .later()
        .with(|entry| {
            entry.descriptor.drain(..4);
        });
    // sizes of 64 bits in the descriptor, announced by a zip64 field
    let wide = Entry::new("c", b"content", 0o100_644)
        .later()
        .with(|entry| {
            entry.local.extra = extra(1, &[0; 16]);
            (entry.local.packed, entry.local.size) = (u32::MAX, u32::MAX);
            let (packed, size) = (
                u64::from(entry.central.packed),
                u64::from(entry.central.size),
            );
            entry.descriptor.truncate(8);
            entry
                .descriptor
                .extend([packed, size].map(u64::to_le_bytes).concat());
        });
    // Info-ZIP to a pipe: it knows the length of a file before it has compressed it
    let half_known = Entry::new("d", b"content", 0o100_644)
        .later()
        .with(|entry| entry.local.size = entry.central.size);
    let zip = Zip::new()
        .entry(Entry::new("a", b"content", 0o100_644).later())
        .entry(without_signature)
        .entry(wide)
        .entry(half_known);
    assert_eq!(shown(&good("descriptors", zip)), ["a", "b", "c", "d"]);
}

#[test]
fn zip64_where_it_is_consistent() {
    let wide = Entry::new("a", b"content", 0o100_644).with(|entry| {
        let (packed, size) = (
            u64::from(entry.central.packed),
            u64::from(entry.central.size),
        );
        entry.local.extra = extra(1, &[size, packed].map(u64::to_le_bytes).concat());
        entry.central.extra = entry.local.extra.clone();
        for header in [&mut entry.local, &mut entry.central] {
            (header.packed, header.size) = (u32::MAX, u32::MAX);
        }
    });
    let zip = Zip::new().entry(wide).with(|zip| zip.end.zip64 = true);
    assert_eq!(shown(&good("zip64", zip)), ["a"]);

    let not_needed = Zip::new().file("a", "x").with(|zip| {
        zip.end.zip64 = true;
        zip.end.stated_twice = true;
    });
    assert_eq!(
        shown(&good("zip64 beside what would do", not_needed)),
        ["a"]
    );
}

#[test]
fn what_does_not_matter_is_left_out() {
    let times = extra(0x5455, &[1, 0, 0, 0, 0]);
    let name = extra(0x7075, b"\x01\0\0\0\0same");
    let zip = Zip::new()
        .entry(
            Entry::new("same", b"x", 0o100_644)
                .both(|header| header.extra = [times.clone(), name.clone()].concat()),
        )
        .entry(Entry::new("aligned", b"x", 0o100_644).with(|entry| entry.local.extra = vec![0; 3]))
        .entry(
            Entry::new("large extra", b"x", 0o100_644)
                .with(|entry| entry.local.extra = extra(0x7777, &[7; 300])),
        )
        .entry(Entry::new("from DOS", b"x", 0).with(|entry| entry.made_by = 20))
        .with(|zip| zip.comment = b"built by a robot".to_vec());
    assert_eq!(
        shown(&good("extras", zip)),
        ["aligned", "from DOS", "large extra", "same"]
    );
}

#[test]
fn an_archive_of_the_zip_crate() {
    use ::zip::write::SimpleFileOptions;
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = ::zip::ZipWriter::new(&mut bytes);
    let options =
        SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Deflated);
    writer.add_directory("top/", options).unwrap();
    writer
        .start_file("top/pack.yaml", options.unix_permissions(0o644))
        .unwrap();
    writer.write_all(b"ref: x").unwrap();
    writer
        .start_file("top/run", options.unix_permissions(0o755))
        .unwrap();
    writer.write_all(b"#!/bin/sh").unwrap();
    writer.add_symlink("top/link", "run", options).unwrap();
    writer.finish().unwrap();
    let stage = Stage::new();
    let list = accepted("zip crate", unpack_zip(bytes.get_ref(), &stage), &stage);
    assert_eq!(
        shown(&list),
        ["top/", "top/link -> run", "top/pack.yaml", "top/run*"]
    );
}
