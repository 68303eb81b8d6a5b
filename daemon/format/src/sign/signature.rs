//! Signatures, and how many of them count.

use std::fmt;

use super::{KeyId, MAX_SIGNATURE, Role, Root, Scheme};

/// One signature file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key that its name says.
    pub key: KeyId,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A file, and the signatures that lie beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// The very bytes.
    pub bytes: Vec<u8>,
    /// Its signatures.
    pub signatures: Vec<Signature>,
}

/// What the signatures of a file come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Keys of the role that have signed it.
    pub good: usize,
    /// Signatures by keys of the role that do not fit the bytes, or are not of the hashed kind.
    pub bad: usize,
    /// Signatures by anybody else.
    pub unknown: usize,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.good)?;
        match (self.bad, self.unknown) {
            (0, 0) => Ok(()),
            (bad, 0) => write!(f, " ({bad} more that do not fit it)"),
            (0, unknown) => write!(f, " ({unknown} by others)"),
            (bad, unknown) => write!(f, " ({bad} more that do not fit it, {unknown} by others)"),
        }
    }
}

/// Counts the keys of a role that have signed these bytes: each key once, whatever number of signatures it has.
#[must_use]
pub fn count(root: &Root, role: &Role, signed: &Signed) -> Count {
    let mut count = Count::default();
    for id in &role.keyids {
        let Some(entry) = root.keys.get(id) else {
            continue;
        };
        let mut by = signed.signatures.iter().filter(|one| one.key == *id);
        let Some(signature) = by.next() else { continue };
        let Scheme::Minisign = entry.scheme;
        if is_good(entry.public.as_str(), &signed.bytes, &signature.bytes) {
            count.good += 1;
        } else {
            count.bad += 1;
        }
    }
    let others = |one: &&Signature| !role.keyids.contains(&one.key);
    count.unknown = signed.signatures.iter().filter(others).count();
    count
}

/// Whether a minisign signature of the hashed kind is by this key, and of these bytes.
fn is_good(key: &str, bytes: &[u8], signature: &[u8]) -> bool {
    if signature.len() as u64 > MAX_SIGNATURE {
        return false;
    }
    let Ok(text) = std::str::from_utf8(signature) else {
        return false;
    };
    let (Ok(key), Ok(signature)) = (
        minisign_verify::PublicKey::from_base64(key),
        minisign_verify::Signature::decode(text),
    ) else {
        return false;
    };
    // the older kind signs the bytes themselves, where one signature could be read as another's
    key.verify(bytes, &signature, false).is_ok()
}
