//! Digests: how they are written, and how they are computed while bytes pass by.
//!
//! On a pack's way this is used twice: over the archive while it is read, and over each file while it
//! is written, so that nothing is read a second time. Comparing is the caller's.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

use crate::name::shown;

#[cfg(test)]
mod tests;

/// The digests packd accepts. SHA-1 and MD5 are not among them: both can be forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, what packd itself writes.
    Sha256,
    /// SHA-512, accepted where an index states it.
    Sha512,
}

impl Algorithm {
    /// The name in front of the colon.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest with its algorithm, written `sha256:<hex>`.
///
/// Reading accepts capitals, because indexes in the wild have them; writing gives small letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(Value);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Value {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl Digest {
    /// The SHA-256 of bytes in memory.
    #[must_use]
    pub fn sha256_of(bytes: &[u8]) -> Self {
        Self(Value::Sha256(Sha256::digest(bytes).into()))
    }

    /// Which algorithm made it.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Value::Sha256(_) => Algorithm::Sha256,
            Value::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The digest in small hexadecimal letters, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.bytes())
    }

    /// The first 12 hexadecimal letters: enough to name a folder, never enough to compare.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.bytes()[..6])
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Value::Sha256(bytes) => bytes,
            Value::Sha512(bytes) => bytes,
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no `algorithm:` in front.
    #[error("`{text}` does not name its algorithm, as `sha256:…` does")]
    NoAlgorithm {
        /// The text, printable and shortened.
        text: String,
    },
    /// SHA-1 and MD5: known, and refused because both can be forged.
    #[error("`{name}` digests can be forged and are not accepted")]
    Weak {
        /// The algorithm's name.
        name: String,
    },
    /// The algorithm is not known.
    #[error("`{name}` is not a digest algorithm packd knows")]
    UnknownAlgorithm {
        /// The name, printable and shortened.
        name: String,
    },
    /// The part after the colon is not hexadecimal, or not of the algorithm's length.
    #[error("`{hex}` is not a {algorithm} digest in hexadecimal")]
    Malformed {
        /// The algorithm named.
        algorithm: Algorithm,
        /// The part after the colon, printable and shortened.
        hex: String,
    },
}

impl DigestError {
    /// What to try, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoAlgorithm { .. } => {
                Some("write it as `sha256:<64 hexadecimal digits>`".to_owned())
            }
            Self::Weak { .. } | Self::UnknownAlgorithm { .. } => Some(
                "use sha256 or sha512; `sha256sum FILE` prints the digest of a file".to_owned(),
            ),
            Self::Malformed {
                algorithm: Algorithm::Sha256,
                ..
            } => Some("a sha256 digest has 64 digits".to_owned()),
            Self::Malformed {
                algorithm: Algorithm::Sha512,
                ..
            } => Some("a sha512 digest has 128 digits".to_owned()),
        }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let Some((name, hex)) = text.split_once(':') else {
            return Err(DigestError::NoAlgorithm { text: shown(text) });
        };
        match name.to_ascii_lowercase().as_str() {
            "sha256" => {
                let mut bytes = [0; 32];
                decode(Algorithm::Sha256, hex, &mut bytes)?;
                Ok(Self(Value::Sha256(bytes)))
            }
            "sha512" => {
                let mut bytes = [0; 64];
                decode(Algorithm::Sha512, hex, &mut bytes)?;
                Ok(Self(Value::Sha512(bytes)))
            }
            "sha1" | "md5" => Err(DigestError::Weak {
                name: name.to_owned(),
            }),
            _ => Err(DigestError::UnknownAlgorithm { name: shown(name) }),
        }
    }
}

fn decode(algorithm: Algorithm, hex: &str, bytes: &mut [u8]) -> Result<(), DigestError> {
    hex::decode_to_slice(hex, bytes).map_err(|_| DigestError::Malformed {
        algorithm,
        hex: shown(hex),
    })
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Computes one digest from bytes that come in pieces.
#[derive(Debug, Clone)]
pub struct Hasher(State);

#[derive(Debug, Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher that has seen nothing yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of everything seen.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Sha256(state) => Value::Sha256(state.finalize().into()),
            State::Sha512(state) => Value::Sha512(state.finalize().into()),
        })
    }
}

/// Hashes what is read through it, with several algorithms at once.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    hashers: Vec<Hasher>,
    bytes: u64,
}

impl<R: Read> Reader<R> {
    /// Reads from `inner`; `algorithms` may be empty, then only bytes are counted.
    pub fn new(inner: R, algorithms: &[Algorithm]) -> Self {
        Self {
            inner,
            hashers: algorithms.iter().copied().map(Hasher::new).collect(),
            bytes: 0,
        }
    }

    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes
    }

    /// The reader inside.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// The digests of what was read, in the order the algorithms were given.
    ///
    /// They are of the whole input only if it was read to its end.
    #[must_use]
    pub fn finish(self) -> Vec<Digest> {
        self.hashers.into_iter().map(Hasher::finish).collect()
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for hasher in &mut self.hashers {
            hasher.update(&buffer[..count]);
        }
        self.bytes += count as u64;
        Ok(count)
    }
}
