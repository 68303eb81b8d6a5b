//! `testing:` of a manifest: how a pack's own tests are run.
//!
//! Only what could be run at all is let through: an entry point lies inside the pack and is no option of the
//! program that runs it, a timeout ends within a day.

use std::time::Duration;

use super::ManifestError;
use super::fields::{truth, wrong_kind, wrong_value};
use super::yaml::Node;
use crate::name::shown;

/// What a runner gets when it names no timeout.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// The longest timeout.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_hours(24);

/// The most runners.
const MAX_RUNNERS: usize = 64;

/// How a pack is tested.
#[derive(Debug, Clone, PartialEq)]
pub struct Testing {
    /// Whether it wants to be.
    pub enabled: bool,
    /// The runners, in the order of the file.
    pub runners: Vec<Runner>,
    /// The share of tests that must pass, 0 to 1.
    pub min_pass_rate: f64,
    /// What a failure means for an install.
    pub on_failure: OnFailure,
}

/// One suite of tests, and what runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// Its name in the file.
    pub name: String,
    /// What runs it.
    pub kind: RunnerKind,
    /// The file or folder to run, relative to the pack.
    pub entry_point: String,
    /// When it is stopped.
    pub timeout: Duration,
    /// How its output is read.
    pub result_format: ResultFormat,
    /// The file its results are read from, relative to the pack; its output otherwise.
    pub result_path: Option<String>,
}

/// What runs a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunnerKind {
    /// A shell script.
    Script,
    /// `python3 -m unittest`.
    Unittest,
    /// `pytest`.
    Pytest,
    /// A program of the pack.
    Executable,
    /// Something this version cannot run.
    Other(String),
}

/// How the output of a suite is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultFormat {
    /// Lines such as `Passed: 3`.
    Simple,
    /// Attune's result document.
    Json,
    /// The XML of `JUnit`.
    JunitXml,
    /// The test anything protocol.
    Tap,
}

/// What a failure means for an install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It fails.
    Block,
    /// It goes on with a warning.
    Warn,
    /// It goes on.
    Ignore,
}

/// Reads the section.
pub(super) fn read(node: &Node) -> Result<Testing, ManifestError> {
    if node.map().is_none() {
        return Err(wrong_kind(node, "testing", "a mapping"));
    }
    let enabled = match node.get("enabled") {
        Some(value) => truth(value, "testing.enabled")?,
        None => true,
    };
    let mut runners = Vec::new();
    if let Some(list) = node.get("runners") {
        let entries = list
            .map()
            .ok_or_else(|| wrong_kind(list, "testing.runners", "a mapping"))?;
        if entries.len() > MAX_RUNNERS {
            return Err(wrong_value(
                list,
                "testing.runners",
                format!("has more than {MAX_RUNNERS} entries"),
            ));
        }
        for (name, value) in entries {
            runners.push(runner(&name.text, value, node)?);
        }
    }
    let min_pass_rate = match node.get("min_pass_rate") {
        Some(value) => rate(value)?,
        None => 1.0,
    };
    let on_failure = match node.get("on_failure") {
        None => OnFailure::Block,
        Some(value) => match value.text() {
            Some("block") => OnFailure::Block,
            Some("warn") => OnFailure::Warn,
            Some("ignore") => OnFailure::Ignore,
            _ => {
                return Err(wrong_kind(
                    value,
                    "testing.on_failure",
                    "`block`, `warn` or `ignore`",
                ));
            }
        },
    };
    Ok(Testing {
        enabled,
        runners,
        min_pass_rate,
        on_failure,
    })
}

fn rate(node: &Node) -> Result<f64, ManifestError> {
    let rate = node.text().and_then(|text| text.parse::<f64>().ok());
    rate.filter(|rate| (0.0..=1.0).contains(rate))
        .ok_or_else(|| wrong_kind(node, "testing.min_pass_rate", "a number from 0 to 1"))
}

fn runner(name: &str, node: &Node, section: &Node) -> Result<Runner, ManifestError> {
    let key = |key: &str| format!("testing.runners.{name}.{key}");
    if node.map().is_none() {
        return Err(wrong_kind(
            node,
            &format!("testing.runners.{name}"),
            "a mapping",
        ));
    }
    let text = |name: &str| match node.get(name) {
        None => Ok(None),
        Some(value) => value
            .text()
            .map(|text| Some((value, text)))
            .ok_or_else(|| wrong_kind(value, &key(name), "a text")),
    };
    let missing = |name: &str| wrong_value(node, &key(name), "is missing");

    let (_, kind) = text("type")?.ok_or_else(|| missing("type"))?;
    let kind = match kind {
        "script" => RunnerKind::Script,
        "unittest" => RunnerKind::Unittest,
        "pytest" => RunnerKind::Pytest,
        "executable" => RunnerKind::Executable,
        other => RunnerKind::Other(shown(other)),
    };
    let (at, entry_point) = text("entry_point")?.ok_or_else(|| missing("entry_point"))?;
    let entry_point = inside(at, &key("entry_point"), entry_point)?;
    let timeout = match text("timeout")? {
        None => DEFAULT_TIMEOUT,
        Some((at, seconds)) => match seconds.parse::<u64>().map(Duration::from_secs) {
            Ok(timeout) if !timeout.is_zero() && timeout <= MAX_TIMEOUT => timeout,
            _ => {
                let why = format!(
                    "must be a number of seconds from 1 to {}",
                    MAX_TIMEOUT.as_secs()
                );
                return Err(wrong_value(at, &key("timeout"), why));
            }
        },
    };
    let format = text("result_format")?.or_else(|| {
        section
            .get("result_format")
            .and_then(|value| Some((value, value.text()?)))
    });
    let result_format = match format {
        None | Some((_, "simple")) => ResultFormat::Simple,
        Some((_, "json")) => ResultFormat::Json,
        Some((_, "junit" | "junit-xml" | "junit_xml")) => ResultFormat::JunitXml,
        Some((_, "tap")) => ResultFormat::Tap,
        Some((at, _)) => {
            return Err(wrong_kind(
                at,
                &key("result_format"),
                "`simple`, `json`, `junit-xml` or `tap`",
            ));
        }
    };
    let path = text("result_path")?.or_else(|| {
        section
            .get("result_path")
            .and_then(|value| Some((value, value.text()?)))
    });
    let result_path = path
        .map(|(at, path)| inside(at, &key("result_path"), path))
        .transpose()?;
    Ok(Runner {
        name: name.to_owned(),
        kind,
        entry_point,
        timeout,
        result_format,
        result_path,
    })
}

/// A path that stays in the pack and is no option.
fn inside(node: &Node, key: &str, path: &str) -> Result<String, ManifestError> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let component_ok = |part: &str| !matches!(part, "" | "." | "..");
    if path.is_empty()
        || path.starts_with(['/', '-', '~'])
        || path.contains('\\')
        || !path.trim_end_matches('/').split('/').all(component_ok)
    {
        return Err(wrong_value(
            node,
            key,
            format!("must be a path inside the pack, not `{}`", shown(path)),
        ));
    }
    Ok(path.to_owned())
}
