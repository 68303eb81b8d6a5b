//! The package on a real systemd, process 1 of namespaces of its own.

use std::process::Command;
use std::time::Duration;

use packd_tests::Ran;

/// `tests/run` makes what this needs, and leaves it out where that cannot be made.
#[test]
fn the_package_and_its_units_keep_their_promises() {
    let made = |name: &str| {
        let found = std::env::vars().find(|(key, _)| key == name);
        found
            .unwrap_or_else(|| {
                panic!("{name} is not set: `tests/run -E 'test(systemd::)'` sets it")
            })
            .1
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/run");

    let mut command = Command::new(script);
    command.arg(made("PACKD_TEST_DEB"));
    command.arg(made("PACKD_TEST_ROOT"));
    let ran = Ran::within(&mut command, Duration::from_mins(4));

    ran.success().says(" 0 failed");
    let promises = ran.stdout().lines().filter(|line| line.starts_with("ok "));
    assert!(promises.count() >= 20, "{}", ran.stdout());
}
