//! One file per transport: each turns a place with bytes into an unpacked tree.
//!
//! On a pack's way this is `fetch` and `unpack` in one pass. Which place, which digest, and what
//! becomes of the folder is decided by the caller; nothing here knows jobs or registries.

pub(crate) mod archive;
mod cache;
mod download;
mod early;
mod error;
mod folder;
pub(crate) mod git;
mod input;
mod pipe;
mod relay;
#[cfg(test)]
mod tests;
mod unpacking;

use std::path::Path;

use packd_format::archive::{Base, Limits};
use tokio_util::sync::CancellationToken;

pub(crate) use self::cache::Cache;
pub(crate) use self::error::SourceError;
pub(crate) use self::folder::packing;
use crate::config;
use crate::logging::chain;
use crate::net::Http;

/// What a pack may at most be, as configured.
#[must_use]
pub(crate) fn limits(config: &config::Limits) -> Limits {
    Limits {
        pack_bytes: config.pack_bytes.bytes(),
        file_bytes: config.file_bytes.bytes(),
        entries: config.pack_entries,
        ..Limits::default()
    }
}

/// Where a pack's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In an archive.
    Archive(archive::Location),
    /// In a commit of a repository.
    Git(Box<git::At>),
}

/// Hears how far a transport is. Called often; whom it tells how often is its own business.
pub(crate) trait Progress: Send + Sync {
    /// So many bytes of a download have come.
    fn downloading(&self, url: &str, done: u64, total: Option<u64>);

    /// `file` is being unpacked; `files` and `bytes` were before it.
    fn extracting(&self, file: &str, files: u64, bytes: u64);
}

/// What every transport needs.
#[derive(Clone, Copy)]
pub(crate) struct Fetch<'a> {
    /// The way to other hosts.
    pub http: &'a Http,
    /// What was brought before.
    pub cache: &'a Cache,
    /// What a pack may at most be. `pack_bytes` also bounds an archive whose size is not known.
    pub limits: &'a Limits,
    /// How many bytes the archive has, if that is known. Any other number is an error.
    pub size: Option<u64>,
    /// How many bytes must stay free on the file system that the tree is unpacked on.
    pub min_free: u64,
    /// The tree of an earlier version, to share files with.
    pub base: Option<&'a Path>,
    /// Who is told.
    pub progress: &'a dyn Progress,
    /// Ends the work, at any point of it.
    pub stop: &'a CancellationToken,
}

impl std::fmt::Debug for Fetch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            http,
            cache,
            limits,
            size,
            min_free,
            base,
            progress: _,
            stop,
        } = self;
        f.debug_struct("Fetch")
            .field("http", http)
            .field("cache", cache)
            .field("limits", limits)
            .field("size", size)
            .field("min_free", min_free)
            .field("base", base)
            .field("stop", stop)
            .finish_non_exhaustive()
    }
}

/// The tree to share files with. One that is gone by now is none: then all is written.
fn base(tree: &Path) -> Option<Base> {
    Base::open(tree)
        .inspect_err(|error| tracing::debug!(error = %chain(error), "no files to share"))
        .ok()
}
