//! The half of fetching an archive that runs on the runtime: what was downloaded before, what is left to ask
//! for, and passing it on to the thread that unpacks, with a [`super::pipe`] between them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use packd_format::Digest;
use tokio_util::sync::CancellationToken;

use super::archive::{Unpacked, Way, watch};
use super::cache::{Cache, Keeper, Kept, Record};
use super::error::SourceError;
use super::pipe::{Inlet, pipe};
use super::unpacking::Unpacking;
use super::{Fetch, Progress};
use crate::net::{Body, NetError, Outcome, Request, Response, SafeUrl};
use crate::store;

/// Brings an archive by URL, or from the cache, and unpacks it into `folder`.
pub(super) async fn run(
    context: &Fetch<'_>,
    request: Request,
    expected: &[Digest],
    folder: &Path,
) -> Result<Unpacked, SourceError> {
    let download = Download {
        context,
        from: request.url.to_string(),
        expected,
        folder,
        resumed: AtomicBool::new(false),
    };
    let limit = context.limits.pack_bytes;
    if let Some(bytes) = context.size.filter(|size| *size > limit) {
        let from = download.from;
        return Err(SourceError::TooLarge { from, bytes, limit });
    }
    if !context.cache.is_on() {
        return download.fresh(request, Keeping::Nothing).await;
    }
    // whoever fetches the same bytes already leaves them in the cache
    let _turns = tokio::select! {
        biased;
        () = context.stop.cancelled() => return Err(SourceError::Cancelled),
        turns = context.cache.turn(expected.first(), &request.url) => turns,
    };
    match download.sparing(request.clone()).await {
        // what is kept may be what lacks: no install fails for the sake of the cache
        Err(error) if error.is_no_space() => {
            tracing::info!(
                from = download.from,
                "too little space: the cache is emptied, and nothing kept"
            );
            off_thread(context.cache, |cache| cache.trim(0)).await;
            download.empty().await?;
            download.fresh(request, Keeping::Nothing).await
        }
        result => result,
    }
}

/// Whether what comes is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    All,
    Nothing,
}

struct Download<'a> {
    context: &'a Fetch<'a>,
    from: String,
    expected: &'a [Digest],
    folder: &'a Path,
    /// Whether a body broke off and was gone on with.
    resumed: AtomicBool,
}

