//! Folders in git repositories are packed as git has them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_format::archive::Packing;
use packd_format::lint::lint;
use packd_format::tree::FileKind;

use super::*;
use crate::args::Format;
use crate::checkout::fixture::{Git, git};
use crate::output::tests::output;

const MANIFEST: &str = "ref: a\nversion: 1.0.0\n";

fn packed(folder: &Path) -> Vec<String> {
    let packing = Packing::select(folder, &options(folder)).unwrap();
    let list = packing.list().unwrap();
    let files = list.entries().iter();
    files
        .filter(|entry| matches!(entry.kind, FileKind::File { .. }))
        .map(|entry| entry.path.as_str().to_owned())
        .collect()
}

/// What git has, and what it would add.
fn known_to_git(folder: &Path) -> Vec<String> {
    let args = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let mut files: Vec<_> = git(folder, &args).lines().map(str::to_owned).collect();
    files.sort_unstable();
    files
}

#[test]
fn what_git_ignores_above_the_folder_is_left_out_as_git_leaves_it_out() {
    let git = Git::new();
    git.write(
        ".gitignore",
        "*.env\n/packs/a/build/\npacks/*/cache/\n!/packs/a/kept.env\n/lib\n",
    );
    git.write("packs/.gitignore", "/a/notes.txt\n/top.txt\n!again.env\n");
    git.write(".git/info/exclude", "scratch\n");
    git.write("packs/a/.gitignore", "!back.env\n");
    git.write("packs/a/pack.yaml", MANIFEST);
    git.write("packs/a/tracked.env", "x");
    git.run(&["add", "--force", "packs/a/tracked.env"]);
    git.commit();
    let folder = git.path().join("packs/a");
    let committed = packed(&folder);
    assert_eq!(committed, known_to_git(&folder));
    for path in [
        "secret.env",
        "kept.env",
        "again.env",
        "back.env",
        "build/x",
        "cache/x",
        "in/build/x",
        "in/cache/x",
        "in/secret.env",
        "notes.txt",
        "top.txt",
        "scratch",
        "lib/x",
        "new.txt",
    ] {
        git.write(&format!("packs/a/{path}"), "x");
    }
    let found = packed(&folder);
    assert_eq!(found, known_to_git(&folder));
    assert!(found.contains(&"tracked.env".to_owned()), "{found:?}");
    assert!(!found.contains(&"secret.env".to_owned()), "{found:?}");
    assert!(!found.contains(&"scratch".to_owned()), "{found:?}");

    // nor does `lint` look at it
    git.write("packs/a/id_rsa.env", "x");
    git.write("packs/a/actions/cache.env", "x");
    let report = lint(&folder, &options(&folder)).unwrap();
    let named = report
        .findings
        .iter()
        .find(|finding| finding.file != "pack.yaml");
    assert_eq!(named, None);
}

/// A pack that a build makes in an ignored folder is packed as it is.
#[test]
fn a_folder_that_git_ignores_as_a_whole_is_none_of_the_repository() {
    let git = Git::new();
    git.write(".gitignore", "/out/\n*.env\n");
    git.write("out/b/pack.yaml", MANIFEST);
    git.write("out/b/x.env", "x");
    git.write("out/c/pack.yaml", MANIFEST);
    git.write("out/c/x.env", "x");
    git.run(&["add", "--force", "out/c/pack.yaml"]);
    git.commit();
    let packed = |folder: &str| packed(&git.path().join(folder));
    assert_eq!(packed("out/b"), ["pack.yaml", "x.env"]);
    assert_eq!(packed("out/c"), ["pack.yaml"], "of that one git has a part");
}

#[test]
fn an_index_of_git_that_cannot_be_read_is_told() {
    let git = Git::new();
    git.write("pack.yaml", MANIFEST);
    git.commit();
    git.write(".git/index", "DIRC damaged");
    let (mut out, _, talk) = output(Format::Human, false);
    tell(git.path(), &LeftOut::default(), &mut out);
    drop(out);
    let talk = talk.text();
    assert!(
        talk.contains("files that git tracks and an ignore file names are left out"),
        "{talk}"
    );
}
