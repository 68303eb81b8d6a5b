//! Attune's directory checksum: legacy, and only ever compared.
//!
//! One SHA-256 stream over the paths and the bytes of all regular files, without separators and lengths, so
//! that different trees can have the same one: `ab` with `c` in it and `a` with `bc`. It knows no modes, links and
//! empty folders, and leaves nothing out, not even `.git`. Nothing is trusted because of it; it is here so that what
//! Attune's tools have written into indexes can be told apart.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};

use super::scan::{DEEPEST, TreeError, as_path, names, open_file, open_folder, read_file};
use crate::digest::{Algorithm, Digest, Hasher};

/// Attune's checksum of a folder, and what went into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttuneChecksum {
    /// The checksum.
    pub digest: Digest,
    /// How many files it is of.
    pub files: u64,
    /// The bytes of all of them, without their names.
    pub bytes: u64,
}

/// Attune's checksum of the folder at `path`, which may be a link to one.
///
/// Folders are visited where their name stands among their siblings, and siblings are sorted by the bytes of their
/// names: `a/z.txt` comes before `a.txt`. What is neither a regular file nor a folder does not count.
///
/// # Errors
/// [`TreeError::Io`] and [`TreeError::TooDeep`]. [`TreeError::Special`] only of what was a file a moment before.
pub fn attune_checksum(path: &Path) -> Result<AttuneChecksum, TreeError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(path, flags, Mode::empty())
        .map_err(|error| TreeError::io("open", path, error))?;
    let mut checksum = Checksum {
        hasher: Hasher::new(Algorithm::Sha256),
        buffer: vec![0; 256 * 1024],
        files: 0,
        bytes: 0,
    };
    checksum.folder(&root, path, "", 0)?;
    Ok(AttuneChecksum {
        digest: checksum.hasher.finish(),
        files: checksum.files,
        bytes: checksum.bytes,
    })
}

struct Checksum {
    hasher: Hasher,
    buffer: Vec<u8>,
    files: u64,
    bytes: u64,
}

impl Checksum {
    fn folder(
        &mut self,
        folder: &OwnedFd,
        place: &Path,
        prefix: &str,
        depth: usize,
    ) -> Result<(), TreeError> {
        if depth > DEEPEST {
            return Err(TreeError::TooDeep {
                path: place.to_owned(),
            });
        }
        let mut names = names(folder, place)?;
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (name, kind) in names {
            let place = place.join(as_path(&name));
            // what is not UTF-8 goes in as Attune reads it
            let path = format!("{prefix}{}", name.to_string_lossy());
            match kind {
                FileType::RegularFile => {
                    let (file, _) = open_file(folder.as_fd(), &name, &place)?;
                    let hasher = &mut self.hasher;
                    hasher.update(path.as_bytes());
                    self.bytes += read_file(&file, &place, &mut self.buffer, |bytes| {
                        hasher.update(bytes);
                    })?;
                    self.files += 1;
                }
                FileType::Directory => {
                    let below = open_folder(folder.as_fd(), &*name, &place)?;
                    self.folder(&below, &place, &format!("{path}/"), depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::os::unix::ffi::OsStrExt as _;

    use fs_err::os::unix::fs::symlink;
    use tempfile::TempDir;

    use super::*;

    fn tree(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let place = folder.path().join(path);
            fs_err::create_dir_all(place.parent().unwrap()).unwrap();
            fs_err::write(place, content).unwrap();
        }
        folder
    }

    fn checksum(folder: &TempDir) -> String {
        attune_checksum(folder.path()).unwrap().digest.hex()
    }

    const DEMO: (&str, &str) = ("pack.yaml", "ref: demo\nversion: 1.0.0\n");

    #[test]
    fn trees_have_the_checksums_that_attune_gives_them() {
        let table: [(&[(&str, &str)], &str); 6] = [
            (
                &[DEMO],
                "770cbb197b9e6ae4bed73aeba4f90e2db073326b99b5741cf0ddc6e50e9878bb",
            ),
            (
                &[("a/z.txt", "1"), ("a.txt", "2"), ("b", "")],
                "2b35abf6b08938214e60190a6d2c371c4b5d33be3aa12263ac8128d5511bff58",
            ),
            (
                &[("ab", "c")],
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                &[("a", "bc")],
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                &[],
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                &[DEMO, (".git/HEAD", "x")],
                "1e7fdefb695cc1283893b27d4e2cecce392565fabb226a7af53ece2d462577ed",
            ),
        ];
        for (files, expected) in table {
            assert_eq!(checksum(&tree(files)), expected, "of {files:?}");
        }
    }

    #[test]
    fn links_empty_folders_and_pipes_do_not_count() {
        let folder = tree(&[DEMO, (".git/HEAD", "x")]);
        symlink("pack.yaml", folder.path().join("link")).unwrap();
        symlink(".git", folder.path().join("folder-link")).unwrap();
        fs_err::create_dir(folder.path().join("empty")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe"), Mode::RWXU).unwrap();
        assert_eq!(
            checksum(&folder),
            "1e7fdefb695cc1283893b27d4e2cecce392565fabb226a7af53ece2d462577ed"
        );
    }

    #[test]
    fn a_root_that_is_a_link_is_followed_and_one_that_is_none_is_named() {
        let folder = tree(&[DEMO]);
        let outer = tempfile::tempdir().unwrap();
        let link = outer.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert_eq!(
            attune_checksum(&link).unwrap().digest.hex(),
            checksum(&folder)
        );
        let none = outer.path().join("none");
        let error = attune_checksum(&none).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot open {}", none.display()),
            "the error names what was asked for"
        );
    }

    #[test]
    fn names_that_are_not_utf8_are_read_as_attune_reads_them() {
        let folder = tree(&[]);
        let odd = std::ffi::OsStr::from_bytes(b"a\xff");
        fs_err::write(folder.path().join(odd), "x").unwrap();
        assert_eq!(
            attune_checksum(folder.path()).unwrap(),
            AttuneChecksum {
                digest: Digest::sha256_of("a\u{fffd}x".as_bytes()),
                files: 1,
                bytes: 1,
            }
        );
    }
}
