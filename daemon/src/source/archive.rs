//! An archive, by URL or from a local file, to a folder of files: in one pass, with its digest.
//!
//! The runtime receives and a thread unpacks, with a [`super::pipe`] between them. Unproven bytes
//! therefore reach the unpacker and the folder; its limits hold in the pass, and the folder is nothing
//! before this returned without an error.

use std::path::{Path, PathBuf};

use packd_format::Digest;
use packd_format::tree::FileList;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::error::SourceError;
use super::pipe::{Inlet, pipe};
use super::relay::{Position, Relay};
use super::unpacking::Unpacking;
use super::{Fetch, Progress};
use crate::config::Secret;
use crate::net::{Body, NetError, Outcome, Request, SafeUrl};

/// Where an archive is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// At a URL.
    Url {
        /// The URL.
        url: SafeUrl,
        /// Headers with credentials. They go to the URL's own origin only.
        headers: Vec<(String, Secret)>,
        /// Whether plain http will do.
        allow_http: bool,
    },
    /// In a local file: an upload in the state folder, or one below the folder of a `file:` registry.
    /// That it lies there is the caller's to know.
    File {
        /// Where.
        path: PathBuf,
        /// What errors call it: an upload is known by the name that its sender gave it.
        shown: String,
    },
}

impl Location {
    /// At a URL.
    #[must_use]
    pub(crate) fn remote(url: SafeUrl, headers: Vec<(String, Secret)>, allow_http: bool) -> Self {
        Self::Url {
            url,
            headers,
            allow_http,
        }
    }

    /// In a local file.
    #[must_use]
    pub(crate) fn file(path: PathBuf) -> Self {
        let shown = path.display().to_string();
        Self::File { path, shown }
    }

    /// In a local file that a client sent and called `shown`.
    #[must_use]
    pub(crate) fn upload(path: PathBuf, shown: String) -> Self {
        Self::File { path, shown }
    }
}

/// What came of an archive.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// sha256 of the archive.
    pub archive: Digest,
    /// The bytes of the archive.
    pub bytes: u64,
    /// What lies in the folder now.
    pub files: FileList,
}

/// Brings an archive and unpacks it into `folder`, which exists, is empty, and belongs to no one else.
///
/// Every digest in `expected` has to agree; none is needed. What is left in the folder after an error
/// is the caller's to remove. Has to be driven to its end: `stop` of the context ends it early, and then
/// too it returns only when nothing writes any more. If it is dropped all the same, its thread ends at
/// the next read or entry, a moment later.
///
/// # Errors
/// [`SourceError`]; [`SourceError::is_transient`] says whether the same again can help.
pub(crate) async fn fetch(
    context: &Fetch<'_>,
    location: &Location,
    expected: &[Digest],
    folder: &Path,
) -> Result<Unpacked, SourceError> {
    let stop = context.stop.child_token();
    let _ends_the_thread_if_this_is_dropped = stop.clone().drop_guard();
    let (relay, position) = Relay::new(stop.clone());
    let unpacking = Unpacking {
        from: String::new(),
        folder: folder.to_owned(),
        limits: context.limits.clone(),
        expected: expected.to_vec(),
        size: context.size,
        relay,
        stop: stop.clone(),
    };
    match location {
        Location::File { path, shown } => {
            let path = path.clone();
            let unpacking = Unpacking {
                from: shown.clone(),
                ..unpacking
            };
            let thread = tokio::task::spawn_blocking(move || unpacking.file(&path));
            watch(thread, position, context.progress).await
        }
        Location::Url {
            url,
            headers,
            allow_http,
        } => {
            let request = Request {
                headers: headers.clone(),
                allow_http: *allow_http,
                ..Request::new(url.clone(), budget(context))
            };
            let unpacking = Unpacking {
                from: url.to_string(),
                ..unpacking
            };
            download(context, request, unpacking, position, &stop).await
        }
    }
}

/// How many bytes an archive may have.
fn budget(context: &Fetch<'_>) -> u64 {
    let limit = context.limits.pack_bytes;
    context.size.map_or(limit, |size| size.min(limit))
}

/// Receives on this task what a thread unpacks.
async fn download(
    context: &Fetch<'_>,
    request: Request,
    unpacking: Unpacking,
    position: watch::Receiver<Position>,
    stop: &CancellationToken,
) -> Result<Unpacked, SourceError> {
    let from = unpacking.from.clone();
    let limit = context.limits.pack_bytes;
    if let Some(bytes) = context.size.filter(|size| *size > limit) {
        return Err(SourceError::TooLarge { from, bytes, limit });
    }
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(SourceError::Cancelled),
        answer = context.http.get(request) => answer.map_err(|error| judge(error, context, &from))?,
    };
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
    if let (Some(expected), Some(actual)) = (context.size, answer.content_length)
        && expected != actual
    {
        return Err(SourceError::SizeMismatch {
            from,
            expected,
            actual,
            exact: true,
        });
    }

    let (inlet, outlet) = pipe();
    let thread = tokio::task::spawn_blocking(move || unpacking.run(outlet));
    let receiving = async {
        let received = receive(*body, inlet, &from, context.progress, stop).await;
        if received.is_err() {
            // nothing that is still in the pipe is worth unpacking
            stop.cancel();
        }
        received
    };
    let (received, unpacked) = tokio::join!(receiving, watch(thread, position, context.progress));
    match received {
        Err(Some(error)) => Err(judge(error, context, &from)),
        Err(None) | Ok(()) => unpacked,
    }
}

/// Passes the body on until it ends, or nobody wants more of it.
///
/// # Errors
/// What the network says; `None` when it was stopped.
async fn receive(
    mut body: Body,
    inlet: Inlet,
    from: &str,
    progress: &dyn Progress,
    stop: &CancellationToken,
) -> Result<(), Option<NetError>> {
    let total = body.announced();
    progress.downloading(from, 0, total);
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

/// Tells of the unpacking while it lasts, and returns when its thread has ended.
async fn watch(
    mut thread: JoinHandle<Result<Unpacked, SourceError>>,
    mut position: watch::Receiver<Position>,
    progress: &dyn Progress,
) -> Result<Unpacked, SourceError> {
    let tell = |at: &Position| progress.extracting(&at.file, at.files, at.bytes);
    loop {
        tokio::select! {
            ended = &mut thread => {
                // a small archive is done before anybody looked
                let last = position.borrow_and_update();
                if last.has_changed() {
                    tell(&last);
                }
                return ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
            }
            // once the thread has let go of its end there is only the thread to wait for
            Ok(()) = position.changed() => tell(&position.borrow_and_update()),
        }
    }
}

/// Bytes beyond the size in the index are first of all not what was promised.
fn judge(error: NetError, context: &Fetch<'_>, from: &str) -> SourceError {
    match (error, context.size) {
        (
            NetError::TooLarge {
                limit, announced, ..
            },
            Some(expected),
        ) => SourceError::SizeMismatch {
            from: from.to_owned(),
            expected,
            actual: announced.unwrap_or(limit),
            exact: announced.is_some(),
        },
        (source, _) => SourceError::Download { source },
    }
}
