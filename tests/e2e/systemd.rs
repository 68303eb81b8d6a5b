//! The packages on a real systemd, process 1 of namespaces of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use packd_tests::Ran;

/// What `tests/run` made, and leaves out these tests where it cannot be made.
fn made(name: &str) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration but the environment"
    )]
    let value = std::env::var_os(name);
    let missing = || panic!("{name} is not set: `tests/run -E 'test(systemd::)'` sets it");
    value.unwrap_or_else(missing).into()
}

/// The packages whose names end like this.
pub(crate) fn packages(end: &str) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(made("PACKD_TEST_PACKAGES")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect()
}

/// Each line of the script's output is one of them.
#[test]
fn the_packages_and_their_units_keep_their_promises() {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/run"));
    command.args(packages(".deb")).args(packages(".tar.gz"));
    command.arg(made("PACKD_TEST_ROOT"));

    let ran = Ran::within(&mut command, Duration::from_mins(5));

    assert!(ran.stdout().contains(" 0 failed"), "{}", ran.stdout());
    ran.success();
    let promises = ran.stdout().lines().filter(|line| line.starts_with("ok "));
    assert!(promises.count() >= 25, "{}", ran.stdout());
}
