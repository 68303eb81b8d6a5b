//! Step 6 of 7: the packs' own tests, each on a throw-away copy of its tree, in a sandbox.
//!
//! Reads the new trees, writes `testing/<job>/`, which is gone afterwards, and a row for each result. Safe to repeat: a
//! result more is no harm. What is run, and what counts as a success, is `packd_runner`'s matter, as in `packctl test`.
//!
//! Tests show that a pack works. They are written by who wrote the pack, and show nothing about its safety.

mod copy;
mod outcome;
mod user;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use packd_format::Manifest;
use packd_runner::{Cancel, Environment, Event, Options, Report, RunError};
use packd_wire::{ErrorKind, EventKind, StepName, TestTrigger};
use serde_json::json;
use tokio::sync::mpsc;

use crate::config::{Config, SandboxLevel, Tests};
use crate::queue::{Claimed, Outcome, TestJob};
use crate::resolve::Active;
use crate::sandbox::{self, Limits, Spec};
use crate::store::{self, StoreError};

use super::inspect::{self, Inspected};
use super::{Context, StepError, blocking};
use outcome::Verdict;

/// Events of suites that are stored, of one run.
const STORED_EVENTS: usize = 200;

/// How long tests may take to end when they are asked to.
const GRACE: Duration = Duration::from_secs(1);

/// How much of each stream is kept, in bytes.
const OUTPUT: usize = 1024 * 1024;

/// Processes and threads beside those that the user has already.
const PROCESSES: u64 = 128;

/// Open files of each process.
const FILES: u64 = 256;

/// Seconds of a processor for each process.
const CPU: u64 = 120;

/// The largest file, in bytes.
const FILE: u64 = 256 * 1024 * 1024;

/// Why the tests of a pack stand in the way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    /// They failed, and the pack says that this matters.
    #[error("the tests of `{pack}` {version} failed: {summary}")]
    Failed {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
        /// How many, or why.
        summary: String,
        /// Which, a few of them.
        examples: Vec<String>,
        /// Whether they were run for their own sake.
        manual: bool,
    },

    /// There are none, and there have to be.
    #[error("`{pack}` {version} has no tests to run: {why}")]
    None {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
        /// Why there are none.
        why: String,
        /// Whether they were to be run for their own sake.
        manual: bool,
    },

    /// The host cannot keep them in.
    #[error("the sandbox for the tests of `{pack}` is not available: this host lacks {missing}")]
    Sandbox {
        /// The pack.
        pack: String,
        /// What the host lacks.
        missing: String,
    },

    /// The tree is another one than before the tests.
    #[error("the tree of `{pack}` {version} is not what it was before its tests")]
    Changed {
        /// The pack.
        pack: String,
        /// Its version.
        version: String,
    },

    /// A pack that is not there was to be tested.
    #[error("`{pack}` is not installed")]
    NotInstalled {
        /// The pack.
        pack: String,
    },

    /// The copy could not be made, or the run could not be prepared.
    #[error("cannot prepare the tests of `{pack}`")]
    Prepare {
        /// The pack.
        pack: String,
        /// Why.
        source: std::io::Error,
    },

    /// The tree could not be looked at again.
    #[error("cannot look at the tree of `{pack}` again")]
    Tree {
        /// The pack.
        pack: String,
        /// Why.
        source: packd_format::tree::TreeError,
    },
}

