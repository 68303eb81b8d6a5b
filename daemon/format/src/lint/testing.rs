//! Rules on `testing:`: what it names is there. Whether it can be understood, the reader has said already.

use super::{Findings, Pack, Rule, quoted};
use crate::archive::Kind;
use crate::manifest::FILE_NAME;
use crate::manifest::read::Reading;
use crate::manifest::testing::{DEFAULT_FOLDER, Runner};
use crate::manifest::yaml::{Node, Position};

/// Checks the section, if there is one and it is enabled.
pub(super) fn check(pack: &Pack<'_>, reading: &Reading, found: &mut Findings) {
    let testing = (reading.manifest()).and_then(|manifest| manifest.testing.as_ref());
    let (Some(section), Some(testing)) = (reading.root.get("testing"), testing) else {
        return;
    };
    if !testing.enabled {
        return;
    }
    for runner in &testing.runners {
        for path in &runner.entry_points {
            if !is_there(pack, path) {
                let message = format!(
                    "runner {} runs {}, which is not there",
                    quoted(&runner.name),
                    quoted(path)
                );
                let at = place(section, runner, path);
                found.add(Rule::TestEntryPoint, FILE_NAME, Some(at), message);
            }
        }
    }
    if !testing.runners.is_empty() {
        return;
    }
    let path = section.get("discovery").and_then(|node| node.get("path"));
    match (&testing.discovery, path) {
        (Some(discovery), Some(node)) => {
            if !is_there(pack, &discovery.path) {
                let message = format!(
                    "tests are looked for in {}, which is not there",
                    quoted(&discovery.path)
                );
                found.add(Rule::TestEntryPoint, FILE_NAME, Some(node.at), message);
            }
        }
        _ if is_there(pack, DEFAULT_FOLDER) => {}
        _ => {
            found
                .add(
                    Rule::NoTests,
                    FILE_NAME,
                    Some(section.at),
                    "`testing` is enabled, and has nothing to run",
                )
                .hint("name a runner with its `type` and `entry_point`, or set `enabled: false`");
        }
    }
}

/// Where an entry point is named, or the section where that is not by a key of its own.
fn place(section: &Node, runner: &Runner, path: &str) -> Position {
    let runners = section.get("runners");
    let named = runners.and_then(|runners| runners.get(&runner.name)?.get("entry_point"));
    let suites = section.get("test_suites").and_then(Node::list);
    let listed = || {
        let files = suites?
            .iter()
            .filter_map(|suite| suite.get("test_files")?.list());
        files
            .flatten()
            .find(|file| file.text().is_some_and(|text| path.ends_with(text)))
    };
    named.or_else(listed).unwrap_or(section).at
}

/// Whether a path in the pack leads to something that could be run or looked into. Those of suites may have
/// `*`, `?` and `[…]` in them: then the folder before the first of these must be there.
fn is_there(pack: &Pack<'_>, path: &str) -> bool {
    let path = match path.find(['*', '?', '[']) {
        Some(end) => path[..end]
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder),
        None => path,
    };
    let path = path.trim_start_matches("./").trim_end_matches('/');
    // a link that could not be followed is refused by itself
    matches!(path, "" | ".")
        || matches!(
            pack.get(path),
            Some(Kind::File { .. } | Kind::Dir | Kind::Symlink { .. })
        )
}
