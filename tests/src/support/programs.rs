//! Where the two programs under test are.
//!
//! `PACKD_BIN_DIR` names a folder with an installed `packd` and `packctl`;
//! without it, the shims that cargo built beside the running test are used.

use std::path::{Path, PathBuf};

/// The path of the daemon.
#[must_use]
pub fn packd() -> PathBuf {
    program("packd")
}

/// The path of the client.
#[must_use]
pub fn packctl() -> PathBuf {
    program("packctl")
}

/// The root of the source tree.
#[must_use]
pub fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration but the environment"
)]
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PACKD_BIN_DIR").map_or_else(
        || built().join(format!("shim-{name}")),
        |folder| PathBuf::from(folder).join(name),
    );
    assert!(path.is_file(), "`{}` is not there", path.display());
    path
}

/// `target/<profile>`: a test runs in `deps` below it, the benchmark in it.
fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    if folder.ends_with("deps") {
        folder.parent().unwrap().to_owned()
    } else {
        folder.to_owned()
    }
}
