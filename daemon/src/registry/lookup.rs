//! Which registries may answer for a pack, and where the bytes of what they offer are.

use std::time::Duration;

use packd_format::sign::RegistryId;
use packd_format::{Dependency, Digest, Entry, Nearest, PackRef, Release, Source, Version};

use crate::config::{Registry, Trust};
use crate::net::Realm;
use crate::source::archive::Location;
use crate::source::git::Repository;
use crate::store::index::{EntryRow, IndexRow};
use crate::store::{self, StoreError, time};

use super::answer::Targets;
use super::place::{locate, repository};
use super::{Registries, RegistryError, in_words, trust};

/// An index that was confirmed this recently is not asked about again.
const FRESH: Duration = Duration::from_secs(10);

/// A registry that failed this recently is not tried again by a look-up that can use its cache.
const GIVE_UP: Duration = Duration::from_secs(15);

/// How long a look-up waits for a registry whose cached index it can use instead.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many versions, or refs, an error lists.
const LISTED: usize = 10;

/// A release that a registry offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The registry.
    pub registry: String,
    /// What its root calls it, if it is signed.
    pub registry_id: Option<RegistryId>,
    /// The version.
    pub version: Version,
    /// What it needs, where the index says so.
    pub needs: Option<Vec<Dependency>>,
    /// Where its bytes are, the best first; at least one.
    pub sources: Vec<OfferSource>,
    /// What was odd but not in the way, such as an index that could not be refreshed.
    pub warnings: Vec<String>,
}

/// One place where a release's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct OfferSource {
    /// How to get there.
    pub place: OfferPlace,
    /// The same for people and records, without credentials.
    pub shown: String,
    /// What the bytes must digest to.
    pub checksum: Option<Digest>,
    /// How many they are.
    pub size: Option<u64>,
    /// What the tree of the pack must digest to.
    pub tree: Option<Digest>,
    /// Whether the registry has signed what the bytes must be.
    pub signed: bool,
}

/// Where a release's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum OfferPlace {
    /// In an archive.
    Archive(Location),
    /// In a repository.
    Git(Box<OfferGit>),
}

/// A repository that an entry names.
#[derive(Debug, Clone)]
pub(crate) struct OfferGit {
    /// The repository.
    pub repository: Repository,
    /// The branch, tag or commit.
    pub git_ref: Option<String>,
    /// The commit that was published, when the entry says it.
    pub commit: Option<String>,
}

impl OfferSource {
    /// Whether nothing says what its bytes must be.
    fn is_unproven(&self) -> bool {
        match &self.place {
            OfferPlace::Archive(_) => self.checksum.is_none(),
            OfferPlace::Git(git) => git.commit.is_none(),
        }
    }
}

impl Registries {
    /// The registries that may answer, in the order they are asked.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Disabled`], [`RegistryError::None`].
    pub(super) fn asked(
        &self,
        pack_ref: &PackRef,
        only: Option<&str>,
    ) -> Result<Vec<Registry>, RegistryError> {
        let config = self.inner.config.current();
        let allowed = |registry: &Registry| config.may_offer(registry, pack_ref.as_str());
        if let Some(name) = only {
            let registry = self.enabled(name)?;
            if allowed(&registry) {
                return Ok(vec![registry]);
            }
            let mut others = config.registries.iter();
            let owner = others.find(|one| one.exclusive && allowed(one));
            if let Some(owner) = owner.filter(|_| registry.refs.allows(pack_ref.as_str())) {
                return Err(RegistryError::Exclusive {
                    pack: pack_ref.clone(),
                    registry: registry.name,
                    owner: owner.name.clone(),
                });
            }
            return Ok(Vec::new());
        }
        let asked: Vec<_> = config
            .registries
            .iter()
            .filter(|registry| registry.enabled && allowed(registry))
            .cloned()
            .collect();
        if asked.is_empty() {
            let may = config.registries.iter().filter(|one| allowed(one));
            return Err(RegistryError::None {
                pack: pack_ref.to_string(),
                disabled: may.map(|registry| registry.name.clone()).collect(),
            });
        }
        Ok(asked)
    }

    /// The enabled registry of this name.
    pub(super) fn enabled(&self, name: &str) -> Result<Registry, RegistryError> {
        let registry = self.configured(name)?;
        if registry.enabled {
            return Ok(registry);
        }
        Err(RegistryError::Disabled {
            name: name.to_owned(),
        })
    }

