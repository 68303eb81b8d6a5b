//! The tests of a folder are started through this program, started again: it watches over them, and ends them all when
//! the one that they are run for is gone, however that ended.
//!
//! ```text
//! packctl test ── test-exec watch ── test-exec start, which becomes the suite
//! ```
//!
//! Nothing is kept from the tests by this. What is said between the processes is in `packd_runner::sandbox`.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use packd_runner::sandbox::{Sandbox, Word, supervise, take_stdin, tell};

/// The word on the command line that makes this program a supervisor.
const VERB: &str = "test-exec";

/// The words behind it.
const WATCH: &str = "watch";
const START: &str = "start";

/// This very program, even if the file it was started from has been replaced.
const SELF: &str = "/proc/self/exe";

/// Set once this program has looked for the word: what is built of the library for its tests never does, and cannot
/// be started as a supervisor.
static ANSWERS: OnceLock<()> = OnceLock::new();

/// What a suite is started through.
pub(crate) fn before() -> Option<Sandbox> {
    ANSWERS.get().map(|()| Sandbox {
        program: SELF.into(),
        arguments: vec![VERB.into(), WATCH.into()],
        owner: None,
    })
}

/// Runs as a supervisor, if the command line says so.
pub(crate) fn main(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    ANSWERS.get_or_init(|| ());
    if words.next()? != VERB {
        return None;
    }
    let stage = words.next();
    let command: Vec<OsString> = words.collect();
    let done = match stage.as_deref().and_then(OsStr::to_str) {
        Some(WATCH) => watch(&command),
        Some(START) => start(&command),
        Some(_) | None => return Some(ExitCode::from(2)),
    };
    Some(if done.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Starts the suite, and ends it with all that it started.
fn watch(command: &[OsString]) -> std::io::Result<()> {
    let control = take_stdin()?;
    let mut starter = Command::new(SELF);
    starter.args([VERB, START]).args(command);
    supervise(starter, control)
}

/// Becomes the suite.
fn start(command: &[OsString]) -> std::io::Result<()> {
    let control = std::fs::File::from(take_stdin()?);
    tell(&control, &Word::Enforced(serde_json::Value::Null))?;
    let (program, arguments) = command.split_first().unzip();
    // it returns only if it fails, and its success closes the stream
    let error = Command::new(program.map_or(OsStr::new(""), OsString::as_os_str))
        .args(arguments.unwrap_or_default())
        .exec();
    tell(&control, &Word::Failed(error.to_string()))
}