impl Download<'_> {
    /// Asks for no more than is not there yet.
    async fn sparing(&self, mut request: Request) -> Result<Unpacked, SourceError> {
        let cache = self.context.cache;
        if let Some(digest) = self.expected.first() {
            let digest = *digest;
            if let Some(path) = off_thread(cache, move |cache| cache.archive(&digest)).await
                && let Some(unpacked) = self.unpack_kept(path, self.expected).await?
            {
                return Ok(unpacked);
            }
        }
        let (url, proven) = (request.url.clone(), !self.expected.is_empty());
        let begun = off_thread(cache, move |cache| cache.begun(&url, proven)).await;
        if let Some((path, digest, validators)) = begun.before {
            request.validators = Some(validators);
            let answer = self.ask(&request).await?;
            if matches!(answer.outcome, Outcome::NotModified) {
                if let Some(unpacked) = self.unpack_kept(path, &[digest]).await? {
                    return Ok(unpacked);
                }
                request.validators = None;
                return self.fresh(request, Keeping::All).await;
            }
            return self.receive(&request.url, answer, Keeping::All).await;
        }
        request.partial = begun.partial;
        let answer = self.ask(&request).await?;
        let began_late = answer.begins_at > 0;
        let received = self.receive(&request.url, answer, Keeping::All).await;
        let was_resumed = began_late || self.resumed.load(Ordering::Relaxed);
        match received {
            // whose fault it is cannot be told, but all of it in one piece can be had
            Err(error) if was_resumed && error.is_about_the_bytes() => {
                tracing::warn!(from = self.from, error = %crate::logging::chain(&error), "what was gone on with does not fit; from the start");
                self.empty().await?;
                request.partial = None;
                self.fresh(request, Keeping::All).await
            }
            result => result,
        }
    }

    /// Asks for all of it.
    async fn fresh(&self, request: Request, keeping: Keeping) -> Result<Unpacked, SourceError> {
        let answer = self.ask(&request).await?;
        self.receive(&request.url, answer, keeping).await
    }

    /// Unpacks what the cache has, unless it turns out to be something else: then that is thrown away.
    async fn unpack_kept(
        &self,
        path: PathBuf,
        expected: &[Digest],
    ) -> Result<Option<Unpacked>, SourceError> {
        let stop = self.context.stop.child_token();
        let _ends_the_thread_if_this_is_dropped = stop.clone().drop_guard();
        let (unpacking, position) =
            Unpacking::new(self.context, self.from.clone(), self.folder, expected, stop);
        let archive = path.clone();
        let thread = tokio::task::spawn_blocking(move || unpacking.file(&archive, Way::Cache));
        match watch(thread, position, self.context.progress).await {
            Ok(unpacked) => Ok(Some(unpacked)),
            Err(
                SourceError::DigestMismatch { .. }
                | SourceError::SizeMismatch { .. }
                | SourceError::Open { .. }
                | SourceError::NotAFile { .. }
                | SourceError::Read { .. },
            ) => {
                off_thread(self.context.cache, move |_| Cache::discard(&path)).await;
                self.empty().await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn empty(&self) -> Result<(), SourceError> {
        let folder = self.folder.to_owned();
        let emptied = store::off_thread(move || store::tree::empty(&folder)).await;
        emptied.map_err(|source| SourceError::Folder {
            from: self.from.clone(),
            source,
        })
    }

    async fn ask(&self, request: &Request) -> Result<Response, SourceError> {
        let answer = tokio::select! {
            biased;
            () = self.context.stop.cancelled() => return Err(SourceError::Cancelled),
            answer = self.context.http.get(request.clone()) => answer,
        };
        answer.map_err(|error| self.judge(error))
    }

    /// Receives on this task what a thread unpacks.
    async fn receive(
        &self,
        url: &SafeUrl,
        answer: Response,
        keeping: Keeping,
    ) -> Result<Unpacked, SourceError> {
        let from = || self.from.clone();
        let begins_at = answer.begins_at;
        let record = Record::of(&answer.validators, answer.mark.as_ref());
        let body = match answer.outcome {
            Outcome::Body(body) => body,
            // nothing was known before, so nothing can be unchanged
            Outcome::NotModified => {
                let source = NetError::Status {
                    url: answer.url,
                    status: 304,
                    retry_after: None,
                };
                return Err(SourceError::Download { source });
            }
        };
        if let (Some(expected), Some(actual)) = (self.context.size, answer.content_length)
            && expected != actual
        {
            return Err(SourceError::SizeMismatch {
                from: from(),
                expected,
                actual,
                exact: true,
            });
        }

        if let Some(bytes) = answer.content_length {
            self.has_room(bytes, keeping).await?;
        }

        let stop = self.context.stop.child_token();
        let _ends_the_thread_if_this_is_dropped = stop.clone().drop_guard();
        let (unpacking, position) = Unpacking::new(
            self.context,
            from(),
            self.folder,
            self.expected,
            stop.clone(),
        );
        let (inlet, outlet) = pipe();
        let (cache, url) = (self.context.cache.clone(), url.clone());
        let known = self.expected.first().copied();
        let thread = tokio::task::spawn_blocking(move || {
            if keeping == Keeping::Nothing {
                return unpacking.run(outlet, Way::Straight);
            }
            let kept = cache.keep(&url, record, begins_at);
            let (keeper, beginning) = kept.map_err(|source| SourceError::Read {
                from: url.to_string(),
                source,
            })?;
            if let Some(beginning) = beginning {
                let way = Way::Resumed(begins_at);
                return unpack(unpacking, beginning, outlet, keeper, known, way);
            }
            let none = std::io::empty();
            unpack(unpacking, none, outlet, keeper, known, Way::Straight)
        });
        // where it breaks off, the thread reads on to the end of the pipe: what came is kept to be gone on with
        let mut body = *body;
        let receiving = async {
            let passed = pass_on(&mut body, inlet, &self.from, self.context.progress, &stop).await;
            self.resumed.store(body.was_resumed(), Ordering::Relaxed);
            passed
        };
        let watching = watch(thread, position, self.context.progress);
        let (received, unpacked) = tokio::join!(receiving, watching);
        match received {
            Err(Some(error)) => Err(self.judge(error)),
            Err(None) | Ok(()) => unpacked,
        }
    }

    /// That there is room for an archive of so many bytes, if it is kept, and for a tree that is no smaller. If there is
    /// not, the cache gives some back first.
    async fn has_room(&self, bytes: u64, keeping: Keeping) -> Result<(), SourceError> {
        let copies = match keeping {
            Keeping::All => 2,
            Keeping::Nothing => 1,
        };
        let needed = bytes
            .saturating_mul(copies)
            .saturating_add(self.context.min_free);
        let folder = self.folder.to_owned();
        let look = move |cache: &Cache| {
            let free = store::tree::free_bytes_at(&folder)?;
            if free >= needed {
                return Ok(free);
            }
            cache.give_back(needed - free);
            store::tree::free_bytes_at(&folder)
        };
        match off_thread(self.context.cache, look).await {
            Ok(free) if free < needed => Err(SourceError::NoRoom {
                from: self.from.clone(),
                bytes,
                needed,
                min_free: self.context.min_free,
                free,
            }),
            // a file system that does not say has to fail by itself
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Bytes beyond the size in the index are first of all not what was promised.
    fn judge(&self, error: NetError) -> SourceError {
        match (error, self.context.size) {
            (
                NetError::TooLarge {
                    limit, announced, ..
                },
                Some(expected),
            ) => SourceError::SizeMismatch {
                from: self.from.clone(),
                expected,
                actual: announced.unwrap_or(limit),
                exact: announced.is_some(),
            },
            (source, _) => SourceError::Download { source },
        }
    }
}

/// Unpacks what is there already and what comes behind it, and keeps that. Blocks.
fn unpack(
    unpacking: Unpacking,
    beginning: impl Read + Send,
    rest: impl Read + Send,
    mut keeper: Keeper,
    known: Option<Digest>,
    way: Way,
) -> Result<Unpacked, SourceError> {
    let rest = Kept {
        reader: rest,
        keeper: &mut keeper,
    };
    let result = unpacking.run(beginning.chain(rest), way);
    match &result {
        Ok(unpacked) => keeper.whole(&known.unwrap_or(unpacked.archive)),
        Err(error) if error.is_about_the_bytes() || error.is_no_space() => keeper.wrong(),
        Err(_) => keeper.broken(),
    }
    result
}

/// Passes the body on until it ends, or nobody wants more of it.
///
/// # Errors
/// What the network says; `None` when it was stopped.
async fn pass_on(
    body: &mut Body,
    inlet: Inlet,
    from: &str,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> Result<(), Option<NetError>> {
    let total = body.announced();
    progress.downloading(from, body.received(), total);
    loop {
        let chunk = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(None),
            // the unpacker has seen enough; the caller has its reason
            () = inlet.closed() => return Ok(()),
            chunk = body.chunk() => chunk?,
        };
        let Some(bytes) = chunk else { break };
        if inlet.send(bytes).await.is_err() {
            return Ok(());
        }
        progress.downloading(from, body.received(), total);
    }
    inlet.end().await;
    Ok(())
}

/// Asks the cache off the runtime's thread.
async fn off_thread<T: Send + 'static>(
    cache: &Cache,
    work: impl FnOnce(&Cache) -> T + Send + 'static,
) -> T {
    let cache = cache.clone();
    match tokio::task::spawn_blocking(move || work(&cache)).await {
        Ok(result) => result,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
