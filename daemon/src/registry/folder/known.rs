//! What is known of the packs of a folder, kept in a file so that a start does not read all of them again.
//!
//! It saves work and decides nothing: what it says of a pack is only believed as long as the pack's files look as they
//! did, and an install compares the bytes.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use packd_format::Version;
use packd_format::archive::Limits;
use packd_format::index::EntryDraft;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::logging::chain;

/// What is known of a folder's packs, by the names of their files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Known {
    /// Who looked, and what it took for too large: under others all is looked at again.
    of: String,
    pub(super) packs: BTreeMap<String, Pack>,
}

/// One of them, and what its files were like when it was looked at.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pack {
    pub(super) stamp: u64,
    /// What an index says of it, or why it is not offered.
    pub(super) entry: Result<Item, String>,
}

/// What an index says of a pack.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) pack_ref: String,
    pub(super) version: Version,
    pub(super) entry: Value,
}

impl From<&EntryDraft> for Item {
    fn from(draft: &EntryDraft) -> Self {
        Self {
            pack_ref: draft.pack_ref.to_string(),
            version: draft.version.clone(),
            entry: draft.to_json(),
        }
    }
}

impl Known {
    /// Nothing.
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            of: format!("packd {} {limits:?}", env!("CARGO_PKG_VERSION")),
            packs: BTreeMap::new(),
        }
    }

    /// What a file says; nothing where that cannot be used. Blocks.
    pub(super) fn read(path: &Path, limits: &Limits) -> Self {
        let nothing = Self::new(limits);
        let read = fs_err::read(path).ok();
        let known = read.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        known
            .filter(|known| known.of == nothing.of)
            .unwrap_or(nothing)
    }

    /// Keeps it in a file. Where that is not possible, all is looked at again the next time. Blocks.
    pub(super) fn write(&self, path: &Path) {
        if let Err(error) = self.try_write(path) {
            tracing::warn!(path = %path.display(), error = %chain(&error), "cannot keep what is known of a folder of packs");
        }
    }

    fn try_write(&self, path: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        if fs_err::read(path).is_ok_and(|before| before == bytes) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(path);
        fs_err::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(path)?;
        Ok(())
    }
}
