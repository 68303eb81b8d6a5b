//! Step 6 of 7: the packs' own tests, each on a throw-away copy of its tree, in a sandbox.
//!
//! Reads the new trees, writes `testing/<job>/`, which is gone afterwards, and a row for each result. Safe to repeat: a
//! result more is no harm. What is run, and what counts as a success, is `packd_runner`'s matter, as in `packctl test`.
//!
//! Tests show that a pack works. They are written by who wrote the pack, and show nothing about its safety.

mod copy;
mod error;
mod outcome;
mod prepare;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use packd_format::Manifest;
use packd_runner::{Event, Report, RunError};
use packd_wire::{EventKind, StepName, TestTrigger};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SandboxLevel, Tests};
use crate::queue::{Claimed, Outcome, TestJob};
use crate::resolve::Active;
use crate::store::pack::Installed;
use crate::store::{self, StoreError};

use super::inspect;
use super::inspected::Inspected;
use super::{Context, StepError, blocking};
pub(crate) use copy::make_folder;
pub(crate) use error::TestError;
use outcome::Verdict;
use prepare::Prepared;
pub(crate) use watch::Watch;

/// Events of suites that are stored, of one run.
const STORED_EVENTS: usize = 200;

/// A pack to test.
#[derive(Debug, Clone)]
struct Subject {
    manifest: Manifest,
    /// Its tree, relative to `store/`.
    dir: String,
    /// Digest of the tree.
    tree: String,
    trigger: TestTrigger,
    /// The registry that it came from.
    registry: Option<String>,
}

impl Subject {
    /// An active pack.
    fn of(manifest: Manifest, installed: &Installed, trigger: TestTrigger) -> Self {
        Self {
            manifest,
            dir: installed.dir.clone(),
            tree: installed.record.tree.clone(),
            trigger,
            registry: installed.record.registry.clone(),
        }
    }

    /// How its tests are to be run: what is demanded of its registry goes before what is demanded of all.
    fn settings(&self, config: &Config) -> Tests {
        let of_registry = self.registry.as_ref().and_then(|name| {
            let mut all = config.registries.iter();
            all.find(|registry| registry.name == *name)?.sandbox
        });
        Tests {
            sandbox: of_registry.unwrap_or(config.tests.sandbox),
            ..config.tests.clone()
        }
    }
}

/// Whose tests are run, whom they are told to, and what ends them.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    /// The number of the job that they belong to.
    id: i64,
    /// The job that waits for them, if it does.
    job: Option<&'a Claimed>,
    /// Ends them.
    stop: &'a CancellationToken,
}

impl<'a> Run<'a> {
    fn of(job: &'a Claimed) -> Self {
        Self {
            id: job.id(),
            job: Some(job),
            stop: job.stop(),
        }
    }

    /// Where the copy is made: a job that waits and one that has ended have different places.
    fn folder(&self, context: &Context) -> PathBuf {
        let name = match self.job {
            Some(_) => self.id.to_string(),
            None => format!("again-{}", self.id),
        };
        context.layout.testing().join(name)
    }
}

/// What became of the tests of an active pack that were run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Again {
    /// It has none.
    None,
    /// They are no reason against it.
    Good,
    /// They are, in words.
    Failed(String),
}

/// Runs the tests of an active pack again, after the job that brought it.
///
/// # Errors
/// [`StepError`]: they could not be run.
pub(crate) async fn again(
    context: &Context,
    id: i64,
    installed: &Installed,
    stop: &CancellationToken,
) -> Result<Again, StepError> {
    // it need not be active for as long as its tests run
    let _lease = context.leases.take(&installed.dir);
    let manifest = inspect::manifest_of(context, installed).await?;
    if absence(&manifest).is_some() {
        return Ok(Again::None);
    }
    let subject = Subject::of(manifest, installed, TestTrigger::Health);
    let run = Run {
        id,
        job: None,
        stop,
    };
    let verdict = one(context, run, &subject, &context.config.current()).await?;
    unchanged(context, &subject.manifest, &subject.dir, &subject.tree).await?;
    Ok(match verdict.stands_in_the_way(false) {
        Some(error) => Again::Failed(error.to_string()),
        None => Again::Good,
    })
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
    let mut any = false;
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
            registry: pack.registry.clone(),
        };
        let verdict = match absence(&subject.manifest) {
            Some(why) if config.tests.required => Verdict::none(&subject.manifest, why),
            Some(why) => {
                said.push(format!("{name}: {why}"));
                continue;
            }
            None => {
                any = true;
                one(context, Run::of(job), &subject, &config).await?
            }
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
    if any {
        // of each, at the end: the tests of one could have got at the tree of another
        for pack in news {
            unchanged(context, &pack.manifest, &pack.dir, &pack.tree).await?;
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
    // it need not be active for as long as its tests run
    let _lease = context.leases.take(&installed.dir);
    let manifest = inspect::manifest_of(context, installed).await?;
    let subject = Subject::of(manifest, installed, asked.trigger);
    let verdict = match absence(&subject.manifest) {
        Some(why) => Verdict::none(&subject.manifest, why),
        None => one(context, Run::of(job), &subject, &context.config.current()).await?,
    };
    unchanged(context, &subject.manifest, &subject.dir, &subject.tree).await?;
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
    run: Run<'_>,
    subject: &Subject,
    config: &Config,
) -> Result<Verdict, StepError> {
    let name = subject.manifest.pack_ref.to_string();
    let folder = run.folder(context);
    let tests = subject.settings(config);
    let prepared = {
        let (folder, tests) = (folder.clone(), tests.clone());
        let tree = context.layout.store().join(&subject.dir);
        let (path, manifest) = (context.prober.path().clone(), subject.manifest.clone());
        blocking(move || Prepared::make(&folder, &tree, &path, &tests, &manifest)).await?
    };
    let result = match prepared {
        Ok(prepared) => carry_out(context, run, subject, &tests, prepared).await,
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
    let row = verdict.row(subject, run.id);
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
    Ok(verdict)
}

/// Insists that the tree is what it was: tests have no way to it, and that is looked at rather than believed.
async fn unchanged(
    context: &Context,
    manifest: &Manifest,
    dir: &str,
    digest: &str,
) -> Result<(), StepError> {
    let pack = manifest.pack_ref.to_string();
    let tree = context.layout.store().join(dir);
    let found = blocking(move || packd_format::tree::scan(&tree).map(|files| files.digest()))
        .await?
        .map_err(|source| TestError::Tree {
            pack: pack.clone(),
            source,
        })?;
    if found.to_string() == digest {
        return Ok(());
    }
    let version = manifest.version.to_string();
    Err(TestError::Changed { pack, version }.into())
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
    run: Run<'_>,
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
        run.folder(context),
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
            () = run.stop.cancelled(), if !stopping => {
                stopping = true;
                cancel.cancel();
            }
            Some(word) = heard.recv() => {
                tell(run.job, &name, word, &mut told).await?;
            }
            result = &mut running => break result.map_err(|_| StepError::panicked())?,
            why = watch.exceeded(), if full.is_none() => {
                full = Some(why);
                cancel.cancel();
            }
        }
    };
    while let Ok(word) = heard.try_recv() {
        tell(run.job, &name, word, &mut told).await?;
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

async fn tell(
    job: Option<&Claimed>,
    pack: &str,
    word: Word,
    told: &mut usize,
) -> Result<(), StoreError> {
    let Some(job) = job else { return Ok(()) };
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
