//! The runtimes that a pack needs: `runtime_deps`, and the versions of Python and Node.js.

use super::fields::{Fields, wrong_kind, wrong_value};
use super::needs::MAX_DEPENDENCIES;
use super::yaml::{Node, Value};
use super::{ManifestError, RuntimeRequirement};
use crate::name::shown;
use crate::requirement::{Requirement, RequirementError};

/// `runtime_deps`, `python` and `nodejs`. The first error of several is that of `runtime_deps`.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Vec<RuntimeRequirement>, ManifestError> {
    let mut found = match fields.get("runtime_deps") {
        Some(node) => listed_runtimes(node, fields).unwrap_or_default(),
        None => Vec::new(),
    };
    for (key, name) in [("python", "python3"), ("nodejs", "nodejs")] {
        let Some(node) = fields.get(key) else {
            continue;
        };
        let Some(text) = node.text() else {
            fields.warn(
                node,
                &format!(
                    "`{key}` must be a version, not {}; it is left out",
                    node.kind()
                ),
            );
            continue;
        };
        let requirement = at_least(text.trim()).map_err(|source| ManifestError::Runtime {
            at: node.at,
            shown: shown(text),
            source,
        })?;
        found.push(RuntimeRequirement {
            name: name.to_owned(),
            requirement,
        });
    }
    Ok(found)
}

fn listed_runtimes(node: &Node, fields: &mut Fields<'_>) -> Option<Vec<RuntimeRequirement>> {
    let items = match &node.value {
        Value::List(items) if items.len() > MAX_DEPENDENCIES => {
            let why = format!("has more than {MAX_DEPENDENCIES} entries");
            return fields.keep(Err(wrong_value(node, "runtime_deps", why)));
        }
        Value::List(items) => items.as_slice(),
        Value::Text(_) | Value::Plain(_) => std::slice::from_ref(node),
        Value::Null | Value::Map(_) => {
            return fields.keep(Err(wrong_kind(node, "runtime_deps", "a list of runtimes")));
        }
    };
    let mut found = Vec::new();
    for item in items.iter().filter(|item| !item.is_null()) {
        let read = item
            .text()
            .ok_or_else(|| wrong_kind(item, "runtime_deps", "a list of texts"))
            .and_then(|text| {
                runtime(text).map_err(|source| ManifestError::Runtime {
                    at: item.at,
                    shown: shown(text),
                    source,
                })
            });
        found.extend(fields.keep(read));
    }
    Some(found)
}

/// `python3>=3.8`: a name, and a requirement from the first operator on.
fn runtime(text: &str) -> Result<RuntimeRequirement, RequirementError> {
    let text = text.trim();
    let operator = |c: char| matches!(c, '<' | '>' | '=' | '^' | '~' | '@');
    let (name, requirement) = text.split_at(text.find(operator).unwrap_or(text.len()));
    let name = name.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        return Err(RequirementError {
            shown: shown(text),
            why: "it must begin with a runtime's name".to_owned(),
        });
    }
    let requirement = match requirement.trim_start_matches('@').trim() {
        "" => Requirement::any(),
        requirement => requirement.parse()?,
    };
    Ok(RuntimeRequirement {
        name: name.to_owned(),
        requirement,
    })
}

/// A version where a requirement is meant: `3.9` is `>=3.9`.
fn at_least(text: &str) -> Result<Requirement, RequirementError> {
    if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([',', '*', 'x']) {
        format!(">={text}").parse()
    } else {
        text.parse()
    }
}
