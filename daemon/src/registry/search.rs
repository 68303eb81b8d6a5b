//! What registries offer, by text and by pack.

use std::collections::BTreeMap;

use packd_format::PackRef;
use packd_wire::{AskedView, AvailableList, AvailableView, SearchList, SearchView};

use crate::config::{Registry, Trust};
use crate::store::{self, StoreError};

use super::{Registries, RegistryError, UNVERIFIED, lookup};

/// Registries after they were brought up to date.
#[derive(Default)]
struct Asked {
    /// Those of which something is known.
    registries: Vec<Registry>,
    /// What is old or missing, each in one line.
    warnings: Vec<String>,
    /// Those of which nothing is known, and why.
    failures: Vec<(Registry, RegistryError)>,
    /// How all of them fare.
    health: Vec<AskedView>,
}

impl Registries {
    /// Packs that contain `text`, the best first, at most `limit`; of one registry if `only` is given.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Disabled`], [`RegistryError::Store`]. A registry
    /// that cannot be asked is a warning in the list, and an error when no other one could be.
    pub(crate) async fn search(
        &self,
        text: &str,
        only: Option<&str>,
        limit: usize,
    ) -> Result<SearchList, RegistryError> {
        let Asked {
            registries,
            warnings,
            failures,
            health,
        } = self.current(only).await?;
        if registries.is_empty()
            && let Some((_, error)) = failures.into_iter().next()
        {
            return Err(error);
        }
        let installed = self.installed().await?;
        let mut hits = Vec::new();
        for (place, registry) in registries.iter().enumerate() {
            let (name, text) = (registry.name.clone(), text.to_owned());
            let (config, one) = (self.inner.config.current(), registry.clone());
            let look = move |connection: &_| {
                let allowed = |pack_ref: &str| config.may_offer(&one, pack_ref);
                store::index::search(connection, &name, &text, limit.saturating_add(1), allowed)
            };
            for hit in self.inner.database.read(look).await? {
                let shadowed = self
                    .is_shadowed(&registries[..place], &hit.pack_ref)
                    .await?;
                let view = SearchView {
                    installed: installed.get(&hit.pack_ref).cloned(),
                    pack_ref: hit.pack_ref,
                    label: hit.label,
                    version: hit.version,
                    description: hit.description,
                    author: hit.author,
                    keywords: hit.keywords,
                    registry: registry.name.clone(),
                    shadowed,
                    quality: None,
                };
                hits.push((hit.rank, place, view));
            }
        }
        hits.sort_by(|left, right| {
            (left.0, &left.2.pack_ref, left.1).cmp(&(right.0, &right.2.pack_ref, right.1))
        });
        let truncated = hits.len() > limit;
        hits.truncate(limit);
        let mut packs: Vec<_> = hits.into_iter().map(|(_, _, view)| view).collect();
        let versions: Vec<_> = packs
            .iter()
            .map(|pack| (pack.pack_ref.clone(), pack.version.clone()))
            .collect();
        let look = move |connection: &_| store::quality::of(connection, &versions);
        let quality = self.inner.database.read(look).await?;
        for pack in &mut packs {
            let key = (pack.pack_ref.clone(), pack.version.clone());
            pack.quality = quality.get(&key).copied();
        }
        Ok(SearchList {
            packs,
            truncated,
            warnings,
            registries: health,
        })
    }

    /// Every version of one pack, of the first registry that has it first, newest first.
    ///
    /// # Errors
    /// [`RegistryError::Store`], [`RegistryError::Entry`]. A registry that cannot be asked is a
    /// warning in the list; when no other one offers the pack it is an error, because it may do so.
    pub(crate) async fn available(
        &self,
        pack_ref: &PackRef,
    ) -> Result<AvailableList, RegistryError> {
        let Asked {
            registries,
            warnings,
            failures,
            health,
        } = self.current(None).await?;
        let installed = self.installed().await?;
        let config = self.inner.config.current();
        let mut versions = Vec::new();
        let mut shadowed = false;
        for registry in registries
            .iter()
            .filter(|registry| config.may_offer(registry, pack_ref.as_str()))
        {
            let Some(row) = self.entry(registry, pack_ref).await? else {
                continue;
            };
            for release in lookup::read(&row)?.releases {
                let version = release.version.to_string();
                versions.push(AvailableView {
                    installed: installed.get(pack_ref.as_str()) == Some(&version),
                    version,
                    registry: registry.name.clone(),
                    shadowed,
                    yanked: release.yanked,
                });
            }
            shadowed = true;
        }
        let may_offer = |registry: &Registry| config.may_offer(registry, pack_ref.as_str());
        if versions.is_empty()
            && let Some((_, error)) = failures.into_iter().find(|(one, _)| may_offer(one))
        {
            return Err(error);
        }
        let nearest = if versions.is_empty() {
            self.nearest(pack_ref.as_str(), &registries).await?
        } else {
            Vec::new()
        };
        Ok(AvailableList {
            pack_ref: pack_ref.to_string(),
            versions,
            nearest,
            warnings,
            registries: health,
        })
    }

    /// The newest version that each of these registries offers of its pack, where there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn newest(
        &self,
        packs: Vec<(String, String)>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        self.inner
            .database
            .read(move |connection| {
                let mut newest = BTreeMap::new();
                for (pack_ref, registry) in packs {
                    if let Some(entry) = store::index::entry(connection, &registry, &pack_ref)? {
                        newest.insert(pack_ref, entry.version);
                    }
                }
                Ok(newest)
            })
            .await
    }

    /// The enabled registries, or the one asked for, brought up to date as far as possible.
    async fn current(&self, only: Option<&str>) -> Result<Asked, RegistryError> {
        let registries = if let Some(name) = only {
            vec![self.enabled(name)?]
        } else {
            let config = self.inner.config.current();
            let enabled = config.registries.iter().filter(|registry| registry.enabled);
            enabled.cloned().collect()
        };
        let all = registries.iter().map(|registry| self.revalidate(registry));
        let revalidated = futures_util::future::join_all(all).await;
        let mut asked = Asked::default();
        for (registry, result) in registries.into_iter().zip(revalidated) {
            asked.health.push(AskedView {
                name: registry.name.clone(),
                health: self.view_of(&registry).await?.health,
            });
            if registry.trust == Trust::Unverified {
                let name = &registry.name;
                asked
                    .warnings
                    .push(format!("registry `{name}`: {UNVERIFIED}"));
            }
            match result {
                Ok(warning) => {
                    asked.registries.push(registry);
                    asked.warnings.extend(warning);
                }
                Err(RegistryError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    asked.warnings.push(crate::logging::chain(&error));
                    asked.failures.push((registry, error));
                }
            }
        }
        Ok(asked)
    }

    async fn is_shadowed(&self, above: &[Registry], pack_ref: &str) -> Result<bool, StoreError> {
        let config = self.inner.config.current();
        let names: Vec<_> = above
            .iter()
            .filter(|registry| config.may_offer(registry, pack_ref))
            .map(|registry| registry.name.clone())
            .collect();
        let pack_ref = pack_ref.to_owned();
        self.inner
            .database
            .read(move |connection| {
                for name in names {
                    if store::index::entry(connection, &name, &pack_ref)?.is_some() {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
            .await
    }

    async fn installed(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let active = self.inner.database.read(store::pack::active).await?;
        Ok(active
            .into_iter()
            .map(|(pack_ref, pack)| (pack_ref, pack.version))
            .collect())
    }
}
