//! `packctl index-update` from outside: the program itself, on files, many at once, and killed.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const DIGEST: &str = "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";

/// Midday of the last day of January 2026.
const EPOCH: &str = "1769860800";
const NOW: &str = "2026-01-31T12:00:00Z";

/// A folder of one test: an index, packs, entries.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// One with the index of two packs that the ecosystem's own tools are tested with.
    fn with_index() -> Self {
        let desk = Self::new();
        let pack = |name: &str| json!({"ref": name, "label": name, "version": "1.0.0", "install_sources": [], "custom": {"kept": true}});
        let index =
            json!({"z_extra": [1], "version": "1.0", "packs": [pack("zeta"), pack("alpha")]});
        fs_err::write(desk.index(), format!("{index:#}\n")).unwrap();
        desk
    }

    fn index(&self) -> PathBuf {
        self.folder.path().join("index.json")
    }

    fn text(&self) -> String {
        fs_err::read_to_string(self.index()).unwrap()
    }

    fn read(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The pack of a ref in the index.
    fn pack(&self, name: &str) -> Value {
        let index = self.read();
        let packs = index["packs"].as_array().unwrap();
        packs
            .iter()
            .find(|pack| pack["ref"] == name)
            .unwrap()
            .clone()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A folder with a pack.
    fn folder_of(&self, name: &str, version: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("{name}-{version}"));
        fs_err::create_dir_all(folder.join("actions")).unwrap();
        let manifest = format!(
            "ref: {name}\nlabel: The {name}\ndescription: It does things\nversion: {version}\nlicense: MIT\n"
        );
        fs_err::write(folder.join("pack.yaml"), manifest).unwrap();
        fs_err::write(
            folder.join("actions/run.yaml"),
            "name: run\ndescription: Runs\n",
        )
        .unwrap();
        folder
    }

    /// A file with an entry.
    fn entry(&self, name: &str, version: &str) -> PathBuf {
        let entry = json!({
            "ref": name, "label": name, "description": "", "version": version, "author": "A", "license": "MIT",
            "runtime_deps": [],
            "install_sources": [{
                "type": "archive", "url": format!("https://example.org/{name}-{version}.tar.gz"), "checksum": DIGEST,
            }],
            "contents": {},
        });
        let path = self.folder.path().join(format!("{name}-{version}.json"));
        fs_err::write(&path, entry.to_string()).unwrap();
        path
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packctl"));
        command
            .arg("index-update")
            .arg("--index")
            .arg(self.index())
            .env("SOURCE_DATE_EPOCH", EPOCH)
            .env_remove("PACKCTL_OUTPUT")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Publishes an entry.
    fn publish(&self, entry: &Path, options: &[&str]) -> Ended {
        Ended::of(self.command().arg("--entry").arg(entry).args(options))
    }
}

/// What a run said, and how it ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "it failed: {self:?}");
        self
    }

    #[track_caller]
    fn refused(self, code: i32, said: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(said), "`{said}` is not said: {self:?}");
        assert_eq!(self.stdout, "", "nothing but errors is said");
        self
    }
}

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
fn an_older_version_needs_a_word() {
    let desk = Desk::with_index();
    desk.publish(&desk.entry("alpha", "2.0.0"), &["--update"])
        .done();
    let before = desk.text();
    let old = desk.entry("alpha", "1.5.0");
    let ended = desk.publish(&old, &["--update"]).refused(
        1,
        "pack 'alpha' is at 2.0.0 in the index, which is newer than 1.5.0",
    );
    assert!(ended.stderr.contains("--keep-newest"), "{ended:?}");
    assert_eq!(desk.text(), before, "the file is as it was");

    desk.publish(&old, &["--update", "--keep-newest"]).done();
    let pack = desk.pack("alpha");
    assert_eq!(
        (&pack["version"], &pack["versions"][0]["version"]),
        (&json!("2.0.0"), &json!("1.5.0"))
    );
    desk.publish(&old, &["--update", "--allow-downgrade"])
        .done();
    let pack = desk.pack("alpha");
    assert_eq!(
        (&pack["version"], &pack["versions"][0]["version"]),
        (&json!("1.5.0"), &json!("2.0.0"))
    );
    desk.publish(&old, &["--update", "--allow-downgrade", "--keep-newest"])
        .refused(2, "cannot be used with");
}

#[test]
fn without_a_source_nothing_is_published() {
    let desk = Desk::with_index();
    let before = desk.text();
    let folder = desk.folder_of("slack", "1.2.3");
    let ended = Ended::of(desk.command().arg(&folder));
    ended.refused(1, "the entry of 'slack' has no source");
    let there = desk.folder_of("alpha", "1.2.3");
    Ended::of(desk.command().arg(&there)).refused(1, "Pack 'alpha' already exists in index");
    assert_eq!(desk.text(), before, "the file is as it was");
}

