//! A clock that jumps, for one daemon.

use std::{path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{packd::Packd, process::Ran};

/// What a daemon takes for the time.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
}

impl Clock {
    /// The clock of this daemon, from its next start on. Needs a C compiler: no program of ours may set the clock of
    /// the host, and a time namespace does not have this one.
    #[must_use]
    pub fn of(packd: &mut Packd) -> Self {
        let clock = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let (source, library) = (clock.path("clock.c"), clock.path("clock.so"));
        fs_err::write(&source, include_str!("clock.c")).unwrap();
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O1", "-o"]);
        Ran::of(command.arg(&library).arg(&source)).success();
        clock.off_by(0);
        packd.with_environment("LD_PRELOAD", library);
        packd.with_environment("CLOCK_FILE", clock.path("seconds"));
        clock
    }

    /// Sets it so many seconds after, or before, the host's, from now on.
    pub fn off_by(&self, seconds: i64) {
        // by a rename, so that it is never read half
        let next = self.path("next");
        fs_err::write(&next, seconds.to_string()).unwrap();
        fs_err::rename(next, self.path("seconds")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
