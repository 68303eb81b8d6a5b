#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;

use fs_err::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

fn file(path: &str, content: &[u8], executable: bool) -> FileEntry {
    let kind = FileKind::File {
        executable,
        size: content.len() as u64,
        digest: Digest::sha256_of(content),
    };
    FileEntry {
        path: path.to_owned(),
        kind,
    }
}

fn link(path: &str, target: &str) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        kind: FileKind::Symlink {
            target: target.to_owned(),
        },
    }
}

fn dir(path: &str) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        kind: FileKind::Dir,
    }
}

fn list(entries: impl IntoIterator<Item = FileEntry>) -> FileList {
    FileList::new(entries.into_iter().collect())
}

#[test]
fn the_text_of_a_list_is_as_documented() {
    let tree = list([
        file("run me.sh", b"abc", true),
        dir("lib"),
        link("lib/run", "../run me.sh"),
        file("lib/empty", b"", false),
    ]);
    assert_eq!(
        String::from_utf8(tree.to_bytes()).unwrap(),
        "dir - - 0 3:lib\n\
         file - sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 9:lib/empty\n\
         link - 12:../run me.sh 12 7:lib/run\n\
         file x sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 9:run me.sh\n"
    );
    assert_eq!(tree.files(), 2);
    assert_eq!(tree.bytes(), 3);
    assert_eq!(tree.digest(), Digest::sha256_of(&tree.to_bytes()));
}

#[test]
fn a_list_has_one_spelling() {
    let good = list([dir("a"), file("b", b"abc", true), link("c", "b")]).to_bytes();
    assert!(FileList::parse(&good).is_ok());
    let good = String::from_utf8(good).unwrap();
    let digest = Digest::sha256_of(b"abc").to_string();
    let table = [
        (
            good.replace("dir - - 0 1:a\n", "dir - - 0 1:d\n"),
            2,
            "it is not sorted by path",
        ),
        (
            good.replace("dir - - 0 1:a\n", "dir - - 0 1:b\n"),
            2,
            "it is not sorted by path",
        ),
        (
            good.replace("dir - -", "dir x -"),
            1,
            "it is not spelled as it should be",
        ),
        (
            good.replace("dir - - 0", "dir - - 1"),
            1,
            "a directory has no content",
        ),
        (
            good.replace("1:a", "01:a"),
            1,
            "it is not spelled as it should be",
        ),
        (
            good.replace("1:a", "2:a"),
            1,
            "it does not end after its path",
        ),
        (
            good.replace("1:a\n", "3:a\n\n"),
            1,
            "a text is shorter than its length",
        ),
        (good.replace("1:a", "4:../a"), 1, "its path is not allowed"),
        (
            good.replace("file x", "file X"),
            2,
            "it is not spelled as it should be",
        ),
        (
            good.replace(&digest, &digest.to_uppercase()),
            2,
            "it is not spelled as it should be",
        ),
        (
            good.replace(" 3 1:b", " +3 1:b"),
            2,
            "it is not spelled as it should be",
        ),
        (
            good.replace("1:b 1 1:c", "1:b 2 1:c"),
            3,
            "it is not spelled as it should be",
        ),
        (
            good.trim_end().to_owned(),
            3,
            "it does not end after its path",
        ),
        (format!("{good}\n"), 4, "it has no kind"),
        (good.replace("link", "hard"), 3, "its kind is unknown"),
    ];
    for (text, line, reason) in table {
        assert_eq!(
            FileList::parse(text.as_bytes()),
            Err(ListError { line, reason }),
            "for:\n{text}"
        );
    }
}

#[test]
fn trees_that_differ_have_lists_that_differ() {
    let all = [
        list([]),
        list([dir("a")]),
        list([dir("a"), dir("a/b")]),
        list([file("a", b"", false)]),
        list([file("a", b"", true)]),
        list([file("a", b"b", false)]),
        list([link("a", "b")]),
        list([link("a", "b 1 1:a")]),
        list([link("a", "b"), link("b", "a")]),
        list([file("a 0 1:b", b"", false)]),
        list([file("a", b"", false), file("b", b"", false)]),
        list([file("ab", b"", false)]),
    ];
    for (i, a) in all.iter().enumerate() {
        for b in &all[..i] {
            assert_ne!(a.digest(), b.digest(), "{a:?} and {b:?}");
        }
    }
}

