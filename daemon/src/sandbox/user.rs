//! Who runs the tests of packs, and the programs of the configuration.

use super::User;

/// The user that is made for tests and for nothing else (`systemd/packd.sysusers`).
const NAME: &str = "packd-test";

/// Nobody in particular: packd's API takes no request from this user either.
const NOBODY: User = User {
    uid: 65_534,
    gid: 65_534,
};

impl User {
    /// Who runs them, if packd can choose: it can when it runs as root, and its user namespace has others. Blocks.
    pub(crate) fn of_tests() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let users = fs_err::read_to_string("/etc/passwd").unwrap_or_default();
        let user = named(&users, NAME).unwrap_or(NOBODY);
        let map =
            |name: &str| fs_err::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        let known = is_mapped(&map("uid_map"), user.uid) && is_mapped(&map("gid_map"), user.gid);
        known.then_some(user)
    }
}

/// Whether a number means anything in a user namespace: lines of its first number, that outside, and how many there are.
fn is_mapped(map: &str, number: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line
            .split_ascii_whitespace()
            .filter_map(|text| text.parse().ok())
            .collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&u64::from(number)))
    })
}

/// `NAME:PASSWORD:UID:GID:…` of one user.
fn named(users: &str, name: &str) -> Option<User> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    let user = User {
        uid: numbers.next()?.ok()?,
        gid: numbers.next()?.ok()?,
    };
    // a line that makes tests root is a mistake
    (user.uid != 0 && user.gid != 0).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_the_user_namespace_does_not_have_is_no_user() {
        let whole = "         0          0 4294967295\n";
        let container = "0 100000 65536\n";
        assert!(is_mapped(whole, 65_534) && is_mapped(container, 65_534));
        assert!(!is_mapped("0 0 1\n", 65_534) && is_mapped("0 0 1\n", 0));
        assert!(!is_mapped("", 65_534));
    }

    #[test]
    fn the_user_is_found_by_its_name_and_is_never_root() {
        let users = "root:x:0:0::/root:/bin/sh\npackd:x:996:995::/:/bin/false\npackd-test:x:994:993:t:/:/bin/false\n";
        let found = User { uid: 994, gid: 993 };
        assert_eq!(named(users, "packd-test"), Some(found));
        assert_eq!(named(users, "packd-tes"), None);
        assert_eq!(named("packd-test:x:0:0::/:", "packd-test"), None);
        assert_eq!(named("packd-test:x:-:1", "packd-test"), None);
    }
}
