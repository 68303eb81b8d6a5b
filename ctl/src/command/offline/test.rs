//! `test`: runs the tests of a pack: of a folder here, or, by its name, of an installed one.
//!
//! What is run, how, and what holds is decided in `packd-runner`; this shows it. Those of an installed pack are run by
//! packd, in its sandbox.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use packd_format::manifest::{FILE_NAME, MAX_BYTES};
use packd_format::{Manifest, PackRef};
use packd_runner::{Cancel, Environment, Event, Options, Orphans, Outcome, Report, RunError};
use packd_wire::Exit;
use tokio::sync::mpsc;

use crate::Ending;
use crate::client::Client;
use crate::clock::Clock;
use crate::command::asked::Asked;
use crate::command::changes::{self, Waiting};
use crate::command::interrupt::{Interrupt, Stop};
use crate::output::{Failure, Output};
use crate::supervisor;
use page::Detail;

mod page;
#[cfg(test)]
mod tests;

/// Run the tests of a pack: of a folder here, or of an installed one
///
/// A path, or the name of something that is here, is a folder; any other word is the name of an installed pack. packd runs
/// the tests of that one in its sandbox and keeps the result, which `packctl tests` shows.
///
/// Of a folder this runs what `testing` in its `pack.yaml` names, in that folder. This is code of the pack: it runs as you,
/// without a sandbox, and can do whatever you can. Do not test packs of strangers this way.
///
/// Tests get an environment of their own: PATH, LANG, HOME and TMPDIR (empty folders), `PACK_REF`, `PACK_VERSION`,
/// `PACK_PATH`, and what --env adds. What they leave running is ended.
///
/// Exits with 0 if as many passed as the pack wants, 1 if not, 2 if there is nothing to run or it could not be run.
/// A signal that stops it (INT, TERM, HUP) ends the tests first, and it exits with 128 and the number of the signal.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The folder of the pack, or the name of an installed one
    #[arg(value_name = "PATH|REF", add = crate::complete::packs_and_paths())]
    path: PathBuf,

    /// Show each suite and test, and what failed ones wrote
    #[arg(long, short)]
    detailed: bool,

    /// Show what passed ones wrote too
    #[arg(long, short)]
    verbose: bool,

    /// Stop each suite after so many seconds, even if the pack allows it more
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,

    /// Give the tests an environment variable; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(OsString, OsString)>,

    /// Where programs are looked for
    #[arg(long, env = "PATH", hide = true, default_value = Environment::PATH)]
    search_path: OsString,

    /// Print the job that tests an installed pack, and return without waiting for it
    #[arg(long)]
    no_wait: bool,

    #[command(flatten)]
    clock: Clock,
}

/// `NAME=VALUE`.
fn variable(text: &str) -> Result<(OsString, OsString), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("it must be NAME=VALUE".to_owned()),
    }
}

/// Why a folder is no pack that can be tested.
#[derive(Debug, thiserror::Error)]
enum TestError {
    /// A bare word that is no folder here.
    #[error("`{word}` is neither a folder here nor the name of a pack")]
    NotAPath {
        /// What was typed.
        word: String,
    },
    /// A flag that packd takes from its configuration.
    #[error(
        "`{flag}` is for the tests of a folder: those of installed packs are run as packd.yaml says"
    )]
    OnlyForFolders {
        /// The flag.
        flag: String,
    },
    /// Nothing is there.
    #[error("there is no folder `{}`", path.display())]
    Missing {
        /// What was typed.
        path: PathBuf,
    },
    /// An archive, or another file.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// What was typed.
        path: PathBuf,
    },
    /// It has no manifest.
    #[error("there is no `{FILE_NAME}` in `{}`", path.display())]
    NoManifest {
        /// What was typed.
        path: PathBuf,
    },
    /// The manifest is not read, since it is so large.
    #[error("`{FILE_NAME}` is longer than the {MAX_BYTES} bytes that it may have")]
    TooLarge,
}

impl From<TestError> for Failure {
    fn from(error: TestError) -> Self {
        let exit = match error {
            TestError::NotAPath { .. }
            | TestError::NotAFolder { .. }
            | TestError::OnlyForFolders { .. }
            | TestError::TooLarge => Exit::Usage,
            TestError::Missing { .. } | TestError::NoManifest { .. } => Exit::NotFound,
        };
        let failure = Self::of_error(exit, &error);
        match &error {
            TestError::NotAPath { .. } => failure.with_hint(
                "name the folder of the pack by its path; in that folder: packctl test .",
            ),
            TestError::NotAFolder { .. } => failure.with_hint("unpack it, and name the folder"),
            TestError::NoManifest { .. } => {
                failure.with_hint(format!("name the folder that has the `{FILE_NAME}`"))
            }
            TestError::OnlyForFolders { .. } => {
                failure.with_hint("leave it out; `tests.timeout` in packd.yaml is the setting")
            }
            TestError::Missing { .. } | TestError::TooLarge => failure,
        }
    }
}

/// What comes out of the thread that runs the tests.
enum Word {
    Started {
        name: String,
        number: usize,
        of: usize,
    },
    Finished(Box<packd_runner::TestSuite>),
}