fn any_entry() -> impl Strategy<Value = FileEntry> {
    let name = "[ -.0-~é日:]{1,6}";
    let path = proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    let kind = prop_oneof![
        (any::<bool>(), any::<u64>(), any::<[u8; 4]>()).prop_map(|(executable, size, content)| {
            FileKind::File {
                executable,
                size,
                digest: Digest::sha256_of(&content),
            }
        }),
        "[ -~é日]{0,12}".prop_map(|target| FileKind::Symlink { target }),
        Just(FileKind::Dir),
    ];
    (path, kind).prop_map(|(path, kind)| FileEntry { path, kind })
}

fn any_list() -> impl Strategy<Value = FileList> {
    proptest::collection::vec(any_entry(), 0..12).prop_map(|mut entries| {
        entries.retain(|entry| path::check(&entry.path).is_ok());
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        FileList::new(entries)
    })
}

proptest! {
    #[test]
    fn the_text_of_a_list_reads_back(tree in any_list()) {
        prop_assert_eq!(FileList::parse(&tree.to_bytes()).unwrap(), tree);
    }

    #[test]
    fn the_digest_tells_lists_apart(a in any_list(), b in any_list()) {
        prop_assert_eq!(a == b, a.digest() == b.digest());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(tree) = FileList::parse(&text) {
            prop_assert_eq!(tree.to_bytes(), text);
        }
    }
}

#[test]
fn the_pack_is_found_where_it_may_be() {
    let manifest = |path: &str| file(path, b"ref: x", false);
    let table: [(FileList, Option<&str>, &str); 11] = [
        (list([manifest("pack.yaml")]), None, ""),
        (
            list([
                manifest("pack.yaml"),
                dir("actions"),
                manifest("actions/pack.yaml"),
            ]),
            None,
            "",
        ),
        (
            list([dir("pack"), manifest("pack/pack.yaml")]),
            None,
            "pack",
        ),
        (
            list([dir("pack"), manifest("pack/pack.yaml"), dir("docs")]),
            None,
            "pack",
        ),
        (
            list([dir("slack-1.0"), manifest("slack-1.0/pack.yaml")]),
            None,
            "slack-1.0",
        ),
        (
            list([
                file("README", b"", false),
                dir("slack"),
                manifest("slack/pack.yaml"),
            ]),
            None,
            "slack",
        ),
        (
            list([
                dir("__MACOSX"),
                file("__MACOSX/._slack", b"", false),
                dir("slack"),
                manifest("slack/pack.yaml"),
            ]),
            None,
            "slack",
        ),
        (
            list([dir("r"), dir("r/pack"), manifest("r/pack/pack.yaml")]),
            None,
            "r/pack",
        ),
        (
            list([
                dir("a"),
                manifest("a/pack.yaml"),
                dir("b"),
                manifest("b/pack.yaml"),
            ]),
            Some("b"),
            "b",
        ),
        (
            list([dir("r"), dir("r/b"), manifest("r/b/pack.yaml")]),
            Some("b/"),
            "r/b",
        ),
        (list([manifest("pack.yaml")]), Some("."), ""),
    ];
    for (tree, wanted, root) in table {
        assert_eq!(
            find_pack_root(&tree, wanted).as_deref(),
            Ok(root),
            "of {tree:?}, wanted {wanted:?}"
        );
    }
}

#[test]
fn a_pack_that_is_nowhere_or_in_several_places_is_not_guessed() {
    let manifest = |path: &str| file(path, b"ref: x", false);
    let two = list([
        dir("a"),
        manifest("a/pack.yaml"),
        dir("b"),
        manifest("b/pack.yaml"),
    ]);
    let error = find_pack_root(&two, None).unwrap_err();
    assert_eq!(
        error,
        RootError::None {
            elsewhere: vec!["a".to_owned(), "b".to_owned()]
        }
    );
    assert!(error.hint().unwrap().contains("`a`, `b`"));

    let error = find_pack_root(&two, Some("c")).unwrap_err();
    assert!(matches!(error, RootError::NotThere { wanted, .. } if wanted == "c"));

    let both = list([
        manifest("pack.yaml"),
        dir("pack"),
        manifest("pack/pack.yaml"),
    ]);
    let error = find_pack_root(&both, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "more than one `pack.yaml`: in `.`, `pack`"
    );
    for (wanted, root) in [(".", ""), ("./", ""), ("pack", "pack"), ("./pack", "pack")] {
        let found = find_pack_root(&both, Some(wanted));
        assert_eq!(found.as_deref(), Ok(root), "{wanted}");
    }

    let error = find_pack_root(&list([file("readme", b"", false)]), None).unwrap_err();
    assert_eq!(
        error.hint().as_deref(),
        Some("a pack is a folder with a `pack.yaml`, and there is none in it")
    );

    for odd in [dir("pack.yaml"), link("pack.yaml", "other")] {
        let error = find_pack_root(&list([odd]), None).unwrap_err();
        assert_eq!(
            error,
            RootError::NotRegular {
                path: "pack.yaml".to_owned()
            }
        );
    }
    let error = find_pack_root(&both, Some("../x")).unwrap_err();
    assert!(matches!(
        error,
        RootError::BadPath {
            reason: BadPath::DotDot,
            ..
        }
    ));
}

