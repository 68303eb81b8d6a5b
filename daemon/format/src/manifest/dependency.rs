//! A dependency on another pack, in every spelling in use.
//!
//! `slack`, `slack@^2.1` and `slack>=2` (Attune), `slack=2.1.0` and a git URL with an optional `=version`
//! (StackStorm).

use std::fmt;
use std::str::FromStr;

use crate::name::{NameError, PackRef, shown};
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
    /// The branch, tag or commit there, where what follows the `=` is no version.
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
    /// The version is no requirement.
    #[error("cannot use the version")]
    Requirement(#[source] RequirementError),
}

impl DependencyError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong => None,
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

    /// A dependency on a git repository: the pack is called as the repository is.
    fn from_url(text: &str) -> Result<Self, DependencyError> {
        let (url, version) = match text.rsplit_once('=') {
            Some((url, version)) if !version.contains('/') => (url.trim(), version.trim()),
            _ => (text, ""),
        };
        let path = url
            .split(['?', '#'])
            .next()
            .unwrap_or(url)
            .trim_end_matches('/');
        let name = path.rsplit(['/', ':']).next().unwrap_or(path);
        let name = name.strip_suffix(".git").unwrap_or(name);
        let name = name.strip_prefix("stackstorm-").unwrap_or(name);
        let pack_ref = name.parse().map_err(DependencyError::Ref)?;
        let (requirement, git_ref) = match version {
            "" => (Requirement::any(), None),
            version => match version.parse::<Requirement>() {
                Ok(requirement) => (requirement, None),
                Err(_) => (Requirement::any(), Some(version.to_owned())),
            },
        };
        Ok(Self {
            pack_ref,
            requirement,
            url: Some(url.to_owned()),
            git_ref,
        })
    }
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
            None => requirement.parse().map_err(DependencyError::Requirement)?,
        };
        Ok(Self::new(pack_ref, requirement))
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.url, &self.git_ref) {
            (Some(url), Some(git_ref)) => write!(f, "{}={}", shown(url), shown(git_ref)),
            (Some(url), None) if self.requirement.is_any() => f.write_str(&shown(url)),
            (Some(url), None) => write!(f, "{}={}", shown(url), self.requirement),
            (None, _) if self.requirement.is_any() && !self.requirement.is_latest() => {
                self.pack_ref.fmt(f)
            }
            (None, _) => write!(f, "{}@{}", self.pack_ref, self.requirement),
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
