//! Refreshing a signed registry: its roots, its description, its index, in that order.
//!
//! What is fetched is judged by [`packd_format::sign`]; here are the requests, and what is kept. A registry that is
//! unchanged costs one answer of 404 (there is no newer root) and one of 304, beside the statement of freshness where
//! there is one.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use packd_format::Digest;
use packd_format::sign::{
    self, Accepted, Held, IndexMeta, KeyId, Policy, Refused, Root, Signature, Signed, Target,
};
use packd_wire::ErrorKind;
use url::Url;

use super::refresh::{Fetched, Read, validators_of};
use super::{Registries, RegistryError};
use crate::config::{self, RefPatterns, Registry};
use crate::net::Validators;
use crate::store::index::IndexRow;
use crate::store::trust::TrustRow;
use crate::store::{self, SqlResult, StoreError, Tx};

/// What the signatures of a registry have come to, to be written with its index.
pub(super) struct Trusted {
    /// What is known of the registry now.
    row: TrustRow,
    /// Everything that was signed, when that is not what is there already.
    targets: Option<BTreeMap<String, Target>>,
    /// The refs that the registry may publish.
    pub(super) namespaces: RefPatterns,
}

impl Trusted {
    /// Writes it, in the transaction that writes the index.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn write(&self, tx: &Tx<'_>) -> SqlResult<()> {
        store::trust::put(tx, &self.row)?;
        match &self.targets {
            Some(targets) => store::trust::replace_targets(tx, &self.row.name, targets),
            None => Ok(()),
        }
    }
}

/// Where a look begins: the root that is believed, and what was accepted under it.
struct Start {
    pin: String,
    root: Root,
    bytes: Vec<u8>,
    held: Held,
    /// Whether what is cached was accepted under this very root.
    is_current: bool,
    known: Option<TrustRow>,
}

impl Registries {
    /// What was accepted of a registry.
    pub(super) async fn trust_of(&self, name: &str) -> Result<Option<TrustRow>, StoreError> {
        let name = name.to_owned();
        self.inner
            .database
            .read(move |connection| store::trust::get(connection, &name))
            .await
    }

    /// Brings what a signed registry shows, and takes over what is believed of it.
    pub(super) async fn bring_signed(
        &self,
        registry: &Registry,
        row: &IndexRow,
    ) -> Result<(), RegistryError> {
        let refused = |source| refused(registry, source);
        let Start {
            pin,
            root: first,
            bytes,
            held,
            mut is_current,
            known,
        } = self.start(registry, row).await?;
        let roots = self.roots(registry, &first).await?;
        let (root, bytes) = match roots.last() {
            None => (first.clone(), bytes),
            Some((root, signed)) => (root.clone(), signed.bytes.clone()),
        };
        if !roots.is_empty() {
            is_current = false;
            // whatever comes now: a root that was seen is never forgotten
            let mut row = known.unwrap_or_else(|| nothing(registry));
            (row.pin, row.root) = (pin.clone(), bytes.clone());
            let write = move |tx: &Tx<'_>| store::trust::put(tx, &row);
            self.inner.database.write(write).await?;
        }
        let fresh = match &root.roles.fresh {
            None => None,
            Some(role) => {
                self.signed(registry, sign::FRESH, sign::MAX_FRESH, &role.keyids)
                    .await?
            }
        };
        let validators = is_current.then(|| validators_of(row));
        let url = self.url_of(registry, sign::META)?;
        let (meta, validators) = match self.get(registry, &url, sign::MAX_META, validators).await {
            Ok(Fetched::Unchanged) => (None, validators_of(row)),
            Ok(Fetched::New { bytes, validators }) => {
                let keys = &root.roles.index.keyids;
                let signatures = self.signatures(registry, sign::META, keys).await?;
                let bytes = bytes.to_vec();
                (Some(Signed { bytes, signatures }), validators)
            }
            Err(error) if is_absent(&error) => {
                let file = sign::META.to_owned();
                return Err(refused(Refused::Missing { file }));
            }
            Err(error) => return Err(error),
        };
        let index = registry.url.path().rsplit('/').next().unwrap_or_default();
        let index = percent_encoding::percent_decode_str(index)
            .decode_utf8_lossy()
            .into_owned();
        let patience = SignedDuration::try_from(registry.max_stale).unwrap_or_default();
        // what was fetched is large, and signatures take their time
        let judged = tokio::task::spawn_blocking(move || {
            let fetched = sign::Fetched {
                roots: roots.into_iter().map(|(_, signed)| signed).collect(),
                fresh,
                meta,
            };
            let policy = Policy {
                index: &index,
                max_stale: patience,
            };
            sign::verify(&first, &fetched, &held, Timestamp::now(), policy)
        });
        let accepted = judged
            .await
            .map_err(|_| RegistryError::Store(StoreError::Panicked))?
            .map_err(refused)?;
        self.accept(
            registry,
            row,
            (pin, bytes),
            accepted,
            (is_current, validators),
        )
        .await
    }

