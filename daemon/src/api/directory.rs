//! Names of this host's users and groups, from `/etc/passwd` and `/etc/group`.
//!
//! The files are read rather than NSS asked: a directory service that does not answer must not be
//! able to stop the API. A group that only such a service knows can be configured by its number, and
//! the numbers a peer has come from the kernel in any case.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// A look-up of names that notices when the files change.
#[derive(Debug)]
pub(crate) struct Directory {
    passwd: Cached,
    group: Cached,
}

#[derive(Debug)]
struct Cached {
    path: PathBuf,
    read: Mutex<Option<(Stamp, Arc<Names>)>>,
}

/// What changes when a file is replaced or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// Pairs of name and number, in the order of the file.
type Names = Vec<(String, u32)>;

impl Default for Directory {
    fn default() -> Self {
        Self::new("/etc/passwd".into(), "/etc/group".into())
    }
}

impl Directory {
    /// The names in these two files.
    pub(crate) fn new(passwd: PathBuf, group: PathBuf) -> Self {
        Self {
            passwd: Cached::new(passwd),
            group: Cached::new(group),
        }
    }

    /// The login name of a uid.
    pub(crate) fn user(&self, uid: u32) -> Option<String> {
        let names = self.passwd.names();
        names
            .iter()
            .find(|(_, number)| *number == uid)
            .map(|(name, _)| name.clone())
    }

    /// The gid of a group, given by name or by number.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        let names = self.group.names();
        let known = names
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number);
        known.or_else(|| name.parse().ok())
    }
}

impl Cached {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: Mutex::default(),
        }
    }

    /// The names as they are in the file now. It is small and local, so it is read in place; an
    /// unreadable file has no names.
    fn names(&self) -> Arc<Names> {
        let stamp = fs_err::metadata(&self.path).map_or(
            Stamp {
                modified: None,
                bytes: 0,
            },
            |metadata| Stamp {
                modified: metadata.modified().ok(),
                bytes: metadata.len(),
            },
        );
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match &*read {
            Some((known, names)) if *known == stamp => Arc::clone(names),
            _ => {
                let bytes = fs_err::read(&self.path).unwrap_or_default();
                let names = Arc::new(parse(&String::from_utf8_lossy(&bytes)));
                *read = Some((stamp, Arc::clone(&names)));
                names
            }
        }
    }
}

/// `name:password:number:…`, the shape that both files share.
fn parse(text: &str) -> Names {
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

    use super::*;

    #[test]
    fn names_are_found_and_a_changed_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (passwd, group) = (folder.path().join("passwd"), folder.path().join("group"));
        fs_err::write(
            &passwd,
            "root:x:0:0:root:/root:/bin/sh\n# note\nada:x:1000:1000::/:\n",
        )
        .unwrap();
        fs_err::write(&group, "root:x:0:\npackd:x:990:ada\n").unwrap();
        let directory = Directory::new(passwd, group.clone());
        assert_eq!(
            directory.user(1000).as_deref(),
            Some("ada"),
            "a user in the file"
        );
        assert_eq!(directory.user(4711), None, "a user that is not");
        assert_eq!(directory.group("packd"), Some(990), "a group in the file");
        assert_eq!(directory.group("packd-admin"), None, "a group that is not");
        assert_eq!(directory.group("5000"), Some(5000), "a group by number");
        fs_err::write(&group, "root:x:0:\npackd:x:990:ada\npackd-admin:x:991:\n").unwrap();
        assert_eq!(
            directory.group("packd-admin"),
            Some(991),
            "a group that was added meanwhile"
        );
    }
}
