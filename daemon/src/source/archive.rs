//! An archive, by URL or from a local file, to a folder of files: in one pass, with its digest.
//!
//! A thread unpacks what it reads from a file, or what [`super::download`] receives. Unproven bytes
//! therefore reach the unpacker and the folder; its limits hold in the pass, and the folder is nothing
//! before this returned without an error.

use std::path::{Path, PathBuf};

use packd_format::Digest;
use packd_format::archive::Format;
use packd_format::tree::FileList;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::error::SourceError;
use super::relay::Position;
use super::unpacking::Unpacking;
use super::{Fetch, Progress, download};
use crate::config::Secret;
use crate::net::{Realm, Request, SafeUrl};

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
        /// Where it may lead, which depends on who named the URL.
        realm: Realm,
    },
    /// In a local file: an upload in the state folder, or one below the folder of a `file:` registry.
    /// That it lies there is the caller's to know.
    File {
        /// Where.
        path: PathBuf,
        /// What errors call it: an upload is known by the name that its sender gave it.
        shown: String,
    },
    /// In no archive: a folder of files, in a registry that is a folder of packs.
    Folder {
        /// Where.
        path: PathBuf,
        /// What errors call it.
        shown: String,
    },
}

impl Location {
    /// At a URL that a person named, who has no headers for it.
    #[must_use]
    pub(crate) fn named(url: SafeUrl, allow_http: bool) -> Self {
        Self::Url {
            url,
            headers: Vec::new(),
            allow_http,
            realm: Realm::Anywhere,
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
    /// What it really is, whatever it is called.
    pub format: Format,
    /// Which way its bytes came.
    pub way: Way,
    /// What lies in the folder now.
    pub files: FileList,
}

/// Which way bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All of them from where they lie.
    Straight,
    /// So many had come before, and the rest now.
    Resumed(u64),
    /// All of them had come before.
    Cache,
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
    match location {
        Location::File { path, shown } => {
            let (unpacking, position) =
                Unpacking::new(context, shown.clone(), folder, expected, stop);
            let path = path.clone();
            let thread = tokio::task::spawn_blocking(move || unpacking.file(&path, Way::Straight));
            watch(thread, position, context.progress).await
        }
        Location::Folder { path, shown } => {
            let place = (path.clone(), shown.clone());
            super::folder::run(context, place, expected, folder, stop).await
        }
        Location::Url {
            url,
            headers,
            allow_http,
            realm,
        } => {
            let request = Request {
                headers: headers.clone(),
                allow_http: *allow_http,
                realm: *realm,
                ..Request::new(url.clone(), budget(context))
            };
            download::run(context, request, expected, folder).await
        }
    }
}

/// How many bytes an archive may have.
fn budget(context: &Fetch<'_>) -> u64 {
    let limit = context.limits.pack_bytes;
    context.size.map_or(limit, |size| size.min(limit))
}

/// Tells of the unpacking while it lasts, and returns when its thread has ended.
pub(super) async fn watch(
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