#[test]
fn what_is_missing_is_named() {
    let desk = Desk::with_index();
    let entry = desk.entry("slack", "1.0.0");
    let nowhere = desk.folder.path().join("nowhere");
    let index = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_packctl"));
        command
            .arg("index-update")
            .arg("-i")
            .arg(path)
            .arg("--entry")
            .arg(&entry);
        Ended::of(&mut command)
    };
    index(&nowhere).refused(3, &format!("Index file not found: {}", nowhere.display()));
    index(desk.folder.path()).refused(1, "is no regular file");
    Ended::of(desk.command().arg(&nowhere)).refused(
        3,
        &format!("Pack directory not found: {}", nowhere.display()),
    );
    let empty = desk.folder.path().join("empty");
    fs_err::create_dir(&empty).unwrap();
    Ended::of(desk.command().arg(&empty)).refused(
        1,
        &format!("pack.yaml not found in directory: {}", empty.display()),
    );
    desk.publish(&nowhere, &[])
        .refused(3, &format!("Entry file not found: {}", nowhere.display()));
    Ended::of(&mut desk.command()).refused(2, "required");
    Ended::of(desk.command().arg(&empty).arg("--entry").arg(&entry))
        .refused(2, "cannot be used with");
}

#[test]
fn what_is_no_index_stays_as_it_is() {
    let desk = Desk::new();
    let entry = desk.entry("slack", "1.0.0");
    for (text, said) in [
        (
            "{ not json",
            "Invalid index format\n  caused by: the index is not JSON (line 1, column 3)",
        ),
        ("", "Invalid index format"),
        (
            "{\"version\": \"1.0\"}",
            "Invalid index format: missing 'packs' array",
        ),
        ("{\"packs\": {\"slack\": {}}}", "StackStorm's form"),
        ("{\"packs\": [], \"packs\": []}", "the key 'packs' twice"),
    ] {
        fs_err::write(desk.index(), text).unwrap();
        desk.publish(&entry, &[]).refused(1, said);
        assert_eq!(desk.text(), text, "the file is as it was");
    }
    assert_eq!(
        desk.names(),
        ["index.json", "slack-1.0.0.json"],
        "nothing is left lying about"
    );
}

#[test]
fn packs_that_are_there_twice_are_reported() {
    let desk = Desk::new();
    let packs = "{\"packs\": [{\"ref\": \"a\"},\n {\"ref\": \"b\", \"version\": \"1.0.0\"},\n {\"ref\": \"a\"}]}";
    fs_err::write(desk.index(), packs).unwrap();
    let ended = desk.publish(&desk.entry("b", "1.1.0"), &["-u"]).done();
    assert!(
        ended
            .stderr
            .contains("pack 'a' is in the index 2 times, in lines 1, 3"),
        "{ended:?}"
    );
    desk.publish(&desk.entry("a", "1.1.0"), &["-u"])
        .refused(1, "pack 'a' is in the index 2 times, in lines 1, ");
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
    fs_err::write(&path, serde_yaml::to_string(&json).unwrap()).unwrap();
    desk.publish(&path, &[]).done();
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

#[test]
fn sixty_four_publishers_at_once_lose_nothing() {
    let desk = Desk::with_index();
    let publishers: Vec<_> = (0..64)
        .map(|number| {
            // half of them publish new packs, half further versions of one
            let entry = if number % 2 == 0 {
                desk.entry(&format!("pack{number}"), "1.0.0")
            } else {
                desk.entry("shared", &format!("1.{number}.0"))
            };
            let mut command = desk.command();
            command
                .arg("--entry")
                .arg(entry)
                .args(["--update", "--keep-newest"]);
            command
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for publisher in publishers {
        let ended = publisher.wait_with_output().unwrap();
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    assert_eq!(desk.read()["packs"].as_array().unwrap().len(), 2 + 32 + 1);
    let shared = desk.pack("shared");
    assert_eq!(shared["version"], "1.63.0");
    assert_eq!(
        shared["versions"].as_array().unwrap().len(),
        31,
        "each version is there"
    );
    assert!(
        desk.names().iter().all(|name| !name.starts_with('.')),
        "{:?}",
        desk.names()
    );
}

#[test]
fn a_run_that_is_killed_leaves_the_old_file_or_the_new_one() {
    const KILLS: u32 = 40;
    let desk = Desk::new();
    let packs: Vec<Value> = (0..4000)
        .map(|number| json!({"ref": format!("pack{number}"), "version": "1.0.0", "text": "x".repeat(1000)}))
        .collect();
    let old = json!({ "packs": packs }).to_string();
    fs_err::write(desk.index(), &old).unwrap();
    let entry = desk.entry("slack", "1.0.0");
    let began = Instant::now();
    desk.publish(&entry, &[]).done();
    let whole = began.elapsed();
    let new = desk.text();

    let mut kinds = [0, 0];
    for kill in 0..KILLS {
        fs_err::write(desk.index(), &old).unwrap();
        let mut command = desk.command();
        command
            .arg("--entry")
            .arg(&entry)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        spin(whole * kill / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        let text = desk.text();
        assert!(
            text == old || text == new,
            "killed after {kill}/{KILLS}, the file is neither"
        );
        kinds[usize::from(text == new)] += 1;
    }
    assert!(kinds[0] > 0, "no run was killed in time: {kinds:?}");
    fs_err::write(desk.index(), &old).unwrap();
    desk.publish(&entry, &[]).done();
    assert_eq!(
        desk.text(),
        new,
        "whoever comes next is not in the way of what was left"
    );
    assert_eq!(
        desk.names(),
        ["index.json", "slack-1.0.0.json"],
        "and sweeps it"
    );
}

/// Lets time pass without giving the processor away: the moments of the kills are what is tested.
fn spin(time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        std::thread::yield_now();
    }
}
