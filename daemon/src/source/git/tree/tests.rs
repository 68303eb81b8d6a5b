#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use gix::objs::Write as _;
use gix::objs::tree::{Entry, EntryKind};
use tempfile::TempDir;

use super::*;
use crate::source::git::cache::{Bare, commit_of};

const LIMIT: u64 = 1 << 20;

/// A repository, and a folder to write to.
struct Scene {
    folder: TempDir,
    bare: Bare,
}

/// Bounds that nothing here comes near.
fn guard() -> Guard {
    let time = std::time::Duration::from_mins(1);
    let bounds = crate::source::git::guard::Bounds {
        from: "here".into(),
        bytes: u64::MAX,
        idle: time,
        total: time,
        rate: std::sync::Arc::default(),
        space: ("/".into(), 0),
    };
    Guard::new(bounds, tokio_util::sync::CancellationToken::new())
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bare = Bare::open(&folder.path().join("a.git"), 4 * LIMIT).unwrap();
        fs_err::create_dir(folder.path().join("out")).unwrap();
        Self { folder, bare }
    }

    fn blob(&self, content: &[u8]) -> ObjectId {
        self.bare.repository.write_blob(content).unwrap().detach()
    }

    fn tree(&self, entries: &[(&str, EntryKind, ObjectId)]) -> ObjectId {
        let mut tree = gix::objs::Tree {
            entries: entries
                .iter()
                .map(|(name, kind, oid)| Entry {
                    mode: (*kind).into(),
                    filename: (*name).into(),
                    oid: *oid,
                })
                .collect(),
        };
        tree.entries.sort();
        self.bare.repository.write_object(&tree).unwrap().detach()
    }

    fn write(&self, tree: ObjectId, path: Option<&str>) -> Result<Written, String> {
        let limits = Limits {
            file_bytes: LIMIT,
            ..Limits::default()
        };
        let commit = commit_of(&self.bare, tree);
        let out = self.folder.path().join("out");
        let mut observer = ();
        let writer = Writer::new(&out, &limits, &mut observer).unwrap();
        let repository = &self.bare.repository;
        let written = write(
            repository,
            "here",
            commit,
            path,
            (&limits, &guard()),
            writer,
        );
        written.map_err(|failure| match failure {
            Failure::Final(error) => packd_format::error::chain(&error),
            Failure::Damaged { what, reason } => format!("damaged: {what}: {reason}"),
        })
    }

    fn refusal(&self, entries: &[(&str, EntryKind, ObjectId)]) -> String {
        let scene = Self::new();
        // objects are named by what they hold, so those of one repository are written into the other
        for (_, kind, id) in entries {
            if *kind != EntryKind::Commit {
                let object = self.bare.repository.find_object(*id).unwrap();
                scene
                    .bare
                    .repository
                    .objects
                    .write_buf(object.kind, &object.data)
                    .unwrap();
            }
        }
        let tree = scene.tree(entries);
        scene.write(tree, None).unwrap_err()
    }
}

fn paths(written: &Written) -> Vec<&str> {
    written
        .files
        .entries()
        .iter()
        .map(|entry| entry.path.as_str())
        .collect()
}

#[test]
fn a_tree_is_written_as_it_is() {
    let scene = Scene::new();
    let text = scene.blob(b"ref: slack\n");
    let inner = scene.tree(&[
        ("run.sh", EntryKind::BlobExecutable, text),
        ("up", EntryKind::Link, scene.blob(b"../pack.yaml")),
    ]);
    let tree = scene.tree(&[
        ("pack.yaml", EntryKind::Blob, text),
        (
            ".gitattributes",
            EntryKind::Blob,
            scene.blob(b"pack.yaml export-ignore eol=crlf\n"),
        ),
        ("actions", EntryKind::Tree, inner),
        (
            "vendor",
            EntryKind::Commit,
            ObjectId::null(gix::hash::Kind::Sha1),
        ),
    ]);
    let written = scene.write(tree, None).unwrap();
    assert_eq!(
        paths(&written),
        [
            ".gitattributes",
            "actions",
            "actions/run.sh",
            "actions/up",
            "pack.yaml",
            "vendor"
        ]
    );
    assert_eq!(written.submodules, ["vendor"]);
    let out = scene.folder.path().join("out");
    assert_eq!(
        fs_err::read(out.join("pack.yaml")).unwrap(),
        b"ref: slack\n"
    );
    assert_eq!(
        fs_err::read_link(out.join("actions/up")).unwrap(),
        Path::new("../pack.yaml")
    );
}

