//! `pack.yaml`: what a pack says about itself.
//!
//! One reader for every vocabulary in use: Attune's three (its documents, its core pack, its code) and
//! StackStorm's. What decides something (ref, version, dependencies, tests) must be right, or the file is
//! refused with line and column; what only describes is taken where it can be read, and left out with a
//! warning where it cannot.

use std::fmt;

use semver::Version;

use crate::components::Component;
use crate::name::{NameError, PackRef};
use crate::requirement::RequirementError;
use crate::version::VersionError;

mod dependency;
pub(crate) mod fields;
mod keys;
mod needs;
pub(crate) mod read;
mod runtimes;
pub mod testing;
#[cfg(test)]
mod tests;
pub mod yaml;

pub use dependency::{Dependency, DependencyError};
pub use keys::UnknownKey;
pub(crate) use keys::unknown as unknown_keys;
pub use testing::{OnFailure, ResultFormat, Runner, RunnerKind, Testing};
use yaml::{Position, YamlError};

/// The name of the file in a pack.
pub const FILE_NAME: &str = "pack.yaml";

/// The largest `pack.yaml`, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// A manifest as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The pack's name.
    pub pack_ref: PackRef,
    /// Its version.
    pub version: Version,
    /// Title for people: `label`, else `name`.
    pub label: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// When one would want it.
    pub use_case: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where to write to them.
    pub email: Option<String>,
    /// Further authors.
    pub contributors: Vec<String>,
    /// Licence, an SPDX expression if all is well.
    pub license: Option<String>,
    /// Web page.
    pub homepage: Option<String>,
    /// Where it is developed.
    pub repository: Option<String>,
    /// Search words: `keywords`, else `tags`, else those of `meta`.
    pub keywords: Vec<String>,
    /// The packs it needs.
    pub dependencies: Vec<Dependency>,
    /// The runtimes it needs: `runtime_deps`, `python` and `nodejs`.
    pub runtimes: Vec<RuntimeRequirement>,
    /// Which Python it is written for, StackStorm's `python_versions`; not a demand on this host.
    pub python_versions: Vec<String>,
    /// The version of StackStorm or Attune it asks for, as written.
    pub engine: Option<String>,
    /// The version of Attune it asks for, as written.
    pub attune_version: Option<String>,
    /// The version of StackStorm it asks for, as written.
    pub stackstorm_version: Option<String>,
    /// The version of Python it asks for where `dependencies` says so, as written.
    pub python_version: Option<String>,
    /// The version of Node.js it asks for where `dependencies` says so, as written.
    pub nodejs_version: Option<String>,
    /// Whatever else it says of itself, under `meta` or `metadata`; a mapping.
    pub meta: Option<serde_json::Value>,
    /// Part of the system: removed only by force.
    pub system: bool,
    /// JSON Schema of its configuration: `conf_schema`, else `config_schema`.
    pub config_schema: Option<serde_json::Value>,
    /// How it is tested.
    pub testing: Option<Testing>,
    /// Components listed in the file itself.
    pub components: Components,
    /// Keys on the top level that no vocabulary has.
    pub unknown: Vec<UnknownKey>,
    /// What was odd, but not in the way.
    pub warnings: Vec<String>,
}

/// A runtime that a pack needs, for example `python3` at `>=3.8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeRequirement {
    /// The runtime, as written.
    pub name: String,
    /// The versions that will do.
    pub requirement: crate::Requirement,
}

impl fmt::Display for RuntimeRequirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.requirement.is_any() {
            f.write_str(&self.name)
        } else {
            let requirement = self.requirement.to_string();
            let bare = requirement.starts_with(|c: char| c.is_ascii_digit());
            write!(
                f,
                "{}{}{requirement}",
                self.name,
                if bare { "=" } else { "" }
            )
        }
    }
}

/// The components that the file lists; absent where the folder decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Components {
    /// `actions:`
    pub actions: Option<Vec<Component>>,
    /// `sensors:`
    pub sensors: Option<Vec<Component>>,
    /// `triggers:`
    pub triggers: Option<Vec<Component>>,
    /// `rules:`
    pub rules: Option<Vec<Component>>,
    /// `workflows:`
    pub workflows: Option<Vec<Component>>,
}

