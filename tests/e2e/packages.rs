//! The packages as they lie there, before anybody installs them.

use std::process::Command;
use std::time::Duration;

use packd_tests::Ran;

use crate::systemd::packages;

/// What is not clean has its reason beside the package: `packaging/deb/lintian-overrides`, `packaging/rpm/rpmlint.toml`.
#[test]
fn lintian_and_rpmlint_find_nothing_that_is_not_explained() {
    let checked = packages(".deb").into_iter().chain(packages(".rpm"));
    let checked: Vec<_> = checked.collect();
    assert!(!checked.is_empty(), "there is a package to look at");

    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/check"));
    command.args(checked);

    Ran::within(&mut command, Duration::from_mins(2)).success();
}
