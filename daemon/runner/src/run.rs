//! A run: all suites of a pack, one after another.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use packd_format::Manifest;
use packd_format::manifest::{ResultFormat, RunnerKind};
use rustix::process::{child_subreaper, getpid, set_child_subreaper};

use crate::options::{Cancel, Options, Orphans};
use crate::plan::{self, Suite};
use crate::process::{self, End, Ended, Limits, NotStarted};
use crate::program::{self, Pack, StartError};
use crate::report::{Report, Subject, TestSuite};
use crate::result::{self, Place, Seen};
use crate::sandbox::Refusal;
use crate::scratch::Scratch;
use crate::verdict;

/// How a run goes on.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A suite begins.
    Started {
        /// Its name.
        name: &'a str,
        /// Which one it is, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// A suite has ended.
    Finished(&'a TestSuite),
}

/// Why a pack's tests were not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The manifest says nothing about tests.
    #[error("no testing configuration found in `pack.yaml`")]
    NoTesting,
    /// The manifest turns them off.
    #[error("testing is disabled for this pack")]
    Disabled,
    /// It names no tests, and none are found.
    #[error("the pack has no tests to run: {why}")]
    Nothing {
        /// Where they were looked for.
        why: String,
    },
    /// The folder of the pack cannot be used.
    #[error("cannot use the pack's folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// This host cannot keep the tests in as it has to, so none was run.
    #[error("the sandbox for tests is not available: {missing}")]
    SandboxUnavailable {
        /// What the host lacks.
        missing: String,
    },
    /// The run was cancelled. Nothing of it runs any more.
    #[error("the tests were cancelled")]
    Cancelled,
}

impl RunError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTesting => Some("add a `testing` section with `runners` to `pack.yaml`"),
            Self::Disabled => Some("set `testing.enabled: true` in `pack.yaml`"),
            Self::Nothing { .. } => {
                Some("name the tests under `testing.runners`, or call their files `test_*`")
            }
            Self::Folder { .. } | Self::SandboxUnavailable { .. } | Self::Cancelled => None,
        }
    }
}

