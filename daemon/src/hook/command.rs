//! One program of the configuration, in the sandbox that the tests of packs are run in, but with a network.
//!
//! It can write to a folder of its own, which is gone afterwards, and read the system's programs, its own file, the store,
//! and what `tests.readable` names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use packd_runner::{Cancel, CommandEnd, Environment};
use tokio_util::sync::CancellationToken;

use crate::config::{Layout, Tests};
use crate::install::Context;
use crate::install::test::{Watch, make_folder};
use crate::logging::chain;
use crate::sandbox::{self, Spec, User};

/// How long it may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(1);

/// How much of each stream is kept while it runs, in bytes.
const OUTPUT: usize = 8 * 1024;

/// How much of the end of both is kept afterwards, in bytes.
const TAIL: usize = 4 * 1024;

/// A program to run.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    /// The name of its folder in `testing/`.
    pub folder: String,
    /// The program, by its absolute path, and its arguments.
    pub words: &'a [String],
    /// How long it may take.
    pub timeout: Duration,
    /// Its standard input.
    pub input: Vec<u8>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub duration: Duration,
    /// The end of what it wrote.
    pub output: String,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// Its time was over.
    TimedOut,
    /// It wrote too much to the disk.
    Full(String),
    /// It was not started, for this reason.
    NotStarted(String),
}

impl End {
    /// Whether it ran, and failed. What could not be started has not.
    #[must_use]
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Exit(status) => *status != 0,
            Self::Signal(_) | Self::TimedOut | Self::Full(_) => true,
            Self::NotStarted(_) => false,
        }
    }

    /// What went wrong, if anything did.
    #[must_use]
    pub(crate) fn in_words(&self, timeout: Duration) -> Option<String> {
        match self {
            Self::Exit(0) => None,
            Self::Exit(status) => Some(format!("it ended with the status {status}")),
            Self::Signal(signal) => Some(format!("it was ended by the signal {signal}")),
            Self::TimedOut => Some(format!(
                "it was not done within {} s, and was ended with all that it started",
                timeout.as_secs()
            )),
            Self::Full(why) | Self::NotStarted(why) => Some(why.clone()),
        }
    }
}

impl Ran {
    /// Of a program that was not started.
    #[must_use]
    pub(crate) fn not_started(why: String) -> Self {
        Self {
            end: End::NotStarted(why),
            duration: Duration::ZERO,
            output: String::new(),
        }
    }
}

impl Command<'_> {
    /// Runs it to its end; nothing when it was ended because packd stops.
    pub(crate) async fn run(&self, context: &Context, stop: &CancellationToken) -> Option<Ran> {
        let config = context.config.current();
        let folder = context.layout.testing().join(&self.folder);
        let prepared = {
            let (folder, words) = (folder.clone(), self.words.to_vec());
            let (timeout, input) = (self.timeout, self.input.clone());
            let (layout, tests) = (context.layout.clone(), config.tests.clone());
            let prepare = move || prepare(&folder, &words, timeout, &input, &layout, &tests);
            tokio::task::spawn_blocking(prepare).await
        };
        let ran = match prepared {
            Ok(Ok(command)) => {
                let watch = Watch::new(folder.clone(), config.tests.disk, config.store.min_free);
                carry_out(command, watch, stop).await
            }
            Ok(Err(error)) => {
                let why = format!("it cannot be prepared: {}", chain(&error));
                Some(Ran::not_started(why))
            }
            Err(error) => Some(Ran::not_started(error.to_string())),
        };
        let removed = tokio::task::spawn_blocking(move || packd_format::tree::remove(&folder));
        if let Ok(Err(error)) = removed.await {
            tracing::warn!(error = %chain(&error), "a hook's folder is left behind until the next start");
        }
        ran
    }
}

/// Runs a command, and ends it when packd stops or the disk is full.
async fn carry_out(
    command: packd_runner::Command,
    mut watch: Watch,
    stop: &CancellationToken,
) -> Option<Ran> {
    let cancel = command.cancel.clone();
    let mut running = tokio::task::spawn_blocking(move || command.run());
    let mut full = None;
    let mut stopping = false;
    let result = loop {
        tokio::select! {
            biased;
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                cancel.cancel();
            }
            result = &mut running => break result,
            why = watch.exceeded(), if full.is_none() && !stopping => {
                full = Some(why);
                cancel.cancel();
            }
        }
    };
    let done = match result {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => return Some(Ran::not_started(chain(&error))),
        Err(error) => return Some(Ran::not_started(error.to_string())),
    };
    let end = match (done.end, full) {
        (CommandEnd::Exit(status), _) => End::Exit(status),
        (CommandEnd::Signal(signal), _) => End::Signal(signal),
        (CommandEnd::TimedOut, _) => End::TimedOut,
        (CommandEnd::Cancelled, Some(why)) => End::Full(why),
        (CommandEnd::Cancelled, None) => return None,
    };
    Some(Ran {
        end,
        duration: done.duration,
        output: tail(&done.output).to_owned(),
    })
}

/// Makes its folder, with its input. Blocks.
fn prepare(
    folder: &Path,
    words: &[String],
    timeout: Duration,
    input: &[u8],
    layout: &Layout,
    tests: &Tests,
) -> std::io::Result<packd_runner::Command> {
    let user = User::of_tests();
    // what an attempt that was killed left there
    packd_format::tree::remove(folder).map_err(std::io::Error::other)?;
    make_folder(folder, 0o711, None)?;
    let scratch = folder.join("scratch");
    make_folder(&scratch, 0o711, user)?;
    let scratch = fs_err::canonicalize(scratch)?;
    let file = fs_err::canonicalize(folder)?.join("input.json");
    fs_err::write(&file, input)?;
    if let Some(User { uid, gid }) = user {
        std::os::unix::fs::chown(&file, Some(uid), Some(gid))?;
    }

    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| std::io::Error::other("there is no program"))?;
    let program = PathBuf::from(program);
    let mut readable = vec![program.clone(), layout.store(), layout.generations()];
    readable.extend(tests.readable.iter().map(PathBuf::from));
    let mut spec = Spec::of_tests(tests, vec![scratch.clone()], readable, user);
    spec.network = true;
    spec.input = Some(file);
    let path = sandbox::usable_path(std::ffi::OsStr::new(Environment::PATH), &spec);
    let environment = Environment::with_path(path).with_network();
    Ok(packd_runner::Command {
        program,
        arguments: arguments.iter().map(OsString::from).collect(),
        environment,
        scratch,
        timeout,
        grace: GRACE,
        output_limit: OUTPUT,
        sandbox: sandbox::before(&spec),
        cancel: Cancel::new()?,
    })
}

/// The end of a text.
fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(TAIL);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at));
    start
        .and_then(|start| text.get(start..))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_begins_with_a_whole_character() {
        assert_eq!(tail("short"), "short");
        let long = "é".repeat(TAIL) + "x";
        let end = tail(&long);
        assert!(end.len() <= TAIL && end.len() > TAIL - 2, "{}", end.len());
        assert!(end.starts_with('é') && end.ends_with('x'));
    }

    #[test]
    fn only_what_ran_has_failed() {
        assert!(!End::Exit(0).is_failure());
        assert!(!End::NotStarted("no".to_owned()).is_failure());
        for end in [End::Exit(1), End::Signal(9), End::TimedOut] {
            assert!(end.is_failure(), "{end:?}");
            assert!(end.in_words(GRACE).is_some(), "{end:?}");
        }
    }
}
