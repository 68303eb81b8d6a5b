#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt;

use packd_format::archive::{PackOptions, Packing};
use packd_format::tree;

use super::fixture::{Git, git};
use super::*;

const MANIFEST: &str = "ref: slack\nversion: 1.0.0\n";

/// A repository with a pack at its top, committed and tagged `v1.0.0`; the commit's number.
fn repository() -> (Git, String) {
    let git = Git::new();
    git.write("pack.yaml", MANIFEST);
    let script = git.write("actions/run.sh", "#!/bin/sh\n");
    fs_err::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    git.write("actions/run.yaml", "ref: slack.run\n");
    fs_err::os::unix::fs::symlink("actions/run.sh", git.path().join("run")).unwrap();
    let commit = git.commit();
    git.run(&["tag", "--annotate", "--message=one", "v1.0.0"]);
    (git, commit)
}

fn checkout(folder: &Path) -> Checkout {
    Checkout::of(folder).unwrap().unwrap()
}

fn snapshot(folder: &Path, git_ref: &str) -> Result<Snapshot, CheckoutError> {
    let checkout = checkout(folder);
    let commit = checkout.commit(git_ref).unwrap();
    checkout.snapshot(commit).map(Option::unwrap)
}

/// The files of what a stranger gets who clones it.
fn cloned(folder: &Path, git_ref: &str) -> FileList {
    let target = tempfile::tempdir().unwrap();
    let from = folder.to_str().unwrap();
    git(
        target.path(),
        &["clone", "--quiet", "--branch", git_ref, from, "clone"],
    );
    tree::scan(&target.path().join("clone")).unwrap()
}

#[test]
fn the_tree_of_a_commit_is_what_a_clone_of_it_has() {
    let (git, commit) = repository();
    let expected = cloned(git.path(), "v1.0.0");
    // neither what is not committed nor what is committed later counts
    git.write("actions/new.sh", "new");
    git.write("pack.yaml", "ref: slack\nversion: 2.0.0\n");
    let found = snapshot(git.path(), "v1.0.0").unwrap();
    assert_eq!(found.files, expected);
    assert_eq!(found.manifest.as_deref(), Some(MANIFEST.as_bytes()));
    assert_eq!(found.submodules, Vec::<String>::new());
    git.commit();
    assert_ne!(checkout(git.path()).head().unwrap().to_string(), commit);
    assert_eq!(
        snapshot(git.path(), "v1.0.0").unwrap().files.digest(),
        expected.digest()
    );
}

#[test]
fn tags_branches_and_numbers_lead_to_their_commit() {
    let (git, commit) = repository();
    git.run(&["tag", "light"]);
    git.run(&["branch", "feature/new-action"]);
    let here = checkout(git.path());
    for git_ref in [
        "v1.0.0",
        "light",
        "main",
        "feature/new-action",
        "HEAD",
        &commit,
        &commit[..9],
    ] {
        let found = here.commit(git_ref).map(|id| id.to_string());
        assert_eq!(found.as_deref(), Some(commit.as_str()), "for `{git_ref}`");
    }
    for git_ref in [
        "v9",
        "",
        "HEAD~1",
        "@{-1}",
        ":/change",
        "main..light",
        "--all",
        "a b",
    ] {
        assert_eq!(here.commit(git_ref), None, "for `{git_ref}`");
    }
    let unborn = Git::new();
    assert_eq!(checkout(unborn.path()).head(), None);
}

#[test]
fn packed_shallow_and_linked_checkouts_are_read_too() {
    let (git, commit) = repository();
    let expected = cloned(git.path(), "v1.0.0");
    git.commit();
    git.run(&["gc", "--quiet"]);
    assert_eq!(
        snapshot(git.path(), "v1.0.0").unwrap().files,
        expected,
        "packed objects and references"
    );

    let beside = tempfile::tempdir().unwrap();
    let linked = beside.path().join("linked");
    let at = linked.to_str().unwrap();
    git.run(&["worktree", "add", "--quiet", at, "v1.0.0"]);
    assert_eq!(snapshot(&linked, "v1.0.0").unwrap().files, expected);
    let head = checkout(&linked).head().map(|head| head.to_string());
    assert_eq!(head, Some(commit), "a linked worktree has its own HEAD");

    let url = format!("file://{}", git.path().display());
    let args = [
        "clone",
        "--quiet",
        "--depth=1",
        "--branch=v1.0.0",
        &url,
        "s",
    ];
    super::fixture::git(beside.path(), &args);
    let shallow = snapshot(&beside.path().join("s"), "v1.0.0").unwrap();
    assert_eq!(shallow.files, expected);
}