impl Test {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        if let Some(name) = installed(&self.path) {
            return self.of_installed(name, client, out).await;
        }
        let folder = folder(&self.path)?.to_owned();
        let manifest = manifest(&folder)?;
        let detail = match (self.detailed, self.verbose) {
            (false, false) => Detail::Sum,
            (true, false) => Detail::Failures,
            (_, true) => Detail::Everything,
        };
        out.say(&format!(
            "Testing {} {}",
            manifest.pack_ref, manifest.version
        ));
        for warning in &manifest.warnings {
            out.warn(warning);
        }

        let mut stop = Stop::new()?;
        let (cancel, options) = self.options()?;
        let (words, mut heard) = mpsc::unbounded_channel();
        let mut run = tokio::task::spawn_blocking(move || {
            packd_runner::run(&folder, &manifest, &options, &mut |event| {
                let word = match event {
                    Event::Started { name, number, of } => Word::Started {
                        name: name.to_owned(),
                        number,
                        of,
                    },
                    Event::Finished(suite) => Word::Finished(Box::new(suite.clone())),
                };
                // nobody hears it if the program is on its way out
                drop(words.send(word));
            })
        });
        let mut stopped = None;
        let result = loop {
            tokio::select! {
                biased;
                Some(word) = heard.recv() => out.say(&said(&word)),
                result = &mut run => break result,
                signal = stop.comes() => {
                    stopped = stopped.or(Some(signal));
                    cancel.cancel();
                }
            }
        };
        let report = match result {
            // nothing was kept from the tests
            Ok(Ok(report)) => Report {
                sandbox: None,
                ..report
            },
            Ok(Err(RunError::Cancelled)) => {
                out.say("Cancelled; what was running is ended");
                return Ok(stopped.map_or(Ending::Detached, Ending::Stopped));
            }
            Ok(Err(error)) => {
                let failure = Failure::of_error(Exit::Usage, &error);
                return Err(match error.hint() {
                    Some(hint) => failure.with_hint(hint),
                    None => failure,
                });
            }
            Err(error) => return Err(Failure::of(Exit::Failed, "cannot run the tests", &error)),
        };
        for warning in &report.warnings {
            out.warn(warning);
        }
        out.show(&report, || page::page(&report, detail));
        Ok(Ending::Exit(match report.outcome() {
            Outcome::Passed => Exit::Done,
            Outcome::Failed => Exit::Failed,
            Outcome::NotRun => Exit::Usage,
        }))
    }

    /// Has packd run the tests of an installed pack.
    async fn of_installed(
        &self,
        name: &str,
        client: &Client,
        out: &mut Output,
    ) -> Result<Ending, Failure> {
        for (flag, given) in [
            ("--timeout", self.timeout.is_some()),
            ("--env", !self.env.is_empty()),
        ] {
            if given {
                let flag = flag.to_owned();
                return Err(TestError::OnlyForFolders { flag }.into());
            }
        }
        let mut interrupt = Interrupt::new()?;
        let waiting = Waiting {
            no_wait: self.no_wait,
            timeout: None,
        };
        let jobs = vec![client.test(name).await?];
        changes::follow(client, out, jobs, Asked::One, &waiting, &mut interrupt).await
    }

    fn options(self) -> Result<(Cancel, Options), Failure> {
        let cancel = Cancel::new()
            .map_err(|error| Failure::of(Exit::Failed, "cannot prepare the run", &error))?;
        let mut environment = Environment::with_path(self.search_path);
        environment.extra = self.env;
        let mut options = Options::new(self.clock.time(), environment, std::env::temp_dir());
        options.longest = self
            .timeout
            .map(|seconds| Duration::from_secs(seconds.into()));
        options.cancel = Some(cancel.clone());
        // this program starts nothing but tests, so whatever is its child is theirs
        options.orphans = Orphans::Adopt;
        options.sandbox = supervisor::before();
        Ok((cancel, options))
    }
}

/// The name that a word is, if it is no folder here.
fn installed(path: &Path) -> Option<&str> {
    let word = path
        .to_str()
        .filter(|word| word.parse::<PackRef>().is_ok())?;
    (!fs_err::exists(path).unwrap_or(true)).then_some(word)
}

fn said(word: &Word) -> String {
    match word {
        Word::Started { name, number, of } => page::started(name, *number, *of),
        Word::Finished(suite) => page::finished(suite),
    }
}

/// The folder that is meant.
fn folder(path: &Path) -> Result<&Path, TestError> {
    if path.is_dir() {
        return Ok(path);
    }
    let there = fs_err::exists(path).unwrap_or(false);
    let bare = path.to_str().filter(|text| !text.contains('/'));
    Err(match bare {
        _ if there => TestError::NotAFolder {
            path: path.to_owned(),
        },
        Some(word) if !matches!(word, "." | "..") => TestError::NotAPath {
            word: word.to_owned(),
        },
        _ => TestError::Missing {
            path: path.to_owned(),
        },
    })
}

fn manifest(folder: &Path) -> Result<Manifest, Failure> {
    let path = folder.join(FILE_NAME);
    let size = match fs_err::metadata(&path) {
        Ok(meta) if meta.is_file() => meta.len(),
        _ => {
            return Err(Failure::from(TestError::NoManifest {
                path: folder.to_owned(),
            }));
        }
    };
    if size > MAX_BYTES as u64 {
        return Err(TestError::TooLarge.into());
    }
    let bytes = fs_err::read(&path).map_err(|error| Failure::of_error(Exit::Usage, &error))?;
    Manifest::parse(&bytes).map_err(|error| {
        let failure = Failure::of_error(Exit::Usage, &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    })
}
