//! The description of an index, and the statement that it is current.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{MAX_FRESH, MAX_META, Refused, RegistryId};
use crate::digest::{Algorithm, Digest};
use crate::name::shown;

const META_SCHEMA: &str = "packd-index-meta/1";
const FRESH_SCHEMA: &str = "packd-fresh/1";

/// The description of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexMeta {
    schema: String,
    /// The registry.
    pub registry_id: RegistryId,
    /// The root under which it was made.
    pub root_version: u64,
    /// Larger with each one.
    pub version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it may be believed.
    pub expires: Timestamp,
    /// The index.
    pub index: Described,
    /// Everything that the index names, by its URL as it is written there; of a repository `URL#REF`.
    #[serde(deserialize_with = "unique")]
    pub targets: BTreeMap<String, Target>,
}

/// A file, and what its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// Its name.
    pub path: String,
    /// How many bytes it has.
    pub length: u64,
    /// What they digest to.
    #[serde(with = "sha256")]
    pub sha256: Digest,
}

/// What the bytes of a source are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Target {
    /// An archive.
    Archive(ArchiveTarget),
    /// A commit of a repository.
    Git(GitTarget),
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveTarget {
    /// How many bytes it has.
    pub length: u64,
    /// What they digest to.
    #[serde(with = "sha256")]
    pub sha256: Digest,
}

/// A commit of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitTarget {
    /// The whole name of the commit.
    pub commit: String,
    /// The digest of the tree of the pack in it.
    #[serde(
        default,
        with = "optional_sha256",
        skip_serializing_if = "Option::is_none"
    )]
    pub tree_sha256: Option<Digest>,
}

impl Target {
    /// An archive of this length and digest.
    #[must_use]
    pub fn archive(length: u64, sha256: Digest) -> Self {
        Self::Archive(ArchiveTarget { length, sha256 })
    }

    /// A commit, and the digest of the tree of the pack in it.
    #[must_use]
    pub fn git(commit: String, tree_sha256: Option<Digest>) -> Self {
        Self::Git(GitTarget {
            commit,
            tree_sha256,
        })
    }
}

/// The statement that a description is current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    schema: String,
    /// The registry.
    pub registry_id: RegistryId,
    /// Larger with each one.
    pub version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it may be believed.
    pub expires: Timestamp,
    /// The description.
    pub index_meta: MetaMark,
}

/// Which description is current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaMark {
    /// Its version.
    pub version: u64,
    /// How many bytes it has.
    pub length: u64,
    /// What they digest to.
    #[serde(with = "sha256")]
    pub sha256: Digest,
}

impl IndexMeta {
    /// The description of an index without targets.
    #[must_use]
    pub fn new(
        (registry_id, root_version): (RegistryId, u64),
        version: u64,
        (created, expires): (Timestamp, Timestamp),
        index: Described,
    ) -> Self {
        Self {
            schema: META_SCHEMA.to_owned(),
            registry_id,
            root_version,
            version,
            created,
            expires,
            index,
            targets: BTreeMap::new(),
        }
    }

    /// Reads a description. Who signed it was asked before.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Refused> {
        let meta: Self = parse(file, bytes, META_SCHEMA, MAX_META)?;
        let is_commit = |commit: &str| commit.len() == 40 && is_hexadecimal(commit);
        let odd = meta
            .targets
            .iter()
            .find(|(_, target)| matches!(target, Target::Git(git) if !is_commit(&git.commit)));
        if let Some((place, _)) = odd {
            return Err(Refused::Malformed {
                file: file.to_owned(),
                why: format!("target `{}` names no whole commit", shown(place)),
            });
        }
        Ok(meta)
    }

    /// What is written: the same bytes for the same description.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        written(self)
    }
}

impl Fresh {
    /// A statement about a description.
    #[must_use]
    pub fn new(
        registry_id: RegistryId,
        version: u64,
        (created, expires): (Timestamp, Timestamp),
        index_meta: MetaMark,
    ) -> Self {
        Self {
            schema: FRESH_SCHEMA.to_owned(),
            registry_id,
            version,
            created,
            expires,
            index_meta,
        }
    }

    /// Reads a statement. Who signed it was asked before.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Refused> {
        parse(file, bytes, FRESH_SCHEMA, MAX_FRESH)
    }

    /// What is written: the same bytes for the same statement.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        written(self)
    }
}

/// Whether a text consists of small hexadecimal letters.
fn is_hexadecimal(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Reads a signed document; what it says it is comes before anything else in it.
pub(super) fn parse<T: DeserializeOwned>(
    file: &str,
    bytes: &[u8],
    expected: &'static str,
    limit: u64,
) -> Result<T, Refused> {
    #[derive(Deserialize)]
    struct Kind {
        schema: String,
    }

    if bytes.len() as u64 > limit {
        let file = file.to_owned();
        return Err(Refused::TooLarge { file, limit });
    }
    let malformed = |error: serde_json::Error| Refused::Malformed {
        file: file.to_owned(),
        why: shown(&error.to_string()),
    };
    let kind: Kind = serde_json::from_slice(bytes).map_err(malformed)?;
    if kind.schema != expected {
        return Err(Refused::Schema {
            file: file.to_owned(),
            found: shown(&kind.schema),
            expected,
        });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

/// JSON to be signed: indented, and with a line break at its end.
pub(super) fn written(document: &impl Serialize) -> Vec<u8> {
    // plain structures with texts for keys are always JSON
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads a mapping in which no key may appear twice: two readers must not see two documents.
pub(super) fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    struct Once<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> Visitor<'de> for Once<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Display,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<K, V>()? {
                if map.contains_key(&key) {
                    let key = shown(&key.to_string());
                    return Err(A::Error::custom(format!("`{key}` appears twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Once(PhantomData))
}

/// A SHA-256 as its hexadecimal digits alone.
mod sha256 {
    use super::{Algorithm, Deserialize, Deserializer, Digest};
    use serde::Serializer;
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(
        digest: &Digest,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        format!("{}:{text}", Algorithm::Sha256)
            .parse()
            .map_err(D::Error::custom)
    }
}

/// The same where there may be none.
mod optional_sha256 {
    use super::{Deserialize, Deserializer, Digest, sha256};
    use serde::Serializer;

    #[expect(clippy::ref_option, reason = "the library hands a reference over")]
    pub(super) fn serialize<S: Serializer>(
        digest: &Option<Digest>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => sha256::serialize(digest, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Digest>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super::sha256")] Digest);

        Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(digest)| digest))
    }
}
