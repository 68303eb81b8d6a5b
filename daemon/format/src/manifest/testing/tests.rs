#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::super::{Manifest, ManifestError};
use super::*;

fn manifest(testing: &str) -> Result<Manifest, ManifestError> {
    let indented = testing.replace('\n', "\n  ");
    Manifest::parse(format!("ref: a\nversion: 1.0.0\ntesting:\n  {indented}\n").as_bytes())
}

fn read(testing: &str) -> Testing {
    manifest(testing).unwrap().testing.unwrap()
}

fn refused(testing: &str) -> String {
    match manifest(testing) {
        Ok(_) => panic!("this must be refused:\n{testing}"),
        Err(error) => {
            assert!(error.position().is_some(), "{error} has a position");
            error.to_string()
        }
    }
}

#[test]
fn runners_are_read_in_the_order_of_the_file() {
    let testing = read(
        "discovery: {method: directory, path: tests}\n\
         result_format: junit-xml\n\
         result_path: tests/results/\n\
         runners:\n\
         \x20 z: {type: script, entry_point: ./tests/run.sh, timeout: 60, result_format: simple}\n\
         \x20 a: {type: pytest, entry_point: tests/}\n\
         \x20 m: {type: jest, entry_point: tests/a.test.js}\n\
         \x20 p: {type: executable, entry_point: bin/check, result_path: out.xml}\n\
         \x20 c: {type: command, command: make 'check all'}",
    );
    let names: Vec<_> = testing.runners.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "m", "p", "c"]);
    let kinds: Vec<_> = testing.runners.iter().map(|r| r.kind.as_str()).collect();
    assert_eq!(kinds, ["script", "pytest", "jest", "executable", "command"]);
    let [z, a, _, p, c] = &testing.runners[..] else {
        panic!("five runners")
    };
    assert_eq!(z.entry_points, ["tests/run.sh"]);
    assert_eq!(
        (z.timeout.as_secs(), z.result_format),
        (60, ResultFormat::Simple)
    );
    assert_eq!(a.entry_points, ["tests"], "a slash at the end is not kept");
    assert_eq!(
        a.timeout, DEFAULT_TIMEOUT,
        "300 s, unless it says otherwise"
    );
    assert_eq!(a.result_path.as_deref(), Some("tests/results"));
    assert_eq!(
        a.result_format,
        ResultFormat::JunitXml,
        "the section's format"
    );
    assert_eq!(p.result_path.as_deref(), Some("out.xml"));
    assert_eq!(
        c.kind,
        RunnerKind::Command(vec!["make".into(), "check all".into()])
    );
    assert_eq!(
        testing.discovery.map(|d| (d.method, d.path)),
        Some((DiscoveryMethod::Directory, "tests".into()))
    );
}

#[test]
fn a_list_of_tests_takes_the_place_of_the_runners() {
    let testing = read(
        "discovery:\n\
         \x20 method: manifest\n\
         \x20 tests:\n\
         \x20 - {name: one, runner: shell, command: tests/one.sh, timeout: 10}\n\
         \x20 - {name: two, runner: slow, command: tests/two.py}\n\
         \x20 - {name: three, runner: slow, command: python3 -m doctest lib.py}\n\
         \x20 - {name: four, command: [make, 'a;b']}\n\
         runners:\n\
         \x20 slow: {type: pytest, entry_point: tests, timeout: 900, result_format: tap}",
    );
    let read: Vec<_> = testing
        .runners
        .iter()
        .map(|r| (r.name.as_str(), r.kind.as_str(), r.entry_points.join(" ")))
        .collect();
    assert_eq!(
        read,
        [
            ("one", "script", "tests/one.sh".to_owned()),
            ("two", "pytest", "tests/two.py".to_owned()),
            ("three", "command", String::new()),
            ("four", "command", String::new()),
        ]
    );
    let seconds: Vec<_> = testing
        .runners
        .iter()
        .map(|r| r.timeout.as_secs())
        .collect();
    assert_eq!(seconds, [10, 900, 900, 300], "the rest is the runner's");
    assert_eq!(testing.runners[1].result_format, ResultFormat::Tap);
    assert_eq!(testing.discovery, None, "nothing is looked for");
}

#[test]
fn programs_are_found_or_named() {
    let testing = read("discovery: {method: executable, path: tests/bin}");
    assert_eq!(
        testing.discovery.map(|d| (d.method, d.path)),
        Some((DiscoveryMethod::Executable, "tests/bin".into()))
    );
    let testing = read("discovery: {method: executable, command: make test}");
    assert_eq!(testing.runners[0].kind.as_str(), "command");
    assert_eq!(
        read("enabled: true\ndiscovery: {}")
            .discovery
            .map(|d| d.path),
        Some("tests".into()),
        "the folder that is meant if none is said"
    );
}

