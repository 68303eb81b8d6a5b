//! What a pack consists of, in numbers.

use serde::{Deserialize, Serialize};

use crate::manifest::{Components, Manifest};
use crate::tree::{FileKind, FileList};

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
        let Components {
            actions,
            sensors,
            triggers,
            rules,
            workflows,
        } = &manifest.components;
        let count = |listed: &Option<Vec<String>>, folders: &[&str]| {
            let found = match listed {
                Some(names) => names.len(),
                None => folders.iter().map(|folder| files_in(files, folder)).sum(),
            };
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        Self {
            actions: count(actions, &["actions/"]),
            sensors: count(sensors, &["sensors/"]),
            triggers: count(triggers, &["triggers/"]),
            rules: count(rules, &["rules/"]),
            workflows: count(workflows, &["workflows/", "actions/workflows/"]),
        }
    }
}

/// How many YAML files lie directly in a folder.
fn files_in(files: &FileList, folder: &str) -> usize {
    let in_folder = |path: &str| {
        let yaml = [".yaml", ".yml"].iter().any(|end| path.ends_with(end));
        path.strip_prefix(folder)
            .is_some_and(|name| yaml && !name.contains('/') && !name.starts_with('.'))
    };
    files
        .entries()
        .iter()
        .filter(|entry| matches!(entry.kind, FileKind::File { .. }) && in_folder(&entry.path))
        .count()
}
