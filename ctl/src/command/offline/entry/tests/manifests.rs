//! Packs as they are: what of them gets into an entry, and which are refused.

use super::*;

const GIT: [&str; 2] = ["--git-url", "https://git.example/slack.git"];

fn of_manifest(text: &str) -> Ran {
    index_entry(folder(&[("pack.yaml", text)]).path(), &GIT)
}

#[test]
fn what_the_pack_says_of_itself_is_in_the_entry() {
    let pack = folder(&[
        (
            "pack.yaml",
            "ref: slack\nversion: 1.2.3\nlicense: MIT\nuse_case: Alerts\nmeta: {category: chat}\n\
             dependencies: {attune_version: '>=1', packs: [core@^1.0]}\nruntime_deps: [python3]\n",
        ),
        ("actions/post.yaml", "ref: slack.post\ndescription: Posts\n"),
        ("actions/workflows/all.yaml", "version: 1.0\n"),
        ("sensors/broken.yaml", "a: [\n"),
        (
            "triggers/told.yml",
            "name: told\ndescription: Somebody spoke\n",
        ),
    ]);
    let ran = index_entry(pack.path(), &GIT);
    let entry = ran.json();
    assert_eq!(
        entry["contents"],
        json!({
            "actions": [{"name": "slack.post", "description": "Posts"}],
            "sensors": [],
            "triggers": [{"name": "told", "description": "Somebody spoke"}],
            "rules": [],
            "workflows": [{"name": "all", "description": ""}],
        })
    );
    assert_eq!(entry["use_case"], "Alerts");
    assert_eq!(entry["meta"], json!({"category": "chat"}));
    assert_eq!(
        entry["dependencies"],
        json!({"attune_version": ">=1", "packs": ["core@^1.0"]})
    );
    assert_eq!(entry["runtime_deps"], json!(["python3"]));
    assert!(
        ran.talk
            .contains("warning: `sensors/broken.yaml` is left out:"),
        "a broken component is only worth a word: {}",
        ran.talk
    );
}

#[test]
fn an_ignored_component_is_not_in_the_entry() {
    let pack = folder(&[
        ("pack.yaml", MANIFEST),
        (".packignore", "draft.yaml\n"),
        ("actions/draft.yaml", "name: draft\n"),
    ]);
    let entry = index_entry(pack.path(), &GIT).json();
    assert_eq!(entry["contents"]["actions"], json!([]));
}

#[test]
fn a_folder_without_a_pack_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().display();
    let ran = index_entry(empty.path(), &GIT);
    let expected = format!("error: pack.yaml not found in directory: {path}\n");
    ran.failed(packd_wire::ErrorKind::ManifestMissing.exit(), &expected);

    let missing = empty.path().join("missing");
    let ran = index_entry(&missing, &GIT);
    let expected = format!("error: Pack directory not found: {path}/missing\n");
    ran.failed(Exit::NotFound, &expected);

    let file = empty.path().join("a.tar.gz");
    fs_err::write(&file, "x").unwrap();
    let ran = index_entry(&file, &GIT);
    ran.failed(Exit::Usage, "--archive FILE");

    fs_err::create_dir(empty.path().join("pack.yaml")).unwrap();
    let ran = index_entry(empty.path(), &GIT);
    ran.failed(Exit::Failed, "is no regular file");
}

#[test]
fn a_key_that_every_manifest_has_is_missed_in_the_known_words() {
    let ran = of_manifest("label: x\nversion: 1.0.0\n");
    let text = ran.refused(Exit::Failed);
    assert!(
        text.contains("error: Missing 'ref' field in pack.yaml\n"),
        "{text}"
    );
    let ran = of_manifest("ref: slack\n");
    let text = ran.refused(Exit::Failed);
    assert!(
        text.contains("error: Missing 'version' field in pack.yaml\nhint: add `version: …`"),
        "{text}"
    );
}

#[test]
fn an_unquoted_version_is_its_text_and_normalised_with_a_warning() {
    let ran = of_manifest("ref: slack\nlicense: MIT\nversion: 1.10\n");
    assert_eq!(ran.json()["version"], "1.10.0");
    assert_eq!(ran.json()["install_sources"][0]["ref"], "v1.10.0");
    let warned = ran
        .talk
        .lines()
        .any(|line| line.starts_with("warning: `pack.yaml`, line 3") && line.contains("1.10.0"));
    assert!(warned, "{}", ran.talk);
}

