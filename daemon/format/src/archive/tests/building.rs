//! Archives for publishing: the same tree gives the same bytes, and they unpack to what was meant.

use std::io::{Cursor, Seek as _};
use std::os::unix::fs::PermissionsExt as _;

use fs_err::os::unix::fs::symlink;
use proptest::prelude::*;

use super::*;

const FORMATS: [Format; 4] = [Format::Tar, Format::TarGz, Format::TarZst, Format::Zip];

fn write(root: &Path, path: &str, content: &[u8], mode: u32) {
    let place = root.join(path);
    fs_err::create_dir_all(place.parent().unwrap()).unwrap();
    fs_err::write(&place, content).unwrap();
    fs_err::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn options() -> PackOptions {
    PackOptions {
        top_folder: Some("x-1.0.0".to_owned()),
        ..PackOptions::default()
    }
}

fn listed(root: &Path) -> FileList {
    let packing = Packing::select(root, &PackOptions::default()).unwrap();
    packing.list().unwrap()
}

fn built(root: &Path, format: Format) -> (PackSummary, Vec<u8>) {
    let mut out = Cursor::new(Vec::new());
    let packing = Packing::select(root, &options()).unwrap();
    let summary = packing.write(format, &mut out).unwrap();
    let bytes = out.into_inner();
    assert_eq!(summary.bytes, bytes.len() as u64, "{format:?}");
    (summary, bytes)
}

fn unpacked(format: Format, bytes: &[u8]) -> FileList {
    let stage = Stage::new();
    let result = match format {
        Format::Zip => unpack_zip(bytes, &stage),
        stream => unpack_tar(stream, bytes, &stage),
    };
    accepted(&format!("{format:?}"), result, &stage)
}

#[test]
fn each_format_unpacks_to_the_tree_that_was_listed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o600);
    write(root, "actions/run.sh", b"#!/bin/sh\n", 0o744);
    write(root, "actions/run.sh.txt", b"", 0o644);
    write(root, "data/big", &vec![b'x'; 600_000], 0o644);
    write(root, "data/é日", b"x", 0o644);
    write(
        root,
        &format!("{}/{}", "d".repeat(120), "f".repeat(120)),
        b"x",
        0o644,
    );
    fs_err::create_dir(root.join("empty")).unwrap();
    symlink("actions/run.sh", root.join("run")).unwrap();
    symlink("../data", root.join("actions/data")).unwrap();
    let listed = listed(root);
    assert_eq!(listed, scan(root).unwrap());
    for format in FORMATS {
        let (summary, bytes) = built(root, format);
        assert_eq!(summary.files, listed, "{format:?}");
        assert_eq!(
            Format::sniff(&bytes[..bytes.len().min(512)]).unwrap(),
            format
        );
        let tree = unpacked(format, &bytes);
        assert_eq!(tree.entries()[0].path, "x-1.0.0", "{format:?}");
        assert_eq!(tree.strip_root("x-1.0.0").unwrap(), listed, "{format:?}");
    }
}

#[test]
fn nothing_of_the_machine_is_in_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "pack.yaml",
        b"ref: x\nversion: 1.0.0\n",
        0o644,
    );
    let (_, gz) = built(folder.path(), Format::TarGz);
    assert_eq!(
        gz[..10],
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255],
        "neither name nor time nor system, only that it is compressed well"
    );
    let (_, zip) = built(folder.path(), Format::Zip);
    assert_eq!(
        zip[10..14],
        [0, 0, 0x21, 0],
        "midnight of the first of January 1980"
    );
}

