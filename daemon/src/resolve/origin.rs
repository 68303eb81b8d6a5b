//! Where an installed pack may come from: the registry that it came from, as long as its name means the same one.

use super::ResolveError;
use crate::registry::Answer;
use crate::store::pack::Installed;

/// Whether a pack may come from another registry than it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It stays with its own.
    Stays,
    /// An admin has said so of it.
    MayChange,
}

impl From<bool> for Origin {
    fn from(change_origin: bool) -> Self {
        if change_origin {
            Self::MayChange
        } else {
            Self::Stays
        }
    }
}

/// Refuses to take an installed pack from where it did not come from; what somebody should know where it may be.
///
/// A registry that was not signed and is now is the same one, and so is one that an admin accepts without signatures.
///
/// # Errors
/// [`ResolveError::OtherRegistry`], [`ResolveError::OtherRoot`].
pub(super) fn check(
    installed: Option<&Installed>,
    answer: &Answer,
    origin: Origin,
) -> Result<Option<String>, ResolveError> {
    let difference = installed.and_then(|pack| difference(pack, answer));
    match (difference, origin) {
        (None, _) => Ok(None),
        (Some(error), Origin::Stays) => Err(error),
        (Some(error), Origin::MayChange) => Ok(Some(format!("{error}, as was asked for"))),
    }
}

/// What makes a registry another one than the one that an installed pack came from.
fn difference(pack: &Installed, answer: &Answer) -> Option<ResolveError> {
    let registry = pack.record.registry.as_ref()?;
    if registry != answer.registry() {
        return Some(ResolveError::OtherRegistry {
            pack: pack.pack_ref.clone(),
            registry: registry.clone(),
            other: answer.registry().to_owned(),
        });
    }
    match (&pack.record.registry_id, answer.registry_id()) {
        (Some(known), Some(other)) if known != other => Some(ResolveError::OtherRoot {
            pack: pack.pack_ref.clone(),
            registry: registry.clone(),
            known: known.to_string(),
            other: other.to_string(),
        }),
        _ => None,
    }
}
