//! Ignore files against git itself, and those that are not heard.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::process::{Command, Output};

use fs_err::os::unix::fs::symlink;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::super::walk_past;
use crate::archive::ledger::Kind;
use crate::archive::{PackError, PackOptions, Packing};
use crate::error::chain;

/// How many sets of rules git is asked about.
const CASES: usize = 400;
/// What the rules are about: names that the patterns below match in many ways.
const TREE: [&str; 30] = [
    "a",
    "b",
    "ab",
    "abc",
    "A",
    "a b",
    "b ",
    "{a,b}",
    "[a]",
    "!a",
    "#a",
    "\\",
    "a\\b",
    "*",
    "é",
    "1",
    "x.log",
    "x.txt",
    "d/a",
    "d/b",
    "d/x.log",
    "d/e/a",
    "d/e/b",
    "d/e/f/a",
    "d/e/f/x.log",
    "ad/ab/a",
    "e/a",
    "e/d/x.txt",
    "f/d/e/b",
    "f/{a,b}/1",
];

fn git(root: &Path, args: &[&str]) -> Output {
    let output = Command::new("git")
        .args(args)
        .current_dir(root)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    output
}

fn of_git(root: &Path) -> Vec<String> {
    let out = git(root, &["ls-files", "-z", "-co", "--exclude-standard"]).stdout;
    let mut paths: Vec<String> = String::from_utf8(out)
        .unwrap()
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    paths.sort_unstable();
    paths
}

fn of_packing(root: &Path) -> Vec<String> {
    // without judging the names, some of which no pack may have
    let found = walk_past(root, &PackOptions::default(), &mut Err).unwrap();
    found
        .items
        .into_iter()
        .filter(|found| found.kind != Kind::Dir)
        .map(|found| found.path)
        .collect()
}

fn any_line() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        &b"a"[..],
        b"a",
        b"b",
        b"d",
        b"e",
        b"d/e",
        b"x.log",
        b".txt",
        b"/",
        b"/",
        b"*",
        b"*",
        b"**",
        b"**/",
        b"/**",
        b"?",
        b"[a-c]",
        b"[!a]",
        b"[^b]",
        b"[[:alpha:]]",
        b"[[:upper:]]",
        b"[[:digit:]]",
        b"[[:nonsense:]]",
        b"[]a]",
        b"[",
        b"]",
        b"\\",
        b"\\a",
        b"\\*",
        b"\\ ",
        b" ",
        b"{a,b}",
        b"\t",
        b"!",
        b"#",
        b"\xe9",
        "é".as_bytes(),
        b"\0",
        b"\r",
    ]);
    let start = select(vec![&b""[..], b"", b"", b"!", b"/", b"#", b"\\!", b"\\#"]);
    let end = select(vec![&b""[..], b"", b"", b"/", b" ", b"  ", b"\r", b"\\"]);
    (start, vec(piece, 0..4), end)
        .prop_map(|(start, pieces, end)| [start, &pieces.concat(), end].concat())
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let begin = select(vec![&b""[..], b"", b"", b"\xef\xbb\xbf"]);
    let end = select(vec![&b"\n"[..], b""]);
    (begin, vec(any_line(), 1..6), end)
        .prop_map(|(begin, lines, end)| [begin, &lines.join(&b'\n'), end].concat())
}

#[test]
fn what_git_ignores_is_left_out_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    git(root, &["init", "-q"]);
    for path in TREE {
        let place = root.join(path);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::write(place, "").unwrap();
    }
    let mut runner = TestRunner::deterministic();
    let files = (any_file(), proptest::option::of(any_file()));
    let mut told = 0;
    for case in 0..CASES {
        let (top, inner) = files.new_tree(&mut runner).unwrap().current();
        fs_err::write(root.join(".gitignore"), &top).unwrap();
        let place = root.join("d/.gitignore");
        match &inner {
            Some(inner) => fs_err::write(&place, inner).unwrap(),
            None => {
                let _absent = fs_err::remove_file(&place);
            }
        }
        let expected = of_git(root);
        told += usize::from(expected.len() < TREE.len());
        assert_eq!(
            of_packing(root),
            expected,
            "case {case}: the rules are {} and in `d` {:?}",
            top.escape_ascii(),
            inner.map(|inner| inner.escape_ascii().to_string()),
        );
    }
    assert!(
        told > CASES / 4,
        "only {told} sets of rules say anything at all"
    );
}

/// The files left of `a`, `b` and `secret.key` with this `.gitignore`.
fn left(rules: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "secret.key"] {
        fs_err::write(folder.path().join(name), "").unwrap();
    }
    fs_err::write(folder.path().join(".gitignore"), rules).unwrap();
    let mut paths = of_packing(folder.path());
    paths.retain(|path| path != ".gitignore");
    paths
}

#[test]
fn a_line_that_is_odd_does_not_end_the_file() {
    for before in [&b"# cl\xe9s"[..], b"cl\xe9s", b"{a,{b}", b"[", b"\\", b"!"] {
        assert_eq!(
            left(&[before, b"\nsecret.key\n"].concat()),
            ["a", "b"],
            "after `{}`, rules go on",
            before.escape_ascii()
        );
    }
    assert_eq!(
        left(b"secret.key\n!\n"),
        ["a", "b"],
        "a lone `!` takes nothing back"
    );
}

#[test]
fn packignore_wins_over_gitignore_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs_err::create_dir(root.join("d")).unwrap();
    for (path, text) in [
        (".packignore", "!a\nb\n"),
        (".gitignore", "a\nc\n"),
        ("d/.gitignore", "a\n!b\n"),
        ("d/a", ""),
        ("d/b", ""),
        ("d/c", ""),
        ("a", ""),
    ] {
        fs_err::write(root.join(path), text).unwrap();
    }
    assert_eq!(
        of_packing(root),
        [".gitignore", ".packignore", "a", "d/.gitignore", "d/a"]
    );
}

#[test]
fn an_ignore_file_that_cannot_be_heard_is_an_error() {
    let refused = |path: &str, make: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join(path);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        make(&place);
        let error = Packing::select(folder.path(), &PackOptions::default()).unwrap_err();
        assert!(matches!(error, PackError::Ignore { .. }), "{error:?}");
        chain(&error).replace(&*folder.path().to_string_lossy(), "ROOT")
    };
    let pipe = |place: &Path| {
        rustix::fs::mkfifoat(rustix::fs::CWD, place, rustix::fs::Mode::RWXU).unwrap();
    };
    for path in [".packignore", ".gitignore", "d/.packignore"] {
        assert_eq!(
            refused(path, &pipe),
            format!(
                "cannot take ROOT/{path} for what says what to leave out: it is a named pipe, and only a regular \
                 file may be called so"
            )
        );
    }
    assert!(
        refused(".gitignore", &|place| symlink("/dev/zero", place).unwrap())
            .contains("it is a symbolic link"),
        "a link is not followed"
    );
    assert!(
        refused(".gitignore", &|place| fs_err::create_dir(place).unwrap())
            .contains("it is a directory"),
        "a folder has no rules"
    );
    let lines = "# nothing\n".repeat(110_000);
    assert!(
        refused(".gitignore", &|place| fs_err::write(place, &lines).unwrap())
            .ends_with("it is longer than 1048576 bytes"),
        "there is an end to what is read"
    );
    let stars = format!("fine\n{}\n", "*a".repeat(61));
    assert!(
        refused(".gitignore", &|place| fs_err::write(place, &stars).unwrap())
            .ends_with("line 2 has more than 60 `*`"),
        "what could not be matched is said"
    );
}
