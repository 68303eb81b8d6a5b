//! `packctl index-update` from outside: the program itself, on files.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::process::Stdio;

use serde_json::{Value, json};

mod concurrent;
mod desk;
mod refused;

use desk::{DIGEST, Desk, Ended, NOW};

#[test]
fn a_pack_is_added_from_its_folder() {
    let desk = Desk::with_index();
    let folder = desk.folder_of("slack", "1.2.3");
    let ended = Ended::of(desk.command().arg(&folder).args([
        "--archive-url",
        "https://example.org/slack-1.2.3.tar.gz",
        "--archive-checksum",
        DIGEST,
    ]))
    .done();
    let index = desk.index();
    assert_eq!(
        ended.stdout,
        format!(
            "Adding new entry for 'slack'\n✓ Index updated successfully: {}\n  Pack: slack v1.2.3\n  Checksum: {DIGEST}\n",
            index.display()
        )
    );
    let read = desk.read();
    assert_eq!(read["packs"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&read["z_extra"], &read["last_updated"]),
        (&json!([1]), &json!(NOW))
    );
    let pack = desk.pack("slack");
    assert_eq!(
        (&pack["label"], &pack["license"]),
        (&json!("The slack"), &json!("MIT"))
    );
    assert_eq!(
        pack["contents"]["actions"],
        json!([{ "name": "run", "description": "Runs" }])
    );
    assert_eq!(
        pack["install_sources"][0]["checksum"], DIGEST,
        "of the archive, not of the folder"
    );
}

#[test]
fn programs_get_one_document_and_nothing_else() {
    let desk = Desk::with_index();
    let folder = desk.folder_of("slack", "1.2.3");
    let git = [
        "--git-url",
        "https://example.org/slack.git",
        "--output",
        "json",
    ];
    let added = Ended::of(desk.command().arg(&folder).args(git)).done();
    let report: Value = serde_json::from_str(&added.stdout).unwrap();
    let checksum = report["checksum"].as_str().unwrap().to_owned();
    assert!(checksum.starts_with("sha256:"), "{report}");
    assert_eq!(
        report,
        json!({
            "success": true, "index_file": desk.index(), "pack_ref": "slack", "version": "1.2.3",
            "checksum": checksum, "action": "added",
        })
    );
    fs_err::write(folder.join("README.md"), "new").unwrap();
    for action in ["updated", "unchanged"] {
        let ended = Ended::of(desk.command().arg(&folder).args(git).arg("--update")).done();
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["action"], action, "{report}");
    }
}

#[test]
fn a_pack_that_is_there_needs_update() {
    let desk = Desk::with_index();
    let before = desk.text();
    desk.publish(&desk.entry("alpha", "2.0.0"), &[]).refused(
        1,
        "Pack 'alpha' already exists in index. Use --update to replace it.",
    );
    assert_eq!(desk.text(), before, "the file is as it was");

    let ended = desk
        .publish(&desk.entry("alpha", "2.0.0"), &["--update"])
        .done();
    assert!(
        ended
            .stdout
            .starts_with("Updating existing entry for 'alpha'\n"),
        "{ended:?}"
    );
    let index = desk.read();
    let refs: Vec<&Value> = index["packs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pack| &pack["ref"])
        .collect();
    assert_eq!(refs, ["zeta", "alpha"], "in its place");
    let pack = desk.pack("alpha");
    assert_eq!(
        (&pack["version"], &pack["custom"]),
        (&json!("2.0.0"), &json!({ "kept": true }))
    );
    assert_eq!(pack["versions"][0]["version"], "1.0.0");
}

#[test]
fn the_same_again_touches_nothing() {
    let desk = Desk::with_index();
    let entry = desk.entry("slack", "1.0.0");
    desk.publish(&entry, &[]).done();
    let (before, inode) = (desk.text(), fs_err::metadata(desk.index()).unwrap().ino());
    let mut again = desk.command();
    again
        .arg("--entry")
        .arg(&entry)
        .arg("-u")
        .env("SOURCE_DATE_EPOCH", "1800000000");
    let ended = Ended::of(&mut again).done();
    assert!(ended.stdout.contains("Index is up to date"), "{ended:?}");
    assert_eq!(desk.text(), before);
    assert_eq!(
        fs_err::metadata(desk.index()).unwrap().ino(),
        inode,
        "it was not even written"
    );
}

#[test]
fn every_other_byte_stays() {
    let desk = Desk::new();
    let head = "\u{feff}{\r\n\t\"packs\": [\r\n\t\t{ \"ref\":\"aws\",\t\"n\": 1.50, \"u\": \"\\u00e9\" },\r\n\t\t";
    let tail = "{ \"ref\":\"slack\",\t\"version\": \"1\" }\r\n\t],\r\n\t\"last_updated\": \"";
    fs_err::write(desk.index(), format!("{head}{tail}then\"  }}\r\n\r\n")).unwrap();
    desk.publish(&desk.entry("jira", "1.0.0"), &[]).done();
    let text = desk.text();
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.ends_with(&format!("{tail}{NOW}\"  }}\r\n\r\n")),
        "{text}"
    );
}

