//! Where a repository is: every spelling that people use, read into one typed form.
//!
//! | written | meant |
//! |---|---|
//! | `https://host/path`, `http://…` | smart HTTP |
//! | `ssh://user@host:port/path`, `user@host:path` | the `ssh` program |
//! | `git://host/path` | the git protocol itself, without encryption |
//! | `file:///path` | a folder of this host |
//! | `github:org/repo`, `gitlab:group/repo`, each perhaps with `@ref` | https |
//!
//! `git+` may stand before a scheme, `#sub/dir` after any of them. A user name belongs to ssh alone and is no
//! secret there; what could be one is refused, so that a [`GitUrl`] can always be shown.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

/// The longest source, in bytes.
const LONGEST: usize = 4096;

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scheme {
    /// HTTP with TLS.
    Https,
    /// HTTP without.
    Http,
    /// The `ssh` program.
    Ssh,
    /// The git protocol over TCP.
    Git,
    /// A folder of this host.
    File,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
            Self::File => "file",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Https, Self::Http, Self::Ssh, Self::Git, Self::File]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(word))
    }

    fn port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            Self::Ssh => Some(22),
            Self::Git => Some(9418),
            Self::File => None,
        }
    }
}

/// The place of a repository. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct GitUrl {
    scheme: Scheme,
    user: Option<String>,
    host: String,
    /// Only where it is not the scheme's own.
    port: Option<u16>,
    /// As it is written: percent-encoded, but for `user@host:path`.
    path: String,
    /// `user@host:path`: the path is counted from the user's home.
    is_scp: bool,
}

/// What a text says: a repository, and perhaps what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelled {
    /// The repository.
    pub url: GitUrl,
    /// What follows the `@` of a shorthand, or of `….git@`.
    pub git_ref: Option<String>,
    /// What follows the `#`.
    pub path: Option<String>,
}

/// Why a text is not the place of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GitUrlError {
    /// It is no URL. The text is not repeated: it may hold a token.
    #[error("the source is not the URL of a repository: {reason}")]
    NotAUrl {
        /// What is wrong.
        reason: &'static str,
    },
    /// A way to reach a repository that packd does not go.
    #[error("`{scheme}` is not a way to reach a repository")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// User name or password in the URL, where every log and history would show it.
    #[error("the URL of `{host}` contains credentials")]
    Credentials {
        /// The host.
        host: String,
    },
    /// `?…`: no repository has one, and tokens are hidden there.
    #[error("the URL of a repository at `{host}` has a query, and repositories have none")]
    Query {
        /// The host.
        host: String,
    },
    /// A part of it could be taken for an option by the programs that it is given to.
    #[error("the {what} `{value}` begins with `-`, and could be taken for an option")]
    Option {
        /// `host`, `user` or `path`.
        what: &'static str,
        /// The part.
        value: String,
    },
}

impl GitUrlError {
    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Credentials { .. } => {
                "credentials belong into `git.credentials` of packd.yaml, by the name of the host"
            }
            Self::Query { .. } => "give it without what follows the `?`",
            Self::Scheme { .. } => "https:// and ssh:// are the usual ones",
            Self::NotAUrl { .. } => {
                "write `https://host/path.git`, `ssh://user@host/path`, `user@host:path` or `github:org/repo`"
            }
            Self::Option { .. } => {
                "write it in the form `ssh://user@host/path`, where no part begins with `-`"
            }
        }
    }
}

/// The forges that have a word of their own.
const FORGES: [(&str, &str); 2] = [("github", "github.com"), ("gitlab", "gitlab.com")];

/// Whether a source can only mean a repository, going by its form.
///
/// An `https://` URL that does not end in `.git` may be one too: that is found out by asking.
#[must_use]
pub(crate) fn is_certain(source: &str) -> bool {
    let Some((before, after)) = source.split_once(':') else {
        return false;
    };
    if after.starts_with(':') {
        return true;
    }
    if !after.starts_with("//") {
        let is_forge = FORGES.iter().any(|(word, _)| *word == before);
        return is_forge || (before.contains('@') && !before.contains('/'));
    }
    match before.to_ascii_lowercase().as_str() {
        // a file of this host is a repository or nothing
        "ssh" | "git" | "file" => true,
        word if word.starts_with("git+") => true,
        "http" | "https" => has_ending(source),
        _ => false,
    }
}

