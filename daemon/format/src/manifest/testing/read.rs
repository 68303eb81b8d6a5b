//! Reading `testing:`, in each of its vocabularies.
//!
//! Only what could be run at all is let through: a runner is of a known type, an entry point lies inside the pack
//! and is no option of the program that runs it, a command needs no shell, a timeout ends within a day.

use super::super::ManifestError;
use super::super::fields::{truth, wrong_kind, wrong_value};
use super::super::yaml::Node;
use super::keys::{Keys, MAX_ITEMS, command, inside};
use super::{
    DEFAULT_FOLDER, DEFAULT_TIMEOUT, Discovery, DiscoveryMethod, OnFailure, ResultFormat, Runner,
    RunnerKind, Testing,
};
use crate::name::shown;

/// The most runners, and the most suites.
const MAX_RUNNERS: usize = 64;

/// Reads the section.
pub(in super::super) fn read(node: &Node) -> Result<Testing, ManifestError> {
    if node.map().is_none() {
        return Err(wrong_kind(node, "testing", "a mapping"));
    }
    let section = Keys::new(node, "testing");
    let defaults = Defaults::read(&section)?;
    let mut runners = named_runners(&section, &defaults)?;
    let discovery = match node.get("discovery") {
        Some(value) => discovery(value, &mut runners, &defaults)?,
        None => None,
    };
    test_suites(&section, &mut runners, &defaults)?;
    Ok(Testing {
        enabled: match node.get("enabled") {
            Some(value) => truth(value, "testing.enabled")?,
            None => true,
        },
        runners,
        discovery,
        min_pass_rate: match node.get("min_pass_rate") {
            Some(value) => rate(value)?,
            None => 1.0,
        },
        on_failure: match section.text("on_failure")? {
            None | Some((_, "block")) => OnFailure::Block,
            Some((_, "warn")) => OnFailure::Warn,
            Some((_, "ignore")) => OnFailure::Ignore,
            Some((at, _)) => {
                let key = section.key("on_failure");
                return Err(wrong_kind(at, &key, "`block`, `warn` or `ignore`"));
            }
        },
    })
}

/// What holds for every suite that says nothing else.
struct Defaults {
    result_format: ResultFormat,
    result_path: Option<String>,
}

impl Defaults {
    fn read(section: &Keys<'_>) -> Result<Self, ManifestError> {
        Ok(Self {
            result_format: section.result_format(ResultFormat::Simple)?,
            result_path: section.path("result_path")?,
        })
    }

    /// A runner with the keys that all three vocabularies share.
    fn runner(
        &self,
        keys: &Keys<'_>,
        name: &str,
        kind: RunnerKind,
    ) -> Result<Runner, ManifestError> {
        Ok(Runner {
            name: name.to_owned(),
            kind,
            entry_points: Vec::new(),
            working_dir: None,
            timeout: keys.timeout("timeout", DEFAULT_TIMEOUT)?,
            result_format: keys.result_format(self.result_format)?,
            result_path: keys
                .path("result_path")?
                .or_else(|| self.result_path.clone()),
        })
    }
}

/// `runners`: a mapping of names to suites.
fn named_runners(section: &Keys<'_>, defaults: &Defaults) -> Result<Vec<Runner>, ManifestError> {
    let Some(list) = section.node.get("runners") else {
        return Ok(Vec::new());
    };
    let entries = list
        .map()
        .ok_or_else(|| wrong_kind(list, &section.key("runners"), "a mapping"))?;
    if entries.len() > MAX_RUNNERS {
        let why = format!("has more than {MAX_RUNNERS} entries");
        return Err(wrong_value(list, &section.key("runners"), why));
    }
    let mut runners = Vec::new();
    for (name, value) in entries {
        let keys = Keys::new(value, section.key(&format!("runners.{}", name.text)));
        if value.map().is_none() {
            return Err(wrong_kind(value, &keys.above, "a mapping"));
        }
        let (at, kind) = keys.required("type")?;
        let runner = if kind == "command" {
            let command = command(&keys, "command")?;
            defaults.runner(&keys, &name.text, RunnerKind::Command(command))?
        } else {
            let kind = known_kind(at, &keys.key("type"), kind)?;
            let entry_point = keys
                .path("entry_point")?
                .ok_or_else(|| keys.missing("entry_point"))?;
            Runner {
                entry_points: vec![entry_point],
                ..defaults.runner(&keys, &name.text, kind)?
            }
        };
        runners.push(runner);
    }
    Ok(runners)
}