#[test]
fn the_tree_below_the_root_is_a_tree_of_its_own() {
    let tree = list([
        dir("top"),
        file("top-file", b"", false),
        dir("top/a"),
        link("top/a/up", "../b"),
        file("top/b", b"x", false),
        file("zz", b"", false),
    ]);
    let inner = tree.strip_root("top").unwrap();
    assert_eq!(
        inner,
        list([dir("a"), link("a/up", "../b"), file("b", b"x", false)])
    );
    assert_eq!(tree.strip_root("").unwrap(), tree);

    let error = tree.strip_root("top/a").unwrap_err();
    assert_eq!(
        error,
        RootError::LinkLeaves {
            path: "top/a/up".to_owned(),
            target: "../b".to_owned()
        }
    );
}

#[test]
fn a_folder_is_listed_without_git() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs_err::create_dir_all(at("sub/.git/hooks")).unwrap();
    fs_err::create_dir_all(at("empty")).unwrap();
    fs_err::write(at("sub/run"), "abc").unwrap();
    fs_err::set_permissions(at("sub/run"), std::fs::Permissions::from_mode(0o710)).unwrap();
    symlink("sub/run", at("run")).unwrap();
    let tree = scan(folder.path()).unwrap();
    assert_eq!(
        tree,
        list([
            dir("empty"),
            link("run", "sub/run"),
            dir("sub"),
            file("sub/run", b"abc", true)
        ])
    );
    sync(folder.path()).unwrap();
}

#[test]
fn what_no_pack_may_have_is_named() {
    let folder = tempfile::tempdir().unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        folder.path().join("pipe"),
        rustix::fs::Mode::RWXU,
    )
    .unwrap();
    let error = scan(folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            TreeError::Special {
                what: "named pipe",
                ..
            }
        ),
        "{error}"
    );

    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join("a\nb"), "").unwrap();
    let error = scan(folder.path()).unwrap_err();
    assert!(
        matches!(
            error,
            TreeError::Name {
                reason: BadPath::Control,
                ..
            }
        ),
        "{error}"
    );

    let folder = tempfile::tempdir().unwrap();
    symlink("a\nb", folder.path().join("link")).unwrap();
    let error = scan(folder.path()).unwrap_err();
    assert!(matches!(error, TreeError::Target { .. }), "{error}");

    let error = scan(&folder.path().join("none")).unwrap_err();
    assert!(
        matches!(error, TreeError::Io { action: "open", .. }),
        "{error}"
    );
}

#[test]
fn many_files_are_synced_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..80 {
        fs_err::write(folder.path().join(number.to_string()), "x").unwrap();
    }
    sync(folder.path()).unwrap();
}

#[test]
fn a_tree_is_removed_whatever_its_modes_and_links() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs_err::create_dir(&outside).unwrap();
    fs_err::write(outside.join("kept"), "x").unwrap();
    let tree = folder.path().join("tree");
    fs_err::create_dir_all(tree.join("closed/below")).unwrap();
    fs_err::write(tree.join("closed/below/file"), "x").unwrap();
    symlink(&outside, tree.join("closed/link")).unwrap();
    for closed in ["closed/below", "closed", ""] {
        fs_err::set_permissions(tree.join(closed), std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    remove(&tree).unwrap();
    assert!(!tree.exists());
    assert!(
        outside.join("kept").exists(),
        "what a link points to is not removed"
    );
    remove(&tree).unwrap();

    symlink(&outside, &tree).unwrap();
    remove(&tree).unwrap();
    assert!(outside.join("kept").exists() && !tree.is_symlink());
}
