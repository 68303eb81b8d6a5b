//! Whether what a registry says of itself is believed: all the rules, in their order.
//!
//! The order is that of the TUF client workflow (specification 1.0.34, section 5), with the roots first. Nothing is
//! parsed before enough keys have signed its very bytes. The numbers at the checks are those of
//! `docs/signing.md#what-a-host-demands`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Described, FRESH, Fresh, IndexMeta, KeyId, MAX_ROOTS, META, Mismatch, Refused, RegistryId,
    RoleName, Root, Signed, count, root_path,
};
use crate::digest::Digest;

/// How far a clock may go back before what it says is not believed.
const CLOCK: SignedDuration = SignedDuration::from_hours(24);

/// How long before its end a root is worth a warning.
const ROOT_WARNING: SignedDuration = SignedDuration::from_hours(60 * 24);

/// What was accepted before, and must not be undercut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The registry that all of it is about.
    pub registry_id: Option<RegistryId>,
    /// The description.
    pub meta: Option<Mark>,
    /// The statement of freshness.
    pub fresh: Option<Mark>,
    /// The latest time at which something was accepted.
    pub seen: Option<Timestamp>,
}

/// A file that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its version.
    pub version: u64,
    /// How many bytes it has.
    pub length: u64,
    /// What they digest to.
    pub digest: Digest,
    /// Until when it may be believed.
    pub expires: Timestamp,
    /// The keys of its role at that time: with other keys, versions are counted anew.
    pub keys: Digest,
}

/// What was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The roots after the pinned one, in their order.
    pub roots: Vec<Signed>,
    /// The statement of freshness, where the last root asks for one.
    pub fresh: Option<Signed>,
    /// The description; none: the server says that it is as it was.
    pub meta: Option<Signed>,
}

/// What the operator of the host has decided.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// The name of the index that is configured.
    pub index: &'a str,
    /// How long after its end a file may still be believed.
    pub max_stale: SignedDuration,
}

/// What is believed from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The newest root.
    pub root: Root,
    /// The description, when it was fetched.
    pub meta: Option<IndexMeta>,
    /// What to keep.
    pub held: Held,
    /// Until when all of it may be believed, without the operator's patience.
    pub expires: Timestamp,
    /// What somebody should know.
    pub warnings: Vec<Warning>,
}

/// What is odd but not in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The clock went back.
    #[error("the clock of this host says {now}, and it was {seen} before: that is counted from")]
    Clock {
        /// What the clock says.
        now: Timestamp,
        /// What it said.
        seen: Timestamp,
    },
    /// A file has expired, and the operator allows more time.
    #[error("`{file}` has expired at {at}, and is believed because of `max_stale`")]
    Stale {
        /// The file.
        file: String,
        /// When.
        at: Timestamp,
    },
    /// The root will have to be made anew.
    #[error("root {version} expires at {at}; whoever keeps the registry must make a new one")]
    RootEnds {
        /// Its version.
        version: u64,
        /// When.
        at: Timestamp,
    },
}

/// Whether these bytes are the root after `root`.
///
/// # Errors
/// [`Refused`].
pub fn succeeds(root: &Root, signed: &Signed) -> Result<Root, Refused> {
    let version = root.version.saturating_add(1);
    let file = root_path(version);
    // rule 2: the keys that are known, before anything in it is looked at
    threshold(root, RoleName::Root, &file, signed)?;
    let next = Root::parse(&file, &signed.bytes)?;
    if next.registry_id != root.registry_id {
        return Err(other_registry(&file, root, &next.registry_id));
    }
    if next.version != version {
        return Err(Refused::RootVersion {
            file,
            found: next.version,
        });
    }
    // and its own: nobody is given a role who has not taken it
    threshold(&next, RoleName::Root, &file, signed)?;
    Ok(next)
}

/// The keys whose signatures the root after `root` needs beside those of its keys. Nothing of it is looked at before those
/// have signed it.
///
/// # Errors
/// [`Refused`].
pub fn next_keys(root: &Root, signed: &Signed) -> Result<Vec<KeyId>, Refused> {
    let file = root_path(root.version.saturating_add(1));
    threshold(root, RoleName::Root, &file, signed)?;
    let next = Root::parse(&file, &signed.bytes)?;
    let known = &root.roles.root.keyids;
    let keys = next.roles.root.keyids.into_iter();
    Ok(keys.filter(|id| !known.contains(id)).collect())
}

