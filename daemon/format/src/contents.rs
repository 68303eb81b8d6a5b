//! What a pack consists of, in numbers. By name it is in [`crate::components`].

use serde::{Deserialize, Serialize};

use crate::components::{self, Kind};
use crate::manifest::Manifest;
use crate::tree::FileList;

#[cfg(test)]
mod tests;

/// How many components of each kind a pack has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Things that can be run.
    pub actions: u32,
    /// Things that watch.
    pub sensors: u32,
    /// Things that happen.
    pub triggers: u32,
    /// What follows when they do.
    pub rules: u32,
    /// Actions made of others.
    pub workflows: u32,
}

impl Contents {
    /// Counts the components of a pack: those the manifest lists, else the files in their folders.
    #[must_use]
    pub fn of(manifest: &Manifest, files: &FileList) -> Self {
        let count = |kind: Kind| {
            let found = match kind.listed(manifest) {
                Some(listed) => listed.len(),
                None => components::files(kind, files).count(),
            };
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        Self {
            actions: count(Kind::Action),
            sensors: count(Kind::Sensor),
            triggers: count(Kind::Trigger),
            rules: count(Kind::Rule),
            workflows: count(Kind::Workflow),
        }
    }
}
