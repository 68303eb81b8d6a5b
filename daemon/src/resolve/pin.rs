//! What the bytes of a pack have to be, whatever a registry says of them.

use packd_format::Digest;
use packd_wire::Verification;

use super::{Bytes, Wanted};
use crate::source::Place;

/// What was asked of bytes; nothing of it: they are as the registry says.
#[derive(Debug, Clone, Default)]
pub(super) struct Pin {
    /// The commit, in full.
    pub commit: Option<String>,
    /// The digest of the archive.
    pub archive: Option<Digest>,
    /// The digest of the tree.
    pub tree: Option<Digest>,
}

impl Pin {
    /// Whether anything was asked of the bytes.
    pub(super) fn is_some(&self) -> bool {
        self.commit.is_some() || self.archive.is_some() || self.tree.is_some()
    }

    /// Leaves only those places of a pack whose bytes can be the ones that are meant, and demands of them that they
    /// are; whether there are any.
    ///
    /// Where a registry has no digest of its own, that of the request counts.
    pub(super) fn admits(&self, wanted: &mut Wanted) -> bool {
        wanted.sources.retain_mut(|bytes| self.suits(bytes));
        !wanted.sources.is_empty()
    }

    fn suits(&self, bytes: &mut Bytes) -> bool {
        if let Some(commit) = &self.commit {
            let is_this = bytes
                .commit()
                .is_some_and(|chosen| chosen.commit.eq_ignore_ascii_case(commit));
            if !is_this {
                return false;
            }
        }
        if let Some(archive) = self.archive {
            match (&bytes.place, bytes.expected) {
                (Place::Git(_), _) => return false,
                (Place::Archive(_), None) => {
                    bytes.expected = Some(archive);
                    bytes.verified_by = Verification::RequestChecksum;
                }
                (Place::Archive(_), Some(expected)) => {
                    if expected.algorithm() == archive.algorithm() && expected != archive {
                        return false;
                    }
                }
            }
        }
        if let Some(tree) = self.tree {
            if bytes.tree.is_some_and(|known| known != tree) {
                return false;
            }
            bytes.tree = Some(tree);
        }
        true
    }
}