impl TestError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed { .. } | Self::None { .. } => ErrorKind::TestsFailed,
            Self::Sandbox { .. } => ErrorKind::SandboxUnavailable,
            Self::Changed { .. } => ErrorKind::DigestMismatch,
            Self::NotInstalled { .. } => ErrorKind::PackNotInstalled,
            Self::Prepare { source, .. } if is_full(source) => ErrorKind::NoSpace,
            Self::Prepare { .. } | Self::Tree { .. } => ErrorKind::Io,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Failed {
                pack,
                manual: false,
                ..
            } => format!(
                "`packctl tests {pack}` shows what they wrote; `--force` activates it all the same, \
                 `--skip-tests` does not run them"
            ),
            Self::Failed { pack, .. } => format!("`packctl tests {pack}` shows what they wrote"),
            Self::None { manual: false, .. } => {
                "`--skip-tests` installs it without; `tests.required: false` in packd.yaml asks for none"
                    .to_owned()
            }
            Self::None { .. } => {
                "a `testing` section in its `pack.yaml` says what to run".to_owned()
            }
            Self::Sandbox { .. } => {
                "`--skip-tests` installs it untested; `tests.sandbox` in packd.yaml says what is demanded"
                    .to_owned()
            }
            Self::Changed { .. } => {
                "the store is damaged, or somebody writes to it; `--force` installs the pack again"
                    .to_owned()
            }
            Self::NotInstalled { pack } => format!(
                "`packctl install {pack}`; the tests of a folder are run by `packctl test ./{pack}`"
            ),
            Self::Prepare { source, .. } if is_full(source) => {
                "free some space on the file system of the state folder".to_owned()
            }
            Self::Prepare { .. } | Self::Tree { .. } => return None,
        })
    }

    /// What is wrong, one line each, where it is more than the error itself says.
    #[must_use]
    pub(crate) fn examples(&self) -> &[String] {
        match self {
            Self::Failed { examples, .. } => examples,
            _ => &[],
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::StorageFull
}

/// A pack to test.
#[derive(Debug, Clone)]
struct Subject {
    manifest: Manifest,
    /// Its tree, relative to `store/`.
    dir: String,
    /// Digest of the tree.
    tree: String,
    trigger: TestTrigger,
}

/// Runs the tests of packs that are to become active.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    news: &[Inspected],
    active: &Active,
) -> Result<(), StepError> {
    let config = context.config.current();
    let flags = job.request().flags();
    if flags.skip_tests || !config.tests.run || news.is_empty() {
        if flags.skip_tests && news.iter().any(|pack| pack.manifest.testing.is_some()) {
            job.begin(StepName::Test, None).await?;
            job.complete(StepName::Test, "skipped, as asked").await?;
        }
        return Ok(());
    }
    job.begin(StepName::Test, None).await?;
    let mut said = Vec::new();
    for pack in news {
        let name = pack.manifest.pack_ref.as_str();
        let subject = Subject {
            manifest: pack.manifest.clone(),
            dir: pack.dir.clone(),
            tree: pack.tree.clone(),
            trigger: if active.contains_key(name) {
                TestTrigger::Update
            } else {
                TestTrigger::Install
            },
        };
        let verdict = match absence(&subject.manifest) {
            Some(why) if config.tests.required => Verdict::none(&subject.manifest, why),
            Some(why) => {
                said.push(format!("{name}: {why}"));
                continue;
            }
            None => one(context, job, &subject, &config).await?,
        };
        said.push(format!("{name}: {}", verdict.summary));
        match verdict.stands_in_the_way(false) {
            None => {}
            Some(error) if flags.force => {
                let message = format!("{error}, and it is installed by force");
                job.warn(Some(name), message).await?;
            }
            Some(error) => return Err(error.into()),
        }
        if verdict.warns {
            let message = format!("the tests of `{name}` failed: {}", verdict.summary);
            job.warn(Some(name), message).await?;
        }
    }
    job.complete(StepName::Test, said.join("; ")).await?;
    Ok(())
}

/// Runs the tests of an active pack, for their own sake.
///
/// # Errors
/// [`TestError::Failed`] when they failed, whatever the pack says about that.
pub(super) async fn active(
    context: &Context,
    job: &Claimed,
    asked: &TestJob,
) -> Result<Outcome, StepError> {
    job.begin(StepName::Test, None).await?;
    let active = context.active().await?;
    let Some(installed) = active.get(&asked.pack_ref) else {
        let pack = asked.pack_ref.clone();
        return Err(TestError::NotInstalled { pack }.into());
    };
    let manifest = inspect::manifest_of(context, installed).await?;
    let subject = Subject {
        manifest,
        dir: installed.dir.clone(),
        tree: installed.record.tree.clone(),
        trigger: asked.trigger,
    };
    let verdict = match absence(&subject.manifest) {
        Some(why) => Verdict::none(&subject.manifest, why),
        None => one(context, job, &subject, &context.config.current()).await?,
    };
    if let Some(error) = verdict.stands_in_the_way(true) {
        return Err(error.into());
    }
    job.complete(StepName::Test, verdict.summary).await?;
    Ok(Outcome::Unchanged)
}

