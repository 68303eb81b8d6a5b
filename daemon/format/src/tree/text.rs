//! The text of a list, which is the `.manifest` beside a tree in the store: writing and strict reading.

use std::io::Write as _;

use super::{FileEntry, FileKind, FileList, path};
use crate::digest::{Algorithm, Digest};

/// Why bytes are no list of files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the file list is damaged: {reason}")]
pub struct ListError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

impl FileList {
    /// The text of the list (see [`crate::tree`] for its form).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.entries().len() * 128);
        for entry in self.entries() {
            entry.write(&mut text);
        }
        text
    }

    /// Reads the text of a list back. Only what [`FileList::to_bytes`] writes is accepted, so the digest of
    /// the text and that of the list are one thing.
    ///
    /// # Errors
    /// The first line that is not as it would be written, or not in its place.
    pub fn parse(text: &[u8]) -> Result<Self, ListError> {
        let text = std::str::from_utf8(text).map_err(|error| ListError {
            line: text[..error.valid_up_to()]
                .split(|byte| *byte == b'\n')
                .count(),
            reason: "it is not UTF-8",
        })?;
        let mut entries: Vec<FileEntry> = Vec::new();
        let mut again = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let fail = |reason| ListError {
                line: index + 1,
                reason,
            };
            let entry = FileEntry::parse(line).map_err(fail)?;
            path::check(&entry.path).map_err(|_| fail("its path is not allowed"))?;
            if entries.last().is_some_and(|last| last.path >= entry.path) {
                return Err(fail("it is not sorted by path"));
            }
            again.clear();
            entry.write(&mut again);
            if again != line.as_bytes() {
                return Err(fail("it is not spelled as it should be"));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

impl FileEntry {
    fn write(&self, out: &mut Vec<u8>) {
        let path = Framed(&self.path);
        match &self.kind {
            FileKind::File {
                executable,
                size,
                digest,
            } => {
                let bit = if *executable { 'x' } else { '-' };
                writeln!(out, "file {bit} {digest} {size} {path}")
            }
            FileKind::Symlink { target } => {
                writeln!(out, "link - {} {} {path}", Framed(target), target.len())
            }
            FileKind::Dir => writeln!(out, "dir - - 0 {path}"),
        }
        .expect("writing into memory does not fail");
    }

    /// Reads a line, newline included. What it takes for granted, comparing with the spelling finds.
    fn parse(line: &str) -> Result<Self, &'static str> {
        let (kind, rest) = line.split_once(' ').ok_or("it has no kind")?;
        let (bit, rest) = rest.split_once(' ').ok_or("it has no executable bit")?;
        let (kind, rest) = match kind {
            "file" => {
                let (digest, rest) = rest.split_once(' ').ok_or("it has no digest")?;
                let (size, rest) = rest.split_once(' ').ok_or("it has no length")?;
                let digest: Digest = digest.parse().map_err(|_| "its digest is not one")?;
                if digest.algorithm() != Algorithm::Sha256 {
                    return Err("its digest is not sha256");
                }
                let size = size.parse().map_err(|_| "its length is no number")?;
                (
                    FileKind::File {
                        executable: bit == "x",
                        size,
                        digest,
                    },
                    rest,
                )
            }
            "link" => {
                let (target, rest) = unframe(rest)?;
                let rest = rest.strip_prefix(' ').ok_or("it has no length")?;
                let (_, rest) = rest.split_once(' ').ok_or("it has no path")?;
                (
                    FileKind::Symlink {
                        target: target.to_owned(),
                    },
                    rest,
                )
            }
            "dir" => {
                let rest = rest
                    .strip_prefix("- 0 ")
                    .ok_or("a directory has no content")?;
                (FileKind::Dir, rest)
            }
            _ => return Err("its kind is unknown"),
        };
        let (path, rest) = unframe(rest)?;
        if rest != "\n" {
            return Err("it does not end after its path");
        }
        Ok(Self {
            path: path.to_owned(),
            kind,
        })
    }
}

/// A text with its length in front.
struct Framed<'a>(&'a str);

impl std::fmt::Display for Framed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.0.len(), self.0)
    }
}

/// Splits a framed text from what follows it.
fn unframe(text: &str) -> Result<(&str, &str), &'static str> {
    let (length, rest) = text.split_once(':').ok_or("a text has no length")?;
    let length: usize = length
        .parse()
        .map_err(|_| "the length of a text is no number")?;
    rest.split_at_checked(length)
        .ok_or("a text is shorter than its length")
}
