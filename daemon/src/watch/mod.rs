//! Hears of changes to files and folders that others write, by inotify.
//!
//! An event is only a hint that something may be another thing now: what that is, is for who watches to read. News
//! is handed on once it has come to rest ([`settle`]). A folder need not be there yet, and may be removed and made again
//! ([`plan`]). Where the kernel hears nothing, because the file system is shared with other hosts or because there are
//! no more watches to be had, what is watched is looked at every [`POLL`] instead ([`mod@stamp`]).

mod plan;
mod settle;
mod stamp;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fs_notify::event::{AccessKind, AccessMode, ModifyKind};
use fs_notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use packd_format::error::chain;

use plan::Plan;
use settle::{Settling, Sign};

/// How often what the kernel has no news of is looked at.
pub(crate) const POLL: Duration = Duration::from_mins(1);

/// So often watching is begun anew when folders come and go meanwhile.
const TRIES: usize = 5;

/// Something that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Where it is, or will be; absolute.
    pub path: PathBuf,
    /// What of it counts.
    pub what: What,
}

/// What of a subject counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A file.
    File,
    /// What lies directly in a folder and is not hidden.
    Entries {
        /// With this extension only.
        extension: Option<&'static str>,
    },
    /// A folder with everything below it.
    Tree,
}

/// Watches some subjects; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    subjects: Arc<[Subject]>,
    news: Arc<News>,
    armed: Armed,
    /// What has changed, and was not told yet.
    changed: BTreeSet<usize>,
    /// What each subject was like when it was looked at last, where that has to be done.
    stamps: Vec<Option<u64>>,
    next_poll: Option<tokio::time::Instant>,
    every: Duration,
    has_news: fn(&Path) -> bool,
}

/// What watches, as long as it is there.
#[derive(Debug)]
struct Armed {
    plan: Plan,
    watcher: Option<RecommendedWatcher>,
    /// Whether it could not be told of everything.
    is_blind: bool,
}

/// What the thread of the watcher has heard.
#[derive(Debug, Default)]
struct News {
    state: Mutex<Heard>,
    wake: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct Heard {
    settling: Settling,
    /// Whether a folder that came could not be watched.
    is_blind: bool,
}

impl Watch {
    /// Watches these, from now on.
    pub(crate) async fn new(subjects: Vec<Subject>) -> Self {
        Self::with(subjects, POLL, stamp::has_news).await
    }

    /// The same with another way to tell where there is news, and another time between looks.
    async fn with(subjects: Vec<Subject>, every: Duration, has_news: fn(&Path) -> bool) -> Self {
        let mut watch = Self {
            stamps: vec![None; subjects.len()],
            subjects: subjects.into(),
            news: Arc::default(),
            armed: Armed {
                plan: Plan(Vec::new()),
                watcher: None,
                is_blind: false,
            },
            changed: BTreeSet::new(),
            next_poll: None,
            every,
            has_news,
        };
        watch.arm().await;
        watch.poll().await;
        watch.changed.clear();
        watch
    }

    /// What is watched.
    pub(crate) fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// Waits until something may have changed and has come to rest, and gives the numbers of those subjects.
    ///
    /// May be dropped and called again; nothing is lost.
    pub(crate) async fn changed(&mut self) -> BTreeSet<usize> {
        loop {
            if !self.changed.is_empty() {
                // what was replaced is watched before it is read
                self.arm().await;
                return std::mem::take(&mut self.changed);
            }
            let due = self.news.lock().settling.due();
            tokio::select! {
                () = self.news.wake.notified() => {}
                () = until(due.map(tokio::time::Instant::from_std)) => {
                    self.changed = self.news.lock().settling.take();
                }
                () = until(self.next_poll) => self.poll().await,
            }
        }
    }

    /// Watches what there is to watch now, if that is something else than before.
    async fn arm(&mut self) {
        let subjects = Arc::clone(&self.subjects);
        let (news, before) = (Arc::clone(&self.news), self.armed.plan.clone());
        let has_news = self.has_news;
        let is_armed = self.armed.watcher.is_some();
        let arming = tokio::task::spawn_blocking(move || {
            let plan = Plan::of(&subjects, has_news);
            (!is_armed || plan != before).then(|| arm(&subjects, plan, &news, has_news))
        });
        // a panic there would be one of the file system's making; what was watched goes on
        if let Ok(Some(armed)) = arming.await {
            let parts = armed.plan.0.iter().enumerate();
            let before = &self.armed.plan.0;
            let other = parts.filter(|(number, part)| before.get(*number) != Some(part));
            self.changed.extend(other.map(|(number, _)| number));
            self.armed = armed;
        }
        if self.is_polled().any(|polled| polled) && self.next_poll.is_none() {
            self.next_poll = Some(tokio::time::Instant::now());
        }
    }