#[test]
fn what_programs_leave_behind_is_not_packed_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in [
        "pack.yaml",
        "lib/__pycache__/a.cpython-312.pyc",
        "lib/a.py",
        "lib/b.pyc",
        ".venv/bin/python",
        "sub/.venv/x",
        ".git/HEAD",
        "lib/.git",
        "node_modules/left/pad.js",
        "venv.txt",
        "x-1.0.0.tar.gz",
        "x-2.1.0-rc.1.zip",
        "x-1.0.0_build.7.tar.zst",
        "x-notes.tar.gz",
        "y-1.0.0.tar.gz",
        "sub/x-1.0.0.tar.gz",
    ] {
        write(root, path, b"ref: x\nversion: 1.0.0\n", 0o644);
    }
    let paths =
        |options: &PackOptions| shown(&Packing::select(root, options).unwrap().list().unwrap());
    assert_eq!(
        paths(&PackOptions::default()),
        [
            "lib/",
            "lib/a.py",
            "node_modules/",
            "node_modules/left/",
            "node_modules/left/pad.js",
            "pack.yaml",
            "sub/",
            "sub/x-1.0.0.tar.gz",
            "venv.txt",
            "x-notes.tar.gz",
            "y-1.0.0.tar.gz",
        ]
    );
    let leave_out = Some("sub/x-1.0.0.tar.gz".to_owned());
    assert!(
        !paths(&PackOptions {
            leave_out,
            ..PackOptions::default()
        })
        .contains(&"sub/x-1.0.0.tar.gz".to_owned()),
        "the archive itself is left out wherever it lies"
    );
    write(
        root,
        ".packignore",
        b"!.venv\n!b.pyc\n!/x-1.0.0.tar.gz\n/node_modules\n",
        0o644,
    );
    assert_eq!(
        paths(&PackOptions::default()),
        [
            ".packignore",
            ".venv/",
            ".venv/bin/",
            ".venv/bin/python",
            "lib/",
            "lib/a.py",
            "lib/b.pyc",
            "pack.yaml",
            "sub/",
            "sub/.venv/",
            "sub/.venv/x",
            "sub/x-1.0.0.tar.gz",
            "venv.txt",
            "x-1.0.0.tar.gz",
            "x-notes.tar.gz",
            "y-1.0.0.tar.gz",
        ]
    );
}

#[test]
fn building_in_the_folder_of_the_pack_changes_nothing_for_the_next_build() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
    let before = listed(root).digest();
    let (_, bytes) = built(root, Format::TarGz);
    fs_err::write(root.join("x-1.0.0.tar.gz"), &bytes).unwrap();
    assert_eq!(listed(root).digest(), before);
    assert_eq!(built(root, Format::TarGz).1, bytes);
}

#[test]
fn repositories_in_the_folder_are_left_out_and_named() {
    let (folder, bare) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for root in [folder.path(), bare.path()] {
        write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
        write(root, ".gitignore", b"/ignored\n", 0o644);
        write(root, "vendor/lib.py", b"x", 0o644);
    }
    let root = folder.path();
    write(root, ".git/HEAD", b"x", 0o644);
    write(root, "vendor/two/.git/HEAD", b"x", 0o644);
    write(root, "vendor/two/lib.py", b"x", 0o644);
    // as worktrees and submodules have it
    write(root, "vendor/one/.git", b"gitdir: ../x", 0o644);
    write(root, "vendor/one/lib.py", b"x", 0o644);
    write(root, "ignored/.git/HEAD", b"x", 0o644);
    assert_eq!(listed(root), listed(bare.path()));
    let (summary, bytes) = built(root, Format::TarGz);
    assert_eq!(bytes, built(bare.path(), Format::TarGz).1);
    let named = LeftOut {
        repositories: vec!["vendor/one".to_owned(), "vendor/two".to_owned()],
        outputs: Vec::new(),
    };
    assert_eq!(
        summary.left_out, named,
        "and neither its own nor ignored ones"
    );
    assert_eq!(
        built(bare.path(), Format::TarGz).0.left_out,
        LeftOut::default()
    );
}

#[test]
fn folders_of_which_nothing_is_left_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
    write(root, ".gitignore", b"dist/\n*.log\n", 0o644);
    fs_err::create_dir(root.join("empty")).unwrap();
    let before = listed(root);
    for path in [
        "a/dist/x",
        "a/b/c/y.log",
        "lib/__pycache__/a.pyc",
        "logs/x.log",
    ] {
        write(root, path, b"x", 0o644);
    }
    write(root, ".pytest_cache/.gitignore", b"*\n", 0o644);
    write(root, ".pytest_cache/v/x", b"x", 0o644);
    assert_eq!(shown(&listed(root)), shown(&before));
    assert_eq!(
        shown(&before),
        [".gitignore", "empty/", "pack.yaml"],
        "what was empty before is meant"
    );
    let everything = PackOptions {
        ignore_files: IgnoreFiles::Disregard,
        ..PackOptions::default()
    };
    let packing = Packing::select(root, &everything).unwrap();
    assert!(packing.has("logs/x.log"));
}

