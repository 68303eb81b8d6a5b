//! From the `testing` section to suites, one program each, in the declared order.
//!
//! Looks at the names of files only; whether a suite can be started is seen when it is its turn.

use std::path::Path;
use std::time::Duration;

use globset::GlobBuilder;
use packd_format::manifest::testing::{Discovery, DiscoveryMethod};
use packd_format::manifest::{ResultFormat, Runner, RunnerKind, Testing};

use crate::program::is_executable;

/// The most files that are looked at, and the most suites of a run.
const MAX_FILES: usize = 20_000;

/// How deep folders are looked into.
const MAX_DEPTH: usize = 32;

/// How much of a Python file is looked at to tell who runs it, in bytes.
const SNIFFED: usize = 64 * 1024;

/// One suite: something to start, and how its results are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) kind: RunnerKind,
    /// Relative to the pack; one, if the kind takes one.
    pub(crate) entry_points: Vec<String>,
    /// Relative to the pack.
    pub(crate) working_dir: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) result_format: ResultFormat,
    /// Relative to the pack.
    pub(crate) result_path: Option<String>,
}

/// The suites of a pack. None where discovery finds nothing.
pub(crate) fn suites(pack: &Path, testing: &Testing) -> Vec<Suite> {
    let mut suites: Vec<_> = testing
        .runners
        .iter()
        .flat_map(|runner| of_runner(pack, runner))
        .collect();
    if let Some(discovery) = &testing.discovery
        && testing.runners.is_empty()
    {
        suites = discovered(pack, discovery);
    }
    suites.truncate(MAX_FILES);
    suites
}

/// One suite, or one for each file where the runner takes one at a time.
fn of_runner(pack: &Path, runner: &Runner) -> Vec<Suite> {
    let entry_points: Vec<_> = runner
        .entry_points
        .iter()
        .flat_map(|entry| expanded(pack, entry))
        .collect();
    let suite = |name: &str, entry_points: Vec<String>| Suite {
        name: name.to_owned(),
        kind: runner.kind.clone(),
        entry_points,
        working_dir: runner.working_dir.clone(),
        timeout: runner.timeout,
        result_format: runner.result_format,
        result_path: runner.result_path.clone(),
    };
    let one_at_a_time = matches!(runner.kind, RunnerKind::Script | RunnerKind::Executable);
    if one_at_a_time && entry_points.len() > 1 {
        entry_points
            .into_iter()
            .map(|entry| suite(&format!("{}: {entry}", runner.name), vec![entry]))
            .collect()
    } else {
        vec![suite(&runner.name, entry_points)]
    }
}

/// The files that a pattern stands for; the text itself, if it is none or matches nothing.
fn expanded(pack: &Path, entry: &str) -> Vec<String> {
    let Some(wild) = entry.find(['*', '?', '[']) else {
        return vec![entry.to_owned()];
    };
    let pattern = GlobBuilder::new(entry).literal_separator(true).build();
    let (Ok(pattern), false) = (pattern, pack.join(entry).exists()) else {
        return vec![entry.to_owned()];
    };
    let matcher = pattern.compile_matcher();
    let folder = entry[..wild].rfind('/').map_or("", |end| &entry[..end]);
    let mut found = files(pack, folder, MAX_DEPTH);
    found.retain(|file| matcher.is_match(file));
    if found.is_empty() {
        found.push(entry.to_owned());
    }
    found
}

/// What is found where the pack names a place and no tests.
fn discovered(pack: &Path, discovery: &Discovery) -> Vec<Suite> {
    let suite = |(file, kind): (String, RunnerKind)| Suite {
        name: file.clone(),
        kind,
        entry_points: vec![file],
        working_dir: None,
        timeout: discovery.timeout,
        result_format: discovery.result_format,
        result_path: None,
    };
    let folder = if discovery.path == "." {
        ""
    } else {
        &discovery.path
    };
    let found: Vec<_> = match discovery.method {
        DiscoveryMethod::Directory => files(pack, folder, MAX_DEPTH)
            .into_iter()
            .filter_map(|file| Some((kind_of(pack, &file)?, file)))
            .map(|(kind, file)| (file, kind))
            .collect(),
        // a program that is named is started even if it could not be: the error then says why
        DiscoveryMethod::Executable if pack.join(folder).is_file() => {
            vec![(folder.to_owned(), RunnerKind::Executable)]
        }
        DiscoveryMethod::Executable => files(pack, folder, 1)
            .into_iter()
            .filter(|file| is_executable(&pack.join(file)))
            .map(|file| (file, RunnerKind::Executable))
            .collect(),
    };
    found.into_iter().map(suite).collect()
}

/// Who runs a file that is named like a test; nobody, if it is not, or is data.
fn kind_of(pack: &Path, file: &str) -> Option<RunnerKind> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let last = extension.rsplit('.').next().unwrap_or(extension);
    let is_javascript = matches!(last, "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx");
    let of_jest = is_javascript && matches!(extension.split('.').next(), Some("test" | "spec"));
    if !(stem.starts_with("test_") || stem.ends_with("_test") || of_jest) {
        return None;
    }
    match last {
        "sh" | "bash" => Some(RunnerKind::Script),
        "py" => Some(python_kind(&pack.join(file))),
        _ if is_javascript => Some(RunnerKind::Jest),
        _ => is_executable(&pack.join(file)).then_some(RunnerKind::Executable),
    }
}

/// Whether Python tests are written for `unittest` or for `pytest`.
fn python_kind(path: &Path) -> RunnerKind {
    let mut text = fs_err::read(path).unwrap_or_default();
    text.truncate(SNIFFED);
    let text = String::from_utf8_lossy(&text);
    let imports_pytest = text.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        matches!(words.next(), Some("import" | "from"))
            && words.any(|word| word.trim_end_matches(',') == "pytest")
    });
    if !imports_pytest && text.contains("TestCase") {
        RunnerKind::Unittest
    } else {
        RunnerKind::Pytest
    }
}

/// The regular files below a folder of the pack, in the order of their paths. Links to folders, hidden ones and those
/// of package managers are not looked into.
fn files(pack: &Path, folder: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    collect(pack, folder, depth, &mut found);
    found.sort_unstable();
    found
}

fn collect(pack: &Path, folder: &str, depth: usize, found: &mut Vec<String>) {
    // what cannot be read has no tests
    let Ok(entries) = fs_err::read_dir(pack.join(folder)) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if found.len() >= MAX_FILES {
            return;
        }
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let skipped = name.starts_with('.') || matches!(&*name, "node_modules" | "__pycache__");
        if is_folder && depth > 1 && !skipped {
            collect(pack, &path, depth - 1, found);
        } else if !is_folder && pack.join(&path).is_file() {
            found.push(path);
        }
    }
}
