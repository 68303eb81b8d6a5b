//! A state folder that somebody had their hands in: what is damaged is said, and made good.

use std::os::unix::fs::PermissionsExt;

use packd_tests::{Packd, Settings};

#[test]
fn nobody_else_can_open_what_packd_locks() {
    let mut packd = Packd::start(&Settings::new());
    let lock = packd.state_dir().join(".lock");
    let mode = || fs_err::metadata(&lock).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);

    fs_err::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).unwrap();
    packd.restart();
    assert_eq!(mode(), 0o600, "one of before is corrected");
}