/// `discovery`: where tests are looked for, or, with the method `manifest`, the tests themselves, which then take the
/// place of the runners.
fn discovery(
    node: &Node,
    runners: &mut Vec<Runner>,
    defaults: &Defaults,
) -> Result<Option<Discovery>, ManifestError> {
    let keys = Keys::new(node, "testing.discovery");
    if node.map().is_none() {
        return Err(wrong_kind(node, &keys.above, "a mapping"));
    }
    let path = keys.path("path")?;
    let method = match keys.text("method")? {
        None | Some((_, "directory")) => DiscoveryMethod::Directory,
        Some((_, "executable")) => DiscoveryMethod::Executable,
        Some((_, "manifest")) => {
            match keys.list("tests", MAX_ITEMS)? {
                Some(items) => *runners = listed_tests(items, runners, defaults)?,
                None if runners.is_empty() => return Err(keys.missing("tests")),
                None => {}
            }
            return Ok(None);
        }
        Some((at, _)) => {
            let expected = "`directory`, `manifest` or `executable`";
            return Err(wrong_kind(at, &keys.key("method"), expected));
        }
    };
    if method == DiscoveryMethod::Executable && runners.is_empty() {
        if node.get("command").is_some() {
            let command = RunnerKind::Command(command(&keys, "command")?);
            runners.push(defaults.runner(&keys, "discovery", command)?);
            return Ok(None);
        }
        if path.is_none() {
            return Err(keys.missing("path"));
        }
    }
    Ok(Some(Discovery {
        method,
        path: path.unwrap_or_else(|| DEFAULT_FOLDER.to_owned()),
        timeout: keys.timeout("timeout", DEFAULT_TIMEOUT)?,
        result_format: keys.result_format(defaults.result_format)?,
    }))
}

/// `discovery.tests`: a list of `name`, `runner`, `command` and `timeout`.
///
/// A `command` of one word is an entry point for the `runner`, if there is one; several words are run as they are.
fn listed_tests(
    items: &[Node],
    runners: &[Runner],
    defaults: &Defaults,
) -> Result<Vec<Runner>, ManifestError> {
    let mut tests = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let keys = Keys::new(item, format!("testing.discovery.tests[{number}]"));
        if item.map().is_none() {
            return Err(wrong_kind(item, &keys.above, "a mapping"));
        }
        let (_, name) = keys.required("name")?;
        let mut words = command(&keys, "command")?;
        let by = by_name(&keys, "runner", runners)?;
        let test = match by {
            Some((kind, known)) if words.len() == 1 && !matches!(kind, RunnerKind::Command(_)) => {
                let word = words.swap_remove(0);
                let entry_point = inside(item, &keys.key("command"), &word)?;
                let mut test = defaults.runner(&keys, name, kind)?;
                test.entry_points.push(entry_point);
                inherit(&mut test, known, &keys);
                test
            }
            by => {
                let mut test = defaults.runner(&keys, name, RunnerKind::Command(words))?;
                inherit(&mut test, by.and_then(|(_, known)| known), &keys);
                test
            }
        };
        tests.push(test);
    }
    Ok(tests)
}

