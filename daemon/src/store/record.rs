//! The file `<version>-<d12>.record.json` beside a tree: where it came from, who put it here, when, and what was compared.
//!
//! It is what the rows of `install` say, written before a generation has the pack, so that a database that is lost can be made
//! again from the store. Nothing else reads it: while there is a database, that is the truth.

use std::path::PathBuf;

use packd_format::Digest;
use serde::{Deserialize, Serialize};

use super::generation::sync_folder;
use super::pack::{Installed, Record};
use super::tree::written;
use super::{StoreError, quarantine};
use crate::config::Layout;

/// What is written of one install.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct InstallRecord {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its version.
    pub version: String,
    /// Its tree, relative to `store/`.
    pub dir: String,
    /// The job that installed it.
    pub job: i64,
    /// The generation that it was installed for.
    pub generation: i64,
    /// When; RFC 3339, UTC.
    pub installed_at: String,
    /// The newest event then: numbers after a loss of the database begin far above it.
    pub event: i64,
    /// What is known of the pack.
    pub record: Record,
}

/// The file: the record, and the digest by which damage to it is found.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    digest: String,
    install: InstallRecord,
}

impl Sealed {
    fn of(install: InstallRecord) -> Self {
        let bytes = serde_json::to_vec(&install).unwrap_or_default();
        Self {
            digest: Digest::sha256_of(&bytes).to_string(),
            install,
        }
    }
}

impl InstallRecord {
    /// What is to be written of an installed pack.
    pub(crate) fn of(pack: &Installed, event: i64) -> Self {
        Self {
            pack_ref: pack.pack_ref.clone(),
            version: pack.version.clone(),
            dir: pack.dir.clone(),
            job: pack.job,
            generation: pack.generation,
            installed_at: pack.at.clone(),
            event,
            record: pack.record.clone(),
        }
    }
}

/// The record of a tree, beside it.
#[must_use]
pub(crate) fn path(layout: &Layout, dir: &str) -> PathBuf {
    layout.store().join(format!("{dir}.record.json"))
}

/// Writes records and syncs them; one that is there is replaced as a whole. Blocks.
///
/// # Errors
/// [`StoreError::Io`].
pub(crate) fn write(layout: &Layout, records: &[InstallRecord]) -> Result<(), StoreError> {
    for record in records {
        let path = path(layout, &record.dir);
        let shelf = layout.store().join(&record.pack_ref);
        let bytes = serde_json::to_vec_pretty(&Sealed::of(record.clone())).unwrap_or_default();
        quarantine::clear_for_file(layout, &path)?;
        written(&shelf, &bytes)?
            .persist(&path)
            .map_err(|error| StoreError::at("write", &path)(error.error))?;
        sync_folder(&shelf)?;
    }
    Ok(())
}

/// The record of a tree, unless it is missing, damaged, or that of something else. Blocks.
#[must_use]
pub(crate) fn read(layout: &Layout, dir: &str) -> Option<InstallRecord> {
    let bytes = fs_err::read(path(layout, dir)).ok()?;
    let Sealed { digest, install } = serde_json::from_slice(&bytes).ok()?;
    let again = Sealed::of(install);
    (again.digest == digest && again.install.dir == dir).then_some(again.install)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::within(folder.path());
        let dir = "slack/1.0.0-0123456789ab";
        fs_err::create_dir_all(layout.store().join(dir)).unwrap();
        let record = InstallRecord {
            pack_ref: "slack".into(),
            version: "1.0.0".into(),
            dir: dir.into(),
            job: 7,
            generation: 3,
            installed_at: "2026-01-01T00:00:00.000Z".into(),
            event: 41,
            record: Record::with_dependencies(&["teams@^1"]),
        };
        assert_eq!(read(&layout, dir), None);
        write(&layout, std::slice::from_ref(&record)).unwrap();
        write(&layout, std::slice::from_ref(&record)).unwrap();
        assert_eq!(read(&layout, dir), Some(record));

        let place = path(&layout, dir);
        let whole = fs_err::read(&place).unwrap();
        let mut flipped = whole.clone();
        let at = flipped
            .windows(5)
            .position(|bytes| bytes == b"teams")
            .unwrap();
        flipped[at] = b's';
        for harm in [&whole[..whole.len() / 2], b"", &flipped] {
            fs_err::write(&place, harm).unwrap();
            assert_eq!(read(&layout, dir), None);
        }
        let other = path(&layout, "slack/2.0.0-0123456789ab");
        fs_err::write(other, &whole).unwrap();
        assert_eq!(
            read(&layout, "slack/2.0.0-0123456789ab"),
            None,
            "it is another's"
        );
    }
}
