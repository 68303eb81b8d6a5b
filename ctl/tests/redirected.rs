//! Standard output that is a file in the pack itself, as in `packctl index-entry . > entry.json`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs packctl in a folder, its standard output going into a file there.
fn into(folder: &Path, file: &str, line: &str) -> Output {
    let output = fs_err::File::create(folder.join(file)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_packctl"))
        .args(line.split(' '))
        .current_dir(folder)
        .stdout(output.into_parts().0)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

fn written(folder: &Path, file: &str) -> Value {
    serde_json::from_slice(&fs_err::read(folder.join(file)).unwrap()).unwrap()
}

fn pack() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "ref: demo\nversion: 1.0.0\nlicense: MIT\n";
    fs_err::write(folder.path().join("pack.yaml"), manifest).unwrap();
    folder
}

#[test]
fn the_file_that_is_written_to_is_no_part_of_the_pack() {
    let (folder, outer) = (pack(), tempfile::tempdir().unwrap());
    let folder = folder.path();
    let checksum = format!("checksum {} --json", folder.display());
    let outside = into(outer.path(), "sum.json", &checksum);
    assert!(outside.status.success() && outside.stderr.is_empty());
    let digest = written(outer.path(), "sum.json")["checksum"].clone();

    let inside = into(folder, "sum.json", "checksum . --json");
    assert!(inside.status.success());
    assert_eq!(written(folder, "sum.json")["checksum"], digest);
    let said = String::from_utf8(inside.stderr).unwrap();
    assert!(
        said.contains("`sum.json`, which this is written to, lies in the pack"),
        "{said}"
    );
    fs_err::remove_file(folder.join("sum.json")).unwrap();

    let build = format!("build . --output-dir {} --json", outer.path().display());
    assert!(into(folder, "built.json", &build).status.success());
    assert_eq!(written(folder, "built.json")["tree"], digest);
    fs_err::remove_file(folder.join("built.json")).unwrap();

    fs_err::write(folder.join(".packignore"), "*.json\n").unwrap();
    let ignored = into(folder, "sum.json", "checksum . --json");
    assert!(
        ignored.stderr.is_empty(),
        "nothing is said of what is ignored anyway: {ignored:?}"
    );
}

#[test]
fn an_entry_that_is_written_into_the_pack_is_that_of_the_pack_without_it() {
    let folder = pack();
    let folder = folder.path();
    let git = |words: &str| {
        let ran = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
            .args(words.split(' '))
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
    };
    git("init -q");
    git("add .");
    git("commit -q -m x");
    git("tag v1.0.0");
    let entry = into(
        folder,
        "entry.json",
        "index-entry . --git-url https://git.example/demo.git",
    );
    let said = String::from_utf8(entry.stderr).unwrap();
    assert!(entry.status.success(), "{said}");
    assert_eq!(
        said.matches("warning:").count(),
        1,
        "only that it lies there: {said}"
    );
    let digest = written(folder, "entry.json")["install_sources"][0]["tree"].clone();
    fs_err::remove_file(folder.join("entry.json")).unwrap();
    let outer = tempfile::tempdir().unwrap();
    let checksum = format!("checksum {} --json", folder.display());
    assert!(into(outer.path(), "sum.json", &checksum).status.success());
    assert_eq!(written(outer.path(), "sum.json")["checksum"], digest);
}
