//! Files that are as they were in an earlier tree are not written again, and all others are.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::tar_bytes::Tar;
use super::zip_bytes::{Entry, Zip};
use super::*;

/// An old tree, and what becomes of archives that are unpacked beside it.
struct Versions {
    stage: Stage,
    old: TempDir,
}

impl Versions {
    /// With these files in the old tree; a star at the end of the name makes a program.
    fn after(files: &[(&str, &[u8])]) -> Self {
        let old = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = old.path().join(name.trim_end_matches('*'));
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, content).unwrap();
            let mode = if name.ends_with('*') { 0o755 } else { 0o644 };
            fs_err::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        let stage = Stage::new();
        Self { stage, old }
    }

    fn unpack(&self, case: &str, source: Source<'_>) -> FileList {
        let result = self.try_unpack(source);
        accepted(case, result, &self.stage)
    }

    fn try_unpack(&self, source: Source<'_>) -> Result<FileList, ArchiveError> {
        let (limits, mut observer) = (Limits::default(), ());
        let base = Base::open(self.old.path()).unwrap();
        let writer = Writer::new(&self.stage.dest(), &limits, &mut observer)?;
        unpack_with(source, writer.sharing(Some(base)), &limits)
    }

    fn unpack_tar(&self, case: &str, tar: &[u8]) -> FileList {
        self.unpack(case, Source::Stream(Format::Tar, &mut &*tar))
    }

    fn inode(&self, path: &str) -> u64 {
        fs_err::metadata(self.stage.dest().join(path))
            .unwrap()
            .ino()
    }

    fn old_inode(&self, path: &str) -> u64 {
        fs_err::metadata(self.old.path().join(path)).unwrap().ino()
    }

    /// Whether the new file is the old one.
    fn shares(&self, path: &str) -> bool {
        self.inode(path) == self.old_inode(path)
    }
}

/// Whether this file system shares blocks, which leaves each file an inode of its own.
fn clones() -> bool {
    let (from, to) = (
        tempfile::NamedTempFile::new().unwrap(),
        tempfile::tempfile().unwrap(),
    );
    fs_err::write(from.path(), "x").unwrap();
    rustix::fs::ioctl_ficlone(&to, from.as_file()).is_ok()
}

const OLD: &[(&str, &[u8])] = &[
    ("pack.yaml", b"version: 1\n"),
    ("lib/same", b"the same"),
    ("lib/edited", b"before"),
    ("lib/longer", b"short"),
    ("lib/gone", b"gone"),
    ("lib/empty", b""),
    ("run*", b"#!/bin/sh\n"),
    ("stop", b"#!/bin/sh\n"),
];

/// What is in the new version, and whether it is the old file.
const NEW: &[(&str, &[u8], u32, bool)] = &[
    ("pack.yaml", b"version: 2\n", 0o644, false),
    ("lib/same", b"the same", 0o644, true),
    ("lib/edited", b"after.", 0o644, false),
    ("lib/longer", b"longer than it was", 0o644, false),
    ("lib/new", b"new", 0o644, false),
    ("lib/empty", b"", 0o644, true),
    ("run", b"#!/bin/sh\n", 0o755, true),
    ("stop", b"#!/bin/sh\n", 0o755, false),
];

fn tar(top: &str) -> Vec<u8> {
    let mut tar = Tar::new();
    for (name, content, mode, _) in NEW {
        let name = format!("{top}{name}");
        let header = super::tar_bytes::header(&name, b'0', content.len() as u64);
        tar = tar.odd(&header, content, |block| {
            block[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
        });
    }
    tar.end()
}

fn zip() -> Vec<u8> {
    let mut zip = Zip::default();
    for (name, content, mode, _) in NEW {
        zip = zip.entry(Entry::new(name, content, 0o100_000 | mode));
    }
    zip.end()
}

#[test]
fn what_did_not_change_is_the_old_file() {
    let shares = !clones();
    for (case, top) in [
        ("at the root", ""),
        ("in a folder", "demo-2/"),
        ("deeper", "demo-2/pack/"),
    ] {
        for compression in [Format::Tar, Format::TarGz, Format::TarZst] {
            let bytes = match compression {
                Format::TarGz => gzip(&tar(top)),
                Format::TarZst => zstd(&tar(top)),
                _ => tar(top),
            };
            let versions = Versions::after(OLD);
            versions.unpack(case, Source::Stream(compression, &mut &bytes[..]));
            for (name, content, _, same) in NEW {
                let path = format!("{top}{name}");
                let dest = versions.stage.dest().join(&path);
                assert_eq!(fs_err::read(&dest).unwrap(), *content, "{case}: {name}");
                let is_old = versions.old.path().join(name).exists()
                    && versions.inode(&path) == versions.old_inode(name);
                assert_eq!(is_old, *same && shares, "{case}, {compression:?}: {name}");
            }
        }
    }
}

#[test]
fn a_zip_archive_shares_files_too() {
    let shares = !clones();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&zip()).unwrap();
    let versions = Versions::after(OLD);
    versions.unpack("zip", Source::Zip(&file));
    for (name, content, _, same) in NEW {
        let dest = versions.stage.dest().join(name);
        assert_eq!(fs_err::read(&dest).unwrap(), *content, "{name}");
        let is_old = versions.old.path().join(name).exists() && versions.shares(name);
        assert_eq!(is_old, *same && shares, "{name}");
    }
}