#[test]
fn a_pack_in_a_folder_of_the_repository_is_read_alone() {
    let git = Git::new();
    git.write("README.md", "many packs");
    git.write("packs/slack/pack.yaml", MANIFEST);
    git.write("packs/slack/actions/a.sh", "a");
    git.write(
        "packs/slackbot/pack.yaml",
        "ref: slackbot\nversion: 1.0.0\n",
    );
    git.commit();
    git.run(&["tag", "v1.0.0"]);
    git.write("packs/late/pack.yaml", MANIFEST);
    let folder = git.path().join("packs/slack");
    assert_eq!(checkout(&folder).folder(), "packs/slack");
    let found = snapshot(&folder, "v1.0.0").unwrap();
    assert_eq!(found.files, tree::scan(&folder).unwrap());

    let late = checkout(&git.path().join("packs/late"));
    let commit = late.commit("v1.0.0").unwrap();
    assert!(
        late.snapshot(commit).unwrap().is_none(),
        "the commit does not have the folder"
    );
}

#[test]
fn a_folder_outside_of_every_checkout_is_in_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Checkout::of(folder.path()).unwrap().is_none());
    let bare = folder.path().join("bare.git");
    git(folder.path(), &["init", "--quiet", "--bare", "bare.git"]);
    assert!(Checkout::of(&bare).unwrap().is_none(), "a bare repository");
    assert!(matches!(
        Checkout::of(&folder.path().join("missing")),
        Err(CheckoutError::Folder { .. })
    ));
}

#[test]
fn of_submodules_the_empty_folder_is_taken() {
    let (git, commit) = repository();
    let link = format!("160000,{commit},lib/other");
    git.run(&["update-index", "--add", "--cacheinfo", &link]);
    git.run(&["commit", "--quiet", "--message=module"]);
    let found = snapshot(git.path(), "main").unwrap();
    assert_eq!(found.submodules, ["lib/other"]);
    let folder = found.files.get("lib/other").unwrap();
    assert_eq!(folder.kind, tree::FileKind::Dir, "as `git archive` has it");
}

#[test]
fn a_checkout_is_packed_as_its_commit() {
    let (git, commit) = repository();
    git.write(".gitignore", "lib/\n*.log\ndist/\n");
    git.write("actions/lib/a.py", "x");
    git.write("kept.log", "x");
    git.run(&["add", "--force", "actions/lib/a.py", "kept.log"]);
    let link = format!("160000,{commit},vendor/other");
    git.run(&["update-index", "--add", "--cacheinfo", &link]);
    git.run(&["add", ".gitignore"]);
    git.run(&["commit", "--quiet", "--message=more"]);
    // the folder of a submodule that is not fetched, and what is no part of a commit
    fs_err::create_dir_all(git.path().join("vendor/other")).unwrap();
    fs_err::create_dir_all(git.path().join("nothing/at/all")).unwrap();
    git.write("web/dist/x", "x");
    git.write("actions/lib/untracked.py", "x");
    git.write("other.log", "x");

    let packed = || {
        let options = PackOptions {
            tracked: checkout(git.path()).tracked().unwrap(),
            ..PackOptions::default()
        };
        let packing = Packing::select(git.path(), &options).unwrap();
        packing.list().unwrap()
    };
    let committed = snapshot(git.path(), "main").unwrap().files;
    assert_eq!(packed(), committed);
    // one that is fetched
    git.write("vendor/other/.git/HEAD", "x");
    git.write("vendor/other/x", "x");
    assert_eq!(packed(), committed);
}

