//! The way of one commit, on a thread: into the cache where it is not there yet, and from it into a folder.
//!
//! Safe to repeat: a commit counts as cached once everything of it is there, and the folder is emptied before it is
//! written to again.

use std::path::PathBuf;
use std::time::Duration;

use gix::ObjectId;
use packd_format::archive::{Limits, Writer};

use super::Fetched;
use super::cache::Bare;
use super::error::GitError;
use super::guard::Guard;
use super::line::Line;
use super::talk::{Brought, Depth, Talk};
use super::tree::{self, Failure, Written};
use super::url::GitUrl;
use crate::source::{self, relay::Relay};

/// All that the thread needs, owned.
pub(super) struct Bringing {
    pub(super) url: GitUrl,
    pub(super) from: String,
    pub(super) commit: ObjectId,
    pub(super) path: Option<String>,
    pub(super) cached: PathBuf,
    pub(super) folder: PathBuf,
    /// The tree of an earlier version, to share files with.
    pub(super) base: Option<PathBuf>,
    pub(super) limits: Limits,
    pub(super) connect_within: Duration,
    pub(super) guard: Guard,
    pub(super) relay: Relay,
}

impl Bringing {
    /// Fetches what is not there, and writes the tree. A cache that turns out to be damaged is made anew, once.
    pub(super) fn run(mut self, line: &Line) -> Result<Fetched, GitError> {
        let limit = self.limits.file_bytes;
        let mut bare = Bare::open(&self.cached, limit)?;
        let mut warnings = Vec::new();
        let was_cached = bare.has(self.commit);
        let mut is_new = false;
        loop {
            if !bare.has(self.commit) && self.bring(&mut bare, line)? == Brought::WholeHistory {
                warnings.push(format!(
                    "the server of `{}` cannot leave history out, and sent all of it",
                    self.from
                ));
            }
            let (what, reason) = match self.write(&bare) {
                Ok(written) => {
                    warnings.extend(submodules(&written.submodules));
                    return Ok(Fetched {
                        files: written.files,
                        bytes: self.guard.received(),
                        was_cached,
                        warnings,
                    });
                }
                Err(Failure::Final(error)) => {
                    return Err(self.guard.take_trouble().unwrap_or(error));
                }
                Err(Failure::Damaged { what, reason }) => (what, reason),
            };
            if is_new {
                return Err(GitError::Object {
                    what,
                    commit: self.commit.to_string(),
                    reason,
                });
            }
            tracing::warn!(from = %self.from, what, reason, "a cached repository is damaged, and is fetched anew");
            is_new = true;
            bare = Bare::create(&self.cached, limit)?;
            crate::store::tree::empty(&self.folder).map_err(|error| GitError::Cache {
                path: self.folder.clone(),
                reason: error.to_string(),
            })?;
        }
    }

    /// Writes the tree.
    fn write(&mut self, bare: &Bare) -> Result<Written, Failure> {
        let earlier = self.base.as_deref().and_then(source::base);
        let writer = Writer::new(&self.folder, &self.limits, &mut self.relay)
            .map_err(|source| tree::unpack(&self.from, self.commit, source))?
            .sharing(earlier);
        tree::write(
            &bare.repository,
            &self.from,
            self.commit,
            self.path.as_deref(),
            (&self.limits, &self.guard),
            writer,
        )
    }

    /// Fetches the commit.
    fn bring(&self, bare: &mut Bare, line: &Line) -> Result<Brought, GitError> {
        let begin = || Talk::begin(&self.url, line.clone(), &self.guard, self.connect_within);
        let limit = self.limits.file_bytes;
        let mut talk = begin()?;
        if bare.is_shallow() && !talk.can_be_shallow() {
            *bare = Bare::create(&self.cached, limit)?;
        }
        let brought = match talk.fetch(bare, Some(self.commit), Depth::One, limit) {
            Err(GitError::Gone { .. }) if talk.gives_only_refs() => {
                // what was before the refs comes only with all of their history
                drop(talk);
                begin()?.fetch(bare, None, Depth::History, limit)?;
                Brought::WholeHistory
            }
            brought => brought?,
        };
        match bare.kind(self.commit) {
            Some(gix::objs::Kind::Commit) => {}
            Some(kind) => {
                return Err(GitError::NotACommit {
                    from: self.from.clone(),
                    id: self.commit.to_string(),
                    kind: kind.to_string(),
                });
            }
            None => {
                return Err(GitError::Gone {
                    from: self.from.clone(),
                    commit: self.commit.to_string(),
                });
            }
        }
        bare.keep(self.commit)?;
        Ok(brought)
    }
}

/// That submodules were left out.
fn submodules(paths: &[String]) -> Option<String> {
    let named: Vec<_> = paths
        .iter()
        .take(5)
        .map(|path| format!("`{path}`"))
        .collect();
    match paths.len() {
        0 => None,
        1 => Some(format!(
            "the submodule {} is not part of what is installed",
            named[0]
        )),
        count => Some(format!(
            "{count} submodules are not part of what is installed: {}{}",
            named.join(", "),
            if count > named.len() { ", …" } else { "" }
        )),
    }
}
