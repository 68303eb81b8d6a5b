//! Registries: their indexes refreshed and cached, and what they offer.
//!
//! An index is cached in the database, an entry a row, so that it is there when
//! the registry is not, and nothing of it is held in memory. Which registry
//! answers for a pack is decided by priority alone: one that cannot be asked is
//! never passed over in favour of the next.

mod added;
mod alarm;
mod answer;
mod error;
mod folder;
mod local;
mod lookup;
mod offered;
mod place;
mod refresh;
#[cfg(test)]
pub(crate) mod scene;
mod schedule;
mod search;
mod signed;
#[cfg(test)]
mod tests;
mod trust;
mod watch;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use packd_wire::{RegistryHealth, RegistryState, RegistryView};
use url::Url;

use crate::config::{Registry, SafeUrl, Shared, Trust};
use crate::event::Hub;
use crate::host::Host;
use crate::net::{Http, Realm};
use crate::store::index::IndexRow;
use crate::store::{self, Database, StoreError, time};

pub(crate) use added::Before;
pub(crate) use answer::{Answer, Known, Look, Sought};
pub(crate) use error::RegistryError;
pub(crate) use lookup::{Offer, OfferGit, OfferPlace};
pub(crate) use offered::Offered;

/// What everybody should know of a registry that is `trust: unverified`.
const UNVERIFIED: &str = "nothing that comes from it is verified";

/// A handle to the registries; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Registries {
    inner: Arc<Inner>,
}

/// The host as registries need to know it.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    /// Which one it is.
    pub host: Host,
    /// A folder for what is looked at for a moment.
    pub scratch: PathBuf,
    /// The folder in which is kept what is known of folders of packs; it need not be there.
    pub known: PathBuf,
}

/// Held by whoever refreshes a registry; what came of it is for those who wait.
type Lock = Arc<tokio::sync::Mutex<Option<refresh::Last>>>;

#[derive(Debug)]
struct Inner {
    database: Database,
    http: Http,
    config: Shared,
    hub: Hub,
    here: Here,
    /// Held while a registry is refreshed: one refresh of each at a time.
    refreshing: Mutex<HashMap<String, Lock>>,
    /// Where the last answer of each registry may lead, with the URL that was asked.
    realms: Mutex<HashMap<String, (Url, Realm)>>,
    /// Told when all registries shall be refreshed now.
    asked: tokio::sync::Notify,
    /// Told when it was decided anew when a registry is asked again.
    planned: tokio::sync::Notify,
    /// Folders in which something was not what it was taken for.
    distrusted: Mutex<BTreeSet<String>>,
    /// Told when there is one.
    distrust: tokio::sync::Notify,
}

impl Registries {
    /// The configured registries, with their caches in `database`.
    #[must_use]
    pub(crate) fn new(
        database: Database,
        http: Http,
        config: Shared,
        hub: Hub,
        here: Here,
    ) -> Self {
        let refreshing = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                database,
                http,
                config,
                hub,
                here,
                refreshing,
                realms: Mutex::default(),
                asked: tokio::sync::Notify::new(),
                planned: tokio::sync::Notify::new(),
                distrusted: Mutex::default(),
                distrust: tokio::sync::Notify::new(),
            }),
        }
    }

    /// Every configured registry and how it fares, in the order they are asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn views(&self) -> Result<Vec<RegistryView>, StoreError> {
        let mut views = Vec::new();
        for registry in &self.inner.config.current().registries {
            views.push(self.view_of(registry).await?);
        }
        Ok(views)
    }

    /// One configured registry and how it fares.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Store`].
    pub(crate) async fn view(&self, name: &str) -> Result<RegistryView, RegistryError> {
        let registry = self.configured(name)?;
        Ok(self.view_of(&registry).await?)
    }

    async fn view_of(&self, registry: &Registry) -> Result<RegistryView, StoreError> {
        let row = self.cached(registry).await?;
        let config = self.inner.config.current();
        let mut view = view(registry, &row, config.places.get(&registry.name));
        if let Some(trust) = self.trust_of(&registry.name).await? {
            trust::show(&mut view, registry, &trust);
        }
        Ok(view)
    }

    /// Has all registries refreshed soon, by whoever does it when they are due.
    pub(crate) fn ask_now(&self) {
        tracing::info!("all registries are refreshed now, as asked by a signal");
        self.inner.asked.notify_one();
    }

    /// What is cached of a registry; of another URL than the configured one it is nothing.
    async fn cached(&self, registry: &Registry) -> Result<IndexRow, StoreError> {
        let name = registry.name.clone();
        let row = self
            .inner
            .database
            .read(move |connection| store::index::get(connection, &name))
            .await?;
        Ok(row
            .filter(|row| row.url == registry.url.as_str())
            .unwrap_or_else(|| IndexRow {
                name: registry.name.clone(),
                url: registry.url.to_string(),
                ..IndexRow::default()
            }))
    }

    /// Where what the index of a registry names may lie, once that is known. An index of this host is
    /// the operator's own.
    fn realm_of(&self, registry: &Registry) -> Option<Realm> {
        if matches!(registry.url.scheme(), "file" | "dir") {
            return Some(Realm::Anywhere);
        }
        let realms = self
            .inner
            .realms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match realms.get(&registry.name) {
            Some((url, realm)) if *url == registry.url => Some(*realm),
            _ => Realm::of_literal(&registry.url),
        }
    }

    fn note_realm(&self, registry: &Registry, realm: Realm) {
        let mut realms = self
            .inner
            .realms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        realms.insert(registry.name.clone(), (registry.url.clone(), realm));
    }

    fn distrusted(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.inner
            .distrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_lock(&self, name: &str) -> Lock {
        let mut locks = self
            .inner
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(name.to_owned()).or_default())
    }
}

fn view(registry: &Registry, row: &IndexRow, place: Option<&String>) -> RegistryView {
    RegistryView {
        name: registry.name.clone(),
        url: SafeUrl::from(registry.url.clone()).to_string(),
        defined_at: place.cloned(),
        priority: registry.priority,
        enabled: registry.enabled,
        trust: registry.trust,
        refs: registry.refs.as_slice().to_vec(),
        settings: registry.settings(),
        exclusive: registry.exclusive,
        packs: row.packs,
        problems: row.problems.clone(),
        signed: None,
        warnings: (registry.trust == Trust::Unverified)
            .then(|| UNVERIFIED.to_owned())
            .into_iter()
            .collect(),
        health: RegistryHealth {
            state: state(registry, row),
            last_success: row.checked_at.clone(),
            age_seconds: row
                .checked_at
                .as_deref()
                .map(|at| time::since(at).as_secs()),
            error_kind: row.error_kind,
            error: row.error.clone(),
            hint: row.hint.clone(),
            consecutive_failures: row.failures,
            next_refresh: row.next_refresh.clone().filter(|_| registry.enabled),
        },
    }
}

fn state(registry: &Registry, row: &IndexRow) -> RegistryState {
    match (registry.enabled, row.failures, row.digest.is_some()) {
        (false, ..) => RegistryState::Disabled,
        (true, 0, true) => RegistryState::Ok,
        (true, 0, false) => RegistryState::Unknown,
        (true, _, true) => RegistryState::Stale,
        (true, _, false) => RegistryState::Failed,
    }
}

/// A span of time for people: `3 min`, `2 h`, `5 days`.
#[must_use]
pub(crate) fn in_words(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..5_400 => format!("{} min", seconds.div_ceil(60)),
        5_400..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds / 86_400),
    }
}
