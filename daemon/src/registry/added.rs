//! Registries that come, change and go while packd runs.

use std::path::Path;

use packd_wire::{RegistryChange, RegistryRequest};
use serde_json::{Map, Value};

use super::{Registries, RegistryError};
use crate::config::{self, Added, Environment, Registry};
use crate::store;

/// Whether a registry of that name may be there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// It shall be a new one.
    Nothing,
    /// One that is there is changed in what is asked for.
    Any,
}

impl Registries {
    /// Adds a registry, or changes one that was added, and puts that in force.
    ///
    /// # Errors
    /// [`RegistryError::Exists`], [`RegistryError::Configured`], [`RegistryError::Wrong`]: nothing is different.
    pub(crate) async fn put(
        &self,
        name: &str,
        request: &RegistryRequest,
        before: Before,
        keys: &Path,
        by: String,
    ) -> Result<RegistryChange, RegistryError> {
        let changing = self.inner.config.changing().await;
        self.is_free(name)?;
        let known = self.added(name).await?;
        if known.is_some() && before == Before::Nothing {
            return Err(RegistryError::Exists {
                name: name.to_owned(),
            });
        }
        let added = Added {
            name: name.to_owned(),
            keys: merged(known.as_ref(), request),
        };
        let read = config::registry_of(&added, keys, &Environment::of_process());
        let (registry, warnings) = read.map_err(|source| RegistryError::Wrong {
            name: name.to_owned(),
            source,
        })?;
        let changed = known.as_ref() != Some(&added);
        if changed {
            let write = self
                .inner
                .database
                .write(move |tx| store::registry::put(tx, &added, &by));
            write.await.map_err(RegistryError::Store)?;
            self.put_in_force(&registry);
        }
        drop(changing);
        // without the lock, somebody else may have removed it by now
        let view = match self.view(name).await {
            Ok(view) => Some(view),
            Err(RegistryError::Unknown { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(RegistryChange {
            changed,
            registry: view,
            warnings,
        })
    }

    /// Removes a registry that was added. What was installed from it stays.
    ///
    /// # Errors
    /// [`RegistryError::Configured`]; [`RegistryError::Store`].
    pub(crate) async fn remove(&self, name: &str) -> Result<RegistryChange, RegistryError> {
        let changing = self.inner.config.changing().await;
        self.is_free(name)?;
        let changed = self.added(name).await?.is_some();
        if changed {
            let key = name.to_owned();
            let write = self
                .inner
                .database
                .write(move |tx| store::registry::remove(tx, &key));
            write.await.map_err(RegistryError::Store)?;
            let config = self.inner.config.current().without_registry(name);
            drop(self.inner.config.replace(config));
            tracing::info!(registry = name, "registry removed");
        }
        drop(changing);
        Ok(RegistryChange {
            changed,
            registry: None,
            warnings: Vec::new(),
        })
    }

    fn put_in_force(&self, registry: &Registry) {
        let config = self.inner.config.current().with_registry(registry.clone());
        drop(self.inner.config.replace(config));
        tracing::info!(registry = registry.name, "registry added or changed");
    }

    /// That no registry of the configuration has this name.
    fn is_free(&self, name: &str) -> Result<(), RegistryError> {
        match self.inner.config.current().places.get(name) {
            Some(place) => Err(RegistryError::Configured {
                name: name.to_owned(),
                place: place.clone(),
            }),
            None => Ok(()),
        }
    }

    async fn added(&self, name: &str) -> Result<Option<Added>, RegistryError> {
        let all = self.inner.database.read(store::registry::all).await;
        let all = all.map_err(RegistryError::Store)?;
        Ok(all.into_iter().find(|added| added.name == name))
    }
}

/// The keys of a registry with what a request says of them.
fn merged(known: Option<&Added>, request: &RegistryRequest) -> String {
    let object = |text: &str| match serde_json::from_str(text) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    };
    let mut keys = known.map_or_else(Map::new, |known| object(&known.keys));
    if let Ok(Value::Object(asked)) = serde_json::to_value(request) {
        keys.extend(asked);
    }
    keys.remove("name");
    Value::Object(keys).to_string()
}