/// Why a `pack.yaml` was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML, or breaks a bound.
    #[error("cannot read `pack.yaml`")]
    Yaml(#[source] YamlError),
    /// It is YAML, but no mapping.
    #[error("`pack.yaml` must be a mapping of keys to values, not {found}")]
    NotAMapping {
        /// What it is.
        found: &'static str,
    },
    /// A key without which it is no manifest. Scripts look for these very words.
    #[error("Missing '{key}' field in pack.yaml")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// `ref` is no legal ref.
    #[error("`pack.yaml`, {at}: cannot use `ref` as the ref of the pack")]
    Ref {
        /// Where.
        at: Position,
        /// Why.
        source: NameError,
    },
    /// There is no `ref`, and nothing else that could be it.
    #[error("Missing 'ref' field in pack.yaml, and its `name` ({at}) cannot be used as one")]
    Name {
        /// Where.
        at: Position,
        /// Why.
        source: NameError,
    },
    /// `version` is no version.
    #[error("`pack.yaml`, {at}: cannot read `version`")]
    Version {
        /// Where.
        at: Position,
        /// Why.
        source: VersionError,
    },
    /// A dependency cannot be read.
    #[error("`pack.yaml`, {at}: cannot read dependency `{shown}`")]
    Dependency {
        /// Where.
        at: Position,
        /// The text, printable.
        shown: String,
        /// Why.
        source: DependencyError,
    },
    /// A runtime's version cannot be read.
    #[error("`pack.yaml`, {at}: cannot read runtime `{shown}`")]
    Runtime {
        /// Where.
        at: Position,
        /// The text, printable.
        shown: String,
        /// Why.
        source: RequirementError,
    },
    /// A key has a value of another kind than it must.
    #[error("`pack.yaml`, {at}: `{key}` must be {expected}, not {found}")]
    Kind {
        /// Where.
        at: Position,
        /// The key, with those above it.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A key has a value that is not allowed.
    #[error("`pack.yaml`, {at}: `{key}` {why}")]
    Value {
        /// Where.
        at: Position,
        /// The key, with those above it.
        key: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ManifestError {
    /// Where in the file it is, as line and column from 1.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Yaml(error) => error.position(),
            Self::NotAMapping { .. } | Self::Missing { .. } => None,
            Self::Ref { at, .. }
            | Self::Name { at, .. }
            | Self::Version { at, .. }
            | Self::Dependency { at, .. }
            | Self::Runtime { at, .. }
            | Self::Kind { at, .. }
            | Self::Value { at, .. } => Some(*at),
        }
    }

    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Yaml(error) => error.hint(),
            Self::Missing { key } => Some(format!("add `{key}: …` to `pack.yaml`")),
            Self::Ref { source, .. } => source.hint(),
            Self::Name { source, .. } => source.suggestion.as_ref().map_or_else(
                || Some("add `ref: …` to `pack.yaml`".to_owned()),
                |suggestion| Some(format!("add `ref: {suggestion}` to `pack.yaml`")),
            ),
            Self::Version { source, .. } => source.hint(),
            Self::Dependency { source, .. } => source.hint(),
            Self::Runtime { source, .. } => source.hint(),
            Self::NotAMapping { .. } | Self::Kind { .. } | Self::Value { .. } => None,
        }
    }
}

impl Manifest {
    /// Reads a `pack.yaml`. Where it has no `ref`, its `name` must be one.
    ///
    /// # Errors
    /// [`ManifestError`]; the same bytes give the same answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        read::read(bytes, Known::Nothing)?.into_manifest()
    }

    /// Reads a `pack.yaml` of a pack that is known by a ref already, from a request or the key of an index.
    ///
    /// The known ref is used only where the file has none, as StackStorm's may; a file that has another
    /// one is read as what it says, and the caller compares.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub fn parse_known(bytes: &[u8], known: &PackRef) -> Result<Self, ManifestError> {
        read::read(bytes, Known::Ref(known))?.into_manifest()
    }

    /// Reads a `pack.yaml` that lies in a folder of this name: where it has neither a `ref` nor a `name` that
    /// is one, the folder's name is taken, less a leading `stackstorm-`.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub fn parse_in_folder(bytes: &[u8], folder: &str) -> Result<Self, ManifestError> {
        read::read(bytes, Known::Folder(folder))?.into_manifest()
    }
}

/// What a pack is known by apart from its manifest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known<'a> {
    /// By nothing.
    Nothing,
    /// By a ref.
    Ref(&'a PackRef),
    /// By the name of the folder it lies in, if nothing else will do.
    Folder(&'a str),
}