#[test]
fn an_index_is_created_once() {
    let desk = Desk::new();
    let init = ["--init", "Our packs", "https://packs.example.org"];
    desk.publish(
        &desk.entry("slack", "1.0.0"),
        &["--init", "Our packs", "no url"],
    )
    .refused(2, "`no url` is no URL");
    assert!(!desk.index().exists(), "nothing was created");
    desk.publish(&desk.entry("slack", "1.0.0"), &init).done();
    desk.publish(&desk.entry("aws", "1.0.0"), &init).done();
    let text = desk.text();
    let head = format!(
        "{{\n  \"registry_name\": \"Our packs\",\n  \"registry_url\": \"https://packs.example.org\",\n  \
         \"version\": \"1.0\",\n  \"last_updated\": \"{NOW}\",\n  \"packs\": [\n    {{\n      \"ref\": \"aws\",\n"
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(text.ends_with("\n    }\n  ]\n}\n"), "{text}");
    assert_eq!(desk.read()["packs"].as_array().unwrap().len(), 2);
}

#[test]
fn an_entry_may_come_from_standard_input() {
    let desk = Desk::with_index();
    let entry = fs_err::read(desk.entry("slack", "1.0.0")).unwrap();
    let mut child = desk
        .command()
        .args(["--entry", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&entry).unwrap();
    assert!(child.wait().unwrap().success(), "it was published");
    assert_eq!(desk.pack("slack")["version"], "1.0.0");
}

#[test]
fn an_entry_may_be_yaml() {
    let desk = Desk::with_index();
    let json: Value =
        serde_json::from_slice(&fs_err::read(desk.entry("mid", "1.0.0")).unwrap()).unwrap();
    let path = desk.folder.path().join("entry.yaml");
    let mut text = serde_yaml::to_string(&json).unwrap();
    text.push_str("tested: [1.10, 010, 12]\n");
    fs_err::write(&path, text).unwrap();
    desk.publish(&path, &[]).done();
    assert_eq!(
        desk.pack("mid")["tested"],
        json!(["1.10", "010", 12]),
        "numbers are kept as they are written"
    );
    assert_eq!(
        desk.pack("mid")["label"],
        "mid",
        "what index-entry prints is taken"
    );
}

/// A pipeline that keeps the index in the folder of the pack must not change the pack by publishing it.
#[test]
fn an_index_in_the_folder_of_the_pack_is_no_part_of_it() {
    let desk = Desk::with_index();
    fs_err::write(
        desk.folder.path().join("pack.yaml"),
        "ref: own\nversion: 1.0.0\nlabel: Own\ndescription: d\nauthor: A\nlicense: MIT\n",
    )
    .unwrap();
    let publish = || {
        let url = "https://git.example.org/own.git";
        Ended::of(desk.command().args([".", "--git-url", url, "--update"])).done();
        desk.text()
    };
    let first = publish();
    assert_eq!(publish(), first, "the same again is the same");
}

#[test]
fn links_and_modes_survive() {
    let desk = Desk::new();
    let real = desk.folder.path().join("real.json");
    fs_err::write(&real, "{\"packs\": []}").unwrap();
    fs_err::set_permissions(&real, PermissionsExt::from_mode(0o640)).unwrap();
    fs_err::os::unix::fs::symlink("real.json", desk.index()).unwrap();
    desk.publish(&desk.entry("slack", "1.0.0"), &[]).done();
    assert!(desk.index().is_symlink(), "the link is still one");
    assert!(
        fs_err::read_to_string(&real).unwrap().contains("slack"),
        "what it leads to has changed"
    );
    assert_eq!(fs_err::metadata(&real).unwrap().mode() & 0o7777, 0o640);
}