/// Why a pack has no tests that could be run.
fn absence(manifest: &Manifest) -> Option<&'static str> {
    match &manifest.testing {
        None => Some("it brings no tests"),
        Some(testing) if !testing.enabled => Some("it turns its tests off"),
        Some(_) => None,
    }
}

/// Runs the tests of one pack, notes the result, and says what it means.
async fn one(
    context: &Context,
    job: &Claimed,
    subject: &Subject,
    config: &Config,
) -> Result<Verdict, StepError> {
    let name = subject.manifest.pack_ref.to_string();
    let folder = context.layout.testing().join(job.id().to_string());
    let prepared = {
        let (folder, tests) = (folder.clone(), config.tests.clone());
        let tree = context.layout.store().join(&subject.dir);
        let (path, manifest) = (context.prober.path().clone(), subject.manifest.clone());
        blocking(move || Prepared::make(&folder, &tree, &path, &tests, &manifest)).await?
    };
    let result = match prepared {
        Ok(prepared) => carry_out(context, job, subject, &config.tests, prepared).await,
        Err(source) => Err(TestError::Prepare {
            pack: name.clone(),
            source,
        }
        .into()),
    };
    let removed = blocking(move || packd_format::tree::remove(&folder)).await?;
    if let Err(error) = removed {
        tracing::warn!(error = %crate::logging::chain(&error), "a tested copy is left behind until the next start");
    }
    let verdict = result?;
    let row = verdict.row(subject, job.id());
    let fact = if verdict.good {
        store::quality::Fact::TestsPassed
    } else {
        store::quality::Fact::TestsFailed
    };
    context
        .database
        .write(move |tx| {
            store::test::insert(tx, &row)?;
            store::quality::count(tx, &row.pack_ref, &row.version, fact)
        })
        .await?;
    unchanged(context, subject).await?;
    Ok(verdict)
}

/// Insists that the tree is what it was: tests have no way to it, and that is looked at rather than believed.
async fn unchanged(context: &Context, subject: &Subject) -> Result<(), StepError> {
    let pack = subject.manifest.pack_ref.to_string();
    let tree = context.layout.store().join(&subject.dir);
    let digest = blocking(move || packd_format::tree::scan(&tree).map(|files| files.digest()))
        .await?
        .map_err(|source| TestError::Tree {
            pack: pack.clone(),
            source,
        })?;
    if digest.to_string() == subject.tree {
        return Ok(());
    }
    let version = subject.manifest.version.to_string();
    Err(TestError::Changed { pack, version }.into())
}

/// All that a run needs.
struct Prepared {
    pack: PathBuf,
    options: Options,
    cancel: Cancel,
}

impl Prepared {
    /// Makes the copy and the folders. Blocks.
    fn make(
        folder: &Path,
        tree: &Path,
        path: &std::ffi::OsStr,
        tests: &Tests,
        manifest: &Manifest,
    ) -> std::io::Result<Self> {
        let user = user::of_tests();
        // what an attempt that was killed left there
        packd_format::tree::remove(folder).map_err(std::io::Error::other)?;
        copy::make_folder(folder, 0o711, None)?;
        let (pack, scratch) = (folder.join("pack"), folder.join("scratch"));
        copy::make_folder(&scratch, 0o711, user)?;
        copy::copy(tree, &pack, user)?;

        let pack = fs_err::canonicalize(pack)?;
        let scratch = fs_err::canonicalize(scratch)?;
        // elsewhere a list without patterns lets everything through
        let trusted = !tests.network_for.as_slice().is_empty()
            && tests.network_for.allows(manifest.pack_ref.as_str());
        let network = tests.network || trusted;
        let uid = user.map_or_else(
            || rustix::process::geteuid().as_raw(),
            |user: sandbox::User| user.uid,
        );
        let spec = Spec {
            level: tests.sandbox,
            network,
            writable: vec![pack.clone(), scratch.clone()],
            readable: tests.readable.iter().map(PathBuf::from).collect(),
            user,
            limits: Limits {
                memory: tests.memory.bytes(),
                file: FILE.min(tests.disk.bytes()),
                files: FILES,
                processes: PROCESSES + sandbox::processes_of(uid),
                cpu: CPU,
            },
            namespaces: Vec::new(),
        };
        let cancel = Cancel::new()?;
        let mut environment = Environment::with_path(sandbox::usable_path(path, &spec));
        if network {
            // names are asked for over TCP, since nothing else is let through
            let option = ("RES_OPTIONS".into(), "use-vc".into());
            environment.extra.push(option);
        }
        let mut options = Options::new(jiff::Timestamp::now(), environment, scratch);
        options.total = Some(tests.timeout);
        options.cancel = Some(cancel.clone());
        options.grace = GRACE;
        options.output_limit = OUTPUT;
        options.sandbox = Some(sandbox::before(&spec));
        Ok(Self {
            pack,
            options,
            cancel,
        })
    }
}

