//! Brings the cached index of a registry up to date.
//!
//! A conditional request: an unchanged index costs one 304. A new one is looked at
//! off the runtime's thread, then read again entry by entry while its rows replace
//! the old ones in one transaction, so that only its bytes are ever in memory. A
//! failure is noted beside the old index, which stays.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use packd_format::error::without_path;
use packd_format::index::{self, Found, Problems};
use packd_format::{Digest, IndexError};
use packd_wire::EventKind;
use serde_json::json;
use url::Url;

use crate::config::{self, RefPatterns, Registry, SafeUrl, Trust};
use crate::event::NewEvent;
use crate::net::{self, Request, Validators};
use crate::store::index::{EntryRow, IndexRow};
use crate::store::{self, SqlError, SqlResult, StoreError, Tx, time};

use super::schedule::Pace;
use super::signed::Trusted;
use super::{Registries, RegistryError};

/// The time for one index, redirects and body included.
const WITHIN: Duration = Duration::from_mins(10);

/// What a request for an index brought.
pub(super) enum Fetched {
    /// What is known already.
    Unchanged,
    /// Something else.
    New {
        /// It.
        bytes: Bytes,
        /// To be sent with the next request.
        validators: Validators,
    },
}

/// An index to be taken over.
pub(super) struct Read {
    /// The index.
    pub bytes: Bytes,
    /// What identifies it, or what describes it.
    pub validators: Validators,
    /// What its signatures have come to.
    pub trusted: Option<Trusted>,
    /// What was left out of it already, and why.
    pub problems: Vec<String>,
}

/// How a refresh ended; those who waited for it share it.
pub(super) type Outcome = Result<(), Arc<RegistryError>>;

/// The last refresh of a registry since packd started.
#[derive(Debug)]
pub(super) struct Last {
    url: Url,
    begun: Instant,
    outcome: Outcome,
}

impl Registries {
    /// Refreshes these registries, or every enabled one, at the same time, and says what failed.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Disabled`]: nothing was refreshed.
    /// [`RegistryError::Store`].
    pub(crate) async fn refresh(
        &self,
        names: &[String],
    ) -> Result<Vec<Arc<RegistryError>>, RegistryError> {
        let config = self.inner.config.current();
        let mut chosen = Vec::new();
        for name in names {
            chosen.push(self.enabled(name)?);
        }
        if names.is_empty() {
            chosen.extend(
                config
                    .registries
                    .iter()
                    .filter(|registry| registry.enabled)
                    .cloned(),
            );
        }
        let all = chosen.iter().map(|registry| self.refresh_one(registry));
        let mut failures = Vec::new();
        for outcome in futures_util::future::join_all(all).await {
            failures.extend(outcome?.err());
        }
        Ok(failures)
    }

    /// Refreshes one registry, and notes how it went.
    ///
    /// One refresh of each at a time. Of those who wait for one that is under way, the first repeats it,
    /// since it may have read what was there before they asked; the others share what that one finds.
    pub(super) async fn refresh_one(&self, registry: &Registry) -> Result<Outcome, StoreError> {
        let asked = Instant::now();
        let lock = self.refresh_lock(&registry.name);
        let mut last = lock.lock().await;
        if let Some(last) = last
            .as_ref()
            .filter(|last| last.begun >= asked && last.url == registry.url)
        {
            return Ok(last.outcome.clone());
        }
        let begun = Instant::now();
        let row = self.cached(registry).await?;
        let result = Box::pin(self.bring(registry, &row)).await;
        let outcome = match result {
            Ok(()) => Ok(()),
            Err(RegistryError::Store(error)) => return Err(error),
            Err(error) => {
                self.failed(registry, row, &error).await?;
                Err(Arc::new(error))
            }
        };
        self.inner.planned.notify_one();
        *last = Some(Last {
            url: registry.url.clone(),
            begun,
            outcome: outcome.clone(),
        });
        Ok(outcome)
    }

    /// Brings what there is at the registry, and writes what of it is new.
    async fn bring(&self, registry: &Registry, row: &IndexRow) -> Result<(), RegistryError> {
        if registry.trust == Trust::Signed {
            // it is the largest part of a refresh, and most registries are not signed
            return Box::pin(self.bring_signed(registry, row)).await;
        }
        if registry.url.scheme() == "dir" {
            return Box::pin(self.bring_folder(registry, row)).await;
        }
        self.refuse_downgrade(registry).await?;
        let limit = self.inner.config.current().limits.index_bytes.bytes();
        let known = row.digest.is_some().then(|| validators_of(row));
        match self.get(registry, &registry.url, limit, known).await? {
            Fetched::Unchanged => self.unchanged(registry, row.clone(), None).await,
            Fetched::New { bytes, validators } => {
                let read = Read {
                    bytes,
                    validators,
                    trusted: None,
                    problems: Vec::new(),
                };
                self.replace(registry, row, read).await
            }
        }
    }