#[test]
fn what_git_tracks_is_packed_whatever_it_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
    write(root, ".gitignore", b"lib/\n*.log\n", 0o644);
    write(root, ".packignore", b"/secret.log\n", 0o644);
    for path in [
        "actions/lib/a.py",
        "actions/lib/untracked.py",
        "kept.log",
        "other.log",
        "secret.log",
        "cache.pyc",
        "new.py",
        "inner/.git/HEAD",
        "inner/x",
        "sub/.git/HEAD",
        "sub/x",
    ] {
        write(root, path, b"x", 0o644);
    }
    write(root, "actions/lib/.gitignore", b"!untracked.py\n", 0o644);
    for path in ["empty", "elsewhere"] {
        fs_err::create_dir(root.join(path)).unwrap();
    }
    let tracked = [
        ("actions/lib/a.py", false),
        ("cache.pyc", false),
        ("elsewhere", true),
        ("gone.py", false),
        ("kept.log", false),
        ("secret.log", false),
        ("sub", true),
    ];
    let tracked = tracked.map(|(path, is_submodule)| (path.to_owned(), is_submodule));
    let options = PackOptions {
        tracked: Some(Tracked::of(tracked)),
        ..PackOptions::default()
    };
    let packing = Packing::select(root, &options).unwrap();
    assert_eq!(packing.left_out().repositories, ["inner", "sub"]);
    assert_eq!(
        shown(&packing.list().unwrap()),
        [
            ".gitignore",
            ".packignore",
            "actions/",
            "actions/lib/",
            "actions/lib/a.py",
            "cache.pyc",
            "elsewhere/",
            "kept.log",
            "new.py",
            "pack.yaml",
            "sub/",
        ]
    );
    assert_eq!(
        shown(&listed(root)),
        [
            ".gitignore",
            ".packignore",
            "elsewhere/",
            "empty/",
            "new.py",
            "pack.yaml"
        ],
        "where there is no git, ignore files have the last word"
    );
}

#[test]
fn what_is_written_meanwhile_is_no_part_of_the_pack_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
    write(root, ".gitignore", b"/ignored\n", 0o644);
    let before = listed(root);
    write(root, "sub/entry.json", b"", 0o644);
    write(root, "ignored", b"", 0o644);
    fs_err::hard_link(root.join("sub/entry.json"), root.join("same")).unwrap();
    let outputs = ["sub/entry.json", "ignored"]
        .map(|path| FileId::of(&fs_err::metadata(root.join(path)).unwrap()));
    let options = PackOptions {
        outputs: outputs.to_vec(),
        ..PackOptions::default()
    };
    let packing = Packing::select(root, &options).unwrap();
    assert_eq!(
        packing.left_out().outputs,
        ["same", "sub/entry.json"],
        "an ignored one is not missed"
    );
    assert_eq!(shown(&packing.list().unwrap()), shown(&before));
}

#[test]
fn what_could_not_be_unpacked_again_is_not_built() {
    let refused = |limits: Limits, make: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "pack.yaml", b"ref: x", 0o644);
        make(folder.path());
        let options = PackOptions {
            limits,
            ..options()
        };
        let packed = Packing::select(folder.path(), &options)
            .and_then(|packing| packing.write(Format::TarGz, Cursor::new(Vec::new())));
        let Err(PackError::Refused { source, .. }) = packed else {
            panic!("{packed:?}")
        };
        source.to_string()
    };
    let zeros = |root: &Path| write(root, "zeros", &vec![0; 3 << 20], 0o644);
    let tight = Limits {
        ratio: 50,
        ratio_after: 1 << 20,
        ..Limits::default()
    };
    assert_eq!(
        refused(tight, &zeros),
        "the archive has more than 50 times the compressed size"
    );
    let shallow = Limits {
        depth: 3,
        ..Limits::default()
    };
    assert_eq!(
        refused(shallow.clone(), &|root| write(root, "a/b/c", b"", 0o644)),
        "the archive has more than 2 levels of folders, at `a/b/c`",
        "the top folder is one of the three levels"
    );
    assert_eq!(
        refused(shallow, &|root| symlink(
            "../x-1.0.0/pack.yaml",
            root.join("l")
        )
        .unwrap()),
        "`l` may not be in a pack: it is a link to `../x-1.0.0/pack.yaml`, which leads out of the archive",
        "what leads through the top folder would lead nowhere in the store"
    );
}

