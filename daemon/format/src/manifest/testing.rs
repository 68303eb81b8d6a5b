//! `testing:` of a manifest: how a pack's own tests are run.
//!
//! Three vocabularies for one thing: `runners`, `discovery` and `test_suites`. What they say becomes one list of
//! [`Runner`]s in the order of the file, and, where nothing is named, the place where tests are looked for.
//! Running them is the business of the crate `packd-runner`.

use std::fmt;
use std::time::Duration;

mod keys;
mod read;
#[cfg(test)]
mod tests;

pub(super) use read::read;

/// What a runner gets when it names no timeout.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(5);

/// The longest timeout.
pub const MAX_TIMEOUT: Duration = Duration::from_hours(24);

/// Where tests are looked for when the section does not say where.
pub const DEFAULT_FOLDER: &str = "tests";

/// How a pack is tested. Rules: `docs/pack-format.md#54-testing`.
#[derive(Debug, Clone, PartialEq)]
pub struct Testing {
    /// Whether it wants to be.
    pub enabled: bool,
    /// What is run, in this order: `runners`, or the list of `discovery` where its method is `manifest`; then
    /// `test_suites`.
    pub runners: Vec<Runner>,
    /// Where tests are looked for if there are no runners.
    pub discovery: Option<Discovery>,
    /// The share of the tests which were run that must pass, 0 to 1.
    pub min_pass_rate: f64,
    /// What a failure means for an install.
    pub on_failure: OnFailure,
}

/// Where tests are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// What is taken for a test there.
    pub method: DiscoveryMethod,
    /// A folder, or one program, relative to the pack; `.` is the pack.
    pub path: String,
    /// When each of the tests is stopped.
    pub timeout: Duration,
    /// How the output of each is read.
    pub result_format: ResultFormat,
}

/// What is taken for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscoveryMethod {
    /// Files that are named like tests; their ending says what runs them.
    Directory,
    /// Programs, whatever they are called.
    Executable,
}

/// One suite of tests, and what runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// Its name in the file.
    pub name: String,
    /// What runs it.
    pub kind: RunnerKind,
    /// The files and folders to run, relative to the pack; none for a [`RunnerKind::Command`]. One that is not there
    /// and has `*`, `?` or `[…]` in it stands for the files that it matches.
    pub entry_points: Vec<String>,
    /// The folder it is run in, relative to the pack; the pack itself otherwise.
    pub working_dir: Option<String>,
    /// When it is stopped.
    pub timeout: Duration,
    /// How its results are read.
    pub result_format: ResultFormat,
    /// The file or folder its results are read from, relative to the pack; its output otherwise.
    pub result_path: Option<String>,
}

/// What runs a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunnerKind {
    /// A shell.
    Script,
    /// `python3 -m unittest`.
    Unittest,
    /// `pytest`.
    Pytest,
    /// `jest`.
    Jest,
    /// The entry point itself, a program of the pack.
    Executable,
    /// A program with arguments, started without a shell; never empty.
    Command(Vec<String>),
}

impl RunnerKind {
    /// The name of the kind in the file.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Unittest => "unittest",
            Self::Pytest => "pytest",
            Self::Jest => "jest",
            Self::Executable => "executable",
            Self::Command(_) => "command",
        }
    }
}

impl fmt::Display for RunnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the results of a suite are read.
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

impl OnFailure {
    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
            Self::Ignore => "ignore",
        }
    }
}
