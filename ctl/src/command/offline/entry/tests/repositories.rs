//! Git sources: pinned to what was published, or honest about what is not known.

use super::*;

const URL: [&str; 2] = ["--git-url", "https://git.example/slack.git"];

/// The pack of [`MANIFEST`] in a repository, committed but not tagged.
fn repository() -> (Git, String) {
    let git = Git::new();
    git.write("pack.yaml", MANIFEST);
    git.write("actions/post.sh", "#!/bin/sh\n");
    git.write(".gitignore", "build/\n");
    let commit = git.commit();
    (git, commit)
}

fn source(ran: &Ran) -> Value {
    ran.json()["install_sources"][0].clone()
}

#[test]
fn the_documented_call_gives_a_whole_entry_outside_of_a_checkout() {
    let pack = slack();
    let args = [&URL[..], &["--git-ref", "v1.2.3", "--output", "json"]].concat();
    let ran = index_entry(pack.path(), &args);
    let entry = ran.json();
    assert_eq!(entry["ref"], "slack");
    assert_eq!(entry["version"], "1.2.3");
    assert_eq!(entry["author"], "Ada");
    assert_eq!(entry["license"], "Apache-2.0");
    assert_eq!(entry["keywords"], json!(["chat"]));
    let tree = packd_format::tree::scan(pack.path()).unwrap().digest();
    assert_eq!(
        source(&ran),
        json!({
            "type": "git",
            "url": "https://git.example/slack.git",
            "ref": "v1.2.3",
            "checksum": tree.to_string()
        }),
        "what is not known is not claimed"
    );
    assert!(ran.talk.contains("is in no git checkout"), "{}", ran.talk);
}

#[test]
fn the_tag_of_the_version_pins_commit_and_tree() {
    let (git, commit) = repository();
    git.run(&["tag", "--annotate", "--message=release", "v1.2.3"]);
    git.write("build/out.o", "ignored");
    let ran = index_entry(git.path(), &URL);
    let found = source(&ran);
    assert_eq!(
        found["ref"], "v1.2.3",
        "the tag `v` and the version is meant"
    );
    assert_eq!(found["commit"], commit);
    assert_eq!(found["checksum"], found["tree"]);
    assert!(!ran.talk.contains("warning"), "all is well: {}", ran.talk);

    let keys: Vec<_> = found.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["type", "url", "ref", "checksum", "commit", "tree"]);
}

#[test]
fn the_tree_is_that_of_the_commit_whatever_lies_in_the_folder() {
    let (git, commit) = repository();
    git.run(&["tag", "v1.2.3"]);
    let clean = source(&index_entry(git.path(), &URL));
    git.write("actions/post.sh", "changed\n");
    git.write("actions/new.sh", "new\n");
    let dirty = index_entry(git.path(), &URL);
    assert_eq!(source(&dirty), clean);
    assert!(
        dirty.talk.contains(
            "the folder is not as it is at `v1.2.3`: `actions/post.sh` and 1 more differ"
        ),
        "{}",
        dirty.talk
    );

    let later = git.commit();
    let ran = index_entry(git.path(), &URL);
    assert_eq!(source(&ran), clean);
    let expected = format!(
        "warning: commit {} is checked out, but `v1.2.3` is commit {}",
        &later[..12],
        &commit[..12]
    );
    assert!(ran.talk.contains(&expected), "{}", ran.talk);
}

#[test]
fn a_tag_that_is_not_there_leaves_the_commit_open_and_says_how_to_get_it() {
    let (git, commit) = repository();
    let ran = index_entry(git.path(), &URL);
    let found = source(&ran);
    assert!(found.get("commit").is_none() && found.get("tree").is_none());
    assert!(found["checksum"].as_str().unwrap().starts_with("sha256:"));
    assert!(
        ran.talk.contains("`v1.2.3` is not in the git checkout")
            && ran.talk.contains("hint: tag first (git tag v1.2.3)"),
        "{}",
        ran.talk
    );

    let ran = index_entry(git.path(), &[&URL[..], &["-r", &commit]].concat());
    assert_eq!(source(&ran)["commit"], commit, "the commit itself is one");
    let ran = index_entry(git.path(), &[&URL[..], &["-r", "main"]].concat());
    assert_eq!(source(&ran)["commit"], commit, "and so is a branch");
}

