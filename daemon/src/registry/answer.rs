//! Who answers for packs while a plan is made: each registry is confirmed once, and asked about many packs at a
//! time.

use std::collections::HashMap;
use std::sync::Arc;

use packd_format::sign::{self, RegistryId, Target};
use packd_format::{Entry, PackRef, Version};

use crate::config::{Registry, Resolution, Trust};
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
    /// What its root calls the registry, where it is signed.
    registry_id: Option<RegistryId>,
    /// What the registry says of the pack.
    pub entry: Entry,
}

impl Answer {
    /// The registry's name.
    #[must_use]
    pub(crate) fn registry(&self) -> &str {
        &self.registry.name
    }

    /// What the root of the registry calls it, if it is signed: who else takes its name is another one.
    #[must_use]
    pub(crate) fn registry_id(&self) -> Option<&RegistryId> {
        self.registry_id.as_ref()
    }

    /// Where one version of the pack comes from.
    ///
    /// # Errors
    /// [`RegistryError`]: it is not offered, or from no place that may be used.
    pub(crate) fn offer(&self, version: &Version) -> Result<Offer, RegistryError> {
        let targets = self.targets.as_ref();
        let offer = lookup::offer(&self.registry, self.realm, &self.entry, targets, version)?;
        Ok(Offer {
            registry_id: self.registry_id.clone(),
            ..offer
        })
    }
}

/// What one registry says of several packs.
struct Entries {
    /// What its root calls it, where it is signed.
    registry_id: Option<RegistryId>,
    /// The entry of each pack, where it has one, with what was signed of it.
    entries: Vec<Option<Read>>,
}

/// An entry with what was signed of it, or why it cannot be read.
type Read = Result<(Entry, Option<Targets>), RegistryError>;

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

    /// The registries of the same priority that offer a pack too, as far as their cached indexes say: only their names
    /// decide between them.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub(crate) async fn equals(&self, answer: &Answer) -> Result<Vec<String>, RegistryError> {
        let pack_ref = &answer.entry.pack_ref;
        let mut equals = Vec::new();
        for registry in self.asked(pack_ref, None)? {
            let is_equal = registry.priority == answer.registry.priority
                && registry.name != answer.registry.name;
            if is_equal && self.entry(&registry, pack_ref).await?.is_some() {
                equals.push(registry.name);
            }
        }
        Ok(equals)
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

    /// Who answers for each of these packs, in their order: the first registry, by priority, that has it. Where the
    /// configuration wants it to be the only one, all that may have it are asked.
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
        let resolution = self.registries.inner.config.current().routing.resolution;
        // where one answer is enough, whoever gave it is not followed by others
        let must_be_alone =
            |sought: &Sought| resolution == Resolution::Unique && sought.only.is_none();
        let mut rivals: Vec<Vec<String>> = vec![Vec::new(); sought.len()];
        for registry in self.in_order() {
            let open: Vec<usize> = (0..sought.len())
                .filter(|number| match &found[*number] {
                    None => true,
                    Some(Ok(_)) => must_be_alone(&sought[*number]),
                    Some(Err(_)) => false,
                })
                .filter(|number| {
                    let mut may = may_answer[*number].iter();
                    may.any(|may| may.name == registry.name)
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
                Ok(Entries {
                    registry_id,
                    entries,
                }) => {
                    for (number, entry) in open.into_iter().zip(entries) {
                        let Some(entry) = entry else { continue };
                        if found[number].is_some() {
                            rivals[number].push(registry.name.clone());
                            continue;
                        }
                        found[number] = Some(match entry {
                            Ok((entry, targets)) => Ok(Known::Offered(Arc::new(Answer {
                                registry: Arc::clone(&registry),
                                realm,
                                targets,
                                registry_id: registry_id.clone(),
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
        refuse_rivals(&mut found, rivals, sought);
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
    ) -> Result<Entries, StoreError> {
        let name = registry.name.clone();
        let is_signed = registry.trust == Trust::Signed;
        let refs: Vec<String> = refs.into_iter().map(ToString::to_string).collect();
        self.registries
            .inner
            .database
            .read(move |connection| {
                let trust = if is_signed {
                    store::trust::get(connection, &name)?
                } else {
                    None
                };
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
                Ok(Entries {
                    registry_id: trust.and_then(|trust| trust.held.registry_id),
                    entries,
                })
            })
            .await
    }
}

/// Refuses packs that others offer too, where the first one has to be the only one.
fn refuse_rivals(
    found: &mut [Option<Result<Known, Arc<RegistryError>>>],
    rivals: Vec<Vec<String>>,
    sought: &[Sought],
) {
    for ((found, rivals), Sought { pack_ref, .. }) in found.iter_mut().zip(rivals).zip(sought) {
        if let Some(Ok(Known::Offered(first))) = found
            && !rivals.is_empty()
        {
            let first = first.registry().to_owned();
            *found = Some(Err(Arc::new(RegistryError::Ambiguous {
                pack: pack_ref.clone(),
                registries: [first].into_iter().chain(rivals).collect(),
            })));
        }
    }
}
