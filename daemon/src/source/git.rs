//! A git repository, to a folder of files: one commit, fetched bare into a cache and walked into the writer.
//!
//! | file | |
//! |---|---|
//! | [`url`] | every spelling of where a repository is, into one form |
//! | [`refs`] | which commit is meant |
//! | [`bring`] | the way of one commit, on a thread |
//! | [`talk`] | the protocol, by the library; [`reason`] says why it failed |
//! | [`line`](mod@line) | how the bytes travel: [`http`], [`ssh`], [`stream`] |
//! | [`cache`] | the bare repositories |
//! | [`tree`] | a commit's tree, written |
//! | [`guard`] | what all of it may take |
//!
//! No git configuration of anybody counts, nobody is ever asked, and nothing that a repository holds is run. The
//! library works on a thread; what waits for the network through packd's HTTP client waits on the runtime.

mod bring;
mod cache;
mod chain;
mod error;
mod guard;
mod http;
mod line;
mod pack;
mod reason;
mod refs;
mod ssh;
mod stream;
mod talk;
mod tree;
mod url;
mod way;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gix::ObjectId;
use packd_format::archive::Limits;
use packd_format::tree::FileList;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use self::bring::Bringing;
use self::cache::Bare;
pub(crate) use self::cache::Cache;
pub(crate) use self::error::GitError;
use self::guard::{Bounds, Guard};
use self::line::Line;
use self::refs::Choice;
pub(crate) use self::refs::{Chosen, Want};
use self::talk::{Depth, Talk};
pub(crate) use self::url::{GitUrl, GitUrlError, Scheme, Spelled, is_certain};
use super::Progress;
use super::relay::{Position, Relay};
use crate::config::{self, SafeUrl, Secret};
use crate::net::{Exchange, Http, NetError, Realm};

/// The largest file of a repository: each is in memory as a whole once.
const LARGEST_BLOB: u64 = 128 << 20;
/// How often it is told how many bytes have come.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// The most that is read of an answer that shall only show what answers.
const PROBE_BYTES: u64 = 16 << 20;

/// What is needed to reach repositories.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// The way to other hosts by HTTP.
    pub http: &'a Http,
    /// The section `git` of the configuration.
    pub git: &'a config::Git,
    /// How long connecting may take, and how long nothing may come.
    pub net: &'a config::Net,
    /// What a pack may at most be. `pack_bytes` also bounds what a fetch brings.
    pub limits: &'a Limits,
    /// The bytes that must stay free.
    pub min_free: u64,
    /// The cached repositories.
    pub cache: &'a Cache,
    /// The tree of an earlier version, to share files with.
    pub base: Option<&'a Path>,
    /// Ends the work, at any point of it.
    pub stop: &'a CancellationToken,
}

/// A repository, and what may be done to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// Where it is.
    pub url: GitUrl,
    /// Headers with credentials, for the origin of the URL only.
    pub headers: Vec<(String, Secret)>,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// Where it may be and lead, which depends on who named it.
    pub realm: Realm,
}

/// A commit of a repository.
#[derive(Debug, Clone)]
pub(crate) struct At {
    /// The repository.
    pub repository: Repository,
    /// The commit.
    pub chosen: Chosen,
}

/// What came of a commit.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// What lies in the folder now.
    pub files: FileList,
    /// The bytes that came for it.
    pub bytes: u64,
    /// Whether the commit was there already.
    pub was_cached: bool,
    /// What was odd, but not in the way.
    pub warnings: Vec<String>,
}

/// Finds the commit that is meant, among what the repository has now.
///
/// # Errors
/// [`GitError`]; [`GitError::is_transient`] says whether the same again can help.
pub(crate) async fn choose(
    reach: &Reach<'_>,
    repository: &Repository,
    want: &Want,
) -> Result<Chosen, GitError> {
    let from = repository.url.to_string();
    let guard = reach.guard(&repository.url);
    let url = repository.url.clone();
    let within = reach.net.connect_timeout;
    let wanted = want.clone();
    let chosen = reach
        .drive(repository, &guard, None, {
            let (guard, from) = (guard.clone(), from.clone());
            move |line| {
                let mut talk = Talk::begin(&url, line, &guard, within)?;
                let advertisement = talk.advertisement()?;
                let choice = refs::choose(&advertisement, &wanted);
                choice.map_err(|source| GitError::Choice { from, source })
            }
        })
        .await?;
    match chosen {
        Choice::Commit(chosen) => Ok(chosen),
        Choice::InHistory(beginning) => in_history(reach, repository, beginning).await,
    }
}