#[test]
fn of_a_folder_in_a_checkout_only_its_own_is_tracked() {
    let git = Git::new();
    git.write("packs/a/pack.yaml", MANIFEST);
    git.write("packs/a.log", "x");
    git.commit();
    let tracked = |folder: &str| checkout(&git.path().join(folder)).tracked().unwrap();
    assert_eq!(
        tracked("packs/a"),
        Some(Tracked::of([("pack.yaml".to_owned(), false)]))
    );
    fs_err::create_dir(git.path().join("packs/b")).unwrap();
    assert_eq!(tracked("packs/b"), None, "nothing is");
}

#[test]
fn a_pointer_to_a_file_is_not_taken_for_the_file() {
    for host in ["git-lfs.github.com", "hawser.github.com"] {
        let (git, _) = repository();
        let pointer = format!("version https://{host}/spec/v1\noid sha256:00\nsize 12\n");
        git.write("data/model.bin", &pointer);
        git.commit();
        let error = snapshot(git.path(), "main").unwrap_err();
        assert!(
            matches!(&error, CheckoutError::Lfs { path, .. } if path == "data/model.bin"),
            "{error:?}"
        );
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_no_pack_may_have_and_what_is_missing_are_errors() {
    let (git, _) = repository();
    fs_err::os::unix::fs::symlink("../../etc", git.path().join("out")).unwrap();
    git.commit();
    let error = snapshot(git.path(), "main").unwrap_err();
    assert!(matches!(error, CheckoutError::Refused { .. }), "{error:?}");

    let blob = git.run(&["rev-parse", "v1.0.0:actions/run.yaml"]);
    let object = format!(".git/objects/{}/{}", &blob[..2], &blob[2..]);
    fs_err::remove_file(git.path().join(object)).unwrap();
    let error = snapshot(git.path(), "v1.0.0").unwrap_err();
    assert!(
        matches!(&error, CheckoutError::Object { what, .. } if what == "`actions/run.yaml`"),
        "{error:?}"
    );
}

#[test]
fn nothing_that_a_repository_configures_is_run_or_applied() {
    let (git, _) = repository();
    let marker = git.path().join("marker");
    let command = format!("touch {}", marker.display());
    git.write(
        ".gitattributes",
        "*.yaml eol=crlf filter=evil ident\n*.sh export-ignore\n",
    );
    git.write("id.yaml", "$Id$\n");
    let commit = git.commit();
    for key in [
        "core.fsmonitor",
        "filter.evil.smudge",
        "filter.evil.clean",
        "core.sshCommand",
    ] {
        git.run(&["config", key, &command]);
    }
    git.run(&["config", "core.autocrlf", "true"]);
    git.write(
        ".git/hooks/post-checkout",
        &format!("#!/bin/sh\n{command}\n"),
    );
    let found = snapshot(git.path(), &commit).unwrap();
    let digest = |path: &str| match &found.files.get(path).unwrap().kind {
        tree::FileKind::File { digest, .. } => *digest,
        other => panic!("{path} is {other:?}"),
    };
    assert_eq!(digest("pack.yaml"), Digest::sha256_of(MANIFEST.as_bytes()));
    assert_eq!(digest("id.yaml"), Digest::sha256_of(b"$Id$\n"));
    assert!(found.files.get("actions/run.sh").is_some(), "not left out");
    assert!(!marker.exists(), "no command was run");
}

/// The library reads neither, and says so of none of them.
#[test]
fn a_repository_that_cannot_be_read_is_called_so() {
    for (format, said, hint) in [
        (
            "--object-format=sha256",
            "names its objects by SHA-256",
            "publish an archive",
        ),
        (
            "--ref-format=reftable",
            "keeps its references in a reftable",
            "git refs migrate",
        ),
    ] {
        let outer = tempfile::tempdir().unwrap();
        // git has learnt them one after the other
        let made = std::process::Command::new("git")
            .args(["init", "--quiet", format])
            .arg(outer.path())
            .output()
            .unwrap();
        if !made.status.success() {
            continue;
        }
        let error = Checkout::of(outer.path()).err().unwrap();
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{format}");
    }
}
