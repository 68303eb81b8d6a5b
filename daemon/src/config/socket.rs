//! Sockets beside the one of the command line, each with the most that may be done over it.

use std::path::{Path, PathBuf};

use packd_wire::Role;

use super::Origin;
use super::node::{Entry, Value};
use super::problem::Problem;
use super::section::{Findings, Reader, Section, section};
use super::setting::{Setting, Shown, Wrong, text, word};

/// The most sockets that there are.
pub const MOST_SOCKETS: usize = 16;

/// The longest path: one of 107 bytes can be bound (unix(7)), and a socket gets its mode before its name, under one that
/// is four bytes longer.
const LONGEST: usize = 103;

section! {
    /// More sockets with the same API, over which less may be done: for a monitoring agent, say, that shall
    /// only look, whoever it runs as. Who connects has the role of `access`, and at most that of the socket.
    /// A socket that systemd passes has the role of the entry with its path; mode and group are then systemd's.
    keyed struct ExtraSocket {
        /// Where it is. The folder must exist; the socket is there as long as packd runs.
        path: PathBuf, check path;
        /// Who may connect, in octal: `0660` its owner and its group, `0666` everybody.
        mode: SocketMode = SocketMode(0o660);
        /// The group that it belongs to, by name or number; that of packd, if nothing is said. packd must be a
        /// member of it, or root.
        group: Option<String> = None;
        /// The most that anybody may do over it: `reader`, `operator` or `admin`.
        role: Role;
    }
}

/// The permissions of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(pub u32);

impl Setting for SocketMode {
    const SHAPE: &'static str = "permissions in octal such as `0660`";

    fn read(node: &super::node::Node) -> Result<Self, Vec<Wrong>> {
        let text = text::<Self>(node)?;
        let octal =
            (3..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let mode = u32::from_str_radix(text, 8).ok().filter(|_| octal);
        mode.filter(|mode| *mode <= 0o777).map(Self).ok_or_else(|| {
            Wrong::at(
                node,
                format!("must be {}, not {}", Self::SHAPE, node.describe()),
            )
        })
    }

    fn show(&self) -> Shown {
        Shown::Text(format!("{:04o}", self.0))
    }
}

impl Setting for Role {
    const SHAPE: &'static str = "`reader`, `operator` or `admin`";

    fn read(node: &super::node::Node) -> Result<Self, Vec<Wrong>> {
        let all = [Self::Reader, Self::Operator, Self::Admin];
        word(node, &all.map(|role| (role.as_str(), role)))
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().to_owned())
    }
}

#[expect(
    clippy::ptr_arg,
    reason = "a check gets the value as the section has it"
)]
fn path(path: &PathBuf) -> Result<(), String> {
    if path.file_name().is_none() || path.parent().is_none() {
        return Err("must name a file in a folder".to_owned());
    }
    if path.as_os_str().len() > LONGEST {
        return Err(format!("is too long for a socket: at most {LONGEST} bytes"));
    }
    Ok(())
}

/// Reads the sockets; `main` is where the API is in any case.
pub(super) fn read(
    entry: Option<&Entry>,
    main: &Path,
    findings: &mut Findings,
) -> Vec<ExtraSocket> {
    let origin = entry.map_or(Origin::Default, |entry| entry.value.origin.clone());
    findings.origins.insert("sockets".to_owned(), origin);
    let Some(entry) = entry else {
        return Vec::new();
    };
    let mut problem = |origin: &Origin, message: String| {
        let problem = Problem::new(origin.clone(), message);
        findings.problems.push(problem);
    };
    let items = match &entry.value.value {
        Value::Null => return Vec::new(),
        Value::List(items) if items.len() > MOST_SOCKETS => {
            let message = format!(
                "`sockets` has {}, at most {MOST_SOCKETS} can be",
                items.len()
            );
            problem(&entry.value.origin, message);
            return Vec::new();
        }
        Value::List(items) => items,
        _ => {
            let message = format!("`sockets` must be a list, not {}", entry.value.describe());
            problem(&entry.value.origin, message);
            return Vec::new();
        }
    };
    let mut sockets: Vec<ExtraSocket> = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let mut reader = Reader::new(&format!("sockets[{position}]"), Some(item), findings);
        let Some(socket) = ExtraSocket::read(&mut reader) else {
            continue;
        };
        if socket.path == main {
            reader.problem("path", "is where the API is already, with every right");
        } else if sockets.iter().any(|other| other.path == socket.path) {
            reader.problem("path", "is written twice");
        } else {
            sockets.push(socket);
        }
    }
    sockets
}
