//! What packs need of the host: runtimes in versions that will do.

use std::{os::unix::fs::PermissionsExt, path::Path};

use packd_tests::{PackTree, Packd, Settings};
use packd_wire::{ErrorKind, JobStatus, JobView, StepName};
use serde_json::json;

use crate::test_gate;

/// A program that prints this.
fn program(folder: &Path, name: &str, prints: &str) {
    fs_err::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    fs_err::write(&path, format!("#!/bin/sh\necho '{prints}'\n")).unwrap();
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A daemon that looks for programs in a folder of the test's own, and nowhere else.
fn packd(settings: &Settings, programs: &[(&str, &str)]) -> Packd {
    let mut packd = Packd::prepare(settings);
    let folder = packd.state_dir().with_file_name("bin");
    fs_err::create_dir_all(&folder).unwrap();
    for (name, prints) in programs {
        program(&folder, name, prints);
    }
    packd.with_environment("PATH", &folder);
    packd.begin();
    packd
}

fn install(packd: &Packd, more: &str, flags: &[&str]) -> JobView {
    let pack =
        PackTree::new("demo", "1.0.0").saying(&format!("ref: demo\nversion: 1.0.0\n{more}\n"));
    test_gate::install(packd, &pack, flags)
}

#[test]
fn a_runtime_that_will_do_lets_a_pack_in() {
    let packd = packd(
        &Settings::new(),
        &[
            ("python3", "Python 3.11.2"),
            ("node", "v18.19.0"),
            ("bash", "GNU bash, version 5.2.15(1)-release"),
        ],
    );
    let job = install(
        &packd,
        "python: '3.8'\nnodejs: '>=16'\nruntime_deps: [shell, native]",
        &[],
    );
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
}

#[test]
fn everything_a_host_lacks_is_told_at_once_and_nothing_is_left() {
    let packd = packd(&Settings::new(), &[("python3", "Python 3.8.1")]);
    let job = install(
        &packd,
        "runtime_deps: ['python3>=3.10', ruby]\ndependencies: ['core@^1.0']",
        &[],
    );
    let error = job.error.unwrap();
    assert_eq!(
        (error.kind, error.step),
        (ErrorKind::DependencyUnmet, Some(StepName::Resolve))
    );
    for line in [
        "Runtime 'python3' version 3.8.1 does not satisfy constraint '>=3.10'",
        "Runtime 'ruby' not found on system",
    ] {
        assert!(error.causes.iter().any(|cause| cause == line), "{error:#?}");
    }
    assert!(
        error.causes.iter().any(|cause| cause.contains("core")),
        "{error:#?}"
    );
    let hint = error.hint.unwrap();
    assert!(hint.contains("install python3 >=3.10"), "{hint}");
    assert!(hint.contains("--skip-deps"), "{hint}");
    assert!(packd.active().is_empty());
    packd.staging_is_empty();

    let job = install(
        &packd,
        "runtime_deps: ['python3>=3.10', ruby]",
        &["--skip-deps"],
    );
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(job.warnings.len(), 2, "{:?}", job.warnings);
}

#[test]
fn a_program_that_was_replaced_is_asked_again() {
    let packd = packd(&Settings::new(), &[("python3", "Python 3.8.1")]);
    assert_eq!(
        install(&packd, "python: '3.10'", &[]).status,
        JobStatus::Failed
    );
    let folder = packd.state_dir().with_file_name("bin");
    fs_err::remove_file(folder.join("python3")).unwrap();
    program(&folder, "python3", "Python 3.12.0 or so");
    let job = install(&packd, "python: '3.10'", &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
}

#[test]
fn a_table_in_the_configuration_says_how_to_ask_for_others() {
    let zig = json!({"command": ["zig", "version"], "pattern": "zig ([0-9.]+)"});
    let packd = packd(
        &Settings::new().set("runtimes.zig", zig),
        &[("zig", "this is zig 0.11.0")],
    );
    let error = install(&packd, "runtime_deps: ['zig>=0.12']", &[])
        .error
        .unwrap();
    assert_eq!(
        error.causes,
        ["Runtime 'zig' version 0.11.0 does not satisfy constraint '>=0.12'"]
    );
    let job = install(&packd, "runtime_deps: ['zig', 'cobol']", &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(
        job.warnings[0].contains("`runtimes.cobol` in packd.yaml says how"),
        "{:?}",
        job.warnings
    );
}

#[test]
fn the_version_of_an_engine_that_is_not_here_is_a_warning() {
    let packd = packd(&Settings::new(), &[]);
    let job = install(&packd, "attune_version: '>=0.5'", &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(
        job.warnings[0].contains("`demo` asks for attune >=0.5"),
        "{:?}",
        job.warnings
    );
}