/// Whether what was fetched is believed, with what is known from before.
///
/// # Errors
/// [`Refused`]; whatever was believed before is still so.
pub fn verify(
    pinned: &Root,
    fetched: &Fetched,
    held: &Held,
    now: Timestamp,
    policy: Policy<'_>,
) -> Result<Accepted, Refused> {
    let mut warnings = Vec::new();
    // rule 2
    if fetched.roots.len() > MAX_ROOTS {
        return Err(Refused::TooManyRoots { limit: MAX_ROOTS });
    }
    let mut root = pinned.clone();
    for signed in &fetched.roots {
        root = succeeds(&root, signed)?;
    }
    // what is known of another registry says nothing
    let nothing = Held::default();
    let held = match &held.registry_id {
        Some(id) if *id == root.registry_id => held,
        _ => &nothing,
    };
    // rule 1
    let at = match held.seen {
        Some(seen) if now.saturating_add(CLOCK).is_ok_and(|later| later < seen) => {
            warnings.push(Warning::Clock { now, seen });
            seen
        }
        _ => now,
    };
    let mut clock = Clock {
        at,
        patience: policy.max_stale,
        warnings,
    };
    clock.allow(&root_path(root.version), root.expires)?;
    if clock
        .at
        .saturating_add(ROOT_WARNING)
        .is_ok_and(|soon| soon > root.expires)
    {
        clock.warnings.push(Warning::RootEnds {
            version: root.version,
            at: root.expires,
        });
    }
    // rule 4
    let fresh = match (&root.roles.fresh, &fetched.fresh) {
        (None, _) => None,
        (Some(_), None) => return Err(missing(FRESH)),
        (Some(_), Some(signed)) => Some(accept_fresh(&root, signed, held, &mut clock)?),
    };
    // rule 5
    let (meta, mark) = accept_meta(&root, fetched.meta.as_ref(), held, policy, &mut clock)?;
    if let Some((fresh, _)) = &fresh {
        let named = &fresh.index_meta;
        if (named.length, named.sha256) != (mark.length, mark.digest) {
            return Err(mismatch(
                META,
                FRESH,
                (named.length, named.sha256),
                (mark.length, mark.digest),
            ));
        }
    }
    let fresh = fresh.map(|(_, mark)| mark);
    let ends = [
        Some(root.expires),
        Some(mark.expires),
        fresh.as_ref().map(|mark| mark.expires),
    ];
    let expires = ends.into_iter().flatten().min().unwrap_or(mark.expires);
    Ok(Accepted {
        meta,
        held: Held {
            registry_id: Some(root.registry_id.clone()),
            meta: Some(mark),
            fresh,
            seen: Some(held.seen.map_or(now, |seen| seen.max(now))),
        },
        root,
        expires,
        warnings: clock.warnings,
    })
}

/// Whether these bytes are the index that was described (rule 6).
///
/// # Errors
/// [`Refused::Mismatch`].
pub fn check_index(described: &Described, bytes: &[u8]) -> Result<(), Refused> {
    let expected = (described.length, described.sha256);
    let found = (bytes.len() as u64, Digest::sha256_of(bytes));
    if expected == found {
        return Ok(());
    }
    Err(mismatch(&described.path, META, expected, found))
}

/// The time that counts, and what has run out.
struct Clock {
    at: Timestamp,
    patience: SignedDuration,
    warnings: Vec<Warning>,
}

impl Clock {
    fn allow(&mut self, file: &str, expires: Timestamp) -> Result<(), Refused> {
        if self.at < expires {
            return Ok(());
        }
        let file = file.to_owned();
        if expires
            .saturating_add(self.patience)
            .is_ok_and(|end| self.at < end)
        {
            self.warnings.push(Warning::Stale { file, at: expires });
            return Ok(());
        }
        Err(Refused::Expired { file, at: expires })
    }
}

