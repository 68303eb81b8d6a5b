//! Packing folders, and that what is packed unpacks to the same tree.

use std::os::unix::fs::PermissionsExt as _;

use fs_err::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

fn write(root: &Path, path: &str, content: &[u8], mode: u32) {
    let place = root.join(path);
    fs_err::create_dir_all(place.parent().unwrap()).unwrap();
    fs_err::write(&place, content).unwrap();
    fs_err::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn packed(root: &Path, options: &PackOptions) -> (PackSummary, Vec<u8>) {
    let mut bytes = Vec::new();
    let summary = pack(root, &mut bytes, options).unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (summary, bytes)
}

fn everything() -> PackOptions {
    PackOptions {
        ignore_files: IgnoreFiles::Disregard,
        ..PackOptions::default()
    }
}

#[test]
fn a_folder_packs_to_the_same_bytes_wherever_and_whenever() {
    let make = |mode: u32| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "pack.yaml", b"ref: x", mode);
        write(folder.path(), "actions/run.sh", b"#!/bin/sh", mode | 0o111);
        write(
            folder.path(),
            &format!("{}/{}", "d".repeat(90), "f".repeat(90)),
            b"long",
            mode,
        );
        fs_err::create_dir(folder.path().join("empty")).unwrap();
        symlink("actions/run.sh", folder.path().join("run")).unwrap();
        folder
    };
    let (one, two) = (make(0o600), make(0o664));
    let (summary, bytes) = packed(one.path(), &PackOptions::default());
    assert_eq!(packed(two.path(), &PackOptions::default()).1, bytes);
    assert_eq!(summary.files, scan(one.path()).unwrap());

    let stage = Stage::new();
    let list = accepted(
        "packed",
        unpack_tar(Format::TarGz, &gzip(&bytes), &stage),
        &stage,
    );
    assert_eq!(list, summary.files);
}

#[test]
fn a_top_folder_is_put_around_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pack.yaml", b"ref: x", 0o644);
    let options = PackOptions {
        top_folder: Some("x-1.0.0".to_owned()),
        ..PackOptions::default()
    };
    let (summary, bytes) = packed(folder.path(), &options);
    let stage = Stage::new();
    let list = accepted("top", unpack_tar(Format::Tar, &bytes, &stage), &stage);
    assert_eq!(shown(&list), ["x-1.0.0/", "x-1.0.0/pack.yaml"]);
    assert_eq!(list.strip_root("x-1.0.0").unwrap(), summary.files);
}

#[test]
fn what_is_ignored_is_left_out() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("pack");
    fs_err::write(outer.path().join(".gitignore"), "*.yaml\n").unwrap();
    write(&folder, "pack.yaml", b"ref: x", 0o644);
    write(&folder, ".gitignore", b"*.pyc\n/build/\n", 0o644);
    write(&folder, ".packignore", b"tests/big\n", 0o644);
    write(&folder, "lib/a.pyc", b"x", 0o644);
    write(&folder, "lib/.gitignore", b"secret\n!kept.pyc\n", 0o644);
    write(&folder, "lib/secret", b"x", 0o644);
    write(&folder, "lib/kept.pyc", b"x", 0o644);
    write(&folder, "build/out", b"x", 0o644);
    write(&folder, "tests/big", b"x", 0o644);
    write(&folder, "tests/small", b"x", 0o644);
    write(&folder, ".hidden", b"x", 0o644);
    write(&folder, ".git/config", b"x", 0o644);
    write(&folder, "sub/.git/config", b"x", 0o644);

    let (summary, _) = packed(&folder, &PackOptions::default());
    assert_eq!(
        shown(&summary.files),
        [
            ".gitignore",
            ".hidden",
            ".packignore",
            "lib/",
            "lib/.gitignore",
            "lib/kept.pyc",
            "pack.yaml",
            "tests/",
            "tests/small"
        ]
    );
    let (summary, _) = packed(&folder, &everything());
    assert_eq!(summary.files, scan(&folder).unwrap());
}

#[test]
fn what_cannot_be_unpacked_is_not_packed() {
    let refused = |make: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "pack.yaml", b"ref: x", 0o644);
        make(folder.path());
        let error = pack(folder.path(), std::io::sink(), &everything()).unwrap_err();
        let mut text = error
            .to_string()
            .replace(&*folder.path().to_string_lossy(), "ROOT");
        if let PackError::Refused { source, .. } = &error {
            text = format!("{text}: {source}");
        }
        text
    };
    let pipe = |root: &Path| {
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("pipe"), rustix::fs::Mode::RWXU).unwrap();
    };
    assert_eq!(
        refused(&pipe),
        "ROOT/pipe is a named pipe, which cannot be packed"
    );
    assert_eq!(
        refused(&|root| symlink("/etc/passwd", root.join("l")).unwrap()),
        "ROOT cannot be packed: `l` may not be in a pack: it is a link to the absolute path `/etc/passwd`"
    );
    assert_eq!(
        refused(&|root| symlink("../x", root.join("l")).unwrap()),
        "ROOT cannot be packed: `l` may not be in a pack: it is a link to `../x`, which leads out of the archive"
    );
    assert_eq!(
        refused(&|root| write(root, "PACK.yaml", b"", 0o644)),
        "ROOT cannot be packed: `pack.yaml` may not be in a pack: \
         its name and `PACK.yaml` differ only in letter case or Unicode form"
    );
    assert_eq!(
        refused(&|root| write(root, "a\nb", b"", 0o644)),
        "ROOT cannot be packed: `a\\nb` may not be in a pack: its name has a control character"
    );
}