/// Finds a commit by its beginning in the whole history, which has to be fetched for it.
async fn in_history(
    reach: &Reach<'_>,
    repository: &Repository,
    beginning: String,
) -> Result<Chosen, GitError> {
    let from = repository.url.to_string();
    let guard = reach.guard(&repository.url);
    let (path, lock) = reach.cache.lock(&repository.url).await;
    let url = repository.url.clone();
    let within = reach.net.connect_timeout;
    let alloc_limit = reach.file_bytes();
    reach
        .drive(repository, &guard, None, {
            let guard = guard.clone();
            move |line| {
                let _held = lock;
                let mut bare = Bare::open(&path, alloc_limit)?;
                let mut talk = Talk::begin(&url, line, &guard, within)?;
                let advertisement = talk.advertisement()?;
                if bare.is_shallow() && !talk.can_be_shallow() {
                    bare = Bare::create(&path, alloc_limit)?;
                }
                talk.fetch(&bare, None, Depth::History, alloc_limit)?;
                let found = bare.commits(&beginning)?;
                let source = match found.as_slice() {
                    [commit] => {
                        bare.keep(*commit)?;
                        return Ok(refs::of_history(*commit));
                    }
                    [] => refs::unknown(&advertisement, &beginning),
                    _ => refs::ChoiceError::Ambiguous { wanted: beginning },
                };
                Err(GitError::Choice { from, source })
            }
        })
        .await
}

