//! What a pack needs: the packs, and the version of Attune or StackStorm.

use super::dependency::DependencyError;
use super::fields::{Fields, wrong_kind, wrong_value};
use super::yaml::{Node, Position, Value};
use super::{Dependency, ManifestError};
use crate::name::{PackRef, shown};
use crate::requirement::Requirement;

/// The most dependencies, and the most runtimes.
pub(super) const MAX_DEPENDENCIES: usize = 1024;

/// What a pack needs, as it is collected.
#[derive(Default)]
pub(super) struct Needs {
    pub(super) dependencies: Vec<Dependency>,
    /// Where each of them is.
    pub(super) places: Vec<Position>,
    /// Of Attune or StackStorm; what stands in `dependencies` counts.
    pub(super) engine: Option<String>,
}

impl Needs {
    /// `dependencies`: a list, a mapping of refs to requirements, or the mapping that indexes have.
    pub(super) fn read(&mut self, node: &Node, fields: &mut Fields<'_>) {
        match &node.value {
            Value::Null => {}
            Value::Text(_) | Value::Plain(_) => self.add(node, dependency(node), fields),
            Value::List(items) => {
                for item in items.iter().filter(|item| !item.is_null()) {
                    self.add(item, dependency(item), fields);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    match key.text.as_str() {
                        "attune_version" | "stackstorm_version" => {
                            self.engine = (value.text().map(str::to_owned)).or(self.engine.take());
                        }
                        // what the host must have, as `python` and `nodejs` on the top level say it
                        "python_version" | "nodejs_version" => {}
                        "packs" if !matches!(value.value, Value::Text(_) | Value::Plain(_)) => {
                            self.read(value, fields);
                        }
                        name => self.add(value, named_dependency(name, value), fields),
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        node: &Node,
        dependency: Result<Dependency, ManifestError>,
        fields: &mut Fields<'_>,
    ) {
        if self.dependencies.len() == MAX_DEPENDENCIES {
            let why = format!("has more than {MAX_DEPENDENCIES} entries");
            if fields.errors.is_empty() {
                fields.errors.push(wrong_value(node, "dependencies", why));
            }
            return;
        }
        if let Some(dependency) = fields.keep(dependency) {
            self.dependencies.push(dependency);
            self.places.push(node.at);
        }
    }
}

/// One element of a list: a text, or a mapping of `ref` and `version`.
fn dependency(item: &Node) -> Result<Dependency, ManifestError> {
    if let Some(text) = item.text() {
        let fail = |source| ManifestError::Dependency {
            at: item.at,
            shown: shown(text),
            source,
        };
        return text.parse().map_err(fail);
    }
    let name = ["ref", "pack", "name"]
        .iter()
        .find_map(|key| item.get(key).and_then(Node::text));
    match name {
        Some(name) => named_dependency(name, item),
        None => Err(wrong_kind(
            item,
            "dependencies",
            "a list of refs, each with or without `@version`",
        )),
    }
}

/// A dependency whose requirement stands apart from its name.
fn named_dependency(name: &str, value: &Node) -> Result<Dependency, ManifestError> {
    let fail = |source| ManifestError::Dependency {
        at: value.at,
        shown: shown(name),
        source,
    };
    let pack_ref: PackRef = name
        .parse()
        .map_err(|error| fail(DependencyError::Ref(error)))?;
    let requirement = match &value.value {
        Value::Null => None,
        Value::Map(_) => match value.get("version") {
            Some(version) => Some(
                version
                    .text()
                    .ok_or_else(|| wrong_kind(version, "version", "a version requirement"))?,
            ),
            None => None,
        },
        Value::Text(text) | Value::Plain(text) => Some(text.as_str()),
        Value::List(_) => return Err(wrong_kind(value, name, "a version requirement")),
    };
    let requirement = match requirement {
        Some(text) => text
            .parse()
            .map_err(|error| fail(DependencyError::Requirement(error)))?,
        None => Requirement::any(),
    };
    Ok(Dependency::new(pack_ref, requirement))
}
