//! Names of this host's users and groups, from `/etc/passwd` and `/etc/group`.
//!
//! The files are read rather than NSS asked: a directory service that does not answer must not be
//! able to stop the API. A group that only such a service knows can be configured by its number, and
//! the numbers a peer has come from the kernel in any case.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// A look-up of names that notices when the files change.
#[derive(Debug)]
pub(crate) struct Directory {
    files: Arc<Files>,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Files {
    passwd: PathBuf,
    group: PathBuf,
}

/// What the latest look found, and the one that is under way.
#[derive(Debug, Default)]
struct Last {
    names: Arc<Names>,
    begun: Option<Instant>,
    /// Kept here, so that one who no longer wants to wait for it leaves it to the next.
    under_way: Option<(Instant, JoinHandle<Arc<Names>>)>,
}

/// The names at one moment.
#[derive(Debug, Default)]
pub(crate) struct Names {
    users: Arc<Table>,
    groups: Arc<Table>,
}

/// What a file says, and what the file was like then.
#[derive(Debug, Default)]
struct Table {
    stamp: Stamp,
    /// Pairs of name and number, in the order of the file.
    pairs: Vec<(String, u32)>,
}

/// What changes when a file is replaced or written. One that cannot be looked at has neither.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new("/etc/passwd".into(), "/etc/group".into())
    }
}

impl Directory {
    /// The names in these two files.
    pub(crate) fn new(passwd: PathBuf, group: PathBuf) -> Self {
        Self {
            files: Arc::new(Files { passwd, group }),
            last: Mutex::default(),
        }
    }

    /// The names as they are in the files now, which are looked at off the runtime's thread.
    ///
    /// One look at a time. Of those who come while one is under way, the first looks again, since it may
    /// have seen what was there before they came; the others share what that one finds.
    pub(crate) async fn names(&self) -> Arc<Names> {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        while last.begun.is_none_or(|begun| begun < asked) {
            let (files, known) = (Arc::clone(&self.files), Arc::clone(&last.names));
            let (begun, look) = last.under_way.get_or_insert_with(|| {
                let look = tokio::task::spawn_blocking(move || files.look(known));
                (Instant::now(), look)
            });
            let (begun, found) = (*begun, look.await);
            last.under_way = None;
            last.begun = Some(begun);
            match found {
                Ok(names) => last.names = names,
                Err(error) => tracing::error!(%error, "cannot look names up; the old ones count"),
            }
        }
        Arc::clone(&last.names)
    }
}

impl Files {
    /// The names in the files; the very same ones when nothing has changed. Blocks.
    fn look(&self, known: Arc<Names>) -> Arc<Names> {
        let users = Table::current(&self.passwd, &known.users);
        let groups = Table::current(&self.group, &known.groups);
        if Arc::ptr_eq(&users, &known.users) && Arc::ptr_eq(&groups, &known.groups) {
            return known;
        }
        Arc::new(Names { users, groups })
    }
}

impl Names {
    /// The login name of a uid.
    pub(crate) fn user(&self, uid: u32) -> Option<String> {
        let mut pairs = self.users.pairs.iter();
        pairs
            .find(|(_, number)| *number == uid)
            .map(|(name, _)| name.clone())
    }

    /// The uid of a user, by its login name.
    pub(crate) fn uid(&self, name: &str) -> Option<u32> {
        let mut pairs = self.users.pairs.iter();
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number)
    }

    /// The gid of a group, given by name or by number.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        let mut pairs = self.groups.pairs.iter();
        let known = pairs
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number);
        known.or_else(|| name.parse().ok())
    }
}

impl Table {
    /// What the file says now; `known` when it is as it was then. An unreadable file has no names.
    fn current(path: &Path, known: &Arc<Self>) -> Arc<Self> {
        let stamp = fs_err::metadata(path).map_or_else(
            |_| Stamp::default(),
            |metadata| Stamp {
                modified: metadata.modified().ok(),
                bytes: metadata.len(),
            },
        );
        if stamp == known.stamp {
            return Arc::clone(known);
        }
        let bytes = fs_err::read(path).unwrap_or_default();
        let pairs = parse(&String::from_utf8_lossy(&bytes));
        Arc::new(Self { stamp, pairs })
    }
}

/// `name:password:number:…`, the shape that both files share.
fn parse(text: &str) -> Vec<(String, u32)> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields
                .next()
                .filter(|name| !name.is_empty() && !name.starts_with('#'))?;
            let number = fields.nth(1)?.parse().ok()?;
            Some((name.to_owned(), number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use futures_util::FutureExt as _;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[tokio::test]
    async fn names_are_found_and_a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (passwd, group) = (folder.path().join("passwd"), folder.path().join("group"));
        fs_err::write(
            &passwd,
            "root:x:0:0:root:/root:/bin/sh\n# note\nada:x:1000:1000::/:\n",
        )
        .unwrap();
        fs_err::write(&group, "root:x:0:\npackd:x:990:ada\n").unwrap();
        let directory = Directory::new(passwd, group.clone());
        let names = directory.names().await;
        assert_eq!(
            names.user(1000).as_deref(),
            Some("ada"),
            "a user in the file"
        );
        assert_eq!(names.user(4711), None, "a user that is not");
        assert_eq!(names.group("packd"), Some(990), "a group in the file");
        assert_eq!(names.group("packd-admin"), None, "a group that is not");
        assert_eq!(names.group("5000"), Some(5000), "a group by number");
        assert!(
            Arc::ptr_eq(&names, &directory.names().await),
            "files that did not change are not read again"
        );
        fs_err::write(&group, "root:x:0:\npackd:x:990:ada\npackd-admin:x:991:\n").unwrap();
        assert_eq!(
            directory.names().await.group("packd-admin"),
            Some(991),
            "a group that was added meanwhile"
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_now_stops_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let (passwd, pipe) = (folder.path().join("passwd"), folder.path().join("group"));
        fs_err::write(&passwd, "").unwrap();
        // opening it blocks until somebody writes
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let directory = Directory::new(passwd, pipe.clone());
        assert!(
            directory.names().now_or_never().is_none(),
            "who asked waits, and gives up"
        );

        // only a runtime that is not held up gets here
        let (writing, other) = (pipe.clone(), folder.path().join("new"));
        tokio::task::spawn_blocking(move || {
            let mut writer = fs_err::OpenOptions::new()
                .write(true)
                .open(&writing)
                .unwrap();
            fs_err::write(&other, "packd:x:990:\n").unwrap();
            fs_err::rename(&other, &writing).unwrap();
            std::io::Write::write_all(&mut writer, b"old:x:1:\n").unwrap();
        })
        .await
        .unwrap();
        let names = directory.names().await;
        assert_eq!(
            (names.group("packd"), names.group("old")),
            (Some(990), None),
            "who asks later sees what is there by then"
        );
    }
}