#[test]
fn files_are_listed_by_many_threads_as_by_one() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..500 {
        let path = format!("d{:02}/f{number:03}", number % 20);
        write(folder.path(), &path, path.as_bytes(), 0o644);
    }
    assert_eq!(listed(folder.path()), scan(folder.path()).unwrap());
}

/// Paths with their contents, which are made in the order given.
fn any_tree() -> impl Strategy<Value = Vec<(String, Option<Vec<u8>>, bool)>> {
    let name = proptest::sample::select(vec!["a", "b", "a.txt", "é", "x y", ".hidden", "-n"]);
    let path = proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"));
    let content = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300));
    proptest::collection::btree_map(path, (content, any::<bool>()), 1..12).prop_map(|tree| {
        let tree = tree
            .into_iter()
            .map(|(path, (content, executable))| (path, content, executable));
        let mut kept: Vec<(String, Option<Vec<u8>>, bool)> = Vec::new();
        for item in tree {
            // nothing lies in a file
            let inside_file = kept.iter().any(|(path, content, _)| {
                content.is_some() && item.0.starts_with(&format!("{path}/"))
            });
            if !inside_file {
                kept.push(item);
            }
        }
        kept
    })
}

/// Makes the tree with modes and times that are no part of it.
fn make<'a>(
    root: &Path,
    tree: impl Iterator<Item = &'a (String, Option<Vec<u8>>, bool)>,
    other_bits: u32,
    time: u64,
) {
    write(root, "pack.yaml", b"ref: x\nversion: 1.0.0\n", 0o644);
    for (path, content, executable) in tree {
        match content {
            Some(content) => {
                let mode = if *executable { 0o700 } else { 0o600 };
                write(root, path, content, mode | other_bits);
                let file = fs_err::File::options()
                    .append(true)
                    .open(root.join(path))
                    .unwrap();
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time);
                file.file().set_modified(time).unwrap();
            }
            None => fs_err::create_dir_all(root.join(path)).unwrap(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_tree_has_the_same_bytes_however_it_came_about(tree in any_tree()) {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(one.path(), tree.iter(), 0, 1_000_000_000);
        make(two.path(), tree.iter().rev(), 0o044, 1_700_000_123);
        let digest = listed(one.path()).digest();
        for format in FORMATS {
            let (summary, bytes) = built(one.path(), format);
            prop_assert_eq!(&built(two.path(), format).1, &bytes, "{:?}", format);
            prop_assert_eq!(summary.files.digest(), digest);
            let tree = unpacked(format, &bytes).strip_root("x-1.0.0").unwrap();
            prop_assert_eq!(tree.digest(), digest, "{:?}", format);
        }
    }
}

#[test]
fn an_archive_is_written_from_where_the_output_stands() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "pack.yaml",
        b"ref: x\nversion: 1.0.0\n",
        0o644,
    );
    let mut file = tempfile::tempfile().unwrap();
    let packing = Packing::select(folder.path(), &options()).unwrap();
    assert!(packing.has("pack.yaml") && !packing.has("other"));
    let summary = packing.write(Format::Zip, &mut file).unwrap();
    assert_eq!(file.stream_position().unwrap(), summary.bytes);
    let stage = Stage::new();
    let result = unpack(
        Source::Zip(&file),
        &stage.dest(),
        &Limits::default(),
        &mut (),
    );
    accepted("zip in a file", result, &stage);
}