/// What a test does not say itself, it has from the runner that it names.
fn inherit(test: &mut Runner, from: Option<&Runner>, keys: &Keys<'_>) {
    let Some(from) = from else { return };
    let says = |key: &str| keys.node.get(key).is_some();
    if !says("timeout") && !says("timeout_seconds") {
        test.timeout = from.timeout;
    }
    if !says("result_format") {
        test.result_format = from.result_format;
    }
    if !says("result_path") {
        test.result_path.clone_from(&from.result_path);
    }
}

/// `test_suites`: a list of `name`, `runner`, `working_dir`, `test_files` and `timeout_seconds`.
fn test_suites(
    section: &Keys<'_>,
    runners: &mut Vec<Runner>,
    defaults: &Defaults,
) -> Result<(), ManifestError> {
    let Some(items) = section.list("test_suites", MAX_RUNNERS)? else {
        return Ok(());
    };
    let mut suites = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let keys = Keys::new(item, section.key(&format!("test_suites[{number}]")));
        if item.map().is_none() {
            return Err(wrong_kind(item, &keys.above, "a mapping"));
        }
        let (_, name) = keys.required("name")?;
        let (kind, known) =
            by_name(&keys, "runner", runners)?.ok_or_else(|| keys.missing("runner"))?;
        let working_dir = keys.path("working_dir")?.filter(|path| path != ".");
        let mut suite = defaults.runner(&keys, name, kind)?;
        suite.timeout = keys.timeout("timeout_seconds", suite.timeout)?;
        inherit(&mut suite, known, &keys);
        let files = keys
            .list("test_files", MAX_ITEMS)?
            .ok_or_else(|| keys.missing("test_files"))?;
        for file in files {
            let key = keys.key("test_files");
            let path = file
                .text()
                .ok_or_else(|| wrong_kind(file, &key, "a list of paths"))?;
            let path = inside(file, &key, path)?;
            suite.entry_points.push(match &working_dir {
                Some(folder) => format!("{folder}/{path}"),
                None => path,
            });
        }
        if matches!(suite.kind, RunnerKind::Command(_)) {
            let why = "must be a runner that takes files";
            return Err(wrong_value(item, &keys.key("runner"), why));
        }
        suite.working_dir = working_dir;
        suites.push(suite);
    }
    runners.extend(suites);
    Ok(())
}

/// The runner that a key names: one of `runners`, or a type.
fn by_name<'r>(
    keys: &Keys<'_>,
    key: &str,
    runners: &'r [Runner],
) -> Result<Option<(RunnerKind, Option<&'r Runner>)>, ManifestError> {
    let Some((at, name)) = keys.text(key)? else {
        return Ok(None);
    };
    if let Some(runner) = runners.iter().find(|runner| runner.name == name) {
        return Ok(Some((runner.kind.clone(), Some(runner))));
    }
    if name == "command" {
        return Ok(None);
    }
    known_kind(at, &keys.key(key), name).map(|kind| Some((kind, None)))
}

fn known_kind(node: &Node, key: &str, kind: &str) -> Result<RunnerKind, ManifestError> {
    match kind {
        "script" | "shell" | "bash" | "sh" => Ok(RunnerKind::Script),
        "unittest" | "python" | "python_unittest" => Ok(RunnerKind::Unittest),
        "pytest" => Ok(RunnerKind::Pytest),
        "jest" => Ok(RunnerKind::Jest),
        "executable" => Ok(RunnerKind::Executable),
        other => {
            let why = format!(
                "must be `script`, `unittest`, `pytest`, `jest`, `executable` or `command`, not `{}`",
                shown(other)
            );
            Err(wrong_value(node, key, why))
        }
    }
}

fn rate(node: &Node) -> Result<f64, ManifestError> {
    const KEY: &str = "testing.min_pass_rate";
    const EXPECTED: &str = "a number from 0 to 1";
    let Some(text) = node.text() else {
        return Err(wrong_kind(node, KEY, EXPECTED));
    };
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| {
        let why = format!("must be {EXPECTED}, not `{}`", shown(text));
        wrong_value(node, KEY, why)
    })
}
