//! Requirements: which versions will do.
//!
//! The grammar is that of Attune and of the semver crate together: `*`, `latest`, `>= <= > < = ^ ~` with a
//! version whose last numbers may be missing, several joined by commas. A bare full version means exactly
//! that one, a bare partial one (`1.2`) means `1.2.*`; everything else means what it means to the semver
//! crate.

use std::fmt;
use std::str::FromStr;

use semver::{Comparator, Op, Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::name::shown;

#[cfg(test)]
mod tests;

/// The longest requirement, in bytes.
pub const MAX_LENGTH: usize = 256;

/// Whether versions before a release will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreReleases {
    /// Only where the requirement itself names one of the same version.
    #[default]
    Exclude,
    /// As every other version.
    Include,
}

/// Which versions will do.
///
/// ```
/// # use packd_format::{PreReleases, Requirement, Version};
/// let requirement: Requirement = "^1.2".parse().unwrap();
/// assert!(requirement.matches(&Version::new(1, 9, 0), PreReleases::Exclude));
/// assert!(!requirement.matches(&Version::new(2, 0, 0), PreReleases::Exclude));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Requirement(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    Any,
    Latest,
    Exact(Version),
    Ranges(VersionReq),
}

/// Why a text is no requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a version requirement: {why}")]
pub struct RequirementError {
    /// The text, printable.
    pub shown: String,
    /// What is wrong with it.
    pub why: String,
}

impl RequirementError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            "write for example `1.2.3`, `1.2`, `^1.2`, `~1.2.3`, `>=1.2, <2` or `latest`"
                .to_owned(),
        )
    }
}

impl Requirement {
    /// Every version: `*`.
    #[must_use]
    pub fn any() -> Self {
        Self(Kind::Any)
    }

    /// Every version, but the newest is wanted even if an older one is there.
    #[must_use]
    pub fn latest() -> Self {
        Self(Kind::Latest)
    }

    /// One version only.
    #[must_use]
    pub fn exactly(version: Version) -> Self {
        Self(Kind::Exact(version))
    }

    /// Whether this is `latest`: satisfied by the newest version only.
    #[must_use]
    pub fn is_latest(&self) -> bool {
        matches!(self.0, Kind::Latest)
    }

    /// Whether every version will do, be it as `*` or as `latest`.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self.0, Kind::Any | Kind::Latest)
    }

    /// The version, where only one will do.
    #[must_use]
    pub fn exact(&self) -> Option<&Version> {
        match &self.0 {
            Kind::Exact(version) => Some(version),
            Kind::Any | Kind::Latest | Kind::Ranges(_) => None,
        }
    }

    /// Whether a version will do.
    ///
    /// Build metadata matters only to an exact requirement that names some.
    #[must_use]
    pub fn matches(&self, version: &Version, pre_releases: PreReleases) -> bool {
        let stable = version.pre.is_empty();
        match &self.0 {
            Kind::Any | Kind::Latest => stable || pre_releases == PreReleases::Include,
            Kind::Exact(wanted) if wanted.build.is_empty() => {
                wanted.cmp_precedence(version).is_eq()
            }
            Kind::Exact(wanted) => wanted == version,
            Kind::Ranges(ranges) if stable || pre_releases == PreReleases::Exclude => {
                ranges.matches(version)
            }
            Kind::Ranges(ranges) => ranges.comparators.iter().all(|range| holds(range, version)),
        }
    }

    /// The newest of some versions that will do, by precedence.
    pub fn newest<'a>(
        &self,
        versions: impl IntoIterator<Item = &'a Version>,
        pre_releases: PreReleases,
    ) -> Option<&'a Version> {
        versions
            .into_iter()
            .filter(|version| self.matches(version, pre_releases))
            .max()
    }
}

impl Default for Requirement {
    fn default() -> Self {
        Self::any()
    }
}

