//! The file `degraded.json`: that the database was lost or is damaged, until an operator has seen it.
//!
//! It lies beside the database and not in it, since it is about the database.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use packd_wire::DegradedView;
use serde::{Deserialize, Serialize};

use super::generation::sync_folder;
use super::tree::written;
use super::{StoreError, time};

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// What operators are told.
    #[serde(flatten)]
    pub view: DegradedView,
    /// Whether the database that is in use is damaged, and all of it is to be looked at when packd starts.
    pub is_suspect: bool,
    /// Numbers of jobs that were seen before.
    pub job: i64,
    /// Numbers of events that were seen before.
    pub event: i64,
}

/// The mark as the running daemon has it; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Marker {
    folder: PathBuf,
    mark: Arc<Mutex<Option<Mark>>>,
}

impl Marker {
    /// The mark in this state folder. One that cannot be read is one all the same. Blocks.
    pub(super) fn load(folder: &Path) -> Self {
        let marker = Self {
            folder: folder.to_owned(),
            mark: Arc::default(),
        };
        let mark = match fs_err::read(marker.path()) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| unreadable())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(_) => Some(unreadable()),
        };
        *marker.lock() = mark;
        marker
    }

    /// What it says, if there is one.
    pub(crate) fn get(&self) -> Option<Mark> {
        self.lock().clone()
    }

    /// Sets it, on disk too. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`]; until the next start it is set all the same.
    pub(super) fn set(&self, mark: Mark) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec_pretty(&mark).unwrap_or_default();
        *self.lock() = Some(mark);
        let path = self.path();
        written(&self.folder, &bytes)?
            .persist(&path)
            .map_err(|error| StoreError::at("write", &path)(error.error))?;
        sync_folder(&self.folder)
    }

    /// Notes that something of the database was lost, and so many packs were found again. Blocks.
    ///
    /// # Errors
    /// Those of [`Self::set`].
    pub(super) fn lost(&self, reason: String, packs: u64) -> Result<(), StoreError> {
        let known = self.get();
        // packd was killed before it had done something about it
        if known
            .as_ref()
            .is_some_and(|mark| mark.view.reason.contains(&reason))
        {
            return Ok(());
        }
        let view = DegradedView {
            at: time::now(),
            reason: match &known {
                Some(mark) => format!("{}; {reason}", mark.view.reason),
                None => reason,
            },
            quarantine: known.as_ref().and_then(|mark| mark.view.quarantine.clone()),
            packs,
            unrecorded: 0,
        };
        self.set(Mark {
            view,
            is_suspect: known.as_ref().is_some_and(|mark| mark.is_suspect),
            job: known.as_ref().map_or(0, |mark| mark.job),
            event: known.as_ref().map_or(0, |mark| mark.event),
        })
    }

    /// Notes that the database that is in use is damaged. Blocks.
    pub(super) fn suspect(&self, reason: &str) {
        let known = self.get();
        if known.as_ref().is_some_and(|mark| mark.is_suspect) {
            return;
        }
        let reason = format!("`packd.db` is damaged: {reason}; a restart of packd rebuilds it");
        tracing::error!("{reason}");
        let mark = Mark {
            view: DegradedView {
                at: time::now(),
                reason,
                quarantine: known.as_ref().and_then(|mark| mark.view.quarantine.clone()),
                packs: 0,
                unrecorded: 0,
            },
            is_suspect: true,
            job: known.as_ref().map_or(0, |mark| mark.job),
            event: known.as_ref().map_or(0, |mark| mark.event),
        };
        if let Err(error) = self.set(mark) {
            tracing::error!(error = %crate::logging::chain(&error), "cannot note that the database is damaged");
        }
    }

    /// An operator has seen it: forgets it, and says what it was. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) fn acknowledge(&self) -> Result<Option<Mark>, StoreError> {
        let path = self.path();
        match fs_err::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::at("remove", &path)(error));
            }
            _ => {}
        }
        sync_folder(&self.folder)?;
        Ok(self.lock().take())
    }

    /// The state folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join("degraded.json")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Mark>> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable() -> Mark {
    Mark {
        view: DegradedView {
            at: time::now(),
            reason: "the database was lost or damaged before; `degraded.json`, which said how, is damaged too".into(),
            quarantine: None,
            packs: 0,
            unrecorded: 0,
        },
        is_suspect: true,
        job: 0,
        event: 0,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn it_stays_over_restarts_until_it_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let marker = Marker::load(folder.path());
        assert_eq!(marker.get(), None);
        assert_eq!(marker.acknowledge().unwrap(), None);
        marker.suspect("malformed");
        let again = Marker::load(folder.path());
        assert_eq!(again.get(), marker.get());
        assert!(again.get().unwrap().is_suspect);
        assert!(again.acknowledge().unwrap().is_some());
        assert_eq!(Marker::load(folder.path()).get(), None);
    }

    #[test]
    fn a_damaged_one_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("degraded.json"), "{").unwrap();
        assert!(Marker::load(folder.path()).get().unwrap().is_suspect);
    }
}
