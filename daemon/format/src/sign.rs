//! Signed registries: what a maintainer signs, and what a host demands before it believes it.
//!
//! Beside an index that stays as it is lie a few small files: a chain of roots that name keys, a description of the
//! index with the length and digest of everything that it names, and, where the root asks for it, a statement that this
//! is still current. Each is signed over its exact bytes by minisign signatures in files of their own. The rules are
//! in `docs/signing.md`; [`verify()`] is all of them as one function without a clock and without a network.

mod key;
mod meta;
mod refused;
mod root;
mod signature;
mod target;
#[cfg(test)]
mod tests;
mod verify;

pub use key::{Key, KeyError, KeyId, RegistryId, Scheme};
pub use meta::{ArchiveTarget, Described, Fresh, GitTarget, IndexMeta, MetaMark, Target};
pub use refused::{Mismatch, Reason, Refused};
pub use root::{KeyEntry, Role, RoleName, Roles, Root};
pub use signature::{Count, Signature, Signed, count};
pub use target::{Needed, TargetError, needed, place};
pub use verify::{
    Accepted, Fetched, Held, Mark, Policy, Warning, check_index, next_keys, succeeds, verify,
};

/// The folder beside the index that holds everything else.
pub const FOLDER: &str = "packd";

/// The description of the index, from the folder of the index.
pub const META: &str = "packd/index.meta.json";

/// The statement that the description is current, from the folder of the index.
pub const FRESH: &str = "packd/fresh.json";

/// The most bytes of a root: room for hundreds of keys.
pub const MAX_ROOT: u64 = 64 * 1024;

/// The most bytes of a description: room for the targets of 300,000 archives.
pub const MAX_META: u64 = 64 * 1024 * 1024;

/// The most bytes of a statement of freshness.
pub const MAX_FRESH: u64 = 16 * 1024;

/// The most bytes of a signature file.
pub const MAX_SIGNATURE: u64 = 4 * 1024;

/// The most keys of a role; the old and the new root's together are what is read of a file's signatures, 16.
pub const MAX_ROLE_KEYS: usize = 8;

/// The most roots that one look follows.
pub const MAX_ROOTS: usize = 32;

/// The root of a version, from the folder of the index.
#[must_use]
pub fn root_path(version: u64) -> String {
    format!("{FOLDER}/root/{version}.json")
}

/// Where the signature of a file by a key is.
#[must_use]
pub fn signature_path(file: &str, key: &KeyId) -> String {
    format!("{file}.minisig.{key}")
}
