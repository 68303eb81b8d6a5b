//! What a pack consists of, by name: what an index tells people about it.
//!
//! The names are those that the manifest lists, else those in the component files, whose form belongs to the
//! engine and not to packd: a file that cannot be read is worth a word and keeps nothing from being done.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::manifest::yaml::{self, Node};
use crate::manifest::{MAX_BYTES, Manifest};
use crate::name::{cut, shown};
use crate::tree::{FileKind, FileList};

mod file;
#[cfg(test)]
mod tests;

/// The most components of one kind that are listed.
pub const MAX_COMPONENTS: usize = 1024;

/// The longest name, in bytes; longer ones are cut.
pub const MAX_NAME: usize = 256;

/// The longest description, in bytes; longer ones are cut.
pub const MAX_DESCRIPTION: usize = 1024;

/// The most bytes of all names and descriptions together: an index entry must have room for them
/// ([`crate::index::MAX_ENTRY_BYTES`]).
const MAX_TOTAL: usize = 512 * 1024;

/// One component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// What it is called, as written: `ref` where it has one (`slack.post`), else `name`.
    pub name: String,
    /// What it does; may be empty.
    pub description: String,
}

impl Component {
    /// A component whose texts are trimmed, and cut where they are longer than they may be.
    #[must_use]
    pub fn new(name: &str, description: &str) -> Self {
        Self {
            name: cut(name.trim(), MAX_NAME).to_owned(),
            description: cut(description.trim(), MAX_DESCRIPTION).to_owned(),
        }
    }
}

/// The components of a pack by kind, and what was odd about them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Things that can be run.
    pub actions: Vec<Component>,
    /// Things that watch.
    pub sensors: Vec<Component>,
    /// Things that happen.
    pub triggers: Vec<Component>,
    /// What follows when they do.
    pub rules: Vec<Component>,
    /// Actions made of others.
    pub workflows: Vec<Component>,
    /// What could not be read, each with its file.
    pub warnings: Vec<String>,
}

/// The kinds that indexes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Sensor,
    Trigger,
    Rule,
    Workflow,
}

impl Kind {
    /// What the manifest lists of this kind.
    pub(crate) fn listed(self, manifest: &Manifest) -> Option<&[Component]> {
        let components = &manifest.components;
        match self {
            Self::Action => components.actions.as_deref(),
            Self::Sensor => components.sensors.as_deref(),
            Self::Trigger => components.triggers.as_deref(),
            Self::Rule => components.rules.as_deref(),
            Self::Workflow => components.workflows.as_deref(),
        }
    }

    /// The folders with the files of this kind.
    fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Action => &["actions/"],
            Self::Sensor => &["sensors/"],
            Self::Trigger => &["triggers/"],
            Self::Rule => &["rules/"],
            Self::Workflow => &["workflows/", "actions/workflows/"],
        }
    }
}

/// The component files of a kind: YAML directly in one of its folders, sorted by path within each.
pub(crate) fn files(kind: Kind, files: &FileList) -> impl Iterator<Item = &str> {
    kind.folders().iter().flat_map(move |folder| {
        let in_folder = move |path: &str| {
            let yaml = [".yaml", ".yml"].iter().any(|end| path.ends_with(end));
            path.strip_prefix(folder)
                .is_some_and(|name| yaml && !name.contains('/') && !name.starts_with('.'))
        };
        files
            .entries()
            .iter()
            .filter(|entry| matches!(entry.kind, FileKind::File { .. }))
            .map(|entry| entry.path.as_str())
            .filter(move |path| in_folder(path))
    })
}

impl Inventory {
    /// Lists the components of the pack in `folder`, whose files are `files`.
    ///
    /// Only files of that list are opened, none through a link, each up to [`MAX_BYTES`].
    #[must_use]
    pub fn read(folder: &Path, manifest: &Manifest, files: &FileList) -> Self {
        let mut list = Lister {
            folder,
            manifest,
            files,
            left: MAX_TOTAL,
            warnings: Vec::new(),
        };
        Self {
            actions: list.kind(Kind::Action, "actions"),
            sensors: list.kind(Kind::Sensor, "sensors"),
            triggers: list.kind(Kind::Trigger, "triggers"),
            rules: list.kind(Kind::Rule, "rules"),
            workflows: list.kind(Kind::Workflow, "workflows"),
            warnings: list.warnings,
        }
    }
}

struct Lister<'a> {
    folder: &'a Path,
    manifest: &'a Manifest,
    files: &'a FileList,
    /// Bytes of names and descriptions that there is room for.
    left: usize,
    warnings: Vec<String>,
}

impl Lister<'_> {
    fn kind(&mut self, kind: Kind, key: &str) -> Vec<Component> {
        let mut found = Vec::new();
        if let Some(listed) = kind.listed(self.manifest) {
            for component in listed {
                if !self.take(&mut found, component.clone(), key) {
                    break;
                }
            }
            return found;
        }
        for path in files(kind, self.files) {
            match read_file(self.folder, path) {
                Ok(component) => {
                    if !self.take(&mut found, component, key) {
                        break;
                    }
                }
                Err(why) => self
                    .warnings
                    .push(format!("`{}` is left out: {why}", shown(path))),
            }
        }
        found
    }

    /// Takes a component, if there is room for it.
    fn take(&mut self, into: &mut Vec<Component>, component: Component, key: &str) -> bool {
        let bytes = component.name.len() + component.description.len();
        if into.len() >= MAX_COMPONENTS || bytes > self.left {
            self.warnings
                .push(format!("there are more {key} than are listed"));
            return false;
        }
        self.left -= bytes;
        into.push(component);
        true
    }
}

/// What a component file says of itself; else it is called as its file is.
fn read_file(folder: &Path, path: &str) -> Result<Component, String> {
    let bytes =
        file::read(folder, path, MAX_BYTES).map_err(|error: io::Error| error.to_string())?;
    let root = yaml::parse_usual(&bytes, MAX_BYTES).map_err(|error| error.to_string())?;
    if root.map().is_none() {
        return Err(format!("it must be a mapping, not {}", root.kind()));
    }
    let text = |key: &str| {
        let text = root.get(key).and_then(Node::text).map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let file_name = path.rsplit('/').next().unwrap_or(path);
    let stem = file_name
        .rsplit_once('.')
        .map_or(file_name, |(stem, _)| stem);
    // a sensor of StackStorm goes by its class
    let name = ["ref", "name", "class_name"].into_iter().find_map(text);
    Ok(Component::new(
        name.unwrap_or(stem),
        text("description").unwrap_or_default(),
    ))
}
