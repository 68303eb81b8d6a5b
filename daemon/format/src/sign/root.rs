//! A root: which keys may sign what, and since when.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::meta::{self, unique};
use super::{Key, KeyId, MAX_ROLE_KEYS, MAX_ROOT, Refused, RegistryId, Scheme};
use crate::digest::Digest;

/// What the text begins with, so that nothing else is ever taken for a root.
const SCHEMA: &str = "packd-root/1";

/// Which keys may sign what, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    schema: String,
    /// The registry; the same in every version.
    pub registry_id: RegistryId,
    /// Counted from 1.
    pub version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// Until when it may be the newest one.
    pub expires: Timestamp,
    /// Every key, by its name.
    #[serde(deserialize_with = "unique")]
    pub keys: BTreeMap<KeyId, KeyEntry>,
    /// Who may sign what.
    pub roles: Roles,
    /// The refs that the registry may publish, with `*`; any when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

/// A key in a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// How its signatures are made.
    pub scheme: Scheme,
    /// The key.
    pub public: Key,
    /// Whose it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Who may sign what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Roots: this one, and the next one.
    pub root: Role,
    /// The description of the index.
    pub index: Role,
    /// That the description is current; without this role nobody need say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Role>,
}

/// Keys, and how many of them must have signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The keys.
    pub keyids: Vec<KeyId>,
    /// How many of them.
    pub threshold: usize,
}

/// The name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleName {
    /// Signs roots.
    Root,
    /// Signs the description of the index.
    Index,
    /// Signs that it is current.
    Fresh,
}

impl RoleName {
    /// The name, as roots have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Index => "index",
            Self::Fresh => "fresh",
        }
    }
}

impl Role {
    /// What stands for the set of its keys, whatever their order.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut names: Vec<&str> = self.keyids.iter().map(KeyId::as_str).collect();
        names.sort_unstable();
        Digest::sha256_of(names.join("\n").as_bytes())
    }
}

impl Root {
    /// A first root.
    #[must_use]
    pub fn new(registry_id: RegistryId, created: Timestamp, expires: Timestamp) -> Self {
        let nobody = || Role {
            keyids: Vec::new(),
            threshold: 1,
        };
        Self {
            schema: SCHEMA.to_owned(),
            registry_id,
            version: 1,
            created,
            expires,
            keys: BTreeMap::new(),
            roles: Roles {
                root: nobody(),
                index: nobody(),
                fresh: None,
            },
            namespaces: Vec::new(),
        }
    }

    /// Reads a root, and judges whether it makes sense. Who signed it is not asked here.
    ///
    /// # Errors
    /// [`Refused::TooLarge`], [`Refused::Schema`], [`Refused::Malformed`].
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Refused> {
        let root: Self = meta::parse(file, bytes, SCHEMA, MAX_ROOT)?;
        root.check().map_err(|why| Refused::Malformed {
            file: file.to_owned(),
            why,
        })?;
        Ok(root)
    }

    /// What is written: the same bytes for the same root.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        meta::written(self)
    }

    /// The role of this name.
    #[must_use]
    pub fn role(&self, name: RoleName) -> Option<&Role> {
        match name {
            RoleName::Root => Some(&self.roles.root),
            RoleName::Index => Some(&self.roles.index),
            RoleName::Fresh => self.roles.fresh.as_ref(),
        }
    }

    /// The role of this name, made where there is none.
    pub fn role_mut(&mut self, name: RoleName) -> &mut Role {
        match name {
            RoleName::Root => &mut self.roles.root,
            RoleName::Index => &mut self.roles.index,
            RoleName::Fresh => self.roles.fresh.get_or_insert_with(|| Role {
                keyids: Vec::new(),
                threshold: 1,
            }),
        }
    }

    /// Gives a key to a role.
    pub fn add(&mut self, name: RoleName, public: Key, comment: Option<String>) {
        let id = public.id();
        self.keys.insert(
            id.clone(),
            KeyEntry {
                scheme: Scheme::Minisign,
                public,
                comment,
            },
        );
        let role = self.role_mut(name);
        if !role.keyids.contains(&id) {
            role.keyids.push(id);
        }
    }

    /// Takes a key from a role, and says whether it had it. A role of nobody that need not be there is gone.
    pub fn remove(&mut self, name: RoleName, id: &KeyId) -> bool {
        let role = self.role_mut(name);
        let before = role.keyids.len();
        role.keyids.retain(|one| one != id);
        let had_it = role.keyids.len() < before;
        if self
            .roles
            .fresh
            .as_ref()
            .is_some_and(|role| role.keyids.is_empty())
        {
            self.roles.fresh = None;
        }
        let names = [RoleName::Root, RoleName::Index, RoleName::Fresh];
        let used: HashSet<KeyId> = names
            .into_iter()
            .filter_map(|name| self.role(name))
            .flat_map(|role| role.keyids.clone())
            .collect();
        self.keys.retain(|id, _| used.contains(id));
        had_it
    }

    /// Why this root makes no sense, if it makes none.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.version == 0 {
            return Err("versions are counted from 1".to_owned());
        }
        if self.created >= self.expires {
            return Err("it expires before it was made".to_owned());
        }
        let mut numbers = HashSet::new();
        for (id, entry) in &self.keys {
            if entry.public.id() != *id {
                return Err(format!("key {id} is called by another name than its own"));
            }
            // a signature says no more of its key than that number
            if !numbers.insert(entry.public.number()) {
                return Err(format!("key {id} has the minisign number of another key"));
            }
        }
        for name in [RoleName::Root, RoleName::Index, RoleName::Fresh] {
            let Some(role) = self.role(name) else {
                continue;
            };
            let name = name.as_str();
            if role.keyids.len() > MAX_ROLE_KEYS {
                return Err(format!("role `{name}` has more than {MAX_ROLE_KEYS} keys"));
            }
            let distinct: HashSet<&KeyId> = role.keyids.iter().collect();
            if distinct.len() < role.keyids.len() {
                return Err(format!("role `{name}` names a key twice"));
            }
            if role.threshold == 0 || role.threshold > role.keyids.len() {
                return Err(format!(
                    "role `{name}` wants {} of {} keys",
                    role.threshold,
                    role.keyids.len()
                ));
            }
            if let Some(id) = role.keyids.iter().find(|id| !self.keys.contains_key(id)) {
                return Err(format!("role `{name}` names key {id}, which is not there"));
            }
        }
        Ok(())
    }
}
