//! What a word on the command line names: a pack of a registry, a URL, or something on this machine.
//!
//! A bare word is always a registry reference, also when a folder has its name:
//! what is installed must not depend on where the shell happens to be.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use packd_format::archive::Format;
use packd_wire::Exit;

use crate::output::Failure;

/// Where a pack is to come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `slack`, `slack@^2`: the daemon asks its registries.
    Reference(String),
    /// The daemon fetches it.
    Url(String),
    /// A folder or an archive that the daemon may not read: sent to it.
    Local(PathBuf),
}

/// Why a word names no source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// Nothing was named.
    #[error("an empty source names no pack")]
    Empty,
    /// A requirement without a pack.
    #[error("`{text}` names no pack before its `@`")]
    NoName {
        /// What was typed.
        text: String,
    },
    /// A `file:` URL of another host, or that is none.
    #[error("`{text}` names no file on this machine")]
    NotAFile {
        /// What was typed.
        text: String,
    },
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let hint = match error {
            SourceError::Empty => "name a pack, a URL, or a path such as ./slack",
            SourceError::NoName { .. } => {
                "a pack and the version that will do are said as slack@^2"
            }
            SourceError::NotAFile { .. } => {
                "a file URL has three slashes: file:///path/to/pack.tar.gz"
            }
        };
        Self::of_error(Exit::Usage, &error).with_hint(hint)
    }
}

impl Source {
    /// What `text` names. Looks at the text only, never at the disk.
    ///
    /// # Errors
    /// When it names nothing.
    pub(crate) fn of(text: &str) -> Result<Self, SourceError> {
        if text.trim().is_empty() {
            return Err(SourceError::Empty);
        }
        if text.trim_start().starts_with('@') {
            return Err(SourceError::NoName {
                text: text.to_owned(),
            });
        }
        if let Some((scheme, rest)) = text.split_once(':')
            && scheme.eq_ignore_ascii_case("file")
        {
            let path = rest.split(['#', '?']).next().unwrap_or_default();
            let path = path.trim_end_matches('/').to_ascii_lowercase();
            if path.strip_suffix(".git").is_some() || path.contains(".git@") {
                return Ok(Self::Url(text.to_owned()));
            }
            return url::Url::parse(text)
                .ok()
                .and_then(|url| url.to_file_path().ok())
                .map(Self::Local)
                .ok_or_else(|| SourceError::NotAFile {
                    text: text.to_owned(),
                });
        }
        if text.contains("://") || text.contains("::") || is_scp(text) || is_shorthand(text) {
            return Ok(Self::Url(text.to_owned()));
        }
        let is_path =
            text.contains('/') || matches!(text, "." | "..") || Format::of_name(text).is_some();
        Ok(if is_path {
            Self::Local(text.into())
        } else {
            Self::Reference(text.to_owned())
        })
    }

    /// The same, where a `file:` URL names a repository: the daemon fetches a commit of it, as of any other.
    pub(crate) fn or_repository(self, text: &str, git_ref: Option<&str>) -> Self {
        let names_a_file = text
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("file:"));
        match self {
            Self::Local(path) if names_a_file && (git_ref.is_some() || is_repository(&path)) => {
                // with what follows its `#`, which names a folder of the repository
                url::Url::parse(text).map_or(Self::Local(path), |url| Self::Url(url.into()))
            }
            source => source,
        }
    }

    /// What was typed, for requests and messages.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Reference(text) | Self::Url(text) => text.into(),
            Self::Local(path) => path.to_string_lossy(),
        }
    }

    /// The folder that has the name of a registry reference, when there is one here.
    pub(crate) fn shadowing_folder(&self, here: &Path) -> Option<String> {
        let Self::Reference(text) = self else {
            return None;
        };
        let name = text.split('@').next().unwrap_or(text);
        here.join(name).is_dir().then(|| name.to_owned())
    }
}

/// `github:org/repo`, `gitlab:group/repo`.
fn is_shorthand(text: &str) -> bool {
    ["github:", "gitlab:"]
        .iter()
        .any(|forge| text.starts_with(forge))
}

/// Whether a folder is a git repository, bare or with a working copy.
fn is_repository(folder: &Path) -> bool {
    let is_bare = |folder: &Path| folder.join("HEAD").is_file() && folder.join("objects").is_dir();
    is_bare(folder) || folder.join(".git").exists()
}

