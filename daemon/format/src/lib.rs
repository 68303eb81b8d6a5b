//! What a pack is: its name, versions, manifest, digests, archives, trees, and the indexes it is listed in.
//!
//! Pure and synchronous: no network, no clock, no async, no SQL. Both programs read and write these formats
//! through this crate, so that a pack means the same to the daemon, to the client and to a CI job. Whatever
//! comes from outside is judged here before anything else sees it: a [`PackRef`] cannot be a path, a manifest
//! cannot be a bomb, one bad entry cannot take an index with it.

pub mod archive;
pub mod components;
pub mod contents;
pub mod digest;
pub mod error;
pub mod index;
pub mod lfs;
pub mod license;
pub mod lint;
pub mod manifest;
pub mod name;
pub mod nearest;
mod parallel;
pub mod requirement;
mod rules;
pub mod sign;
pub mod tree;
pub mod version;

pub use components::{Component, Inventory};
pub use contents::Contents;
pub use digest::{Algorithm, Digest, DigestError};
pub use index::{Entry, EntryError, Index, IndexError, Release, Source};
pub use manifest::{Dependency, DependencyError, Manifest, ManifestError};
pub use name::{NameError, PackRef};
pub use nearest::{Nearest, nearest};
pub use requirement::{PreReleases, Requirement, RequirementError};
pub use semver::Version;
pub use version::VersionError;