    /// Whether each subject has to be looked at from time to time.
    fn is_polled(&self) -> impl Iterator<Item = bool> {
        let is_blind = self.armed.is_blind || self.news.lock().is_blind;
        let parts = self.armed.plan.0.iter();
        parts.map(move |part| is_blind || !part.has_news)
    }

    /// Looks at what has to be looked at.
    async fn poll(&mut self) {
        let polled: Vec<bool> = self.is_polled().collect();
        if !polled.contains(&true) {
            self.next_poll = None;
            return;
        }
        let subjects = Arc::clone(&self.subjects);
        let looking = tokio::task::spawn_blocking(move || {
            let each = subjects.iter().zip(polled);
            each.map(|(subject, polled)| polled.then(|| stamp::of(subject)))
                .collect::<Vec<_>>()
        });
        // after a panic it is looked at the next time
        if let Ok(stamps) = looking.await {
            let each = stamps.iter().zip(&self.stamps).enumerate();
            let other = each.filter(|(_, (now, before))| now.is_some() && now != before);
            self.changed.extend(other.map(|(number, _)| number));
            self.stamps = stamps;
        }
        self.next_poll = Some(tokio::time::Instant::now() + self.every);
    }
}

impl News {
    fn lock(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the watcher tells, on its thread.
    fn heard(&self, plan: &Plan, told: fs_notify::Result<fs_notify::Event>) {
        let now = Instant::now();
        let mut heard = self.lock();
        let everything = |heard: &mut Heard| {
            for number in 0..plan.0.len() {
                heard.settling.note(number, Path::new(""), Sign::Done, now);
            }
        };
        match told {
            Err(error) => {
                heard.is_blind |= matches!(error.kind, fs_notify::ErrorKind::MaxFilesWatch);
                tracing::warn!(error = %chain(&error), "cannot watch all there is; it is looked at from time to time instead");
                everything(&mut heard);
            }
            // the queue ran over: anything may have changed
            Ok(event) if event.need_rescan() => everything(&mut heard),
            Ok(event) => {
                let sign = match event.kind {
                    EventKind::Access(AccessKind::Close(AccessMode::Write)) => Sign::Done,
                    // packd itself reads there
                    EventKind::Access(_) => return,
                    EventKind::Modify(ModifyKind::Data(_)) => Sign::Writing,
                    _ => Sign::Done,
                };
                let mut is_news = false;
                for path in &event.paths {
                    for number in plan.concerned(path) {
                        heard.settling.note(number, path, sign, now);
                        is_news = true;
                    }
                }
                if !is_news {
                    return;
                }
            }
        }
        drop(heard);
        self.wake.notify_one();
    }
}

/// Begins to watch. What comes or goes in the meantime is found by looking again. Blocks.
fn arm(
    subjects: &[Subject],
    mut plan: Plan,
    news: &Arc<News>,
    has_news: fn(&Path) -> bool,
) -> Armed {
    let mut armed = begin(plan.clone(), news);
    for _ in 0..TRIES {
        let now = Plan::of(subjects, has_news);
        if now == plan {
            return armed;
        }
        plan = now;
        armed = begin(plan.clone(), news);
    }
    armed.is_blind = true;
    armed
}

fn begin(plan: Plan, news: &Arc<News>) -> Armed {
    let (heard, concerns) = (Arc::clone(news), plan.clone());
    let tell = move |told| heard.heard(&concerns, told);
    // links lead to what is no part of a folder
    let config = fs_notify::Config::default().with_follow_symlinks(false);
    let mut is_blind = false;
    let watcher = RecommendedWatcher::new(tell, config).map(|mut watcher| {
        for (folder, recursive) in plan.folders() {
            let mode = if recursive {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            match watcher.watch(folder, mode) {
                Ok(()) => {}
                // it went meanwhile, which the next look finds
                Err(error) if matches!(error.kind, fs_notify::ErrorKind::PathNotFound) => {}
                Err(error) => {
                    is_blind = true;
                    cannot(folder, &error);
                }
            }
        }
        watcher
    });
    let watcher = watcher
        .inspect_err(|error| {
            let first = plan.0.first().and_then(|part| part.folders.first());
            cannot(first.map_or(Path::new("/"), |folder| &folder.path), error);
        })
        .ok();
    Armed {
        is_blind: is_blind || watcher.is_none(),
        plan,
        watcher,
    }
}

fn cannot(folder: &Path, error: &fs_notify::Error) {
    tracing::warn!(
        folder = %folder.display(),
        error = %chain(error),
        "cannot watch a folder; it is looked at every {} s instead",
        POLL.as_secs()
    );
}

/// A number that is another one when a file or folder changes. Blocks.
pub(crate) fn stamp(subject: &Subject) -> u64 {
    stamp::of(subject)
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