/// Brings a commit and writes its tree into `folder`, which exists, is empty, and belongs to no one else.
///
/// With `path` it is only what lies below that folder of the repository, under its full path. What is left in the
/// folder after an error is the caller's to remove. Has to be driven to its end: the `stop` of `reach` ends it
/// early, and then too it returns only when nothing writes any more.
///
/// # Errors
/// [`GitError`]; [`GitError::is_transient`] says whether the same again can help.
pub(crate) async fn fetch(
    reach: &Reach<'_>,
    at: &At,
    path: Option<&str>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Fetched, GitError> {
    let repository = &at.repository;
    let from = repository.url.to_string();
    let commit = ObjectId::from_hex(at.chosen.commit.as_bytes());
    let commit = commit.map_err(|error| GitError::Library {
        what: "read the number of the commit",
        reason: error.to_string(),
    })?;
    let (cached, lock) = tokio::select! {
        biased;
        () = reach.stop.cancelled() => return Err(GitError::Cancelled),
        locked = reach.cache.lock(&repository.url) => locked,
    };
    let guard = reach.guard(&repository.url);
    let (relay, position) = Relay::new(reach.stop.clone());
    let bringing = Bringing {
        url: repository.url.clone(),
        from,
        commit,
        path: path.map(ToOwned::to_owned),
        cached,
        folder: folder.to_owned(),
        base: reach.base.map(Path::to_owned),
        limits: Limits {
            file_bytes: reach.file_bytes(),
            ..reach.limits.clone()
        },
        connect_within: reach.net.connect_timeout,
        guard: guard.clone(),
        relay,
    };
    let watcher = Some((position, progress));
    let fetched = reach
        .drive(repository, &guard, watcher, move |line| {
            let _held = lock;
            bringing.run(&line)
        })
        .await;
    if matches!(&fetched, Ok(fetched) if fetched.was_cached) {
        return fetched;
    }
    let (cache, size) = (reach.cache.clone(), reach.git.cache_size.bytes());
    // the job does not wait longer for it than for the walk over a few folders
    if tokio::task::spawn_blocking(move || cache.prune(size))
        .await
        .is_err()
    {
        tracing::error!("the cache of repositories cannot be pruned");
    }
    fetched
}

/// Whether a git repository answers at an `https://` or `http://` URL.
///
/// # Errors
/// [`GitError::Http`] where the server cannot be asked, or wants credentials first.
pub(crate) async fn probe(
    reach: &Reach<'_>,
    url: &SafeUrl,
    allow_http: bool,
) -> Result<bool, GitError> {
    let mut asked = ::url::Url::clone(url.as_url());
    asked.set_fragment(None);
    asked.set_query(None);
    let path = format!("{}/info/refs", asked.path().trim_end_matches('/'));
    asked.set_path(&path);
    asked.set_query(Some("service=git-upload-pack"));
    let exchange = Exchange {
        url: SafeUrl::from(asked),
        headers: vec![("Git-Protocol".to_owned(), "version=2".to_owned())],
        secrets: Vec::new(),
        body: None,
        allow_http,
        max_bytes: PROBE_BYTES,
        realm: Realm::Anywhere,
    };
    let answer = tokio::select! {
        biased;
        () = reach.stop.cancelled() => return Err(GitError::Cancelled),
        answer = reach.http.exchange(exchange, &reach.git.credentials) => answer,
    };
    match answer {
        Ok(answered) => Ok(answered
            .content_type
            .is_some_and(|kind| kind.starts_with("application/x-git-upload-pack-advertisement"))),
        // stores of files refuse what they do not have in many ways, so only a server that wants to know who asks,
        // or is too busy, may have a repository there; whether the archive can be had is then found out by asking
        // for it
        Err(error @ NetError::Status { .. })
            if !matches!(error.status(), Some(401 | 429 | 503)) =>
        {
            Ok(false)
        }
        // larger than any advertisement
        Err(NetError::TooLarge { .. }) => Ok(false),
        Err(source) => Err(GitError::Http { source }),
    }
}

impl Reach<'_> {
    /// The largest file.
    fn file_bytes(&self) -> u64 {
        self.limits.file_bytes.min(LARGEST_BLOB)
    }

    fn guard(&self, url: &GitUrl) -> Guard {
        let bounds = Bounds {
            from: url.to_string(),
            bytes: self.limits.pack_bytes,
            idle: self.net.idle_timeout,
            total: self.git.timeout,
            // what is on this host comes over no network
            rate: match url.scheme() {
                Scheme::File => Arc::default(),
                _ => self.http.rate(),
            },
            space: (self.cache.state_folder().to_owned(), self.min_free),
        };
        Guard::new(bounds, self.stop.clone())
    }

    /// Lets a thread work while this task answers what it asks, tells how far it is, and ends it when it must.
    async fn drive<T: Send + 'static>(
        &self,
        repository: &Repository,
        guard: &Guard,
        watcher: Option<(watch::Receiver<Position>, &dyn Progress)>,
        work: impl FnOnce(Line) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, GitError> {
        let (line, asked) = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(GitError::Cancelled),
            line = self.line(repository) => line?,
        };
        let shown = repository.url.to_string();
        let mut thread = tokio::task::spawn_blocking(move || work(line));
        let mut serving: BoxFuture<'_, ()> = Box::pin(async {
            if let Some(asked) = asked {
                http::serve(self, repository, asked, guard).await;
            }
        });
        let (mut position, progress) = match watcher {
            Some((position, progress)) => (Some(position), Some(progress)),
            None => (None, None),
        };
        let mut ticks = interval(TOLD_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = 0;
        let (mut serves, mut runs) = (true, true);
        loop {
            tokio::select! {
                ended = &mut thread => {
                    if let (Some(position), Some(progress)) = (&mut position, progress) {
                        let last = position.borrow_and_update();
                        progress.extracting(&last.file, last.files, last.bytes);
                    }
                    return ended.unwrap_or_else(|panicked| {
                        std::panic::resume_unwind(panicked.into_panic())
                    });
                }
                () = &mut serving, if serves && runs => serves = false,
                () = self.stop.cancelled(), if runs => {
                    guard.fail(GitError::Cancelled);
                    runs = false;
                    // what the thread waits for will not come, and it notices
                    serving = Box::pin(std::future::pending());
                }
                () = sleep_until(guard.until().into()), if runs => {
                    guard.too_late();
                    runs = false;
                    serving = Box::pin(std::future::pending());
                }
                Some(()) = changed(&mut position) => {
                    if let (Some(position), Some(progress)) = (&mut position, progress) {
                        let at = position.borrow_and_update();
                        progress.extracting(&at.file, at.files, at.bytes);
                    }
                }
                _ = ticks.tick() => {
                    let received = guard.received();
                    if let Some(progress) = progress.filter(|_| received > told) {
                        told = received;
                        progress.downloading(&shown, received, None);
                    }
                }
            }
        }
    }
}

/// Waits for news of the position; `None` when there will be none.
async fn changed(position: &mut Option<watch::Receiver<Position>>) -> Option<()> {
    let watcher = position.as_mut()?;
    watcher.changed().await.ok()
}
