//! The users that a test acts as.
//!
//! `tests/run` makes them; a test only reads their numbers, and runs programs
//! as them through setpriv(1), which needs root.

use std::{
    ffi::{OsStr, OsString},
    process::Command,
};

/// A user with their groups.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user id.
    pub uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl Person {
    /// Someone local, in no group of packd's.
    #[must_use]
    pub fn reader() -> Self {
        Self::named("packd-test-reader")
    }

    /// A member of group `packd`.
    #[must_use]
    pub fn operator() -> Self {
        Self::named("packd-test-operator")
    }

    /// A member of group `packd-admin`.
    #[must_use]
    pub fn admin() -> Self {
        Self::named("packd-test-admin")
    }

    /// The uid that stands for users without one.
    #[must_use]
    pub fn overflow() -> Self {
        Self {
            uid: 65534,
            gid: 65534,
            groups: Vec::new(),
        }
    }

    /// A user who is not in the list of users, as services of containers are.
    #[must_use]
    pub fn unlisted() -> Self {
        Self {
            uid: 61_234,
            gid: 61_234,
            groups: Vec::new(),
        }
    }

    /// A program, to be run as this person.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let words = self.prefix();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(program);
        command
    }

    /// What stands before a program that is run as this person.
    #[must_use]
    pub fn prefix(&self) -> Vec<OsString> {
        let groups = if self.groups.is_empty() {
            "--clear-groups".to_owned()
        } else {
            let groups: Vec<String> = self.groups.iter().map(ToString::to_string).collect();
            format!("--groups={}", groups.join(","))
        };
        vec![
            "setpriv".into(),
            format!("--reuid={}", self.uid).into(),
            format!("--regid={}", self.gid).into(),
            groups.into(),
            "--".into(),
        ]
    }

    fn named(name: &str) -> Self {
        let users = fs_err::read_to_string("/etc/passwd").unwrap();
        let user: Vec<&str> = fields(&users, name)
            .unwrap_or_else(|| panic!("there is no user `{name}`: tests/run makes it, as root"));
        let all = fs_err::read_to_string("/etc/group").unwrap();
        let groups = all.lines().filter_map(|line| {
            let group: Vec<&str> = line.split(':').collect();
            let member = group[3].split(',').any(|member| member == name);
            member.then(|| group[2].parse().unwrap())
        });
        Self {
            uid: user[2].parse().unwrap(),
            gid: user[3].parse().unwrap(),
            groups: groups.collect(),
        }
    }
}

fn fields<'a>(table: &'a str, name: &str) -> Option<Vec<&'a str>> {
    table
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|line| line[0] == name)
}