#[test]
fn only_the_folder_of_the_pack_is_written() {
    let scene = Scene::new();
    let text = scene.blob(b"ref: slack\n");
    let pack = scene.tree(&[("pack.yaml", EntryKind::Blob, text)]);
    let pointer = scene.blob(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    let tree = scene.tree(&[
        ("big.bin", EntryKind::Blob, pointer),
        ("pack", EntryKind::Tree, pack),
    ]);
    assert_eq!(
        paths(&scene.write(tree, None).unwrap()),
        ["pack", "pack/pack.yaml"],
        "what lies beside it is nobody's business"
    );
    let scene = Scene::new();
    let text = scene.blob(b"ref: slack\n");
    let pack = scene.tree(&[("pack.yaml", EntryKind::Blob, text)]);
    let packs = scene.tree(&[
        ("slack", EntryKind::Tree, pack),
        ("mail", EntryKind::Tree, pack),
    ]);
    let tree = scene.tree(&[("packs", EntryKind::Tree, packs)]);
    for path in ["../packs", "packs/../packs", "packs//slack", "/etc/../x"] {
        let error = scene.write(tree, Some(path)).unwrap_err();
        assert!(error.contains("cannot be the folder"), "{path}: {error}");
    }
    let error = scene.write(tree, Some("packs/teams")).unwrap_err();
    assert!(error.contains("no `pack.yaml` in `packs/teams`"), "{error}");
    let written = scene.write(tree, Some("./packs/slack/")).unwrap();
    assert_eq!(
        paths(&written),
        ["packs", "packs/slack", "packs/slack/pack.yaml"]
    );
}

#[test]
fn what_no_pack_may_have_is_refused() {
    let scene = Scene::new();
    let text = scene.blob(b"x");
    let pointer = scene.blob(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    for (entries, says) in [
        (vec![("a", EntryKind::Blob, pointer)], "`a` in commit"),
        (vec![(".git", EntryKind::Blob, text)], ".git"),
        (vec![("..", EntryKind::Blob, text)], ".."),
        (vec![("a/b", EntryKind::Blob, text)], "`a/b` in commit"),
        (vec![("a\\b", EntryKind::Blob, text)], "a\\"),
        (
            vec![("A", EntryKind::Blob, text), ("a", EntryKind::Blob, text)],
            "a",
        ),
        (
            vec![("out", EntryKind::Link, scene.blob(b"/etc/shadow"))],
            "out",
        ),
        (vec![("out", EntryKind::Link, scene.blob(b"../x"))], "out"),
        (
            vec![("big", EntryKind::Blob, scene.blob(&vec![0; 1_100_000]))],
            "1048576",
        ),
    ] {
        let error = scene.refusal(&entries);
        assert!(error.contains(says), "{entries:?}: {error}");
        assert!(!error.starts_with("damaged"), "{error}");
    }
}

#[test]
fn an_object_that_is_not_what_its_number_says_is_found_out() {
    let scene = Scene::new();
    let text = scene.blob(b"as committed");
    let tree = scene.tree(&[("pack.yaml", EntryKind::Blob, text)]);
    let hex = text.to_string();
    let place = scene
        .bare
        .path
        .join("objects")
        .join(&hex[..2])
        .join(&hex[2..]);
    let other = scene.blob(b"as replaced!");
    let hex = other.to_string();
    let replaced = scene
        .bare
        .path
        .join("objects")
        .join(&hex[..2])
        .join(&hex[2..]);
    fs_err::rename(replaced, &place).unwrap();
    let error = scene.write(tree, None).unwrap_err();
    assert!(error.starts_with("damaged: pack.yaml"), "{error}");
    fs_err::remove_file(place).unwrap();
    let error = scene.write(tree, None).unwrap_err();
    assert!(error.starts_with("damaged: pack.yaml"), "{error}");
}