/// Whether the path of a URL ends in `.git`.
fn has_ending(source: &str) -> bool {
    let path = source.split(['#', '?']).next().unwrap_or_default();
    let (path, _) = ref_behind(path);
    let path = path.trim_end_matches('/').as_bytes();
    path.len() > 4 && path[path.len() - 4..].eq_ignore_ascii_case(b".git")
}

/// Splits `….git@REF`, as Python's installers write it. A `.git@` before the path belongs to a user's name.
fn ref_behind(source: &str) -> (&str, Option<&str>) {
    let before_path = match source.split_once("://") {
        Some((scheme, rest)) => rest.find('/').map(|slash| scheme.len() + 3 + slash),
        None => source.find(':'),
    };
    let found = before_path.and_then(|start| Some(start + source[start..].find(".git@")?));
    match found {
        Some(at) => (&source[..at + 4], Some(&source[at + 5..])),
        None => (source, None),
    }
}

impl Spelled {
    /// Reads a source.
    ///
    /// # Errors
    /// [`GitUrlError`]; it never repeats what could be a secret.
    pub(crate) fn parse(source: &str) -> Result<Self, GitUrlError> {
        let refuse = |reason| Err(GitUrlError::NotAUrl { reason });
        if source.len() > LONGEST {
            return refuse("it is longer than 4096 bytes");
        }
        // `ext::command` and its like: programs that git would start
        if let Some((word, _)) = source.split_once("::")
            && !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte))
        {
            return Err(GitUrlError::Scheme {
                scheme: format!("{word}::"),
            });
        }
        if source
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        {
            return refuse("it has a space, a backslash or a control character");
        }
        let (rest, path) = match source.split_once('#') {
            Some((rest, path)) => (rest, Some(path)),
            None => (source, None),
        };
        let path = match path.map(|path| percent_decode_str(path).decode_utf8()) {
            Some(Ok(path)) if !path.is_empty() => Some(path.into_owned()),
            Some(Err(_)) => return refuse("what follows its `#` is not UTF-8"),
            _ => None,
        };
        let Some((word, after)) = before_colon(rest) else {
            return refuse("it has no scheme");
        };
        if let Some((_, host)) = FORGES.iter().find(|(forge, _)| *forge == word)
            && !after.starts_with("//")
        {
            let (url, git_ref) = shorthand(word, host, after)?;
            return Ok(Self { url, git_ref, path });
        }
        let (rest, git_ref) = ref_behind(rest);
        if git_ref == Some("") {
            return refuse("nothing follows its `@`");
        }
        let url = if after.starts_with("//") {
            with_scheme(word, rest)?
        } else {
            scp(word, &rest[word.len() + 1..])?
        };
        Ok(Self {
            url,
            git_ref: git_ref.map(str::to_owned),
            path,
        })
    }
}

/// What is before the colon and behind it; the colons of an address in brackets are none.
fn before_colon(text: &str) -> Option<(&str, &str)> {
    let (word, after) = text.split_once(':')?;
    if !word.contains("@[") {
        return Some((word, after));
    }
    let end = text.find("]:")?;
    Some((&text[..=end], &text[end + 2..]))
}

