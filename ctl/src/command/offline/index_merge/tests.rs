#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use clap::Parser as _;
use serde_json::{Value, json};

use super::*;
use crate::args::Format;
use crate::output::tests::output;

/// A folder with index files, and the command run in it.
struct Desk(tempfile::TempDir);

/// What a run came to.
struct Ran {
    failure: Option<(Exit, String)>,
    data: String,
    talk: String,
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    merge: IndexMerge,
}

/// A failure without its colours.
fn plain(failure: &Failure) -> String {
    anstream::adapter::strip_str(&failure.render()).to_string()
}

impl Desk {
    fn new(files: &[(&str, &str)]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs_err::write(desk.path(name), text).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// The names of the files that are there.
    fn names(&self) -> Vec<String> {
        let entries = fs_err::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn run(&self, format: Format, line: &str) -> Ran {
        let words = line.split(' ').map(|word| {
            if Path::new(word)
                .extension()
                .is_some_and(|ending| ending == "json")
            {
                self.path(word).into_os_string()
            } else {
                word.into()
            }
        });
        let line = Line::try_parse_from(std::iter::once("index-merge".into()).chain(words));
        let (mut out, data, talk) = output(format, false);
        let result = line.unwrap().merge.run(&mut out);
        let without_folder =
            |text: String| text.replace(&format!("{}/", self.0.path().display()), "");
        Ran {
            failure: result
                .err()
                .map(|failure| (failure.exit(), without_folder(plain(&failure)))),
            data: without_folder(data.text()),
            talk: without_folder(talk.text()),
        }
    }

    fn merged(&self, line: &str) -> Ran {
        let ran = self.run(Format::Human, line);
        assert_eq!(ran.failure, None, "{line}: {}", ran.talk);
        ran
    }

    fn refused(&self, line: &str) -> (Exit, String) {
        let ran = self.run(Format::Human, line);
        ran.failure.expect("it fails")
    }
}

fn entry(name: &str, version: &str) -> Value {
    let checksum = format!("sha256:{}", "a".repeat(64));
    json!({
        "ref": name, "label": name, "description": "d", "version": version, "author": "A", "license": "MIT",
        "runtime_deps": [], "contents": {},
        "install_sources": [{"type": "archive", "url": format!("{name}-{version}.tar.gz"), "checksum": checksum}],
    })
}

fn index(packs: &[(&str, &str)]) -> String {
    let packs: Vec<_> = packs
        .iter()
        .map(|(name, version)| entry(name, version))
        .collect();
    json!({
        "registry_name": "R", "registry_url": "https://r.example", "version": "1.0",
        "last_updated": "2026-01-01T00:00:00Z", "packs": packs,
    })
    .to_string()
}

fn refs_and_versions(text: &str) -> Vec<(String, String)> {
    let value: Value = serde_json::from_str(text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packs = value["packs"].as_array().unwrap();
    packs
        .iter()
        .map(|pack| (text(&pack["ref"]), text(&pack["version"])))
        .collect()
}

fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
        .collect()
}

#[test]
fn m01_disjoint_indexes_are_combined() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("d", "1.0.0"), ("a", "1.0.0")])),
        ("2.json", &index(&[("c", "1.0.0"), ("b", "1.0.0")])),
    ]);
    let ran = desk.merged("--file out.json 1.json 2.json");
    assert_eq!(
        ran.data,
        "Loading: 1.json\nLoading: 2.json\n✓ Merged 2 index files into out.json\n  Total packs loaded: 4\n  \
         Unique packs: 4\n"
    );
    assert_eq!(ran.talk, "", "nothing is odd");
    assert_eq!(
        refs_and_versions(&desk.text("out.json")),
        pairs(&[
            ("a", "1.0.0"),
            ("b", "1.0.0"),
            ("c", "1.0.0"),
            ("d", "1.0.0")
        ]),
        "sorted (M13)"
    );
}

#[test]
fn m02_m08_m09_m10_the_newest_version_is_kept() {
    for (one, other, line) in [
        ("1.0.0", "2.0.0", "  Updating 'a' from 1.0.0 to 2.0.0"),
        (
            "2.0.0",
            "1.0.0",
            "  Keeping 'a' at 2.0.0 (newer than 1.0.0)",
        ),
        ("0.9.0", "0.10.0", "  Updating 'a' from 0.9.0 to 0.10.0"),
        (
            "1.0.0-rc.1",
            "1.0.0",
            "  Updating 'a' from 1.0.0-rc.1 to 1.0.0",
        ),
        ("1.0.0", "1.0.0", "  Keeping 'a' at 1.0.0 (same version)"),
        (
            "1.0.0+a",
            "1.0.0+b",
            "  Updating 'a' from 1.0.0+a to 1.0.0+b",
        ),
    ] {
        let desk = Desk::new(&[
            ("1.json", &index(&[("a", one), ("b", "1.0.0")])),
            ("2.json", &index(&[("a", other), ("c", "1.0.0")])),
        ]);
        let ran = desk.merged("--file out.json 1.json 2.json");
        assert_eq!(
            ran.data,
            format!(
                "Loading: 1.json\nLoading: 2.json\n{line}\n✓ Merged 2 index files into out.json\n  \
                 Total packs loaded: 4\n  Unique packs: 3\n  Duplicates resolved: 1\n"
            )
        );
    }
}

