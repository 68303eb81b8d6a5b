#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

mod packs;
mod rules;

/// A pack in a folder of its own.
struct Sample {
    outer: tempfile::TempDir,
    root: PathBuf,
}

impl Sample {
    /// A folder of that name with nothing in it.
    fn named(name: &str) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join(name);
        fs_err::create_dir(&root).unwrap();
        Self { outer, root }
    }

    /// A pack without a fault.
    fn clean() -> Self {
        Self::named("demo")
            .with(
                "pack.yaml",
                "ref: demo\nlabel: Demo\ndescription: Shows things\nversion: 1.0.0\nauthor: A\nlicense: Apache-2.0\n",
            )
            .with(
                "actions/run.yaml",
                "ref: demo.run\nlabel: Run\nrunner_type: shell\nentry_point: run.sh\n",
            )
            .with_program("actions/run.sh", "#!/bin/sh\necho\n")
    }

    fn write(&self, path: &str, content: &[u8], mode: u32) {
        let place = self.root.join(path);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::write(&place, content).unwrap();
        fs_err::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content.as_ref(), 0o644);
        self
    }

    fn with_program(self, path: &str, content: &str) -> Self {
        self.write(path, content.as_bytes(), 0o755);
        self
    }

    /// The manifest with more lines.
    fn saying(self, lines: &str) -> Self {
        let path = self.root.join(FILE_NAME);
        let text = fs_err::read_to_string(&path).unwrap();
        fs_err::write(&path, text + lines).unwrap();
        self
    }

    /// The manifest without a key.
    fn without(self, key: &str) -> Self {
        let path = self.root.join(FILE_NAME);
        let text = fs_err::read_to_string(&path).unwrap();
        let start = format!("{key}:");
        let kept: String = (text.split_inclusive('\n'))
            .filter(|line| !line.starts_with(&start))
            .collect();
        assert_ne!(kept, text, "`{key}` was there");
        fs_err::write(&path, kept).unwrap();
        self
    }

    fn linking(self, path: &str, target: &str) -> Self {
        fs_err::os::unix::fs::symlink(target, self.root.join(path)).unwrap();
        self
    }

    fn report(&self) -> Report {
        lint(&self.root, &PackOptions::default()).unwrap()
    }

    /// The numbers of the rules it breaks, each once.
    fn broken(&self) -> BTreeSet<&'static str> {
        let report = self.report();
        report
            .findings
            .iter()
            .map(|finding| finding.rule.id())
            .collect()
    }
}

/// A finding in one line.
fn line(finding: &Finding) -> String {
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})"));
    format!(
        "{}{place}: {} {}: {}{}",
        finding.file,
        finding.severity,
        finding.rule,
        finding.message,
        hint.unwrap_or_default()
    )
}

fn lines(report: &Report) -> Vec<String> {
    report.findings.iter().map(line).collect()
}

#[test]
fn what_is_no_pack_is_said() {
    let outer = tempfile::tempdir().unwrap();
    let nowhere = lint(&outer.path().join("nowhere"), &PackOptions::default()).unwrap_err();
    assert!(nowhere.is_not_found(), "{nowhere}");
    assert!(nowhere.to_string().starts_with("Path does not exist: "));
    let empty = lint(outer.path(), &PackOptions::default()).unwrap_err();
    assert!(empty.is_not_found(), "{empty}");
    assert!(
        empty
            .to_string()
            .starts_with("pack.yaml not found in directory: ")
    );
    let file = outer.path().join("file");
    fs_err::write(&file, "ref: a").unwrap();
    assert!(matches!(
        lint(&file, &PackOptions::default()),
        Err(LintError::NotAFolder { .. })
    ));
    fs_err::os::unix::fs::symlink("file", outer.path().join(FILE_NAME)).unwrap();
    assert!(matches!(
        lint(outer.path(), &PackOptions::default()),
        Err(LintError::NotRegular { .. })
    ));
}

#[test]
fn findings_are_counted_and_sorted_by_file_and_place() {
    let sample = Sample::clean()
        .without("license")
        .saying("lable: x\nhomepage: nowhere\nversion2: 1\n")
        .with("actions/other.yaml", "ref: other.run\n")
        .with("README.md", "hello");
    let report = sample.report();
    assert_eq!(report.pack.as_deref(), Some("demo 1.0.0"));
    assert_eq!(
        lines(&report),
        [
            "pack.yaml: warning P106: there is no `license` (add for example `license: Apache-2.0`)",
            "pack.yaml:6:1: warning P102: unknown key `lable` (did you mean `label`?)",
            "pack.yaml:7:11: warning P115: `homepage` is `nowhere`, which is no URL (write it in full, for example `https://example.org/pack`)",
            "pack.yaml:8:1: warning P102: unknown key `version2` (did you mean `version`?)",
            "actions/other.yaml:1:6: error P205: the ref of the action is `other.run`, which is not of this pack (write `ref: demo.run`)",
        ]
    );
    assert_eq!((report.errors, report.warnings, report.notes), (1, 4, 0));
    drop(sample.outer);
}

#[test]
fn very_many_findings_are_counted_and_the_worst_are_kept() {
    let keys: Vec<String> = (0..MAX_FINDINGS + 50)
        .map(|n| format!("zzz{n}: 1\n"))
        .collect();
    let sample = Sample::clean()
        .saying(&keys.concat())
        .saying("dependencies: [demo]\n");
    let report = sample.report();
    assert_eq!(report.findings.len(), MAX_FINDINGS);
    assert_eq!((report.errors, report.notes), (1, MAX_FINDINGS + 50));
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Error),
        "the error is kept"
    );
}

/// What CI reads.
#[test]
fn a_finding_is_written_with_what_it_has() {
    let report = Sample::clean()
        .saying("lable: x\n")
        .without("author")
        .report();
    let written = serde_json::to_value(&report.findings).unwrap();
    assert_eq!(
        written,
        serde_json::json!([
            {"rule": "P110", "severity": "note", "file": "pack.yaml", "message": "there is no `author`", "hint": "add `author: …`"},
            {"rule": "P102", "severity": "warning", "file": "pack.yaml", "line": 6, "column": 1,
             "message": "unknown key `lable`", "hint": "did you mean `label`?"},
        ])
    );
}
