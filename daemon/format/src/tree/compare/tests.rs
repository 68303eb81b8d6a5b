#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use fs_err::os::unix::fs::symlink;
use tempfile::TempDir;

use super::*;
use crate::tree::scan;

fn chmod(path: &Path, mode: u32) {
    fs_err::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn tree() -> (TempDir, FileList) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["actions", "actions/lib"] {
        fs_err::create_dir(root.join(name)).unwrap();
        chmod(&root.join(name), 0o755);
    }
    for (name, mode) in [
        ("pack.yaml", 0o644),
        ("actions/run.sh", 0o755),
        ("actions/lib/a", 0o644),
    ] {
        fs_err::write(root.join(name), name).unwrap();
        chmod(&root.join(name), mode);
    }
    symlink("run.sh", root.join("actions/link")).unwrap();
    chmod(root, 0o755);
    let list = scan(root).unwrap();
    (folder, list)
}

#[test]
fn an_untouched_tree_is_the_same() {
    let (folder, list) = tree();
    let found = compare(folder.path(), &list, 10).unwrap();
    assert!(found.is_same() && found.has_all, "{found:?}");
}

#[test]
fn each_change_is_named_for_what_it_is() {
    type Harm = fn(&Path);
    let table: [(Harm, &str, Change); 13] = [
        (
            |root| fs_err::write(root.join("pack.yaml"), "pack.yamL").unwrap(),
            "pack.yaml",
            Change::Content,
        ),
        (
            |root| fs_err::write(root.join("pack.yaml"), "").unwrap(),
            "pack.yaml",
            Change::Content,
        ),
        (
            |root| fs_err::remove_file(root.join("pack.yaml")).unwrap(),
            "pack.yaml",
            Change::Missing,
        ),
        (
            |root| fs_err::write(root.join("actions/new"), "").unwrap(),
            "actions/new",
            Change::Extra,
        ),
        (
            |root| fs_err::create_dir_all(root.join(".git/x")).unwrap(),
            ".git",
            Change::Extra,
        ),
        (
            |root| symlink("x", root.join("a\nb")).unwrap(),
            "a\nb",
            Change::Extra,
        ),
        (
            |root| chmod(&root.join("pack.yaml"), 0o755),
            "pack.yaml",
            Change::Mode,
        ),
        (
            |root| chmod(&root.join("pack.yaml"), 0o666),
            "pack.yaml",
            Change::Mode,
        ),
        (
            |root| chmod(&root.join("actions/run.sh"), 0o4755),
            "actions/run.sh",
            Change::Mode,
        ),
        (
            |root| chmod(&root.join("actions/lib"), 0o777),
            "actions/lib",
            Change::Mode,
        ),
        (|root| chmod(root, 0o777), ".", Change::Mode),
        (
            |root| {
                fs_err::remove_file(root.join("actions/link")).unwrap();
                symlink("lib/a", root.join("actions/link")).unwrap();
            },
            "actions/link",
            Change::Target,
        ),
        (
            |root| {
                fs_err::remove_file(root.join("pack.yaml")).unwrap();
                symlink("actions/run.sh", root.join("pack.yaml")).unwrap();
            },
            "pack.yaml",
            Change::Kind,
        ),
    ];
    for (harm, path, change) in table {
        let (folder, list) = tree();
        harm(folder.path());
        let found = compare(folder.path(), &list, 10).unwrap();
        let expected = Difference {
            path: path.to_owned(),
            change,
        };
        assert_eq!(found.differences, [expected]);
        assert_eq!(found.count, 1);
        assert_eq!(found.has_all, change == Change::Extra, "{path}");
    }
}

#[test]
fn what_lies_in_a_folder_that_is_gone_is_missing_and_the_named_ones_are_bounded() {
    let (folder, list) = tree();
    fs_err::remove_dir_all(folder.path().join("actions")).unwrap();
    let found = compare(folder.path(), &list, 2).unwrap();
    assert_eq!(found.count, 5);
    let paths: Vec<_> = found.differences.iter().map(|one| &*one.path).collect();
    assert_eq!(paths, ["actions", "actions/lib"]);
}