#[test]
fn m10_different_checksums_of_one_version_are_refused_unless_one_is_preferred() {
    let other = index(&[("a", "1.0.0")]).replace("aaaa", "bbbb");
    let desk = Desk::new(&[("1.json", &index(&[("a", "1.0.0")])), ("2.json", &other)]);
    let (exit, text) = desk.refused("--file out.json 1.json 2.json");
    assert_eq!(exit, Exit::Failed);
    for part in [
        "version 1.0.0 of `a`",
        "aaaa",
        "bbbb",
        "1.json",
        "2.json",
        "--prefer",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    assert_eq!(desk.names(), ["1.json", "2.json"], "nothing was written");
    desk.merged("--file out.json --prefer first 1.json 2.json");
    assert!(
        desk.text("out.json").contains("aaaa"),
        "the first was preferred"
    );
    let ran = desk.merged("--file out.json --force --prefer last 1.json 2.json");
    assert!(
        ran.data
            .contains("  Replacing 'a' at 1.0.0 (same version, the later one counts)"),
        "{}",
        ran.data
    );
    assert!(
        desk.text("out.json").contains("bbbb"),
        "the last was preferred"
    );
}

#[test]
fn m03_m04_an_existing_file_is_replaced_by_force_only() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("a", "1.0.0")])),
        ("out.json", "precious"),
    ]);
    assert_eq!(
        desk.refused("--file out.json 1.json"),
        (
            Exit::Failed,
            "error: Output file already exists: out.json. Use --force to overwrite.\n".to_owned()
        )
    );
    assert_eq!(desk.text("out.json"), "precious");
    desk.merged("--file out.json --force 1.json");
    assert_eq!(
        refs_and_versions(&desk.text("out.json")),
        pairs(&[("a", "1.0.0")])
    );
}

#[test]
fn m05_no_inputs_are_a_usage_error() {
    for line in ["index-merge --file out.json", "index-merge in.json"] {
        let error = Line::try_parse_from(line.split(' '))
            .err()
            .map(|error| error.exit_code());
        assert_eq!(error, Some(2), "{line}");
    }
}

#[test]
fn m06_m07_missing_inputs_are_skipped_as_long_as_one_is_there() {
    let desk = Desk::new(&[("1.json", &index(&[("a", "1.0.0")]))]);
    let ran = desk.merged("--file out.json none.json 1.json");
    assert_eq!(ran.talk, "Skipping missing file: none.json\n");
    assert!(
        ran.data.contains("✓ Merged 1 index files"),
        "only what was read counts: {}",
        ran.data
    );
    let (exit, text) = desk.refused("--file new.json --strict none.json 1.json");
    assert_eq!(exit, Exit::NotFound);
    assert!(text.contains("Index file not found: none.json"), "{text}");
    let (exit, text) = desk.refused("--file new.json none.json nor.json");
    assert_eq!(exit, Exit::NotFound);
    assert!(text.contains("none of the index files exists"), "{text}");
    assert_eq!(desk.names(), ["1.json", "out.json"], "nothing was written");
}

#[test]
fn m12_what_is_no_version_is_named_and_counted() {
    let desk = Desk::new(&[("1.json", &index(&[("a", "1.0.0"), ("b", "new")]))]);
    let ran = desk.merged("--file out.json 1.json");
    assert!(
        ran.talk.contains(
            "warning: 1.json: packs[1] `b`, line 1: cannot use the entry's version: `new`"
        ) && ran.talk.contains("(left out)"),
        "{}",
        ran.talk
    );
    assert!(
        ran.data
            .ends_with("  Unique packs: 1\n  Entries left out: 1\n"),
        "{}",
        ran.data
    );
    let (_, text) = desk.refused("--file new.json --strict 1.json");
    assert!(text.contains("1 of 2 entries cannot be used"), "{text}");
    assert_eq!(desk.names(), ["1.json", "out.json"], "nothing was written");
}

#[test]
fn nothing_usable_does_not_replace_what_is_there() {
    let desk = Desk::new(&[
        ("bad.json", &index(&[("b", "new"), ("c", "old")])),
        ("keep.json", "precious"),
    ]);
    let (exit, text) = desk.refused("-f --file keep.json bad.json");
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("none of 2 entries can be used"), "{text}");
    assert_eq!(desk.text("keep.json"), "precious");
}

