#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use insta::assert_snapshot;

use super::*;
use crate::args::Format;
use crate::output::tests::output;

/// A pack with a fault of each weight.
fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let place = folder.path().join(path);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::write(place, text).unwrap();
    };
    write(
        "pack.yaml",
        "ref: demo\nlable: Demo\ndescription: d\nversion: 1.10\nauthor: A\nlicense: MIT\n",
    );
    write(
        "actions/run.yaml",
        "ref: demo.run\nrunner_type: python\nentry_point: rnu.py\n",
    );
    write("actions/run.py", "print()\n");
    folder
}

/// What is printed as data, what on the side, and how it ends.
fn run(path: &Path, format: Format, strict: bool) -> (String, String, Exit) {
    let (mut out, data, talk) = output(format, false);
    let verb = Lint {
        path: path.to_owned(),
        strict,
    };
    let exit = match verb.run(&mut out) {
        Ok(Ending::Exit(exit)) => exit,
        Ok(Ending::Detached | Ending::Stopped(_)) => panic!("nothing interrupts it"),
        Err(failure) => {
            out.failure(&failure);
            failure.exit()
        }
    };
    (data.text(), talk.text(), exit)
}

#[test]
fn findings_are_a_table_for_each_file() {
    let folder = sample();
    let (data, talk, exit) = run(folder.path(), Format::Human, false);
    assert_snapshot!(data, @r"
    pack.yaml
    PLACE  SEVERITY  RULE  FINDING
    -      note      P109  there is neither a `label` nor a `name`; add `label: …`, a title for people
    2:1    warning   P102  unknown key `lable`; did you mean `label`?
    4:10   warning   P104  version `1.10` is read as `1.10.0`; write `version: 1.10.0`

    actions/run.yaml
    PLACE  SEVERITY  RULE  FINDING
    3:14   error     P207  entry point `rnu.py` is not there, neither in `actions` nor at the root of the pack; did you mean `actions/run.py`?

    demo 1.10.0: 1 error, 2 warnings, 1 note
    ");
    assert_eq!((talk.as_str(), exit), ("", Exit::Failed));
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let folder = sample();
    let (data, talk, exit) = run(folder.path(), Format::Json, false);
    let document: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!(document["path"], folder.path().to_str().unwrap());
    assert_eq!(document["pack"], "demo 1.10.0");
    assert_eq!(
        (&document["errors"], &document["warnings"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        document["findings"][3],
        serde_json::json!({
            "rule": "P207", "severity": "error", "file": "actions/run.yaml", "line": 3, "column": 14,
            "message": "entry point `rnu.py` is not there, neither in `actions` nor at the root of the pack",
            "hint": "did you mean `actions/run.py`?",
        })
    );
    assert_eq!((talk.as_str(), exit), ("", Exit::Failed));
    let (data, _, _) = run(folder.path(), Format::Ndjson, false);
    assert_eq!(data.lines().count(), 4, "a line for each finding");
}

#[test]
fn warnings_fail_only_when_they_are_taken_for_errors() {
    let folder = sample();
    fs_err::rename(
        folder.path().join("actions/run.py"),
        folder.path().join("actions/rnu.py"),
    )
    .unwrap();
    assert_eq!(run(folder.path(), Format::Human, false).2, Exit::Done);
    assert_eq!(run(folder.path(), Format::Human, true).2, Exit::Failed);
}

#[test]
fn a_good_pack_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(
        folder.path().join("pack.yaml"),
        "ref: demo\nlabel: Demo\ndescription: d\nversion: 1.0.0\nauthor: A\nlicense: MIT\n",
    )
    .unwrap();
    let (data, _, exit) = run(folder.path(), Format::Human, true);
    assert_eq!(
        (data.as_str(), exit),
        ("✓ demo 1.0.0: no findings\n", Exit::Done)
    );
}

#[test]
fn where_there_is_no_pack_it_fails_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    let (data, talk, exit) = run(&folder.path().join("gone"), Format::Json, false);
    assert_eq!(data, "", "nothing that could be taken for a document");
    assert_eq!(talk, format!("error: Path does not exist: {shown}/gone\n"));
    assert_eq!(exit, Exit::NotFound);
    let (_, talk, exit) = run(folder.path(), Format::Human, false);
    assert_eq!(
        talk,
        format!(
            "error: pack.yaml not found in directory: {shown}\nhint: name the folder that has the `pack.yaml`\n"
        )
    );
    assert_eq!(exit, ErrorKind::ManifestMissing.exit());
}

/// Whoever begins with `create` begins without a finding.
#[test]
fn what_create_makes_is_clean() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "packctl",
        "create",
        "fresh",
        "--path",
        folder.path().to_str().unwrap(),
    ];
    let args = <crate::args::Args as clap::Parser>::try_parse_from(args).unwrap();
    let (mut out, _, _) = output(Format::Human, true);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let made = runtime.block_on(args.run(&mut out));
    assert!(made.is_ok(), "{made:?}");
    let place = [folder.path().join("fresh"), folder.path().to_owned()]
        .into_iter()
        .find(|place| place.join("pack.yaml").is_file())
        .unwrap();
    let (data, _, exit) = run(&place, Format::Human, true);
    assert_eq!(
        (exit, data.contains("no findings")),
        (Exit::Done, true),
        "{data}"
    );
}