    /// Gets a file of a registry, unless it is what is known already.
    pub(super) async fn get(
        &self,
        registry: &Registry,
        url: &Url,
        limit: u64,
        known: Option<Validators>,
    ) -> Result<Fetched, RegistryError> {
        if url.scheme() == "file" {
            let bytes = read_file(registry, url, limit).await?;
            return Ok(Fetched::New {
                bytes,
                validators: Validators::default(),
            });
        }
        let headers = registry
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        let request = Request {
            headers: headers.collect(),
            allow_http: registry.allow_http,
            validators: known,
            within: Some(WITHIN),
            ..Request::new(SafeUrl::from(url.clone()), limit)
        };
        let fetch = |source| RegistryError::Fetch {
            name: registry.name.clone(),
            source,
        };
        let response = self.inner.http.get(request).await.map_err(fetch)?;
        self.note_realm(registry, response.realm);
        match response.outcome {
            net::Outcome::NotModified => Ok(Fetched::Unchanged),
            net::Outcome::Body(body) => {
                let bytes = body.bytes().await.map_err(fetch)?;
                Ok(Fetched::New {
                    bytes,
                    validators: response.validators,
                })
            }
        }
    }

    /// Notes that the cached index is still the one, with what is signed of it now.
    pub(super) async fn unchanged(
        &self,
        registry: &Registry,
        mut row: IndexRow,
        trusted: Option<Trusted>,
    ) -> Result<(), RegistryError> {
        let recovered = row.failures > 0;
        confirm(self.pace(registry), &mut row);
        let hub = self.inner.hub.clone();
        self.inner
            .database
            .write(move |tx| {
                store::index::put(tx, &row)?;
                if let Some(trusted) = trusted {
                    trusted.write(tx)?;
                }
                if recovered {
                    let data = json!({"registry": row.name, "packs": row.packs, "changed": false});
                    hub.append(tx, event(EventKind::RegistryRefreshed, data))?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Takes an index over, unless it is the cached one.
    pub(super) async fn replace(
        &self,
        registry: &Registry,
        row: &IndexRow,
        read: Read,
    ) -> Result<(), RegistryError> {
        let Read {
            bytes,
            validators,
            trusted,
            problems,
        } = read;
        // under other signatures the same entries may be other ones
        let before = row.digest.clone().filter(|_| trusted.is_none());
        let (name, looked_at) = (registry.name.clone(), bytes.clone());
        let may = trusted.as_ref().map(|trusted| trusted.namespaces.clone());
        let may = may.unwrap_or_default();
        let allowed = may.clone();
        let summary = tokio::task::spawn_blocking(move || {
            look(name, &looked_at, before.as_deref(), &allowed, problems)
        })
        .await
        .map_err(|_| RegistryError::Store(StoreError::Panicked))??;
        let mut row = row.clone();
        row.etag = validators.etag;
        row.last_modified = validators.last_modified;
        // a server without validators sends the same index again and again
        let Some(Summary {
            digest,
            packs,
            problems,
        }) = summary
        else {
            return self.unchanged(registry, row, trusted).await;
        };
        row.digest = Some(digest);
        row.packs = packs;
        row.problems = problems;
        confirm(self.pace(registry), &mut row);
        tracing::info!(
            registry = row.name,
            packs = row.packs,
            problems = row.problems.len(),
            "index refreshed"
        );
        let hub = self.inner.hub.clone();
        self.inner
            .database
            .write(move |tx| {
                write_entries(tx, &row.name, &bytes, &may)?;
                store::index::put(tx, &row)?;
                if let Some(trusted) = trusted {
                    trusted.write(tx)?;
                }
                let data = json!({"registry": row.name, "packs": row.packs, "changed": true});
                hub.append(tx, event(EventKind::RegistryRefreshed, data))
            })
            .await?;
        Ok(())
    }

    async fn failed(
        &self,
        registry: &Registry,
        mut row: IndexRow,
        error: &RegistryError,
    ) -> Result<(), StoreError> {
        let text = crate::logging::chain(error);
        tracing::warn!(registry = row.name, error = %text, "index not refreshed");
        row.failures = row.failures.saturating_add(1);
        row.failed_at = Some(time::now());
        row.error_kind = Some(error.kind());
        row.error = Some(text.clone());
        row.hint = error.hint();
        let pace = self.pace(registry);
        let pause = pace.after_failure(row.failures, error.retry_after());
        row.next_refresh = Some(time::after(pause));
        let data = json!({"registry": row.name, "error": text, "kind": error.kind()});
        let hub = self.inner.hub.clone();
        let was_failing = row.failures > 1;
        self.inner
            .database
            .write(move |tx| {
                store::index::put(tx, &row)?;
                if row.digest.is_none() {
                    // what there is came from another URL
                    store::index::remove_entries(tx, &row.name)?;
                }
                // told once, not at each of a night's attempts
                if was_failing {
                    return Ok(());
                }
                hub.append(tx, event(EventKind::RegistryFailed, data))
            })
            .await
    }
}

/// What is kept of an index besides its entries.
struct Summary {
    digest: String,
    packs: u64,
    problems: Vec<String>,
}

/// Reads an index without keeping its entries; `None` when it is the one that is cached.
fn look(
    name: String,
    bytes: &[u8],
    before: Option<&str>,
    may: &RefPatterns,
    known: Vec<String>,
) -> Result<Option<Summary>, RegistryError> {
    let digest = Digest::sha256_of(bytes).to_string();
    if before == Some(digest.as_str()) {
        return Ok(None);
    }
    let (mut packs, mut left_out) = (0, 0_u64);
    let mut problems = Problems::default();
    for problem in known {
        problems.add(problem);
    }
    let read = index::read(bytes, |found| match found {
        Ok(found) if !may.allows(found.entry.pack_ref.as_str()) => {
            problems.add(format!(
                "{} `{}`, line {}: the root of the registry does not let it publish this ref",
                found.position, found.entry.pack_ref, found.line
            ));
            left_out += 1;
        }
        Ok(found) => {
            problems.of_entry(&found);
            packs += 1;
        }
        Err(rejected) => {
            problems.add(rejected.to_string());
            left_out += 1;
        }
    });
    let problems = problems.finish();
    let checked = match read {
        // the cached index is worth more than nothing at all
        Ok(_) if packs == 0 && left_out > 0 => {
            let first = problems.first().map_or("", String::as_str);
            let why =
                format!("none of its {left_out} entries can be used, the first because: {first}");
            Err(IndexError::Shape { why })
        }
        Ok(_) => Ok(Some(Summary {
            digest,
            packs,
            problems,
        })),
        Err(error) => Err(error),
    };
    checked.map_err(|source| RegistryError::Malformed { name, source })
}

/// Writes the entries of an index that was looked at before, one at a time.
fn write_entries(tx: &Tx<'_>, registry: &str, bytes: &[u8], may: &RefPatterns) -> SqlResult<()> {
    let mut rows = store::index::replace_entries(tx, registry)?;
    let mut result = Ok(());
    let read = index::read(bytes, |found| {
        let Ok(Found { entry, raw, .. }) = found else {
            return;
        };
        if result.is_ok() && may.allows(entry.pack_ref.as_str()) {
            result = rows.add(&EntryRow {
                registry: registry.to_owned(),
                pack_ref: entry.pack_ref.to_string(),
                version: entry.newest().version.to_string(),
                label: entry.label,
                description: entry.description,
                author: entry.author,
                keywords: entry.keywords,
                raw: raw.to_owned(),
            });
        }
    });
    result?;
    read.map_err(|error| SqlError::ToSqlConversionFailure(Box::new(error)))?;
    rows.finish()
}

/// Reads an index that is a file. Whatever else is there, a pipe for example, is not waited for.
async fn read_file(registry: &Registry, url: &Url, limit: u64) -> Result<Bytes, RegistryError> {
    use std::io::Read as _;

    let name = registry.name.clone();
    let path = url
        .to_file_path()
        .unwrap_or_else(|()| PathBuf::from(url.path()));
    let read = move || {
        let mut bytes = Vec::new();
        let result = config::open_regular(&path).and_then(|file| {
            let found = file.metadata()?;
            bytes.reserve(usize::try_from(found.len().min(limit)).unwrap_or_default());
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes)
        });
        match result {
            Err(error) => {
                let source = without_path(&error);
                Err(RegistryError::Read { name, path, source })
            }
            Ok(_) if bytes.len() as u64 > limit => Err(RegistryError::TooLarge { name, limit }),
            Ok(_) => Ok(bytes.into()),
        }
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| RegistryError::Store(StoreError::Panicked))?
}

/// What identifies the cached index.
pub(super) fn validators_of(row: &IndexRow) -> Validators {
    Validators {
        etag: row.etag.clone(),
        last_modified: row.last_modified.clone(),
    }
}

/// Notes that the index is current now.
fn confirm(pace: Pace<'_>, row: &mut IndexRow) {
    row.checked_at = Some(time::now());
    row.failures = 0;
    row.failed_at = None;
    row.error_kind = None;
    row.error = None;
    row.hint = None;
    row.next_refresh = Some(time::after(pace.after_success()));
}

fn event(kind: EventKind, data: serde_json::Value) -> NewEvent {
    NewEvent {
        kind,
        job: None,
        pack_ref: None,
        data,
    }
}