/// Whether a pre-release lies in a range when its being one does not matter.
///
/// The semver crate lets a pre-release into a range only where the range names one of the same version. With
/// that version named beside it, what remains of its rule is the order; where the numbers differ already,
/// the release of the same numbers decides.
fn holds(range: &Comparator, version: &Version) -> bool {
    let same_numbers = range.major == version.major
        && range.minor == Some(version.minor)
        && range.patch == Some(version.patch);
    if !same_numbers {
        return range.matches(&Version::new(version.major, version.minor, version.patch));
    }
    let named = Comparator {
        op: Op::GreaterEq,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    };
    VersionReq {
        comparators: vec![range.clone(), named],
    }
    .matches(version)
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        let refuse = |why: String| RequirementError {
            shown: shown(text),
            why,
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(refuse("it is empty".to_owned()));
        }
        if trimmed.len() > MAX_LENGTH {
            return Err(refuse(format!("it is longer than {MAX_LENGTH} characters")));
        }
        if trimmed == "latest" {
            return Ok(Self::latest());
        }
        if trimmed == "*" {
            return Ok(Self::any());
        }
        let mut ranges = Vec::new();
        let mut exact = None;
        for part in split(trimmed) {
            match comparator(&part).map_err(&refuse)? {
                One::Any => {}
                One::Exact(version) => {
                    ranges.push(equal(&version));
                    exact = Some(version);
                }
                One::Range(range) => ranges.push(range),
            }
        }
        let requirement = Self(match (ranges.len(), exact) {
            (0, _) => Kind::Any,
            (1, Some(version)) => Kind::Exact(version),
            _ => Kind::Ranges(VersionReq {
                comparators: ranges,
            }),
        });
        // what is stored is what is printed, and must be read again
        if requirement.to_string().len() > MAX_LENGTH {
            let why = format!("it is longer than {MAX_LENGTH} characters when written in full");
            return Err(refuse(why));
        }
        Ok(requirement)
    }
}

/// The parts of a list: split at commas, and before an operator that follows a space (`>=1 <2`).
fn split(text: &str) -> Vec<String> {
    let operator = |c: char| matches!(c, '<' | '>' | '=' | '^' | '~');
    let mut parts = vec![String::new()];
    let mut last = None;
    for c in text.chars() {
        if c == ',' {
            parts.push(String::new());
            last = None;
            continue;
        }
        if c.is_whitespace() {
            if let Some(part) = parts.last_mut() {
                part.push(' ');
            }
            continue;
        }
        if operator(c)
            && last.is_some_and(|last| !operator(last))
            && parts.last().is_some_and(|p| p.ends_with(' '))
        {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        last = Some(c);
    }
    parts
}

enum One {
    Any,
    Exact(Version),
    Range(Comparator),
}

/// Reads one part of a list.
fn comparator(part: &str) -> Result<One, String> {
    let part = part.trim();
    let operator = part
        .find(|c: char| !matches!(c, '<' | '>' | '=' | '^' | '~'))
        .unwrap_or(part.len());
    let (operator, version) = part.split_at(operator);
    let version = version.trim();
    // StackStorm's other spelling
    let operator = match operator {
        ">>" => ">",
        "<<" => "<",
        other => other,
    };
    if !matches!(operator, "" | "<" | "<=" | ">" | ">=" | "=" | "^" | "~") {
        return Err(format!("`{operator}` is no operator"));
    }
    let version = match version.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => version,
    };
    if version.is_empty() {
        return Err(if part.is_empty() {
            "a part of the list is empty"
        } else {
            "a version is missing"
        }
        .to_owned());
    }
    if matches!(version, "*" | "x" | "X") && operator.is_empty() {
        return Ok(One::Any);
    }
    if matches!(operator, "" | "=")
        && let Ok(exact) = Version::parse(version)
    {
        return Ok(One::Exact(exact));
    }
    let text = if operator.is_empty() {
        format!("={version}")
    } else {
        format!("{operator}{version}")
    };
    let range = Comparator::parse(&text).map_err(|error| error.to_string())?;
    Ok(One::Range(range))
}

/// `=1.2.3` as a range of its own, for a list.
fn equal(version: &Version) -> Comparator {
    Comparator {
        op: Op::Exact,
        major: version.major,
        minor: Some(version.minor),
        patch: Some(version.patch),
        pre: version.pre.clone(),
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.pad("*"),
            Kind::Latest => f.pad("latest"),
            Kind::Exact(version) => version.fmt(f),
            Kind::Ranges(ranges) => {
                for (index, range) in ranges.comparators.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    match (range.op, range.patch) {
                        // a bare partial version is written as it was
                        (Op::Exact | Op::Wildcard, None) => {
                            write!(f, "{}", range.major)?;
                            if let Some(minor) = range.minor {
                                write!(f, ".{minor}")?;
                            }
                        }
                        _ => write!(f, "{range}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

impl TryFrom<String> for Requirement {
    type Error = RequirementError;

    fn try_from(text: String) -> Result<Self, RequirementError> {
        text.parse()
    }
}

impl From<Requirement> for String {
    fn from(requirement: Requirement) -> Self {
        requirement.to_string()
    }
}
