//! Public keys, and what they are called.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Digest;
use crate::name::shown;

/// The length of a minisign public key: algorithm, key number, and the key of Ed25519.
const LENGTH: usize = 42;

/// Where the key itself begins in it.
const KEY: usize = 10;

/// How signatures by a key are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// A minisign signature, of the hashed kind.
    Minisign,
}

/// What a key is called: the SHA-256 of its Ed25519 key, in hexadecimal.
///
/// The number that minisign gives a key is its maker's choice, so it names nothing here: with this name, distinct names are distinct keys.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

/// What a registry is called by its roots: 128 random bits in hexadecimal, chosen once.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryId(String);

impl RegistryId {
    /// The name of these bits.
    #[must_use]
    pub fn of(bits: [u8; 16]) -> Self {
        Self(hex::encode(bits))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A public key, as roots have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    text: String,
    bytes: [u8; LENGTH],
}

/// Why a text is no key, or not the name of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is no minisign public key.
    #[error("`{text}` is no minisign public key")]
    NoKey {
        /// The text, printable and shortened.
        text: String,
    },
    /// It is no name of the right length in small hexadecimal letters.
    #[error("`{text}` is no {what}: {digits} small hexadecimal digits")]
    NoName {
        /// What it should be.
        what: &'static str,
        /// How many digits that has.
        digits: usize,
        /// The text, printable and shortened.
        text: String,
    },
}

impl Key {
    /// What the key is called.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(Digest::sha256_of(&self.bytes[KEY..]).hex())
    }

    /// The key as minisign writes it, in one line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number that minisign knows the key by.
    #[must_use]
    pub fn number(&self) -> [u8; 8] {
        let mut number = [0; 8];
        number.copy_from_slice(&self.bytes[2..KEY]);
        number
    }
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads a key: the line itself, or a file of minisign with its comment.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let no_key = || KeyError::NoKey { text: shown(text) };
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines
            .find(|line| !line.starts_with("untrusted comment:"))
            .ok_or_else(no_key)?;
        if lines.next().is_some() {
            return Err(no_key());
        }
        let bytes = STANDARD.decode(line).map_err(|_| no_key())?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| no_key())?;
        if &bytes[..2] != b"Ed" {
            return Err(no_key());
        }
        Ok(Self {
            text: line.to_owned(),
            bytes,
        })
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A name in small hexadecimal letters: reading, writing, showing.
macro_rules! hexadecimal {
    ($name:ident, $what:literal, $digits:literal) => {
        impl FromStr for $name {
            type Err = KeyError;

            fn from_str(text: &str) -> Result<Self, KeyError> {
                let legal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if text.len() == $digits && text.bytes().all(legal) {
                    return Ok(Self(text.to_owned()));
                }
                Err(KeyError::NoName {
                    what: $what,
                    digits: $digits,
                    text: shown(text),
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hexadecimal!(KeyId, "name of a key", 64);
hexadecimal!(RegistryId, "name of a registry", 32);