#[test]
fn illegal_refs_and_versions_are_refused_with_the_file_and_the_line() {
    for (manifest, hint) in [
        ("ref: ../../etc\nversion: 1.0.0\n", ""),
        (
            "ref: mycompany.monitoring\nversion: 1.0.0\n",
            "mycompany_monitoring",
        ),
        ("ref: Slack\nversion: 1.0.0\n", "slack"),
        ("ref: slack\nversion: not-a-version\n", ""),
    ] {
        let ran = of_manifest(manifest);
        let text = ran.refused(Exit::Failed);
        assert!(
            text.contains("pack.yaml`, line ") && text.contains(hint),
            "{manifest} gave {text}"
        );
    }
}

#[test]
fn odd_but_honest_files_are_read_and_bombs_are_not() {
    for text in [
        format!("\u{feff}{MANIFEST}"),
        MANIFEST.replace('\n', "\r\n"),
        format!("---\n{MANIFEST}"),
    ] {
        assert_eq!(of_manifest(&text).json()["version"], "1.2.3");
    }
    let bomb = (1..9).fold("a0: &a0 [x, x, x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    for text in [
        format!("{MANIFEST}version: 2.0.0\n"),
        format!("{MANIFEST}---\n{MANIFEST}"),
        format!("{MANIFEST}{bomb}"),
        format!("{MANIFEST}# {}\n", "x".repeat(manifest::MAX_BYTES)),
        "ref: [\n".to_owned(),
        "- ref\n".to_owned(),
    ] {
        let ran = of_manifest(&text);
        ran.failed(Exit::Failed, "pack.yaml");
    }
}

#[test]
fn an_absent_licence_is_noassertion_and_a_warning() {
    let ran = of_manifest("ref: slack\nversion: 1.0.0\n");
    let entry = ran.json();
    assert_eq!(entry["license"], "NOASSERTION");
    assert_eq!(entry["author"], "Unknown");
    assert!(ran.talk.contains("warning: `pack.yaml` names no licence"));
    assert!(!of_manifest(MANIFEST).talk.contains("licence"));
}

#[test]
fn a_pack_that_could_not_be_installed_is_not_published() {
    let pack = slack();
    fs_err::os::unix::fs::symlink("/etc/passwd", pack.path().join("out")).unwrap();
    let ran = index_entry(pack.path(), &GIT);
    ran.failed(Exit::Failed, "`out`");
}

#[test]
fn a_manifest_that_is_a_link_is_refused_as_by_build() {
    let pack = slack();
    let outer = tempfile::tempdir().unwrap();
    fs_err::rename(pack.path().join("pack.yaml"), outer.path().join("real")).unwrap();
    fs_err::os::unix::fs::symlink(outer.path().join("real"), pack.path().join("pack.yaml"))
        .unwrap();
    let ran = index_entry(pack.path(), &GIT);
    let place = pack.path().display();
    ran.failed(
        Exit::Failed,
        &format!("`{place}/pack.yaml` is no regular file"),
    );
    ran.failed(Exit::Failed, "put the file itself there, not a link");
}

#[test]
fn stackstorms_keys_and_dependencies_are_carried_over() {
    let ran = of_manifest(
        "name: aws\nref: aws\nversion: 1.2.3\nlicense: MIT\nstackstorm_version: '>=3.0.0'\npython_versions: ['3']\n\
         contributors: [Ada <a@b.example>]\ndependencies:\n  - core\n\
         \x20 - https://git.example/stackstorm-slack.git=2.0.0\n  - email=main\n",
    );
    let entry = ran.json();
    assert_eq!(
        entry["dependencies"],
        json!({
            "packs": ["core", "slack@2.0.0", "email"],
            "named_as": {
                "slack": "https://git.example/stackstorm-slack.git=2.0.0",
                "email": "email=main",
            },
        })
    );
    assert_eq!(
        entry["meta"],
        json!({"contributors": ["Ada <a@b.example>"], "python_versions": ["3"]})
    );
    assert!(
        ran.talk.contains(
            "`https://git.example/stackstorm-slack.git=2.0.0` is published as `slack@2.0.0`"
        ),
        "{}",
        ran.talk
    );
}

#[test]
fn numbers_are_kept_as_they_are_written() {
    let ran = of_manifest(
        "ref: a\nversion: 1.2.3\nlicense: MIT\nmeta: {a: 1.10, b: 1e3, c: 0x10, d: 010, e: 123456789012345678901234567890,\n\
         \x20 f: 12, g: -1.5, h: true, i: +5, downloads: 3}\n",
    );
    assert_eq!(
        ran.json()["meta"],
        json!({
            "a": "1.10", "b": "1e3", "c": "0x10", "d": "010", "e": "123456789012345678901234567890",
            "f": 12, "g": -1.5, "h": true, "i": "+5", "downloads": 3,
        })
    );
}
