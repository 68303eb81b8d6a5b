//! Why a conversation failed.
//!
//! The library says what it saw of it. Who ended the stream, the server in its own words, and the program between
//! know more, and are asked first.

use std::path::PathBuf;

use super::error::GitError;
use super::guard::Guard;
use super::ssh;
use super::stream::Said;
use super::url::{GitUrl, Scheme};

/// Who may know why something failed, the best informed first.
pub(super) struct Reasons<'a> {
    pub(super) url: &'a GitUrl,
    pub(super) guard: &'a Guard,
    pub(super) said: Option<&'a Said>,
    pub(super) known_hosts: Option<&'a PathBuf>,
}

impl Reasons<'_> {
    /// The reason, of all that is known.
    pub(super) fn judge(&self, what: &'static str, error: &gix::Error) -> GitError {
        if let Some(trouble) = self.guard.take_trouble() {
            return trouble;
        }
        let words = words_of(error);
        let from = self.url.to_string();
        // the other side said it in the protocol's own way
        if let Some(said) = said(error) {
            return GitError::Server { from, said };
        }
        if let Some(said) = words.iter().find_map(|line| refusal(line)) {
            return GitError::Server { from, said };
        }
        let aside = self.said.map(Said::text).unwrap_or_default();
        if self.url.scheme() == Scheme::Ssh
            && let Some(known_hosts) = self.known_hosts
            && let Some(error) = ssh::judge(self.url, known_hosts, &aside)
        {
            return error;
        }
        if let Some(line) = aside.lines().find_map(|line| line.strip_prefix("fatal: ")) {
            return GitError::Server {
                from,
                said: ssh::printable(line),
            };
        }
        if words.iter().any(|line| line.contains("'smart' protocol")) {
            return GitError::NoRepository {
                from,
                why: "it does not speak smart HTTP",
            };
        }
        let broke = [
            "failed to fill whole buffer",
            "UnexpectedEof",
            "unexpected end of file",
            "Broken pipe",
        ];
        let is_cut = words
            .iter()
            .any(|line| broke.iter().any(|text| line.contains(text)))
            || words.iter().any(|line| line.contains("but there was none"));
        if is_cut {
            return GitError::Cut {
                from,
                received: self.guard.received(),
            };
        }
        GitError::Library {
            what,
            reason: words.join(": "),
        }
    }
}

/// What a server says in a packet of its own kind, in place of what was asked for.
fn said(error: &gix::Error) -> Option<String> {
    let cause = error.downcast_any_ref::<std::io::Error>()?.get_ref()?;
    let packet = cause.downcast_ref::<gix_transport::packetline::read::Error>()?;
    Some(ssh::printable(&packet.message.to_string()))
}

/// What a server says before it hangs up.
fn refusal(line: &str) -> Option<String> {
    ["upload-pack: ", "ERR ", "access denied"]
        .iter()
        .find_map(|start| line.find(start).map(|at| &line[at..]))
        .map(|said| said.strip_prefix("ERR ").unwrap_or(said))
        .map(ssh::printable)
}

/// Whether the library did not make room for an object.
pub(super) fn is_too_large(error: &gix::Error) -> bool {
    words_of(error)
        .iter()
        .any(|line| line.contains("too large to fit in memory"))
}

/// Whether the file system had no room for the pack.
pub(super) fn is_full(error: &gix::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let cause = error.downcast_any_ref::<std::io::Error>();
    cause.is_some_and(|cause| matches!(cause.kind(), StorageFull | QuotaExceeded))
}

/// What the library says, where nobody knows better.
pub(super) fn library(what: &'static str, error: &gix::Error) -> GitError {
    GitError::Library {
        what,
        reason: words_of(error).join(": "),
    }
}

/// Everything that the library says of an error, each once.
fn words_of(error: &gix::Error) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |text: String| {
        let text = ssh::printable(&text);
        if !text.is_empty() && !words.contains(&text) {
            words.push(text);
        }
    };
    add(error.to_string());
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        add(cause.to_string());
        source = cause.source();
    }
    words
}
