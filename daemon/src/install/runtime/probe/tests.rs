//! Programs that print versions, as they do and as they should not.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::{Runtimes, VersionProbe};
use crate::install::runtime::table::row;

/// A folder with programs that are shell scripts.
struct Programs(tempfile::TempDir);

impl Programs {
    fn new(programs: &[(&str, &str)]) -> Self {
        let programs_of = Self(tempfile::tempdir().unwrap());
        for (name, body) in programs {
            programs_of.write(name, body);
        }
        programs_of
    }

    fn write(&self, name: &str, body: &str) {
        // made under another name: a file that is open for writing cannot be executed
        let path = self.0.path().join(name);
        let made = path.with_extension("new");
        fs_err::write(&made, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs_err::set_permissions(&made, std::fs::Permissions::from_mode(0o755)).unwrap();
        fs_err::rename(made, path).unwrap();
    }

    fn prober(&self) -> Prober {
        Prober::new(self.0.path())
    }

    fn ask(&self, name: &str) -> Found {
        let row = row(name, &Runtimes::new()).unwrap();
        self.prober().ask(&[row]).remove(0)
    }
}

fn found(major: u64, minor: u64, patch: u64) -> Found {
    Found::Version(Version::new(major, minor, patch))
}

#[test]
fn versions_are_read_as_the_programs_print_them() {
    for (name, program, prints, expected) in [
        ("python3", "python3", "echo Python 3.9.7", found(3, 9, 7)),
        (
            "python3",
            "python",
            "echo Python 2.7.18 >&2",
            found(2, 7, 18),
        ),
        (
            "python",
            "python3",
            "echo Python 3.13.0rc2",
            found(3, 13, 0),
        ),
        ("nodejs", "node", "echo v18.19.0", found(18, 19, 0)),
        ("node", "nodejs", "echo v12.22.9", found(12, 22, 9)),
        (
            "shell",
            "bash",
            "echo 'GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)'",
            found(5, 2, 15),
        ),
        ("shell", "sh", "exit 2", found(1, 0, 0)),
        (
            "go",
            "go",
            "echo go version go1.22.1 linux/amd64",
            found(1, 22, 1),
        ),
        (
            "java",
            "java",
            "echo 'openjdk version \"17.0.9\" 2023-10-17' >&2",
            found(17, 0, 9),
        ),
        (
            "java",
            "java",
            "echo 'java version \"1.8.0_392\"' >&2",
            found(1, 8, 0),
        ),
        (
            "perl",
            "perl",
            "echo 'This is perl 5, version 36, subversion 0 (v5.36.0) built for x'",
            found(5, 36, 0),
        ),
        (
            "ruby",
            "ruby",
            "echo 'ruby 3.1.2p20 (2022-04-12 revision 4491bb740a)'",
            found(3, 1, 2),
        ),
        (
            "r",
            "R",
            "echo 'R version 4.2.2 (2022-10-31)'",
            found(4, 2, 2),
        ),
        ("pwsh", "pwsh", "echo PowerShell 7.4.1", found(7, 4, 1)),
        (
            "stackstorm",
            "st2",
            "echo 'st2 3.8.1, on Python 3.8.10'",
            found(3, 8, 1),
        ),
        ("native", "nothing", "", Found::Given),
        ("ruby", "nothing", "", Found::Absent),
    ] {
        let programs = Programs::new(&[(program, prints)]);
        assert_eq!(programs.ask(name), expected, "{name}: {prints}");
    }
}

#[test]
fn a_program_that_says_no_version_is_named_with_what_it_did() {
    let programs = Programs::new(&[("ruby", "echo hello; exit 0"), ("perl", "exit 3")]);
    let Found::Silent { program, why } = programs.ask("ruby") else {
        panic!("there is no version");
    };
    assert_eq!(program, programs.0.path().join("ruby"));
    assert_eq!(why, "there is no version in `hello`");
    let Found::Silent { why, .. } = programs.ask("perl") else {
        panic!("there is no version");
    };
    assert_eq!(why, "it ended with exit status 3");
}

#[test]
fn an_answer_counts_until_the_program_changes() {
    let count = "echo x >>$(dirname \"$0\")/asked; ";
    let programs = Programs::new(&[("ruby", &format!("{count} echo ruby 3.0.0"))]);
    let prober = programs.prober();
    let ask = || {
        prober
            .ask(&[row("ruby", &Runtimes::new()).unwrap()])
            .remove(0)
    };
    // `dirname` is looked for in the environment's PATH, which has nothing but the programs
    programs.write("dirname", "echo ${1%/*}");
    assert_eq!((ask(), ask()), (found(3, 0, 0), found(3, 0, 0)));
    let asked = fs_err::read_to_string(programs.0.path().join("asked")).unwrap();
    assert_eq!(asked, "x\n", "the second answer is the first one's");
    programs.write("ruby", "echo ruby 3.2.10");
    assert_eq!(ask(), found(3, 2, 10));
}

#[test]
fn a_configured_row_replaces_the_one_that_is_known() {
    let programs = Programs::new(&[
        ("jruby", "echo jruby 9.4.5.0 '(3.1.4)'; echo $# arguments"),
        ("ruby", "echo ruby 2.0.0"),
    ]);
    let probe = VersionProbe {
        command: vec!["jruby".to_owned(), "a b".to_owned()],
        pattern: r"(?s)jruby ([0-9.]+).*1 arguments".to_owned(),
    };
    let configured: Runtimes = [("ruby".to_owned(), probe)].into();
    let rows = [row("ruby", &configured).unwrap()];
    assert_eq!(programs.prober().ask(&rows), [found(9, 4, 5)]);
}

#[test]
fn what_is_not_in_the_table_has_no_row() {
    assert_eq!(row("cobol", &Runtimes::new()), None);
}
