//! Asks a program for something that it prints at once, such as its version.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::options::{Environment, Orphans};
use crate::process::{self, End, Invocation, Limits, Lines, NotStarted};
use crate::program::is_executable;

/// How much of each stream is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// How long it may take to end when asked to, once its time is over.
const GRACE: Duration = Duration::from_millis(200);

/// What a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its exit status; none if it was ended by a signal, or because its time was over.
    pub status: Option<i32>,
    /// Whether its time was over.
    pub timed_out: bool,
    /// Standard output, then standard error.
    pub text: String,
}

/// Looks at no line: all that is kept is asked for as a whole.
#[derive(Debug, Default)]
pub(crate) struct AsItIs;

impl Lines for AsItIs {
    fn find(&self, _bytes: &[u8]) -> Option<usize> {
        None
    }

    fn line(&mut self, _line: &str) {}
}

/// Runs a program without a shell, with nothing in its environment but `PATH` and `LANG`, and without input. Nothing that
/// it starts outlives this.
///
/// # Errors
/// When it cannot be started.
pub fn ask(
    program: &Path,
    arguments: &[String],
    environment: &Environment,
    patience: Duration,
) -> io::Result<Said> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // what tells its processes from those of others: a folder that is not there, and that it has no need of
    let mark: OsString = format!(
        "/nonexistent/packd-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
    .into();
    let invocation = Invocation {
        program: program.to_owned(),
        arguments: arguments.iter().map(OsString::from).collect(),
        folder: "/".into(),
        environment: vec![
            ("PATH".into(), environment.path.clone()),
            ("LANG".into(), environment.lang.clone()),
            ("TMPDIR".into(), mark.clone()),
        ],
    };
    let limits = Limits {
        timeout: patience,
        grace: GRACE,
        output: KEPT,
        cancel: None,
        orphans: Orphans::Leave,
        sandbox: None,
        mark: &mark,
    };
    let ended = process::run::<AsItIs>(&invocation, limits).map_err(|error| match error {
        NotStarted::System(error) => error,
        NotStarted::Sandbox(refusal) => io::Error::other(format!("{refusal:?}")),
    })?;
    Ok(Said {
        status: match ended.end {
            End::Exit(status) => Some(status),
            End::Signal(_) | End::Timeout(_) | End::Cancelled => None,
        },
        timed_out: matches!(ended.end, End::Timeout(_)),
        text: ended.stdout.text + &ended.stderr.text,
    })
}

/// The path of a program, which is given by its name or by an absolute path: the first in `path` that can be executed.
#[must_use]
pub fn find(program: &str, path: &OsStr) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| is_executable(path));
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|path| is_executable(path))
}
