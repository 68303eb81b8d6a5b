//! Which trees of the store running jobs count on, so that nothing takes them away meanwhile.
//!
//! A job takes a lease on a tree before it looks whether the tree is there, and keeps it until the tree is named by a
//! generation or the job has ended. Only in memory: after a crash no job runs, and each begins again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who counts on what; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leases(Arc<Mutex<BTreeMap<String, usize>>>);

/// That a tree stays, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    leases: Leases,
    dir: String,
}

impl Leases {
    /// Counts on the tree `dir`, which is relative to `store/` and need not be there yet. Waits while somebody takes
    /// something away, which is a matter of renames.
    #[must_use]
    pub(crate) fn take(&self, dir: &str) -> Lease {
        *self.held().entry(dir.to_owned()).or_default() += 1;
        Lease {
            leases: self.clone(),
            dir: dir.to_owned(),
        }
    }

    /// Whether somebody counts on a tree, or on one below the folder of a pack.
    #[must_use]
    pub(crate) fn is_held(&self, dir: &str) -> bool {
        covers(&self.held(), dir)
    }

    /// Does what takes a tree away, or the folder of a pack, unless somebody counts on it. Nobody can begin to
    /// meanwhile. Blocks.
    pub(crate) fn unless_held<T>(&self, dir: &str, act: impl FnOnce() -> T) -> Option<T> {
        let held = self.held();
        (!covers(&held, dir)).then(act)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn covers(held: &BTreeMap<String, usize>, dir: &str) -> bool {
    let below = |name: &String| {
        name.strip_prefix(dir)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    held.keys().any(below)
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.leases.take(&self.dir)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.leases.held();
        if let Some(count) = held.get_mut(&self.dir) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.dir);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_counts_on_is_not_taken_away() {
        let leases = Leases::default();
        let one = leases.take("slack/1.0.0-0123456789ab");
        let two = one.clone();
        drop(one);
        let took = |dir: &str| leases.unless_held(dir, || ()).is_some();
        assert!(!took("slack/1.0.0-0123456789ab"), "the clone holds it");
        assert!(!took("slack"), "nor the folder that it lies in");
        assert!(took("slack/2.0.0-0123456789ab"));
        assert!(took("sla"), "a folder is no beginning of a name");
        drop(two);
        assert!(took("slack/1.0.0-0123456789ab"));
        assert!(took("slack"));
    }
}
