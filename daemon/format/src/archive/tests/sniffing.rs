//! Recognising formats by content.

use super::tar_bytes::Tar;
use super::zip_bytes::Zip;
use super::*;

#[test]
fn archives_are_recognised() {
    let tar = Tar::new().file("f", "x").end();
    let start = |bytes: &[u8]| Format::sniff(&bytes[..bytes.len().min(512)]).unwrap();
    assert_eq!(start(&tar), Format::Tar);
    assert_eq!(start(&Tar::new().end()), Format::Tar);
    assert_eq!(start(&gzip(&tar)), Format::TarGz);
    assert_eq!(start(&zstd(&tar)), Format::TarZst);
    assert_eq!(start(&Zip::new().file("f", "x").end()), Format::Zip);
    assert_eq!(start(&Zip::new().end()), Format::Zip);
}

#[test]
fn other_files_are_named() {
    let table: [(&[u8], &str); 16] = [
        (b"", "an empty file"),
        (b"\n <!DOCTYPE HTML><html>", "an HTML page"),
        (b"<html lang=en>", "an HTML page"),
        (b"<?xml version='1.0'?><html>", "an HTML page"),
        (b"<?xml version='1.0'?><Error>", "an XML document"),
        (b"{\"message\": \"Not Found\"}", "a JSON document"),
        (b"404: Not Found", "text"),
        (b"7z\xbc\xaf\x27\x1c\0\0", "a 7z archive"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0\0", "xz"),
        (
            b"\x50\x2a\x4d\x18\0\0\0\0",
            "zstd that begins with a skippable frame",
        ),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
        (b"\x7fELF\x02\x01", "a program"),
        (
            b"!<arch>\ndebian-binary",
            "a Debian package or an ar archive",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer",
        ),
        (b"\x00\x01\x02\xff", "binary data of an unknown kind"),
    ];
    for (bytes, name) in table {
        let error = Format::sniff(bytes).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("this is no tar, tar.gz, tar.zst or zip archive, it looks like {name}")
        );
        assert!(error.hint().is_some());
    }
    assert!(
        Format::sniff(b"<html>")
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("a page about the file")
    );
}