/// What comes out of the thread that runs the tests.
enum Word {
    Started {
        name: String,
        number: usize,
        of: usize,
    },
    Finished(serde_json::Value),
}

/// Runs the tests, and tells how they go on.
async fn carry_out(
    context: &Context,
    job: &Claimed,
    subject: &Subject,
    tests: &Tests,
    prepared: Prepared,
) -> Result<Verdict, StepError> {
    let name = subject.manifest.pack_ref.to_string();
    let Prepared {
        pack,
        options,
        cancel,
    } = prepared;
    let mut watch = watch::Watch::new(
        context.layout.testing().join(job.id().to_string()),
        tests.disk,
        context.config.current().store.min_free,
    );
    let (words, mut heard) = mpsc::channel(64);
    let manifest = Arc::new(subject.manifest.clone());
    let of_run = Arc::clone(&manifest);
    let mut running = tokio::task::spawn_blocking(move || {
        packd_runner::run(&pack, &of_run, &options, &mut |event| {
            let word = match event {
                Event::Started { name, number, of } => Word::Started {
                    name: name.to_owned(),
                    number,
                    of,
                },
                Event::Finished(suite) => Word::Finished(json!({
                    "suite": suite.name,
                    "status": suite.status,
                    "total": suite.total,
                    "passed": suite.passed,
                    "failed": suite.failed,
                    "skipped": suite.skipped,
                    "duration_ms": suite.duration_ms,
                })),
            };
            // nobody hears it if the daemon is on its way out
            drop(words.blocking_send(word));
        })
    });
    let mut told = 0;
    let mut full = None;
    let mut stopping = false;
    let result = loop {
        tokio::select! {
            biased;
            () = job.stop().cancelled(), if !stopping => {
                stopping = true;
                cancel.cancel();
            }
            Some(word) = heard.recv() => {
                tell(job, &name, word, &mut told).await?;
            }
            result = &mut running => break result.map_err(|_| StepError::panicked())?,
            why = watch.exceeded(), if full.is_none() => {
                full = Some(why);
                cancel.cancel();
            }
        }
    };
    while let Ok(word) = heard.try_recv() {
        tell(job, &name, word, &mut told).await?;
    }
    let demanded = tests.sandbox;
    match result {
        Ok(report) => Ok(Verdict::of(&manifest, &report, demanded)),
        Err(RunError::Cancelled) => match full {
            Some(why) if !stopping => Ok(Verdict::ended(&manifest, why, demanded)),
            _ => Err(StepError::Stopped),
        },
        Err(RunError::SandboxUnavailable { missing }) => Err(TestError::Sandbox {
            pack: name,
            missing,
        }
        .into()),
        // no tests are no success
        Err(error) => Ok(Verdict::ended(&manifest, error.to_string(), demanded)),
    }
}

async fn tell(job: &Claimed, pack: &str, word: Word, told: &mut usize) -> Result<(), StoreError> {
    let data = match word {
        Word::Started { name, number, of } => json!({"suite": name, "number": number, "of": of}),
        Word::Finished(data) => data,
    };
    *told += 1;
    if *told <= STORED_EVENTS * 2 {
        job.tell(EventKind::Testing, Some(pack), data).await
    } else {
        job.progress(EventKind::Testing, Some(pack), data);
        Ok(())
    }
}

/// What a report says of the sandbox: what was demanded, and what was enforced.
fn enforced(report: Option<&Report>, demanded: SandboxLevel) -> serde_json::Value {
    report
        .and_then(|report| report.sandbox.clone())
        .unwrap_or_else(|| json!({"level": demanded}))
}