    /// Takes over what was believed; the index is fetched if it is another one.
    async fn accept(
        &self,
        registry: &Registry,
        row: &IndexRow,
        (pin, root): (String, Vec<u8>),
        accepted: Accepted,
        (is_current, validators): (bool, Validators),
    ) -> Result<(), RegistryError> {
        for warning in &accepted.warnings {
            tracing::warn!(registry = registry.name, "{warning}");
        }
        let namespaces = RefPatterns::new(accepted.root.namespaces.clone()).map_err(|pattern| {
            let why = format!("namespace `{pattern}` fits no ref");
            let file = sign::root_path(accepted.root.version);
            refused(registry, Refused::Malformed { file, why })
        })?;
        let mut trusted = Trusted {
            row: TrustRow {
                name: registry.name.clone(),
                pin,
                root,
                accepted_root: Some(accepted.root.version),
                held: accepted.held,
                expires: Some(accepted.expires),
                warnings: accepted.warnings.iter().map(ToString::to_string).collect(),
            },
            targets: None,
            namespaces,
        };
        let mut row = row.clone();
        let Some(meta) = accepted.meta else {
            return self.unchanged(registry, row, Some(trusted)).await;
        };
        let IndexMeta { index, targets, .. } = meta;
        trusted.targets = Some(targets);
        if is_current && row.digest.as_deref() == Some(index.sha256.to_string().as_str()) {
            row.etag = validators.etag;
            row.last_modified = validators.last_modified;
            return self.unchanged(registry, row, Some(trusted)).await;
        }
        let limit = self.inner.config.current().limits.index_bytes.bytes();
        if index.length > limit {
            let name = registry.name.clone();
            return Err(RegistryError::TooLarge { name, limit });
        }
        let fetched = self.get(registry, &registry.url, index.length, None).await;
        let bytes = match fetched {
            Ok(Fetched::New { bytes, .. }) => bytes,
            // it was not asked whether it is
            Ok(Fetched::Unchanged) => Bytes::new(),
            Err(error) if error.kind() == ErrorKind::LimitExceeded => {
                let longer = Refused::Longer {
                    file: index.path,
                    by: sign::META.to_owned(),
                    length: index.length,
                };
                return Err(refused(registry, longer));
            }
            Err(error) => return Err(error),
        };
        sign::check_index(&index, &bytes).map_err(|source| refused(registry, source))?;
        let read = Read {
            bytes,
            validators,
            trusted: Some(trusted),
            problems: Vec::new(),
        };
        self.replace(registry, &row, read).await
    }

    /// The root that is believed: the pinned one, or the newest that was reached from it.
    async fn start(&self, registry: &Registry, row: &IndexRow) -> Result<Start, RegistryError> {
        let pin = pin_of(registry).await?;
        let known = self.trust_of(&registry.name).await?;
        let parse = |bytes: &[u8]| {
            let file = registry.root.as_deref().unwrap_or("root");
            Root::parse(file, bytes).map_err(|source| refused(registry, source))
        };
        let held = known.as_ref().map(|known| known.held.clone());
        let held = held.unwrap_or_default();
        // another pin is the operator's word, and everything after it is walked anew
        let newest = known.as_ref().filter(|known| known.pin == pin);
        let bytes = match newest {
            Some(known) => known.root.clone(),
            None => self.pinned(registry, &pin).await?,
        };
        let root = parse(&bytes)?;
        let is_current = row.digest.is_some()
            && newest.is_some_and(|known| known.accepted_root == Some(root.version));
        Ok(Start {
            pin,
            root,
            bytes,
            held,
            is_current,
            known,
        })
    }

    /// The root that is pinned: the operator's file, or the one at the registry that has the pinned fingerprint.
    async fn pinned(&self, registry: &Registry, pin: &str) -> Result<Vec<u8>, RegistryError> {
        if registry.root_fingerprint.is_none() {
            return read_pin(registry).await;
        }
        for version in (1_u64..).take(sign::MAX_ROOTS) {
            let file = sign::root_path(version);
            // until its digest agrees it is nothing but bytes
            match self.small(registry, &file, sign::MAX_ROOT).await? {
                Some(bytes) if Digest::sha256_of(&bytes).to_string() == pin => return Ok(bytes),
                Some(_) => {}
                None => break,
            }
        }
        Err(RegistryError::NoSuchRoot {
            name: registry.name.clone(),
            fingerprint: pin.to_owned(),
        })
    }

