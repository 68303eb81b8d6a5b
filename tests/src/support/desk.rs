//! Where somebody types, or a pipeline's runner works: a folder of the test's own that is all their shell knows.

use std::{path::Path, process::Command};

use fs_err::os::unix::fs::symlink;

use super::programs;

/// Makes the folders that [`seat`] tells a shell of, with `packctl` among the programs.
pub fn set(root: &Path) {
    for name in ["bin", "home", "tmp"] {
        fs_err::create_dir(root.join(name)).unwrap();
    }
    symlink(programs::packctl(), root.join("bin/packctl")).unwrap();
}

/// Gives a shell nothing of whoever runs the test, but the programs, the home and the temporary folder below `root`,
/// and the name of a maintainer to commit by.
pub fn seat<'c>(shell: &'c mut Command, root: &Path) -> &'c mut Command {
    let programs = root.join("bin");
    shell
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()),
        )
        .env("HOME", root.join("home"))
        .env("TMPDIR", root.join("tmp"))
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "A maintainer")
        .env("GIT_AUTHOR_EMAIL", "maintainer@acme.example")
        .env("GIT_COMMITTER_NAME", "A maintainer")
        .env("GIT_COMMITTER_EMAIL", "maintainer@acme.example")
}