#[test]
fn a_file_that_somebody_changed_is_not_taken_over() {
    let versions = Versions::after(&[("pack.yaml", b"as it was\n")]);
    let old = versions.old.path().join("pack.yaml");
    let modified = fs_err::metadata(&old).unwrap().modified().unwrap();
    fs_err::write(&old, "as it is \n").unwrap();
    // size and times say nothing of it
    let file = fs_err::OpenOptions::new().write(true).open(&old).unwrap();
    file.file().set_modified(modified).unwrap();
    let tar = Tar::new().file("pack.yaml", "as it was\n").end();
    versions.unpack_tar("changed in place", &tar);
    let new = fs_err::read(versions.stage.dest().join("pack.yaml")).unwrap();
    assert_eq!(new, b"as it was\n");
    assert!(!versions.shares("pack.yaml"));
    assert_eq!(
        fs_err::read(&old).unwrap(),
        b"as it is \n",
        "the old tree is only read"
    );
}

/// A case, and what becomes of the old file in it.
type Change<'a> = (&'a str, Box<dyn Fn(&Versions) + 'a>);

#[test]
fn only_files_as_the_writer_makes_them_are_taken_over() {
    let tar = Tar::new().file("a/file", "content").end();
    let open = |versions: &Versions, mode| {
        let path = versions.old.path().join("a/file");
        fs_err::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let replaced = |versions: &Versions, by: &dyn Fn(&Path)| {
        let path = versions.old.path().join("a/file");
        fs_err::rename(&path, versions.old.path().join("a/moved")).unwrap();
        by(&path);
    };
    let changes: Vec<Change<'_>> = vec![
        ("others may write to it", Box::new(|v| open(v, 0o666))),
        ("it runs as its owner", Box::new(|v| open(v, 0o4644))),
        ("it may be executed", Box::new(|v| open(v, 0o744))),
        (
            "it is a link",
            Box::new(|v| {
                replaced(v, &|path| {
                    fs_err::os::unix::fs::symlink("moved", path).unwrap();
                });
            }),
        ),
        (
            "it is a folder",
            Box::new(|v| replaced(v, &|path| fs_err::create_dir(path).unwrap())),
        ),
        (
            "it is a pipe",
            Box::new(|v| {
                replaced(v, &|path| {
                    let mode = rustix::fs::Mode::from_raw_mode(0o644);
                    let kind = rustix::fs::FileType::Fifo;
                    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
                });
            }),
        ),
        (
            "its folder is a link",
            Box::new(|v| {
                let old = v.old.path();
                fs_err::rename(old.join("a"), old.join("b")).unwrap();
                fs_err::os::unix::fs::symlink("b", old.join("a")).unwrap();
            }),
        ),
    ];
    for (case, change) in changes {
        let versions = Versions::after(&[("a/file", b"content")]);
        let inode = versions.old_inode("a/file");
        change(&versions);
        versions.unpack_tar(case, &tar);
        assert_ne!(versions.inode("a/file"), inode, "{case}");
    }
}

#[test]
fn a_large_file_is_compared_as_it_comes() {
    let content: Vec<u8> = (0..3_000_001_u32).flat_map(u32::to_le_bytes).collect();
    let versions = Versions::after(&[("big", &content)]);
    versions.unpack_tar("the same", &Tar::new().file("big", &content).end());
    assert_eq!(versions.shares("big"), !clones());

    for differs_at in [0, content.len() / 2, content.len() - 1] {
        let mut changed = content.clone();
        changed[differs_at] ^= 1;
        let versions = Versions::after(&[("big", &content)]);
        versions.unpack_tar("changed", &Tar::new().file("big", &changed).end());
        let new = fs_err::read(versions.stage.dest().join("big")).unwrap();
        assert!(new == changed, "a difference at {differs_at} is lost");
        assert!(!versions.shares("big"));
    }
}

#[test]
fn a_file_with_as_many_names_as_it_can_have_is_copied() {
    /// More than ext4 and most others allow.
    const MANY: usize = 65_536;
    let versions = Versions::after(&[("file", b"content")]);
    let links = tempfile::tempdir().unwrap();
    let old = versions.old.path().join("file");
    let is_full = (0..MANY)
        .any(|number| fs_err::hard_link(&old, links.path().join(number.to_string())).is_err());
    versions.unpack_tar("many names", &Tar::new().file("file", "content").end());
    let new = fs_err::read(versions.stage.dest().join("file")).unwrap();
    assert_eq!(new, b"content");
    assert_eq!(versions.shares("file"), !is_full && !clones());
}

#[test]
fn an_archive_that_is_refused_leaves_the_old_tree_as_it_is() {
    let versions = Versions::after(OLD);
    let before = scan(versions.old.path()).unwrap();
    let tar = Tar::new()
        .file("lib/same", "the same")
        .file("lib/edited", "after.")
        .file("../outside", "x")
        .end();
    let mut input = &tar[..];
    let refused = versions.try_unpack(Source::Stream(Format::Tar, &mut input));
    assert!(refused.is_err(), "{refused:?}");
    crate::tree::remove(&versions.stage.dest()).unwrap();
    assert_eq!(scan(versions.old.path()).unwrap(), before);
}