#[test]
fn suites_are_read_as_well() {
    let testing = read(
        "test_suites:\n\
         - {name: unit, runner: python_unittest, working_dir: ./tests/, test_files: ['test_*.py', b.py], timeout_seconds: 7}\n\
         - {name: shell, runner: bash, test_files: [tests/a.sh]}",
    );
    let [unit, shell] = &testing.runners[..] else {
        panic!("two suites")
    };
    assert_eq!(unit.kind, RunnerKind::Unittest);
    assert_eq!(unit.entry_points, ["tests/test_*.py", "tests/b.py"]);
    assert_eq!(unit.working_dir.as_deref(), Some("tests"));
    assert_eq!(unit.timeout.as_secs(), 7);
    assert_eq!(shell.kind, RunnerKind::Script);
    assert_eq!(shell.entry_points, ["tests/a.sh"]);
}

#[test]
fn what_could_not_be_run_is_refused_with_its_place() {
    for (runner, why) in [
        (
            "type: script, entry_point: ../../../bin/sh",
            "inside the pack",
        ),
        ("type: script, entry_point: /bin/sh", "inside the pack"),
        ("type: script, entry_point: a/../../b", "inside the pack"),
        ("type: script, entry_point: a//b", "inside the pack"),
        ("type: pytest, entry_point: --rootdir=/", "inside the pack"),
        ("type: script, entry_point: ''", "inside the pack"),
        ("type: script", "`testing.runners.r.entry_point` is missing"),
        ("entry_point: a", "`testing.runners.r.type` is missing"),
        ("type: rspec, entry_point: a", "not `rspec`"),
        (
            "type: script, entry_point: a, timeout: 18446744073709551615",
            "seconds",
        ),
        (
            "type: script, entry_point: a, timeout: 0",
            "seconds from 1 to 86400",
        ),
        ("type: script, entry_point: a, timeout: -1", "seconds"),
        ("type: script, entry_point: a, result_format: xml", "`tap`"),
        (
            "type: script, entry_point: a, result_path: ../x",
            "inside the pack",
        ),
        ("type: command", "`testing.runners.r.command` is missing"),
        ("type: command, command: ''", "names no program"),
        ("type: command, command: []", "names no program"),
        ("type: command, command: make && make test", "needs a shell"),
        ("type: command, command: 'echo a; b'", "needs a shell"),
        ("type: command, command: cat $HOME/x", "needs a shell"),
        ("type: command, command: make > log", "needs a shell"),
        ("type: command, command: 'echo \"a'", "quote"),
        ("type: command, command: A=1 make", "begin with a program"),
        ("type: command, command: --version", "begin with a program"),
        ("type: command, command: ../run x", "inside the pack"),
        ("type: command, command: [make, [x]]", "list of texts"),
    ] {
        let said = refused(&format!("runners: {{r: {{{runner}}}}}"));
        assert!(said.contains("testing.runners.r"), "{runner}: {said}");
        assert!(said.contains(why), "{runner}: {said}");
    }
    for testing in [
        "min_pass_rate: 2",
        "min_pass_rate: NaN",
        "on_failure: maybe",
        "result_format: xml",
        "discovery: {method: magic}",
        "discovery: {method: manifest}",
        "discovery: {method: manifest, tests: [{name: a}]}",
        "discovery: {method: manifest, tests: [{name: a, command: b, runner: nobody}]}",
        "discovery: {method: executable}",
        "discovery: {path: ../..}",
        "discovery: {path: -r}",
        "runners: [a]",
        "test_suites: [{name: a, test_files: [b]}]",
        "test_suites: [{name: a, runner: pytest}]",
        "test_suites: [{name: a, runner: pytest, test_files: [../b]}]",
        "test_suites: [{name: a, runner: pytest, working_dir: /tmp, test_files: [b]}]",
    ] {
        let said = refused(testing);
        assert!(said.contains("testing."), "{testing}: {said}");
    }
}

#[test]
fn a_rate_that_is_none_is_named() {
    for rate in ["80", "NaN", "most"] {
        let said = refused(&format!("min_pass_rate: {rate}"));
        let wanted = format!("must be a number from 0 to 1, not `{rate}`");
        assert!(said.contains(&wanted), "{rate}: {said}");
    }
}

#[test]
fn quotes_keep_what_a_shell_would_read_otherwise() {
    let testing = read(
        "runners: {r: {type: command, command: \"python3 -c 'import os; print(1)' /x '&& b'\"}}",
    );
    assert_eq!(
        testing.runners[0].kind,
        RunnerKind::Command(
            ["python3", "-c", "import os; print(1)", "/x", "&& b"]
                .map(str::to_owned)
                .to_vec()
        )
    );
}