    /// The registry of this name, enabled or not.
    pub(super) fn configured(&self, name: &str) -> Result<Registry, RegistryError> {
        let config = self.inner.config.current();
        if let Some(registry) = config.registry(name) {
            return Ok(registry.clone());
        }
        let known = config
            .registries
            .iter()
            .map(|registry| registry.name.as_str());
        Err(RegistryError::Unknown {
            name: name.to_owned(),
            nearest: packd_format::nearest(name, known).map(ToOwned::to_owned),
        })
    }

    /// Confirms that the cached index is current; when that fails, says how old it is.
    pub(super) async fn revalidate(
        &self,
        registry: &Registry,
    ) -> Result<Option<String>, RegistryError> {
        let row = self.cached(registry).await?;
        let recent = |at: Option<&str>, span| at.is_some_and(|at| time::was_within(at, span));
        let is_cached = row.digest.is_some();
        // where a registry lies is not remembered across a restart, and what it may lead to depends on it
        let is_located = self.realm_of(registry).is_some();
        if is_cached && is_located && row.failures == 0 && recent(row.checked_at.as_deref(), FRESH)
        {
            return Ok(None);
        }
        if is_cached && recent(row.failed_at.as_deref(), GIVE_UP) {
            return Ok(Some(stale(&row)));
        }
        let refresh = self.refresh_one(registry);
        let refreshed = if is_cached {
            let Ok(refreshed) = tokio::time::timeout(PATIENCE, refresh).await else {
                return Ok(Some(stale(&IndexRow {
                    error: Some(format!("no answer within {} s", PATIENCE.as_secs())),
                    failed_at: Some(time::now()),
                    ..row
                })));
            };
            refreshed
        } else {
            refresh.await
        };
        let Err(source) = refreshed? else {
            return Ok(None);
        };
        let row = self.cached(registry).await?;
        if row.digest.is_some() {
            return Ok(Some(stale(&row)));
        }
        Err(RegistryError::Unreachable {
            name: registry.name.clone(),
            source,
        })
    }

    pub(super) async fn entry(
        &self,
        registry: &Registry,
        pack_ref: &PackRef,
    ) -> Result<Option<EntryRow>, StoreError> {
        let (name, pack_ref) = (registry.name.clone(), pack_ref.to_string());
        self.inner
            .database
            .read(move |connection| store::index::entry(connection, &name, &pack_ref))
            .await
    }

    /// What is wrong with the entries of a pack that were left out of the indexes of these registries.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn left_out(
        &self,
        pack_ref: &PackRef,
        asked: &[String],
    ) -> Result<Vec<String>, StoreError> {
        // by number in Attune's form, by key in StackStorm's
        let marks = [
            format!("] `{pack_ref}`, line "),
            format!("packs.{pack_ref}, line "),
        ];
        let mut found = Vec::new();
        for name in asked {
            let config = self.inner.config.current();
            let Some(registry) = config.registry(name) else {
                continue;
            };
            let row = self.cached(registry).await?;
            let mut problems = row.problems.into_iter();
            found.extend(problems.find(|one| marks.iter().any(|mark| one.contains(mark.as_str()))));
        }
        Ok(found)
    }

    /// Refs that the asked registries offer and that are nearly this one.
    pub(super) async fn nearest(
        &self,
        pack_ref: &str,
        asked: &[Registry],
    ) -> Result<Vec<String>, StoreError> {
        let asked: Vec<_> = asked
            .iter()
            .map(|registry| (registry.name.clone(), registry.clone()))
            .collect();
        let config = self.inner.config.current();
        let wanted = pack_ref.to_owned();
        // on the thread of the database, because an index may have 100,000 refs
        let look = move |connection: &_| {
            let mut near = Nearest::new(&wanted);
            for (name, registry) in &asked {
                store::index::each_ref(connection, name, |known| {
                    if config.may_offer(registry, known) {
                        near.consider(known);
                    }
                })?;
            }
            Ok(near.best(3))
        };
        self.inner.database.read(look).await
    }
}

/// That a cached index is used, and since when: a failure of a moment ago need not be true any more.
pub(super) fn stale(row: &IndexRow) -> String {
    let age = |at: &Option<String>| at.as_deref().map(time::since).unwrap_or_default();
    let failed = match age(&row.failed_at) {
        just_now if just_now.as_secs() == 0 => String::new(),
        before => format!(" {} ago", in_words(before)),
    };
    format!(
        "registry `{}` could not be asked{failed} ({}); its cached index is used, confirmed {} ago",
        row.name,
        row.error.as_deref().unwrap_or("no reason known"),
        in_words(age(&row.checked_at))
    )
}

