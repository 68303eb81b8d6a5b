//! The command line of ssh, and what its words mean.
//!
//! Nothing of the user's or the system's configuration counts: one key, one file of known hosts, no agent, no
//! question, no forwarding, no program of anybody's choice.

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::error::{GitError, HostKey};
use super::url::GitUrl;

/// Where programs are looked for: the daemon's own environment does not decide it.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Where ssh servers listen.
pub(super) const PORT: u16 = 22;
/// The program of the other side.
const SERVICE: &str = "git-upload-pack";

/// The files that ssh needs.
#[derive(Debug, Clone)]
pub(super) struct Files<'a> {
    /// The private key.
    pub(super) key: &'a Path,
    /// The keys of the hosts that are trusted.
    pub(super) known_hosts: &'a Path,
}

/// `ssh … host git-upload-pack 'path'`. With `at`, ssh goes there and looks no name up; the host's key is looked for
/// under the name all the same.
pub(super) fn command(
    url: &GitUrl,
    files: &Files<'_>,
    at: Option<IpAddr>,
    connect_within: Duration,
) -> Command {
    let mut command = Command::new("ssh");
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .env("GIT_PROTOCOL", "version=2")
        // no file of the user's or the system's
        .args(["-F", "none", "-T", "-x", "-a"]);
    let path = |path: &Path| quoted_option(&path.display().to_string());
    let options = [
        "BatchMode=yes".to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        format!("UserKnownHostsFile={}", path(files.known_hosts)),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        "VerifyHostKeyDNS=no".to_owned(),
        format!("IdentityFile={}", path(files.key)),
        "IdentitiesOnly=yes".to_owned(),
        "IdentityAgent=none".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        "PasswordAuthentication=no".to_owned(),
        "KbdInteractiveAuthentication=no".to_owned(),
        "ClearAllForwardings=yes".to_owned(),
        "PermitLocalCommand=no".to_owned(),
        "ProxyCommand=none".to_owned(),
        "ControlMaster=no".to_owned(),
        "ControlPath=none".to_owned(),
        "CanonicalizeHostname=no".to_owned(),
        format!("ConnectTimeout={}", connect_within.as_secs().max(1)),
        "SendEnv=GIT_PROTOCOL".to_owned(),
        // it says then which key a host has shown
        "LogLevel=DEBUG1".to_owned(),
    ];
    for option in options {
        command.arg("-o").arg(option);
    }
    if let Some(at) = at {
        let name = match url.port() {
            Some(port) if port != PORT => format!("[{}]:{port}", url.bare_host()),
            _ => url.bare_host().to_owned(),
        };
        command.arg("-o").arg(format!("HostName={at}"));
        command.arg("-o").arg(format!("HostKeyAlias={name}"));
    }
    if let Some(port) = url.port() {
        command.arg("-p").arg(port.to_string());
    }
    if let Some(user) = url.user() {
        command.arg("-l").arg(user);
    }
    command
        .arg("--")
        .arg(url.bare_host())
        .arg(format!("{SERVICE} {}", quoted(&url.remote_path())));
    command
}

/// A word for the shell of the other side. Always in quotes: git-shell takes nothing else.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''").replace('!', r"'\!'"))
}

/// A value in an option of ssh, which parts it at spaces and fills in what follows a `%`.
fn quoted_option(value: &str) -> String {
    format!("\"{}\"", value.replace('%', "%%"))
}

/// What ssh, or the program that it started, meant.
pub(super) fn judge(url: &GitUrl, known_hosts: &Path, said: &str) -> Option<GitError> {
    let host = url.host_and_port();
    let words: Vec<_> = said
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.starts_with("debug1:") && !line.is_empty())
        .collect();
    let has = |text: &str| words.iter().any(|line| line.contains(text));
    let shown = said
        .lines()
        .find_map(|line| line.strip_prefix("debug1: Server host key: "))
        .map(|key| key.trim_end().to_owned());
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("key differs") {
        return Some(GitError::HostKey {
            host,
            shown,
            known_hosts: known_hosts.to_owned(),
            why: HostKey::Differs,
        });
    }
    if has("Host key verification failed") || has("host key is known for") {
        return Some(GitError::HostKey {
            host,
            shown,
            known_hosts: known_hosts.to_owned(),
            why: HostKey::Unknown,
        });
    }
    if has("Permission denied (") || has("Too many authentication failures") {
        return Some(GitError::Denied {
            host,
            said: last(&words),
        });
    }
    let unreachable = [
        "Could not resolve hostname",
        "Connection refused",
        "Connection timed out",
        "No route to host",
        "Network is unreachable",
        "Connection reset",
        "Connection closed",
        "kex_exchange_identification",
    ];
    if unreachable.iter().any(|text| has(text)) {
        return Some(GitError::Unreachable {
            host,
            said: last(&words),
        });
    }
    if words.is_empty() {
        return None;
    }
    Some(GitError::Server {
        from: url.to_string(),
        said: words
            .iter()
            .find_map(|line| line.strip_prefix("fatal: "))
            .map_or_else(|| last(&words), printable),
    })
}

fn last(words: &[&str]) -> String {
    words.last().copied().map(printable).unwrap_or_default()
}

/// What comes from elsewhere as it may be shown: one line, no control characters, not for ever.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(300)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
