//! Runs one program in a sandbox, and keeps the end of what it writes.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ask::AsItIs;
use crate::options::{Cancel, Environment, Orphans};
use crate::process::{self, End, Ended, Invocation, Limits, NotStarted};
use crate::sandbox::{Refusal, Sandbox};
use crate::scratch::Scratch;

/// A program to run once.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What it finds in its environment, beside `HOME` and `TMPDIR`: folders of its own. It is started in `HOME`.
    pub environment: Environment,
    /// The folder in which these two are made, and which it can write to.
    pub scratch: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it may take to end when it is asked to, before it is killed.
    pub grace: Duration,
    /// How many bytes of each stream are kept, half of them from its beginning and half from its end.
    pub output_limit: usize,
    /// What keeps it in.
    pub sandbox: Sandbox,
    /// Ends it when asked to.
    pub cancel: Cancel,
}

/// How it ended. Nothing that it started runs any more, but for what cannot be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// How.
    pub end: CommandEnd,
    /// How long it took.
    pub duration: Duration,
    /// Standard output, then standard error.
    pub output: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandEnd {
    /// By itself, with this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// Its time was over.
    TimedOut,
    /// It was ended because it was asked for.
    Cancelled,
}

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The system refused.
    #[error("cannot start `{}`", program.display())]
    System {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The host lacks what the sandbox is made of.
    #[error("the sandbox is not available: this host lacks {missing}")]
    SandboxUnavailable {
        /// What.
        missing: String,
    },
    /// The sandbox did not start it.
    #[error("cannot start `{}`: {why}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// What it says.
        why: String,
    },
}

impl Command {
    /// Runs it to its end. Blocks.
    ///
    /// # Errors
    /// [`CommandError`]: it was not started.
    pub fn run(&self) -> Result<Done, CommandError> {
        let system = |source| CommandError::System {
            program: self.program.clone(),
            source,
        };
        let scratch = Scratch::new(&self.scratch, self.sandbox.owner).map_err(system)?;
        let home = scratch.home();
        let mark = scratch.temporary().into_os_string();
        let invocation = Invocation {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            environment: self.variables(&home, &mark),
            folder: home,
        };
        let limits = Limits {
            timeout: self.timeout,
            grace: self.grace,
            output: self.output_limit,
            cancel: Some(&self.cancel),
            orphans: Orphans::Leave,
            sandbox: Some(&self.sandbox),
            mark: &mark,
        };
        let ended: Ended<AsItIs> =
            process::run(&invocation, limits).map_err(|error| match error {
                NotStarted::System(source) => system(source),
                NotStarted::Sandbox(Refusal::Unavailable(missing)) => {
                    CommandError::SandboxUnavailable { missing }
                }
                NotStarted::Sandbox(Refusal::Failed(why)) => CommandError::NotStarted {
                    program: self.program.clone(),
                    why,
                },
            })?;
        Ok(Done {
            end: match ended.end {
                End::Exit(status) => CommandEnd::Exit(status),
                End::Signal(signal) => CommandEnd::Signal(signal),
                End::Timeout(_) => CommandEnd::TimedOut,
                End::Cancelled => CommandEnd::Cancelled,
            },
            duration: ended.duration,
            output: ended.stdout.text + &ended.stderr.text,
        })
    }

    fn variables(&self, home: &Path, temporary: &OsString) -> Vec<(OsString, OsString)> {
        let mut variables = vec![
            ("PATH".into(), self.environment.path.clone()),
            ("LANG".into(), self.environment.lang.clone()),
            ("HOME".into(), home.as_os_str().to_owned()),
            ("TMPDIR".into(), temporary.clone()),
        ];
        variables.extend(self.environment.extra.iter().cloned());
        variables
    }
}
