//! What this process makes of an archive: recognised, unpacked, and its manifest read, as an install does.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use packd_format::{
    Manifest,
    archive::{self, ArchiveError, Format, Limits, Source},
    error::chain,
    tree::{FileList, RootError, find_pack_root},
};
use packd_wire::ErrorKind;

use crate::support::tree::Tree;

/// Why an archive is refused.
#[derive(Debug)]
pub struct Refusal {
    /// What an install would fail with.
    pub kind: ErrorKind,
    /// What is said: everything that led to it.
    pub message: String,
    /// One thing to try.
    pub hint: Option<String>,
}

impl From<ArchiveError> for Refusal {
    fn from(error: ArchiveError) -> Self {
        let kind = match error {
            ArchiveError::UnsupportedFormat { .. } => ErrorKind::UnsupportedArchive,
            ArchiveError::Damaged { .. } => ErrorKind::InvalidArchive,
            ArchiveError::Unsafe { .. } => ErrorKind::UnsafeArchive,
            ArchiveError::Limit { .. } => ErrorKind::LimitExceeded,
            ArchiveError::Cancelled => ErrorKind::Cancelled,
            ArchiveError::Read { .. } | ArchiveError::Write { .. } => ErrorKind::Io,
        };
        Self {
            kind,
            message: chain(&error),
            hint: error.hint(),
        }
    }
}

impl From<RootError> for Refusal {
    fn from(error: RootError) -> Self {
        let kind = match error {
            RootError::LinkLeaves { .. } => ErrorKind::UnsafeArchive,
            RootError::BadPath { .. } => ErrorKind::InvalidReference,
            RootError::None { .. }
            | RootError::NotThere { .. }
            | RootError::Several { .. }
            | RootError::NotRegular { .. } => ErrorKind::ManifestMissing,
        };
        Self {
            kind,
            message: chain(&error),
            hint: error.hint(),
        }
    }
}

/// Unpacks an archive into a folder of its own, and says what is in it.
///
/// Insists that nothing else is touched: a folder above has a file that must stay as it is, and `/tmp/packd-hostile`,
/// which many of the archives want to write, must not be there.
///
/// # Errors
/// What an install of it would fail with.
pub fn judge(bytes: &[u8], limits: &Limits) -> Result<Tree, Refusal> {
    let outer = tempfile::tempdir().unwrap();
    let dest = outer.path().join("a/b/dest");
    fs_err::create_dir_all(&dest).unwrap();
    fs_err::write(outer.path().join("a/b/outside"), "untouched").unwrap();
    let before = beside(outer.path(), &dest);

    let judged = install(bytes, &dest, limits);

    assert_eq!(
        beside(outer.path(), &dest),
        before,
        "something beside the folder has changed"
    );
    assert!(
        !Path::new("/tmp/packd-hostile").exists(),
        "a file was written far away"
    );
    match judged {
        Ok(files) => {
            let there = Tree::of(&dest);
            assert_eq!(
                files.entries().len(),
                there.0.len(),
                "the list says what is there"
            );
            Ok(there)
        }
        Err(refusal) => {
            // in a well-made archive they are judged and made before its manifest is looked at
            let was_well_made = matches!(
                refusal.kind,
                ErrorKind::ManifestMissing | ErrorKind::InvalidManifest
            ) || refusal.message.contains("outside the pack's folder");
            assert!(
                was_well_made || !has_link(&dest),
                "a link was made although the archive is refused: {refusal:?}"
            );
            packd_format::tree::remove(&dest).unwrap();
            assert!(!dest.exists(), "what was written can be removed");
            Err(refusal)
        }
    }
}

/// Whether there is a link in a folder. Anything else than links, files and folders is a failure.
fn has_link(folder: &Path) -> bool {
    fs_err::read_dir(folder).unwrap().any(|entry| {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        assert!(
            kind.is_dir() || kind.is_file() || kind.is_symlink(),
            "{} was made",
            entry.path().display()
        );
        kind.is_symlink() || kind.is_dir() && has_link(&entry.path())
    })
}

fn install(bytes: &[u8], dest: &Path, limits: &Limits) -> Result<FileList, Refusal> {
    let head = &bytes[..bytes.len().min(512)];
    let files = match Format::sniff(head)? {
        Format::Zip => {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            archive::unpack(Source::Zip(&file), dest, limits, &mut ())?
        }
        format => {
            let mut bytes = bytes;
            archive::unpack(Source::Stream(format, &mut bytes), dest, limits, &mut ())?
        }
    };
    let root = find_pack_root(&files, None)?;
    files.strip_root(&root)?;
    let text = fs_err::read(dest.join(root).join("pack.yaml")).unwrap();
    match Manifest::parse(&text) {
        Ok(_) => Ok(files),
        Err(error) => Err(Refusal {
            kind: ErrorKind::InvalidManifest,
            message: chain(&error),
            hint: error.hint(),
        }),
    }
}

/// What lies in each folder from `outer` down to the one that `dest` is in, and the content of the file there.
fn beside(outer: &Path, dest: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = dest
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(outer));
    let mut found: Vec<_> = folders
        .flat_map(|folder| fs_err::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let content = if path.is_dir() {
                Vec::new()
            } else {
                fs_err::read(&path).unwrap()
            };
            (path, content)
        })
        .collect();
    found.sort();
    found
}
