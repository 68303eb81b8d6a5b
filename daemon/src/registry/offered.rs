//! What the cached indexes offer of packs, without asking anybody.

use std::collections::BTreeMap;

use packd_format::{Entry, Release};

use super::Registries;
use crate::store::{self, StoreError};

/// What is known of the releases of one pack in the registry that it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Offered {
    /// Its releases, the newest first.
    Releases(Vec<Release>),
    /// The index does not have it.
    Nothing,
    /// There is no index yet.
    Unread,
    /// The registry is disabled.
    Disabled,
    /// The registry is not configured.
    Unknown,
    /// It came from no registry.
    NoRegistry,
}

impl Registries {
    /// What each of these registries offers of its pack.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn offered(
        &self,
        packs: Vec<(String, String)>,
    ) -> Result<BTreeMap<String, Offered>, StoreError> {
        let config = self.inner.config.current();
        let mut found = BTreeMap::new();
        let mut ask = Vec::new();
        for (pack_ref, name) in packs {
            match config.registry(&name) {
                None => drop(found.insert(pack_ref, Offered::Unknown)),
                Some(registry) if !registry.enabled => {
                    found.insert(pack_ref, Offered::Disabled);
                }
                Some(registry) if !registry.refs.allows(&pack_ref) => {
                    found.insert(pack_ref, Offered::Nothing);
                }
                Some(registry) => ask.push((pack_ref, name, registry.url.to_string())),
            }
        }
        let read = self.inner.database.read(move |connection| {
            let mut offered = Vec::new();
            for (pack_ref, name, url) in ask {
                let index = store::index::get(connection, &name)?;
                let is_read = index.is_some_and(|row| row.url == url && row.digest.is_some());
                let entry = if is_read {
                    store::index::entry(connection, &name, &pack_ref)?
                } else {
                    None
                };
                let of_it = match entry {
                    None if is_read => Offered::Nothing,
                    None => Offered::Unread,
                    // what was read once can be read again
                    Some(row) => match Entry::parse(&row.raw, Some(&row.pack_ref)) {
                        Ok(entry) => Offered::Releases(entry.releases),
                        Err(_) => Offered::Nothing,
                    },
                };
                offered.push((pack_ref, of_it));
            }
            Ok(offered)
        });
        found.extend(read.await?);
        Ok(found)
    }
}
