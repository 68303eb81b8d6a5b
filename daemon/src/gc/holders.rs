//! Which processes use what of the state folder: their working directory, root, program, open files and mapped files.
//!
//! Only what the kernel lets this user see; a process that sees the state folder under another path, as in a container,
//! is not recognised.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A process that uses something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) command: String,
    /// How: the name of the entry of `/proc/<pid>`.
    pub(super) by: &'static str,
}

/// What was in use at one moment.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// The state folder, without links on the way.
    folder: PathBuf,
    state_dir: PathBuf,
    used: BTreeMap<PathBuf, Holder>,
    /// What could not be looked at.
    pub(super) unseen: Unseen,
}

/// Which processes could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// So many, of other users.
    Some(usize),
    /// It cannot even be said how many: those of other users are hidden.
    All,
}

impl Default for Unseen {
    fn default() -> Self {
        Self::Some(0)
    }
}

impl Unseen {
    /// Whether nothing can be said of the processes of other users.
    pub(super) fn is_all(self) -> bool {
        self == Self::All
    }

    /// One more.
    fn one_more(self) -> Self {
        match self {
            Self::Some(count) => Self::Some(count + 1),
            Self::All => Self::All,
        }
    }
}

impl Holders {
    /// Looks at every process but this one, whose jobs hold leases. Blocks.
    pub(super) fn look(state_dir: &Path) -> Self {
        let mut holders = Self {
            folder: fs_err::canonicalize(state_dir).unwrap_or_else(|_| state_dir.to_owned()),
            state_dir: state_dir.to_owned(),
            ..Self::default()
        };
        // the first process is always there: who does not see it sees none but its own, as with `hidepid=`, which is what
        // `ProtectProc=invisible` of a unit does
        if fs_err::symlink_metadata("/proc/1").is_err() {
            holders.unseen = Unseen::All;
        }
        let processes = fs_err::read_dir("/proc").into_iter().flatten().flatten();
        for process in processes {
            let pid = process
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(pid) = pid.filter(|pid| *pid != std::process::id()) {
                holders.process(pid, &process.path());
            }
        }
        holders
    }

    /// Who uses what lies at this path, or below it.
    pub(super) fn of(&self, path: &Path) -> Option<&Holder> {
        let below = path.strip_prefix(&self.state_dir).ok()?;
        let path = self.folder.join(below);
        let from = (Bound::Included(path.as_path()), Bound::Unbounded);
        let (used, holder) = self.used.range::<Path, _>(from).next()?;
        used.starts_with(&path).then_some(holder)
    }

    fn process(&mut self, pid: u32, process: &Path) {
        let mut hidden = false;
        for by in ["cwd", "root", "exe"] {
            match fs_err::read_link(process.join(by)) {
                Ok(path) => self.note(path, pid, process, by),
                Err(error) => hidden |= error.kind() == ErrorKind::PermissionDenied,
            }
        }
        if hidden {
            // those of the kernel have no command line, and use no files
            let line = fs_err::read(process.join("cmdline")).unwrap_or_default();
            if !line.is_empty() {
                self.unseen = self.unseen.one_more();
            }
            return;
        }
        self.threads(pid, process);
        let open = fs_err::read_dir(process.join("fd"))
            .into_iter()
            .flatten()
            .flatten();
        for file in open {
            if let Ok(path) = fs_err::read_link(file.path()) {
                self.note(path, pid, process, "fd");
            }
        }
        let maps = fs_err::read(process.join("maps")).unwrap_or_default();
        for path in maps.split(|byte| *byte == b'\n').filter_map(mapped) {
            self.note(path.to_owned(), pid, process, "maps");
        }
    }

    /// Working directory and root of its other threads: each may have its own.
    fn threads(&mut self, pid: u32, process: &Path) {
        let threads = fs_err::read_dir(process.join("task"));
        for thread in threads.into_iter().flatten().flatten() {
            if thread.file_name().to_str() == Some(pid.to_string().as_str()) {
                continue;
            }
            for by in ["cwd", "root"] {
                if let Ok(path) = fs_err::read_link(thread.path().join(by)) {
                    self.note(path, pid, process, by);
                }
            }
        }
    }

    fn note(&mut self, path: PathBuf, pid: u32, process: &Path, by: &'static str) {
        if !path.starts_with(&self.folder) {
            return;
        }
        self.used.entry(path).or_insert_with(|| {
            let command = fs_err::read(process.join("comm")).unwrap_or_default();
            Holder {
                pid,
                command: String::from_utf8_lossy(command.trim_ascii()).into_owned(),
                by,
            }
        });
    }
}

/// The file of a line of `/proc/<pid>/maps`: `7f…-7f… r-xp 00001000 08:02 135522    /usr/lib/libc.so`.
fn mapped(line: &[u8]) -> Option<&Path> {
    let at = line.iter().position(|byte| *byte == b'/')?;
    Some(Path::new(OsStr::from_bytes(&line[at..])))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_working_directory_and_an_open_file_are_seen_through_a_link_to_the_state_folder() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs_err::create_dir_all(state.join("store/slack/old")).unwrap();
        fs_err::create_dir_all(state.join("store/slack/older")).unwrap();
        fs_err::write(state.join("store/slack/older/data"), "x").unwrap();
        let link = folder.path().join("link");
        fs_err::os::unix::fs::symlink(&state, &link).unwrap();
        let open = fs_err::File::open(state.join("store/slack/older/data")).unwrap();
        let mut child = Command::new("sleep")
            .arg("600")
            .current_dir(state.join("store/slack/old"))
            .stdin(Stdio::from(open.into_parts().0))
            .spawn()
            .unwrap();

        let holders = Holders::look(&link);

        child.kill().unwrap();
        child.wait().unwrap();
        let of = |path: &str| holders.of(&link.join(path));
        let holder = of("store/slack/old").unwrap();
        assert_eq!((holder.pid, holder.by), (child.id(), "cwd"));
        assert_eq!(of("store/slack/older").unwrap().by, "fd");
        assert!(of("store/slack").is_some(), "below it");
        assert_eq!(of("store/slack/ol"), None);
        assert_eq!(of("store/teams"), None);
    }

    #[test]
    fn the_working_directory_of_one_thread_is_seen_too() {
        const PROGRAM: &str = "import ctypes, os, sys, threading\n\
            def work():\n    assert ctypes.CDLL(None).unshare(0x200) == 0\n    os.chdir(sys.argv[1])\n    print('there', flush=True)\n    \
            threading.Event().wait()\n\
            threading.Thread(target=work, daemon=True).start()\n\
            sys.stdin.read()\n";
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("store/slack/old");
        fs_err::create_dir_all(&old).unwrap();
        let mut child = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(&old)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let output = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut said).unwrap();

        let holders = Holders::look(folder.path());

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(said, "there\n");
        let holder = holders.of(&old).unwrap();
        assert_eq!((holder.pid, holder.by), (child.id(), "cwd"));
    }

    #[test]
    fn a_mapped_file_is_what_a_line_ends_with() {
        let line = b"7f00-7f01 r-xp 00001000 08:02 1355    /srv/packd/my file.so";
        assert_eq!(mapped(line), Some(Path::new("/srv/packd/my file.so")));
        assert_eq!(mapped(b"7f00-7f01 rw-p 00000000 00:00 0    [heap]"), None);
    }
}