/// `github:org/repo@ref`.
fn shorthand(word: &str, host: &str, rest: &str) -> Result<(GitUrl, Option<String>), GitUrlError> {
    let (name, git_ref) = match rest.split_once('@') {
        Some((_, "")) => {
            return Err(GitUrlError::NotAUrl {
                reason: "nothing follows its `@`",
            });
        }
        Some((name, git_ref)) => (name, Some(git_ref.to_owned())),
        None => (rest, None),
    };
    let name = name.strip_suffix(".git").unwrap_or(name);
    let parts: Vec<_> = name.split('/').collect();
    let legal = |part: &&str| {
        !part.is_empty()
            && !part.starts_with(['-', '.'])
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    // only GitLab has groups in groups
    let fits = parts.len() == 2 || (word == "gitlab" && parts.len() > 2);
    if !fits || !parts.iter().all(legal) {
        return Err(GitUrlError::NotAUrl {
            reason: "a shorthand names an owner and a repository, as `github:org/repo`",
        });
    }
    let url = GitUrl {
        scheme: Scheme::Https,
        user: None,
        host: host.to_owned(),
        port: None,
        path: format!("/{name}.git"),
        is_scp: false,
    };
    Ok((url, git_ref))
}

/// `user@host:path`.
fn scp(before: &str, path: &str) -> Result<GitUrl, GitUrlError> {
    let refuse = |reason| Err(GitUrlError::NotAUrl { reason });
    let Some((user, host)) = before.rsplit_once('@') else {
        return Err(GitUrlError::Scheme {
            scheme: before.to_owned(),
        });
    };
    if user.contains(['@', '/']) {
        return refuse("its user name is none");
    }
    let host = host.to_ascii_lowercase();
    not_an_option("user", user)?;
    not_an_option("host", &host)?;
    not_an_option("path", path)?;
    if user.is_empty() || path.is_empty() || url::Host::parse(&host).is_err() {
        return refuse("it is not of the form `user@host:path`");
    }
    Ok(GitUrl {
        scheme: Scheme::Ssh,
        user: Some(user.to_owned()),
        host,
        port: None,
        path: path.trim_end_matches('/').to_owned(),
        is_scp: true,
    })
}

/// `scheme://…`.
fn with_scheme(word: &str, text: &str) -> Result<GitUrl, GitUrlError> {
    let lower = word.to_ascii_lowercase();
    let bare = lower.strip_prefix("git+").unwrap_or(&lower);
    let scheme = Scheme::of(bare).ok_or_else(|| GitUrlError::Scheme {
        scheme: word.to_owned(),
    })?;
    let refuse = |reason| GitUrlError::NotAUrl { reason };
    // a scheme that the URL standard calls special: hosts are then read as hosts, whatever the scheme
    let as_if = |special: &str| Url::parse(&format!("{special}{}", &text[word.len()..]));
    let malformed = |_| refuse("it is malformed");
    let (url, port) = match scheme {
        Scheme::File => (as_if("file").map_err(malformed)?, None),
        Scheme::Https | Scheme::Http | Scheme::Ssh | Scheme::Git => {
            let url = as_if("https").map_err(malformed)?;
            // each of the two drops its own port, which may not be ours
            let port = url.port().or(as_if("http").map_err(malformed)?.port());
            (url, port.filter(|port| Some(*port) != scheme.port()))
        }
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    if url.query().is_some() {
        return Err(GitUrlError::Query { host });
    }
    let has_user = !url.username().is_empty();
    if url.password().is_some() || (has_user && scheme != Scheme::Ssh) {
        return Err(GitUrlError::Credentials { host });
    }
    if scheme == Scheme::File && !host.is_empty() {
        return Err(refuse("a file is on this host, as `file:///path`"));
    }
    let user = percent_decode_str(url.username())
        .decode_utf8()
        .map_err(|_| refuse("its user name is not UTF-8"))?;
    if user.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(refuse("its user name is none"));
    }
    not_an_option("user", &user)?;
    not_an_option("host", &host)?;
    let path = url.path().trim_end_matches('/');
    if path.is_empty() {
        return Err(refuse("it names no repository of the host"));
    }
    let written = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| refuse("its path is not UTF-8"))?;
    if written.contains(char::is_control) {
        return Err(refuse("its path has a control character"));
    }
    Ok(GitUrl {
        scheme,
        user: has_user.then(|| user.into_owned()),
        host,
        port,
        path: path.to_owned(),
        is_scp: false,
    })
}

fn not_an_option(what: &'static str, value: &str) -> Result<(), GitUrlError> {
    if value.starts_with('-') {
        let value = value.to_owned();
        return Err(GitUrlError::Option { what, value });
    }
    Ok(())
}

impl GitUrl {
    /// How it is reached.
    #[must_use]
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, in lower case; nothing for a file.
    #[must_use]
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Host and port as people write them, and as `git.credentials` and `known_hosts` name them.
    #[must_use]
    pub(crate) fn host_and_port(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The host without the brackets of an IPv6 address, as programs take it.
    #[must_use]
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// The user of ssh.
    #[must_use]
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The port, where it is not the scheme's own.
    #[must_use]
    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path as the other side wants it: decoded, and `~user/…` without a slash before it.
    #[must_use]
    pub(super) fn remote_path(&self) -> String {
        if self.is_scp {
            return self.path.clone();
        }
        let path = percent_decode_str(&self.path).decode_utf8_lossy();
        let from_home = self.scheme == Scheme::Ssh && path.starts_with("/~");
        path[usize::from(from_home)..].to_owned()
    }
}

impl fmt::Display for GitUrl {
    /// The one spelling of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_scp {
            let user = self.user.as_deref().unwrap_or_default();
            return write!(f, "{user}@{}:{}", self.host, self.path);
        }
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests;