/// Runs the tests of the pack in `folder`, whose `pack.yaml` is `manifest`.
///
/// The tests are run in that folder, and can change it: a caller to whom that matters gives a copy. Whatever they start
/// is ended before this returns, and `observer` hears of each suite.
///
/// # Errors
/// [`RunError`] if no suite was run. What goes wrong with a suite is in the report.
pub fn run(
    folder: &Path,
    manifest: &Manifest,
    options: &Options,
    observer: &mut dyn FnMut(Event<'_>),
) -> Result<Report, RunError> {
    let testing = manifest.testing.as_ref().ok_or(RunError::NoTesting)?;
    if !testing.enabled {
        return Err(RunError::Disabled);
    }
    let root = fs_err::canonicalize(folder).map_err(|source| RunError::Folder {
        path: folder.to_owned(),
        source,
    })?;
    let suites = plan::suites(&root, testing);
    if suites.is_empty() {
        let why = match &testing.discovery {
            Some(discovery) => format!("none are found in `{}`", discovery.path),
            None => "`testing` names none".to_owned(),
        };
        return Err(RunError::Nothing { why });
    }

    let _reaper = Reaper::new(options.orphans);
    let started = Instant::now();
    let pack = Pack {
        root: &root,
        manifest,
    };
    let mut made = Vec::new();
    let mut warnings = Vec::new();
    let mut enforced = None;
    for (number, suite) in suites.iter().enumerate() {
        observer(Event::Started {
            name: &suite.name,
            number: number + 1,
            of: suites.len(),
        });
        let left = options
            .total
            .map(|total| total.saturating_sub(started.elapsed()));
        let result = if left.is_some_and(|left| left.is_zero()) {
            let total = options.total.unwrap_or_default();
            Err(StartError::NoTime { total })
        } else {
            one(pack, suite, options, left, &mut warnings)
        };
        let result = match result {
            Ok((result, by)) => {
                enforced = by.or(enforced);
                result
            }
            Err(StartError::Sandbox { missing }) => {
                return Err(RunError::SandboxUnavailable { missing });
            }
            Err(error) => verdict::unstarted(suite, &error),
        };
        if options.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(RunError::Cancelled);
        }
        observer(Event::Finished(&result));
        made.push(result);
    }
    let subject = Subject {
        pack_ref: manifest.pack_ref.to_string(),
        pack_version: manifest.version.to_string(),
        execution_time: options.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    let mut report = Report::new(subject, testing, made, warnings);
    report.sandbox = enforced;
    Ok(report)
}

/// Runs one suite.
fn one(
    pack: Pack<'_>,
    suite: &Suite,
    options: &Options,
    left: Option<Duration>,
    warnings: &mut Vec<String>,
) -> Result<(TestSuite, Option<serde_json::Value>), StartError> {
    let owner = options.sandbox.as_ref().and_then(|sandbox| sandbox.owner);
    let scratch = Scratch::new(&options.scratch, owner).map_err(StartError::Scratch)?;
    let invocation = program::invocation(pack, suite, &options.environment, &scratch)?;
    let place = place(pack.root, suite, &scratch);
    let mark = scratch.temporary().into_os_string();
    let limits = Limits {
        timeout: [options.longest, left]
            .into_iter()
            .flatten()
            .fold(suite.timeout, Duration::min),
        grace: options.grace,
        output: options.output_limit,
        cancel: options.cancel.as_ref(),
        orphans: options.orphans,
        sandbox: options.sandbox.as_ref(),
        mark: &mark,
    };
    let ended: Ended<Seen> = process::run(&invocation, limits).map_err(|error| {
        let program = invocation.program.display().to_string();
        match error {
            NotStarted::System(source) => StartError::Spawn { program, source },
            NotStarted::Sandbox(Refusal::Unavailable(missing)) => StartError::Sandbox { missing },
            NotStarted::Sandbox(Refusal::Failed(why)) => StartError::NotInSandbox { program, why },
        }
    })?;
    if !ended.left.is_empty() {
        let numbers: Vec<_> = ended.left.iter().map(i32::to_string).collect();
        warnings.push(format!(
            "processes of `{}` could not be ended: {}",
            suite.name,
            numbers.join(", ")
        ));
    }
    let enforced = ended.enforced.clone();
    let read = if matches!(ended.end, End::Exit(_)) {
        result::read(suite.result_format, &suite.kind, &ended, place.as_ref())
    } else {
        Ok(None)
    };
    let mut made = verdict::of_ended(suite, ended, read);
    // a suite whose results cannot be read has one case, which then has the output
    made.stdout_is_results = suite.result_format != ResultFormat::Simple
        && place.is_none()
        && made.stdout.is_some()
        && !made.test_cases.is_empty();
    Ok((made, enforced))
}

/// Where a suite writes its results, if it is not its output.
fn place(root: &Path, suite: &Suite, scratch: &Scratch) -> Option<Place> {
    let format = suite.result_format;
    let extension = match format {
        ResultFormat::Simple => return None,
        ResultFormat::JunitXml => "xml",
        ResultFormat::Json => "json",
        ResultFormat::Tap => "tap",
    };
    match &suite.result_path {
        Some(path) => Some(Place::new(root.join(path), root, extension)),
        None if suite.kind == RunnerKind::Pytest && format == ResultFormat::JunitXml => {
            let path = scratch.results();
            let within = path.parent().unwrap_or(root).to_owned();
            Some(Place::new(path, &within, extension))
        }
        None => None,
    }
}

/// Makes this process the one that orphans go to, as long as it lives.
#[derive(Debug)]
struct Reaper {
    set: bool,
}

impl Reaper {
    fn new(orphans: Orphans) -> Self {
        let adopts = orphans == Orphans::Adopt;
        let already = || child_subreaper().ok().flatten().is_some();
        let set = adopts && !already() && set_child_subreaper(Some(getpid())).is_ok();
        Self { set }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        if self.set {
            // what could be set can be unset
            let _ = set_child_subreaper(None);
        }
    }
}
