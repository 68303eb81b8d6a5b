//! Who answers for packs while a plan is made: each registry is confirmed once, and asked about many packs at a
//! time.

use std::collections::HashMap;
use std::sync::Arc;

use packd_format::sign::{self, Target};
use packd_format::{Entry, PackRef, Version};

use crate::config::{Registry, Trust};
use crate::net::Realm;
use crate::store::{self, StoreError};

use super::{Offer, Registries, RegistryError, lookup};

/// What was signed of the sources of a pack, by their places.
pub(super) type Targets = HashMap<String, Target>;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    /// The pack.
    pub pack_ref: PackRef,
    /// The only registry that may answer.
    pub only: Option<String>,
}

/// What is known of one pack.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// A registry answers for it.
    Offered(Arc<Answer>),
    /// None of these offers it; they are all that may.
    Nowhere(Vec<String>),
}

/// The entry of a pack in the registry that answers for it.
#[derive(Debug)]
pub(crate) struct Answer {
    registry: Arc<Registry>,
    /// Where the registry lies, and so where it may lead to.
    realm: Realm,
    /// What was signed of its sources, where the registry is signed.
    targets: Option<Targets>,
    /// What the registry says of the pack.
    pub entry: Entry,
}

impl Answer {
    /// The registry's name.
    #[must_use]
    pub(crate) fn registry(&self) -> &str {
        &self.registry.name
    }

    /// Where one version of the pack comes from.
    ///
    /// # Errors
    /// [`RegistryError`]: it is not offered, or from no place that may be used.
    pub(crate) fn offer(&self, version: &Version) -> Result<Offer, RegistryError> {
        let targets = self.targets.as_ref();
        lookup::offer(&self.registry, self.realm, &self.entry, targets, version)
    }
}

/// A look at the registries, in the state in which they were first seen.
#[derive(Debug)]
pub(crate) struct Look {
    registries: Registries,
    confirmed: HashMap<String, Result<Arc<Registry>, Arc<RegistryError>>>,
    /// What was odd but not in the way, such as an index that could not be refreshed.
    pub warnings: Vec<String>,
}

impl Registries {
    /// Why there is nobody who may answer for a pack, if that is so.
    #[must_use]
    pub(crate) fn unanswered(
        &self,
        pack_ref: &PackRef,
        only: Option<&str>,
    ) -> Option<RegistryError> {
        self.asked(pack_ref, only).err()
    }
}