#[test]
fn lost_versions_are_counted_and_strict_wants_them() {
    let listed = index(&[("a", "2.0.0")]).replace(
        "\"version\":\"2.0.0\"",
        "\"version\":\"2.0.0\",\"versions\":[{\"version\":\"1.2.3.4\"}]",
    );
    let desk = Desk::new(&[("1.json", &listed), ("2.json", &index(&[("a", "1.0.0")]))]);
    let ran = desk.merged("--file out.json 1.json 2.json");
    assert!(ran.talk.contains("versions[0] is left out"), "{}", ran.talk);
    assert!(
        ran.data.ends_with("  Versions left out: 1\n"),
        "{}",
        ran.data
    );
    let (exit, text) = desk.refused("--file new.json --strict 1.json 2.json");
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("1 version is left out"), "{text}");
}

#[test]
fn m14_m15_the_header_is_carried_and_can_be_set() {
    let desk = Desk::new(&[
        ("1.json", r#"{"packs": []}"#),
        ("2.json", &index(&[("a", "1.0.0")])),
    ]);
    desk.merged("--file out.json 1.json 2.json");
    let value: Value = serde_json::from_str(&desk.text("out.json")).unwrap();
    for (key, text) in [
        ("registry_name", "R"),
        ("registry_url", "https://r.example"),
        ("version", "1.0"),
        ("last_updated", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(value[key], text, "{key}");
    }
    desk.merged("--file out.json -f --name N --url https://n.example 1.json 2.json");
    let value: Value = serde_json::from_str(&desk.text("out.json")).unwrap();
    assert_eq!(
        (&value["registry_name"], &value["registry_url"]),
        (&json!("N"), &json!("https://n.example"))
    );
    let ran = desk.merged("--file out.json -f 1.json");
    assert!(ran.talk.contains("--name"), "nobody named it: {}", ran.talk);
}

#[test]
fn m16_the_statistics_are_data() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("a", "1.0.0"), ("b", "1.0.0")])),
        ("2.json", &index(&[("a", "2.0.0")])),
    ]);
    let ran = desk.run(Format::Json, "--file out.json 1.json none.json 2.json");
    let value: Value = serde_json::from_str(&ran.data).unwrap();
    assert_eq!(
        value,
        json!({
            "success": true, "output_file": "out.json", "sources_count": 2, "total_loaded": 3,
            "unique_packs": 2, "duplicates_resolved": 1,
        })
    );
}

#[test]
fn m17_a_malformed_input_is_named_and_nothing_written() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("a", "1.0.0")])),
        ("2.json", "{\n \"packs\": [}"),
    ]);
    let (exit, text) = desk.refused("--file out.json 1.json 2.json");
    assert_eq!(exit, Exit::Failed);
    assert_eq!(
        text,
        "error: cannot read `2.json`\n  caused by: the index is not JSON (line 2, column 12): expected value\n"
    );
    assert_eq!(desk.names(), ["1.json", "2.json"]);
}

#[test]
fn m18_duplicates_in_one_file_are_resolved() {
    let desk = Desk::new(&[("1.json", &index(&[("a", "1.0.0"), ("a", "1.2.0")]))]);
    let ran = desk.merged("--file out.json 1.json");
    assert!(
        ran.data.contains("  Updating 'a' from 1.0.0 to 1.2.0\n"),
        "{}",
        ran.data
    );
    assert!(
        ran.data
            .ends_with("  Unique packs: 1\n  Duplicates resolved: 1\n"),
        "{}",
        ran.data
    );
}

#[test]
fn m19_the_output_may_be_an_input() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("a", "1.0.0")])),
        ("2.json", &index(&[("b", "1.0.0")])),
    ]);
    desk.merged("--file 1.json --force 1.json 2.json");
    assert_eq!(
        refs_and_versions(&desk.text("1.json")),
        pairs(&[("a", "1.0.0"), ("b", "1.0.0")])
    );
    let before = desk.text("1.json");
    desk.merged("--file 1.json --force 1.json 2.json");
    assert_eq!(desk.text("1.json"), before, "once more changes nothing");
    assert_eq!(desk.names(), ["1.json", "2.json"]);
}

#[test]
fn m20_the_same_inputs_give_the_same_bytes() {
    let desk = Desk::new(&[
        ("1.json", &index(&[("c", "1.0.0"), ("a", "1.0.0")])),
        ("2.json", &index(&[("b", "1.0.0"), ("a", "1.1.0")])),
    ]);
    desk.merged("--file out.json 1.json 2.json");
    desk.merged("--file again.json 1.json 2.json");
    assert_eq!(desk.text("out.json"), desk.text("again.json"));
    desk.merged("--file dated.json --source-date-epoch 86400 1.json 2.json");
    let dated = desk.text("dated.json");
    assert!(
        dated.contains("\"last_updated\": \"1970-01-02T00:00:00Z\""),
        "{dated}"
    );
}