pub(super) fn read(row: &EntryRow) -> Result<Entry, RegistryError> {
    Entry::parse(&row.raw, Some(&row.pack_ref)).map_err(|source| RegistryError::Entry {
        pack: row.pack_ref.clone(),
        registry: row.registry.clone(),
        source: Box::new(source),
    })
}

/// Where one version of a pack comes from.
pub(super) fn offer(
    registry: &Registry,
    realm: Realm,
    entry: &Entry,
    targets: Option<&Targets>,
    version: &Version,
) -> Result<Offer, RegistryError> {
    let pack_ref = &entry.pack_ref;
    let release = entry
        .release(version)
        .ok_or_else(|| RegistryError::NoVersion {
            pack: pack_ref.clone(),
            requirement: version.to_string(),
            registry: registry.name.clone(),
            hint: None,
            available: available(entry),
        })?;
    let sources = sources(registry, realm, pack_ref, release, targets)?;
    let mut warnings = Vec::new();
    if registry.trust == Trust::Unverified && sources.iter().any(OfferSource::is_unproven) {
        warnings.push(format!(
            "registry `{}` is `trust: unverified`: nobody vouches for the bytes of `{pack_ref}`",
            registry.name
        ));
    }
    Ok(Offer {
        registry: registry.name.clone(),
        registry_id: None,
        version: release.version.clone(),
        needs: release.needs_known.then(|| release.dependencies.clone()),
        sources,
        warnings,
    })
}

/// The newest versions that a registry offers and has not withdrawn.
fn available(entry: &Entry) -> Vec<String> {
    entry
        .releases
        .iter()
        .filter(|release| !release.yanked)
        .take(LISTED)
        .map(|release| release.version.to_string())
        .collect()
}

/// Where the bytes of a release are, as absolute places that the rules allow. Archives go first: their checksum is
/// of the very bytes, and they are whole in one request.
fn sources(
    registry: &Registry,
    realm: Realm,
    pack_ref: &PackRef,
    release: &Release,
    targets: Option<&Targets>,
) -> Result<Vec<OfferSource>, RegistryError> {
    let (pack, version, name) = (
        pack_ref.to_string(),
        release.version.to_string(),
        registry.name.clone(),
    );
    let mut sources = Vec::new();
    let mut problem = None;
    // what is signed says it all; what is not signed is not there
    let mut signed = Vec::new();
    let of_release = match targets {
        None => release.sources.as_slice(),
        Some(targets) => {
            for source in &release.sources {
                match trust::as_signed(source, &release.version, targets) {
                    Ok(source) => signed.push(source),
                    Err(reason) => {
                        problem.get_or_insert_with(|| RegistryError::NotSigned {
                            pack: pack.clone(),
                            registry: name.clone(),
                            reason,
                        });
                    }
                }
            }
            signed.as_slice()
        }
    };
    for source in of_release {
        let Source::Archive {
            url,
            checksum,
            size,
            tree,
        } = source
        else {
            continue;
        };
        if checksum.is_none() && registry.trust != Trust::Unverified {
            problem.get_or_insert_with(|| RegistryError::NoChecksum {
                pack: pack.clone(),
                version: version.clone(),
                registry: name.clone(),
            });
            continue;
        }
        match locate(registry, realm, &pack, url) {
            Ok((location, shown)) => {
                sources.push(OfferSource {
                    place: OfferPlace::Archive(location),
                    shown,
                    checksum: *checksum,
                    size: *size,
                    tree: *tree,
                    signed: targets.is_some(),
                });
            }
            // one that may not be used is no reason against the next
            Err(error) => drop(problem.get_or_insert(error)),
        }
    }
    for source in of_release {
        let Source::Git {
            url,
            git_ref,
            commit,
            tree,
            ..
        } = source
        else {
            continue;
        };
        match repository(registry, realm, &pack, url) {
            Ok(repository) => sources.push(OfferSource {
                shown: repository.url.to_string(),
                place: OfferPlace::Git(Box::new(OfferGit {
                    repository,
                    git_ref: git_ref.clone(),
                    commit: commit.clone(),
                })),
                checksum: None,
                size: None,
                tree: *tree,
                signed: targets.is_some(),
            }),
            Err(error) => drop(problem.get_or_insert(error)),
        }
    }
    match problem {
        _ if !sources.is_empty() => Ok(sources),
        Some(error) => Err(error),
        None => Err(RegistryError::NoSource {
            pack,
            version,
            registry: name,
        }),
    }
}
