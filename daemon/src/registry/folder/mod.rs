//! A folder of packs as a registry: its index is made from what lies in it.
//!
//! Each sub-folder with a `pack.yaml`, and each archive, is one pack in one version. What cannot be one is left out and
//! told with the registry; the others are offered. The index says what the bytes must digest to, as every index does, so
//! what is installed is what was looked at. What is as it was is not read again.

mod item;
mod known;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use packd_format::Version;
use packd_format::archive::Format;
use packd_format::error::{chain, without_path};
use packd_format::index::update::RELEASE_KEYS;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use self::item::{ItemError, Look};
use self::known::{Item, Known, Pack};
use super::refresh::Read;
use super::{Registries, RegistryError, local};
use crate::config::Registry;
use crate::net::Validators;
use crate::source::{self, archive::Location};
use crate::store::StoreError;
use crate::store::index::IndexRow;
use crate::watch::{self, Subject, What};

/// The most packs of a folder; those after them by name are left out.
const MOST: usize = 10_000;

/// An index that was made.
struct Made {
    bytes: Vec<u8>,
    /// What is not offered, and why.
    problems: Vec<String>,
    known: Known,
}

impl Registries {
    /// Makes the index of a folder of packs, and takes it over.
    pub(super) async fn bring_folder(
        &self,
        registry: &Registry,
        row: &IndexRow,
    ) -> Result<(), RegistryError> {
        self.refuse_downgrade(registry).await?;
        let limits = self.inner.config.current().limits.clone();
        let (most, limits) = (limits.index_bytes.bytes(), source::limits(&limits));
        let folder = local::path_of(registry).unwrap_or_default();
        let known = self
            .inner
            .here
            .known
            .join(format!("{}.json", registry.name));
        let is_distrusted = self.distrusted().remove(&registry.name);
        let stop = CancellationToken::new();
        let _ends_the_thread_if_this_is_dropped = stop.clone().drop_guard();
        let (scratch, name) = (self.inner.here.scratch.clone(), registry.name.clone());
        let making = tokio::task::spawn_blocking(move || {
            let look = Look {
                limits: &limits,
                scratch: &scratch,
                stop: &stop,
            };
            let before = if is_distrusted {
                Known::new(look.limits)
            } else {
                Known::read(&known, look.limits)
            };
            let made = make(&name, &folder, look, before)?;
            made.known.write(&known);
            Ok::<_, RegistryError>(made)
        });
        let made = making.await;
        let Made {
            bytes, problems, ..
        } = made.map_err(|_| RegistryError::Store(StoreError::Panicked))??;
        if bytes.len() as u64 > most {
            let name = registry.name.clone();
            return Err(RegistryError::TooLarge { name, limit: most });
        }
        let read = Read {
            bytes: Bytes::from(bytes),
            validators: Validators::default(),
            trusted: None,
            problems,
        };
        self.replace(registry, row, read).await
    }

    /// Has the folder of a registry read again soon, all of it: something in it is not what it was taken for. Whether it
    /// is such a registry.
    pub(crate) fn distrust(&self, name: &str) -> bool {
        let config = self.inner.config.current();
        let is_folder = config
            .registry(name)
            .is_some_and(|one| one.url.scheme() == "dir");
        if is_folder {
            self.distrusted().insert(name.to_owned());
            self.inner.distrust.notify_one();
        }
        is_folder
    }
}

/// Where an entry of such an index has its bytes: something that lies in the folder itself.
///
/// # Errors
/// In words, what is wrong with it.
pub(super) fn locate(registry: &Registry, url: &str) -> Result<(Location, String), String> {
    let folder = local::path_of(registry).ok_or("the registry is no folder")?;
    let encoded = url.strip_prefix("./").unwrap_or(url);
    let (encoded, is_folder) = match encoded.strip_suffix('/') {
        Some(encoded) => (encoded, true),
        None => (encoded, false),
    };
    let name = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(format!(
            "`{url}` is not the name of something in the folder"
        ));
    }
    let path = folder.join(&name);
    let shown = format!("dir:{}", path.display());
    let location = if is_folder {
        Location::Folder {
            path,
            shown: shown.clone(),
        }
    } else {
        Location::File {
            path,
            shown: shown.clone(),
        }
    };
    Ok((location, shown))
}