/// `git@host:path`, as git and ssh write it.
fn is_scp(text: &str) -> bool {
    let Some((before, after)) = text.split_once(':') else {
        return false;
    };
    before.contains('@') && !before.contains('/') && !after.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_what_the_table_says() {
        use Source::{Local, Reference, Url};
        for (text, source) in [
            ("slack", Reference("slack".into())),
            ("slack@2.1.0", Reference("slack@2.1.0".into())),
            ("slack@^2", Reference("slack@^2".into())),
            ("slack@latest", Reference("slack@latest".into())),
            ("slack@>=1, <3", Reference("slack@>=1, <3".into())),
            ("Slack Pack", Reference("Slack Pack".into())),
            ("https://h/p.tar.gz", Url("https://h/p.tar.gz".into())),
            ("http://h/p.zip?x=./y", Url("http://h/p.zip?x=./y".into())),
            ("git+https://h/p.git", Url("git+https://h/p.git".into())),
            ("ssh://git@h/p.git", Url("ssh://git@h/p.git".into())),
            ("file:///srv/p.git", Url("file:///srv/p.git".into())),
            ("file:///srv/p.git#a", Url("file:///srv/p.git#a".into())),
            ("file:///srv/p.git@v1", Url("file:///srv/p.git@v1".into())),
            ("github:acme/slack@v1", Url("github:acme/slack@v1".into())),
            ("gitlab:a/b/slack#sub", Url("gitlab:a/b/slack#sub".into())),
            ("ext::sh", Url("ext::sh".into())),
            (
                "git@github.com:acme/slack.git",
                Url("git@github.com:acme/slack.git".into()),
            ),
            ("./slack", Local("./slack".into())),
            ("../slack", Local("../slack".into())),
            ("/srv/slack", Local("/srv/slack".into())),
            ("packs/slack", Local("packs/slack".into())),
            ("slack/", Local("slack/".into())),
            (".", Local(".".into())),
            ("..", Local("..".into())),
            ("slack.tar.gz", Local("slack.tar.gz".into())),
            ("slack-2.1.0.tgz", Local("slack-2.1.0.tgz".into())),
            ("SLACK.ZIP", Local("SLACK.ZIP".into())),
            ("slack.tar", Local("slack.tar".into())),
            ("file:///srv/my%20pack", Local("/srv/my pack".into())),
            ("FILE:///srv/slack.zip", Local("/srv/slack.zip".into())),
            ("file://localhost/srv/slack", Local("/srv/slack".into())),
        ] {
            assert_eq!(Source::of(text), Ok(source), "{text}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "  ", "@1", " @^2", "@", "file://elsewhere/srv/slack"] {
            assert!(Source::of(text).is_err(), "`{text}` was taken for a source");
        }
    }

    #[test]
    fn a_file_url_of_a_repository_is_fetched_and_a_path_is_sent() -> std::io::Result<()> {
        let here = tempfile::tempdir()?;
        let folder = here.path().to_owned();
        let text = format!("file://{}", folder.display());
        let settled = |git_ref| {
            Source::of(&text)
                .expect("a source")
                .or_repository(&text, git_ref)
        };
        assert_eq!(settled(None), Source::Local(folder.clone()));
        assert_eq!(settled(Some("v1")), Source::Url(text.clone()));
        fs_err::create_dir(folder.join(".git"))?;
        assert_eq!(settled(None), Source::Url(text.clone()));
        let within = format!("{text}#sub/dir");
        assert_eq!(
            Source::of(&within)
                .expect("a source")
                .or_repository(&within, None),
            Source::Url(within)
        );
        let path = folder.to_str().expect("a text");
        let sent = Source::of(path)
            .expect("a source")
            .or_repository(path, None);
        assert_eq!(sent, Source::Local(folder), "a path is what lies there now");
        Ok(())
    }

    #[test]
    fn a_folder_with_the_name_of_a_reference_is_noticed() -> std::io::Result<()> {
        let here = tempfile::tempdir()?;
        fs_err::create_dir(here.path().join("slack"))?;
        let folder = |text: &str| {
            let source = Source::of(text).expect("a source");
            source.shadowing_folder(here.path())
        };
        assert_eq!(folder("slack").as_deref(), Some("slack"));
        assert_eq!(folder("slack@^2").as_deref(), Some("slack"));
        assert_eq!(folder("http"), None, "there is no such folder");
        assert_eq!(folder("./slack"), None, "a path is no reference");
        Ok(())
    }
}
