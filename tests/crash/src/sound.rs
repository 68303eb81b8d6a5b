//! What every host must be, read from its disk without any code of packd.

use std::{fmt::Write as _, path::Path};

use packd_tests::{Tree, support::tree::Node};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// What is wrong with a state folder whose daemon does not run.
#[must_use]
pub fn faults(state: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    generation(state, &mut faults);
    shelves(state, &mut faults);
    database(state, &mut faults);
    for folder in ["staging", "testing", "uploads"] {
        for name in names(&state.join(folder)) {
            faults.push(format!("`{folder}/{name}` is left over"));
        }
    }
    faults
}

/// `current` names a complete generation: each of its links leads to a tree with its list.
fn generation(state: &Path, faults: &mut Vec<String>) {
    let current = state.join("current");
    let Ok(target) = fs_err::read_link(&current) else {
        // before the first pack there is none
        return;
    };
    let generation = state.join(&target);
    if !generation.is_dir() {
        faults.push(format!(
            "`current` leads to {}: no folder",
            target.display()
        ));
        return;
    }
    for name in names(&generation) {
        let link = fs_err::read_link(generation.join(&name));
        let tree = link.map(|link| generation.join(link));
        match tree.and_then(fs_err::canonicalize) {
            Ok(tree) => faults.extend(not_as_listed(&tree)),
            Err(error) => faults.push(format!("`{name}` of the generation: {error}")),
        }
    }
}

/// Nothing lies in the store but trees that are as their lists say, these lists, and records.
fn shelves(state: &Path, faults: &mut Vec<String>) {
    let store = state.join("store");
    for shelf in names(&store) {
        for name in names(&store.join(&shelf)) {
            let path = store.join(&shelf).join(&name);
            if path.is_dir() {
                faults.extend(not_as_listed(&path));
            } else if !name.ends_with(".manifest") && !name.ends_with(".record.json") {
                faults.push(format!(
                    "`store/{shelf}/{name}` is neither tree nor list nor record"
                ));
            }
        }
    }
}

/// What is wrong with a tree: content, modes, links, what is missing and what is too much.
fn not_as_listed(tree: &Path) -> Option<String> {
    let mut list = tree.as_os_str().to_owned();
    list.push(".manifest");
    let listed = match fs_err::read_to_string(&list) {
        Ok(listed) => listed,
        Err(error) => return Some(format!("the list of a tree: {error}")),
    };
    let found = text(&Tree::of(tree));
    let digest = hex::encode(Sha256::digest(found.as_bytes()));
    let named = tree.to_string_lossy().ends_with(&digest[..12]);
    (found != listed || !named).then(|| {
        let tree = tree.display();
        format!("`{tree}` has the digest {digest} and is\n{found}; its list says\n{listed}")
    })
}

/// A tree as lists are written: `docs/pack-format.md` has the form.
fn text(tree: &Tree) -> String {
    let mut text = String::new();
    for (path, node) in &tree.0 {
        match node {
            Node::Folder => text.push_str("dir - - 0 "),
            Node::File {
                executable,
                length,
                sha256,
            } => {
                let executable = if *executable { 'x' } else { '-' };
                write!(text, "file {executable} sha256:{sha256} {length} ").unwrap();
            }
            Node::Link { target } => {
                write!(text, "link - {0}:{target} {0} ", target.len()).unwrap();
            }
        }
        writeln!(text, "{}:{path}", path.len()).unwrap();
    }
    text
}

/// The database is whole, no job is lost or stuck, and events have no gap.
fn database(state: &Path, faults: &mut Vec<String>) {
    let database = Connection::open(state.join("packd.db")).unwrap();
    let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0));
    let whole = one("PRAGMA integrity_check").unwrap();
    if whole != "ok" {
        faults.push(format!("the database is broken: {whole}"));
    }
    let gap = "SELECT 'events: ' || count(*) || ' up to ' || max(seq) FROM event
               HAVING count(*) != ifnull(max(seq), 0)";
    faults.extend(one(gap).ok());
    let odd = "SELECT 'job ' || id || ' is ' || status || ' without an end' FROM job
               WHERE NOT CASE status
                   WHEN 'queued' THEN finished_at IS NULL
                   WHEN 'succeeded' THEN finished_at IS NOT NULL AND error IS NULL
                   WHEN 'failed' THEN finished_at IS NOT NULL AND error LIKE '%\"kind\"%'
                   WHEN 'cancelled' THEN finished_at IS NOT NULL
                   ELSE 0 END";
    faults.extend(one(odd).ok());
    let twice = "SELECT 'job ' || job || ' ended more than once' FROM event
                 WHERE kind IN ('job_succeeded', 'job_failed', 'job_cancelled')
                 GROUP BY job HAVING count(*) > 1";
    faults.extend(one(twice).ok());
    let pending =
        "SELECT 'generation ' || number || ' is pending' FROM generation WHERE status = 'pending'";
    faults.extend(one(pending).ok());
    let active =
        one("SELECT 'generations/' || number FROM generation WHERE status = 'active'").ok();
    let link = fs_err::read_link(state.join("current")).ok();
    let link = link.map(|link| link.to_string_lossy().into_owned());
    if active != link {
        faults.push(format!("the database says {active:?}, `current` {link:?}"));
    }
}

/// The names in a folder, sorted; none when there is no such folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
