//! A dependency on another pack, in every spelling in use.
//!
//! `slack`, `slack@^2.1` and `slack>=2` (Attune), `slack=2.1.0` and a git URL with an optional `=version`
//! (StackStorm), where a branch, tag or commit may stand for the version.

use std::fmt;
use std::str::FromStr;

use crate::name::{NameError, PackRef};
use crate::requirement::{Requirement, RequirementError};

/// The longest dependency, in bytes.
const MAX_LENGTH: usize = 2048;

/// A pack that is needed, and the versions that will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The pack.
    pub pack_ref: PackRef,
    /// The versions that will do.
    pub requirement: Requirement,
    /// The git repository it is named by, where it is named by one.
    pub url: Option<String>,
    /// The branch, tag or commit, where what follows the `=` is no version.
    pub git_ref: Option<String>,
}

/// Why a text is no dependency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// It is longer than anything a dependency can be.
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// The name is no ref.
    #[error("cannot use the name of the pack")]
    Ref(#[source] NameError),
    /// It names a repository, with characters that no URL has.
    #[error("cannot use the URL: it has characters that no URL has")]
    Url,
    /// The version is no requirement.
    #[error("cannot use the version")]
    Requirement(#[source] RequirementError),
}

impl DependencyError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong | Self::Url => None,
            Self::Ref(error) => error.hint(),
            Self::Requirement(error) => error.hint(),
        }
    }
}

impl Dependency {
    /// A dependency on a pack by its ref.
    #[must_use]
    pub fn new(pack_ref: PackRef, requirement: Requirement) -> Self {
        Self {
            pack_ref,
            requirement,
            url: None,
            git_ref: None,
        }
    }

    /// The same as an index says it: by the ref alone, without the repository, branch, tag or commit that only a
    /// manifest names.
    #[must_use]
    pub fn by_ref(&self) -> Self {
        Self::new(self.pack_ref.clone(), self.requirement.clone())
    }

    /// A dependency on a git repository: the pack is called as the repository is. What follows the first `=`
    /// is its version, so a URL has none itself.
    fn from_url(text: &str) -> Result<Self, DependencyError> {
        let (url, version) = text.split_once('=').unwrap_or((text, ""));
        let (url, version) = (url.trim(), version.trim());
        if !is_printable(url) {
            return Err(DependencyError::Url);
        }
        let path = url
            .split(['?', '#'])
            .next()
            .unwrap_or(url)
            .trim_end_matches('/');
        let name = path.rsplit(['/', ':']).next().unwrap_or(path);
        let name = name.strip_suffix(".git").unwrap_or(name);
        let name = name.strip_prefix("stackstorm-").unwrap_or(name);
        let pack_ref = name.parse().map_err(DependencyError::Ref)?;
        let (requirement, git_ref) = if version.is_empty() {
            (Requirement::any(), None)
        } else {
            version_or_ref(version)?
        };
        Ok(Self {
            pack_ref,
            requirement,
            url: Some(url.to_owned()),
            git_ref,
        })
    }
}

/// What follows StackStorm's `=`: a version, else a branch, tag or commit.
fn version_or_ref(text: &str) -> Result<(Requirement, Option<String>), DependencyError> {
    match text.parse() {
        Ok(requirement) => Ok((requirement, None)),
        Err(_) if is_git_ref(text) => Ok((Requirement::any(), Some(text.to_owned()))),
        Err(error) => Err(DependencyError::Requirement(error)),
    }
}

/// Whether a text may be a branch, tag or commit: it begins with a letter, so that a slip in a version is
/// none, or it is a commit.
fn is_git_ref(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let commit = (7..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    commit
        || (text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(legal)
            && !text.contains("..")
            && !text.ends_with(['/', '.']))
}

/// Whether a URL can be printed as it is.
fn is_printable(url: &str) -> bool {
    !url.contains(char::is_whitespace) && crate::tree::path::check_characters(url).is_ok()
}

/// Whether a text names a repository rather than a pack.
fn is_url(text: &str) -> bool {
    text.contains("://")
        || text
            .split_once(':')
            .is_some_and(|(host, _)| host.contains('@') && !host.contains('='))
}

impl FromStr for Dependency {
    type Err = DependencyError;

    fn from_str(text: &str) -> Result<Self, DependencyError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(DependencyError::TooLong);
        }
        if is_url(text) {
            return Self::from_url(text);
        }
        let operator =
            |c: char| matches!(c, '@' | '=' | '<' | '>' | '^' | '~') || c.is_whitespace();
        let (name, requirement) = text.split_at(text.find(operator).unwrap_or(text.len()));
        let pack_ref = name.parse().map_err(DependencyError::Ref)?;
        let requirement = requirement.trim();
        let requirement = match requirement.strip_prefix('@') {
            Some(rest) => rest.parse().map_err(DependencyError::Requirement)?,
            None if requirement.is_empty() => Requirement::any(),
            None => match requirement.strip_prefix('=') {
                Some(version) if !version.contains([',', '<', '>', '=', '^', '~']) => {
                    let (requirement, git_ref) = version_or_ref(version.trim())?;
                    return Ok(Self {
                        git_ref,
                        ..Self::new(pack_ref, requirement)
                    });
                }
                _ => requirement.parse().map_err(DependencyError::Requirement)?,
            },
        };
        Ok(Self::new(pack_ref, requirement))
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.requirement.is_any() && !self.requirement.is_latest();
        match (&self.url, &self.git_ref) {
            (Some(url), Some(git_ref)) => write!(f, "{url}={git_ref}"),
            (Some(url), None) if any => f.write_str(url),
            (Some(url), None) => write!(f, "{url}={}", self.requirement),
            (None, Some(git_ref)) => write!(f, "{}={git_ref}", self.pack_ref),
            (None, None) if any => self.pack_ref.fmt(f),
            (None, None) => write!(f, "{}@{}", self.pack_ref, self.requirement),
        }
    }
}

impl serde::Serialize for Dependency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Dependency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