#[test]
fn a_tag_of_another_version_is_no_source_of_this_one() {
    let (git, _) = repository();
    git.run(&["tag", "v1.2.2"]);
    git.write("pack.yaml", &MANIFEST.replace("1.2.3", "1.3.0"));
    let ran = index_entry(git.path(), &[&URL[..], &["--git-ref", "v1.2.2"]].concat());
    ran.failed(
        Exit::Failed,
        "error: `v1.2.2` has slack 1.2.3, but the pack.yaml here is of slack 1.3.0",
    );
    let pack = slack();
    let ran = index_entry(pack.path(), &[&URL[..], &["--git-ref", "v9.0.0"]].concat());
    assert!(
        ran.talk.contains("`v9.0.0` looks like version 9.0.0"),
        "{}",
        ran.talk
    );
}

#[test]
fn what_is_no_name_of_a_commit_is_refused() {
    let (git, _) = repository();
    for git_ref in ["--upload-pack=x", "HEAD~1", "a..b", "a b", ":/x"] {
        let arg = format!("--git-ref={git_ref}");
        let ran = index_entry(git.path(), &[&URL[..], &[&arg]].concat());
        let text = ran.refused(Exit::Usage);
        assert!(text.contains("cannot be the name of a branch"), "{text}");
    }
}

#[test]
fn a_pack_among_others_is_read_from_its_folder_with_a_word_of_warning() {
    let git = Git::new();
    git.write("README.md", "packs");
    git.write("packs/slack/pack.yaml", MANIFEST);
    git.commit();
    git.run(&["tag", "v1.2.3"]);
    let folder = git.path().join("packs/slack");
    let ran = index_entry(&folder, &URL);
    let tree = packd_format::tree::scan(&folder).unwrap().digest();
    assert_eq!(source(&ran)["tree"], tree.to_string());
    assert!(ran.talk.contains("not in `packs/slack`"), "{}", ran.talk);

    git.write("packs/late/pack.yaml", MANIFEST);
    let ran = index_entry(&git.path().join("packs/late"), &URL);
    ran.failed(
        Exit::Failed,
        "there is no `packs/late/pack.yaml` at `v1.2.3`",
    );
}

#[test]
fn what_is_in_git_lfs_or_a_submodule_is_told() {
    let (git, commit) = repository();
    let link = format!("160000,{commit},lib/other");
    git.run(&["update-index", "--add", "--cacheinfo", &link]);
    git.run(&["commit", "--quiet", "--message=module"]);
    let args = [&URL[..], &["--git-ref", "main"]].concat();
    let ran = index_entry(git.path(), &args);
    assert_eq!(ran.exit, Exit::Done);
    assert!(
        ran.talk.contains("`lib/other` is a submodule"),
        "{}",
        ran.talk
    );

    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    git.write("model.bin", pointer);
    git.run(&["add", "model.bin"]);
    git.run(&["commit", "--quiet", "--message=pointer"]);
    let ran = index_entry(git.path(), &args);
    let text = ran.refused(Exit::Failed);
    assert!(
        text.contains("`model.bin`") && text.contains("hint: publish an archive"),
        "{text}"
    );
}

#[test]
fn a_name_that_moves_is_told() {
    let (git, commit) = repository();
    git.run(&["branch", "line"]);
    git.run(&["tag", "fixed"]);
    for (name, moves) in [
        ("HEAD", true),
        ("line", true),
        ("fixed", false),
        (&commit, false),
    ] {
        let ran = index_entry(git.path(), &[&URL[..], &["--git-ref", name]].concat());
        assert_eq!(source(&ran)["commit"], commit, "{name}");
        let told = ran.talk.contains("another commit tomorrow");
        assert_eq!(told, moves, "{name}: {}", ran.talk);
    }
}