impl Look {
    /// A look that has seen nothing yet.
    #[must_use]
    pub(crate) fn new(registries: &Registries) -> Self {
        Self {
            registries: registries.clone(),
            confirmed: HashMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Who answers for each of these packs, in their order: the first registry, by priority, that has it.
    ///
    /// # Errors
    /// For each pack [`RegistryError`]. A registry that cannot be asked and has no cache ends the look-up of every
    /// pack that it may have: the next one must not answer for it.
    pub(crate) async fn find(
        &mut self,
        sought: &[Sought],
    ) -> Vec<Result<Known, Arc<RegistryError>>> {
        let mut found: Vec<Option<Result<Known, Arc<RegistryError>>>> = Vec::new();
        let mut may_answer: Vec<Vec<Registry>> = Vec::new();
        for Sought { pack_ref, only } in sought {
            let (registries, known) = match self.registries.asked(pack_ref, only.as_deref()) {
                Ok(registries) => (registries, None),
                Err(RegistryError::None { .. }) => (Vec::new(), None),
                Err(error) => (Vec::new(), Some(Err(Arc::new(error)))),
            };
            may_answer.push(registries);
            found.push(known);
        }
        for registry in self.in_order() {
            let open: Vec<usize> = (0..sought.len())
                .filter(|number| {
                    found[*number].is_none()
                        && may_answer[*number]
                            .iter()
                            .any(|may| may.name == registry.name)
                })
                .collect();
            if open.is_empty() {
                continue;
            }
            let registry = match self.confirm(registry).await {
                Ok(registry) => registry,
                Err(error) => {
                    for number in open {
                        found[number] = Some(Err(Arc::clone(&error)));
                    }
                    continue;
                }
            };
            // until it has answered, nobody knows that it lies in a private network
            let realm = self.registries.realm_of(&registry).unwrap_or(Realm::Public);
            let refs: Vec<&PackRef> = open
                .iter()
                .map(|number| &sought[*number].pack_ref)
                .collect();
            match self.entries(&registry, refs).await {
                Ok(entries) => {
                    for (number, entry) in open.into_iter().zip(entries) {
                        found[number] = entry.map(|entry| match entry {
                            Ok((entry, targets)) => Ok(Known::Offered(Arc::new(Answer {
                                registry: Arc::clone(&registry),
                                realm,
                                targets,
                                entry,
                            }))),
                            Err(error) => Err(Arc::new(error)),
                        });
                    }
                }
                Err(error) => {
                    let error = Arc::new(RegistryError::from(error));
                    for number in open {
                        found[number] = Some(Err(Arc::clone(&error)));
                    }
                }
            }
        }
        let nowhere = |registries: Vec<Registry>| {
            Known::Nowhere(
                registries
                    .into_iter()
                    .map(|registry| registry.name)
                    .collect(),
            )
        };
        found
            .into_iter()
            .zip(may_answer)
            .map(|(found, registries)| found.unwrap_or_else(|| Ok(nowhere(registries))))
            .collect()
    }

    /// The registries that offer a pack although one that comes before them answers for it, with its versions
    /// there, as far as their cached indexes say.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub(crate) async fn shadowed(
        &self,
        pack_ref: &PackRef,
        by: &str,
    ) -> Result<Vec<(String, Vec<Version>)>, RegistryError> {
        let asked = self.registries.asked(pack_ref, None)?;
        let mut shadowed = Vec::new();
        for registry in asked
            .iter()
            .skip_while(|registry| registry.name != by)
            .skip(1)
        {
            if let Some(row) = self.registries.entry(registry, pack_ref).await? {
                let releases = lookup::read(&row)?.releases.into_iter();
                let usable = releases.filter(|release| !release.yanked);
                shadowed.push((
                    registry.name.clone(),
                    usable.map(|release| release.version).collect(),
                ));
            }
        }
        Ok(shadowed)
    }

    /// Refs that are nearly this one, the nearest first, of all registries that may offer it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub(crate) async fn nearest(&self, pack_ref: &PackRef) -> Result<Vec<String>, RegistryError> {
        let asked = match self.registries.asked(pack_ref, None) {
            Ok(asked) => asked,
            Err(RegistryError::None { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        Ok(self.registries.nearest(pack_ref.as_str(), &asked).await?)
    }

    /// The enabled registries, in the order they are asked.
    fn in_order(&self) -> Vec<Registry> {
        let config = self.registries.inner.config.current();
        let enabled = config.registries.iter().filter(|registry| registry.enabled);
        enabled.cloned().collect()
    }

    /// Sees to it that the cached index of a registry is current, once.
    async fn confirm(&mut self, registry: Registry) -> Result<Arc<Registry>, Arc<RegistryError>> {
        if let Some(known) = self.confirmed.get(&registry.name) {
            return known.clone();
        }
        let name = registry.name.clone();
        let current = match self.registries.revalidate(&registry).await {
            Ok(warning) => {
                self.warnings.extend(warning);
                // what is cached is not offered because it is there
                self.registries.vouched(&registry).await
            }
            Err(error) => Err(error),
        };
        let confirmed = match current {
            Ok(warnings) => {
                self.warnings.extend(warnings);
                Ok(Arc::new(registry))
            }
            Err(error) => Err(Arc::new(error)),
        };
        self.confirmed.insert(name, confirmed.clone());
        confirmed
    }

    /// The entries of one registry for these packs, in their order.
    async fn entries(
        &self,
        registry: &Registry,
        refs: Vec<&PackRef>,
    ) -> Result<Vec<Option<Result<(Entry, Option<Targets>), RegistryError>>>, StoreError> {
        let name = registry.name.clone();
        let is_signed = registry.trust == Trust::Signed;
        let refs: Vec<String> = refs.into_iter().map(ToString::to_string).collect();
        self.registries
            .inner
            .database
            .read(move |connection| {
                let mut entries = Vec::with_capacity(refs.len());
                for pack_ref in refs {
                    let row = store::index::entry(connection, &name, &pack_ref)?;
                    let Some(entry) = row.map(|row| lookup::read(&row)) else {
                        entries.push(None);
                        continue;
                    };
                    let targets = match &entry {
                        Ok(entry) if is_signed => {
                            let places = entry.releases.iter().flat_map(|release| {
                                let place = |source| sign::place(source, &release.version);
                                release.sources.iter().map(place)
                            });
                            Some(store::trust::targets(connection, &name, places)?)
                        }
                        _ => None,
                    };
                    entries.push(Some(entry.map(|entry| (entry, targets))));
                }
                Ok(entries)
            })
            .await
    }
}