fn accept_fresh(
    root: &Root,
    signed: &Signed,
    held: &Held,
    clock: &mut Clock,
) -> Result<(Fresh, Mark), Refused> {
    let keys = threshold(root, RoleName::Fresh, FRESH, signed)?;
    let fresh = Fresh::parse(FRESH, &signed.bytes)?;
    if fresh.registry_id != root.registry_id {
        return Err(other_registry(FRESH, root, &fresh.registry_id));
    }
    let mark = Mark::of(fresh.version, &signed.bytes, fresh.expires, keys);
    mark.follows(held.fresh.as_ref(), FRESH)?;
    clock.allow(FRESH, fresh.expires)?;
    Ok((fresh, mark))
}

fn accept_meta(
    root: &Root,
    signed: Option<&Signed>,
    held: &Held,
    policy: Policy<'_>,
    clock: &mut Clock,
) -> Result<(Option<IndexMeta>, Mark), Refused> {
    let Some(signed) = signed else {
        let known = held.meta.clone();
        // what other keys have signed would have to be looked at again
        let is_theirs = |mark: &Mark| mark.keys == root.roles.index.fingerprint();
        let mark = known.filter(is_theirs).ok_or_else(|| missing(META))?;
        clock.allow(META, mark.expires)?;
        return Ok((None, mark));
    };
    let keys = threshold(root, RoleName::Index, META, signed)?;
    let meta = IndexMeta::parse(META, &signed.bytes)?;
    if meta.registry_id != root.registry_id {
        return Err(other_registry(META, root, &meta.registry_id));
    }
    if meta.root_version > root.version {
        return Err(Refused::UnknownRoot {
            file: META.to_owned(),
            found: meta.root_version,
            held: root.version,
        });
    }
    let mark = Mark::of(meta.version, &signed.bytes, meta.expires, keys);
    mark.follows(held.meta.as_ref(), META)?;
    clock.allow(META, meta.expires)?;
    if meta.index.path != policy.index {
        return Err(Refused::OtherIndex {
            file: META.to_owned(),
            expected: policy.index.to_owned(),
            found: meta.index.path,
        });
    }
    Ok((Some(meta), mark))
}

impl Mark {
    fn of(version: u64, bytes: &[u8], expires: Timestamp, keys: Digest) -> Self {
        Self {
            version,
            length: bytes.len() as u64,
            digest: Digest::sha256_of(bytes),
            expires,
            keys,
        }
    }

    /// Whether this may come after what was accepted before. With other keys in the role it may always: whoever stole
    /// the old ones could have used up all the numbers (rule 3).
    fn follows(&self, before: Option<&Self>, file: &str) -> Result<(), Refused> {
        let Some(before) = before.filter(|before| before.keys == self.keys) else {
            return Ok(());
        };
        if self.version < before.version {
            return Err(Refused::Rollback {
                file: file.to_owned(),
                found: self.version,
                seen: before.version,
            });
        }
        if self.version == before.version && self.digest != before.digest {
            return Err(Refused::Equivocation {
                file: file.to_owned(),
                version: self.version,
            });
        }
        Ok(())
    }
}

/// Whether enough keys of a role have signed, and what stands for the role's keys.
fn threshold(root: &Root, name: RoleName, file: &str, signed: &Signed) -> Result<Digest, Refused> {
    let role = root.role(name).ok_or_else(|| missing(file))?;
    let count = count(root, role, signed);
    if count.good < role.threshold {
        return Err(Refused::Threshold {
            file: file.to_owned(),
            role: name.as_str(),
            version: root.version,
            threshold: role.threshold,
            count,
        });
    }
    Ok(role.fingerprint())
}

fn missing(file: &str) -> Refused {
    Refused::Missing {
        file: file.to_owned(),
    }
}

fn other_registry(file: &str, root: &Root, found: &RegistryId) -> Refused {
    Refused::OtherRegistry {
        file: file.to_owned(),
        expected: root.registry_id.clone(),
        found: found.clone(),
    }
}

fn mismatch(file: &str, by: &str, expected: (u64, Digest), found: (u64, Digest)) -> Refused {
    Refused::Mismatch(Box::new(Mismatch {
        file: file.to_owned(),
        by: by.to_owned(),
        expected_length: expected.0,
        expected: expected.1,
        length: found.0,
        digest: found.1,
    }))
}