/// Makes an index. Blocks.
fn make(name: &str, folder: &Path, look: Look<'_>, before: Known) -> Result<Made, RegistryError> {
    let unreadable = |error: std::io::Error| RegistryError::Read {
        name: name.to_owned(),
        path: folder.to_owned(),
        source: without_path(&error),
    };
    let mut problems = Vec::new();
    let mut names = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(unreadable)? {
        let found = entry.map_err(unreadable)?.file_name();
        match found.into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(odd) => problems.push(format!(
                "`{}`: its name is not UTF-8",
                odd.to_string_lossy()
            )),
        }
    }
    names.sort();
    let mut known = Known::new(look.limits);
    let mut before = before.packs;
    for name in names {
        let path = folder.join(&name);
        let Some(what) = kind_of(&path, &name, &mut problems) else {
            continue;
        };
        if known.packs.len() == MOST {
            problems.push(format!(
                "it has more than {MOST} packs; `{name}` and those after it are left out"
            ));
            break;
        }
        // before it is read: what changes meanwhile is read again the next time
        let stamp = watch::stamp(&Subject {
            path: path.clone(),
            what,
        });
        let pack = match before.remove(&name).filter(|pack| pack.stamp == stamp) {
            Some(pack) => pack,
            None => Pack {
                stamp,
                entry: read(look, &path, &name, what)?,
            },
        };
        known.packs.insert(name, pack);
    }
    let entries = entries(&known, &mut problems);
    // with the problems, so that others than before are another index
    let index = json!({"registry_name": name, "packs": entries, "problems": problems});
    Ok(Made {
        bytes: index.to_string().into_bytes(),
        problems,
        known,
    })
}

/// Whether something in the folder may be a pack, and as what it is looked at.
fn kind_of(path: &Path, name: &str, problems: &mut Vec<String>) -> Option<What> {
    let found = match fs_err::symlink_metadata(path) {
        Ok(found) => found,
        // it went since its name was read
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            problems.push(format!("`{name}`: {}", without_path(&error)));
            return None;
        }
    };
    let is_archive = Format::of_name(name).is_some();
    if found.is_dir() {
        return Some(What::Tree);
    }
    if found.is_file() {
        return is_archive.then_some(What::File);
    }
    if found.is_symlink() {
        problems.push(format!(
            "`{name}`: it is a link, and links are not followed here"
        ));
    } else if is_archive {
        problems.push(format!("`{name}`: it is no regular file"));
    }
    None
}

/// Looks at one pack; why it is not offered is part of what is known of it.
fn read(
    look: Look<'_>,
    path: &Path,
    name: &str,
    what: What,
) -> Result<Result<Item, String>, RegistryError> {
    let draft = match what {
        What::Tree => item::of_folder(look, path, name),
        What::File | What::Entries { .. } => item::of_archive(look, path, name),
    };
    match draft {
        Ok(draft) => Ok(Ok(Item::from(&draft))),
        // nobody waits for the answer
        Err(ItemError::Stopped) => Err(RegistryError::Store(StoreError::Panicked)),
        Err(error) => Ok(Err(chain(&error))),
    }
}

/// The entries of the index: each pack once, its newest version first.
fn entries(known: &Known, problems: &mut Vec<String>) -> Vec<Value> {
    let mut packs: BTreeMap<&str, BTreeMap<&Version, (&str, &Item)>> = BTreeMap::new();
    for (name, pack) in &known.packs {
        let item = match &pack.entry {
            Ok(item) => item,
            Err(why) => {
                problems.push(format!("`{name}`: {why}"));
                continue;
            }
        };
        let versions = packs.entry(&item.pack_ref).or_default();
        if let Some((first, _)) = versions.get(&item.version) {
            problems.push(format!(
                "`{name}`: it is `{}` {}, as is `{first}`, which is offered",
                item.pack_ref, item.version
            ));
            continue;
        }
        versions.insert(&item.version, (name, item));
    }
    let entry = |versions: BTreeMap<&Version, (&str, &Item)>| {
        let mut newest_first = versions
            .into_values()
            .rev()
            .map(|(_, item)| item.entry.clone());
        let mut entry = newest_first.next().unwrap_or_default();
        let others: Vec<Value> = newest_first.map(release).collect();
        if let Some(entry) = entry.as_object_mut().filter(|_| !others.is_empty()) {
            entry.insert("versions".to_owned(), others.into());
        }
        entry
    };
    packs.into_values().map(entry).collect()
}

/// What of an entry belongs to its version.
fn release(entry: Value) -> Value {
    let Value::Object(mut keys) = entry else {
        return entry;
    };
    let of_version = |key: &str| Some((key.to_owned(), keys.remove(key)?));
    RELEASE_KEYS
        .into_iter()
        .filter_map(of_version)
        .collect::<Map<_, _>>()
        .into()
}
