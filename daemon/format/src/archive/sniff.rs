//! What a file is, by its first bytes. Names and content types are not asked: they are often wrong.

use super::error::ArchiveError;
use super::{frames, tar};

/// The archives that packs come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar archive as it is.
    Tar,
    /// A tar archive compressed with gzip.
    TarGz,
    /// A tar archive compressed with zstd.
    TarZst,
    /// A zip archive.
    Zip,
}

/// How the names of archives end.
const ENDINGS: [(&str, Format); 6] = [
    (".tar.gz", Format::TarGz),
    (".tgz", Format::TarGz),
    (".tar.zst", Format::TarZst),
    (".tzst", Format::TarZst),
    (".tar", Format::Tar),
    (".zip", Format::Zip),
];

impl Format {
    /// Recognises an archive by its first 512 bytes, or all of them if there are fewer.
    ///
    /// # Errors
    /// [`ArchiveError::UnsupportedFormat`], which says what it looks like instead.
    pub fn sniff(start: &[u8]) -> Result<Self, ArchiveError> {
        if start.starts_with(b"\x1f\x8b\x08") {
            Ok(Self::TarGz)
        } else if start.starts_with(&frames::MAGIC) {
            Ok(Self::TarZst)
        } else if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            Ok(Self::Zip)
        } else if tar::looks_like_tar(start) {
            Ok(Self::Tar)
        } else {
            Err(ArchiveError::UnsupportedFormat {
                looks_like: looks_like(start).into(),
            })
        }
    }

    /// What the name of a file promises, in whatever case; nothing when it has none of the usual endings.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::split_name(name).map(|(_, format)| format)
    }

    /// The same, with what is before the ending.
    #[must_use]
    pub fn split_name(name: &str) -> Option<(&str, Self)> {
        ENDINGS.iter().find_map(|(ending, format)| {
            let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
            end.eq_ignore_ascii_case(ending).then_some((stem, *format))
        })
    }

    /// The usual end of a name of such a file, with its dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Tar => ".tar",
            Self::TarGz => ".tar.gz",
            Self::TarZst => ".tar.zst",
            Self::Zip => ".zip",
        }
    }

    /// What a tar archive is compressed with.
    pub(super) fn compression(self) -> Option<&'static str> {
        match self {
            Self::TarGz => Some("gzip"),
            Self::TarZst => Some("zstd"),
            Self::Tar | Self::Zip => None,
        }
    }
}

/// What bytes that are no archive of ours look like.
pub(super) fn looks_like(start: &[u8]) -> &'static str {
    const MAGIC: [(&[u8], &str); 23] = [
        (b"\x1f\x8b\x08", "gzip"),
        (&frames::MAGIC, "zstd"),
        (b"PK\x03\x04", "a zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"LZIP", "lzip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"\x1f\x9d", "compress (.Z)"),
        (b"\x5d\0\0", "lzma"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"PK\x07\x08", "one part of a split zip archive"),
        (b"\x1f\x8b", "gzip with an unknown method"),
        (b"!<arch>\n", "a Debian package or an ar archive"),
        (b"\xed\xab\xee\xdb", "an RPM package"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a Windows program"),
        (b"%PDF-", "a PDF document"),
        (b"# v2 git bundle", "a git bundle"),
        (b"# v3 git bundle", "a git bundle"),
        (b"version https://git-lfs", "a Git LFS pointer"),
        (b"-----BEGIN ", "a key or a signature"),
        (b"070701", "a cpio archive"),
    ];
    if start.is_empty() {
        return "an empty file";
    }
    if frames::is_skippable(start) {
        return "zstd that begins with a skippable frame";
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return name;
    }
    let Some(text) = as_text(start) else {
        return "binary data of an unknown kind";
    };
    let text = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_ascii_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") || text.contains("<html") {
        "an HTML page"
    } else if text.starts_with("<?xml") {
        "an XML document"
    } else if text.starts_with('{') || text.starts_with('[') {
        "a JSON document"
    } else {
        "text"
    }
}

/// The bytes as text, if that is what they are; they may end in the middle of a character.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    text.chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
        .then_some(text)
}
