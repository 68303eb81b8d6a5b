//! Runs a command line as it is typed, without a process and without a daemon.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::Parser as _;
use packd_wire::Exit;
use serde_json::Value;

use crate::Ending;
use crate::args::Args;
use crate::output::tests::output;

/// How a run ended, and what it said.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) exit: Exit,
    pub(super) data: String,
    pub(super) talk: String,
}

/// Runs `packctl` with these arguments.
pub(super) fn ran(arguments: &[&str]) -> Ran {
    let args = Args::try_parse_from([&["packctl"], arguments].concat()).unwrap();
    let (mut out, data, talk) = output(args.global.format(), args.global.quiet);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let exit = match runtime.block_on(args.run(&mut out)) {
        Ok(Ending::Exit(exit)) => exit,
        Ok(Ending::Detached | Ending::Stopped(_)) => panic!("nothing was followed"),
        Err(failure) => {
            out.failure(&failure);
            failure.exit()
        }
    };
    Ran {
        exit,
        data: data.text(),
        talk: talk.text(),
    }
}

impl Ran {
    /// It went well, and printed one JSON document.
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.exit, Exit::Done, "{self:?}");
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It went well.
    pub(super) fn done(&self) {
        assert_eq!(self.exit, Exit::Done, "{self:?}");
    }

    /// It failed so and printed nothing: what it said.
    pub(super) fn refused(&self, exit: Exit) -> &str {
        assert_eq!(self.exit, exit, "{self:?}");
        assert_eq!(self.data, "", "nothing is printed by a run that failed");
        &self.talk
    }

    /// It failed so, said this, and printed nothing.
    pub(super) fn failed(&self, exit: Exit, said: &str) {
        let talk = self.refused(exit);
        assert!(talk.contains(said), "`{said}` was not said: {self:?}");
    }
}

/// Writes a file, and the folders it lies in.
pub(super) fn write(root: &Path, path: &str, content: &str, mode: u32) {
    let place = root.join(path);
    fs_err::create_dir_all(place.parent().unwrap()).unwrap();
    fs_err::write(&place, content).unwrap();
    fs_err::set_permissions(&place, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder with a small pack.
pub(super) fn pack() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "pack.yaml",
        "ref: demo\nversion: 1.0.0\n",
        0o644,
    );
    write(folder.path(), "actions/run.sh", "#!/bin/sh\n", 0o755);
    folder
}

/// What lies in a folder, sorted.
pub(super) fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
