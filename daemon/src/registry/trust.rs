//! What may be installed from a registry because of how it is trusted.

use jiff::{SignedDuration, Timestamp};
use packd_format::sign::{self, Root, Target};
use packd_format::{Digest, Source, Version};
use packd_wire::{RegistryView, SignedView};

use super::answer::Targets;
use super::signed::pin_of;
use super::{Registries, RegistryError};
use crate::config::{Registry, Trust};
use crate::store;
use crate::store::trust::TrustRow;

impl Registries {
    /// Refuses a registry that was signed once and is not configured as signed.
    pub(super) async fn refuse_downgrade(&self, registry: &Registry) -> Result<(), RegistryError> {
        match self.trust_of(&registry.name).await? {
            Some(known) if known.accepted_root.is_some() => Err(RegistryError::Downgrade {
                name: registry.name.clone(),
                trust: registry.trust,
            }),
            _ => Ok(()),
        }
    }

    /// Whether what is cached of a registry may be installed from now, and what somebody should know about that.
    ///
    /// # Errors
    /// [`RegistryError::Downgrade`], [`RegistryError::NothingSigned`], [`RegistryError::Expired`],
    /// [`RegistryError::Root`], [`RegistryError::Store`].
    pub(super) async fn vouched(&self, registry: &Registry) -> Result<Vec<String>, RegistryError> {
        if registry.trust != Trust::Signed {
            self.refuse_downgrade(registry).await?;
            return Ok(Vec::new());
        }
        let name = registry.name.clone();
        let pin = pin_of(registry).await?;
        let known = self.trust_of(&registry.name).await?;
        let known = known.filter(|known| known.pin == pin && is_by_current_keys(known));
        let Some((known, expires)) = known.and_then(|known| known.expires.map(|at| (known, at)))
        else {
            return Err(RegistryError::NothingSigned { name });
        };
        if is_over(registry, &known, expires) {
            return Err(RegistryError::Expired { name, at: expires });
        }
        let warning = |text| format!("registry `{name}`: {text}");
        Ok(known.warnings.into_iter().map(warning).collect())
    }

    /// Forgets that a registry was ever signed, because an admin says so.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::StillSigned`], [`RegistryError::Store`].
    pub(crate) async fn accept_unsigned(&self, name: &str) -> Result<(), RegistryError> {
        let registry = self.configured(name)?;
        if registry.trust == Trust::Signed {
            return Err(RegistryError::StillSigned {
                name: name.to_owned(),
            });
        }
        let forgotten = {
            let name = name.to_owned();
            let forget = move |tx: &store::Tx<'_>| {
                // what the server was asked about before is the description, not the index
                if let Some(mut row) = store::index::get(tx, &name)? {
                    (row.etag, row.last_modified) = (None, None);
                    store::index::put(tx, &row)?;
                }
                store::trust::forget(tx, &name)
            };
            self.inner.database.write(forget).await?
        };
        if forgotten {
            tracing::warn!(registry = name, "accepted without signatures from now on");
        }
        Ok(())
    }
}

/// Whether what was accepted is signed by keys that the newest root still names: a key that was taken away says nothing
/// any more, also where what it signed is cached.
fn is_by_current_keys(known: &TrustRow) -> bool {
    let root = Root::parse("root", &known.root);
    match (root, &known.held.meta, known.accepted_root) {
        (Ok(root), Some(mark), Some(_)) => mark.keys == root.roles.index.fingerprint(),
        _ => false,
    }
}

/// Whether the time of what was accepted is over. A clock that went back makes it no younger.
fn is_over(registry: &Registry, known: &TrustRow, expires: Timestamp) -> bool {
    let now = Timestamp::now();
    let day = SignedDuration::from_hours(24);
    let at = match known.held.seen {
        Some(seen) if now.saturating_add(day).is_ok_and(|later| later < seen) => seen,
        _ => now,
    };
    let patience = SignedDuration::try_from(registry.max_stale).unwrap_or_default();
    let end = expires.saturating_add(patience).unwrap_or(Timestamp::MAX);
    at >= end
}

/// Shows what was accepted of a registry.
pub(super) fn show(view: &mut RegistryView, registry: &Registry, known: &TrustRow) {
    if registry.trust != Trust::Signed {
        if known.accepted_root.is_some() {
            let trust = registry.trust.as_str();
            view.warnings.push(format!(
                "was signed before, and is configured as `trust: {trust}`: nothing is installed from it"
            ));
        }
        return;
    }
    view.warnings.extend(known.warnings.iter().cloned());
    let (Some(mark), Some(expires)) = (&known.held.meta, known.expires) else {
        return;
    };
    if is_over(registry, known, expires) {
        view.warnings.push(format!(
            "what it has signed has expired at {expires}: nothing is installed from it"
        ));
    }
    let id = known.held.registry_id.as_ref();
    view.signed = Root::parse("root", &known.root)
        .ok()
        .map(|root| SignedView {
            registry_id: id.map_or_else(String::new, ToString::to_string),
            root_version: root.version,
            version: mark.version,
            expires: expires.to_string(),
        });
}

/// A source with what was signed of it in place of what the entry says.
///
/// # Errors
/// Why it may not be used, in words.
pub(super) fn as_signed(
    source: &Source,
    version: &Version,
    targets: &Targets,
) -> Result<Source, String> {
    let place = sign::place(source, version);
    match (source, targets.get(&place)) {
        (
            Source::Archive {
                url,
                checksum,
                size,
                tree,
            },
            Some(Target::Archive(signed)),
        ) => {
            let is_comparable = |one: &&Digest| one.algorithm() == signed.sha256.algorithm();
            let differs = checksum
                .as_ref()
                .filter(is_comparable)
                .is_some_and(|checksum| *checksum != signed.sha256)
                || size.is_some_and(|size| size != signed.length);
            if differs {
                return Err(format!(
                    "`{place}` was signed with {} bytes and {}, and the entry says otherwise",
                    signed.length, signed.sha256
                ));
            }
            Ok(Source::Archive {
                url: url.clone(),
                checksum: Some(signed.sha256),
                size: Some(signed.length),
                tree: *tree,
            })
        }
        (
            Source::Git {
                url,
                git_ref,
                checksum,
                commit,
                tree,
            },
            Some(Target::Git(signed)),
        ) => {
            if let Some(commit) = commit
                .as_ref()
                .filter(|commit| commit.len() == 40 && !commit.eq_ignore_ascii_case(&signed.commit))
            {
                return Err(format!(
                    "`{place}` was signed as commit {}, and the entry names {commit}",
                    signed.commit
                ));
            }
            Ok(Source::Git {
                url: url.clone(),
                git_ref: git_ref.clone(),
                checksum: *checksum,
                commit: Some(signed.commit.clone()),
                tree: signed.tree_sha256.or(*tree),
            })
        }
        _ => Err(format!("`{place}` is not described")),
    }
}
