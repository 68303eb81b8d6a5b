//! What the checks read the host through: files below a root, and what only the kernel tells.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use packd_wire::StatusView;

/// Where packd has its files when nobody says otherwise.
const STATE_DIR: &str = "/var/lib/packd";
/// The configuration.
pub(super) const CONFIG: &str = "/etc/packd/packd.yaml";
/// Where packages and `install.sh` put the daemon.
const PROGRAMS: [&str; 2] = ["/usr/bin/packd", "/usr/local/bin/packd"];

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    /// What stands before each path.
    pub(super) root: PathBuf,
    /// The socket of the API.
    pub(super) socket: PathBuf,
    /// The state folder.
    pub(super) state_dir: PathBuf,
    /// The time of the clock.
    pub(super) now: Timestamp,
    /// `uname -r`.
    pub(super) kernel: String,
    /// Where the daemon's program may be.
    pub(super) programs: Vec<PathBuf>,
}

/// Space on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that a user may still write.
    pub(super) free_bytes: u64,
    /// Files that a user may still make; nothing, when the file system does not count them.
    pub(super) free_files: Option<u64>,
}

impl Host {
    /// This one.
    pub(super) fn this(socket: &Path, status: Option<&StatusView>) -> Self {
        let kernel = rustix::system::uname();
        Self {
            root: PathBuf::from("/"),
            socket: socket.to_owned(),
            state_dir: status.map_or_else(|| STATE_DIR.into(), |view| (&view.state_dir).into()),
            now: Timestamp::now(),
            kernel: kernel.release().to_string_lossy().into_owned(),
            programs: PROGRAMS.map(PathBuf::from).to_vec(),
        }
    }

    /// A path of the host, where it really is.
    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether there is something.
    pub(super) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.look(path).is_ok()
    }

    /// What is known of a file, itself and no link to it.
    pub(super) fn look(&self, path: impl AsRef<Path>) -> io::Result<Metadata> {
        fs_err::symlink_metadata(self.at(path))
    }

    /// The text of a file.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> io::Result<String> {
        fs_err::read_to_string(self.at(path))
    }

    /// The number in a file of the kernel.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.read(path).ok()?.trim().parse().ok()
    }

    /// The files of a folder whose names end so, in order.
    pub(super) fn list(&self, folder: &str, ending: &str) -> Vec<PathBuf> {
        let entries = fs_err::read_dir(self.at(folder)).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut paths: Vec<_> = names
            .filter(|name| name.ends_with(ending))
            .map(|name| Path::new(folder).join(name))
            .collect();
        paths.sort();
        paths
    }

    /// Whether a table of the host, as `/etc/passwd`, has this name.
    pub(super) fn has_name(&self, table: &str, name: &str) -> bool {
        let text = self.read(table).unwrap_or_default();
        text.lines()
            .any(|line| line.split(':').next() == Some(name))
    }

    /// The space where a path is.
    pub(super) fn space(&self, path: impl AsRef<Path>) -> io::Result<Space> {
        let found = rustix::fs::statvfs(self.at(path))?;
        Ok(Space {
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            free_files: (found.f_files > 0).then_some(found.f_favail),
        })
    }
}