    /// The roots after `root`, as far as there are any.
    async fn roots(
        &self,
        registry: &Registry,
        root: &Root,
    ) -> Result<Vec<(Root, Signed)>, RegistryError> {
        let refused = |source| refused(registry, source);
        let mut roots: Vec<(Root, Signed)> = Vec::new();
        while roots.len() < sign::MAX_ROOTS {
            let last = roots.last().map_or(root, |(root, _)| root);
            let file = sign::root_path(last.version.saturating_add(1));
            let keys = last.roles.root.keyids.clone();
            let Some(mut signed) = self.signed(registry, &file, sign::MAX_ROOT, &keys).await?
            else {
                break;
            };
            let more = sign::next_keys(last, &signed).map_err(refused)?;
            signed
                .signatures
                .extend(self.signatures(registry, &file, &more).await?);
            let next = sign::succeeds(last, &signed).map_err(refused)?;
            roots.push((next, signed));
        }
        Ok(roots)
    }

    /// A file with its signatures by these keys, if there is such a file.
    async fn signed(
        &self,
        registry: &Registry,
        file: &str,
        limit: u64,
        keys: &[KeyId],
    ) -> Result<Option<Signed>, RegistryError> {
        let Some(bytes) = self.small(registry, file, limit).await? else {
            return Ok(None);
        };
        let signatures = self.signatures(registry, file, keys).await?;
        Ok(Some(Signed { bytes, signatures }))
    }

    /// The signatures of a file by these keys, as far as there are any.
    async fn signatures(
        &self,
        registry: &Registry,
        file: &str,
        keys: &[KeyId],
    ) -> Result<Vec<Signature>, RegistryError> {
        let mut signatures = Vec::new();
        for key in keys.iter().take(2 * sign::MAX_ROLE_KEYS) {
            let path = sign::signature_path(file, key);
            if let Some(bytes) = self.small(registry, &path, sign::MAX_SIGNATURE).await? {
                let key = key.clone();
                signatures.push(Signature { key, bytes });
            }
        }
        Ok(signatures)
    }

    async fn small(
        &self,
        registry: &Registry,
        file: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let url = self.url_of(registry, file)?;
        match self.get(registry, &url, limit, None).await {
            Ok(Fetched::New { bytes, .. }) => Ok(Some(bytes.to_vec())),
            Ok(Fetched::Unchanged) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where a file beside the index is.
    #[expect(clippy::unused_self, reason = "it is about a registry of these")]
    fn url_of(&self, registry: &Registry, file: &str) -> Result<Url, RegistryError> {
        registry.url.join(file).map_err(|_| {
            let file = file.to_owned();
            let why = "it has no URL beside the index".to_owned();
            refused(registry, Refused::Malformed { file, why })
        })
    }
}

/// The fingerprint of the root that the operator pinned.
pub(super) async fn pin_of(registry: &Registry) -> Result<String, RegistryError> {
    match &registry.root_fingerprint {
        Some(fingerprint) => Ok(fingerprint.clone()),
        None => Ok(Digest::sha256_of(&read_pin(registry).await?).to_string()),
    }
}

/// The bytes of the root that the operator pinned in a file.
async fn read_pin(registry: &Registry) -> Result<Vec<u8>, RegistryError> {
    let path = std::path::PathBuf::from(registry.root.clone().unwrap_or_default());
    let name = registry.name.clone();
    let read = move || {
        config::read_root(&path).map_err(|error| RegistryError::Root {
            name,
            source: packd_format::error::without_path(&error),
            path,
        })
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| RegistryError::Store(StoreError::Panicked))?
}

fn nothing(registry: &Registry) -> TrustRow {
    TrustRow {
        name: registry.name.clone(),
        pin: String::new(),
        root: Vec::new(),
        held: Held::default(),
        accepted_root: None,
        expires: None,
        warnings: Vec::new(),
    }
}

/// Whether an error says that there is no such file.
fn is_absent(error: &RegistryError) -> bool {
    match error {
        RegistryError::Fetch { source, .. } => matches!(source.status(), Some(404 | 410)),
        RegistryError::Read { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn refused(registry: &Registry, source: Refused) -> RegistryError {
    RegistryError::Refused {
        name: registry.name.clone(),
        source: Box::new(source),
    }
}
