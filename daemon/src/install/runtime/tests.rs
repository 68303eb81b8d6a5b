//! What packs demand, and what a host that lacks it is told.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::config::VersionProbe;

/// A host with these programs and what each prints.
fn host(programs: &[(&str, &str)]) -> (tempfile::TempDir, Prober) {
    let folder = tempfile::tempdir().unwrap();
    for (name, prints) in programs {
        let path = folder.path().join(name);
        let made = path.with_extension("new");
        fs_err::write(&made, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
        fs_err::set_permissions(&made, std::fs::Permissions::from_mode(0o755)).unwrap();
        fs_err::rename(made, path).unwrap();
    }
    let prober = Prober::new(folder.path());
    (folder, prober)
}

fn pack(name: &str, more: &str) -> Manifest {
    Manifest::parse(format!("ref: {name}\nversion: 1.0.0\n{more}\n").as_bytes()).unwrap()
}

#[test]
fn everything_that_does_not_do_is_told_at_once_in_the_words_of_the_ecosystem() {
    let (_folder, prober) = host(&[("python3", "Python 3.8.1"), ("node", "v18.2.0")]);
    let manifest = pack(
        "demo",
        "runtime_deps: ['python3>=3.10', ruby, 'go>=1.20', 'nodejs ^18', native, shell]",
    );
    let found = lacking([&manifest], &Runtimes::new(), &prober);
    assert_eq!(
        found.unmet,
        [
            "Runtime 'python3' version 3.8.1 does not satisfy constraint '>=3.10'",
            "Runtime 'ruby' not found on system",
            "Runtime 'go' not found on system",
            "Runtime 'shell' not found on system",
        ]
    );
    assert_eq!(
        found.fixes,
        [
            "install python3 >=3.10",
            "install ruby",
            "install go >=1.20",
            "install shell"
        ]
    );
    assert_eq!(found.unknown, Vec::<String>::new());
}

#[test]
fn of_several_packs_each_sentence_names_its_own() {
    let (_folder, prober) = host(&[("python3", "Python 3.8.1")]);
    let packs = [
        pack("one", "python: 3.9"),
        pack("two", "runtime_deps: [perl]"),
    ];
    let found = lacking(&packs, &Runtimes::new(), &prober);
    assert_eq!(
        found.unmet,
        [
            "Runtime 'python3' version 3.8.1 does not satisfy constraint '>=3.9' (needed by `one`)",
            "Runtime 'perl' not found on system (needed by `two`)",
        ]
    );
}

#[test]
fn versions_of_dependencies_are_demands_too() {
    let (_folder, prober) = host(&[("python3", "Python 3.8.1"), ("node", "v18.2.0")]);
    let manifest = pack(
        "demo",
        "dependencies: {python_version: '>=3.9', nodejs_version: '^16'}",
    );
    let found = lacking([&manifest], &Runtimes::new(), &prober);
    assert_eq!(
        found.unmet,
        [
            "Runtime 'python3' version 3.8.1 does not satisfy constraint '>=3.9'",
            "Runtime 'nodejs' version 18.2.0 does not satisfy constraint '^16'",
        ]
    );
}

#[test]
fn python_versions_are_major_versions_of_which_one_will_do() {
    let (_folder, prober) = host(&[("python3", "Python 3.8.1")]);
    for (versions, unmet) in [
        ("['2', '3']", None),
        ("['3.11']", None),
        (
            "['2']",
            Some("Runtime 'python3' version 3.8.1 does not satisfy constraint '2'"),
        ),
    ] {
        let manifest = pack("demo", &format!("python_versions: {versions}"));
        let found = lacking([&manifest], &Runtimes::new(), &prober);
        assert_eq!(found.unmet.first().map(String::as_str), unmet, "{versions}");
    }
}

#[test]
fn an_engine_that_is_not_here_is_a_warning_and_one_that_is_too_old_a_failure() {
    let manifest = pack(
        "demo",
        "attune_version: '>=1.2'\nstackstorm_version: '>=3.0.0'",
    );
    let (_folder, prober) = host(&[]);
    let found = lacking([&manifest], &Runtimes::new(), &prober);
    assert_eq!(found.unmet, Vec::<String>::new());
    assert_eq!(
        found.unknown,
        [
            "`demo` asks for attune >=1.2, and this host has no program that says its version; \
             `runtimes.attune` in packd.yaml can name one",
            "`demo` asks for stackstorm >=3.0.0, and this host has no program that says its version; \
             `runtimes.stackstorm` in packd.yaml can name one",
        ]
    );

    let (_folder, prober) = host(&[
        ("attune", "attune 1.1.9"),
        ("st2", "st2 3.8.0, on Python 3.8"),
    ]);
    let found = lacking([&manifest], &Runtimes::new(), &prober);
    assert_eq!(
        found.unmet,
        ["Runtime 'attune' version 1.1.9 does not satisfy constraint '>=1.2'"]
    );

    let (_folder, prober) = host(&[("engine", "the engine, 2.0")]);
    let probe = VersionProbe::new(["engine".to_owned()]);
    let configured = [("attune".to_owned(), probe)].into();
    let found = lacking([&manifest], &configured, &prober);
    assert_eq!(
        found.unmet,
        Vec::<String>::new(),
        "the configured one is asked"
    );
}

#[test]
fn a_runtime_that_nobody_knows_is_a_warning_that_names_the_setting() {
    let (_folder, prober) = host(&[]);
    let manifest = pack("demo", "runtime_deps: ['cobol>=2014']");
    let found = lacking([&manifest], &Runtimes::new(), &prober);
    assert_eq!(found.unmet, Vec::<String>::new());
    assert_eq!(
        found.unknown,
        [
            "`demo` needs the runtime `cobol`, which packd does not know how to ask for; \
             `runtimes.cobol` in packd.yaml says how"
        ]
    );
}