#[test]
fn what_cannot_be_gone_through_is_named_once() {
    let told = |root: &Path, options: &PackOptions| {
        let error = pack(root, std::io::sink(), options).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        format!("{error}: {source}").replace(&*root.to_string_lossy(), "ROOT")
    };
    assert_eq!(
        told(Path::new("/nowhere/at/all"), &everything()),
        "cannot read ROOT: No such file or directory (os error 2)"
    );
}

/// An output that changes a file of the folder as soon as the archive has begun.
struct Meddler<'a> {
    place: &'a Path,
    content: &'a [u8],
    done: bool,
}

impl std::io::Write for Meddler<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !std::mem::replace(&mut self.done, true) {
            fs_err::write(self.place, self.content)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_file_that_changes_meanwhile_is_an_error() {
    for content in [&b"longer than before"[..], b"s", b"changed!"] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", b"original", 0o644);
        let place = folder.path().join("a");
        let error = pack(
            folder.path(),
            Meddler {
                place: &place,
                content,
                done: false,
            },
            &everything(),
        )
        .unwrap_err();
        assert!(
            matches!(&error, PackError::Changed { path } if *path == place),
            "{error}"
        );
    }
}

/// An output that does something to the folder when the archive is as good as written.
struct AtTheEnd<'a> {
    written: usize,
    after: usize,
    deed: Option<&'a dyn Fn()>,
}

impl std::io::Write for AtTheEnd<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.written += bytes.len();
        if self.written >= self.after
            && let Some(deed) = self.deed.take()
        {
            deed();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_folder_is_packed_as_it_was_at_one_moment_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let make = || {
        for entry in fs_err::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs_err::remove_dir_all(path).unwrap();
            } else {
                fs_err::remove_file(path).unwrap();
            }
        }
        write(root, ".packignore", b"*.log", 0o644);
        write(root, "a", b"first", 0o644);
        write(root, "dir/b", b"second", 0o644);
        write(root, "z", b"last", 0o644);
        symlink("a", root.join("link")).unwrap();
        packed(root, &PackOptions::default()).1.len()
    };
    // what was read long ago, too, counts until the last byte
    let relink = || {
        fs_err::remove_file(root.join("link")).unwrap();
        symlink("z", root.join("link")).unwrap();
    };
    let deeds: [(&str, &str, &dyn Fn()); 6] = [
        ("changed in place", "a", &|| {
            write(root, "a", b"other", 0o644);
        }),
        ("gone", "a", &|| {
            fs_err::remove_file(root.join("a")).unwrap();
        }),
        ("new", "c", &|| write(root, "c", b"new", 0o644)),
        ("new below", "dir/a", &|| write(root, "dir/a", b"", 0o644)),
        ("executable", "a", &|| write(root, "a", b"first", 0o755)),
        ("another link", "link", &relink),
    ];
    for (case, place, deed) in deeds {
        let after = make();
        let out = AtTheEnd {
            written: 0,
            after,
            deed: Some(deed),
        };
        let error = pack(root, out, &PackOptions::default()).expect_err(case);
        assert!(
            matches!(&error, PackError::Changed { path } if *path == root.join(place)),
            "{case}: {error}"
        );
    }
    let after = make();
    let ignored = || write(root, "dir/run.log", b"noise", 0o644);
    let out = AtTheEnd {
        written: 0,
        after,
        deed: Some(&ignored),
    };
    pack(root, out, &PackOptions::default()).expect("what is left out may change");
}

/// A tree as a table of paths; what collides with something earlier is left out.
fn any_tree() -> impl Strategy<Value = Vec<(String, Option<Vec<u8>>, bool)>> {
    let name = proptest::sample::select(vec![
        "a",
        "b",
        "long-name-of-a-folder",
        "é日",
        "x y",
        "-n",
        "z.txt",
        ".hidden",
    ]);
    let path = proptest::collection::vec(name, 1..7).prop_map(|names| names.join("/"));
    let content = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..1500));
    proptest::collection::vec((path, content, any::<bool>()), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_packed_unpacks_to_the_same_tree(tree in any_tree()) {
        let folder = tempfile::tempdir().unwrap();
        let mut made = 0;
        write(folder.path(), "linked", b"", 0o644);
        for (path, content, odd) in &tree {
            let place = folder.path().join(path);
            let parent = place.parent().unwrap();
            if place.exists() || place.is_symlink() || fs_err::create_dir_all(parent).is_err() {
                continue;
            }
            match content {
                Some(content) if *odd && content.is_empty() => {
                    symlink("../".repeat(path.matches('/').count()) + "linked", &place).unwrap();
                }
                Some(content) => write(folder.path(), path, content, if *odd { 0o755 } else { 0o644 }),
                None => fs_err::create_dir(&place).unwrap(),
            }
            made += 1;
        }
        prop_assume!(made > 0);
        let on_disk = scan(folder.path()).unwrap();
        let (summary, bytes) = packed(folder.path(), &everything());
        prop_assert_eq!(&summary.files, &on_disk);
        let stage = Stage::new();
        let list = accepted("round trip", unpack_tar(Format::TarGz, &gzip(&bytes), &stage), &stage);
        prop_assert_eq!(&list, &on_disk);
        prop_assert_eq!(list.digest(), on_disk.digest());
    }
}
