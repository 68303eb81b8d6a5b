#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

/// The file list of a folder that holds these files.
fn list(paths: &[&str]) -> FileList {
    let dir = tempfile::tempdir().unwrap();
    for path in paths {
        let path = dir.path().join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, "x").unwrap();
    }
    crate::tree::scan(dir.path()).unwrap()
}

#[test]
fn folders_count_where_the_manifest_lists_nothing() {
    let manifest = Manifest::parse(b"ref: a\nversion: 1.0.0\n").unwrap();
    let files = list(&[
        "pack.yaml",
        "actions/a.yaml",
        "actions/b.yml",
        "actions/run.sh",
        "actions/.hidden.yaml",
        "actions/workflows/w.yaml",
        "sensors/s.yaml",
        "rules/r.yaml",
        "tests/t.yaml",
    ]);
    let contents = Contents::of(&manifest, &files);
    assert_eq!(
        contents,
        Contents {
            actions: 2,
            sensors: 1,
            triggers: 0,
            rules: 1,
            workflows: 1
        }
    );
}

#[test]
fn what_the_manifest_lists_counts_instead() {
    let manifest = Manifest::parse(
        b"ref: a\nversion: 1.0.0\nactions:\n  x: {}\n  y: {}\nsensors: [s]\ntriggers: {}\n",
    )
    .unwrap();
    let contents = Contents::of(&manifest, &list(&["actions/a.yaml", "rules/r.yaml"]));
    assert_eq!(
        contents,
        Contents {
            actions: 2,
            sensors: 1,
            triggers: 0,
            rules: 1,
            workflows: 0
        }
    );
}
