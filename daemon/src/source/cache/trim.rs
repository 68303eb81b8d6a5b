//! How large the cache may become.

use std::collections::HashSet;
use std::fs::Metadata;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{Cache, PART, RECORD, is_archive, remove};

/// A file of the cache.
struct Held {
    path: PathBuf,
    name: String,
    bytes: u64,
    used: SystemTime,
}

impl Held {
    fn is_record(&self) -> bool {
        ending(&self.name, RECORD)
    }
}

/// Whether a name, of which we gave every one, has this ending.
fn ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, last)| last == ending)
}

/// Takes out what was used longest ago until what is left has at most `bytes` bytes.
fn beyond(held: &mut Vec<Held>, bytes: u64) -> Vec<Held> {
    held.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.name.cmp(&b.name)));
    let mut sum = 0_u64;
    let goes = |file: &mut Held| {
        if file.is_record() {
            return false;
        }
        let with = sum.saturating_add(file.bytes);
        let stays = with <= bytes;
        if stays {
            sum = with;
        }
        !stays
    };
    held.extract_if(.., goes).collect()
}

impl Cache {
    /// Removes what was used longest ago until what is left has at most `bytes` bytes, and what says something of
    /// nothing that is there. Blocks.
    pub(crate) fn trim(&self, bytes: u64) {
        let mut held = match self.held() {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, "cannot look through the cache");
                return;
            }
        };
        for file in beyond(&mut held, bytes) {
            remove(&file.path);
        }
        let names: HashSet<&str> = held.iter().map(|file| file.name.as_str()).collect();
        for record in &held {
            let Some((key, RECORD)) = record.name.rsplit_once('.') else {
                continue;
            };
            let archive = self.record(key).and_then(|record| record.archive());
            let has_part = names.contains(format!("{key}.{PART}").as_str());
            let has_archive = archive.is_some_and(|name| names.contains(name.as_str()));
            if !has_part && !has_archive {
                remove(&record.path);
            }
        }
    }

    /// What [`Cache::trim`] would remove, but for what says something of it. Blocks.
    pub(crate) fn excess(&self, bytes: u64) -> Vec<PathBuf> {
        let mut held = self.held().unwrap_or_default();
        let files = beyond(&mut held, bytes);
        files.into_iter().map(|file| file.path).collect()
    }

    /// Removes what was used longest ago until `bytes` bytes less are taken. Blocks.
    pub(crate) fn give_back(&self, bytes: u64) {
        let all: u64 = self
            .held()
            .map_or(0, |held| held.iter().map(|file| file.bytes).sum());
        self.trim(all.saturating_sub(bytes));
    }

    /// Everything that is ours; what else lies there is left alone.
    fn held(&self) -> std::io::Result<Vec<Held>> {
        let mut held = Vec::new();
        for entry in fs_err::read_dir(&self.inner.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_ours = is_archive(&name) || ending(&name, PART) || ending(&name, RECORD);
            // another job may have removed it just now
            let Some(about) = entry
                .metadata()
                .ok()
                .filter(Metadata::is_file)
                .filter(|_| is_ours)
            else {
                continue;
            };
            held.push(Held {
                path: entry.path(),
                name,
                bytes: about.len(),
                used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
            });
        }
        Ok(held)
    }
}
